"""LangSmith's OpenTelemetry mode: whole requests and responses as JSON, metadata keys.

Source: github.com/langchain-ai/langsmith-sdk, OTEL exporter.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, KindBy, Messages, Usage, count, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import ThreadId, ThreadIdRank


def inputs(span: Span) -> Messages:
    if span.attributes.get("langsmith.span.kind") != "llm":
        return []
    return messages.read(span.attributes.get("gen_ai.prompt"), role="user")


def outputs(span: Span) -> Messages:
    if span.attributes.get("langsmith.span.kind") != "llm":
        return []
    return messages.read(span.attributes.get("gen_ai.completion"), role="assistant")


def usage(span: Span) -> Usage | None:
    details = parse(span.attributes.get("langsmith.metadata.usage_metadata"))
    if not isinstance(details, dict):
        return None
    into, out = details.get("input_token_details"), details.get("output_token_details")
    return Usage(
        input_tokens=count(details.get("input_tokens")),
        output_tokens=count(details.get("output_tokens")),
        total_tokens=count(details.get("total_tokens")),
        cache_read_tokens=count(into.get("cache_read")) if isinstance(into, dict) else None,
        cache_write_tokens=count(into.get("cache_creation")) if isinstance(into, dict) else None,
        reasoning_tokens=count(out.get("reasoning")) if isinstance(out, dict) else None,
    )


def values(span: Span) -> Mapping[str, Any]:
    if span.attributes.get("langsmith.span.kind") != "tool":
        return {}
    return {
        "tool_name": span.name,
        "tool_arguments": parse(span.attributes.get("gen_ai.prompt")),
        "tool_result": span.attributes.get("gen_ai.completion"),
    }


LIBRARY = Library(
    slug="langsmith",
    title="LangSmith in OpenTelemetry mode",
    scopes=("langsmith*",),
    packages=("langsmith",),
    language="python",
    thread_id="""\
chat(question, langsmith_extra={"metadata": {"session_id": chat_id}})
""",
    arrives_as="langsmith.metadata.session_id",
    content="on",
    note=(
        "Needs `LANGSMITH_OTEL_ENABLED=true`, `LANGSMITH_OTEL_ONLY=true` and "
        "`LANGSMITH_TRACING=true`. What LangSmith calls a session in "
        "`langsmith.trace.session_name` is a project, and is read as one."
    ),
)

FAMILY = Family(
    name="langsmith",
    source="langchain-ai/langsmith-sdk, OTEL exporter",
    marks=("langsmith.",),
    kind=KindBy(
        "langsmith.span.kind",
        {
            "llm": "llm",
            "chain": "chain",
            "tool": "tool",
            "retriever": "retriever",
            "prompt": "prompt",
            "parser": "other",
            "embedding": "embedding",
        },
    ),
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={
        "user_id": ("langsmith.metadata.user_id",),
        "tags": ("langsmith.span.tags",),
    },
    thread_ids=tuple(
        ThreadId(f"langsmith.metadata.{word}", ThreadIdRank.VENDOR)
        for word in ("thread_id", "conversation_id", "session_id")
    ),
    not_thread_ids={"langsmith.trace.session_*": "LangSmith's word for a project"},
    metadata_prefixes=("langsmith.metadata.",),
    metadata_noise=(
        "LANGSMITH_",
        "ls_",
        "revision_id",
        "usage_metadata",
    ),
    libraries=(LIBRARY,),
)
