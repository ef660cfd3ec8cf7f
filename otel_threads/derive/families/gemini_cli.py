"""Gemini CLI: every request a trace of its own, with Gemini's messages under OpenTelemetry's names.

Source: github.com/google-gemini/gemini-cli, packages/core/src/telemetry; docs/cli/telemetry.md.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from otel_threads.core.model import LogRecord, Span
from otel_threads.derive import messages
from otel_threads.derive.family import (
    IS_ASIDE,
    Family,
    Kind,
    Message,
    Messages,
    Part,
    Usage,
    count,
    parse,
)
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank

SCOPE = "gemini-cli"
KINDS: Mapping[str, Kind] = {
    "llm_call": "llm",
    "tool_call": "tool",
    "schedule_tool_calls": "chain",
    "agent_call": "agent",
}
PROMPT = "gemini_cli.user_prompt"
ASKED = "gemini_cli.api_request"
ANSWERED = "gemini_cli.api_response"
FAILED = "gemini_cli.api_error"
TOOL = "gemini_cli.tool_call"
# Its log records, where there are no spans.
RECORDS: Mapping[str, Kind] = {
    PROMPT: "agent",
    ASKED: "event",
    ANSWERED: "llm",
    FAILED: "llm",
    TOOL: "tool",
}
MAIN = "main"  # the role of a request for the person; others are the program's own
# What the program puts before a person's first words.
CONTEXT = re.compile(r"\s*<session_context>.*?</session_context>\s*", re.DOTALL)


def kind(span: Span) -> Kind | None:
    if span.name in RECORDS:
        return RECORDS[span.name]
    return KINDS.get(str(span.attributes.get("gen_ai.operation.name")))


def inputs(span: Span) -> Messages:
    if span.name in (ANSWERED, FAILED):
        return _asked(span)
    return _read(span, "gen_ai.input.messages", "user")


def outputs(span: Span) -> Messages:
    if span.name == ANSWERED:
        return _joined(messages.read(span.attributes.get("response_text"), role="assistant"))
    return _read(span, "gen_ai.output.messages", "assistant")


def _asked(span: Span) -> Messages:
    """Return the messages of the request whose response a record tells."""
    for record in span.logs:
        if record.event_name == ASKED and (told := record.attributes.get("request_text")):
            return messages.read(told, role="user")
    return []


def _joined(chunks: Messages) -> Messages:
    """Return one message of those that a stream brought piece by piece."""
    parts: list[dict[str, Any]] = []
    for part in (part for chunk in chunks for part in chunk.parts):
        if parts and part["type"] == parts[-1]["type"] in ("text", "reasoning"):
            parts[-1] = {**part, "text": parts[-1]["text"] + part["text"]}
        else:
            parts.append(part)
    return [Message("assistant", parts)] if parts else []


def usage(span: Span) -> Usage | None:
    """Return what a record counts: thoughts apart from the answer, as Gemini does."""
    if span.name != ANSWERED:
        return None
    names = ("input", "output", "total", "cached_content", "thoughts")
    counts = {one: count(span.attributes.get(f"{one}_token_count")) for one in names}
    return Usage(
        input_tokens=counts["input"],
        output_tokens=counts["output"],
        total_tokens=counts["total"],
        cache_read_tokens=counts["cached_content"],
        reasoning_tokens=counts["thoughts"],
    )


def _read(span: Span, attribute: str, role: Any) -> Messages:
    """Return messages; the id of a tool call is the same in the answer and in the history then."""
    if kind(span) != "llm":
        return []
    found = messages.read(span.attributes.get(attribute), role=role)
    return [replace(one, parts=[_with_plain_id(part) for part in one.parts]) for one in found]


def _with_plain_id(part: Part) -> Part:
    if part["type"] in ("tool_call", "tool_result") and part["id"] and part["name"]:
        return {**part, "id": part["id"].removeprefix(f"{part['name']}__")}
    return part


def unwrap(span: Span, prompt: str) -> str | None:
    """Return a person's words without the session's context before them."""
    if not span.scope_name.startswith(SCOPE):
        return None
    context = CONTEXT.match(prompt)
    return prompt[context.end() :] or None if context else None


def values(span: Span) -> Mapping[str, Any]:
    if span.name in RECORDS:
        return _told(span)
    if kind(span) != "tool":
        return {}
    asked = parse(span.attributes.get("gen_ai.input.messages"))
    done = parse(span.attributes.get("gen_ai.output.messages"))
    name = span.attributes.get("gen_ai.tool.name")
    call_id = span.attributes.get("gen_ai.tool.call_id")
    found: dict[str, Any] = {"tool_name": name}
    if isinstance(call_id, str):
        found["tool_call_id"] = call_id.removeprefix(f"{name}__")
    if isinstance(asked, dict):
        found["tool_arguments"] = asked.get("args")
    response = done.get("response") if isinstance(done, dict) else None
    if isinstance(response, dict):
        found["tool_result"] = response.get("resultDisplay")
        if isinstance(response.get("error"), str):
            found |= {"error_type": "error", "error_message": response["error"]}
    return found


def _told(span: Span) -> Mapping[str, Any]:
    """Return what a record says of a request, a tool, or why either failed."""
    attributes = span.attributes
    found: dict[str, Any] = {}
    if span.name in (ANSWERED, FAILED):
        found["request_model"] = attributes.get("model")
        found[IS_ASIDE] = attributes.get("role", MAIN) != MAIN or None
    if span.name == TOOL:
        found |= {
            "tool_name": attributes.get("function_name"),
            "tool_arguments": attributes.get("function_args"),
        }
    if span.name == FAILED or (span.name == TOOL and attributes.get("success") is False):
        told = (attributes.get(key) for key in ("error", "error.message", "error_message"))
        found |= {
            "error_type": str(attributes.get("error_type") or "error"),
            "error_message": next((one for one in told if isinstance(one, str)), None),
        }
    return found


def record(told: LogRecord) -> Mapping[str, Any]:
    """Return a person's exact words, where a record of theirs has the ids of a span."""
    prompt = told.attributes.get("prompt") if told.event_name == PROMPT else None
    return {"gemini_cli.prompt": prompt} if isinstance(prompt, str) else {}


LIBRARY = Library(
    slug="gemini-cli",
    title="Gemini CLI",
    scopes=("gemini-cli*",),
    packages=("@google/gemini-cli",),
    language="json",
    thread_id="""\
{"telemetry": {"enabled": true, "traces": true, "otlpEndpoint": "http://127.0.0.1:4318", "otlpProtocol": "http"}}
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
{"telemetry": {"logPrompts": true}}
""",
    note="A run that fails ends without sending what is left of it.",
)

FAMILY = Family(
    name="gemini-cli",
    source="google-gemini/gemini-cli, packages/core/src/telemetry",
    marks=("gen_ai.", "otel_threads.log_record"),
    scopes=(SCOPE,),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    unwrap=unwrap,
    user_texts=(Text("gemini_cli.prompt", TextRank.RUN), Text("prompt", TextRank.PLAIN)),
    log_events=("gemini_cli.*",),
    record=record,
    alone_events=dict.fromkeys(RECORDS, ("session.id",)),
    turn_events=(PROMPT,),
    asking_events=(ASKED,),
    answer_events=(ANSWERED, FAILED),
    libraries=(LIBRARY,),
)
