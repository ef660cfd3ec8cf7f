"""Gemini CLI: every request a trace of its own, with Gemini's messages under OpenTelemetry's names.

Source: github.com/google-gemini/gemini-cli, packages/core/src/telemetry; docs/cli/telemetry.md.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, Part, parse
from otel_threads.derive.library import Library

SCOPE = "gemini-cli"
KINDS: Mapping[str, Kind] = {
    "llm_call": "llm",
    "tool_call": "tool",
    "schedule_tool_calls": "chain",
    "agent_call": "agent",
}
# What the program puts before a person's first words.
CONTEXT = re.compile(r"\s*<session_context>.*?</session_context>\s*", re.DOTALL)


def kind(span: Span) -> Kind | None:
    if not span.scope_name.startswith(SCOPE):
        return None
    return KINDS.get(str(span.attributes.get("gen_ai.operation.name")))


def inputs(span: Span) -> Messages:
    return _read(span, "gen_ai.input.messages", "user")


def outputs(span: Span) -> Messages:
    return _read(span, "gen_ai.output.messages", "assistant")


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
    marks=("gen_ai.",),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    values=values,
    unwrap=unwrap,
    log_events=("gemini_cli.*",),
    libraries=(LIBRARY,),
)
