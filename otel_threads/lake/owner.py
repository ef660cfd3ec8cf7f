"""The one process that joins conversations, judges these and looks after the files, while it lives.

It holds a lock of the catalog, which goes with it: another gets it within half a minute.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import duckdb

from otel_threads.core.errors import OtelThreadsError, describe
from otel_threads.database import sql_files
from otel_threads.lake import connection as connections
from otel_threads.lake import maintenance, schema
from otel_threads.lake.connection import APPLICATION, CatalogLock, Place
from otel_threads.lake.joining import Derive, Joiner
from otel_threads.lake.lake_retention import Kept
from otel_threads.lake.shipper import MEMORY_BYTES

logger = logging.getLogger(__name__)
TRY_EVERY_S = 20.0  # to get the lock
ROUND_EVERY_S = 60.0  # of maintenance
HELD_S_MAX = 600.0  # then another may have it: a long transaction keeps the catalog from cleaning
OWNER = f"{APPLICATION}-owner"
JUDGES_SQL = sql_files.query("judges_joined")
STOP_S_MAX = 3.0


class Judging(Protocol):
    """Rules that run on joined threads."""

    def close(self, *, is_handed_over: bool) -> None:
        """Stop; where another goes on, once what runs has ended."""


# Of what says whether this process is the owner still.
Judge = Callable[[Callable[[], bool]], Judging]


class Owner:
    """A thread that tries to be the owner, and does what an owner does while it is."""

    def __init__(
        self,
        where: Place,
        derive: Derive,
        *,
        node_name: str,
        every_s: float,
        kept: Kept,
        judge: Judge | None = None,
    ) -> None:
        """Start the thread.

        `derive` derives all that a file has, `kept` is what the lake keeps, `judge` begins to run
        rules on joined threads.
        """
        self._where = where
        self._joiner = Joiner(where, derive)
        self._node_name = node_name
        self._every_s = every_s
        self._kept = kept
        self._judge = judge
        self._next_round = time.monotonic() + ROUND_EVERY_S
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lake-owner", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more. What runs is in the lake whole or not at all."""
        self._stopped.set()
        self._thread.join(STOP_S_MAX)

    def _run(self) -> None:
        pause_s = self._every_s
        while not self._stopped.wait(pause_s):
            pause_s = TRY_EVERY_S
            try:
                lock = CatalogLock(self._where, schema.OWNER_LOCK)
                with lock.held(wait=False) as has_lock:
                    if has_lock:
                        self._own(lock)
                        pause_s = self._every_s
            except OtelThreadsError as error:
                logger.warning("no maintenance of the lake: %s", error)
            except Exception as error:  # noqa: BLE001  # must survive anything
                logger.error("no maintenance of the lake: %s", describe(error))

    def _own(self, lock: CatalogLock) -> None:
        """Do what an owner does until somebody else waits for the lock, or for long."""
        ends = time.monotonic() + HELD_S_MAX
        with opened(self._where) as connection, self._judged(lock) as begin_judging:
            while time.monotonic() < ends and not self._stopped.is_set():
                self._joiner.join(connection)
                begin_judging(connection)
                if time.monotonic() >= self._next_round:
                    maintenance.do_round(
                        connection, self._where, node_name=self._node_name, kept=self._kept
                    )
                    self._next_round = time.monotonic() + ROUND_EVERY_S
                self._stopped.wait(self._every_s)
                if lock.is_wanted():
                    return

    @contextlib.contextmanager
    def _judged(self, lock: CatalogLock) -> Iterator[Callable[[duckdb.DuckDBPyConnection], None]]:
        """Yield what begins to judge joined threads, once there are any; stop at the end."""
        judging: Judging | None = None

        def begin(connection: duckdb.DuckDBPyConnection) -> None:
            nonlocal judging
            if judging is None and self._judge is not None and _judges(connection):
                judging = self._judge(lock.is_held)

        is_handed_over = False
        try:
            yield begin
            is_handed_over = not self._stopped.is_set()
        finally:
            if judging is not None:
                judging.close(is_handed_over=is_handed_over)


def _judges(connection: duckdb.DuckDBPyConnection) -> bool:
    row = connection.execute(JUDGES_SQL).fetchone()
    return bool(row and row[0])


@contextlib.contextmanager
def opened(where: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield the connection of an owner, once nothing of an earlier one can be committed any more.

    Raises:
        StoreFailed: the lake does not answer.
        DatabaseRefused: the extra is not there, or the lake is of a newer program.
    """
    connections.end_sessions(where, OWNER)
    connection = connections.connect(
        where,
        name=schema.LAKE,
        application=OWNER,
        memory_limit_bytes=MEMORY_BYTES,
        read_only=False,
    )
    with connections.let_go_of(connection):
        schema.prepare(connection, where)
        yield connection


def once(
    where: Place,
    derive: Derive | None,
    *,
    node_name: str,
    kept: Kept = Kept(),  # noqa: B008  # frozen
    kept_s: float = maintenance.SNAPSHOTS_KEPT_S,
    orphans_s: float = maintenance.ORPHANS_KEPT_S,
    rewrite_share: float = maintenance.REWRITE_SHARE,
    wait: bool = False,
) -> maintenance.Round:
    """Join, where it is told how to derive, and do one round, unless another process is the owner.

    `wait` for the owner to leave the lock, which it does once it sees that.

    Raises:
        DatabaseRefused, StoreFailed: as `opened`.
    """
    with CatalogLock(where, schema.OWNER_LOCK).held(wait=wait) as has_lock:
        if not has_lock:
            return maintenance.Round(is_ours=False)
        with opened(where) as connection:
            if derive is not None:
                Joiner(where, derive).join(connection)
            return maintenance.do_round(
                connection,
                where,
                node_name=node_name,
                kept=kept,
                kept_s=kept_s,
                orphans_s=orphans_s,
                rewrite_share=rewrite_share,
            )
