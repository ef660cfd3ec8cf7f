"""Laminar: its own span types and inputs around OpenTelemetry's messages."""

from builders import a_chat, a_span, new_trace_id
from deriving import derive


def test_association_properties_have_thread_user_and_metadata():
    span = a_chat(
        None,
        "Rome?",
        "Sunny.",
        attributes={
            "lmnr.span.type": "LLM",
            "lmnr.association.properties.session_id": "chat-1",
            "lmnr.association.properties.user_id": "u1",
            "lmnr.association.properties.metadata.plan": "pro",
        },
    )
    found = derive(span)

    assert found.thread == ("chat-1", "lmnr.association.properties.session_id")
    assert found.said == [("Rome?", "Sunny.")]
    assert (found.trace["users"], found.trace["metadata"]) == (["u1"], {"plan": "pro"})


def test_outer_words_and_a_tool():
    trace = new_trace_id()
    outer = a_span(
        trace_id=trace,
        attributes={
            "lmnr.span.type": "DEFAULT",
            "lmnr.span.input": '{"question": "Rome?"}',
            "lmnr.span.output": '"Sunny."',
        },
    )
    tool = a_span(
        name="weather",
        trace_id=trace,
        parent_span_id=outer.span_id,
        attributes={
            "lmnr.span.type": "TOOL",
            "lmnr.span.input": '{"city": "Rome"}',
            "lmnr.span.output": "sunny",
        },
    )
    found = derive(outer, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]
