"""LangSmith: its OpenTelemetry mode, and the runs that its SDKs send as records.

Both hold whole requests and responses as JSON, and metadata.

Source: github.com/langchain-ai/langsmith-sdk, OTEL exporter and `schemas.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from otel_threads.core import record
from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, Usage, count, number, parse, texts
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

VENDOR = "langsmith"
INPUTS, OUTPUTS = record.field("inputs"), record.field("outputs")
METADATA, THREAD_ID = record.field("metadata"), record.field("thread_id")
KINDS: Mapping[str, Kind] = {
    "llm": "llm",
    "chain": "chain",
    "tool": "tool",
    "retriever": "retriever",
    "prompt": "prompt",
    "parser": "other",
    "embedding": "embedding",
}


def is_run(span: Span) -> bool:
    return span.attributes.get(record.VENDOR) == VENDOR


def run_type(span: Span) -> str | None:
    if is_run(span):
        told = parse(span.attributes.get(record.field("run_type")))
    else:
        told = span.attributes.get("langsmith.span.kind")
    return told.lower() if isinstance(told, str) else None


def kind(span: Span) -> Kind | None:
    told = run_type(span)
    if told is None:
        return None
    return KINDS.get(told, "chain" if is_run(span) else None)


def given(span: Span) -> Any:
    return span.attributes.get(INPUTS if is_run(span) else "gen_ai.prompt")


def returned(span: Span) -> Any:
    return span.attributes.get(OUTPUTS if is_run(span) else "gen_ai.completion")


def inputs(span: Span) -> Messages:
    if run_type(span) != "llm":
        return []
    return messages.read(given(span), role="user")


def outputs(span: Span) -> Messages:
    if run_type(span) != "llm":
        return []
    return messages.read(returned(span), role="assistant")


def metadata(span: Span) -> Mapping[str, Any]:
    found = parse(span.attributes.get(METADATA))
    return found if isinstance(found, dict) else {}


def usage_metadata(span: Span) -> Any:
    """What the wrappers count: they take it out of the response and put it into both places."""
    if not is_run(span):
        return parse(span.attributes.get("langsmith.metadata.usage_metadata"))
    response = parse(returned(span))
    told = response.get("usage_metadata") if isinstance(response, dict) else None
    return told or metadata(span).get("usage_metadata")


def usage(span: Span) -> Usage | None:
    details = usage_metadata(span)
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
    found: dict[str, Any] = {}
    if is_run(span):
        found |= run_values(span)
    if run_type(span) == "tool":
        found |= {
            "tool_name": span.name,
            "tool_arguments": parse(given(span)),
            "tool_result": returned(span),
        }
    return found


def run_values(span: Span) -> Mapping[str, Any]:
    told = metadata(span)
    found: dict[str, Any] = {
        "request_model": text(told.get("ls_model_name")),
        "provider": text(told.get("ls_provider")),
        "user_id": text(told.get("user_id")),
        "metadata": told or None,
        "tags": texts(span.attributes.get(record.field("tags"))) or None,
    }
    if run_type(span) != "llm":
        return found
    response = parse(returned(span))
    if isinstance(response, dict):
        found["response_model"] = text(response.get("model"))
        found["response_id"] = text(response.get("id"))
    counted = usage_metadata(span)
    if isinstance(counted, dict):
        found["cost_usd"] = number(counted.get("total_cost"))
    found["first_token_at"] = first_token_at(span)
    return found


def text(told: Any) -> str | None:
    return told if isinstance(told, str) and told else None


def thread_ids(span: Span, is_root: bool) -> Sequence[object]:
    """The id out of its JSON text: within it a quote has a backslash before it."""
    del is_root
    if not is_run(span):
        return []
    text = span.attributes[THREAD_ID]
    try:
        return [orjson.loads(text)] if isinstance(text, str) else []
    except orjson.JSONDecodeError:
        return []


def thread_source(span: Span) -> str | None:
    """Which of the run's metadata names the thread; the field that holds it where none does."""
    if not is_run(span):
        return None
    told = thread_ids(span, False)
    key = next((key for key, one in metadata(span).items() if told and str(one) == told[0]), None)
    return f"langsmith.metadata.{key}" if key else "langsmith.thread_id"


def first_token_at(span: Span) -> str | None:
    events = parse(span.attributes.get(record.field("events")))
    told = [
        time
        for event in (events if isinstance(events, list) else ())
        if isinstance(event, dict) and event.get("name") == "new_token"
        if isinstance(time := event.get("time"), str)
    ]
    return min(told, default=None)


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
    marks=("langsmith.", record.VENDOR),
    kind_marks=("langsmith.", record.VENDOR),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={
        "user_id": ("langsmith.metadata.user_id",),
        "tags": ("langsmith.span.tags",),
    },
    thread_ids=(
        *(
            ThreadId(f"langsmith.metadata.{word}", ThreadIdRank.VENDOR)
            for word in ("thread_id", "conversation_id", "session_id")
        ),
        # vendors/langsmith/rules.py puts there what the run's metadata name.
        ThreadId(THREAD_ID, ThreadIdRank.REPLACES, thread_ids, thread_source),
    ),
    user_texts=(Text(INPUTS, TextRank.RUN),),
    assistant_texts=(Text(OUTPUTS, TextRank.RUN),),
    span_projects=("langsmith.trace.session_name",),
    project_headers=("langsmith-project",),
    not_thread_ids={"langsmith.trace.session_*": "LangSmith's word for a project"},
    metadata_prefixes=("langsmith.metadata.",),
    metadata_noise=(
        "LANGSMITH_",
        "LANGCHAIN_",
        "ls_",
        "revision_id",
        "usage_metadata",
    ),
    libraries=(LIBRARY,),
)
