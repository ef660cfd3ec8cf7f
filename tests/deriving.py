"""Spans through the real path, without a server: decoded, stored, read back, derived."""

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from builders import a_request
from databases import a_database
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_threads.core.model import Request, Signal, TraceRows
from otel_threads.core.ports import Batch
from otel_threads.decode import columns, logs
from otel_threads.derive.conventions import CONVENTIONS, Conventions
from otel_threads.derive.merge import merge
from otel_threads.derive.thread_id import Identity
from otel_threads.derive.trace import derive_traces
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter


@dataclass(frozen=True)
class Conversation:
    """What some spans tell: rows of traces and calls, and the turns that they make."""

    traces: list[TraceRows]
    turns: list[dict]

    @property
    def trace(self) -> dict:
        (only,) = self.traces
        return only.trace

    @property
    def turn(self) -> dict:
        (only,) = self.turns
        return only

    @property
    def call(self) -> dict:
        (only,) = [call for trace in self.traces for call in trace.calls]
        return only

    @property
    def thread(self) -> tuple[str | None, str | None]:
        """The thread's id and the attribute that decided."""
        return self.trace["thread_id"], self.trace["thread_id_source"]

    @property
    def said(self) -> list[tuple[str | None, str | None]]:
        """The user's and the assistant's text of each turn."""
        return [(turn["user"], turn["assistant"]) for turn in self.turns]

    @property
    def tools(self) -> list[tuple]:
        """Name, arguments and result of each tool call."""
        calls = [call for turn in self.turns for call in turn["tool_calls"]]
        return [(call["name"], call["arguments"], call["result"]) for call in calls]

    @property
    def tokens(self) -> dict[str, int]:
        """The known token counts of the only call."""
        return {k: v for k, v in self.call.items() if k.endswith("_tokens") and v is not None}


@cache
def _store() -> tuple[BatchWriter, DuckDBDerivedStore]:
    """One file for all: the spans of a test are known by their trace ids."""
    folder = Path(tempfile.mkdtemp(prefix="otel-threads-tests-"))
    database = a_database(folder / "x.duckdb")
    return BatchWriter(database), DuckDBDerivedStore(database)


def a_record(span, event: str, *, body=None, attributes: dict | None = None) -> LogRecord:
    """A log record of an event on a span, as `builders.a_span` makes spans."""
    from builders import any_value

    record = LogRecord(
        trace_id=span.trace_id,
        span_id=span.span_id,
        event_name=event,
        time_unix_nano=span.start_time_unix_nano,
    )
    if body is not None:
        record.body.CopyFrom(any_value(body))
    for key, value in (attributes or {}).items():
        record.attributes.add(key=key, value=any_value(value))
    return record


def a_log_request(*records: LogRecord, scope: str = "test") -> bytes:
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    scope_logs.scope.name = scope
    scope_logs.log_records.extend(records)
    return request.SerializeToString()


def derive(
    *spans,
    scope: str = "test",
    resource: dict | None = None,
    records=(),
    conventions: Conventions = CONVENTIONS,
) -> Conversation:
    """Return what comes of spans that arrive in one commit, with their log records."""
    writer, store = _store()
    after = writer.committed_sequence
    payload = a_request(*spans, scope=scope, resource=resource)
    sent = Request(signal=Signal.TRACES, payload=payload, received_unix_nano=1)
    rows = logs.LOGS.empty_table()
    if records:
        payload = a_log_request(*records, scope=scope)
        logged = Request(signal=Signal.LOGS, payload=payload, received_unix_nano=1)
        rows, _ = logs.decode(
            [logged], event_names=conventions.log_events, default_project="default"
        )
    tables = columns.decode([sent], default_project="default").tables
    writer._commit([Batch(tables, rows)])
    work = store.pending(after=after, upto=writer.committed_sequence)
    identity = Identity((), conventions)
    traces = [
        row for trace in store.spans(work, after=after) for row in derive_traces(trace, identity)
    ]
    return Conversation(traces, merge(part for trace in traces for part in trace.parts))
