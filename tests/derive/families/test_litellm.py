"""LiteLLM's otel callback: costs beside OpenTelemetry's attributes."""

import pytest
from builders import a_chat, a_span, new_trace_id
from deriving import derive


@pytest.mark.parametrize(
    "cost",
    [
        {"hidden_params": '{"response_cost": 0.5}'},
        {"gen_ai.cost.total_cost": 0.5},
        {"litellm.cost.total": 0.5},
    ],
)
def test_the_reported_cost_wins(cost):
    found = derive(a_chat("chat-1", "Rome?", "Sunny.", attributes=cost))

    assert found.thread == ("chat-1", "gen_ai.conversation.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert (found.call["cost_usd"], found.call["cost_source"]) == (0.5, "reported")


def test_the_request_that_is_repeated_as_python_reprs_is_none():
    trace = new_trace_id()
    outer = a_span(name="Received Proxy Server Request", trace_id=trace)
    asked = a_chat(None, "Rome?", "Sunny.", trace_id=trace, parent_span_id=outer.span_id)
    repeated = a_span(
        name="raw_gen_ai_request",
        trace_id=trace,
        parent_span_id=outer.span_id,
        attributes={
            "llm.openai.messages": "[{'role': 'user', 'content': 'Rome?'}]",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 10,
        },
    )
    found = derive(outer, asked, repeated)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.trace["call_count"] == 1


def test_user_and_error_have_names_of_its_own():
    span = a_chat(None, "Rome?", None, attributes={"llm.user": "u1", "error.code": "429"})
    found = derive(span)

    assert found.trace["users"] == ["u1"]
    assert found.turn["error"]["type"] == "429"
