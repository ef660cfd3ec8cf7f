"""traceAI and LoongSuite: OpenInference's shapes under OpenTelemetry's prefix."""

from builders import a_span
from deriving import derive


def test_flattened_messages_under_the_common_prefix():
    found = derive(
        a_span(
            attributes={
                "gen_ai.span.kind": "LLM",
                "gen_ai.conversation.id": "chat-1",
                "gen_ai.input.messages.0.message.role": "user",
                "gen_ai.input.messages.0.message.content": "Rome?",
                "gen_ai.output.messages.0.message.role": "assistant",
                "gen_ai.output.messages.0.message.content": "Sunny.",
                "gen_ai.output.messages.0.message.tool_calls.0.tool_call.id": "1",
                "gen_ai.output.messages.0.message.tool_calls.0.tool_call.function.name": "weather",
                "gen_ai.output.messages.0.message.tool_calls.0.tool_call.function.arguments": '{"city": "Rome"}',
                "gen_ai.usage.input_tokens": 9,
                "gen_ai.usage.output_tokens": 2,
            }
        )
    )

    assert found.thread == ("chat-1", "gen_ai.conversation.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, None)]
    assert found.tokens == {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}


def test_a_kind_that_is_no_model_makes_no_request():
    found = derive(a_span(attributes={"gen_ai.span.kind": "RETRIEVER"}))

    assert found.trace["call_count"] == 0
