"""Claude Code's own spans: an interaction, its requests and tools, under plain names.

Source: Claude Code monitoring documentation, scope com.anthropic.claude_code.tracing.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import LogRecord, Span
from otel_threads.derive import messages
from otel_threads.derive.family import (
    IS_ASIDE,
    Family,
    Kind,
    Messages,
    Usage,
    count,
    name,
    number,
    parse,
    text,
    texts,
)
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank

SCOPE = "com.anthropic.claude_code"
# By `span.type`; where it is missing, by the name after `claude_code.`, which says the same. The
# spans inside a tool (waiting for permission, running) are no tools of their own.
KINDS: Mapping[str, Kind] = {
    "interaction": "agent",
    "llm_request": "llm",
    "tool": "tool",
    # Its log records, where there are no spans.
    "user_prompt": "agent",
    "api_request": "llm",
    "api_error": "llm",
    "tool_result": "tool",
    "assistant_response": "event",
    "tool_decision": "event",
}
EVENTS = (
    "user_prompt",
    "api_request",
    "api_error",
    "assistant_response",
    "tool_result",
    "tool_decision",
)
RESPONSE = "claude_code.response"  # on the span of a turn, as a record tells it
# Who asks the model: the person's conversation, as a program or on a terminal. Others are agents
# below it, and what the program asks for itself: a title, a suggestion, a summary.
SOURCE = "query_source"
MAIN_SOURCES = ("sdk", "repl_main_thread")
REDACTED = "<REDACTED>"  # in place of a prompt, unless it is to be sent
OUTPUT_EVENT = "tool.output"
OUTPUT_KEYS = ("output", "content", "diff")


def kind(span: Span) -> Kind | None:
    named = span.attributes.get("span.type") or span.name.removeprefix("claude_code.")
    if found := KINDS.get(str(named)):
        return found
    if "input_tokens" in span.attributes or "response.model_output" in span.attributes:
        return "llm"
    return "chain"


def record(told: LogRecord) -> Mapping[str, Any]:
    """Return what a record tells of the interaction or the request that it belongs to."""
    attributes = told.attributes
    if _is_aside(attributes):
        return {}
    named = told.event_name.removeprefix("claude_code.")
    if named == "assistant_response" and isinstance(attributes.get("response"), str):
        return {RESPONSE: attributes["response"], "response.model_output": attributes["response"]}
    if named == "user_prompt" and isinstance(attributes.get("prompt"), str):
        return {"user_prompt": attributes["prompt"]}
    return {}


def _is_aside(attributes: Mapping[str, Any]) -> bool:
    source = attributes.get(SOURCE)
    return isinstance(source, str) and bool(source) and not source.startswith(MAIN_SOURCES)


def inputs(span: Span) -> Messages:
    return _text(span, "user_prompt", "user")


def outputs(span: Span) -> Messages:
    return _text(span, "response.model_output", "assistant")


def _text(span: Span, key: str, role: str) -> Messages:
    value = span.attributes.get(key)
    if not isinstance(value, str) or value == REDACTED:
        return []
    return messages.read({"role": role, "content": value})


def usage(span: Span) -> Usage | None:
    cached, written = (
        count(span.attributes.get(key)) for key in ("cache_read_tokens", "cache_creation_tokens")
    )
    plain = count(span.attributes.get("input_tokens"))
    return Usage(
        # Anthropic counts cached input apart; everywhere else here input includes it.
        input_tokens=None if plain is None else plain + (cached or 0) + (written or 0),
        output_tokens=count(span.attributes.get("output_tokens")),
        cache_read_tokens=cached,
        cache_write_tokens=written,
    )


def values(span: Span) -> Mapping[str, Any]:
    attributes = span.attributes
    found: dict[str, Any] = {
        IS_ASIDE: _is_aside(attributes) or None,
        "ttft_ms": count(attributes.get("ttft_ms")),
        "finish_reasons": texts(attributes.get("stop_reason")) or None,
        "cost_usd": number(attributes.get("cost_usd")),
    }
    if kind(span) == "tool":
        found |= {
            "tool_name": name(attributes.get("tool_name")),
            "tool_call_id": name(attributes.get("tool_use_id")),
            "tool_arguments": _arguments(attributes),
            "tool_result": _result(span),
        }
    failed = text(attributes.get("error"))
    if failed or str(attributes.get("success")).lower() == "false":
        found |= {"error_type": "error", "error_message": failed}
    return found


def _arguments(attributes: Mapping[str, Any]) -> Any:
    given = _without_title(attributes.get("tool_input", attributes.get("tool_parameters")))
    if given is not None:
        return parse(given)
    for key, argument in (("full_command", "command"), ("file_path", "file_path")):
        if isinstance(attributes.get(key), str):
            return {argument: attributes[key]}
    return None


def _result(span: Span) -> Any:
    for event in span.events:
        if event.name == OUTPUT_EVENT:
            for key in OUTPUT_KEYS:
                if isinstance(event.attributes.get(key), str):
                    return event.attributes[key]
    return _without_title(span.attributes.get("new_context"))


def _without_title(value: Any) -> str | None:
    """Return a text without the line `[TOOL INPUT: name]` or `[TOOL RESULT: name]` above it."""
    if not isinstance(value, str):
        return None
    title, line, rest = value.partition("\n")
    return rest if line and title.startswith("[TOOL ") else value


LIBRARY = Library(
    slug="claude-code",
    title="Claude Code",
    scopes=("com.anthropic.claude_code*",),
    packages=("@anthropic-ai/claude-code",),
    language="sh",
    thread_id="""\
export CLAUDE_CODE_ENABLE_TELEMETRY=1
export CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1   # its spans are in beta; session.id is on each
export OTEL_TRACES_EXPORTER=otlp
""",
    arrives_as="session.id",
    content="""\
export OTEL_LOG_USER_PROMPTS=1
export OTEL_LOG_TOOL_CONTENT=1
""",
)

FAMILY = Family(
    name="claude-code",
    source="Claude Code monitoring documentation",
    scopes=(SCOPE,),  # no marks: a tool tells its result in an event
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={"request_model": ("model",)},
    user_texts=(Text("user_prompt", TextRank.REQUEST), Text("prompt", TextRank.PLAIN)),
    assistant_texts=(Text(RESPONSE, TextRank.RUN),),
    log_events=("claude_code.*", *EVENTS),
    record=record,
    alone_events=dict.fromkeys(("claude_code.*", *EVENTS), ("session.id",)),
    turn_events=("user_prompt", "claude_code.user_prompt"),
    elided=(REDACTED,),
    libraries=(LIBRARY,),
)
