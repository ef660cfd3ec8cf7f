"""A span's attributes read as an Opik record: each field's JSON as it was sent, or made of OTLP's.

Values that an SDK sent go out as the text that came in: no number is rounded, no key moved.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from otel_threads.core import record
from otel_threads.core.span import Span
from otel_threads.derive.family import count
from otel_threads.derive.span_payload import Side, payload
from otel_threads.json_texts import is_json

VENDOR = "opik"
TRUNCATED_CHARACTERS = 10_001
_BASE64_IMAGE = re.compile(r"data:image/[a-zA-Z0-9.+-]+;base64,[A-Za-z0-9+/=]{32,}")


def is_record(span: Span | None, entity: str) -> bool:
    """Return whether a span stands for a record of an SDK of this kind: `trace` or `span`."""
    return span is not None and span.attributes.get(record.ENTITY) == entity


def text_of(span: Span, name: str) -> str | None:
    """Return the JSON text of a record's field, None when it was never given."""
    found = span.attributes.get(record.field(name))
    return found if isinstance(found, str) else None


def value_of(span: Span, name: str) -> Any:
    """Return a record's field as Python has it, None when it was never given or is no JSON."""
    text = text_of(span, name)
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def string_of(span: Span, name: str) -> str | None:
    """Return a record's field that is a text."""
    found = value_of(span, name)
    return found if isinstance(found, str) else None


def number_of(span: Span, name: str) -> float | None:
    """Return a record's field that is a number."""
    found = value_of(span, name)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number else None


def integers_of(span: Span, name: str) -> dict[str, int]:
    """Return a record's field that maps names to counts; what is none is left out."""
    found = value_of(span, name)
    if not isinstance(found, dict):
        return {}
    counts = {key: count(one) for key, one in found.items() if not isinstance(one, str)}
    return {key: one for key, one in counts.items() if one is not None}


def texts_of(span: Span, name: str) -> list[str] | None:
    """Return a record's field that lists texts, in their order; None when it was never given."""
    found = value_of(span, name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else None


def side_of(span: Span, side: Side) -> str | None:
    """Return the JSON text of what went into a span, or came out of it; None when none says."""
    found = payload(span.attributes, side)
    if found is None:
        return None
    text = found if isinstance(found, str) and is_json(found) else _json(found)
    if record.ENTITY not in span.attributes and text.lstrip().startswith("["):
        return f'{{"messages":{text}}}'  # as those have them who read a conversation of Opik's
    return text


def attributes_json(span: Span) -> str | None:
    """Return a span's attributes as the JSON of its metadata; None when it has none."""
    kept = {
        name: value
        for name, value in span.attributes.items()
        if not name.startswith(record.PREFIX) and value is not None
    }
    return _json(kept) if kept else None


def shown(text: str | None, *, truncate: bool) -> Any:
    """Return JSON text as it goes into an answer; one that is long is cut and becomes a string."""
    if text is None:
        return None
    if truncate:
        text = _BASE64_IMAGE.sub("[image]", text)
        if len(text) > TRUNCATED_CHARACTERS:
            return text[:TRUNCATED_CHARACTERS]
    return orjson.Fragment(text)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def unix_nano_of(span: Span, name: str) -> int | None:
    """Return one of the times that the server gave to a record."""
    found = span.attributes.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


Body = dict[str, Any]
Given = Mapping[str, Any]
