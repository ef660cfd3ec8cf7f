"""The parts of turns as stored JSON: each text once, in chunks, and nothing in it without a bound.

DuckDB takes 2,048 rows of a column at once. What a model was sent may be a document of megabytes or
an image, again in each request; whole, it is in span_content, and what is derived says so.
"""

from typing import Any, cast

import orjson

from otel_threads.core.trace_rows import MessageRow, PartRow
from otel_threads.decode.chunks import CHUNK_BYTES_MAX, cut

TEXT_LENGTH_MAX = 1024 * 1024  # of a message, a tool's arguments or its result
DATA_LENGTH_MAX = 16 * 1024  # of an image, a file or the like, spelled out in a part
DEPTH_MAX = 64
WORDS_OF_PARTS = ("user", "assistant", "user_text")  # mostly what a message of the part says
OWN = ("text", "reasoning", "tool_call", "tool_result")  # types of parts that we know from inside
Row = dict[str, Any]


def chunks(part: PartRow) -> list[Row]:
    """Return the rows of x_part_payloads for a part; one that is too long is shortened in place."""
    payload = _packed(part)
    if len(payload) > CHUNK_BYTES_MAX:
        _shorten(part)
        payload = _packed(part)
    few = len(payload) <= CHUNK_BYTES_MAX // 4  # at most four bytes a character
    return [
        {
            "project": part["project"],
            "trace_id": part["trace_id"],
            "part_index": part["part_index"],
            "start_time_unix_nano": part["start_time_unix_nano"],
            "chunk_index": i,
            "payload": chunk,
        }
        for i, chunk in enumerate([payload] if few else cut(payload))
    ]


def unpacked(payload: str) -> PartRow:
    """Return the part of a payload that is whole again."""
    part: Row = orjson.loads(payload)
    for name, place in part.pop("same", {}).items():
        part[name] = part["messages"][place]["text"]
    return cast(PartRow, part)


def json(value: Any) -> str:
    """Return compact JSON; odd values become text, and so does what is nested too deep."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        import json as slow

        text = slow.dumps(_shallow(value), default=str)
        return text.encode("utf-8", "replace").decode()


def shortened(
    value: Any,
    length_max: int = TEXT_LENGTH_MAX,
    kept_max: int = TEXT_LENGTH_MAX,
    *,
    whole_in: str = "span_content",
    depth: int = 0,
) -> Any:
    """Return a value whose texts are within a length; longer ones keep so much and say where."""
    if isinstance(value, str):
        if len(value) <= length_max:
            return value
        return f"{value[:kept_max]}[… {len(value)} characters, whole in {whole_in}]"
    if depth > DEPTH_MAX:
        return value
    if isinstance(value, list):
        return [
            shortened(item, length_max, kept_max, whole_in=whole_in, depth=depth + 1)
            for item in value
        ]
    if isinstance(value, dict):
        return {
            key: shortened(item, length_max, kept_max, whole_in=whole_in, depth=depth + 1)
            for key, item in value.items()
        }
    return value


def _shallow(value: Any, depth: int = 0) -> Any:
    if not isinstance(value, list | dict):
        return value
    if depth > DEPTH_MAX:
        return "[… nested too deep, whole in span_content]"
    if isinstance(value, list):
        return [_shallow(item, depth + 1) for item in value]
    return {key: _shallow(item, depth + 1) for key, item in value.items()}


def _packed(part: PartRow) -> str:
    words = cast(Row, part)
    texts = {message["text"]: i for i, message in enumerate(part["messages"]) if message["text"]}
    same = {name: texts[words[name]] for name in WORDS_OF_PARTS if words[name] in texts}
    return json({**part, **dict.fromkeys(same), "same": same})


def _shorten(part: PartRow) -> None:
    columns = cast(Row, part)
    for name in ("user", "assistant", "system", "user_text", "unanswered", "tool_calls"):
        columns[name] = shortened(columns[name])
    part["messages"] = [_shorter(message) for message in part["messages"]]


def _shorter(message: MessageRow) -> MessageRow:
    found = {**cast(Row, message), "text": shortened(message["text"])}
    if "parts" in message:
        found["tool_calls"] = shortened(message["tool_calls"])
        found["parts"] = [
            # Of data a beginning is no use.
            shortened(one) if one["type"] in OWN else shortened(one, DATA_LENGTH_MAX, 0)
            for one in message["parts"]
        ]
    return cast(MessageRow, found)
