"""A person's words on an outer span (an agent, a chain, a root): what is plainly human text.

Outer spans keep the user's own words where the model request wraps them in a template. They also
hold engine state, Python reprs and whole request bodies; those are refused, not guessed at.

Source: docs/conventions.md, section "What a turn is", rules for the user and assistant message.
"""

import re
from collections.abc import Sequence
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import NOT_CAPTURED, Role, parse

INPUTS = (
    "pydantic_ai.all_messages", "all_messages_events", "langfuse.observation.input",
    "lk.pii.user_input", "lk.user_input", "lk.user_transcript", "input.value",
    "traceloop.entity.input", "mlflow.spanInputs", "lmnr.span.input", "gen_ai.input.messages",
    "gen_ai.prompt", "haystack.agent.input", "ai.prompt", "user_prompt", "langwatch.input",
    "mastra.agent_run.input", "mastra.workflow_run.input", "genkit:input", "input",
)  # fmt: skip
OUTPUTS = (
    "final_result", "langfuse.observation.output", "lk.pii.response.text", "lk.response.text",
    "output.value", "traceloop.entity.output", "mlflow.spanOutputs", "lmnr.span.output",
    "gen_ai.output.messages", "gen_ai.completion", "ai.response.text", "haystack.agent.output",
    "pydantic_ai.all_messages", "all_messages_events", "langwatch.output",
    "mastra.agent_run.output", "mastra.workflow_run.output", "genkit:output", "output",
)  # fmt: skip
INPUT_KEYS = (
    "input", "question", "query", "message", "text", "prompt", "user_input", "task", "content",
    "user_message", "user_msg", "inputs", "q",
)  # fmt: skip
OUTPUT_KEYS = (
    "output", "answer", "response", "result", "text", "message", "content", "final_output",
    "reply", "raw", "outputs",
)  # fmt: skip
# An object's repr even where the sender says that it is plain text.
_OBJECT = re.compile(r"\s*[A-Z]\w*\(\w+=")
DEPTH_MAX = 3


def words(span: Span, role: Role, names: Sequence[str]) -> str | None:
    """Return the last words of a role that an outer span holds, None where none are plain.

    `names` are those of INPUTS or OUTPUTS that the span has, in their order.
    """
    keys = INPUT_KEYS if role == "user" else OUTPUT_KEYS
    for name in names:
        found = plain(span.attributes[name], role, keys, plain_type=_is_plain(span, name))
        if found:
            return found
    return None


def _is_plain(span: Span, name: str) -> bool:
    mime = (
        span.attributes.get(name.replace("value", "mime_type")) if name.endswith(".value") else None
    )
    return mime == "text/plain"


def plain(
    value: Any, role: Role, keys: tuple[str, ...], *, plain_type: bool = False, depth: int = 0
) -> str | None:
    """Return the human text in a value; None for engine state, reprs and request bodies."""
    if depth > DEPTH_MAX:
        return None
    if isinstance(value, str):
        parsed = parse(value)
        if isinstance(parsed, str):
            text = parsed.strip()
            refused = _OBJECT.match(text) if plain_type else messages.REPR.match(text) or _cut(text)
            return text if text and not refused and text not in NOT_CAPTURED else None
        return plain(parsed, role, keys, depth=depth + 1)
    if isinstance(value, list):
        return _of_list(value, role, keys, depth)
    if isinstance(value, dict):
        return _of_object(value, role, keys, depth)
    return None


def _cut(text: str) -> bool:
    """Whether a text is JSON that a length limit cut off."""
    return text[:2] in ('{"', '["', "[{") and len(text) > 2


def _of_list(value: list[Any], role: Role, keys: tuple[str, ...], depth: int) -> str | None:
    if not value:
        return None
    if isinstance(value[0], str):
        return value[0].strip() or None
    found = messages.read(value, role=None)
    if found:
        return messages.last_text(found, role)
    bare = messages.read(value, role=role) if role == "assistant" else []
    if bare:
        return messages.last_text(bare, role)
    if role == "assistant" and isinstance(value[-1], dict | list):
        return plain(value[-1], role, keys, depth=depth + 1)
    return None


def _of_object(value: dict[str, Any], role: Role, keys: tuple[str, ...], depth: int) -> str | None:
    if "args" in value and set(value) <= {"args", "kwargs"}:
        arguments = value["args"]
        if isinstance(arguments, list) and arguments and isinstance(arguments[0], str):
            return arguments[0].strip() or None
        return plain(value.get("kwargs"), role, keys, depth=depth + 1) or (
            plain(arguments, role, keys, depth=depth + 1) if arguments else None
        )
    if value.keys() == {"type", "value"}:  # LangWatch's typed values
        return plain(value["value"], role, keys, depth=depth + 1)
    if "messages" in value or "role" in value or "choices" in value or "lc" in value:
        found = messages.read(value, role=role if role == "assistant" else None)
        return messages.last_text(found, role)
    for key in keys:
        inner = value.get(key)
        if isinstance(inner, str) and inner.strip():
            return plain(inner, role, keys, depth=depth + 1)
    for key in keys:
        inner = value.get(key)
        if isinstance(inner, dict | list) and inner:
            found_text = plain(inner, role, keys, depth=depth + 1)
            if found_text:
                return found_text
    if role == "assistant":
        return messages.last_text(messages.read(value, role="assistant"), role)
    return messages.last_text(messages.read(value), role)
