"""What is shown is what was said: no made-up success, no phantom thread, nothing raw.

Each test is of a kind of fault that public reports tell of, not of one library.
"""

import json
import random

import pytest
from builders import a_chat, a_request, a_span, any_value, new_trace_id
from deriving import a_record, derive

from otel_threads.core.model import Request, Signal
from otel_threads.decode import columns, logs, otlp_json, repair
from otel_threads.decode.record_spans import Alone
from otel_threads.derive.conventions import CONVENTIONS
from otel_threads.json_repair import whole_letters

SECOND = 10**9


def texts(*said):
    return json.dumps(
        [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in said]
    )


# Made-up success


def a_run(name, value, *, answer=None, status=None, **fields):
    """An outer span with a state, and a request inside of it that says `answer`."""
    trace = new_trace_id()
    outer = a_span(
        trace_id=trace, attributes={"gen_ai.conversation.id": "c", name: value}, **fields
    )
    if status:
        outer.status.code, outer.status.message = 2, status
    inner = a_chat("c", "And Oslo?", answer, trace_id=trace, parent_span_id=outer.span_id)
    return derive(outer, inner, scope="pydantic-ai")


HISTORY = [
    {"role": "user", "content": "Rome?"},
    {"role": "assistant", "content": "Sunny."},
    {"role": "user", "content": "And Oslo?"},
]


@pytest.mark.parametrize(
    ("attribute", "state"),
    [
        ("pydantic_ai.all_messages", HISTORY),
        ("all_messages_events", HISTORY),
        ("output.value", {"messages": HISTORY}),
        ("traceloop.entity.output", {"outputs": {"messages": HISTORY}}),
        ("haystack.agent.output", {"messages": HISTORY}),
        ("gen_ai.output.messages", HISTORY),
        ("mlflow.spanOutputs", {"messages": HISTORY}),
    ],
)
def test_a_history_that_ends_with_the_question_has_no_answer_to_it(attribute, state):
    found = a_run(attribute, json.dumps(state))

    assert found.said == [("And Oslo?", None)]


def test_an_outer_error_counts_whatever_texts_there_are():
    found = a_run("pydantic_ai.all_messages", json.dumps(HISTORY), status="no answer")

    assert found.said == [("And Oslo?", None)]
    assert found.turn["error"]["message"] == "no answer"


def test_an_answer_that_did_not_reach_the_person_has_its_error():
    found = a_run("output.value", "", answer="Snow.", status="the connection broke")

    assert found.turn["error"]["message"] == "the connection broke"


@pytest.mark.long
def test_no_answer_is_shown_twice_unless_it_was_said_twice():
    """Whatever fails, and wherever the history stands: every answer is shown once."""
    chance = random.Random(29)
    for _ in range(40):
        history, spans, expected = [], [], []
        start = 1_700_000_000 * SECOND
        for n in range(chance.randint(2, 6)):
            question, answer = f"Question {n}?", f"Answer {n}."
            fails = chance.random() < 0.4
            history = [*history, {"role": "user", "content": question}]
            trace = new_trace_id()
            whole = history if fails else [*history, {"role": "assistant", "content": answer}]
            holder = chance.choice(
                ["pydantic_ai.all_messages", "output.value", "haystack.agent.output"]
            )
            state = whole if holder.startswith("pydantic") else {"messages": whole}
            outer = a_span(
                trace_id=trace,
                start=start + n * SECOND,
                attributes={"gen_ai.conversation.id": "c", holder: json.dumps(state)},
            )
            inner = a_span(
                trace_id=trace,
                parent_span_id=outer.span_id,
                start=start + n * SECOND + 1,
                attributes={
                    "gen_ai.operation.name": "chat",
                    "gen_ai.request.model": "gpt-4o-mini",
                    "gen_ai.input.messages": json.dumps(history),
                },
            )
            if not fails:
                value = any_value(json.dumps([{"role": "assistant", "content": answer}]))
                inner.attributes.add(key="gen_ai.output.messages", value=value)
            history = whole
            spans += [outer, inner]
            expected.append((question, None if fails else answer))

        assert derive(*spans, scope="pydantic-ai").said == expected


# A failed turn is a turn


def test_a_root_that_failed_before_it_asked_a_model_is_a_turn():
    root = a_span(name="POST /chat", attributes={"session.id": "s"})
    root.status.code, root.status.message = 2, "the key is wrong"
    found = derive(root)

    assert found.said == [(None, None)]
    assert found.turn["error"]["message"] == "the key is wrong"


def test_a_failed_root_over_a_failed_request_is_one_turn():
    trace = new_trace_id()
    root = a_span(trace_id=trace, attributes={"session.id": "s"})
    inner = a_chat("s", "Rome?", None, trace_id=trace, parent_span_id=root.span_id)
    root.status.code = inner.status.code = 2

    assert derive(root, inner).said == [("Rome?", None)]


def test_a_failed_root_without_a_thread_is_none():
    root = a_span(name="GET /health")
    root.status.code = 2

    assert derive(root).said == []


# Which id is the conversation's


@pytest.mark.parametrize("kind", ["execute_tool", "invoke_agent"])
def test_an_id_that_an_inner_agent_makes_up_belongs_to_the_outer_conversation(kind):
    trace = new_trace_id()
    outer = a_span(
        trace_id=trace,
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "outer"},
    )
    between = a_span(
        trace_id=trace, parent_span_id=outer.span_id, attributes={"gen_ai.operation.name": kind}
    )
    agent = a_span(
        trace_id=trace,
        parent_span_id=between.span_id,
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "inner"},
    )

    assert derive(outer, between, agent).thread[0] == "outer"


def test_an_id_below_a_tool_counts_where_there_is_no_other():
    trace = new_trace_id()
    tool = a_span(trace_id=trace, attributes={"gen_ai.operation.name": "execute_tool"})
    chat = a_chat("inner", "Rome?", "Sunny.", trace_id=trace, parent_span_id=tool.span_id)

    assert derive(tool, chat).thread[0] == "inner"


@pytest.mark.parametrize(
    "value", ["unknown", "undefined", "None", "{}", "00000000-0000-0000-0000-000000000000"]
)
def test_a_placeholder_is_no_id(value):
    assert (
        derive(a_chat(None, "Rome?", "Sunny.", attributes={"session.id": value})).thread[0] is None
    )


@pytest.mark.parametrize("value", ["anonymous", "default", "test", "0"])
def test_a_name_that_people_choose_is_kept(value):
    assert (
        derive(a_chat(None, "Rome?", "Sunny.", attributes={"session.id": value})).thread[0] == value
    )


def test_an_id_of_the_span_itself_is_none():
    span = a_chat(None, "Rome?", "Sunny.", attributes={"gen_ai.response.id": "r-1"})
    span.attributes.add(key="session.id", value=any_value(span.trace_id.hex()))

    assert derive(span).thread[0] is None


def test_a_browsers_session_is_the_last_resort():
    trace = new_trace_id()
    click = a_span(trace_id=trace, attributes={"session.id": "b", "browser.name": "Firefox"})
    chat = a_chat(None, "Rome?", "Sunny.", trace_id=trace, parent_span_id=click.span_id)
    named = a_chat(
        None,
        "Rome?",
        "Sunny.",
        trace_id=trace,
        parent_span_id=click.span_id,
        attributes={"metadata.session_id": "m"},
    )

    assert derive(click, chat, named).thread[0] == "m"


# One bad character


def test_half_an_emoji_costs_nothing_but_itself():
    body = json.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": new_trace_id().hex(),
                                    "spanId": "eee19b7ec3c1b174",
                                    "name": "half \ud83d, whole 🙂",
                                    "startTimeUnixNano": "1",
                                    "endTimeUnixNano": "2",
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    )
    payload = otlp_json.to_wire(Signal.TRACES, body.encode())

    assert isinstance(payload, repair.Repaired)
    assert "half �, whole 🙂".encode() in payload


def test_bytes_that_are_no_text_cost_nothing_but_themselves():
    bad = a_request(a_span(attributes={"bad": "ABC", "good": "yes"})).replace(
        b"ABC", b"\xff\xfe\xfd"
    )
    kind = columns.wire.ExportTraceServiceRequest.DESCRIPTOR
    mended = repair.wire_bytes(bad, kind)

    assert b"yes" in mended
    columns.check(mended)


def test_what_is_no_request_stays_refused():
    with pytest.raises(ValueError, match="number"):
        repair.wire_bytes(b"\x0a\xff", columns.wire.ExportTraceServiceRequest.DESCRIPTOR)


def test_half_an_emoji_in_a_messages_json_is_one_character():
    value = '[{"role": "user", "content": "Nice \\ud83d"}]'
    found = derive(a_chat("c", "", "Thanks.", attributes={"gen_ai.input.messages": value}))

    assert found.said == [("Nice �", "Thanks.")]


def test_an_escaped_backslash_before_ud83d_stays():
    assert whole_letters('"C:\\\\ud83d"') == '"C:\\\\ud83d"'


# Cut data


@pytest.mark.parametrize("length", range(3, 90, 7))
def test_cut_json_is_never_shown_raw(length):
    value = texts(("system", "Be brief."), ("user", "Rome?"))[:length]
    found = derive(a_chat("c", "", "Sunny.", attributes={"gen_ai.input.messages": value}))

    ((user, assistant),) = found.said
    assert (user is None or "Rome?".startswith(user), assistant) == (True, "Sunny.")


def test_a_cut_question_is_shown_as_far_as_it_goes():
    value = texts(("user", "Look at this log: one two three"))[:-20]
    (turn,) = derive(a_chat("c", "", "Fine.", attributes={"gen_ai.input.messages": value})).turns

    assert turn["user"].startswith("Look at this log")
    assert turn["is_truncated"]


def test_an_older_question_is_not_shown_for_one_behind_the_cut():
    value = texts(("user", "Rome?"), ("assistant", "Sunny, with a light wind."), ("user", "Oslo?"))
    span = a_chat("c", "", "Snow.", attributes={"gen_ai.input.messages": value[:-90]})

    assert derive(span).said == [(None, "Snow.")]


def test_dropped_attributes_reach_the_turn():
    span = a_chat("c", "Rome?", "Sunny.", dropped_attributes_count=3)

    assert derive(span).turn["is_truncated"]


def test_whole_data_is_not_truncated():
    assert not derive(a_chat("c", "Rome?", "Sunny.")).turn["is_truncated"]


# A call by its facts


@pytest.mark.parametrize("operation", ["llm_call", "handle_responses", None])
def test_a_span_with_tokens_and_none_below_it_is_a_request(operation):
    attributes = {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 2}
    if operation:
        attributes["gen_ai.operation.name"] = operation
    root = a_span(attributes={"session.id": "s"})
    span = a_span(trace_id=root.trace_id, parent_span_id=root.span_id, attributes=attributes)

    assert derive(root, span).tokens["input_tokens"] == 9


def test_an_agents_sum_counts_once():
    trace = new_trace_id()
    agent = a_span(
        trace_id=trace,
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
        },
    )
    inner = a_chat("c", "Rome?", "Sunny.", trace_id=trace, parent_span_id=agent.span_id)

    assert derive(agent, inner).trace["input_tokens"] == 10
    agent.trace_id = new_trace_id()
    alone_with_it = a_span(trace_id=agent.trace_id, parent_span_id=agent.span_id)
    assert derive(agent, alone_with_it).call["input_tokens"] == 10


# Parts of an answer


@pytest.mark.parametrize(
    "answer",
    [
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": None, "audio": {"transcript": "No."}},
        {"role": "model", "parts": [{"text": "Hm.", "thought": True}, {"text": "No."}]},
        {"role": "assistant", "content": "No.", "reasoning_content": "Hm."},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                {"type": "text", "text": "No."},
            ],
        },
    ],
)
def test_an_answer_in_other_shapes(answer):
    span = a_chat("c", "May I?", None, attributes={"gen_ai.output.messages": json.dumps([answer])})

    assert derive(span).said == [("May I?", "No.")]


SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
SPOKEN = {
    "of the conventions": {
        "parts": [
            {
                "type": "blob",
                "modality": "audio",
                "mime_type": "audio/wav",
                "content": SOUND,
                "transcript": "No.",
            }
        ]
    },
    "of a part": {"content": [{"type": "audio", "audio": {"data": SOUND, "transcript": "No."}}]},
    "of a chat": {"content": None, "audio": {"id": "a-1", "data": SOUND, "transcript": "No."}},
}


@pytest.mark.parametrize("answer", SPOKEN.values(), ids=SPOKEN)
def test_an_answer_in_sound_keeps_words_and_sound(answer):
    said = {"role": "assistant", **answer}
    span = a_chat("c", "May I?", None, attributes={"gen_ai.output.messages": json.dumps([said])})

    found = derive(span)

    assert found.said == [("May I?", "No.")]
    words, sound = found.turn["messages"][-1]["parts"]
    assert words == {"type": "text", "text": "No."}
    assert sound["is_transcribed"]
    assert SOUND in json.dumps(sound)
    assert "transcript" not in json.dumps(sound)


def test_an_answer_in_sound_is_told_once_though_the_history_has_its_words_alone():
    trace = new_trace_id()
    root = a_span(trace_id=trace, attributes={"session.id": "s"})
    at = {"trace_id": trace, "parent_span_id": root.span_id}
    call = {"type": "tool_call", "id": "c-1", "name": "look", "arguments": {}}
    asking = {"role": "assistant", "parts": [*SPOKEN["of the conventions"]["parts"], call]}
    first = a_chat(None, "May I?", None, **at)
    first.attributes.add(key="gen_ai.output.messages").value.string_value = json.dumps([asking])
    history = [
        {"role": "user", "parts": [{"type": "text", "content": "May I?"}]},
        {"role": "assistant", "parts": [{"type": "text", "content": "No."}, call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c-1", "response": "ok"}]},
    ]
    second = a_chat(None, "", "Or yes.", start=first.start_time_unix_nano + 10**9, **at)
    for one in second.attributes:
        if one.key == "gen_ai.input.messages":
            one.value.string_value = json.dumps(history)

    found = derive(root, first, second)

    words = [m["text"] for m in found.turn["messages"] if m["role"] == "assistant"]
    assert words == ["No.", "Or yes."]


# What is a turn


def test_a_check_of_a_question_belongs_to_its_turn():
    trace = new_trace_id()
    root = a_span(trace_id=trace, attributes={"session.id": "s"})
    start = root.start_time_unix_nano

    def asked(n, user, answer):
        return a_chat(
            None, user, answer, trace_id=trace, parent_span_id=root.span_id, start=start + n
        )

    found = derive(
        root,
        asked(1, 'Is "Rome?" allowed? Answer yes or no.', "Yes"),
        asked(2, "Rome?", "Sunny."),
        asked(3, 'Is "Sunny." allowed? Answer yes or no.', "Yes"),
    )

    assert found.said == [("Rome?", "Sunny.")]
    assert found.turn["call_count"] == 3


def test_a_compaction_is_no_question():
    trace = new_trace_id()
    root = a_span(trace_id=trace, attributes={"session.id": "s"})
    start = root.start_time_unix_nano
    first = a_chat(
        None, "Rome?", None, trace_id=trace, parent_span_id=root.span_id, start=start + 1
    )
    parts = [{"type": "compaction", "content": "They ask for Rome."}]
    second = a_chat(
        None,
        "",
        "Sunny.",
        trace_id=trace,
        parent_span_id=root.span_id,
        start=start + 2,
        attributes={"gen_ai.input.messages": json.dumps([{"role": "user", "parts": parts}])},
    )

    assert derive(root, first, second).said == [("Rome?", "Sunny.")]


# Words told in log records


def a_claude_event(name, n, *, session="s", **attributes):
    told = {
        "event.name": name,
        "session.id": session,
        "prompt.id": "p1",
        "event.sequence": n,
        **attributes,
    }
    span = a_span(start=1_700_000_000 * SECOND + n)
    record = a_record(span, "", attributes=told)
    record.ClearField("trace_id")
    record.ClearField("span_id")
    return record


def alone(*records, scope="com.anthropic.claude_code.events"):
    """Return what records without a trace come to, as spans of their own."""
    from deriving import a_log_request
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = Request(
        signal=Signal.LOGS,
        payload=a_log_request(*records, scope=scope),
    )
    (made,) = logs.alone_requests([request], Alone(CONVENTIONS.alone_events))
    spans = (
        ExportTraceServiceRequest.FromString(made.payload).resource_spans[0].scope_spans[0].spans
    )
    return derive(*spans, scope=scope)


def test_a_conversation_of_log_records_alone():
    found = alone(
        a_claude_event("user_prompt", 1, prompt="Run the tests"),
        a_claude_event(
            "api_request",
            2,
            model="claude-sonnet-4-5",
            input_tokens="12",
            output_tokens="5",
            cost_usd="0.5",
        ),
        a_claude_event("tool_result", 3, tool_name="Bash", tool_input='{"command": "make"}'),
        a_claude_event("assistant_response", 4, response="All pass."),
    )

    assert found.thread[0] == "s"
    assert found.said == [("Run the tests", "All pass.")]
    assert found.tools == [("Bash", {"command": "make"}, None)]
    assert (found.call["input_tokens"], found.call["cost_usd"]) == (12, 0.5)


def test_a_record_that_tells_of_an_error():
    found = alone(
        a_claude_event("user_prompt", 1, session="e", prompt="Run the tests"),
        a_claude_event("api_error", 2, session="e", model="claude-sonnet-4-5", error="overloaded"),
    )

    assert found.said == [("Run the tests", None)]
    assert found.turn["error"]["message"] == "overloaded"


REQUEST = {"model": "claude-sonnet-4-5", "input_tokens": "12", "output_tokens": "5"}


@pytest.mark.parametrize("source", ["generate_session_title", "agent:builtin:Explore"])
@pytest.mark.parametrize(
    ("main", "shown"),
    [
        (("assistant_response", {"response": "Sure."}), ("Sure.", None)),
        (("api_error", {"error": "overloaded"}), (None, "overloaded")),
        (None, (None, None)),
    ],
)
def test_what_a_program_asks_for_itself_answers_nobody_and_hides_no_error(source, main, shown):
    session = f"{source} {main}"
    mine = {"session": session, "query_source": "repl_main_thread:outputStyle:default"}
    own = {"session": session, "query_source": source}
    records = [a_claude_event("user_prompt", 1, session=session, prompt="Plan a trip")]
    if main:
        records.append(a_claude_event("api_request", 2, **mine, **REQUEST))
        records.append(a_claude_event(main[0], 3, **mine, **main[1]))
    for n, first in ((4, True), (6, False)):
        records.append(a_claude_event("api_request", n, **own, **REQUEST))
        told = {"response": "Trip planning"} if first else {"response": "Trip"}
        records.append(a_claude_event("assistant_response", n + 1, **own, **told))

    found = alone(*records)

    (turn,) = found.turns
    assert (turn["user"], turn["assistant"]) == ("Plan a trip", shown[0])
    assert (turn["error"] or {}).get("message") == shown[1]
    tokens = [call["input_tokens"] for trace in found.traces for call in trace.calls]
    assert [n for n in tokens if n] == [12] * (3 if main else 2)


def test_records_of_a_process_that_counts_anew_are_turns_of_their_own():
    def run(at_s, first, question, answer):
        told = [
            a_claude_event("user_prompt", first, session="anew", prompt=question),
            a_claude_event("api_request", first + 1, session="anew", **REQUEST),
            a_claude_event("assistant_response", first + 2, session="anew", response=answer),
        ]
        for record in told:
            record.time_unix_nano += at_s * SECOND
            del record.attributes[[a.key for a in record.attributes].index("prompt.id")]
        return told

    for first, second in ((0, 0), (5, 0), (1, 0)):
        found = alone(*run(0, first, "Q1?", "A1."), *run(60, second, "Q2?", "A2."))
        assert [said for said in found.said if said[0]][-2:] == [("Q1?", "A1."), ("Q2?", "A2.")]


def test_a_request_of_codex_that_failed_is_the_turns_error():
    def event(name, n, **attributes):
        span = a_span(start=1_700_000_000 * SECOND + n)
        record = a_record(
            span,
            "",
            attributes={"event.name": name, "conversation.id": "x", **attributes},
        )
        record.ClearField("trace_id")
        record.ClearField("span_id")
        return record

    failed = {"http.response.status_code": "500", "error.message": "no capacity"}
    found = alone(
        event("codex.user_prompt", 1, prompt="Q1?"),
        event("codex.api_request", 2, attempt="1", **failed),
        event("codex.api_request", 3, attempt="2", **failed),
        scope="codex_otel",
    )
    assert found.said == [("Q1?", None)]
    assert found.turn["error"]["message"] == "no capacity"


def test_records_of_any_event_with_messages_fill_their_span():
    span = a_span(
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "m",
            "session.id": "s",
        }
    )
    record = a_record(span, "any.scope")
    said = {"input": [("user", '[{"text": "Rome?"}]')], "output": [("assistant", "Sunny.")]}
    for side, messages in said.items():
        listed = record.body.kvlist_value.values.add(key=side).value.kvlist_value.values.add(
            key="messages"
        )
        for role, content in messages:
            message = listed.value.array_value.values.add().kvlist_value
            message.values.add(key="role", value=any_value(role))
            message.values.add(key="content", value=any_value(content))

    assert derive(span, records=[record]).said == [("Rome?", "Sunny.")]


def test_what_is_not_kept_is_told_and_counted():
    span = a_span()
    before = logs.unkept().get(("test", "shop.cart"), 0)
    from deriving import a_log_request

    request = Request(signal=Signal.LOGS, payload=a_log_request(a_record(span, "shop.cart")))
    _, (outcome,) = logs.decode([request], event_names=("gen_ai.*",), default_project="d")

    assert (outcome.accepted, outcome.rejected) == (1, 0)
    assert "1 of shop.cart (test)" in outcome.message
    assert logs.unkept()["test", "shop.cart"] == before + 1


# A span sent twice, first in part


def versions():
    """The same span when it starts and when it is whole, and another of its trace."""
    part = a_chat("c", "Write a poem", None)
    whole = a_chat(
        "c",
        "Write a poem",
        "Roses.",
        trace_id=part.trace_id,
        span_id=part.span_id,
        start=part.start_time_unix_nano,
        end_time_unix_nano=part.end_time_unix_nano + 1,
    )
    return part, whole, a_span(trace_id=part.trace_id, start=part.start_time_unix_nano)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_more_complete_version_of_a_span_stays_in_any_order(order):
    *both, other = versions()
    for place in order:
        derive(both[place])
    found = derive(other)

    assert found.said == [("Write a poem", "Roses.")]
    assert found.trace["span_count"] == 2


def test_the_more_complete_version_of_a_span_stays_within_a_batch():
    part, whole, _ = versions()

    assert derive(part, whole).said == [("Write a poem", "Roses.")]


def test_with_one_end_more_attributes_decide():
    part = a_chat("c", "Write a poem", None)
    whole = a_chat(
        "c",
        "Write a poem",
        "Roses.",
        trace_id=part.trace_id,
        span_id=part.span_id,
        start=part.start_time_unix_nano,
    )
    derive(part)

    assert derive(whole).said == [("Write a poem", "Roses.")]


# Words under other names


def test_who_said_it_may_be_the_key():
    attributes = {
        "gen_ai.input.messages": '{"user": "Rome?"}',
        "gen_ai.output.messages": '{"assistant": "Sunny."}',
    }

    assert derive(a_chat("c", "", None, attributes=attributes)).said == [("Rome?", "Sunny.")]


def test_messages_kept_elsewhere_are_shown_with_their_address():
    span = a_span(
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "m",
            "gen_ai.input.messages_ref": "s3://bucket/in.json",
            "gen_ai.output.messages_ref": "s3://bucket/out.json",
        }
    )

    assert derive(span).said == [
        ("[messages at s3://bucket/in.json]", "[messages at s3://bucket/out.json]")
    ]


def test_a_bare_prompt_and_completion():
    attributes = {
        "gen_ai.prompt": "Rome?",
        "gen_ai.completion": "Sunny.",
        "gen_ai.usage.input_tokens": 3,
    }

    assert derive(a_span(attributes=attributes)).said == [("Rome?", "Sunny.")]


# Usage


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("gen_ai.usage.cache_read_tokens", "cache_read_tokens"),
        ("gen_ai.usage.details.cached_content_tokens", "cache_read_tokens"),
        ("gen_ai.usage.details.cache_creation_input_tokens", "cache_write_tokens"),
        ("gen_ai.usage.input_cache_creation", "cache_write_tokens"),
        ("gen_ai.usage.details.thoughts_tokens", "reasoning_tokens"),
        ("gen_ai.usage.input_audio_tokens", "input_audio_tokens"),
    ],
)
def test_tokens_under_other_names_are_parts_and_never_added(name, column):
    found = derive(a_chat("c", "Rome?", "Sunny.", attributes={name: 2}))

    assert found.tokens[column] == 2
    assert found.tokens["input_tokens"] == 10


def test_cached_input_costs_what_it_costs_by_hand():
    """gpt-4o-mini: 0.15 USD a million of input, 0.075 of cached input, 0.60 of output."""
    found = derive(
        a_chat(
            "c",
            "Rome?",
            "Sunny.",
            attributes={
                "gen_ai.usage.input_tokens": 1000,
                "gen_ai.usage.output_tokens": 100,
                "gen_ai.usage.details.cached_content_tokens": 400,
            },
        )
    )

    assert found.call["cost_usd"] == pytest.approx((600 * 0.15 + 400 * 0.075 + 100 * 0.6) / 1e6)


# What no rule understands


@pytest.mark.parametrize(
    "value", ['{"city": {"lat": 1}, "zoom": [1, 2]}', '[{"role": "alien"}, 7]']
)
def test_an_input_that_no_rule_understands_is_shown_as_it_is(value):
    found = derive(a_chat("c", "", "Sunny.", attributes={"gen_ai.input.messages": value}))

    assert found.said == [(f"[unread input] {value}", "Sunny.")]


def test_an_output_that_no_rule_understands_is_shown_as_it_is():
    attributes = {"gen_ai.output.messages": '{"temperature": 18}'}
    found = derive(a_chat("c", "Rome?", None, attributes=attributes))

    assert found.said == [("Rome?", '[unread output] {"temperature": 18}')]


def test_a_long_one_is_shown_as_far_as_it_tells():
    value = json.dumps({"numbers": list(range(5000))})
    ((user, _),) = derive(a_chat("c", "", "a", attributes={"gen_ai.input.messages": value})).said

    assert user.startswith('[unread input] {"numbers": [0, 1,')
    assert len(user) < 2100


@pytest.mark.parametrize(
    "value",
    ["[]", "{}", '[{"role": "assistant", "parts": [], "finish_reason": "tool_calls"}]'],
)
def test_what_says_nothing_is_not_shown(value):
    found = derive(a_chat("c", "Rome?", None, attributes={"gen_ai.output.messages": value}))

    assert found.said == [("Rome?", None)]


@pytest.mark.parametrize(
    ("attributes", "given", "returned"),
    [
        ({"openinference.span.kind": "CHAIN", "session.id": "c"}, "input.value", "output.value"),
        (
            {"traceloop.span.kind": "workflow", "traceloop.association.properties.session_id": "c"},
            "traceloop.entity.input",
            "traceloop.entity.output",
        ),
        (
            {"mlflow.spanType": "CHAIN", "mlflow.trace.session": "c"},
            "mlflow.spanInputs",
            "mlflow.spanOutputs",
        ),
        (
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "c"},
            "input.value",
            "output.value",
        ),
    ],
)
def test_a_root_without_requests_shows_what_no_rule_understands(attributes, given, returned):
    state = {given: '{"city": 1}', returned: '{"degrees": 18}'}
    found = derive(a_span(attributes=attributes | state))

    assert found.said == [('[unread input] {"city": 1}', '[unread output] {"degrees": 18}')]


def test_a_root_that_ran_tools_alone_is_no_turn():
    """It brings the results of a turn that is told elsewhere."""
    trace = new_trace_id()
    root = a_span(
        trace_id=trace,
        attributes={
            "openinference.span.kind": "CHAIN",
            "session.id": "c",
            "input.value": '[{"call": 1}]',
        },
    )
    tool = a_span(
        trace_id=trace,
        parent_span_id=root.span_id,
        attributes={"openinference.span.kind": "TOOL", "tool.name": "weather"},
    )

    assert derive(root, tool).said == []


def test_a_root_that_holds_nothing_is_no_turn():
    chain = {"openinference.span.kind": "CHAIN", "session.id": "c", "input.value": "{}"}

    assert derive(a_span(attributes=chain)).said == []


# A sub-agent's own id


def test_the_id_of_an_inner_agent_is_kept_as_metadata():
    trace = new_trace_id()
    outer = a_span(
        trace_id=trace,
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": "outer"},
    )
    tool = a_span(
        trace_id=trace,
        parent_span_id=outer.span_id,
        attributes={"gen_ai.operation.name": "execute_tool"},
    )
    agent = a_chat("inner", "Rome?", "Sunny.", trace_id=trace, parent_span_id=tool.span_id)

    found = derive(outer, tool, agent)
    assert found.thread[0] == "outer"
    assert found.trace["metadata"] == {"inner_thread_ids": "inner"}


# Usage by what it stands for


def test_tokens_by_modality_are_summed_where_nothing_else_is_told():
    told = {
        "gen_ai.usage.text.input_tokens": 20,
        "gen_ai.usage.image.input_tokens": 30,
        "gen_ai.usage.audio.input_tokens": 5,
        "gen_ai.usage.text.output_tokens": 7,
    }
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **told}

    assert derive(a_span(attributes=attributes)).tokens == {
        "input_tokens": 55,
        "output_tokens": 7,
        "total_tokens": 62,
        "input_audio_tokens": 5,
    }


def test_tokens_by_modality_are_parts_of_the_whole():
    told = {"gen_ai.usage.text.input_tokens": 6, "gen_ai.usage.image.input_tokens": 4}

    assert derive(a_chat("c", "Rome?", "Sunny.", attributes=told)).tokens["input_tokens"] == 10


def test_a_request_without_a_model_is_of_the_one_that_its_agent_names():
    trace = new_trace_id()
    agent = a_span(
        trace_id=trace,
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o-mini"},
    )
    call = a_span(
        trace_id=trace,
        parent_span_id=agent.span_id,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 100,
        },
    )

    found = derive(agent, call)
    assert found.call["cost_usd"] == pytest.approx((1000 * 0.15 + 100 * 0.6) / 1e6)
