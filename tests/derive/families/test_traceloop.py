"""Traceloop / OpenLLMetry: flattened prompts, association properties, decorated functions."""

from builders import a_span, new_trace_id
from deriving import derive

PROPERTIES = "traceloop.association.properties"


def a_chat(**fields):
    attributes = {
        "llm.request.type": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": "Rome?",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": "Sunny.",
        "gen_ai.completion.0.finish_reason": "stop",
        "gen_ai.usage.prompt_tokens": 9,
        "gen_ai.usage.completion_tokens": 2,
        "llm.usage.total_tokens": 12,
        "gen_ai.usage.cache_read_input_tokens": 4,
    } | fields.pop("attributes", {})
    return a_span(attributes=attributes, **fields)


def test_flattened_prompts_and_association_properties():
    found = derive(
        a_chat(
            attributes={
                f"{PROPERTIES}.session_id": "s",
                f"{PROPERTIES}.thread_id": "t",
                f"{PROPERTIES}.user_id": "u1",
                f"{PROPERTIES}.plan": "pro",
            }
        )
    )

    assert found.thread == ("t", f"{PROPERTIES}.thread_id")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.turn["system"] == "Be brief."
    assert found.call["finish_reasons"] == ["stop"]
    assert found.tokens == {
        "input_tokens": 9,
        "output_tokens": 2,
        "total_tokens": 12,
        "cache_read_tokens": 4,
    }
    assert found.trace["users"] == ["u1"]
    assert found.trace["metadata"]["plan"] == "pro"


def test_a_workflow_has_the_persons_words_and_a_decorated_tool():
    trace = new_trace_id()
    flow = a_span(
        trace_id=trace,
        attributes={
            "traceloop.span.kind": "workflow",
            "traceloop.entity.input": '{"args": ["Rome?"], "kwargs": {}}',
            "traceloop.entity.output": '"Sunny."',
        },
    )
    tool = a_span(
        trace_id=trace,
        parent_span_id=flow.span_id,
        attributes={
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "weather",
            "traceloop.entity.input": '{"args": [], "kwargs": {"city": "Rome"}}',
            "traceloop.entity.output": "sunny",
        },
    )
    found = derive(flow, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]


def test_the_first_chunk_of_an_answer_is_an_event():
    span = a_chat()
    span.events.add(
        name="gen_ai.content.completion.chunk", time_unix_nano=span.start_time_unix_nano + 500_000
    )

    assert derive(span).call["time_to_first_token_ms"] == 0.5
