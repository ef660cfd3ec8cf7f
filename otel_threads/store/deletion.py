"""Deletes threads and traces with all that hangs on them: spans, what was derived, what was said.

Runs in the deriver's thread, between two passes: a pass that had read the spans before would bring
them back. Killed in the middle, whole traces are gone, and what was said of their threads is there
until the caller asks again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from otel_threads.core.errors import Unavailable
from otel_threads.core.model import Span, TraceRows
from otel_threads.core.ports import ThreadKey, Work
from otel_threads.database import sql_files
from otel_threads.database.arrow import register
from otel_threads.database.database import ChangeNotes, Database
from otel_threads.database.engine_errors import classified
from otel_threads.derive.thread_id import Identity
from otel_threads.derive.trace import derive_traces
from otel_threads.derive.tree import Tree
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.derived.derived_store import DuckDBDerivedStore, note_derived, replace
from otel_threads.store.outbox import RAW as RAW_ROWS
from otel_threads.store.records import record_rows
from otel_threads.store.spans import texts
from otel_threads.store.spans.chains import Chains
from otel_threads.store.spans.content_deletion import deleting, keep_shared

THREAD_TRACES_SQL = sql_files.query("thread_traces")
TRACES_TO_DELETE_SQL = sql_files.query("traces_to_delete")
PROJECT_TRACE_IDS_SQL = sql_files.query("project_trace_ids")
SHARED_SQL = sql_files.query("shared_traces")
READ_AT_ONCE = 100  # traces
TRACES_AT_ONCE = 2000  # deleted in a transaction, less where memory lacks
RAW = (
    "spans",
    "span_events",
    "span_links",
    "x_content_chunks",
    "log_records",
    "x_log_chunks",
    "x_joined_spans",
)
_S = pa.string()
SAID_OF_THREADS = (
    "x_score_records",
    "comments",
    "x_tag_changes",
    "x_lifecycle",
    "rule_decisions",
    "x_rule_log",
    "x_feedback",
    "reviews",
)
SAID_OF_TRACES = ("x_score_records", "comments", "x_tag_changes", "x_feedback", "x_attachments")


class Deletion:
    """Deletes from one database."""

    def __init__(
        self,
        database: Database,
        derived: DuckDBDerivedStore,
        annotations: Annotations,
        identity: Identity,
        chains: Chains,
    ) -> None:
        self._database = database
        self._chains = chains
        self._derived = derived
        self._annotations = annotations
        self._identity = identity

    def threads(
        self, project: str, thread_ids: Sequence[str], *, is_told: bool = True
    ) -> tuple[list[str], list[ThreadKey]]:
        """Delete threads; return the ids that were here, and every thread that changed.

        Of a trace that several threads share, the other threads' spans stay. `is_told`: a lake's
        other nodes hear of it.
        """
        ids = list(dict.fromkeys(thread_ids))
        with classified(), self._database.cursor() as cursor:
            register(cursor, "items", pa.table({"id": pa.array(ids, pa.string())}))
            found = cursor.execute(THREAD_TRACES_SQL, {"project": project}).fetchall()
        gone = sorted({thread_id for thread_id, *_ in found})
        # Thread by thread: of one that is gone whole nothing has to be made again.
        traces = {(p, trace_id): first for _, p, trace_id, first in sorted(found)}
        keep = self._kept(traces, project, set(ids))
        keys = [(project, thread_id) for thread_id in ids]
        changed = self._delete(traces, keep, keys, is_told=is_told)
        return gone, changed

    def traces(
        self, trace_ids: Sequence[str], *, project: str | None
    ) -> tuple[list[str], list[ThreadKey]]:
        """Delete traces, of one project or of all; return the ids that were here, and threads."""
        ids = list(dict.fromkeys(trace_ids))
        with classified(), self._database.cursor() as cursor:
            register(cursor, "items", pa.table({"id": pa.array(ids, pa.string())}))
            found = cursor.execute(TRACES_TO_DELETE_SQL, {"project": project}).fetchall()
        traces = {(p, trace_id): first for p, trace_id, first in found}
        changed = self._delete(traces, self._kept(traces, None, set()), [])
        return sorted({trace_id for _, trace_id in traces}), changed

    def trace_ids(self, project: str, limit: int) -> list[str]:
        """Return ids of traces that a project has, so many at most."""
        with classified(), self._database.cursor() as cursor:
            named = {"project": project, "limit": limit}
            return [row[0] for row in cursor.execute(PROJECT_TRACE_IDS_SQL, named).fetchall()]

    def _kept(
        self, traces: Mapping[tuple[str, str], int], project: str | None, thread_ids: set[str]
    ) -> dict[str, list[Span]]:
        """Return the spans of the traces that stay: other threads' ones, other projects' copies."""
        shared = self._shared(traces, thread_ids if project is not None else None)
        kept: dict[str, list[Span]] = {}
        for spans in self._read(shared):
            trace_id = spans[0].trace_id
            staying: list[Span] = []
            for one in _copies(spans):
                rows = derive_traces(one, self._identity)
                if (rows[0].trace["project"], trace_id) not in traces:
                    staying += one
                elif project is not None:
                    threads = self._identity.threads(Tree(one))
                    if {f.thread_id for f in threads.values()} - thread_ids:
                        staying += [
                            span
                            for span in one
                            if (found := threads.get(span.span_id)) is None
                            or found.thread_id not in thread_ids
                        ]
            if staying:
                kept[trace_id] = staying
        return kept

    def _shared(
        self, traces: Mapping[tuple[str, str], int], thread_ids: set[str] | None
    ) -> list[str]:
        """Return the ids of those that may hold something that stays; nearly always none does.

        The others are not read: a thread may have more of them than memory.
        """
        if not traces:
            return []
        columns = list(zip(*traces, strict=True))
        doomed = {
            name: pa.array(columns[i], pa.string())
            for i, name in enumerate(("project", "trace_id"))
        }
        items = {"id": pa.array(sorted(thread_ids or ()), pa.string())}
        named = {"by_thread": thread_ids is not None, "after": self._derived.position()}
        with classified(), self._database.cursor() as cursor:
            register(cursor, "doomed", pa.table(doomed))
            register(cursor, "items", pa.table(items))
            return sorted(trace_id for (trace_id,) in cursor.execute(SHARED_SQL, named).fetchall())

    def _read(self, trace_ids: Sequence[str]) -> Iterator[list[Span]]:
        """Yield the spans of each, some traces at a time."""
        for at in range(0, len(trace_ids), READ_AT_ONCE):
            work = Work(0, list(trace_ids[at : at + READ_AT_ONCE]))
            yield from self._derived.spans(work, after=self._derived.position())

    def _delete(
        self,
        traces: Mapping[tuple[str, str], int],
        kept: Mapping[str, list[Span]],
        threads: Sequence[ThreadKey],
        *,
        is_told: bool = False,
    ) -> list[ThreadKey]:
        """Delete traces in their order, some in each transaction; what was said of threads last.

        What is deleted in one transaction takes memory until its end that cannot be swapped out.
        """
        starts: dict[str, int] = {}
        for (_, trace_id), start in traces.items():
            starts[trace_id] = min(starts.get(trace_id, start), start)
        changed: dict[ThreadKey, None] = {}
        left, size = list(starts), TRACES_AT_ONCE
        while True:
            some = {trace_id: starts[trace_id] for trace_id in left[:size]}
            try:
                with classified():
                    is_last = len(left) <= size
                    done = self._delete_some(
                        some, kept, threads if is_last else (), is_told=is_told
                    )
            except Unavailable:
                if len(some) <= 1:
                    raise
                size = len(some) // 2
                self._database.checkpoint(whatever_size=True)  # what waits there holds memory, too
                continue
            changed |= dict.fromkeys(done)
            left = left[size:]
            if not left:
                return list(changed)

    def _delete_some(
        self,
        starts: Mapping[str, int],
        kept: Mapping[str, list[Span]],
        threads: Sequence[ThreadKey],
        *,
        is_told: bool,
    ) -> list[ThreadKey]:
        trace_ids = sorted(starts)
        rows: list[TraceRows] = []
        staying = {trace_id: kept[trace_id] for trace_id in trace_ids if trace_id in kept}
        for spans in staying.values():
            rows += derive_traces(spans, self._identity)
        changed: list[ThreadKey] = []
        with self._annotations.lock, deleting(self._database, self._chains) as cursor:
            if trace_ids:
                sequence = self._derived.position()
                _delete_raw(cursor, trace_ids, staying, self._database.outbox, sequence)
                work = Work(self._derived.position(), trace_ids)
                changed = put_what_stays(
                    self._database, cursor, work, rows, first=min(starts.values())
                )
            delete_said(cursor, threads, [one for one in trace_ids if one not in staying])
            if is_told and self._database.outbox is not None:
                self._database.outbox.note_deleted(cursor, threads, self._derived.position())
        return changed


def put_what_stays(
    database: Database,
    cursor: duckdb.DuckDBPyConnection,
    work: Work,
    rows: Sequence[TraceRows],
    *,
    first: int,
    last: int | None = None,
    is_noted: bool = True,
) -> list[ThreadKey]:
    """Replace what was derived of traces of which raw rows went; return the changed threads.

    `is_noted`: for a lake, which then has them no more.
    """
    changed = replace(cursor, work, rows, first=first, last=last)
    if not is_noted:
        return changed
    note_derived(database, cursor, work, changed)
    if database.outbox is not None:
        database.outbox.note_traces(cursor, RAW_ROWS, work.trace_ids, work.upto)
    return changed


def _copies(spans: Sequence[Span]) -> Iterable[list[Span]]:
    """Return a trace's spans apart by project when it was sent to several, else together."""
    seen: dict[str, str] = {}
    copied = any(seen.setdefault(s.span_id, s.project) != s.project for s in spans)
    if not copied:
        return [list(spans)]
    projects = sorted({span.project for span in spans})
    return [[span for span in spans if span.project == project] for project in projects]


def _delete_raw(
    cursor: duckdb.DuckDBPyConnection,
    trace_ids: Sequence[str],
    kept: Mapping[str, list[Span]],
    notes: ChangeNotes | None,
    sequence: int,
) -> None:
    staying = [(s.project, s.trace_id, s.span_id) for spans in kept.values() for s in spans]
    register_going(cursor, trace_ids, staying)
    released = record_rows.delete_of_traces(cursor, notes, sequence)
    going = (
        "t.trace_id in (select trace_id from going) and not exists (select 1 from staying s"
        " where s.project = t.project and s.trace_id = t.trace_id and s.span_id = t.span_id)"
    )
    released |= texts.delete_of_logs(cursor, going)
    keep_shared(cursor, going, released=released)
    for table in RAW:
        cursor.execute(f"delete from {table} t where {going}")  # noqa: S608  # our own names


def register_going(
    cursor: duckdb.DuckDBPyConnection,
    trace_ids: Sequence[str],
    staying: Sequence[tuple[str, str, str]] = (),
) -> None:
    """Let SQL see which traces are deleted, and which spans of theirs stay.

    A span is told by project, trace id and span id.
    """
    names = ("project", "trace_id", "span_id")
    columns = {name: pa.array([keys[i] for keys in staying], _S) for i, name in enumerate(names)}
    register(cursor, "staying", pa.table(columns))
    register(cursor, "going", pa.table({"trace_id": pa.array(trace_ids, _S)}))


def delete_said(
    cursor: duckdb.DuckDBPyConnection, threads: Sequence[ThreadKey], trace_ids: Sequence[str]
) -> None:
    """Delete what people said of threads and traces, in the caller's transaction."""
    register(
        cursor,
        "gone_threads",
        pa.table(
            {
                "project": pa.array([project for project, _ in threads], pa.string()),
                "thread_id": pa.array([thread_id for _, thread_id in threads], pa.string()),
            }
        ),
    )
    register(cursor, "gone_traces", pa.table({"trace_id": pa.array(trace_ids, pa.string())}))
    cursor.execute("delete from x_issues")  # counted anew when SQL asks for them
    for table in SAID_OF_THREADS:
        cursor.execute(
            f"delete from {table} using gone_threads g"  # noqa: S608  # our own names
            f" where {table}.thread_id = g.thread_id and {table}.project = g.project"
        )
    # What the runs cost counts on.
    cursor.execute(
        "update rule_runs set thread_id = null from gone_threads g"
        " where rule_runs.thread_id = g.thread_id and rule_runs.project = g.project"
    )
    cursor.execute(
        "delete from x_attachment_chunks where id in (select id from x_attachments"
        " where trace_id in (select trace_id from gone_traces))"
    )
    for table in SAID_OF_TRACES:
        cursor.execute(
            f"delete from {table} where trace_id in (select trace_id from gone_traces)"  # noqa: S608
        )
