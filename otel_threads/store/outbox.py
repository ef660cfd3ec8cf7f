"""Notes what changes that is not an append, so that it can be shipped to a lake.

New rows are found by their commit's number. All else (a trace derived again, a span replaced by a
more complete one, a deletion) is noted by its id, in the transaction that changes it.
"""

import itertools
import uuid
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.ports import ThreadKey
from otel_threads.database.arrow import append
from otel_threads.database.database import Database

RAW, DERIVED, THREAD = "raw", "derived", "thread"  # what changed: of a trace, of a trace, a thread
DELETED = "deleted"  # a thread, by hand: of other nodes, too
RECORD = "record"  # records of an SDK, by their id, of which some were deleted
ENTRIES_MAX = 200_000  # past it entries of the same id become one
COLUMNS = pa.schema(
    [
        ("entry", pa.int64()),
        ("kind", pa.string()),
        ("project", pa.string()),
        ("id", pa.string()),
        ("sequence", pa.int64()),
    ]
)
NEWEST_SQL = (
    "delete from x_outbox where entry not in"
    " (select max(entry) from x_outbox group by kind, project, id)"
)
ALL_SQL = (
    "select distinct 'derived' as kind, null as project, trace_id as id from x_trace_slices"
    " union all select 'thread', project, thread_id from x_thread_facts"
)


class Outbox:
    """Writes to `x_outbox`, in the transactions of those who change something."""

    def __init__(self, database: Database) -> None:
        """Begin where the file's entries end."""
        with database.cursor() as cursor:
            row = cursor.execute("select coalesce(max(entry), 0) from x_outbox").fetchone()
        self._numbers = itertools.count((row[0] if row else 0) + 1)

    def note_traces(
        self, cursor: duckdb.DuckDBPyConnection, kind: str, trace_ids: Sequence[str], sequence: int
    ) -> None:
        """Note traces whose raw or derived rows changed with, or before, a commit."""
        self._note(cursor, kind, [(None, trace_id) for trace_id in trace_ids], sequence)

    def note_threads(
        self, cursor: duckdb.DuckDBPyConnection, keys: Sequence[ThreadKey], sequence: int
    ) -> None:
        """Note threads whose rows changed."""
        self._note(cursor, THREAD, keys, sequence)

    def note_deleted(
        self, cursor: duckdb.DuckDBPyConnection, keys: Sequence[ThreadKey], sequence: int
    ) -> None:
        """Note threads that were deleted by hand."""
        self._note(cursor, DELETED, keys, sequence)

    def note_all(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Note every trace and thread that there is."""
        found = cursor.execute(ALL_SQL).fetchall()
        for kind in (DERIVED, THREAD):
            keys = [(project, one) for kept, project, one in found if kept == kind]
            self._note(cursor, kind, keys, 0)

    def _note(
        self,
        cursor: duckdb.DuckDBPyConnection,
        kind: str,
        keys: Sequence[tuple[str | None, str]],
        sequence: int,
    ) -> None:
        if not keys:
            return
        rows: list[list[Any]] = [
            [next(self._numbers) for _ in keys],
            [kind] * len(keys),
            [project for project, _ in keys],
            [one for _, one in keys],
            [sequence] * len(keys),
        ]
        arrays = [
            pa.array(list(column), one.type) for column, one in zip(rows, COLUMNS, strict=True)
        ]
        append(cursor, "x_outbox", pa.Table.from_arrays(arrays, schema=COLUMNS))


def shorten(database: Database) -> None:
    """Keep one entry of each id where there are many: a lake that is away costs bounded room."""
    with database.cursor() as cursor:
        row = cursor.execute("select count(*) from x_outbox").fetchone()
    if row and row[0] > ENTRIES_MAX:
        with database.transaction() as cursor:
            cursor.execute(NEWEST_SQL)


def begin(database: Database) -> Outbox:
    """Note changes from here on. Where some went by unnoted, the file gets a new name in the lake,
    and ships all that it has under it."""
    database.outbox = outbox = Outbox(database)
    with database.cursor() as cursor:
        state = cursor.execute("select node_id, former_ids, is_complete from x_lake_state")
        found = state.fetchone()
    if not found or not found[2]:
        begin_anew(database, outbox)
    return outbox


def begin_anew(database: Database, outbox: Outbox) -> None:
    """Give the file a new name in the lake, under which nothing is shipped yet."""
    with database.transaction() as cursor:
        found = cursor.execute("select node_id, former_ids from x_lake_state").fetchone()
        former = [*found[1], found[0]] if found else []
        cursor.execute("delete from x_lake_state")
        cursor.execute("delete from x_outbox")
        named = {"node": uuid.uuid4().hex, "former": former}
        cursor.execute("insert into x_lake_state values ($node, $former, true, 0, 0)", named)
        outbox.note_all(cursor)


def stop(database: Database) -> None:
    """Remember that changes go by unnoted now: no lake is set."""
    with database.cursor() as cursor:
        found = cursor.execute("select 1 from x_lake_state where is_complete").fetchone()
    if found:
        with database.transaction() as cursor:
            cursor.execute("update x_lake_state set is_complete = false")
            cursor.execute("delete from x_outbox")
