"""LiveKit Agents: a trace a session, turns as subtrees."""

import json

from builders import a_span, new_trace_id
from deriving import derive

SCOPE = "livekit-agents"


def test_turns_of_one_session():
    trace = new_trace_id()
    session = a_span(
        name="agent_session", trace_id=trace, attributes={"livekit.session.id": "room-1"}
    )
    spans = [session]
    for n, (user, answer) in enumerate([("Rome?", "Sunny."), ("Oslo?", "Snow.")]):
        start = session.start_time_unix_nano + n * 10**9
        turn = a_span(
            name="agent_turn",
            trace_id=trace,
            parent_span_id=session.span_id,
            start=start,
            attributes={"lk.pii.user_input": user, "lk.response.text": answer},
        )
        context = {"items": [{"type": "message", "role": "user", "content": [user]}]}
        model = a_span(
            name="llm_node",
            trace_id=trace,
            parent_span_id=turn.span_id,
            start=start + 1,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o-mini",
                "lk.chat_ctx": json.dumps(context),
                "lk.response.text": answer,
                "lk.response.ttft": 0.5,
                "gen_ai.usage.input_tokens": 9,
                "gen_ai.usage.output_tokens": 2,
            },
        )
        spans += [turn, model]
    found = derive(*spans, scope=SCOPE)

    assert found.thread == ("room-1", "livekit.session.id")
    assert found.said == [("Rome?", "Sunny."), ("Oslo?", "Snow.")]
    assert [turn["time_to_first_token_ms"] for turn in found.turns] == [500.0, 500.0]
    assert [turn["input_tokens"] for turn in found.turns] == [9, 9]


def test_a_function_tool_has_its_own_names():
    trace = new_trace_id()
    turn = a_span(name="agent_turn", trace_id=trace, attributes={"lk.user_transcript": "Rome?"})
    tool = a_span(
        name="function_tool",
        trace_id=trace,
        parent_span_id=turn.span_id,
        attributes={
            "lk.function_tool.name": "weather",
            "lk.function_tool.arguments": '{"city": "Rome"}',
            "lk.function_tool.output": "sunny",
        },
    )
    found = derive(turn, tool, scope=SCOPE)

    assert found.turn["user"] == "Rome?"
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]


def a_model(**fields):
    context = {"items": [{"type": "message", "role": "user", "content": ["Rome?"]}]}
    attributes = {
        "gen_ai.operation.name": "chat",
        "lk.pii.chat_ctx": json.dumps(context),
        "lk.pii.response.text": "Sunny.",
        "lk.llm_metrics": '{"ttft": 0.25}',
    } | fields.pop("attributes", {})
    return a_span(name="llm_node", attributes=attributes, **fields)


def test_a_request_alone_has_its_context_and_metrics():
    found = derive(a_model(), scope=SCOPE)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.call["time_to_first_token_ms"] == 250


def test_what_was_spoken_is_the_answer():
    turn = a_span(
        name="agent_turn",
        trace_id=new_trace_id(),
        attributes={"lk.response.text": "Sunny, I hear."},
    )
    model = a_model(trace_id=turn.trace_id, parent_span_id=turn.span_id)

    assert derive(turn, model, scope=SCOPE).said == [("Rome?", "Sunny, I hear.")]


def test_an_exception_is_told_by_attributes():
    attributes = {"exception.type": "APIError", "exception.message": "rate limited"}
    found = derive(a_model(attributes=attributes), scope=SCOPE)

    assert found.turn["error"] == {"type": "APIError", "message": "rate limited"}
