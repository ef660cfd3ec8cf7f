"""Examples of a LangSmith data set, as its SDK and its page export them, as items of ours.

Source: langsmith, `Example`: `{"id", "inputs", "outputs", "metadata"}`; chat messages of LangChain
as `{"type": "human", "content"}`, `{"role", "content"}` or serialized with `kwargs`.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.message import Json

ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool"}
ONLY_TEXTS = ("input", "question", "query", "prompt", "text", "messages")


def item_of(example: Mapping[str, Any]) -> Json:
    """Return an example as `{messages, item_id, expected, metadata}`."""
    inputs = example.get("inputs")
    messages = _messages(inputs)
    return {
        "item_id": _text(example.get("id")),
        "messages": messages,
        "expected": _expected(example.get("outputs")),
        "metadata": {
            **_object(example.get("metadata")),
            **({} if messages else {"inputs": inputs}),
        },
    }


def _messages(inputs: Any) -> list[Json]:
    if isinstance(inputs, str):
        return [{"role": "user", "content": inputs}]
    given = _object(inputs)
    listed = given.get("messages")
    if isinstance(listed, list) and listed and isinstance(listed[0], list):
        listed = listed[0]  # a batch of one, as chat models are called
    if isinstance(listed, list):
        return [_message(one) for one in listed if isinstance(one, Mapping)]
    for name in ONLY_TEXTS:
        if isinstance(given.get(name), str):
            return [{"role": "user", "content": given[name]}]
    texts = [value for value in given.values() if isinstance(value, str)]
    return [{"role": "user", "content": texts[0]}] if len(texts) == 1 else []


def _message(given: Mapping[str, Any]) -> Json:
    kwargs = _object(given.get("kwargs")) or _object(given.get("data")) or given
    kind = given.get("role") or given.get("type") or kwargs.get("type")
    if kind == "constructor":  # serialized: the class says the role
        path = given.get("id")
        kind = str(path[-1]).removesuffix("Chunk").removesuffix("Message").lower() if path else ""
    found: Json = {
        "role": ROLES.get(str(kind), str(kind or "user")),
        "content": kwargs.get("content"),
    }
    for name in ("tool_calls", "tool_call_id"):
        if kwargs.get(name):
            found[name] = kwargs[name]
    return found


def _expected(outputs: Any) -> Any:
    given = _object(outputs)
    if len(given) == 1:
        (value,) = given.values()
        return value if isinstance(value, str | int | float | bool) else given
    return outputs or None


def _text(given: Any) -> str | None:
    return str(given) if given not in (None, "") else None


def _object(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}
