"""What is written at a reader: the rows that a transaction changed, appended to the lake.

The same services write the same rows as on a node, to the tables that a reader holds. What they
changed is found by comparing, and goes to the lake in one transaction: the new rows under the name
`readers`, an end to those that they replace, and an edit for each, which nodes apply (applying.py).
"""

import datetime
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from otel_threads.characters import without_nul
from otel_threads.core.errors import NotConfigured, Overloaded
from otel_threads.core.ports import ThreadKey
from otel_threads.database.arrow import register, table_of, unregister
from otel_threads.lake import connection as connections
from otel_threads.lake import layout, rows_of_batch
from otel_threads.lake.connection import Place, told
from otel_threads.lake.lake_retention import end_threads
from otel_threads.lake.layout import OF_LAKE, READERS, SAID, Shipped
from otel_threads.lake.rows_of_batch import STORED
from otel_threads.lake.schema import LAKE

MEMORY_BYTES = 64 << 20  # of the DuckDB that writes
EDITS_MAX = 1_000_000  # that the lake keeps; past it nothing is written at readers
THREADS = "threads"  # edits of no table's rows: deletions
DENIED = "permission denied"  # how PostgreSQL says it
FOR_READING = (
    "this reader's role may only read the catalog: give it one that may write, or ask the node"
    " that has the thread"
)


@dataclass(frozen=True, slots=True)
class Change:
    """Rows of a table that came and went, with `lake_unit` and, as JSON, `content`."""

    table: Shipped
    added: pa.Table
    removed: pa.Table


def changes(
    before: duckdb.DuckDBPyConnection, now: duckdb.DuckDBPyConnection, tables: Sequence[Shipped]
) -> list[Change]:
    """Return what differs between what two cursors see of some tables."""
    found = []
    for table in tables:
        mark = f"select count(*), bit_xor(hash(t)) from {table.name} t"  # noqa: S608  # ours
        if before.execute(mark).fetchone() != now.execute(mark).fetchone():
            found.append(_changed(before, now, table))
    return found


def _changed(
    before: duckdb.DuckDBPyConnection, now: duckdb.DuckDBPyConnection, table: Shipped
) -> Change:
    rows = f"select rowid as place, hash(t) as digest from {table.name} t"  # noqa: S608  # ours
    shown = f"select t.*, {table.unit} as lake_unit, to_json(t)::varchar as content"
    register(now, "was", table_of(before.execute(rows)))
    added = table_of(
        now.execute(
            f"{shown} from {table.name} t anti join was w"
            " on w.place = t.rowid and w.digest = hash(t)"
        )
    )
    left = f"select place from was anti join ({rows}) using (place, digest)"  # noqa: S608  # ours
    gone = table_of(now.execute(left))
    unregister(now, "was")
    register(before, "gone", gone)
    removed = table_of(
        before.execute(f"{shown} from {table.name} t semi join gone g on g.place = t.rowid")
    )
    unregister(before, "gone")
    return Change(table, added, removed)


class EditLog:
    """Appends what was written to the lake. For one thread at a time."""

    def __init__(self, where: Place, application: str) -> None:
        """Connect when first asked to write, as `application`."""
        self._where = where
        self._application = application
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._last_batch = 0

    def append(self, found: Sequence[Change], seen: Mapping[str, int]) -> None:
        """Append changes, in one transaction; `seen`: up to which commit of each node they count.

        Raises:
            NotConfigured: the catalog lets this reader only read.
            Overloaded: nodes have not applied what was written before for long.
            StoreFailed: the lake does not answer, or did not take it.
        """
        # Later than all batches of nodes, which are small numbers: see `layout.join_dead`.
        number = max(time.time_ns() // 1000, self._last_batch + 1)
        self._in_transaction(
            lambda connection: self._append(connection, found, json.dumps(seen), number)
        )
        self._last_batch = number

    def _in_transaction(self, job: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        try:
            with told(self._where):
                connection = self._connected()
                connection.execute("begin")
                _check_room(connection)
                job(connection)
                connection.execute("commit")
        except BaseException as error:
            self.close()  # whether it was committed is asked of the lake, on a new connection
            if DENIED in str(error):
                raise NotConfigured(FOR_READING) from None
            raise

    def delete(self, keys: Sequence[ThreadKey]) -> None:
        """Delete threads, as `append` appends.

        Raises:
            NotConfigured, StoreFailed: as `append`.
        """
        self._in_transaction(lambda connection: delete_threads(connection, keys, by=READERS))

    def close(self) -> None:
        """Let go of the lake."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connections.close(connection)

    def _connected(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._connection = connections.connect(
                self._where,
                name=LAKE,
                application=self._application,
                memory_limit_bytes=MEMORY_BYTES,
                read_only=False,
            )
        return self._connection

    def _append(
        self,
        connection: duckdb.DuckDBPyConnection,
        found: Sequence[Change],
        seen: str,
        number: int,
    ) -> None:
        counts = [self._write(connection, change, number, seen) for change in found]
        rows_of_batch.insert_counts(
            connection, counts, node_id=READERS, number=number, node_name=READERS, sequence=0
        )

    def _write(
        self, connection: duckdb.DuckDBPyConnection, change: Change, number: int, seen: str
    ) -> tuple[str, int, int]:
        name, keys = change.table.name, change.table.keys
        same = " and ".join(f"k.{key} is not distinct from t.{key}" for key in keys)
        register(connection, "added", change.added)
        register(connection, "removed", change.removed)
        columns = ", ".join(keys)
        connection.execute(
            f"insert into {STORED}.{layout.DEAD} by name select lake_node, '{SAID}' as kind,"  # noqa: S608  # our own names
            f" lake_unit, lake_batch + 1 as lake_batch from {STORED}.{name} t"
            f" semi join (select {columns} from added union select {columns} from removed) k"
            f" on {same}"
        )
        if change.table.edited != OF_LAKE:
            connection.execute(
                f"insert into {STORED}.{layout.EDITS} by name"  # noqa: S608  # our own names
                " select uuid()::varchar as edit_id, $at as edited_at, $name as table_name, *,"
                " $seen as seen from ("
                "select false as is_gone, content, $number::bigint as lake_batch, lake_unit"
                " from added union all select true, content, null, null"
                f" from removed t where not exists (select 1 from added k where {same}))",
                {
                    "at": datetime.datetime.fromtimestamp(number / 1e6, datetime.UTC),
                    "name": name,
                    "number": number,
                    "seen": seen,
                },
            )
        unregister(connection, "added")
        unregister(connection, "removed")
        rows = change.added.drop_columns(["content"])
        return rows_of_batch.insert(connection, name, rows, READERS, number)


def delete_threads(
    connection: duckdb.DuckDBPyConnection, keys: Sequence[ThreadKey], *, by: str
) -> None:
    """End all rows of some threads and tell all nodes, in the caller's transaction of the lake."""
    if not keys:
        return
    kept_now = [(project, without_nul(thread_id)) for project, thread_id in keys]
    if kept_now != [*keys]:  # of an older program; joined threads have the ids of today
        connections.keep_keys_from_catalog(connection)
        keys = [*dict.fromkeys((*keys, *kept_now))]
    end_threads(connection, keys)
    content = [
        json.dumps({"project": project, "thread_id": thread_id, "by": by})
        for project, thread_id in keys
    ]
    register(connection, "told", pa.table({"content": pa.array(content, pa.string())}))
    connection.execute(
        f"insert into {STORED}.{layout.EDITS} by name select uuid()::varchar as edit_id,"  # noqa: S608  # ours
        " $at as edited_at, $name as table_name, true as is_gone, content from told",
        {"at": datetime.datetime.now(datetime.UTC), "name": THREADS},
    )
    unregister(connection, "told")


def _check_room(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute(f"select count(*) from {STORED}.{layout.EDITS}").fetchone()  # noqa: S608  # our own names
    if row and row[0] >= EDITS_MAX:
        raise Overloaded(f"{EDITS_MAX} changes of readers wait in the lake already")
