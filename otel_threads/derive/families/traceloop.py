"""Traceloop / OpenLLMetry: flattened prompts of the older packages, association properties.

Its newer packages write OpenTelemetry's message attributes, which otel_genai.py reads.

Source: github.com/traceloop/openllmetry, opentelemetry-semantic-conventions-ai.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, name, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

KINDS: Mapping[str, Kind] = {"workflow": "chain", "task": "chain", "agent": "agent", "tool": "tool"}
REQUEST_TYPES: Mapping[str, Kind] = {
    "chat": "llm",
    "completion": "llm",
    "embedding": "embedding",
    "rerank": "reranker",
}


def kind(span: Span) -> Kind | None:
    named = KINDS.get(str(span.attributes.get("traceloop.span.kind", "")).lower())
    if named:
        return named
    requested = REQUEST_TYPES.get(str(span.attributes.get("llm.request.type", "")).lower())
    if requested:
        return requested
    return "llm" if "gen_ai.prompt.0.role" in span.attributes else None


def inputs(span: Span) -> Messages:
    return _flattened(span.attributes, "gen_ai.prompt", "user")


def outputs(span: Span) -> Messages:
    return _flattened(span.attributes, "gen_ai.completion", "assistant")


def _flattened(attributes: dict[str, Any], prefix: str, role: str) -> Messages:
    if f"{prefix}.0.role" not in attributes and f"{prefix}.0.content" not in attributes:
        return []
    found: Messages = []
    for item in messages.flattened(attributes, prefix):
        calls = item.get("tool_calls")
        found += messages.read(
            {
                **item,
                "role": item.get("role") or role,
                "content": item.get("content"),
                "tool_calls": messages.indexed(calls) if isinstance(calls, dict) else [],
            }
        )
    return found


def values(span: Span) -> Mapping[str, Any]:
    """Read a decorated tool: its arguments and result are the entity's."""
    if span.attributes.get("gen_ai.operation.name") == "execute_tool":
        return _langchains_tool(span)
    if KINDS.get(str(span.attributes.get("traceloop.span.kind", "")).lower()) != "tool":
        return {}
    arguments = parse(span.attributes.get("traceloop.entity.input"))
    if isinstance(arguments, dict) and "kwargs" in arguments:
        arguments = arguments["kwargs"] or arguments.get("args")
    return {
        "tool_name": span.attributes.get("traceloop.entity.name"),
        "tool_arguments": arguments,
        "tool_result": span.attributes.get("traceloop.entity.output"),
    }


def _langchains_tool(span: Span) -> Mapping[str, Any]:
    """Read a tool of LangChain.js: the entity is a class, the tool's name is in its message."""
    given = parse(span.attributes.get("traceloop.entity.input"))
    arguments = given.get("args") if isinstance(given, dict) else None
    made = parse(span.attributes.get("traceloop.entity.output"))
    message = made.get("kwargs") if isinstance(made, dict) else None
    if not isinstance(message, dict):
        return {}
    found: dict[str, Any] = {
        "tool_name": name(message.get("name")),
        "tool_call_id": name(message.get("tool_call_id")),
        "tool_result": message.get("content"),
    }
    if isinstance(arguments, list) and len(arguments) == 1:
        found["tool_arguments"] = parse(arguments[0])
    return found


LIBRARY = Library(
    slug="traceloop",
    title="Traceloop SDK (OpenLLMetry)",
    scopes=(
        "traceloop*",
        "opentelemetry.instrumentation.openai.v*",
        "opentelemetry.instrumentation.anthropic*",
        "opentelemetry.instrumentation.langchain*",
        "opentelemetry.instrumentation.openai_agents*",
        "opentelemetry.instrumentation.llamaindex*",
        "opentelemetry.instrumentation.bedrock*",
        "opentelemetry.instrumentation.cohere*",
        "opentelemetry.instrumentation.groq*",
        "opentelemetry.instrumentation.mistralai*",
        "opentelemetry.instrumentation.ollama*",
        "opentelemetry.instrumentation.crewai*",
        "opentelemetry.instrumentation.haystack*",
    ),
    packages=(
        "traceloop-sdk",
        "opentelemetry-instrumentation-openai",
        "opentelemetry-instrumentation-langchain",
    ),
    language="python",
    thread_id="""\
from traceloop.sdk import Traceloop

Traceloop.set_association_properties({"session_id": chat_id})
""",
    arrives_as="traceloop.association.properties.session_id",
    content="""\
export TRACELOOP_TRACE_CONTENT=true   # the default; false turns the texts off
""",
    note=(
        "LangGraph's `configurable.thread_id` arrives by itself. Without the SDK (the "
        "bare instrumentation packages) open a span around the call and set "
        "`gen_ai.conversation.id` on it."
    ),
)

FAMILY = Family(
    name="traceloop",
    source="traceloop/openllmetry, opentelemetry-semantic-conventions-ai",
    marks=("traceloop.", "gen_ai.prompt.", "gen_ai.completion."),
    kind_marks=("traceloop.span.kind", "llm.request.type", "gen_ai.prompt.0.role"),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    values=values,
    names={
        "total_tokens": ("llm.usage.total_tokens",),
        "finish_reasons": ("gen_ai.completion.0.finish_reason",),
        "cache_read_tokens": ("gen_ai.usage.cache_read_input_tokens",),
        "user_id": (
            "traceloop.association.properties.user_id",
            "traceloop.association.properties.customer_id",
            "llm.user",
        ),
    },
    thread_ids=tuple(
        ThreadId(f"traceloop.association.properties.{word}", ThreadIdRank.ASSOCIATED)
        for word in ("conversation_id", "thread_id", "chat_id", "session_id")
    ),
    user_texts=(Text("traceloop.entity.input", TextRank.SPAN),),
    assistant_texts=(Text("traceloop.entity.output", TextRank.SPAN),),
    shown_inputs=(
        Text("traceloop.entity.input", TextRank.SPAN),
        Text("gen_ai.prompt.", TextRank.PLAIN),
    ),
    shown_outputs=(
        Text("traceloop.entity.output", TextRank.SPAN),
        Text("gen_ai.completion.", TextRank.PLAIN),
    ),
    first_token_events=("gen_ai.content.completion.chunk",),
    metadata_prefixes=("traceloop.association.properties.",),
    libraries=(LIBRARY,),
)
