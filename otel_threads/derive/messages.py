"""One reader for every shape in which instrumentations write messages.

Chat messages of OpenAI, Anthropic, Gemini and Bedrock, OpenTelemetry's parts, serialised objects
(`lc`, `kwargs`), OpenAI Responses items, and whole requests and responses around them. These are
shapes of models' APIs and of frameworks that many families pass on. What is none of these is left
out, never guessed; nothing here raises.

Source: shared shapes of docs/conventions.md, section "Messages".
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from otel_threads.derive import cut_json, server_tools
from otel_threads.derive.attribute_cache import Names, by_shape, remembered
from otel_threads.derive.family import JSON_DEPTH_MAX, Message, Messages, Part, Role, parse
from otel_threads.derive.grown_json import GrownList
from otel_threads.derive.parts import (
    PARTS_MAX,
    call,
    is_bare_part,
    part_of,
    parts_of,
    result,
    transcript,
)

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
# Keys of messages, and of requests and responses around them: a text that begins with them is never
# what somebody wrote.
_OF_MESSAGES = re.compile(
    r'"(?:role|parts|content|messages|contents|type|model|model_version|config|object|choices'
    r'|created|created_at|usage|input|instructions|additional_kwargs)"'
    r'|"id": ?"(?:resp|chatcmpl|msg)[_-]'
)
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
    value, is_lost = before_cut(text)
    _read(value, role, 0, found)
    if found and is_lost:  # of another than the person, as far as anybody can tell
        found.append(Message("assistant", [], is_cut=True))
    elif found:
        found[-1] = replace(found[-1], is_cut=True)
    elif role and not _OF_MESSAGES.search(text[:200]) and not _is_hollow(value):
        found = read_text(text, role)
    return found


def before_cut(text: str) -> tuple[Any, bool]:
    """Return what the beginning of a JSON text holds, and whether a last message was left out.

    That is one of which nobody can tell whose it was: its role stood after its words.
    """
    value = cut_json.read(text)
    inner, depth = value, 0
    while isinstance(inner, dict | list) and inner and depth < JSON_DEPTH_MAX:
        last = list(inner.values())[-1] if isinstance(inner, dict) else inner[-1]
        if isinstance(inner, list) and isinstance(last, dict):
            if last.keys() == {"type"}:  # a part, cut within its type
                inner.pop()
                break
            if _lost_its_role(last, inner[:-1]):
                inner.pop()
                return value, True
        inner, depth = last, depth + 1
    return value, False


def _lost_its_role(last: dict[str, Any], before: list[Any]) -> bool:
    is_message = last.get("type", "message") == "message" and _role(last.get("role")) is None
    return is_message and any(isinstance(one, dict) and "role" in one for one in before)


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
        if role and value and all(is_bare_part(item) for item in value):
            _append(role, parts_of(value), found)
            return
        if isinstance(value, GrownList):
            found += value.read((role, depth), lambda item, to: _read_item(item, role, depth, to))
            return
        for item in value:
            _read_item(item, role, depth, found)
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
    for read_shape in SHAPES:
        if read_shape(value, role, depth, found):
            return


def _read_framed(value: dict[str, Any], role: Role | None, depth: int, found: Messages) -> bool:
    """`{"message": {...}}`, as a choice holds its answer."""
    if "role" in value or not isinstance(value.get("message"), dict):
        return False
    _read(value["message"], role or "assistant", depth + 1, found)
    return True


def _read_serialised(value: dict[str, Any], role: Role | None, _: int, found: Messages) -> bool:
    """`{"lc": 1, "id": [..., "HumanMessage"], "kwargs": {...}}`, serialised."""
    if not value.get("lc") or not isinstance(value.get("kwargs"), dict):
        return False
    names = value.get("id")
    kind = names[-1] if isinstance(names, list) and names else None
    _chat(value["kwargs"], _role(kind) or role, found)
    return True


def _read_dumped(value: dict[str, Any], _role_: Role | None, _: int, found: Messages) -> bool:
    """`{"type": "human", "data": {...}}`, as frameworks store messages."""
    if not isinstance(value.get("data"), dict) or not _role(value.get("type")):
        return False
    _chat(value["data"], _role(value["type"]), found)
    return True


def _read_responses(value: dict[str, Any], _: Role | None, depth: int, found: Messages) -> bool:
    """One item of OpenAI's Responses API that is no message."""
    item = _responses_item(value)
    if item is None:
        return False
    found += item
    return True


def _read_said(value: dict[str, Any], _: Role | None, depth: int, found: Messages) -> bool:
    """A message with more keys than the common ones, or whose type says who said it."""
    own = _role(value.get("role")) or (_role(value.get("type")) if "content" in value else None)
    if own is None:
        return False
    _chat(value, own, found)
    return True


def _read_container(value: dict[str, Any], role: Role | None, depth: int, found: Messages) -> bool:
    """A whole request or response around its messages."""
    for key in CONTAINERS:
        if isinstance(value.get(key), list | dict | str):
            _read_system(value, found)
            _read(parse(value[key]), _role_of(key) or role, depth + 1, found)
            return True
    return False


def _read_candidate(value: dict[str, Any], role: Role | None, depth: int, found: Messages) -> bool:
    """`{"content": {...}}`, as a candidate of Gemini's holds its answer."""
    if not isinstance(value.get("content"), dict):
        return False
    _read(value["content"], role or "assistant", depth + 1, found)
    return True


def _read_asked(value: dict[str, Any], _: Role | None, depth: int, found: Messages) -> bool:
    """A request of OpenAI's Responses API."""
    if not isinstance(value.get("input"), list | str):
        return False
    _read_system(value, found)
    _read(parse(value["input"]), "user", depth + 1, found)
    return True


def _read_answered(value: dict[str, Any], _: Role | None, depth: int, found: Messages) -> bool:
    """A response of OpenAI's Responses API, a graph's state."""
    if not isinstance(value.get("output"), list | dict | str):
        return False
    _read(parse(value["output"]), "assistant", depth + 1, found)
    return True


def _read_rest(value: dict[str, Any], role: Role | None, _: int, found: Messages) -> bool:
    """A message without a role, or what `{"user": "…"}` says: the key is who said it."""
    if role and any(key in value for key in ("content", "parts", "text", "tool_calls")):
        _chat(value, role, found)
    elif value.keys() <= SAID_BY.keys():
        for key, words in value.items():
            if isinstance(words, str):
                found += read_text(words, SAID_BY[key])
    return True


# What an object may be, in the order in which it is looked at: the first that it is, it is.
SHAPES: tuple[Callable[[dict[str, Any], Role | None, int, Messages], bool], ...] = (
    _read_framed,
    _read_serialised,
    _read_dumped,
    _read_responses,
    _read_said,
    _read_container,
    _read_candidate,
    _read_asked,
    _read_answered,
    _read_rest,
)


def _role_of(container: str) -> Role | None:
    return "assistant" if container in ("choices", "generations", "candidates", "replies") else None


def _read_system(request: dict[str, Any], found: Messages) -> None:
    """Append the system prompt that a request holds beside its messages."""
    config = request.get("config")
    for holder in (request, config if isinstance(config, dict) else {}):
        for key in ("instructions", "system", "system_instruction", "systemInstruction"):
            if holder.get(key):
                _append("system", parts_of(holder[key]), found)
                return


def _role(value: Any) -> Role | None:
    return ROLES.get(value.lower()) if isinstance(value, str) else None


def _responses_item(value: dict[str, Any]) -> Messages | None:
    """Read one item of OpenAI's Responses API; None when it is none, or a message."""
    kind = value.get("type")
    match kind:
        case "function_call" | "custom_tool_call" if "name" in value:
            asked = call(
                value.get("call_id") or value.get("id"),
                value["name"],
                value.get("arguments", value.get("input")),
            )
            return [Message("assistant", [asked])]
        case "function_call_output" | "custom_tool_call_output":
            return [Message("tool", [result(value.get("call_id"), None, value.get("output"))])]
        case "reasoning" if "role" not in value:
            told = [p for s in _list(value.get("summary")) for p in part_of(s)]
            thoughts = [{"type": "reasoning", "text": p["text"]} for p in told if "text" in p]
            return [Message("assistant", thoughts)] if thoughts else []
        case str() if "role" not in value and server_tools.read(kind, value) is not None:
            return _told_apart("assistant", part_of(value))
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
    parts = parts_of(_content(value))
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


def _content(value: dict[str, Any]) -> Any:
    """Return what a message holds its parts, or its text, under."""
    for key in ("parts", "content", "contents"):
        if key in value:
            return value[key]
    return value.get("text")


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
    if isinstance(audio, dict) and transcript(audio):
        return part_of({"type": "audio", "audio": audio})
    words = value.get("refusal")
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
    for asked in _list(calls)[:PARTS_MAX]:
        for part in part_of(asked if isinstance(asked, dict) else None, default="tool_call"):
            if part["type"] == "tool_call" and (part["id"], part["name"]) not in have:
                parts.append(part)


def _as_results(parts: list[Part], call_id: Any, name: Any) -> list[Part]:
    """A tool's message may hold its result as plain text: make it a result of the call."""
    if any(part["type"] == "tool_result" for part in parts):
        return [part for part in parts if part["type"] == "tool_result"]
    words = "\n".join(part["text"] for part in parts if part["type"] == "text")
    return [result(call_id, name, words)]


def _append(role: Role, parts: list[Part], found: Messages) -> None:
    """Append a message of these parts; none without any."""
    if len(parts) == 1 and parts[0]["type"] == "text":  # nearly always
        found.append(Message(role, parts))
    elif parts:
        found += _told_apart(role, parts)
    elif role == "user" and found and _is_answer(found[-1]):
        found.append(Message(role, parts))  # a question without words: what came before is over


def _is_answer(message: Message) -> bool:
    return message.role == "assistant" and not message.of_type("tool_call")


def _told_apart(role: Role, parts: list[Part]) -> Messages:
    """Return the messages that some parts make: results of tools are a tool's, whoever has them.

    Anthropic, Bedrock and Gemini send results as the user's words. Tools that the model's server
    ran stand in the middle of an answer: its words around them are one text.
    """
    results = [part for part in parts if part["type"] == "tool_result"]
    rest = [part for part in parts if part["type"] != "tool_result"] if results else parts
    if role == "assistant" and (results or any("citations" in part for part in rest)):
        rest = _one_text(parts)
    if role not in ("user", "assistant") or not results:
        return [Message(role, rest if role == "assistant" else parts)]
    if not rest:
        return [Message("tool", results)]
    if role == "user":
        return [Message("tool", results), Message(role, rest)]
    calls = [part for part in rest if part["type"] == "tool_call"]
    said = [part for part in rest if part["type"] != "tool_call"]
    told = [Message(role, calls)] if calls else []
    return [*told, Message("tool", results), *([Message(role, said)] if said else [])]


def _one_text(parts: list[Part]) -> list[Part]:
    """Join the texts of an answer that citations cut to pieces; the sources stay with it.

    What comes before a tool ran and what comes after it stand on lines of their own.
    """
    words, sources = "", []
    is_apart = False
    for part in parts:
        if part["type"] == "text":
            words += ("\n" if is_apart and words else "") + part["text"]
            sources += part.get("citations", ())
        is_apart = part["type"] != "text"
    others = [part for part in parts if part["type"] not in ("text", "tool_result")]
    if not words:
        return others
    whole: Part = {"type": "text", "text": words}
    if sources:
        whole["citations"] = sources[:PARTS_MAX]
    return [*others, whole]


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
    """Return the text of the last message of a role that has one; a user's last may have none."""
    for message in reversed(messages):
        if message.role == role:
            text = message.text
            if text is not None or (role == "user" and not message.parts):
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
