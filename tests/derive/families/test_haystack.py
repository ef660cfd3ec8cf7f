"""Haystack's own tracing: components with JSON input and output."""

import json

from builders import a_span, new_trace_id
from deriving import derive


def a_component(kind: str, into, out, **fields):
    attributes = {
        "haystack.component.type": kind,
        "haystack.component.input": json.dumps(into),
        "haystack.component.output": json.dumps(out),
    } | fields.pop("attributes", {})
    return a_span(name="haystack.component.run", attributes=attributes, **fields)


REPLY = {
    "role": "assistant",
    "content": [{"text": "Sunny."}],
    "meta": {"model": "gpt-4o-mini", "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
}
ASKED = {"messages": [{"role": "user", "content": [{"text": "Rome?"}]}]}


def test_a_generator_is_a_model_request():
    span = a_component(
        "OpenAIChatGenerator",
        ASKED,
        {"replies": [REPLY]},
        attributes={"gen_ai.conversation.id": "chat-1"},
    )
    found = derive(span)

    assert found.thread == ("chat-1", "gen_ai.conversation.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.call["response_model"] == "gpt-4o-mini"
    assert found.tokens == {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}


def test_an_agent_has_the_persons_words_and_the_last_of_its_state():
    trace = new_trace_id()
    agent = a_span(
        name="haystack.agent.run",
        trace_id=trace,
        attributes={
            "haystack.agent.input": json.dumps(
                {"messages": [{"role": "user", "content": "Rome?"}]}
            ),
            "haystack.agent.output": json.dumps(
                {
                    "messages": [
                        {"role": "user", "content": "Rome?"},
                        {"role": "assistant", "content": "Sunny."},
                    ]
                }
            ),
        },
    )
    model = a_component(
        "OpenAIChatGenerator",
        ASKED,
        {"replies": [REPLY]},
        trace_id=trace,
        parent_span_id=agent.span_id,
    )

    assert derive(agent, model).said == [("Rome?", "Sunny.")]


def test_other_components_are_no_requests():
    found = derive(a_component("InMemoryBM25Retriever", {"query": "Rome?"}, {"documents": []}))

    assert found.trace["call_count"] == 0
