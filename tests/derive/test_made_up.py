"""What a person asked and got, where the spans hold an older answer, a title or a cut history.

Each test is of a kind of fault that was seen with real programs: an answer that was not given in the
turn, a question that was not asked in it, an error that nobody saw.
"""

import json

import pytest
from builders import a_chat, a_span, new_trace_id
from deriving import derive

from otel_threads.derive import messages

SECOND = 10**9
OLD = [{"role": "user", "content": "Rome?"}, {"role": "assistant", "content": "Sunny."}]
OUTER = (
    "output.value",
    "traceloop.entity.output",
    "langfuse.observation.output",
    "mlflow.spanOutputs",
    "haystack.agent.output",
    "genkit:output",
)


def texts(*said):
    return json.dumps(
        [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in said]
    )


def a_root(**attributes):
    return a_span(trace_id=new_trace_id(), attributes={"session.id": "c", **attributes})


def asked(root, second, *said, answer=None, failed=None, parent=None, **attributes):
    """A request below a span: the messages of its history, and its answer."""
    start = root.start_time_unix_nano + second * SECOND
    given = attributes | {"gen_ai.input.messages": texts(*said)}
    span = a_chat(
        None,
        "",
        answer,
        trace_id=root.trace_id,
        parent_span_id=(parent or root).span_id,
        start=start,
        attributes=given,
    )
    if failed:
        span.status.code, span.status.message = 2, failed
    return span


def told(found):
    error = found.turn["error"]
    return found.turn["user"], found.turn["assistant"], error and error["message"]


# A state with a history of before


@pytest.mark.long
@pytest.mark.parametrize("attribute", OUTER)
@pytest.mark.parametrize(
    ("state", "answer", "shown"),
    [
        ({"question": "And Oslo?", "messages": OLD, "answer": "Snow."}, "", "Snow."),
        ({"question": "And Oslo?", "messages": OLD, "answer": None}, "", None),
        ({"messages": OLD, "answer": ""}, "", None),
        ({"input": "And Oslo?", "chat_history": OLD, "output": ""}, "", None),
        ({"input": "And Oslo?", "chat_history": OLD, "output": "Snow."}, "", "Snow."),
        ({"messages": [*OLD, {"role": "user", "content": ""}]}, "", None),
        ({"messages": [*OLD, {"role": "user", "content": []}]}, "", None),
        (OLD, "Snow.", "Snow."),
        ({"messages": OLD}, "Sunny.", "Sunny."),  # it was said again
    ],
)
def test_the_last_answer_of_a_state_is_of_its_own_question(attribute, state, answer, shown):
    history = (("user", "Rome?"), ("assistant", "Sunny."), ("user", "And Oslo?"))
    for said in (history, history[-1:]):  # also where the provider keeps the history
        root = a_root(**{attribute: json.dumps(state)})
        found = derive(root, asked(root, 1, *said, answer=answer or None))
        assert told(found) == ("And Oslo?", shown, None)


@pytest.mark.parametrize(
    "given",
    [
        {"question": "And Oslo?", "messages": OLD},
        {"input": "And Oslo?", "chat_history": OLD},
        {"args": ["session-1", "And Oslo?"], "kwargs": {}},
        {"args": [OLD, "And Oslo?"], "kwargs": {}},
        {"args": [], "kwargs": {"history": OLD, "message": "And Oslo?"}},
    ],
)
@pytest.mark.parametrize("attribute", ["input.value", "traceloop.entity.input", "genkit:input"])
def test_a_question_beside_a_history_or_an_id_is_the_persons(attribute, given):
    root = a_root(**{attribute: json.dumps(given)})
    found = derive(root, asked(root, 1, ("user", "And Oslo?"), answer="Snow."))
    assert told(found) == ("And Oslo?", "Snow.", None)


def test_a_question_without_words_is_a_turn_of_its_own():
    history = (("user", "Rome?"), ("assistant", "Sunny."))
    first, second = a_root(), a_root()
    found = derive(
        first,
        asked(first, 1, *history[:1], answer="Sunny."),
        second,
        asked(second, 9, *history, ("user", ""), answer=None),
    )
    assert found.said == [("Rome?", "Sunny."), (None, None)]


# A history that a limit cut


@pytest.mark.long
def test_a_cut_state_tells_no_older_answer_and_is_marked():
    state = json.dumps({"messages": [*OLD, {"role": "user", "content": "And Oslo?"}]})
    for length in range(60, len(state), 7):
        root = a_root(**{"output.value": state[:length]})
        found = derive(root, asked(root, 1, ("user", "And Oslo?"), answer=None))
        assert told(found) == ("And Oslo?", None, None), state[:length]
        assert found.turn["is_truncated"]


@pytest.mark.long
def test_of_a_cut_request_nobody_is_shown_whose_role_is_lost():
    history = [{"content": m["content"], "role": m["role"]} for m in (*OLD, OLD[0])]
    text = json.dumps(history)
    for length in range(text.index("Sunny"), text.index('"assistant"') + 10):
        found = messages.read(text[:length])
        assert (found[-1].role, found[-1].text) == ("assistant", None), text[:length]
        span = a_chat("c", "", "Snow.", attributes={"gen_ai.input.messages": text[:length]})
        assert derive(span).said == [(None, "Snow.")]


# What a program asks for itself


@pytest.mark.parametrize("words", [{}, {"input.value": "Plan a trip"}])
@pytest.mark.parametrize("second", [1, 3])
@pytest.mark.parametrize("answer", ["A trip plan for the summer", '["travel", "plan", "fun"]'])
def test_a_title_answers_nobody_and_hides_no_error(words, second, answer):
    root = a_root(**words)
    title = asked(root, second, ("user", "Write a title for: Plan a trip"), answer=answer)
    found = derive(root, asked(root, 2, ("user", "Plan a trip"), answer="Sure."), title)
    assert told(found) == ("Plan a trip", "Sure.", None)
    assert found.turn["call_count"] == 2
    assert [m["text"] for m in found.turn["messages"]] == ["Plan a trip", "Sure."]

    root = a_root(**words)
    title = asked(root, second, ("user", "Write a title for: Plan a trip"), answer=answer)
    found = derive(root, asked(root, 2, ("user", "Plan a trip"), failed="overloaded"), title)
    assert told(found) == ("Plan a trip", None, "overloaded")


def test_facts_that_are_taken_out_of_a_question_are_no_answer():
    root = a_root()
    facts = {"gen_ai.system_instructions": json.dumps([{"type": "text", "content": "As JSON"}])}
    found = derive(
        root,
        asked(root, 1, ("user", "I live in Rome"), answer="Nice!"),
        asked(root, 2, ("user", "I live in Rome"), answer='{"home": "Rome"}', **facts),
    )
    assert told(found) == ("I live in Rome", "Nice!", None)


def test_an_article_about_titles_is_an_answer():
    root = a_root()
    long = "A good title is short. " * 10
    found = derive(
        root,
        asked(root, 1, ("user", "Write about titles"), answer="An outline."),
        asked(
            root, 2, ("user", "Write the text with a title for: Write about titles"), answer=long
        ),
    )
    assert long.strip() in (found.turns[-1]["assistant"] or "").strip()


# Agents and attempts


def an_agent(root, second, name, parent=None):
    return a_span(
        trace_id=root.trace_id,
        parent_span_id=(parent or root).span_id,
        name=f"invoke_agent {name}",
        start=root.start_time_unix_nano + second * SECOND,
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name},
    )


def test_an_agent_below_an_agent_makes_no_turn():
    root = a_root()
    outer = an_agent(root, 1, "writer")
    inner = an_agent(root, 2, "researcher", outer)
    found = derive(
        root,
        outer,
        inner,
        asked(root, 1, ("user", "Find x"), answer="I look.", parent=outer),
        asked(root, 2, ("user", "Research: x"), answer="Found it.", parent=inner),
        asked(root, 3, ("user", "Find x"), ("assistant", "I look."), answer="Here.", parent=outer),
    )
    assert told(found) == ("Find x", "Here.", None)
    assert found.turn["call_count"] == 3


def test_the_same_words_put_to_an_agent_twice_are_two_turns():
    root = a_root()
    first, second = an_agent(root, 1, "shop"), an_agent(root, 5, "shop")
    found = derive(
        root,
        first,
        second,
        asked(root, 1, ("user", "yes"), answer="A1", parent=first),
        asked(root, 5, ("user", "yes"), failed="boom", parent=second),
    )
    assert found.said == [("yes", "A1"), ("yes", None)]


def test_of_requests_at_once_the_answered_one_counts():
    root = a_root()
    answered = asked(root, 1, ("user", "Q?"), answer="A.")
    answered.end_time_unix_nano = answered.start_time_unix_nano + 3 * SECOND
    given_up = asked(root, 2, ("user", "Q?"), failed="cancelled")
    assert told(derive(root, answered, given_up)) == ("Q?", "A.", None)


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"http.response.status_code": 503, "error.message": "overloaded"}, "503"),
        ({"gen_ai.response.finish_reasons": ["error"]}, "error"),
    ],
)
def test_a_request_that_failed_without_a_status_failed(attributes, kind):
    found = derive(a_chat("c", "Q?", None, attributes=attributes))
    assert found.turn["assistant"] is None
    assert found.turn["error"]["type"] == kind
