"""Langfuse SDKs (Python v3 to v5, JavaScript): observations with JSON input and output.

Source: github.com/langfuse/langfuse, OpenTelemetry attributes of its SDKs.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import api_usage, messages
from otel_threads.derive.family import Family, KindBy, Messages, Usage, count, number, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import PLAIN_WORDS, Text, TextRank, ThreadId, ThreadIdRank

INPUT, OUTPUT = "langfuse.observation.input", "langfuse.observation.output"


def inputs(span: Span) -> Messages:
    if span.attributes.get("langfuse.observation.type") != "generation":
        return []
    return messages.read(span.attributes.get(INPUT), role="user")


def outputs(span: Span) -> Messages:
    if span.attributes.get("langfuse.observation.type") != "generation":
        return []
    return messages.read(span.attributes.get(OUTPUT), role="assistant")


def usage(span: Span) -> Usage | None:
    """Read the bundle: OpenAI's object as it is, or buckets that exclude one another."""
    details = parse(span.attributes.get("langfuse.observation.usage_details"))
    if not isinstance(details, dict):
        return None
    if "prompt_tokens" in details or "completion_tokens" in details:
        return api_usage.read(details)
    return Usage(
        input_tokens=_bucket(details, "input"),
        output_tokens=_bucket(details, "output"),
        total_tokens=count(details.get("total")),
        cache_read_tokens=_first(
            details, "input_cache_read", "input_cached_tokens", "cache_read_input_tokens"
        ),
        cache_write_tokens=_first(details, "input_cache_creation", "cache_creation_input_tokens"),
        reasoning_tokens=_first(details, "output_reasoning", "output_reasoning_tokens"),
        input_audio_tokens=_first(details, "input_audio", "input_audio_tokens"),
        output_audio_tokens=_first(details, "output_audio", "output_audio_tokens"),
    )


def _bucket(details: Mapping[str, Any], prefix: str) -> int | None:
    found = [
        tokens
        for key, value in details.items()
        if (key == prefix or key.startswith(f"{prefix}_")) and (tokens := count(value)) is not None
    ]
    return sum(found) if found else None


def _first(details: Mapping[str, Any], *keys: str) -> int | None:
    return next((tokens for key in keys if (tokens := count(details.get(key))) is not None), None)


def values(span: Span) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    attributes = span.attributes
    costs = parse(attributes.get("langfuse.observation.cost_details"))
    if isinstance(costs, dict) and attributes.get("langfuse.observation.level") != "ERROR":
        total = number(costs.get("total"))
        parts = [cost for value in costs.values() if (cost := number(value)) is not None]
        if total is not None or parts:
            found["cost_usd"] = total if total is not None else sum(parts)
    if attributes.get("langfuse.observation.type") == "tool":
        arguments = parse(attributes.get(INPUT))
        if isinstance(arguments, dict) and "kwargs" in arguments:
            arguments = arguments["kwargs"] or arguments.get("args")
        found |= {
            "tool_name": span.name,
            "tool_arguments": arguments,
            "tool_result": attributes.get(OUTPUT),
        }
    if attributes.get("langfuse.observation.level") == "ERROR":
        found["error_type"] = "error"
    return found


LIBRARY = Library(
    slug="langfuse",
    title="Langfuse SDK",
    scopes=("langfuse*",),
    packages=("langfuse", "@langfuse/otel"),
    language="python",
    thread_id="""\
from langfuse import propagate_attributes

with propagate_attributes(session_id=chat_id):
    answer = client.chat.completions.create(model=model, messages=messages)
""",
    arrives_as="session.id",
    content="on",
    note=(
        "In JavaScript: `propagateAttributes({ sessionId: chatId }, async () => { … "
        "})`. Set `LANGFUSE_BASE_URL` to our HTTP port; the SDK appends "
        "`/api/public/otel/v1/traces`."
    ),
)

FAMILY = Family(
    name="langfuse",
    source="langfuse/langfuse, OpenTelemetry attributes of the SDKs v3 to v5",
    marks=("langfuse.observation.",),
    kind=KindBy(
        "langfuse.observation.type",
        {
            "generation": "llm",
            "embedding": "embedding",
            "span": "chain",
            "chain": "chain",
            "agent": "agent",
            "tool": "tool",
            "retriever": "retriever",
            "evaluator": "evaluator",
            "guardrail": "guardrail",
            "event": "event",
        },
    ),
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={
        "response_model": ("langfuse.observation.model.name",),
        "first_token_at": ("langfuse.observation.completion_start_time",),
        "user_id": ("langfuse.user.id", "user.id"),
        "environment": ("langfuse.environment",),
        "tags": ("langfuse.trace.tags", "langfuse.tags"),
        "error_message": ("langfuse.observation.status_message",),
    },
    thread_ids=(
        ThreadId("langfuse.session.id", ThreadIdRank.SDK_SESSION),
        *(
            ThreadId(f"langfuse.{level}.metadata.{word}", ThreadIdRank.VENDOR_METADATA)
            for level in ("trace", "observation")
            for word in ("langfuse_session_id", *PLAIN_WORDS)
        ),
    ),
    user_texts=(
        Text("langfuse.trace.input", TextRank.RUN),
        Text(INPUT, TextRank.RUN),
    ),
    assistant_texts=(
        Text("langfuse.trace.output", TextRank.RUN),
        Text(OUTPUT, TextRank.RUN),
    ),
    shown_inputs=(
        Text("langfuse.observation.input", TextRank.RUN),
        Text("langfuse.trace.input", TextRank.RUN),
    ),
    shown_outputs=(
        Text("langfuse.observation.output", TextRank.RUN),
        Text("langfuse.trace.output", TextRank.RUN),
    ),
    metadata_prefixes=("langfuse.trace.metadata.",),
    metadata_noise=("langfuse_",),
    resource_environments=("langfuse.environment",),
    libraries=(LIBRARY,),
)
