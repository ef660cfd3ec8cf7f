"""Spans that applications write by hand."""

import pytest
from builders import a_chat, a_span, new_trace_id
from deriving import derive

from otel_threads.derive.ranks import PLAIN_WORDS


@pytest.mark.parametrize("word", PLAIN_WORDS)
def test_the_names_that_people_choose(word):
    assert derive(a_chat(None, "Rome?", "Sunny.", attributes={word: "chat-1"})).thread == (
        "chat-1",
        word,
    )


def test_our_own_name_comes_before_the_conventions():
    span = a_chat("conventional", "Rome?", "Sunny.", attributes={"otel_threads.thread_id": "own"})

    assert derive(span).thread == ("own", "otel_threads.thread_id")


def test_one_json_of_metadata_has_the_id_and_the_rest_is_metadata():
    bag = '{"sessionId": "s", "thread_id": "t", "plan": "pro", "age": 4, "paid": true}'
    found = derive(a_chat(None, "Rome?", "Sunny.", attributes={"metadata": bag}))

    assert found.thread == ("t", "metadata")
    assert found.trace["metadata"] == {
        "age": "4",
        "paid": "true",
        "plan": "pro",
        "sessionId": "s",
        "thread_id": "t",
    }


@pytest.mark.parametrize(
    "value", ["null", "Undefined", "N/A", "***", "", " ", "[Redacted]", '"none"']
)
def test_a_placeholder_is_no_id(value):
    span = a_chat(None, "Rome?", "Sunny.", attributes={"session.id": value, "thread_id": "t"})

    assert derive(span).thread == ("t", "thread_id")


def test_a_request_by_its_facts_and_words_on_an_outer_span():
    trace = new_trace_id()
    outer = a_span(
        trace_id=trace, attributes={"input": "Rome?", "output": "Sunny.", "thread_id": "t"}
    )
    inner = a_span(
        trace_id=trace,
        parent_span_id=outer.span_id,
        attributes={
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 9,
            "gen_ai.usage.output_tokens": 2,
        },
    )
    found = derive(outer, inner)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tokens == {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}


def test_tags_user_and_metadata_under_our_own_names():
    found = derive(
        a_chat(
            "t",
            "Rome?",
            "Sunny.",
            attributes={
                "otel_threads.tags": ["beta"],
                "user_id": "u1",
                "otel_threads.metadata.plan": "pro",
            },
        )
    ).trace

    assert (found["tags"], found["users"], found["metadata"]) == (["beta"], ["u1"], {"plan": "pro"})
