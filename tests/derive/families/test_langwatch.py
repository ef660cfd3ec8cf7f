"""LangWatch: typed inputs and outputs, metrics in one JSON."""

import json

from builders import a_span, new_trace_id
from deriving import derive


def typed(kind: str, value) -> str:
    return json.dumps({"type": kind, "value": value})


def an_llm(**attributes):
    return a_span(
        attributes={
            "langwatch.span.type": "llm",
            "langwatch.input": typed("chat_messages", [{"role": "user", "content": "Rome?"}]),
            "langwatch.output": typed(
                "chat_messages", [{"role": "assistant", "content": "Sunny."}]
            ),
        }
        | attributes
    )


def test_typed_values_are_messages():
    metrics = {"prompt_tokens": 9, "completion_tokens": 2, "reasoning_tokens": 1, "cost": 0.5}
    found = derive(
        an_llm(
            **{
                "langwatch.thread.id": "chat-1",
                "langwatch.user.id": "u1",
                "langwatch.labels": ["beta"],
                "langwatch.metrics": json.dumps(metrics),
            }
        )
    )

    assert found.thread == ("chat-1", "langwatch.thread.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert (found.call["cost_usd"], found.call["cost_source"]) == (0.5, "reported")
    assert (found.trace["users"], found.trace["tags"]) == (["u1"], ["beta"])
    assert found.tokens == {
        "input_tokens": 9,
        "output_tokens": 2,
        "total_tokens": 11,
        "reasoning_tokens": 1,
    }


def test_the_sdk_writes_the_thread_into_one_json_of_metadata():
    found = derive(an_llm(metadata='{"thread_id": "chat-2", "plan": "pro"}'))

    assert found.thread == ("chat-2", "metadata")
    assert found.trace["metadata"]["plan"] == "pro"


def test_a_tool_and_the_words_around_it():
    trace = new_trace_id()
    agent = a_span(
        trace_id=trace,
        attributes={
            "langwatch.span.type": "agent",
            "langwatch.input": typed("text", "Rome?"),
            "langwatch.output": typed("text", "Sunny."),
        },
    )
    tool = a_span(
        name="weather",
        trace_id=trace,
        parent_span_id=agent.span_id,
        attributes={
            "langwatch.span.type": "tool",
            "langwatch.input": typed("json", {"city": "Rome"}),
            "langwatch.output": typed("text", "sunny"),
        },
    )
    found = derive(agent, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]
