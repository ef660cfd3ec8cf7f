"""One reader for every shape in which instrumentations write messages.

Chat messages of OpenAI, Anthropic, Gemini and Bedrock, OpenTelemetry's parts, serialised objects
(`lc`, `kwargs`), OpenAI Responses items, and whole requests and responses around them. These are
shapes of models' APIs and of frameworks that many families pass on. What is none of these is left
out, never guessed; nothing here raises.

Source: shared shapes of docs/conventions.md, section "Messages".
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from otel_threads.derive import cut_json
from otel_threads.derive.attribute_cache import Names, by_shape, remembered
from otel_threads.derive.family import JSON_DEPTH_MAX, Message, Messages, Part, Role, kept, parse
from otel_threads.derive.read_before import ITEMS_MIN, ReadBefore

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "humanmessage": "user",
    "humanmessagechunk": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "chatbot": "assistant",
    "agent": "assistant",
    "tool": "tool",
    "function": "tool",
    "toolmessage": "tool",
    "functionmessage": "tool",
    "systemmessage": "system",
    "tool-call-response": "tool",
    "tool_response": "tool",
    "tool-response": "tool",
    "tool_call": "assistant",
    "tool-call": "assistant",
}
# Keys under which a whole request or response holds its messages; the first that is there.
CONTAINERS = (
    "messages",
    "input_messages",
    "output_messages",
    "choices",
    "generations",
    "contents",
    "candidates",
    "replies",
    "new_messages",
    "chat_history",
    "items",
)
# Keys of messages: a text that begins with them is never what somebody wrote.
_OF_MESSAGES = re.compile(r'"(?:role|parts|content|messages|contents|type)"')
_BEFORE = ReadBefore()
PARTS_MAX = 2000  # of one message; more is a runaway loop, and span_content has them
SAID_BY: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
_FIRST_INDEX = re.compile(r"\.[0-9]+(?=\.|$)")
# A message object with no other key than these says plainly what it is.
PLAIN_KEYS = frozenset(
    {"role", "content", "parts", "tool_calls", "tool_call_id", "name", "finish_reason"}
)
# `StopEvent(...)`, `<object at 0x…>`, `{'single': 'quotes'}`: what Python prints of an object.
REPR = re.compile(
    r"\s*(?:[A-Za-z_][\w.]*\(.*\)\s*$|[A-Z]\w*\(\w+=|<[\w.]+ (?:object|at)\b|[\[{(]\s*'|\{\s*\}$)",
    re.DOTALL,
)


def read(value: Any, *, role: Role | None = None) -> Messages:
    """Return the messages in a value: a list, one message, a request, a response, or JSON of one.

    `role` is for what says none itself: a plain text, a response's output.
    """
    found: Messages = []
    parsed = parse(value)
    if isinstance(parsed, str) and cut_json.may_be(parsed):
        return _read_cut(parsed, role)
    _read(parsed, role, 0, found)
    return found


def _read_cut(text: str, role: Role | None) -> Messages:
    """Read JSON that was cut off. What is no JSON of messages is a text that somebody wrote."""
    found: Messages = []
    value = cut_json.read(text)
    _read(value, role, 0, found)
    if found:
        found[-1] = replace(found[-1], is_cut=True)
    elif role and not _OF_MESSAGES.search(text[:200]) and not _is_hollow(value):
        found = read_text(text, role)
    return found


def _is_hollow(value: Any, depth: int = 0) -> bool:
    """Whether what was read before a cut holds nothing but brackets and keys."""
    if isinstance(value, dict | list) and depth < JSON_DEPTH_MAX:
        inner = value.values() if isinstance(value, dict) else value
        return all(_is_hollow(one, depth + 1) for one in inner)
    return value is None and depth > 0


def read_text(value: str, role: Role) -> Messages:
    """Return one message with one text; none for an empty one."""
    return [Message(role, [{"type": "text", "text": value}])] if value.strip() else []


def _read(value: Any, role: Role | None, depth: int, found: Messages) -> None:
    """Append the messages in a value to those found."""
    if depth > JSON_DEPTH_MAX:
        return
    if isinstance(value, dict):
        _read_object(value, role, depth, found)
    elif isinstance(value, list):
        if role and value and all(_is_bare_part(item) for item in value):
            _append(role, _parts_of(value), found)
            return
        if len(value) < ITEMS_MIN:
            for item in value:
                _read_item(item, role, depth, found)
        else:
            found += _BEFORE.read(
                value, role, depth, lambda item, to: _read_item(item, role, depth, to)
            )
    elif isinstance(value, str) and role:
        found += read_text(value, role)


def _read_item(item: Any, role: Role | None, depth: int, found: Messages) -> None:
    """Append the messages in one item of a list."""
    if not (isinstance(item, str) and REPR.match(item)):
        _read(item, role, depth + 1, found)


def _read_object(value: dict[str, Any], role: Role | None, depth: int, found: Messages) -> None:
    said = value.get("role")
    own = ROLES.get(said.lower()) if isinstance(said, str) else None
    if own and value.keys() <= PLAIN_KEYS:  # nearly always: the common chat and parts shapes
        _chat(value, own, found)
        return
    if "role" not in value and isinstance(value.get("message"), dict):
        _read(value["message"], role or "assistant", depth + 1, found)
        return
    if value.get("lc") and isinstance(value.get("kwargs"), dict):
        names = value.get("id")
        kind = names[-1] if isinstance(names, list) and names else None
        _chat(value["kwargs"], _role(kind) or role, found)
        return
    if isinstance(value.get("data"), dict) and _role(value.get("type")):
        _chat(value["data"], _role(value["type"]), found)
        return
    item = _responses_item(value)
    if item is not None:
        found += item
        return
    own = own or (_role(value.get("type")) if "content" in value else None)
    if own:
        _chat(value, own, found)
        return
    for key in CONTAINERS:
        if isinstance(value.get(key), list | dict | str):
            inner = _role_of(key) or role
            _read_system(value, found)
            _read(parse(value[key]), inner, depth + 1, found)
            return
    if "content" in value and isinstance(value["content"], dict):  # Gemini's candidate
        _read(value["content"], role or "assistant", depth + 1, found)
        return
    if "input" in value and isinstance(value["input"], list | str):  # Responses request
        _read_system(value, found)
        _read(parse(value["input"]), "user", depth + 1, found)
        return
    if isinstance(value.get("output"), list | dict | str):  # Responses response, a graph's state
        _read(parse(value["output"]), "assistant", depth + 1, found)
        return
    _read_rest(value, role, found)


def _read_rest(value: dict[str, Any], role: Role | None, found: Messages) -> None:
    """Append a message without a role, or what `{"user": "…"}` says: the key is who said it."""
    if role and any(key in value for key in ("content", "parts", "text", "tool_calls")):
        _chat(value, role, found)
    elif value.keys() <= SAID_BY.keys():
        for key, words in value.items():
            if isinstance(words, str):
                found += read_text(words, SAID_BY[key])


def _role_of(container: str) -> Role | None:
    return "assistant" if container in ("choices", "generations", "candidates", "replies") else None


def _read_system(request: dict[str, Any], found: Messages) -> None:
    """Append the system prompt that a request holds beside its messages."""
    config = request.get("config")
    for holder in (request, config if isinstance(config, dict) else {}):
        for key in ("instructions", "system", "system_instruction", "systemInstruction"):
            if holder.get(key):
                _append("system", _parts_of(holder[key]), found)
                return


def _role(value: Any) -> Role | None:
    return ROLES.get(value.lower()) if isinstance(value, str) else None


def _responses_item(value: dict[str, Any]) -> Messages | None:
    """Read one item of OpenAI's Responses API; None when it is none."""
    match value.get("type"):
        case "function_call" | "custom_tool_call" | "mcp_call" if "name" in value:
            call = _call(
                value.get("call_id") or value.get("id"),
                value["name"],
                value.get("arguments", value.get("input")),
            )
            return [Message("assistant", [call])]
        case "function_call_output" | "custom_tool_call_output":
            return [Message("tool", [_result(value.get("call_id"), None, value.get("output"))])]
        case "reasoning" if "role" not in value:
            parts = [p for s in _list(value.get("summary")) for p in _part(s)]
            thoughts = [{"type": "reasoning", "text": p["text"]} for p in parts if "text" in p]
            return [Message("assistant", thoughts)] if thoughts else []
        case _:
            return None


def _chat(value: dict[str, Any], role: Role | None, found: Messages) -> None:
    """Append a message object whose role is known."""
    role = role or _role(value.get("role")) or "user"
    if role == "tool":
        if _is_definition(value.get("content")):
            return  # a tool on offer, told as if it were a message
        if _is_request(requested := parse(value.get("content"))):
            role, value = "assistant", {"tool_calls": requested}
    if "parts" in value:
        parts = _parts_of(value["parts"])
    elif "content" in value or "contents" in value:
        parts = _parts_of(value.get("content", value.get("contents")))
    else:
        parts = _parts_of(value.get("text"))
    if role == "assistant" and not any(part["type"] == "text" for part in parts):
        parts += _said_beside(value)
    if isinstance(thoughts := value.get("reasoning_content"), str) and thoughts.strip():
        parts.insert(0, {"type": "reasoning", "text": thoughts})
    if calls := _calls_of(value):
        _add_calls(parts, calls)
    if role == "tool":
        call_id = value.get("tool_call_id") or value.get("toolCallId") or value.get("id")
        parts = _as_results(parts, call_id, value.get("name"))
    _append(role, parts, found)


def _calls_of(value: dict[str, Any]) -> Any:
    """Return the tool calls that a message holds beside its content."""
    calls = value.get("tool_calls") or value.get("toolCalls")
    calls = parse(calls) if calls else None
    if not calls:
        if isinstance(value.get("additional_kwargs"), dict):
            calls = value["additional_kwargs"].get("tool_calls")
        if not calls and isinstance(value.get("function_call"), dict):
            calls = [value["function_call"]]
    return calls


def _said_beside(value: dict[str, Any]) -> list[Part]:
    """Return what an answer without a text says beside it: a refusal, the transcript of sound."""
    audio = value.get("audio")
    words = _transcript(audio) if isinstance(audio, dict) else None
    words = words or value.get("refusal")
    return [{"type": "text", "text": words}] if isinstance(words, str) and words.strip() else []


def _is_definition(content: Any) -> bool:
    """Whether this describes a tool, and is no result of one."""
    function = content.get("function") if isinstance(content, dict) else None
    return isinstance(function, dict) and "parameters" in function


def _is_request(content: Any) -> bool:
    """Whether these are calls that a model asks for, told as a message of the role tool."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(
            isinstance(call, dict)
            and isinstance(call.get("function"), dict)
            and "arguments" in call["function"]
            for call in content
        )
    )


def _add_calls(parts: list[Part], calls: Any) -> None:
    have = {(part.get("id"), part.get("name")) for part in parts if part["type"] == "tool_call"}
    for call in _list(calls)[:PARTS_MAX]:
        for part in _part(call if isinstance(call, dict) else None, default="tool_call"):
            if part["type"] == "tool_call" and (part["id"], part["name"]) not in have:
                parts.append(part)


def _as_results(parts: list[Part], call_id: Any, name: Any) -> list[Part]:
    """A tool's message may hold its result as plain text: make it a result of the call."""
    if any(part["type"] == "tool_result" for part in parts):
        return [part for part in parts if part["type"] == "tool_result"]
    words = "\n".join(part["text"] for part in parts if part["type"] == "text")
    return [_result(call_id, name, words)]


def _append(role: Role, parts: list[Part], found: Messages) -> None:
    """Append a message of these parts; none without any."""
    if not parts:
        return
    # Anthropic, Bedrock and Gemini send tool results as the user's words.
    results = [part for part in parts if part["type"] == "tool_result"]
    if results and role in ("user", "assistant"):
        if len(results) == len(parts):
            role = "tool"
        elif role == "user":
            found.append(Message("tool", results))
            parts = [part for part in parts if part["type"] != "tool_result"]
    found.append(Message(role, parts))


def _is_bare_part(item: Any) -> bool:
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


def _parts_of(content: Any) -> list[Part]:
    """Return the parts of a message's content: a text, a list, one part, or JSON of these."""
    if isinstance(content, str):
        if content.lstrip().startswith(("[{", "[ {")):
            inner = parse(content)
            if isinstance(inner, list) and all(_is_bare_part(i) or _is_text(i) for i in inner):
                return [part for item in inner[:PARTS_MAX] for part in _part(item)]
        return [{"type": "text", "text": content}] if content else []
    if isinstance(content, list):
        if len(content) == 1:
            return _part(content[0])
        return [part for item in content[:PARTS_MAX] for part in _part(item)]
    if content is None:
        return []
    if isinstance(content, dict) and "parts" in content:
        return _parts_of(content["parts"])
    if isinstance(content, dict) and "type" not in content:
        for key in ("content", "message"):  # content within content, JSON within JSON
            if key in content and content.keys() <= {key, "finish_reason", "role", "id"}:
                return _parts_of(content[key])
    return _part(content)


def _is_text(item: Any) -> bool:
    return (
        isinstance(item, dict) and set(item) <= {"text", "type", "content"} and "role" not in item
    )


def _part(raw: Any, *, default: str = "") -> list[Part]:
    """Return one part, or none for an empty one."""
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
    if not raw.keys().isdisjoint(WRAPPED):
        for key, reader in WRAPPED.items():
            if isinstance(raw.get(key), dict):
                return [reader(raw[key])]
    if kind in CALLS or (not kind and "function" in raw):
        call = _call_of(raw)
        return [call] if call["name"] or call["id"] else []
    if kind in RESULTS:
        return [_result_of(raw)]
    if (told := _told(kind, raw)) is not None:
        return told
    type_of = MEDIA.get(kind, kind or "other")
    whole = kept(raw)
    return [{**raw, "type": type_of} if whole is raw else {"type": type_of, "json": whole}]


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


def _told(kind: str, raw: dict[str, Any]) -> list[Part] | None:
    """Return a part that is told in words: text, thoughts, a transcript; None for others."""
    if kind in THOUGHTS or raw.get("thought") is True:
        words = _words(raw)
        return [{"type": "reasoning", "text": words}] if words else []
    if kind in SPOKEN and (words := _transcript(raw)):
        return [{"type": "text", "text": words}]
    if kind in ("", "text", "input_text", "output_text", "refusal", "user_prompt", "system_prompt"):
        words = _words(raw)
        return [{"type": "text", "text": words}] if words else []
    return None


THOUGHTS = frozenset(
    {"reasoning", "thinking", "reasoning_content", "redacted_thinking", "thought", "thoughts"}
)
# Parts that hold sound or a file, and may hold in words what was said in it.
SPOKEN = frozenset({"audio", "input_audio", "output_audio", "blob"})


def _transcript(raw: dict[str, Any], depth: int = 0) -> str | None:
    """Return the words of a part with sound: beside it, or in the objects that hold it."""
    words = raw.get("transcript")
    if isinstance(words, str) and words.strip():
        return words
    for key in ("audio", "input_audio"):
        inner = raw.get(key)
        if depth < 3 and isinstance(inner, dict) and (found := _transcript(inner, depth + 1)):
            return found
    return None


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


def _call_of(raw: dict[str, Any]) -> Part:
    inner = raw.get("function") if isinstance(raw.get("function"), dict) else raw
    assert inner is not None
    arguments = next(
        (inner[key] for key in ("arguments", "args", "input", "parameters") if key in inner), None
    )
    call_id = next(
        (raw[key] for key in CALL_ID_KEYS if raw.get(key)),
        None,
    )
    return _call(
        call_id, inner.get("name") or inner.get("toolName") or inner.get("tool_name"), arguments
    )


def _call(call_id: Any, name: Any, arguments: Any) -> Part:
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
    return _result(call_id, raw.get("name") or raw.get("toolName"), value)


def _result_of_origin(raw: dict[str, Any]) -> Part:
    origin = raw.get("origin") if isinstance(raw.get("origin"), dict) else {}
    assert isinstance(origin, dict)
    return _result(origin.get("id"), origin.get("tool_name"), raw.get("result"))


# Keys under which a part holds a call or a result as an object of its own.
WRAPPED: Mapping[str, Callable[[dict[str, Any]], Part]] = {
    "toolUse": _call_of,
    "functionCall": _call_of,
    "function_call": _call_of,
    "tool_call": _call_of,
    "tool_call_result": _result_of_origin,
    "toolResult": _result_of,
    "functionResponse": _result_of,
    "function_response": _result_of,
    "toolRequest": _call_of,
    "toolResponse": _result_of,
}


def _result(call_id: Any, name: Any, value: Any) -> Part:
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


def _list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def read_flattened(attributes: dict[str, Any], prefix: str) -> Messages:
    """Return the messages that attributes such as `PREFIX.0.message.role` spell out."""
    found: Messages = []
    for item in flattened(attributes, prefix):
        message = item.get("message")
        if not isinstance(message, dict):
            continue
        content: Any = message.get("content")
        if isinstance(message.get("contents"), dict):
            content = [
                part["message_content"]
                for part in indexed(message["contents"])
                if isinstance(part, dict) and isinstance(part.get("message_content"), dict)
            ] or content
        calls = []
        if isinstance(message.get("tool_calls"), dict):
            for call in indexed(message["tool_calls"]):
                if isinstance(call, dict) and isinstance(call.get("tool_call"), dict):
                    calls.append(_with_arguments(call["tool_call"]))
        found += read(
            {
                "role": message.get("role") or "assistant",
                "content": content,
                "tool_calls": calls,
                "tool_call_id": message.get("tool_call_id"),
                "name": message.get("name"),
            }
        )
    return found


def _with_arguments(call: dict[str, Any]) -> dict[str, Any]:
    """Return a call; one that has a name and no arguments was asked for without any."""
    function = call.get("function")
    if not isinstance(function, dict) or "name" not in function or "arguments" in function:
        return call
    return {**call, "function": {**function, "arguments": {}}}


def flattened(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the objects that keys such as `PREFIX.0.role` spell out, in the order of their index.

    Nested indices become nested lists: `PREFIX.0.tool_calls.1.name`.
    """
    paths = by_shape(_paths, attributes).get(prefix)
    if not paths:
        return []
    root: dict[str, Any] = {}
    for key, above, last in paths:
        node = root
        for name in above:
            below = node.get(name)
            node = below if isinstance(below, dict) else node.setdefault(name, {})
            if not isinstance(node, dict):  # a value where a level is needed: leave it
                break
        else:
            node.setdefault(last, attributes[key])
    return [item for item in indexed(root) if isinstance(item, dict)]


@remembered
def _paths(names: Names) -> dict[str, list[tuple[str, list[str], str]]]:
    """Return those names that spell out objects, by prefix: (name, path above, last step).

    The prefix is what stands before the first index.
    """
    found: dict[str, list[tuple[str, list[str], str]]] = {}
    for key in names:
        first = _FIRST_INDEX.search(key)
        if first is not None:
            *above, last = key[first.start() + 1 :].split(".")
            if len(above) < JSON_DEPTH_MAX:
                found.setdefault(key[: first.start()], []).append((key, above, last))
    return found


def indexed(node: dict[str, Any]) -> list[Any]:
    """Return the values of a level whose keys are indices, in their order; others are left out."""
    numbers = sorted((int(key), key) for key in node if key.isascii() and key.isdecimal())
    return [node[key] for _, key in numbers]


def last_text(messages: Messages, role: Role) -> str | None:
    """Return the text of the last message of a role that has one."""
    for message in reversed(messages):
        if message.role == role:
            text = message.text
            if text is not None:
                return text
    return None


def last_answer(messages: Messages) -> str | None:
    """Return the assistant's last text after the last user message; None where there is none.

    A history that ends with a new question holds older answers: none of them is this one's.
    """
    for message in reversed(messages):
        if message.role == "user":
            return None
        if message.role == "assistant" and (text := message.text) is not None:
            return text
    return None


def last_of(messages: Messages, role: Role) -> str | None:
    """Return a person's last words, or what the assistant said to them."""
    return last_answer(messages) if role == "assistant" else last_text(messages, role)


def as_json(value: Any) -> str:
    """Return JSON text of anything that the readers return."""
    return _ENCODER.encode(value)


def mark(value: Any) -> str | bytes:
    """Return what is the same for equal values of the readers; quicker than `as_json`."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):  # nested too deep, say
        return as_json(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)  # dumps() would make one a call
