"""What another product's SDK sends of a trace, a span or a run: one record after the other.

A record is no span: it may come in parts, in any order, and again. What all records of one id add
up to is one row of `spans` (derive/record_fold.py), whose attributes have the names below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Entity = Literal["trace", "span", "run"]
Op = Literal["put", "patch", "delete"]

PREFIX = "otel_threads.record."
VENDOR = f"{PREFIX}vendor"
ENTITY = f"{PREFIX}entity"
ID = f"{PREFIX}id"  # UUID text, as the SDK sent it, in lower case
TRACE_ID = f"{PREFIX}trace_id"  # the UUID of its trace likewise
CREATED = f"{PREFIX}created_unix_nano"  # when the first record of it was received
UPDATED = f"{PREFIX}updated_unix_nano"  # and the last
CREATED_SEQUENCE = f"{PREFIX}created_sequence"  # of the commit that stored the first
JOINED_SEQUENCE = f"{PREFIX}joined_sequence"  # of the one that first told its thread; none without
IN_PROGRESS = f"{PREFIX}in_progress"  # true while no end came
FIELD = f"{PREFIX}field."  # before a field's name: its JSON text, byte for byte


def field(name: str) -> str:
    """Return the attribute that holds a field's JSON text."""
    return FIELD + name


@dataclass(frozen=True, slots=True)
class Record:
    """One item of a request of an SDK, as it was received.

    `put` records may have all fields, `patch` records have some, `delete` records have none.
    `record_id` and `trace_record_id` are UUIDs as text in lower case; a patch or delete may not
    know its trace. `stamp_unix_nano` orders puts of one id by the sender's clock; None sorts first.
    `body` is the JSON text of one object.
    """

    vendor: str
    entity: Entity
    op: Op
    record_id: str
    trace_record_id: str | None
    project: str | None
    stamp_unix_nano: int | None
    body: str


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with where it stands in the order of arrival: commit, and place in the commit."""

    record: Record
    sequence: int
    place: int
    received_unix_nano: int


@dataclass(frozen=True, slots=True)
class FoldedRecord:
    """What all records of one id add up to. `fields` holds each field's JSON text as received."""

    vendor: str
    entity: Entity
    record_id: str
    trace_record_id: str | None
    project: str | None  # of the first put; of a patch where none came
    fields: Mapping[str, str]
    sequence: int  # of the commit that stored the newest
    created_sequence: int
    joined_sequence: int | None
    created_unix_nano: int
    updated_unix_nano: int


@dataclass(frozen=True, slots=True)
class RecordError:
    """What failed, as the exception event of a span tells it."""

    type: str | None
    message: str | None
    stacktrace: str | None = None


@dataclass(frozen=True, slots=True)
class SpanHead:
    """What a span has beside attributes, read from a folded record.

    Ids are lower-case hex, as vendors/ids.py makes them of UUIDs. `start_unix_nano` None: unknown,
    the time of receipt stands for it. `end_unix_nano` None: it is in progress.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    project: str
    name: str
    start_unix_nano: int | None
    end_unix_nano: int | None
    scope_name: str
    error: RecordError | None = None


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where a span of OTLP belongs in a trace of records. Ids are lower-case hex."""

    trace_id: str
    span_id: str
    parent_span_id: str | None


class RecordRules(Protocol):
    """What one vendor alone knows of folding. Pure, and never raises for what a sender may write.

    A field that is absent or null is not given, for every vendor.
    """

    @property
    def vendor(self) -> str:
        """Return the name that its records have in `Record.vendor`."""

    @property
    def naming_attribute(self) -> str | None:
        """Return the attribute by which a span of OTLP names one of its traces; None without."""

    @property
    def twin_scopes(self) -> str | None:
        """Return what the scopes of spans begin with that its SDK sends beside their records.

        None where it sends each span in one way alone.
        """

    def place(self, attributes: Mapping[str, str | None], span_id: str) -> RecordPlace | None:
        """Return where a span of OTLP belongs that has `naming_attribute`; None if it names none.

        Values are text; `span_id` is the span's own.
        """

    def joined(self, name: str, before: str | None, text: str) -> str:
        """Return a field's JSON text out of what is known of it and a record that counts more.

        `before` is None where nothing is known. Return `text` where the newer one replaces it.
        """

    def finished(
        self, fields: Mapping[str, str], patches: Sequence[Mapping[str, str]]
    ) -> Mapping[str, str]:
        """Return the folded fields after what only their order decides, such as tags to add.

        `patches` are the fields of each patch, in the order of arrival.
        """

    def thread_id(self, fields: Mapping[str, str]) -> str | None:
        """Return the conversation's id that fields of one record, or folded ones, tell."""

    def head(self, folded: FoldedRecord) -> SpanHead | None:
        """Return what the span has beside attributes; None while nothing can be shown of it."""
