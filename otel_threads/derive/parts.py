"""The parts of a message, in every shape in which models' APIs and frameworks write them.

What a part says: words, thoughts, a call of a tool and its result, whoever runs the tool. A part of
no known type keeps the fields that it came with.

Source: shared shapes of docs/conventions.md, section "Messages".
"""

from collections.abc import Callable, Mapping
from typing import Any

from otel_threads.derive import server_tools
from otel_threads.derive.family import Part, kept, parse

PARTS_MAX = 2000  # of one message; more is a runaway loop, and span_content has them


def parts_of(content: Any) -> list[Part]:
    """Return the parts of a message's content: a text, a list, one part, or JSON of these."""
    if isinstance(content, str):
        if content.lstrip().startswith(("[{", "[ {")):
            inner = parse(content)
            if isinstance(inner, list) and all(is_bare_part(i) or _is_text(i) for i in inner):
                return [part for item in inner[:PARTS_MAX] for part in part_of(item)]
        return [{"type": "text", "text": content}] if content else []
    if isinstance(content, list):
        if len(content) == 1:
            return part_of(content[0])
        return [part for item in content[:PARTS_MAX] for part in part_of(item)]
    if content is None:
        return []
    if isinstance(content, dict) and "parts" in content:
        return parts_of(content["parts"])
    if isinstance(content, dict) and "type" not in content:
        for key in ("content", "message"):  # content within content, JSON within JSON
            if key in content and content.keys() <= {key, "finish_reason", "role", "id"}:
                return parts_of(content[key])
    return part_of(content)


def _is_text(item: Any) -> bool:
    return (
        isinstance(item, dict) and set(item) <= {"text", "type", "content"} and "role" not in item
    )


def part_of(raw: Any, *, default: str = "") -> list[Part]:
    """Return one part, or none for an empty one; a call that has its result with it makes two."""
    if isinstance(raw, str):
        return [{"type": "text", "text": raw}] if raw else []
    if not isinstance(raw, dict):
        return []
    if raw.get("type") == "text" and len(raw) == 2:  # nearly always
        words = raw.get("text", raw.get("content"))
        if isinstance(words, str):
            return [{"type": "text", "text": words}] if words else []
    kind = raw.get("type") if isinstance(raw.get("type"), str) else ""
    kind = (kind or raw.get("part_kind") or default or "").replace("-", "_").lower()
    for read in READERS:
        if (told := read(kind, raw)) is not None:
            return told
    return [_other(kind, raw)]


def _wrapped(kind: str, raw: dict[str, Any]) -> list[Part] | None:
    """Return a call or a result that stands as an object of its own under a key."""
    if raw.keys().isdisjoint(WRAPPED):
        return None
    for key, reader in WRAPPED.items():
        if isinstance(raw.get(key), dict):
            return [reader(raw[key])]
    return None


def _of_server(kind: str, raw: dict[str, Any]) -> list[Part] | None:
    """Return what a tool was asked that the model's own server runs, and what it found."""
    found = server_tools.read(kind, raw)
    if found is None:
        return None
    told: list[Part] = []
    if found.is_call:
        told.append(call(found.id, found.name, found.arguments))
    if found.has_result:
        told.append(result(found.id, found.name, found.result))
    return told


def _called(kind: str, raw: dict[str, Any]) -> list[Part] | None:
    if kind not in CALLS and (kind or "function" not in raw):
        return None
    found = call_of(raw)
    return [found] if found["name"] or found["id"] else []


def _resulted(kind: str, raw: dict[str, Any]) -> list[Part] | None:
    return [_result_of(raw)] if kind in RESULTS else None


def _other(kind: str, raw: dict[str, Any]) -> Part:
    type_of = MEDIA.get(kind, kind or "other")
    whole = kept(raw)
    return {**raw, "type": type_of} if whole is raw else {"type": type_of, "json": whole}


def _told(kind: str, raw: dict[str, Any]) -> list[Part] | None:
    """Return a part that is told in words: text, thoughts, a transcript; None for others."""
    if kind in THOUGHTS or raw.get("thought") is True:
        words = _words(raw)
        return [{"type": "reasoning", "text": words}] if words else []
    if kind in SPOKEN and (words := transcript(raw)):
        said: Part = {"type": "text", "text": words}
        return [said, _sound(kind, raw)] if _has_data(raw, words) else [said]
    if kind in PLAIN:
        words = _words(raw)
        return [_with_sources({"type": "text", "text": words}, raw)] if words else []
    return None


def _with_sources(part: Part, raw: dict[str, Any]) -> Part:
    """Add to a text the sources that it cites."""
    sources = next((raw[key] for key in SOURCES if isinstance(raw.get(key), list)), None)
    return {**part, "citations": kept(sources)} if sources else part


PLAIN = frozenset(
    {"", "text", "input_text", "output_text", "refusal", "user_prompt", "system_prompt"}
)
SOURCES = ("citations", "annotations")  # Anthropic's, OpenAI's
CALLS = frozenset(
    {
        "tool_call",
        "tool_use",
        "function",
        "function_call",
        "server_tool_call",
        "custom_tool_call",
        "tool_invocation",
    }
)
RESULTS = frozenset(
    {
        "tool_call_response",
        "tool_result",
        "tool_return",
        "function_call_output",
        "server_tool_call_response",
        "tool_response",
    }
)
MEDIA = {"image_url": "image", "input_image": "image", "input_audio": "audio", "input_file": "file"}


THOUGHTS = frozenset(
    {"reasoning", "thinking", "reasoning_content", "redacted_thinking", "thought", "thoughts"}
)
# Parts that hold sound or a file, and may hold in words what was said in it.
SPOKEN = frozenset({"audio", "input_audio", "output_audio", "blob"})
DATA = frozenset({"data", "content", "file_data", "bytes", "uri", "url"})


def transcript(raw: dict[str, Any], depth: int = 0) -> str | None:
    """Return the words of a part with sound: beside it, or in the objects that hold it."""
    words = raw.get("transcript")
    if isinstance(words, str) and words.strip():
        return words
    for key in ("audio", "input_audio"):
        inner = raw.get(key)
        if depth < 3 and isinstance(inner, dict) and (found := transcript(inner, depth + 1)):
            return found
    return None


def _has_data(raw: dict[str, Any], words: str, depth: int = 0) -> bool:
    """Return whether there is more to a part than its transcript: data, or where it is."""
    return any(
        (isinstance(value, str) and value not in ("", words) and key in DATA)
        or (isinstance(value, dict) and depth < 3 and _has_data(value, words, depth + 1))
        for key, value in raw.items()
    )


def _sound(kind: str, raw: dict[str, Any]) -> Part:
    """Return the part that holds the sound; what was said in it is a text beside it."""
    return {**_other(kind, _without_transcript(raw)), "is_transcribed": True}


def _without_transcript(raw: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    return {
        key: _without_transcript(value, depth + 1)
        if isinstance(value, dict) and depth < 3
        else value
        for key, value in raw.items()
        if key != "transcript"
    }


def _words(raw: dict[str, Any]) -> str | None:
    for key in ("text", "content", "thinking", "reasoning", "refusal", "reasoningText", "summary"):
        value = raw.get(key)
        if isinstance(value, dict):
            value = value.get("value", value.get("text"))
        if isinstance(value, list):  # Mistral's thinking, Bedrock's summary: parts of their own
            words = [_words(part) if isinstance(part, dict) else part for part in value]
            value = "\n".join(text for text in words if isinstance(text, str)) or None
        if isinstance(value, str):
            return value
    return None


CALL_ID_KEYS = (
    "id",
    "call_id",
    "toolCallId",
    "tool_call_id",
    "toolUseId",
    "tool_use_id",
    "ref",
)


def call_of(raw: dict[str, Any]) -> Part:
    """Return the call of a tool that an object tells, whatever it calls name and arguments."""
    inner = raw.get("function") if isinstance(raw.get("function"), dict) else raw
    assert inner is not None
    arguments = next(
        (inner[key] for key in ("arguments", "args", "input", "parameters") if key in inner), None
    )
    call_id = next(
        (raw[key] for key in CALL_ID_KEYS if raw.get(key)),
        None,
    )
    return call(
        call_id, inner.get("name") or inner.get("toolName") or inner.get("tool_name"), arguments
    )


def call(call_id: Any, name: Any, arguments: Any) -> Part:
    """Return a part of type `tool_call`; what is no text is no id and no name."""
    return {
        "type": "tool_call",
        "id": call_id if isinstance(call_id, str) else None,
        "name": name if isinstance(name, str) else None,
        "arguments": kept(parse(arguments)),
    }


def _result_of(raw: dict[str, Any]) -> Part:
    call_id = next(
        (raw[key] for key in CALL_ID_KEYS if isinstance(raw.get(key), str)),
        None,
    )
    value = next(
        (raw[key] for key in ("response", "result", "output", "content") if key in raw), None
    )
    return result(call_id, raw.get("name") or raw.get("toolName"), value)


def _result_of_origin(raw: dict[str, Any]) -> Part:
    origin = raw.get("origin") if isinstance(raw.get("origin"), dict) else {}
    assert isinstance(origin, dict)
    return result(origin.get("id"), origin.get("tool_name"), raw.get("result"))


def result(call_id: Any, name: Any, value: Any) -> Part:
    """Return a part of type `tool_result`, without what is wrapped around the result."""
    return {
        "type": "tool_result",
        "id": call_id if isinstance(call_id, str) else None,
        "name": name if isinstance(name, str) else None,
        "result": kept(result_value(value)),
    }


def result_value(value: Any, depth: int = 0) -> Any:
    """Return a tool's result without the wrappings that providers and frameworks put around it."""
    value = parse(value)
    if depth > 4:
        return value
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        texts = [_unwrapped_part(item) for item in value]
        if all(isinstance(text, str) for text in texts):
            return parse("\n".join(texts))
    if isinstance(value, dict):
        if isinstance(value.get("data"), dict) and value.get("type") == "tool":
            return result_value(value["data"].get("content"), depth + 1)
        if value.get("lc") and isinstance(value.get("kwargs"), dict):  # a serialised object
            return result_value(value["kwargs"].get("content"), depth + 1)
        if set(value) == {"type", "value"}:  # a value that says its type
            return result_value(value["value"], depth + 1)
        for key in ("result", "output", "content", "json"):
            if set(value) == {key} or (key in value and set(value) <= {key, "status", "toolUseId"}):
                return result_value(value[key], depth + 1)
    return value


def _unwrapped_part(item: dict[str, Any]) -> Any:
    if set(item) <= {"type", "text", "annotations"} and isinstance(item.get("text"), str):
        return item["text"]
    if item.get("type") == "text" and isinstance(item.get("content"), str):
        return item["content"]
    return None


def is_bare_part(item: Any) -> bool:
    """Whether a list item is a content part and not a message of its own."""
    if not isinstance(item, dict) or "role" in item or "message" in item:
        return False
    kind = item.get("type")
    return (isinstance(kind, str) and kind in PART_TYPES) or not item.keys().isdisjoint(BEDROCK)


PART_TYPES = frozenset(
    {
        "text",
        "input_text",
        "output_text",
        "image_url",
        "input_image",
        "tool_use",
        "thinking",
        "image",
    }
)
BEDROCK = frozenset(
    {
        "toolUse",
        "toolResult",
        "functionCall",
        "functionResponse",
        "tool_call",
        "tool_call_result",
        "toolRequest",
        "toolResponse",
    }
)


# Keys under which a part holds a call or a result as an object of its own.
WRAPPED: Mapping[str, Callable[[dict[str, Any]], Part]] = {
    "toolUse": call_of,
    "functionCall": call_of,
    "function_call": call_of,
    "tool_call": call_of,
    "tool_call_result": _result_of_origin,
    "toolResult": _result_of,
    "functionResponse": _result_of,
    "function_response": _result_of,
    "toolRequest": call_of,
    "toolResponse": _result_of,
}


READERS: tuple[Callable[[str, dict[str, Any]], list[Part] | None], ...] = (
    _wrapped,
    _of_server,
    _called,
    _resulted,
    _told,
)
