"""OpenLIT: OpenTelemetry's attributes with costs and timings of its own."""

from builders import a_chat
from deriving import derive


def test_cost_total_and_first_token():
    span = a_chat(
        None,
        "Rome?",
        "Sunny.",
        attributes={
            "session.id": "chat-1",
            "gen_ai.usage.cost": 0.5,
            "gen_ai.client.token.usage": 17,
            "gen_ai.server.time_to_first_token": 0.25,
        },
    )
    found = derive(span, scope="openlit.otel.tracing")

    assert found.thread == ("chat-1", "session.id")
    assert (found.call["cost_usd"], found.call["cost_source"]) == (0.5, "reported")
    assert found.tokens["total_tokens"] == 17
    assert found.call["time_to_first_token_ms"] == 250  # seconds here, milliseconds at Strands
