"""Records of SDKs: those of recordings, and a store that folds and derives them."""

import json
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from databases import a_database

from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Batch
from otel_threads.core.record import Record, StoredRecord
from otel_threads.decode import columns, logs
from otel_threads.decode.tables import EMPTY
from otel_threads.derive.deriver import derive_all
from otel_threads.derive.thread_id import Identity
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.deletion import Deletion
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.retention import Retention
from otel_threads.store.spans.chains import Chains
from otel_threads.store.spans.writer import BatchWriter
from otel_threads.vendors.opik import records as opik
from otel_threads.vendors.rules import RULES

RECORDINGS = Path(__file__).parent / "vendors" / "recordings"
OPIK = sorted(path.stem for path in RECORDINGS.glob("*.jsonl"))
OWN_TIMES = ("created_unix_nano", "updated_unix_nano", "created_sequence", "joined_sequence")


def recorded(name: str) -> list[dict]:
    """Return the requests that an SDK sent: method, path, body."""
    return [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines()]


def opik_records(requests: Iterable[dict]) -> list[Record]:
    """Return the records of Opik's requests, in the order in which they came."""
    found: list[Record] = []
    for request in requests:
        text = json.dumps(request["body"])
        entity = "trace" if "/traces" in request["path"] else "span"
        last = request["path"].rpartition("/")[2]
        match request["method"]:
            case "POST" if last == "batch":
                found += opik.batch(text, entity)
            case "POST":
                found.append(opik.put(text, entity))
            case "PATCH" if last == "batch":
                found += opik.patches(text, entity)
            case "PATCH":
                assert re.fullmatch(r"[0-9a-f-]{36}", last)
                found.append(opik.patch(text, entity, last))
    return found


def a_trace(trace_id: str, **fields) -> Record:
    """Return what creates a trace of Opik; name only what the test is about."""
    start = {"start_time": "2026-11-28T16:00:00.000001Z"}
    return opik.put(json.dumps({"id": trace_id, "name": "chat", **start, **fields}), "trace")


def a_step(span_id: str, trace_id: str, **fields) -> Record:
    """Return what creates a span of Opik."""
    start = {"start_time": "2026-11-28T16:00:00.500000Z"}
    whole = {"id": span_id, "trace_id": trace_id, "name": "step", **start, **fields}
    return opik.put(json.dumps(whole), "span")


def a_change(record_id: str, entity: str = "trace", **fields) -> Record:
    """Return what changes a trace or span of Opik."""
    return opik.patch(json.dumps(fields), entity, record_id)


def stored(records: Sequence[Record]) -> list[StoredRecord]:
    """Return records as they are read back, each of a commit of its own."""
    return [StoredRecord(record, i + 1, 0, 1000 + i) for i, record in enumerate(records)]


class RecordStore:
    """A database that takes records, folds and derives them, without a server."""

    def __init__(self, folder: str) -> None:
        self.database = a_database(f"{folder}/records.duckdb")
        chains = Chains()
        self.writer = BatchWriter(self.database, chains=chains)
        self.derived = DuckDBDerivedStore(self.database, RULES, chains=chains)
        annotations = Annotations(
            self.database, sequence=lambda: self.writer.committed_sequence, timeout_s=60
        )
        self.deletion = Deletion(self.database, self.derived, annotations, Identity(()), chains)
        self.retention = Retention(self.database, self.derived, annotations, self.deletion, chains)

    def write(self, *records: Record, derive: bool = True) -> None:
        """Store records in one commit."""
        received = [(record, time.time_ns()) for record in records]
        self.writer._commit([Batch(EMPTY, logs.LOGS.empty_table(), records=received)])
        if derive:
            self.derive()

    def write_any(self, *parts: Record | bytes) -> None:
        """Store records and requests of OTLP in one commit, and derive it."""
        now = time.time_ns()
        requests = [
            Request(signal=Signal.TRACES, payload=part) for part in parts if isinstance(part, bytes)
        ]
        spans = columns.decode(requests, default_project="default").tables if requests else EMPTY
        records = [(part, now) for part in parts if isinstance(part, Record)]
        self.writer._commit([Batch(spans, logs.LOGS.empty_table(), records=records)])
        self.derive()

    def write_logs(self, payload: bytes) -> None:
        """Store a request of log records in one commit, and derive it."""
        request = Request(signal=Signal.LOGS, payload=payload)
        rows, _ = logs.decode([request], event_names=["gen_ai.*"], default_project="default")
        self.writer._commit([Batch(EMPTY, rows)])
        self.derive()

    def derive(self) -> None:
        derive_all(self.derived, self.writer.committed_sequence)

    def rows(self, query: str, *parameters) -> list[tuple]:
        with self.database.cursor() as cursor:
            return cursor.execute(query, list(parameters)).fetchall()

    def shown(self) -> dict[str, list[tuple]]:
        """Return all that is derived but what says when things arrived."""
        spans = self.rows(
            "select record_id, project, trace_id, span_id, parent_span_id, name,"
            " start_time_unix_nano, end_time_unix_nano, duration_ms, status_code, status_message,"
            " map_entries(attributes) from spans order by trace_id, span_id"
        )
        own = tuple(f"otel_threads.record.{name}" for name in OWN_TIMES)
        return {
            "spans": [
                (*row[:-1], sorted((e["key"], e["value"]) for e in row[-1] if e["key"] not in own))
                for row in spans
            ],
            "content": self.rows(
                "select trace_id, span_id, event_index, key, value from span_content order by all"
            ),
            "threads": self.rows(
                "select project, thread_id, trace_count, turn_count, span_count, error_count,"
                " first_message, last_message, total_tokens, cost_usd, tags from threads order by all"
            ),
            "turns": self.rows(
                "select project, thread_id, trace_id, turn_index, turns.user, assistant,"
                " error_message, tool_calls, message_count from turns order by all"
            ),
        }

    def close(self) -> None:
        self.writer.close()
        self.database.close()
