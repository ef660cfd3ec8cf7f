"""Vercel AI SDK up to 6 (`ai.*`); version 7 writes OpenTelemetry's attributes beside its own.

Source: github.com/vercel/ai, packages/ai/src/telemetry.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, Usage, count, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import (
    CAMEL_WORDS,
    SNAKE_WORDS,
    Text,
    TextRank,
    ThreadId,
    ThreadIdRank,
)

# What providers call it in `ai.response.providerMetadata`: OpenAI, Anthropic, Bedrock.
BUNDLED: Mapping[str, tuple[str, ...]] = {
    "cache_read_tokens": ("cachedPromptTokens", "cache_read_input_tokens", "cacheReadInputTokens"),
    "cache_write_tokens": (
        "cache_creation_input_tokens",
        "cacheCreationInputTokens",
        "cacheWriteInputTokens",
    ),
    "reasoning_tokens": ("reasoningTokens",),
}
OUTER = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")


def kind(span: Span) -> Kind | None:
    operation = span.attributes.get("ai.operationId")
    if not isinstance(operation, str):
        return None
    if operation.endswith((".doGenerate", ".doStream")):
        return "llm"
    if operation in OUTER:
        return "agent"
    if operation == "ai.toolCall":
        return "tool"
    return "embedding" if operation.startswith("ai.embed") else None


def inputs(span: Span) -> Messages:
    return messages.read(span.attributes.get("ai.prompt.messages"), role="user")


def outputs(span: Span) -> Messages:
    attributes = span.attributes
    parts: list[Any] = []
    text, made, calls = (  # version 3 called the response a result
        attributes.get(f"ai.response.{name}", attributes.get(f"ai.result.{name}"))
        for name in ("text", "object", "toolCalls")
    )
    if isinstance(text, str):
        parts.append({"type": "text", "text": text})
    elif made is not None:
        parts.append({"type": "text", "text": str(made)})
    calls = parse(calls)
    if isinstance(calls, list):
        parts += [{**call, "type": "tool-call"} for call in calls if isinstance(call, dict)]
    return messages.read({"role": "assistant", "content": parts}) if parts else []


def usage(span: Span) -> Usage | None:
    """Read what only the provider's own bundle tells: cached and reasoning tokens."""
    bundle = parse(span.attributes.get("ai.response.providerMetadata"))
    if not isinstance(bundle, dict):
        return None
    found = Usage()
    for own in bundle.values():
        if isinstance(own, dict):
            inner = own.get("usage")
            counts = {**own, **inner} if isinstance(inner, dict) else own
            found = found.completed(
                Usage(**{name: _first(counts, keys) for name, keys in BUNDLED.items()})
            )
    return found


def _first(counts: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    return next((n for key in keys if (n := count(counts.get(key))) is not None), None)


def provider(value: Any) -> str | None:
    """Return the provider's name: `openai.responses` is `openai`."""
    return value.partition(".")[0] if isinstance(value, str) else None


def values(span: Span) -> Mapping[str, Any]:
    named = provider(span.attributes.get("ai.model.provider"))
    return {"provider": named} if named else {}


VERCEL_AI = Library(
    slug="vercel-ai",
    title="Vercel AI SDK, up to version 6",
    scopes=("ai",),
    packages=("ai",),
    language="javascript",
    thread_id="""\
const { text } = await generateText({
  model, messages,
  experimental_telemetry: { isEnabled: true, metadata: { sessionId: chatId } },
});
""",
    arrives_as="ai.telemetry.metadata.sessionId",
    content="""\
experimental_telemetry: { isEnabled: true, recordInputs: true, recordOutputs: true }   // the default
""",
    note=(
        "Also with OpenInference's span processor: it leaves the id where it is. "
        "`OTEL_EXPORTER_OTLP_TIMEOUT` is in milliseconds in Node."
    ),
)

VERCEL_AI_7 = Library(
    slug="vercel-ai-7",
    title="Vercel AI SDK 7",
    scopes=("gen_ai",),
    packages=("ai", "@ai-sdk/otel"),
    language="javascript",
    thread_id="""\
const { text } = await generateText({
  model, messages,
  runtimeContext: { sessionId: chatId },
  telemetry: { includeRuntimeContext: { sessionId: true } },   // and new OpenTelemetry({ runtimeContext: true })
});
""",
    arrives_as="ai.settings.context.sessionId",
    content="on",
    note=(
        "The id is on the operation and its steps, not on `chat` and `execute_tool` "
        "spans; one span of the trace is enough."
    ),
)

FAMILY = Family(
    name="vercel-ai",
    source="vercel/ai, packages/ai/src/telemetry",
    marks=("ai.",),
    kind_marks=("ai.operationId",),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={
        "request_model": ("ai.model.id",),
        "response_model": ("ai.response.model",),
        "response_id": ("ai.response.id",),
        "finish_reasons": ("ai.response.finishReason", "ai.finishReason"),
        "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens"),
        "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "total_tokens": ("ai.usage.totalTokens",),
        "cache_read_tokens": (
            "ai.usage.inputTokenDetails.cacheReadTokens",
            "ai.usage.cachedInputTokens",
        ),
        "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
        "reasoning_tokens": (
            "ai.usage.outputTokenDetails.reasoningTokens",
            "ai.usage.reasoningTokens",
        ),
        "ttft_ms": ("ai.response.msToFirstChunk",),
        "tool_name": ("ai.toolCall.name",),
        "tool_call_id": ("ai.toolCall.id",),
        "tool_arguments": ("ai.toolCall.args",),
        "tool_result": ("ai.toolCall.result",),
        "user_id": ("ai.telemetry.metadata.userId", "ai.settings.context.userId"),
        "tags": ("ai.telemetry.metadata.tags",),
    },
    thread_ids=tuple(
        ThreadId(f"{prefix}.{word}", ThreadIdRank.VENDOR)
        for prefix in ("ai.telemetry.metadata", "ai.settings.context")
        for word in (*CAMEL_WORDS, *SNAKE_WORDS)
    ),
    user_texts=(Text("ai.prompt", TextRank.REQUEST),),
    assistant_texts=(Text("ai.response.text", TextRank.REQUEST),),
    shown_inputs=(
        Text("ai.prompt", TextRank.REQUEST),
        Text("ai.prompt.messages", TextRank.REQUEST),
        Text("ai.toolCall.args", TextRank.REQUEST),
    ),
    shown_outputs=(
        Text("ai.response.text", TextRank.REQUEST),
        Text("ai.response.object", TextRank.REQUEST),
        Text("ai.response.toolCalls", TextRank.REQUEST),
        Text("ai.toolCall.result", TextRank.REQUEST),
    ),
    first_token_events=("ai.stream.firstChunk",),
    metadata_prefixes=("ai.telemetry.metadata.",),
    libraries=(
        VERCEL_AI,
        VERCEL_AI_7,
    ),
)
