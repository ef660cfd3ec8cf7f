"""LiteLLM's otel callback: costs beside OpenTelemetry's attributes."""

from builders import a_chat, a_span
from deriving import derive


def test_the_reported_cost_wins_and_the_repeated_request_is_none():
    span = a_chat(
        "chat-1", "Rome?", "Sunny.", attributes={"hidden_params": '{"response_cost": 0.5}'}
    )
    again = a_span(
        name="raw_gen_ai_request", trace_id=span.trace_id, parent_span_id=span.span_id,
        attributes={"llm.openai.messages": "[{'role': 'user', 'content': 'Rome?'}]"},
    )  # fmt: skip
    found = derive(span, again)

    assert found.thread == ("chat-1", "gen_ai.conversation.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert (found.call["cost_usd"], found.call["cost_source"]) == (0.5, "reported")


def test_user_and_error_have_names_of_its_own():
    span = a_chat(None, "Rome?", None, attributes={"llm.user": "u1", "error.code": "429"})
    found = derive(span)

    assert found.trace["users"] == ["u1"]
    assert found.turn["error"]["type"] == "429"
