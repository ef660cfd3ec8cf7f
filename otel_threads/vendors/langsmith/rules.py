"""How records of one run fold: which fields are unions, what is empty, what its span is."""

from collections.abc import Mapping, Sequence
from typing import Any

from otel_threads.core.record import FoldedRecord, RecordError, RecordPlace, SpanHead
from otel_threads.vendors import times
from otel_threads.vendors.ids import span_id_of, trace_id_of, uuid_text
from otel_threads.vendors.langsmith import texts
from otel_threads.vendors.langsmith.records import DEFAULT_PROJECT, VENDOR, told_trace
from otel_threads.vendors.langsmith.texts import value

SCOPE = "langsmith"
# In the order in which they count, as LangSmith documents it.
THREAD_KEYS = ("session_id", "conversation_id", "thread_id")
# What the rules add to a folded run, for the families and for who looks for it.
THREAD_FIELD, METADATA_FIELD = "thread_id", "metadata"
UNTIL_FULL = ("inputs", "outputs", "events", "tags")  # empty means "none yet" in a post
_EMPTY = ("{}", "[]", '""')
ERROR_TYPE_LENGTH_MAX = 200


class LangSmithRules:
    """What folding runs needs to know. `thread_keys` are the metadata that name the thread."""

    vendor = VENDOR
    naming_attribute = None
    twin_scopes = SCOPE  # in hybrid mode each run comes by OTLP, too, under another id

    def place(self, attributes: Mapping[str, str | None], span_id: str) -> RecordPlace | None:
        """Return nothing: no span of OTLP names a trace of runs."""
        del attributes, span_id
        return None

    def __init__(self, thread_keys: Sequence[str] = THREAD_KEYS) -> None:
        self._thread_keys = tuple(thread_keys)

    def joined(self, name: str, before: str | None, text: str) -> str:
        """Return a field out of what is known of it and a record that counts more."""
        if before is None:
            return text
        if name in UNTIL_FULL and text.strip() in _EMPTY:
            return before
        return _joined_extra(before, text) if name == "extra" else text

    def finished(
        self, fields: Mapping[str, str], patches: Sequence[Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Return the fields with the metadata, and the thread's id that they name, beside them."""
        added = {}
        metadata = texts.fields(texts.fields(fields.get("extra", "")).get("metadata", ""))
        if metadata:
            added[METADATA_FIELD] = texts.joined(metadata)
        if found := self.thread_id(fields):
            added[THREAD_FIELD] = texts.written(found)
        return {**fields, **added}

    def thread_id(self, fields: Mapping[str, str]) -> str | None:
        """Return the conversation's id: of the metadata, else a field as the REST API gives it."""
        metadata = metadata_of(fields)
        for key in self._thread_keys:
            if found := _scalar(metadata.get(key)):
                return found
        return _scalar(value(fields.get(THREAD_FIELD)))

    def head(self, folded: FoldedRecord) -> SpanHead | None:
        """Return what the span has beside attributes."""
        fields = folded.fields
        trace = folded.trace_record_id or told_trace(fields) or folded.record_id
        parent = uuid_text(value(fields.get("parent_run_id")))
        if parent == folded.record_id or trace == folded.record_id:
            parent = None
        name = value(fields.get("name"))
        return SpanHead(
            trace_id=trace_id_of(trace),
            span_id=span_id_of(folded.record_id, trace),
            parent_span_id=span_id_of(parent, trace) if parent else None,
            project=folded.project or DEFAULT_PROJECT,
            name=name if isinstance(name, str) and name else "run",
            start_unix_nano=times.unix_nano(value(fields.get("start_time"))),
            end_unix_nano=times.unix_nano(value(fields.get("end_time"))),
            scope_name=SCOPE,
            error=_error(value(fields.get("error"))),
        )


def metadata_of(fields: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a run's metadata; none for what holds none."""
    extra = value(fields.get("extra"))
    metadata = extra.get("metadata") if isinstance(extra, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _joined_extra(before: str, text: str) -> str:
    """Return the union of two `extra`: metadata key by key, all else whole, the later one wins."""
    old, new = texts.fields(before), texts.fields(text)
    if not new:
        return before if old else text
    joined = old | {name: one for name, one in new.items() if one != "null" or name not in old}
    known, added = texts.fields(old.get("metadata", "")), texts.fields(new.get("metadata", ""))
    if known:
        joined["metadata"] = texts.joined(known | added)
    return texts.joined(joined)


def _scalar(found: Any) -> str | None:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    return str(found) or None


def _error(told: Any) -> RecordError | None:
    """Return the error of a run: its text begins with the repr of an exception."""
    if told is None or told in ("", {}):
        return None
    text = told if isinstance(told, str) else texts.written(told)
    first, _, rest = text.partition("\n")
    kind, opened, message = first.partition("(")
    if opened and kind.replace("_", "").replace(".", "").isalnum() and first.endswith(")"):
        told_message = message[:-1].strip("'\"")
        return RecordError(kind[:ERROR_TYPE_LENGTH_MAX], told_message or first, rest or None)
    return RecordError(None, first, rest or None)
