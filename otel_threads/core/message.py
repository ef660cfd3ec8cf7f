"""A message of a conversation, and the tool calls in it."""

from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
Json = dict[str, Any]  # an object of JSON as an instrumentation sent it: its keys are theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What ended a turn or a tool call."""

    type: str | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedCall:
    """A tool call as it stands in an assistant's message."""

    id: str | None
    name: str | None
    arguments: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool call that the assistant requested, and what came of it."""

    id: str | None = None
    name: str | None
    arguments: Any
    result: Any
    error: Error | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; `text` shows `[image]` and the like for what is no text."""

    role: Role
    text: str | None
    parts: list[Json]
    tool_calls: list[RequestedCall]
    tool_call_id: str | None
    span_id: str | None
