"""Ships what a node has committed to the lake, each batch in one transaction of the lake.

Exactly once: the batch's number and how far it goes stand in the same transaction as its rows, and
no earlier session of this node can commit any more when the position is read.
"""

import datetime
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from otel_threads.core.errors import DatabaseRefused, OtelThreadsError, StoreFailed, describe
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister
from otel_threads.database.database import Database
from otel_threads.lake import (
    applying,
    edits,
    layout,
    node_rows,
    pruned,
    rows_of_batch,
    schema,
    shared_rules,
)
from otel_threads.lake import connection as connections
from otel_threads.lake.applying import Applier
from otel_threads.lake.connection import APPLICATION, CatalogLock, Place, told
from otel_threads.lake.layout import Shipped
from otel_threads.lake.node_rows import Batch
from otel_threads.metrics import LAKE_BATCHES, LAKE_EDITS, LAKE_ROWS
from otel_threads.store import outbox

logger = logging.getLogger(__name__)
LAKE = schema.LAKE
MEMORY_BYTES = 256 << 20  # of the DuckDB that writes to the lake, beside the node's own
STOP_S_MAX = 3.0  # of a server's stop, for the batch that runs
PAUSE_S_MAX = 60.0  # between two tries while the lake does not answer
STORED = f"{LAKE}.{layout.STORED}"
POSITION_SQL = sql_files.query("position_of_node")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """How far a node's shipping is. `behind_s`: since when something waits; 0 for nothing.

    `sequence`: all commits up to it are in the lake. `entries`: changes that wait.
    """

    node_id: str = ""
    sequence: int = 0
    batch: int = 0
    entries: int = 0
    behind_s: float = 0.0
    shipped_at: datetime.datetime | None = None
    error: str | None = None


class Shipper:
    """Ships for one file. `ship` is for one thread at a time; `state` for any."""

    def __init__(
        self,
        database: Database,
        where: Place,
        *,
        node_name: str | None = None,
        applier: Applier | None = None,
        keeps_pruned: bool = False,
    ) -> None:
        """Connect when first asked to ship, not here: a node starts without its lake.

        `applier` applies what was written at readers, before it is shipped as the node's own.
        `keeps_pruned`: what was said of threads that the node has no more, and the lake has, stays.
        """
        self._database = database
        self._where = where
        self._node_name = node_name or socket.gethostname()
        self._applier = applier
        self._keeps_pruned = keeps_pruned
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._said: dict[str, tuple[int, int]] = {}  # marks of tables as they are in the lake
        self._rules_told: object = None  # what rules and edits were as the lake was told of rules
        self._busy = threading.Lock()
        self._waiting_since: float | None = None
        self.state = Shipping()

    def ship(self, *, stop: Callable[[], bool] = lambda: False) -> Shipping:
        """Ship until nothing is left, or until told to stop; return how far it is then.

        Raises:
            DatabaseRefused: the extra is not there, the lake is of a newer program, or has more of
                this node than its file, which was restored from a copy.
            StoreFailed: the lake does not answer. Nothing is lost: the next call goes on.
        """
        with self._busy:
            self._note_waiting()
            try:
                connection = self._connected()
                self._apply(connection)
                while not stop():
                    if self._ship_one(connection):
                        break
                self._note_waiting()
            except OtelThreadsError as error:
                self._disconnect()
                self.state = replace(self.state, error=str(error))
                raise
            except BaseException as error:
                self._disconnect()
                self.state = replace(self.state, error=describe(error))
                raise
            return self.state

    def _apply(self, connection: duckdb.DuckDBPyConnection) -> None:
        if self._applier is not None:
            derived, _ = node_rows.progress(self._database)
            with told(self._where):
                applied = self._applier.apply(connection, self.state.node_id, derived)
            LAKE_EDITS.inc(applied)

    def close(self) -> None:
        """Let go of the lake, once the call that runs has ended."""
        with self._busy:
            self._disconnect()

    def look(self) -> Shipping:
        """Return how far it is, with what has come since."""
        derived, entries = node_rows.progress(self._database)
        waits = entries > 0 or derived > self.state.sequence
        since = self._waiting_since
        behind_s = time.monotonic() - since if waits and since is not None else 0.0
        return replace(self.state, entries=entries, behind_s=round(behind_s, 3))

    def _note_waiting(self) -> None:
        outbox.shorten(self._database)
        derived, entries = node_rows.progress(self._database)
        if entries == 0 and derived <= self.state.sequence:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = time.monotonic()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._said, self._rules_told = {}, None
        if connection is not None:
            connections.close(connection)

    def _connected(self) -> duckdb.DuckDBPyConnection:
        if self._connection is not None:
            return self._connection
        node_id, former, *intended = self._node()
        application = f"{APPLICATION}-{node_id[:16]}"
        connections.end_sessions(self._where, application)
        connection = connections.connect(
            self._where,
            name=LAKE,
            application=application,
            memory_limit_bytes=MEMORY_BYTES,
            read_only=False,
        )
        try:
            schema.prepare(connection, self._where)
            with told(self._where):
                if former:  # two that delete and merge at once may both seem to succeed
                    with CatalogLock(self._where, schema.OWNER_LOCK).held(wait=True):
                        for one in former:
                            forget(connection, one)
                self._forget_former(node_id)
                self._find_position(connection, node_id)
                self._check_position(*intended)
        except BaseException:
            connections.close(connection)
            raise
        self._connection = connection
        return connection

    def _check_position(self, batch: int, sequence: int) -> None:
        """Refuse to ship where the file and the lake do not know the same of each other."""
        found = (self.state.batch, self.state.sequence)
        if found == (batch, sequence) or found[0] == batch - 1:
            return
        newer = "file" if found[0] < batch else "lake"
        raise DatabaseRefused(
            f"the lake has batch {found[0]} up to commit {found[1]} of this file, the file knows of"
            f" batch {batch} up to commit {sequence}: the {newer} is ahead, because the other was"
            " restored from a copy. `otel-threads lake rebuild` ships all of this file anew."
        )

    def _node(self) -> tuple[str, list[str], int, int]:
        with self._database.cursor() as cursor:
            found = cursor.execute(
                "select node_id, former_ids, batch, sequence from x_lake_state"
            ).fetchone()
        if found is None:
            raise StoreFailed("this file has no name in the lake yet")
        return found

    def _forget_former(self, node_id: str) -> None:
        with self._database.transaction() as cursor:
            cursor.execute("update x_lake_state set former_ids = [] where node_id = ?", [node_id])

    def _find_position(self, connection: duckdb.DuckDBPyConnection, node_id: str) -> None:
        row = connection.execute(POSITION_SQL, {"node": node_id}).fetchone()
        batch, sequence, shipped_at = row or (0, 0, None)
        self.state = Shipping(
            node_id=node_id, batch=batch, sequence=sequence, shipped_at=shipped_at
        )
        self._load_units(connection, node_id)

    def _load_units(self, connection: duckdb.DuckDBPyConnection, node_id: str) -> None:
        """Keep which rows of what was said the lake has of this node, to compare with."""
        connection.execute("create or replace temp table units (table_name varchar, unit varchar)")
        for table in rows_of_batch.filled(connection):
            if table.kind != layout.SAID:
                continue
            connection.execute(
                f"insert into units select '{table.name}', lake_unit from {STORED}.{table.name} t"  # noqa: S608  # our own names
                f" anti {layout.join_dead(table, f'{STORED}.')} where lake_node = ?",
                [node_id],
            )

    def _ship_one(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Ship one batch; return whether nothing is left."""
        batch = node_rows.read(self._database, self.state.sequence)
        said, marks = self._said_rows(connection, batch) if batch.is_last else (_Said({}, []), {})
        if batch.is_empty and said.is_empty:
            self._said |= marks
            self._rules_told = said.rules
            self.state = replace(self.state, error=None)
            return True
        number = self.state.batch + 1
        if said.told is not None:
            shared_rules.note(self._database, said.told)
        self._intend(number, batch.upto)
        with told(self._where):
            self._write(connection, batch, said, number)
        LAKE_BATCHES.inc()
        for name, table in (batch.rows | said.rows).items():
            LAKE_ROWS.labels(table=name).inc(table.num_rows)
        self._said |= marks
        self._rules_told = said.rules
        self.state = replace(
            self.state,
            batch=number,
            sequence=batch.upto,
            shipped_at=datetime.datetime.now(datetime.UTC),
            error=None,
        )
        self._settle(batch.entries)
        if self._applier is not None and said.settled:
            self._applier.settle(said.settled)
        return batch.is_last and said.is_last

    def _write(
        self,
        connection: duckdb.DuckDBPyConnection,
        batch: Batch,
        said: "_Said",
        number: int,
    ) -> None:
        connection.execute("begin")
        try:
            self._tell(connection, batch, said, number)
            counts = [
                rows_of_batch.insert(connection, name, rows, self.state.node_id, number)
                for name, rows in (batch.rows | said.rows).items()
            ]
            rows_of_batch.insert_counts(
                connection,
                counts,
                node_id=self.state.node_id,
                number=number,
                node_name=self._node_name,
                sequence=batch.upto,
            )
            self._update_units(connection, said)
            connection.execute("commit")
        except BaseException:
            # Whether it was committed is asked of the lake, on a new connection.
            self._disconnect()
            raise

    def _tell(
        self, connection: duckdb.DuckDBPyConnection, batch: Batch, said: "_Said", number: int
    ) -> None:
        """Append what is about rows of before: which end, and what others shall hear of."""
        edits.delete_threads(connection, batch.deleted, by=self.state.node_id)
        dead = batch.dead if number > 1 else []
        rows_of_batch.insert_dead(connection, self.state.node_id, number, [*dead, *said.dead])
        applying.end(connection, said.settled)
        if said.told is not None:
            shared_rules.tell(connection, said.told)

    def _intend(self, number: int, upto: int) -> None:
        """Note in the file which batch comes now: it tells a copy that knows less."""
        with self._database.transaction() as cursor:
            cursor.execute("update x_lake_state set batch = ?, sequence = ?", [number, upto])

    def _settle(self, entries: list[int]) -> None:
        if not entries:
            return
        with self._database.transaction() as cursor:
            register(cursor, "lake_settled", pa.table({"entry": pa.array(entries, pa.int64())}))
            cursor.execute("delete from x_outbox where entry in (select entry from lake_settled)")
            unregister(cursor, "lake_settled")

    def _said_rows(
        self, connection: duckdb.DuckDBPyConnection, batch: Batch
    ) -> tuple["_Said", dict[str, tuple[int, int]]]:
        """Return what was said since, what was taken back, and the marks of the tables now."""
        rows: dict[str, pa.Table] = {}
        dead: list[tuple[str, str]] = []
        is_last = True
        marks: dict[str, tuple[int, int]] = {}
        with self._database.cursor() as cursor:
            cursor.begin()
            for table in layout.SAID_TABLES:
                mark = node_rows.said_mark(cursor, table)
                if self._said.get(table.name) == mark:
                    continue
                units = node_rows.said_units(cursor, table)
                known = _units(connection, table)
                new = sorted(set(units) - known)
                if new:
                    rows[table.name] = node_rows.said(cursor, table, new[: table.rows_max])
                if len(new) <= table.rows_max:
                    marks[table.name] = mark
                else:
                    is_last = False
                gone = known.difference(units)
                if gone and self._keeps_pruned:
                    gone -= pruned.said(connection, cursor, table, gone, batch.dead)
                dead += [(layout.SAID, unit) for unit in sorted(gone)]
            cursor.rollback()
        return _Said(rows, dead, is_last, *self._unheard(connection, is_last=is_last)), marks

    def _unheard(
        self, connection: duckdb.DuckDBPyConnection, *, is_last: bool
    ) -> tuple[Sequence[tuple[str, int]], pa.Table | None, object]:
        """Return readers' rows that are the node's now, and what the lake has not heard of rules.

        With what rules and edits are now.
        """
        settled = self._applier.unsettled() if self._applier is not None and is_last else []
        with self._database.cursor() as cursor:
            edits_now = self._applier.edits if self._applier is not None else None
            now = (node_rows.said_mark(cursor, shared_rules.RULES), edits_now)
            if now == self._rules_told:
                return settled, None, now
            unheard = shared_rules.unheard(connection, cursor)
        return settled, unheard if unheard.num_rows else None, now

    def _update_units(self, connection: duckdb.DuckDBPyConnection, said: "_Said") -> None:
        if said.dead:
            gone = pa.table({"unit": pa.array([unit for _, unit in said.dead], pa.string())})
            register(connection, "gone", gone)
            connection.execute("delete from units where unit in (select unit from gone)")
            unregister(connection, "gone")
        for name, rows in said.rows.items():
            register(connection, "come", rows.select(["lake_unit"]))
            connection.execute("insert into units select ?, lake_unit from come", [name])
            unregister(connection, "come")


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said, units that were taken back, and readers' rows that are the node's now.

    `told`: what other nodes shall hear of rules; `rules`: for which state of them.
    """

    rows: dict[str, pa.Table]
    dead: list[tuple[str, str]]
    is_last: bool = True
    settled: Sequence[tuple[str, int]] = ()
    told: pa.Table | None = None
    rules: object = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ship."""
        return not (self.rows or self.dead or self.settled or self.told)


def _units(connection: duckdb.DuckDBPyConnection, table: Shipped) -> set[str]:
    """Return the units of a table that the lake has of this node."""
    found = connection.execute("select unit from units where table_name = ?", [table.name])
    return {unit for (unit,) in found.fetchall()}


def forget(connection: duckdb.DuckDBPyConnection, node_id: str) -> None:
    """Delete all that the lake has of a node, in one transaction."""
    connection.execute("begin")
    try:
        names = (*(table.name for table in layout.TABLES), layout.DEAD, layout.BATCHES)
        for name in names:
            connection.execute(f"delete from {STORED}.{name} where lake_node = ?", [node_id])  # noqa: S608  # our own names
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


class ShippingLoop:
    """A thread that ships every so often, and less often while the lake does not answer."""

    def __init__(self, shipper: Shipper, *, every_s: float) -> None:
        """Start the thread."""
        self._shipper = shipper
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lake-shipper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ship no more. A batch that takes long is left: it is in the lake whole or not at all."""
        self._stopped.set()
        self._thread.join(STOP_S_MAX)
        if not self._thread.is_alive():
            self._shipper.close()

    def _run(self) -> None:
        pause_s = self._every_s
        while not self._stopped.wait(pause_s):
            try:
                self._shipper.ship(stop=self._stopped.is_set)
                pause_s = self._every_s
            except OtelThreadsError as error:
                pause_s = min(PAUSE_S_MAX, 2 * pause_s)
                logger.warning("nothing was shipped, next try in %g s: %s", pause_s, error)
            except Exception as error:  # noqa: BLE001  # must survive anything
                pause_s = min(PAUSE_S_MAX, 2 * pause_s)
                logger.error("nothing was shipped: %s", describe(error))
