"""Requests of the query API over gRPC as arguments of services, checked as bodies of REST are."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from otel_threads.api.bodies import Body
from otel_threads.characters import without_nul
from otel_threads.core.errors import InvalidQuery

Arguments = Callable[[Message], Mapping[str, Any]]
INTEGERS_MAX = 2**53  # past it a double no longer tells whole numbers apart


def fields(request: Message) -> dict[str, Any]:
    """Return the fields that are set, as Python values; a text that is needed also when empty."""
    found: dict[str, Any] = {}
    for field, value in request.ListFields():
        if field.message_type is not None and not field.is_repeated:
            found[field.name] = _time(field.name, value)
        else:
            found[field.name] = _whole(list(value) if field.is_repeated else value)
    for one in request.DESCRIPTOR.fields:
        is_text = one.type == FieldDescriptor.TYPE_STRING and not one.is_repeated
        if is_text and not one.has_presence:
            found.setdefault(one.name, "")
    return found


def _time(name: str, value: Any) -> datetime.datetime:
    try:
        found: datetime.datetime = value.ToDatetime(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        raise InvalidQuery(f"{name}: {value.seconds} s is no time of the years 1 to 9999") from None
    return found


def selection(request: Message) -> dict[str, Any]:
    """Return the fields of a list's request; `from` and `to` under the names of the services."""
    found = fields(request)
    for name in ("from", "to"):
        if name in found:
            found[f"{name}_time"] = found.pop(name)
    return found


def body(shape: type[Body], *names: str) -> Arguments:
    """Return a reader that checks a body as REST does; `names` stand in REST's path instead."""

    def read(request: Message) -> dict[str, Any]:
        given = plain(request)
        outside = {name: given.pop(name, "") for name in names}
        return outside | shape.model_validate(given).given()

    return read


def plain(request: Message) -> dict[str, Any]:
    """Return a request as the JSON of REST.

    Raises:
        InvalidQuery: it holds what JSON has not, such as infinity, or a time out of range.
    """
    try:
        found = json_format.MessageToDict(request, preserving_proto_field_name=True)
    except (json_format.SerializeToJsonError, ValueError) as error:
        raise InvalidQuery(f"the message cannot be written as JSON: {error}") from None
    read: dict[str, Any] = _whole(found)
    return read


def _whole(value: Any) -> Any:
    """Return whole numbers as integers: a Struct has nothing but doubles. Texts have no NUL."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, str):
        return without_nul(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < INTEGERS_MAX:
        return int(value)
    return value
