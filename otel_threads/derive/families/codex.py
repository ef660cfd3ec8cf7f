"""Codex CLI: spans of its sessions, with the words in log records alone.

Its `gen_ai.conversation.id` is a turn's; the conversation is `thread.id` on the turn's span, a
text where OpenTelemetry means the number of a thread, and `conversation.id` on records.

Source: github.com/openai/codex, codex-rs/otel; docs/config.md, section "otel".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from otel_threads.core.model import LogRecord, Span
from otel_threads.derive.family import Family, Kind, Usage, count
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

SCOPE = "codex"
PROMPT = "codex.user_prompt"
KINDS: Mapping[str, Kind] = {
    "session_task.turn": "agent",
    PROMPT: "agent",
    "codex.tool_result": "tool",
    "codex.tool_decision": "event",
    "codex.conversation_starts": "event",
}


def kind(span: Span) -> Kind | None:
    """Return what a span is: of the stream's events only the last counts tokens.

    A request that failed had no stream.
    """
    if span.name == "codex.sse_event":
        return "llm" if "input_token_count" in span.attributes or _failed(span) else "event"
    if span.name == "codex.api_request":
        return "llm" if _failed(span) else "event"
    return KINDS.get(span.name)


def usage(span: Span) -> Usage | None:
    attributes = span.attributes
    return Usage(
        input_tokens=count(attributes.get("input_token_count")),
        output_tokens=count(attributes.get("output_token_count")),
        cache_read_tokens=count(attributes.get("cached_token_count")),
        reasoning_tokens=count(attributes.get("reasoning_token_count", attributes.get(REASONING))),
    )


REASONING = "codex.usage.reasoning_output_tokens"


def values(span: Span) -> Mapping[str, Any]:
    attributes = span.attributes
    if kind(span) == "tool":
        return {
            "tool_name": attributes.get("tool_name"),
            "tool_call_id": attributes.get("call_id"),
            "tool_arguments": attributes.get("arguments"),
            "tool_result": attributes.get("output"),
        }
    return {"error_type": "error", "error_message": _failed(span)} if _failed(span) else {}


def _failed(span: Span) -> str | None:
    message = span.attributes.get("error.message")
    is_told = span.name.startswith("codex.") and isinstance(message, str)
    return str(message) if is_told and message else None


def record(told: LogRecord) -> Mapping[str, Any]:
    """Return the person's words, which only a record has."""
    if told.event_name == PROMPT and isinstance(told.attributes.get("prompt"), str):
        return {"codex.prompt": told.attributes["prompt"]}
    return {}


def _thread(span: Span, is_root: bool) -> Sequence[object]:
    return [span.attributes["thread.id"]] if span.scope_name.startswith(SCOPE) else []


LIBRARY = Library(
    slug="codex",
    title="Codex CLI",
    scopes=("codex*",),
    packages=("@openai/codex",),
    language="toml",
    thread_id="""\
[otel]
exporter = { otlp-http = { endpoint = "http://127.0.0.1:4318/v1/logs", protocol = "binary" } }
""",
    arrives_as="conversation.id",
    content="""\
[otel]
log_user_prompt = true
""",
    note="Codex tells no text of an answer.",
)

FAMILY = Family(
    name="codex",
    source="openai/codex, codex-rs/otel",
    marks=("codex.", "conversation.id", "thread.id", "otel_threads.log_record"),
    scopes=(SCOPE,),
    kind=kind,
    usage=usage,
    values=values,
    thread_ids=(ThreadId("thread.id", ThreadIdRank.REPLACES, _thread),),
    user_texts=(Text("codex.prompt", TextRank.RUN), Text("prompt", TextRank.PLAIN)),
    log_events=("codex.*",),
    record=record,
    alone_events={"codex.*": ("conversation.id",)},
    turn_events=(PROMPT,),
    libraries=(LIBRARY,),
)
