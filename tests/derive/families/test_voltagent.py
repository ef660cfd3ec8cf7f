"""VoltAgent: an agent's sum is the turn's where its requests count nothing."""

import json

import pytest
from builders import a_span, new_trace_id
from deriving import derive

COMMON = {
    "entity.type": "agent",
    "entity.name": "shop",
    "operation.id": "o1",
    "conversation.id": "c1",
    "user.id": "ada",
}


def a_run(**usage):
    trace = new_trace_id()
    root = a_span(
        trace_id=trace,
        name="generateText",
        attributes={
            **COMMON,
            "input": "Rome?",
            "output": "Sunny.",
            "ai.model.name": "gpt-4o-mini",
            "agent.instructions": "Be brief.",
            "usage.prompt_tokens": 100,
            "usage.completion_tokens": 20,
            "usage.cached_tokens": 40,
        },
    )
    told = json.dumps([{"role": "user", "content": "Rome?"}])
    llm = a_span(
        trace_id=trace,
        parent_span_id=root.span_id,
        name="llm:generateText",
        attributes={**COMMON, "span.type": "llm", "llm.model": "gpt-4o-mini", "llm.messages": told}
        | usage,
    )
    tool = a_span(
        trace_id=trace,
        parent_span_id=root.span_id,
        name="tool.execution:weather",
        attributes={
            **COMMON,
            "span.type": "tool",
            "tool.name": "weather",
            "tool.call.id": "t1",
            "input": '{"city": "Rome"}',
            "output": "sunny",
        },
    )
    return derive(root, llm, tool, scope="@voltagent/core")


@pytest.mark.parametrize(
    "usage", [{}, {"llm.usage.prompt_tokens": 100, "llm.usage.completion_tokens": 20}]
)
def test_a_turn_with_its_usage_once(usage):
    found = a_run(**usage)

    assert found.thread[0] == "c1"
    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]
    assert found.trace["users"] == ["ada"]
    assert (found.trace["input_tokens"], found.trace["output_tokens"]) == (100, 20)


def test_the_cost_of_an_agent_s_sum():
    cost = (60 * 0.15 + 40 * 0.075 + 20 * 0.6) / 1e6

    assert a_run().trace["cost_usd"] == pytest.approx(cost)
