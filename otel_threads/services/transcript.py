"""A conversation in the shapes in which people and programs read it. Pure."""

from collections.abc import Iterable, Sequence

import orjson

from otel_threads.core.message import Error, Json, Message
from otel_threads.core.transcript import TranscriptMessage
from otel_threads.core.turn import Turn

FORMATS = ("messages", "markdown", "openai", "text")
_NAMES = {
    "user": "User",
    "assistant": "Assistant",
    "system": "System",
    "tool": "Tool",
    "error": "Error",
}


def messages_of(turns: Iterable[Turn]) -> list[TranscriptMessage]:
    """Return the messages of a conversation once, with its system prompts and errors in place."""
    found: list[TranscriptMessage] = []
    system: str | None = None
    for turn in turns:
        if turn.system and turn.system != system:
            system = turn.system
            found.append(_system_message(system, turn))
        found += [_of_turn(message, turn) for message in turn.messages]
        if turn.error:
            found.append(_error_message(turn.error, turn))
    return found


def _of_turn(message: Message, turn: Turn) -> TranscriptMessage:
    return TranscriptMessage(
        role=message.role,
        text=message.text,
        parts=message.parts,
        tool_calls=message.tool_calls,
        tool_call_id=message.tool_call_id,
        span_id=message.span_id,
        turn_index=turn.turn_index,
    )


def _system_message(text: str, turn: Turn) -> TranscriptMessage:
    """Return a system prompt as a message of the turn in which it first stands."""
    return TranscriptMessage(
        role="system",
        text=text,
        parts=[{"type": "text", "text": text}],
        tool_calls=[],
        tool_call_id=None,
        span_id=turn.span_id,
        turn_index=turn.turn_index,
    )


def _error_message(error: Error, turn: Turn) -> TranscriptMessage:
    """Return what ended a turn as an assistant's message that has only an error part."""
    words = ": ".join(part for part in (error.type, error.message) if part)
    return TranscriptMessage(
        role="assistant",
        text=None,
        parts=[{"type": "error", "text": words or "error"}],
        tool_calls=[],
        tool_call_id=None,
        span_id=turn.span_id,
        turn_index=turn.turn_index,
    )


def openai(messages: Sequence[TranscriptMessage]) -> list[Json]:
    """Return OpenAI chat messages: roles, content, tool calls; errors are left out."""
    return [_openai_message(one) for one in messages if _error_text(one) is None]


def _openai_message(message: TranscriptMessage) -> Json:
    found: Json = {"role": message.role, "content": message.text}
    if message.tool_calls:
        found["tool_calls"] = [
            {
                "id": call.id or f"call_{i}",
                "type": "function",
                "function": {"name": call.name, "arguments": _json(call.arguments)},
            }
            for i, call in enumerate(message.tool_calls)
        ]
    if message.role == "tool":
        found["tool_call_id"] = message.tool_call_id
        found["content"] = message.text or ""
    return found


def text(messages: Sequence[TranscriptMessage]) -> str:
    """Return plain lines: `User: …`, `Assistant: …`, tool calls and results in brackets."""
    return _joined(lines(messages))


def lines(messages: Sequence[TranscriptMessage]) -> list[str]:
    """Return the lines of `text`."""
    return [f"{who}: {words}" for one in messages for who, words in _spoken(one)]


def markdown(messages: Sequence[TranscriptMessage]) -> str:
    """Return a section a message; tool calls and results as code, so nothing in them is markup."""
    return _joined(
        f"### {who}\n\n{_fenced(words) if who.startswith('Tool') else words}"
        for one in messages
        for who, words in _spoken(one)
    )


def _joined(lines: Iterable[str]) -> str:
    joined = "\n\n".join(lines)
    return f"{joined}\n" if joined else ""


def _spoken(message: TranscriptMessage) -> list[tuple[str, str]]:
    error = _error_text(message)
    if error:
        return [("Error", error)]
    found = []
    if message.text:
        found.append((_NAMES[message.role], message.text))
    found += [("Tool call", f"{call.name}({_json(call.arguments)})") for call in message.tool_calls]
    return found


def _error_text(message: TranscriptMessage) -> str | None:
    """Return what the error part of a message says; None when it has none."""
    return next((str(p.get("text", "")) for p in message.parts if p.get("type") == "error"), None)


def _fenced(words: str) -> str:
    fence = "```"
    while fence in words:
        fence += "`"
    return f"{fence}\n{words}\n{fence}"


def _json(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
