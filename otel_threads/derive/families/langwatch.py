"""LangWatch: typed inputs and outputs, `{"type": "chat_messages", "value": [...]}`.

Source: github.com/langwatch/langwatch, its Python and TypeScript SDKs.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, KindBy, Messages, Usage, count, number, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

INPUT, OUTPUT = "langwatch.input", "langwatch.output"


def _value(span: Span, key: str) -> Any:
    typed = parse(span.attributes.get(key))
    return typed.get("value") if isinstance(typed, dict) and "type" in typed else typed


def inputs(span: Span) -> Messages:
    if span.attributes.get("langwatch.span.type") != "llm":
        return []
    return messages.read(_value(span, INPUT), role="user")


def outputs(span: Span) -> Messages:
    if span.attributes.get("langwatch.span.type") != "llm":
        return []
    return messages.read(_value(span, OUTPUT), role="assistant")


def usage(span: Span) -> Usage | None:
    counts = parse(span.attributes.get("langwatch.metrics"))
    if not isinstance(counts, dict):
        return None
    return Usage(
        input_tokens=count(counts.get("prompt_tokens", counts.get("promptTokens"))),
        output_tokens=count(counts.get("completion_tokens", counts.get("completionTokens"))),
        cache_read_tokens=count(counts.get("cache_read_input_tokens")),
        cache_write_tokens=count(counts.get("cache_creation_input_tokens")),
        reasoning_tokens=count(counts.get("reasoning_tokens")),
    )


def values(span: Span) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    counts = parse(span.attributes.get("langwatch.metrics"))
    if isinstance(counts, dict):
        found["cost_usd"] = number(counts.get("cost"))
    if span.attributes.get("langwatch.span.type") == "tool":
        found |= {
            "tool_name": span.name,
            "tool_arguments": _value(span, INPUT),
            "tool_result": _value(span, OUTPUT),
        }
    return found


LIBRARY = Library(
    slug="langwatch",
    title="LangWatch SDK",
    scopes=("langwatch*",),
    packages=("langwatch",),
    language="python",
    thread_id="""\
langwatch.get_current_trace().update(metadata={"thread_id": chat_id})
""",
    arrives_as="metadata",
    content="on",
    note="Set `endpoint_url` to our HTTP port; the SDK appends `/api/otel/v1/traces`.",
)

FAMILY = Family(
    name="langwatch",
    source="langwatch/langwatch, Python and TypeScript SDKs",
    marks=("langwatch.",),
    kind=KindBy(
        "langwatch.span.type",
        {
            "llm": "llm",
            "span": "chain",
            "chain": "chain",
            "workflow": "chain",
            "agent": "agent",
            "tool": "tool",
            "rag": "retriever",
            "guardrail": "guardrail",
            "evaluation": "evaluator",
        },
    ),
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={
        "user_id": ("langwatch.user.id", "langwatch.user_id"),
        "tags": ("langwatch.labels", "langwatch.tags"),
    },
    thread_ids=(
        ThreadId("langwatch.thread.id", ThreadIdRank.VENDOR),
        ThreadId("langwatch.thread_id", ThreadIdRank.VENDOR),
    ),
    user_texts=(Text(INPUT, TextRank.STEP),),
    assistant_texts=(Text(OUTPUT, TextRank.STEP),),
    libraries=(LIBRARY,),
)
