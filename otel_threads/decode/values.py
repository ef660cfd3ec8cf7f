"""OTLP attribute values as text plus a one-letter type, and back, without loss.

A value is kept as the text that people query (`'openai'`, `'12'`, `'0.5'`, `'true'`,
`'["a","b"]'`) beside a letter that says what it was. Together they restore the value exactly.

    s string · i int64 · d double · b bool · y bytes (base64) · n no value
    j array or kvlist whose plain JSON restores it
    v array or kvlist that plain JSON cannot restore (bytes, not-a-number, repeated keys):
      kept in OTLP's own JSON encoding

Source: opentelemetry-proto, common/v1/common.proto, message `AnyValue`.
"""

import base64
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

Encoded = tuple[str | None, str]  # the text (None for no value) and the letter


def encode(value: AnyValue) -> Encoded:
    """Return the text and the letter of one value."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value, "s"
        case "int_value":
            return str(value.int_value), "i"
        case "double_value":
            return repr(value.double_value), "d"
        case "bool_value":
            return ("true" if value.bool_value else "false"), "b"
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode(), "y"
        case "array_value":
            return encode_array(value.array_value)
        case "kvlist_value":
            return encode_kvlist(value.kvlist_value)
        case _:
            return None, "n"


def encode_array(array: ArrayValue) -> Encoded:
    """As `encode`, for an array."""
    return _nested(AnyValue(array_value=array))


def encode_kvlist(kvlist: KeyValueList) -> Encoded:
    """As `encode`, for a key-value list."""
    return _nested(AnyValue(kvlist_value=kvlist))


def _nested(value: AnyValue) -> Encoded:
    try:
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":")), "j"
    except _NotPlainError:
        return json_format.MessageToJson(value, indent=None), "v"


class _NotPlainError(Exception):
    """Plain JSON would not give the same value back."""


def _plain(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value" if math.isfinite(value.double_value):
            return value.double_value
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            pairs = value.kvlist_value.values
            if len({pair.key for pair in pairs}) != len(pairs) or any(
                not pair.HasField("value") for pair in pairs
            ):
                raise _NotPlainError
            return {pair.key: _plain(pair.value) for pair in pairs}
        case None:
            return None
        case _:
            raise _NotPlainError


def decode(text: str | None, letter: str) -> AnyValue:
    """Return the value that `encode` was given.

    Raises:
        ValueError: the letter is none of ours, or the text does not fit it.
    """
    match letter:
        case "n":
            return AnyValue()
        case "s":
            return AnyValue(string_value=text or "")
        case "i":
            return AnyValue(int_value=int(text or ""))
        case "d":
            return AnyValue(double_value=float(text or ""))
        case "b":
            return AnyValue(bool_value=text == "true")
        case "y":
            return AnyValue(bytes_value=base64.b64decode(text or ""))
        case "j":
            return _any(orjson.loads(text or ""))
        case "v":
            return json_format.Parse(text or "", AnyValue())
        case _:
            raise ValueError(f"no attribute type has the letter {letter!r}")


def _any(plain: Any) -> AnyValue:
    match plain:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=plain)
        case int():
            return AnyValue(int_value=plain)
        case float():
            return AnyValue(double_value=plain)
        case str():
            return AnyValue(string_value=plain)
        case list():
            return AnyValue(array_value=ArrayValue(values=[_any(item) for item in plain]))
        case _:
            kvlist = KeyValueList()
            for key, item in plain.items():
                kvlist.values.add(key=key, value=_any(item))
            return AnyValue(kvlist_value=kvlist)


def python(text: str | None, letter: str) -> Any:
    """Return the value as Python reads it best; None for bytes and for no value.

    No family of conventions gives bytes a meaning, so the deriver never sees them.
    """
    reader = _READERS.get(letter)
    return None if reader is None or text is None else reader(text)


def from_any(value: AnyValue) -> Any:
    """Return an OTLP value as str, int, float, bool, list, dict or None; bytes become None."""
    match value.WhichOneof("value"):
        case None | "bytes_value":
            return None
        case "array_value":
            return [from_any(item) for item in value.array_value.values]
        case "kvlist_value":
            return {pair.key: from_any(pair.value) for pair in value.kvlist_value.values}
        case kind:
            return getattr(value, kind)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "s": str,
    "i": int,
    "d": float,
    "b": lambda text: text == "true",
    "j": orjson.loads,
    "v": lambda text: from_any(json_format.Parse(text, AnyValue())),
}


def plain(text: str | None, letter: str) -> Any:
    """Return the value as JSON shows it best: as `python`, with bytes as base64 text."""
    return text if letter == "y" else python(text, letter)
