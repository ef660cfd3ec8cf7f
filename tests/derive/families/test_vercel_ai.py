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
        **{
            f"{METADATA}.sessionId": "s",
            f"{METADATA}.threadId": "t",
            f"{METADATA}.userId": "u1",
            f"{METADATA}.plan": "pro",
            f"{METADATA}.tags": ["beta"],
        },
    )
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
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "weather",
            "ai.toolCall.id": "1",
            "ai.toolCall.args": '{"city": "Rome"}',
            "ai.toolCall.result": '"sunny"',
        },
    )

    assert derive(outer, step, tool).tools == [("weather", {"city": "Rome"}, "sunny")]


def test_the_first_chunk_is_an_event():
    outer = an_operation(new_trace_id())
    step = a_step(outer)
    step.events.add(name="ai.stream.firstChunk", time_unix_nano=step.start_time_unix_nano + 500_000)

    assert derive(outer, step).call["time_to_first_token_ms"] == 0.5


def test_what_else_a_request_tells():
    outer = an_operation(new_trace_id())
    step = a_step(
        outer,
        **{
            "ai.response.model": "gpt-4o-mini-2024",
            "ai.response.id": "r1",
            "ai.response.finishReason": "stop",
            "ai.response.msToFirstChunk": 300,
            "ai.usage.totalTokens": 13,
            "ai.usage.inputTokenDetails.cacheReadTokens": 4,
            "ai.usage.inputTokenDetails.cacheWriteTokens": 2,
            "ai.usage.outputTokenDetails.reasoningTokens": 1,
        },
    )
    found = derive(outer, step)

    assert found.call["response_model"] == "gpt-4o-mini-2024"
    assert (found.call["response_id"], found.call["finish_reasons"]) == ("r1", ["stop"])
    assert found.call["time_to_first_token_ms"] == 300
    assert found.tokens == {
        "input_tokens": 9,
        "output_tokens": 2,
        "total_tokens": 13,
        "cache_read_tokens": 4,
        "cache_write_tokens": 2,
        "reasoning_tokens": 1,
    }


def test_the_operations_words_are_the_persons_and_its_text_the_answer():
    outer = an_operation(new_trace_id(), **{"ai.response.text": "Sunny, 20 degrees."})

    assert derive(outer, a_step(outer)).said == [("Rome?", "Sunny, 20 degrees.")]


def test_a_tools_span_alone_tells_all_of_it():
    outer = an_operation(new_trace_id())
    tool = a_span(
        trace_id=outer.trace_id,
        parent_span_id=outer.span_id,
        attributes={
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.name": "weather",
            "ai.toolCall.id": "1",
            "ai.toolCall.args": '{"city": "Rome"}',
            "ai.toolCall.result": '"sunny"',
        },
    )
    found = derive(outer, tool)

    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]
    assert found.turn["tool_calls"][0]["id"] == "1"
