"""Strands Agents: messages as span events, its own timings and system prompt."""

from builders import a_span, any_value, new_trace_id
from deriving import derive

SCOPE = "strands.telemetry.tracer"


def with_event(span, name: str, **attributes):
    event = span.events.add(name=name, time_unix_nano=span.start_time_unix_nano)
    for key, value in attributes.items():
        event.attributes.add(key=key, value=any_value(value))
    return span


def a_model(**fields):
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 2,
    } | fields.pop("attributes", {})
    span = a_span(attributes=attributes, **fields)
    with_event(span, "gen_ai.user.message", content='[{"text": "Rome?"}]')
    return with_event(span, "gen_ai.choice", message='[{"text": "Sunny."}]')


def test_events_are_messages_and_timings_are_milliseconds():
    span = a_model(
        attributes={
            "session.id": "chat-1",
            "gen_ai.server.time_to_first_token": 120,
            "system_prompt": "Be brief.",
        }
    )
    found = derive(span, scope=SCOPE)

    assert found.thread == ("chat-1", "session.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.turn["system"] == "Be brief."
    assert found.call["time_to_first_token_ms"] == 120
    assert found.tokens == {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}


def test_a_tools_arguments_and_result_are_events():
    trace = new_trace_id()
    agent = a_span(trace_id=trace, attributes={"gen_ai.operation.name": "invoke_agent"})
    model = a_model(trace_id=trace, parent_span_id=agent.span_id)
    tool = a_span(
        trace_id=trace,
        parent_span_id=agent.span_id,
        attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"},
    )
    with_event(tool, "gen_ai.tool.message", content='{"city": "Rome"}')
    with_event(tool, "gen_ai.choice", message='[{"text": "sunny"}]')

    assert derive(agent, model, tool, scope=SCOPE).tools == [("weather", {"city": "Rome"}, "sunny")]
