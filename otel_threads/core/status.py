"""How far the server is, and what keeps spans out of threads."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from otel_threads.core.fields import Described


@dataclass(frozen=True, slots=True, kw_only=True)
class UnkeptLogRecords:
    """Log records of one event that were accepted and not kept since the server started."""

    scope_name: str
    event_name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRequests:
    """What one port refused for one reason since the server started: senders drop it."""

    port: str
    reason: str
    explanation: str
    count: int
    last_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeProgress:
    """How far a node's shipping to the lake is."""

    node_id: Annotated[str, Described("What the file is called in the lake.")]
    shipped_sequence: Annotated[int, Described("All commits up to this one are in the lake.")]
    waiting_changes: Annotated[
        int, Described("Traces and threads that changed and wait to be shipped again.")
    ]
    behind_s: Annotated[
        float, Described("How long the oldest change has waited for the lake; 0 when none does.")
    ]
    shipped_at: datetime.datetime | None = None
    error: Annotated[
        str | None,
        Described("Why the last try failed, which is repeated; null when it went well."),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far writing and deriving are, as the engine tells it."""

    committed_sequence: int
    derived_sequence: int
    derive_lag_ms: float
    derive_error: str | None = None
    store_error: str | None = None
    database_bytes: int
    otlp_http: str | None = None
    unkept_log_records: Sequence[UnkeptLogRecords] = ()
    refused_requests: Sequence[RefusedRequests] = ()
    lake: LakeProgress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """How many rows a file has of each."""

    spans: int
    traces: int
    threads: int
    turns: int
    sdk_records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far the server is. All that was acknowledged is in the threads once
    `derived_sequence` has reached `committed_sequence`."""

    version: str
    committed_sequence: int
    derived_sequence: int
    derive_lag_ms: float
    derive_error: Annotated[
        str | None,
        Described(
            "What ended the deriver's last pass, which is tried again each second; else which "
            "trace could not be derived, and is left out, since the start; null when all went well."
        ),
    ] = None
    store_error: Annotated[
        str | None,
        Described(
            "Why what is sent is not stored: a full disk, a file that was deleted or moved; null "
            "while it is."
        ),
    ] = None
    spans: int
    traces: int
    threads: int
    turns: int
    sdk_records: Annotated[
        int, Described("What SDKs of other products sent, in parts; folded, it is in `spans`.")
    ] = 0
    database_bytes: int
    uptime_s: float
    otlp_http: str | None = None
    unkept_log_records: Annotated[
        list[UnkeptLogRecords],
        Described("Log records that hold no GenAI content that is read, by scope and event."),
    ] = field(default_factory=list)
    refused_requests: Annotated[
        list[RefusedRequests],
        Described(
            "What was refused of OTLP since the server started, by port and reason: tokens, sizes, "
            "encodings, methods, paths, other protocols. Its senders have dropped it."
        ),
    ] = field(default_factory=list)
    lake: Annotated[
        LakeProgress | None, Described("How far shipping to the lake is; null without a lake.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrumentation:
    """One instrumentation scope among the latest 200,000 spans."""

    scope_name: str
    scope_version: str
    span_count: int
    trace_count: int
    traces_with_thread: int
    thread_id_sources: list[str] | None
    traces_with_calls: int
    calls_without_thread: int
    examples_without_thread: list[str] | None
    traces_without_content: int
    examples_without_content: list[str] | None
    traces_truncated: int
    examples_truncated: list[str] | None
    spans_from_the_future: int
    spans_ending_before_start: int
    spans_a_day_late: int
    spans_scrubbed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceholderId:
    """A value that stands where a conversation's id should.

    `is_refused`: it is none; else it is taken for one, and is probably the same for everybody.
    """

    scope_name: str
    attribute: str
    value: str
    is_refused: bool
    span_count: int
    examples: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleReport:
    """Scopes that report the same model requests."""

    reported_by: list[str]
    call_count: int
    trace_count: int
    examples: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew:
    """Two services whose clocks differ."""

    parent_service: str
    child_service: str
    span_count: int
    skew_ms_max: float
    examples: list[str]


FindingKind = Literal[
    "nothing_arrived",
    "refused_requests",
    "scrubbed_id",
    "placeholder_id",
    "no_thread_id",
    "no_content",
    "truncated",
    "double_instrumentation",
    "clock",
    "unkept_log_records",
    "lake_behind",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that keeps spans out of threads, and what to write against it."""

    kind: FindingKind
    library: str | None
    summary: str
    fix: str
    note: str
    trace_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """What arrived, and what is missing."""

    status: Status
    instrumentations: list[Instrumentation]
    findings: list[Finding]
