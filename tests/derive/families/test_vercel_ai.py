"""Vercel AI SDK: an operation, the requests inside of it, and its tools."""

import json

from builders import a_span, new_trace_id
from deriving import derive

METADATA = "ai.telemetry.metadata"


def an_operation(trace: bytes, **attributes):
    return a_span(
        trace_id=trace,
        attributes={
            "ai.operationId": "ai.generateText",
            "ai.prompt": '{"prompt": "Rome?"}',
            "ai.response.text": "Sunny.",
        }
        | attributes,
    )


def a_step(outer, **attributes):
    return a_span(
        trace_id=outer.trace_id,
        parent_span_id=outer.span_id,
        attributes={
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.id": "gpt-4o-mini",
            "ai.model.provider": "openai.responses",
            "ai.prompt.messages": '[{"role": "user", "content": "Answer about the weather: Rome?"}]',
            "ai.response.text": "Sunny.",
            "ai.usage.promptTokens": 9,
            "ai.usage.completionTokens": 2,
        }
        | attributes,
    )


def test_an_operation_has_the_id_and_the_persons_words():
    outer = an_operation(
        new_trace_id(),
        **{f"{METADATA}.sessionId": "s", f"{METADATA}.threadId": "t", f"{METADATA}.userId": "u1",
           f"{METADATA}.plan": "pro", f"{METADATA}.tags": ["beta"]},
    )  # fmt: skip
    found = derive(outer, a_step(outer))

    assert found.thread == ("t", f"{METADATA}.threadId")
    assert found.said == [("Rome?", "Sunny.")]
    assert (found.call["provider"], found.call["request_model"]) == ("openai", "gpt-4o-mini")
    assert found.tokens == {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
    assert (found.trace["users"], found.trace["tags"]) == (["u1"], ["beta"])
    assert found.trace["metadata"]["plan"] == "pro"


def test_version_7_has_the_id_in_its_context():
    outer = an_operation(new_trace_id(), **{"ai.settings.context.sessionId": "s7"})

    assert derive(outer, a_step(outer)).thread == ("s7", "ai.settings.context.sessionId")


def test_the_providers_bundle_has_cached_and_reasoning_tokens():
    outer = an_operation(new_trace_id())
    bundle = {"openai": {"cachedPromptTokens": 4, "reasoningTokens": 1}}
    step = a_step(outer, **{"ai.response.providerMetadata": json.dumps(bundle)})

    found = derive(outer, step).tokens
    assert (found["cache_read_tokens"], found["reasoning_tokens"]) == (4, 1)


def test_a_tool_that_was_asked_for_and_ran():
    outer = an_operation(new_trace_id())
    asked = [{"toolCallId": "1", "toolName": "weather", "args": {"city": "Rome"}}]
    step = a_step(outer, **{"ai.response.toolCalls": json.dumps(asked)})
    tool = a_span(
        trace_id=outer.trace_id,
        parent_span_id=outer.span_id,
        attributes={
            "ai.operationId": "ai.toolCall", "ai.toolCall.name": "weather", "ai.toolCall.id": "1",
            "ai.toolCall.args": '{"city": "Rome"}', "ai.toolCall.result": '"sunny"',
        },
    )  # fmt: skip

    assert derive(outer, step, tool).tools == [("weather", {"city": "Rome"}, "sunny")]


def test_the_first_chunk_is_an_event():
    outer = an_operation(new_trace_id())
    step = a_step(outer)
    step.events.add(name="ai.stream.firstChunk", time_unix_nano=step.start_time_unix_nano + 500_000)

    assert derive(outer, step).call["time_to_first_token_ms"] == 0.5
