"""Opik's traces and spans as records, and what only Opik knows of folding them.

Source: comet-ml/opik, Python SDK 2.2.122, `rest_api/types/trace_write.py` and its neighbours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from otel_threads import names
from otel_threads.core.errors import InvalidPayload
from otel_threads.core.record import (
    Entity,
    FoldedRecord,
    Op,
    Record,
    RecordError,
    RecordPlace,
    SpanHead,
)
from otel_threads.json_texts import NotJson, json_fields, json_items
from otel_threads.vendors import ids
from otel_threads.vendors.opik.errors import unprocessable
from otel_threads.vendors.times import unix_nano

VENDOR = "opik"
SCOPE = "opik"
DEFAULT_PROJECT = "Default Project"
ITEMS_MAX = 1000
TAGS_MAX = 50
# What the SDK's headers and its span processor put on spans of OTLP that belong to a trace of it.
TRACE_ATTRIBUTE, SPAN_ATTRIBUTE = "opik.trace_id", "opik.span_id"
PARENT_ATTRIBUTE = "opik.parent_span_id"
TAGS, ADD, REMOVE = "tags", "tags_to_add", "tags_to_remove"


class Rules:
    """A `RecordRules`: fields replace one another, tags are added and removed in their order."""

    vendor = VENDOR
    naming_attribute = TRACE_ATTRIBUTE
    twin_scopes = None

    def place(self, attributes: Mapping[str, str | None], span_id: str) -> RecordPlace | None:
        """See `RecordRules`."""
        trace_uuid = ids.uuid_text(attributes.get(TRACE_ATTRIBUTE))
        if trace_uuid is None:
            return None
        own = ids.uuid_text(attributes.get(SPAN_ATTRIBUTE))
        above = ids.uuid_text(attributes.get(PARENT_ATTRIBUTE)) or trace_uuid
        return RecordPlace(
            trace_id=ids.trace_id_of(trace_uuid),
            span_id=ids.span_id_of(own, trace_uuid) if own else span_id,
            parent_span_id=ids.span_id_of(above, trace_uuid),
        )

    def joined(self, name: str, before: str | None, text: str) -> str:
        """See `RecordRules`."""
        del name, before
        return text

    def finished(
        self, fields: Mapping[str, str], patches: Sequence[Mapping[str, str]]
    ) -> Mapping[str, str]:
        """See `RecordRules`."""
        if not (ADD in fields or REMOVE in fields):
            return fields
        found = {name: text for name, text in fields.items() if name not in (TAGS, ADD, REMOVE)}
        # What a patch replaces is the list that the puts tell: the folded one, unless a patch did.
        replaced = any(TAGS in patch for patch in patches)
        tags = [] if replaced else _texts(fields.get(TAGS))
        for patch in patches:
            tags = _texts(patch[TAGS]) if TAGS in patch else tags
            gone = _texts(patch.get(REMOVE))
            tags = [tag for tag in tags if tag not in gone]
            tags += [tag for tag in _texts(patch.get(ADD)) if tag not in tags]
        return found | {TAGS: orjson.dumps(tags).decode()}

    def thread_id(self, fields: Mapping[str, str]) -> str | None:
        """See `RecordRules`."""
        value = _value(fields.get("thread_id"))
        return value if isinstance(value, str) and value.strip() else None

    def head(self, folded: FoldedRecord) -> SpanHead | None:
        """See `RecordRules`."""
        fields = folded.fields
        is_trace = folded.entity == "trace"
        trace_uuid = folded.record_id if is_trace else folded.trace_record_id
        if trace_uuid is None:
            return None
        parent = None
        if not is_trace:
            above = ids.uuid_text(_value(fields.get("parent_span_id")))
            parent = ids.span_id_of(above or trace_uuid, trace_uuid)
        name = _value(fields.get("name"))
        return SpanHead(
            trace_id=ids.trace_id_of(trace_uuid),
            span_id=ids.span_id_of(folded.record_id, trace_uuid),
            parent_span_id=parent,
            project=folded.project or DEFAULT_PROJECT,
            name=name if isinstance(name, str) else "",
            start_unix_nano=unix_nano(_value(fields.get("start_time"))),
            end_unix_nano=unix_nano(_value(fields.get("end_time"))),
            scope_name=SCOPE,
            error=_error(fields.get("error_info")),
        )


RULES = Rules()


def batch(text: str, entity: Entity) -> list[Record]:
    """Return the records of a body that creates many: `{"traces": [...]}` or `{"spans": [...]}`.

    Raises:
        InvalidPayload: it is no such JSON, or an id is no UUID.
        Answered: 422, an item lacks what it needs; nothing is to be stored.
    """
    key = f"{entity}s"
    try:
        items = json_items(_fields(text).get(key, "[]"))
    except NotJson as error:
        raise InvalidPayload(f"{key}: {error}") from None
    _check_count(key, len(items))
    return [put(item, entity, where=f"{key}[{i}].") for i, item in enumerate(items)]


def put(text: str, entity: Entity, *, where: str = "") -> Record:
    """Return the record that creates one item. Raises as `batch`."""
    fields = _fields(text)
    record_id = _id(fields, "id", where) or ids.new_uuid()
    trace_id = record_id if entity == "trace" else _id(fields, "trace_id", where)
    if trace_id is None:
        raise unprocessable(f"{where}trace_id must not be null")
    _id(fields, "parent_span_id", where)
    start = _time(fields, "start_time", where)
    if start is None:
        raise unprocessable(f"{where}start_time must not be null")
    times = (_time(fields, name, where) for name in ("last_updated_at", "end_time"))
    stamp = next((time for time in times if time is not None), start)
    return Record(
        vendor=VENDOR,
        entity=entity,
        op="put",
        record_id=record_id,
        trace_record_id=trace_id,
        project=_project(fields, where) or DEFAULT_PROJECT,
        stamp_unix_nano=stamp,
        body=text,
    )


def patch(text: str, entity: Entity, record_id: str) -> Record:
    """Return the record that changes one item. Raises as `batch`."""
    fields = _fields(text)
    return _patch(fields, text, entity, record_id)


def patches(text: str, entity: Entity) -> list[Record]:
    """Return the records of a body that changes many items alike: `{"ids", "update"}`.

    Raises as `batch`.
    """
    whole = _fields(text)
    ids_given = _value(whole.get("ids"))
    if not isinstance(ids_given, list):
        raise unprocessable("ids must not be null")
    _check_count("ids", len(ids_given))
    record_ids = [checked_id(one, "ids") for one in ids_given]
    update = whole.get("update", "null")
    if update == "null":
        raise unprocessable("update must not be null")
    fields = _fields(update)
    if _value(whole.get("merge_tags")) is True and TAGS in fields:
        # What is merged is added: to what the item has when it is folded.
        fields = {ADD if name == TAGS else name: text for name, text in fields.items()}
        update = f"{{{','.join(f'{_quoted(name)}:{text}' for name, text in fields.items())}}}"
    return [_patch(fields, update, entity, one) for one in record_ids]


def deletion(entity: Entity, record_id: str) -> Record:
    """Return the record that deletes one item."""
    return _record("delete", entity, record_id, {}, "{}")


def checked_id(value: object, name: str) -> str:
    """Return an id as a UUID's text.

    Raises:
        InvalidPayload: it is none.
    """
    found = ids.uuid_text(value)
    if found is None:
        shown = value[:100] if isinstance(value, str) else type(value).__name__
        raise InvalidPayload(f"{name}: {shown!r} is not a UUID")
    return found


def _patch(fields: Mapping[str, str], text: str, entity: Entity, record_id: str) -> Record:
    for name in (TAGS, ADD, REMOVE):
        if len(_texts(fields.get(name))) > TAGS_MAX:
            raise unprocessable(f"Tag limit exceeded: maximum {TAGS_MAX} tags per item")
    for name in ("start_time", "end_time"):
        _time(fields, name, "")
    if entity == "span" and _id(fields, "trace_id", "") is None:
        raise unprocessable("trace_id must not be null")
    return _record("patch", entity, record_id, fields, text)


def _record(op: Op, entity: Entity, record_id: str, fields: Mapping[str, str], text: str) -> Record:
    trace_id = record_id if entity == "trace" else _id(fields, "trace_id", "")
    return Record(
        vendor=VENDOR,
        entity=entity,
        op=op,
        record_id=record_id,
        trace_record_id=trace_id,
        project=_project(fields, ""),
        stamp_unix_nano=None,
        body=text,
    )


def _fields(text: str) -> dict[str, str]:
    try:
        return json_fields(text)
    except NotJson as error:
        raise InvalidPayload(f"the body is not the JSON that is needed: {error}") from None


def _check_count(name: str, count: int) -> None:
    if not 1 <= count <= ITEMS_MAX:
        raise unprocessable(f"{name} size must be between 1 and {ITEMS_MAX}, it is {count}")


def _id(fields: Mapping[str, str], name: str, where: str) -> str | None:
    value = _value(fields.get(name))
    return None if value is None else checked_id(value, f"{where}{name}")


def _time(fields: Mapping[str, str], name: str, where: str) -> int | None:
    value = _value(fields.get(name))
    if value is None:
        return None
    found = unix_nano(value)
    if found is None:
        raise InvalidPayload(f"{where}{name} is no time in ISO 8601")
    return found


def _project(fields: Mapping[str, str], where: str) -> str | None:
    value = _value(fields.get("project_name"))
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise unprocessable(f"{where}project_name must not be blank")
    return names.cleaned(value)


def _error(text: str | None) -> RecordError | None:
    value = _value(text)
    if not isinstance(value, dict):
        return None
    kind, message, stack = (
        one if isinstance(one := value.get(name), str) else None
        for name in ("exception_type", "message", "traceback")
    )
    return RecordError(kind, message, stack)


def _value(text: str | None) -> Any:
    """Return what a field's JSON text holds; None for what is absent or cannot be read."""
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _texts(text: str | None) -> list[str]:
    value = _value(text)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _quoted(name: str) -> str:
    return orjson.dumps(name).decode()
