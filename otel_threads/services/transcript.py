"""A conversation in the shapes in which people and programs read it. Pure."""

from typing import Any

import orjson

Row = dict[str, Any]
FORMATS = ("messages", "markdown", "openai", "text")
_NAMES = {
    "user": "User",
    "assistant": "Assistant",
    "system": "System",
    "tool": "Tool",
    "error": "Error",
}


def system_message(text: str, turn: Row) -> Row:
    """Return a system prompt as a message of the turn in which it first stands."""
    return {
        "role": "system",
        "text": text,
        "parts": [{"type": "text", "text": text}],
        "tool_calls": [],
        "tool_call_id": None,
        "span_id": turn["span_id"],
        "turn_index": turn["turn_index"],
    }


def error_message(turn: Row) -> Row:
    """Return what ended a turn as an assistant's message that has only an error part."""
    words = ": ".join(part for part in (turn["error_type"], turn["error_message"]) if part)
    return {
        "role": "assistant",
        "text": None,
        "parts": [{"type": "error", "text": words or "error"}],
        "tool_calls": [],
        "tool_call_id": None,
        "span_id": turn["span_id"],
        "turn_index": turn["turn_index"],
    }


def openai(messages: list[Row]) -> list[Row]:
    """Return OpenAI chat messages: roles, content, tool calls; errors are left out."""
    found = []
    for message in messages:
        if any(part["type"] == "error" for part in message["parts"]):
            continue
        one: Row = {"role": message["role"], "content": message["text"]}
        if message["tool_calls"]:
            one["tool_calls"] = [
                {
                    "id": call["id"] or f"call_{i}",
                    "type": "function",
                    "function": {"name": call["name"], "arguments": _json(call["arguments"])},
                }
                for i, call in enumerate(message["tool_calls"])
            ]
        if message["role"] == "tool":
            one["tool_call_id"] = message["tool_call_id"]
            one["content"] = message["text"] or ""
        found.append(one)
    return found


def text(messages: list[Row]) -> str:
    """Return plain lines: `User: …`, `Assistant: …`, tool calls and results in brackets."""
    lines = []
    for message in messages:
        for who, words in _spoken(message):
            lines.append(f"{who}: {words}")
    return "\n\n".join(lines) + ("\n" if lines else "")


def markdown(messages: list[Row]) -> str:
    """Return a section a message; tool calls and results as code, so nothing in them is markup."""
    lines = []
    for message in messages:
        for who, words in _spoken(message):
            body = _fenced(words) if who.startswith("Tool") else words
            lines.append(f"### {who}\n\n{body}")
    return "\n\n".join(lines) + ("\n" if lines else "")


def _spoken(message: Row) -> list[tuple[str, str]]:
    found = []
    error = next((part["text"] for part in message["parts"] if part["type"] == "error"), None)
    if error:
        return [("Error", error)]
    if message["text"]:
        found.append((_NAMES[message["role"]], message["text"]))
    found += [
        ("Tool call", f"{call['name']}({_json(call['arguments'])})")
        for call in message["tool_calls"]
    ]
    return found


def _fenced(words: str) -> str:
    fence = "```"
    while fence in words:
        fence += "`"
    return f"{fence}\n{words}\n{fence}"


def _json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
