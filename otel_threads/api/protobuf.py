"""Objects of core/ as messages of `proto/otel_threads/v1/threads.proto`, field by field.

Messages and objects have the same fields under the same names; a test compares them.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

TIME = "google.protobuf.Timestamp"
JSON = ("google.protobuf.Struct", "google.protobuf.Value")


def fill(message: Message, found: object) -> None:
    """Set the fields of a message from the fields of an object; None stays unset."""
    for field in message.DESCRIPTOR.fields:
        value: object = getattr(found, field.name)
        if value is None:
            continue
        if field.message_type is None:
            _set_scalars(message, field.name, value, is_repeated=field.is_repeated)
        elif field.message_type.GetOptions().map_entry:
            has_messages = field.message_type.fields_by_name["value"].message_type is not None
            _set_map(getattr(message, field.name), value, has_messages=has_messages)
        elif field.is_repeated:
            assert isinstance(value, Iterable)
            for one in value:
                _set(getattr(message, field.name).add(), one)
        else:
            _set(getattr(message, field.name), value)


def _set_scalars(message: Message, name: str, value: object, *, is_repeated: bool) -> None:
    if is_repeated:
        getattr(message, name).extend(value)
    else:
        setattr(message, name, value.isoformat() if isinstance(value, datetime.date) else value)


def _set_map(entries: Any, value: object, *, has_messages: bool) -> None:
    assert isinstance(value, Mapping)
    if not has_messages:
        entries.update(value)
        return
    for key, one in value.items():
        fill(entries[key], one)


def _set(message: Message, value: object) -> None:
    name = message.DESCRIPTOR.full_name
    if name in JSON:
        json_format.ParseDict(value, message)  # type: ignore[arg-type]  # a Value takes any
    elif name == TIME:
        assert isinstance(value, datetime.datetime)
        message.FromDatetime(value)  # type: ignore[attr-defined]  # a Timestamp has it
    else:
        message.SetInParent()  # also when none of its fields is set
        fill(message, value)
