"""Deletes what is old, a bounded slice at a time: whole traces, and threads with their last one.

Space: DuckDB gives blocks of deleted rows free at the next checkpoint and writes new rows there, so
the file stops growing; it gets smaller only where free blocks are its last. `compact` rewrites it.
"""

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.changes import OldRows
from otel_threads.core.errors import Unavailable
from otel_threads.core.ports import ThreadKey, Work
from otel_threads.database import sql_files
from otel_threads.database.arrow import register
from otel_threads.database.database import ChangeNotes, Database, dictionaries
from otel_threads.database.engine_errors import classified
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.deletion import (
    RAW,
    Deletion,
    delete_said,
    put_what_stays,
    register_going,
)
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.records import record_rows
from otel_threads.store.spans import texts
from otel_threads.store.spans.chains import Chains
from otel_threads.store.spans.content_deletion import deleting, keep_shared

OLD_TRACES_SQL = sql_files.query("old_traces")
OLD_TOTALS_SQL = sql_files.query("old_totals")
OLD_COUNT_SQL = sql_files.query("old_count")
LOOSE_LOGS_SQL = sql_files.query("delete_loose_logs")
LIVE_SHARE_SQL = sql_files.query("live_share")
CLOCK_JUMPED_SQL = sql_files.query("clock_jumped")
GONE_THREADS_SQL = sql_files.query("gone_threads")
Row = dict[str, Any]


class Retention:
    """Finds and deletes old traces of one database."""

    def __init__(
        self,
        database: Database,
        derived: DuckDBDerivedStore,
        annotations: Annotations,
        deletion: Deletion,
        chains: Chains,
        *,
        is_kept_in_lake: bool = False,
    ) -> None:
        """`is_kept_in_lake`: what goes here stays in the lake, which has a retention of its own."""
        self._is_noted = not is_kept_in_lake
        self._deletion = deletion
        self._chains = chains
        self._database = database
        self._derived = derived
        self._annotations = annotations

    @property
    def _notes(self) -> ChangeNotes | None:
        """Who hears of what goes: a lake that keeps what nodes keep."""
        return self._database.outbox if self._is_noted else None

    def own(self) -> dict[str, float]:
        """Return the projects that have a retention of their own, in days; 0 keeps everything."""
        with self._asking() as cursor:
            rows = cursor.execute(
                "select project, retention_days from x_project_settings"
                " where retention_days is not null"
            ).fetchall()
        return dict(rows)

    def clock_jumped(self) -> bool:
        """Return whether the clock jumped forward lately: what looks old may be of today."""
        with self._asking() as cursor:
            row = cursor.execute(CLOCK_JUMPED_SQL).fetchone()
        return bool(row and row[0])

    def totals(
        self, before: datetime.datetime, *, project: str | None, others: Sequence[str] = ()
    ) -> OldRows:
        """Return how much ended before a time."""
        named = {"before": before, "project": project, "others": list(others)}
        with self._asking() as cursor:
            cursor.execute(OLD_TOTALS_SQL, named)
            return OldRows(**dictionaries(cursor)[0])

    def count(self, before: datetime.datetime, *, project: str | None) -> int:
        """Return how many traces ended before a time."""
        named: dict[str, Any] = {"before": before, "project": project, "others": []}
        with self._asking() as cursor:
            row = cursor.execute(OLD_COUNT_SQL, named).fetchone()
        return int(row[0]) if row else 0

    @contextlib.contextmanager
    def _asking(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor; what lacks memory is Unavailable, and may be asked again."""
        with classified(), self._database.cursor() as cursor:
            yield cursor

    def delete_slice(
        self,
        before: datetime.datetime,
        *,
        project: str | None,
        others: Sequence[str] = (),
        traces_max: int,
    ) -> tuple[OldRows, list[ThreadKey]]:
        """Delete the oldest traces that ended before a time, at most so many.

        Fewer where memory lacks: it takes more the more threads they belong to. Returns what
        was deleted, all 0 when nothing is left, and the threads that changed. Runs between
        two passes of the deriver.

        Raises:
            Unavailable: there is not even memory for one.
        """
        chosen = {"before": before, "project": project, "others": list(others)}
        while True:
            with self._asking() as cursor:
                cursor.execute(OLD_TRACES_SQL, {**chosen, "most": traces_max})
                old = dictionaries(cursor)
            try:
                with classified():
                    return self._delete(old)
            except Unavailable:
                if len(old) <= 1:
                    raise
                traces_max = len(old) // 2
                self.checkpoint()  # what waits in the WAL holds memory, too

    def _delete(self, old: list[Row]) -> tuple[OldRows, list[ThreadKey]]:
        if not old:
            return OldRows(trace_count=0, span_count=0, thread_count=0), []
        whole = [row for row in old if not row["is_copy"]]
        changed: list[ThreadKey] = []
        gone: list[ThreadKey] = []
        if whole:
            with self._annotations.lock, deleting(self._database, self._chains) as cursor:
                _delete_raw(cursor, whole, self._notes, self._derived.position())
                work = Work(self._derived.position(), sorted(row["trace_id"] for row in whole))
                changed = put_what_stays(
                    self._database, cursor, work, [], **_bounds(whole), is_noted=self._is_noted
                )
                gone = _gone(cursor, changed)
                delete_said(cursor, gone, work.trace_ids)
        for copied in {row["project"] for row in old if row["is_copy"]}:
            # The same spans stay in other projects.
            ids = [row["trace_id"] for row in old if row["is_copy"] and row["project"] == copied]
            changed += self._deletion.traces(ids, project=copied)[1]
        deleted = OldRows(
            trace_count=len(old),
            span_count=sum(row["span_count"] for row in old),
            thread_count=len(gone),
        )
        return deleted, changed

    def delete_loose_logs(
        self, before: datetime.datetime, *, project: str | None, others: Sequence[str] = ()
    ) -> None:
        """Delete log records that came before a time and belong to no trace, and what says that
        records of SDKs were deleted then."""
        with classified(), deleting(self._database, self._chains) as cursor:
            before_unix_nano = int(before.timestamp()) * 1_000_000_000
            record_rows.delete_old_deletions(
                cursor, before_unix_nano, self._notes, self._derived.position()
            )
            cursor.execute(
                LOOSE_LOGS_SQL, {"before": before, "project": project, "others": list(others)}
            )
            gone = "(project, fingerprint) not in (select (project, fingerprint) from log_records)"
            cursor.execute(f"delete from x_log_chunks where {gone}")  # noqa: S608  # our own names
            keep_shared(cursor, "false", released=texts.delete_of_logs(cursor, gone))

    def used_bytes(self) -> int:
        """Return what the rows take, deleted ones and free blocks not counted."""
        with self._asking() as cursor:
            row = cursor.execute(
                "select used_blocks * block_size from pragma_database_size()"
                " where database_name = current_database()"
            ).fetchone()
            share = cursor.execute(LIVE_SHARE_SQL).fetchone()
        blocks_bytes = int(row[0]) if row else 0
        return int(blocks_bytes * float(share[0] if share else 1)) + self._database.wal_bytes()

    def middle_time(self, share: float) -> datetime.datetime | None:
        """Return a time before which about that share of all traces ended; None without any."""
        with self._asking() as cursor:
            row = cursor.execute(
                "select to_timestamp(approx_quantile(epoch(end_time), $share)) from traces",
                {"share": share},
            ).fetchone()
        return row[0] if row else None

    def checkpoint(self) -> None:
        """Give the blocks of deleted rows free."""
        self._database.checkpoint(whatever_size=True)


def _bounds(going: list[Row]) -> dict[str, int]:
    """Return when traces began and ended."""
    return {
        "first": min(row["start_time_unix_nano"] for row in going),
        "last": max(row["end_time_unix_nano"] for row in going),
    }


def _delete_raw(
    cursor: duckdb.DuckDBPyConnection, going: list[Row], notes: ChangeNotes | None, sequence: int
) -> None:
    """Delete stored rows of traces; bounds on the commit let DuckDB skip what is newer."""
    register_going(cursor, [row["trace_id"] for row in going])
    released = record_rows.delete_of_traces(cursor, notes, sequence)
    of_going = "t.trace_id in (select trace_id from going)"
    bounds = {
        "first": min(row["first_sequence"] for row in going),
        "last": max(row["last_sequence"] for row in going),
    }
    keep_shared(
        cursor,
        f"{of_going} and t.ingest_seq between $first and $last",
        bounds,
        released=released | texts.delete_of_logs(cursor, of_going),
    )
    for table in RAW:
        # A log record may have come in any commit, and where a span was moved has none.
        bound = (
            ""
            if table in ("log_records", "x_log_chunks", "x_joined_spans")
            else " and t.ingest_seq between $first and $last"
        )
        cursor.execute(
            f"delete from {table} t using going g where t.trace_id = g.trace_id{bound}",  # noqa: S608  # our own names
            bounds if bound else {},
        )


def _gone(cursor: duckdb.DuckDBPyConnection, changed: list[ThreadKey]) -> list[ThreadKey]:
    register(
        cursor,
        "changed",
        pa.table(
            {
                "project": pa.array([key[0] for key in changed], pa.string()),
                "thread_id": pa.array([key[1] for key in changed], pa.string()),
            }
        ),
    )
    return [
        (project, thread_id) for project, thread_id in cursor.execute(GONE_THREADS_SQL).fetchall()
    ]
