"""What one process at a time does for the lake: dead rows go, small files become large ones.

owner.py says who.
"""

import contextlib
import datetime
from dataclasses import dataclass

import duckdb

from otel_threads.database import sql_files
from otel_threads.lake import layout, schema
from otel_threads.lake.connection import Place, catalog_time, told
from otel_threads.lake.lake_retention import Kept, end_old
from otel_threads.lake.layout import Shipped
from otel_threads.lake.rows_of_batch import STORED, checksum, filled

LAKE = schema.LAKE
SNAPSHOTS_KEPT_S = 3600.0  # longer than any reader's query: its files stay so long
ORPHANS_KEPT_S = 86_400.0  # of writers that were killed; longer than any transaction
EDITS_KEPT_S = 7 * 86_400.0  # for nodes that are away
EDITS_SPARED_S, EDITS_MAX = 3600.0, 100_000  # past so many the oldest go, but for the newest ones
DELETED_RULES_KEPT_S = 400 * 86_400.0
REWRITE_SHARE = 0.1  # a file of which so many rows are deleted is written again
BATCHES_APART_S = 86_400.0  # then a node's batches are counted together
FEWER_MIN = 1000  # entries of batches, that it pays to write their sums
ROUNDS_KEPT_S = 86_400.0
AGE_OF_EDITS_SQL = sql_files.query("age_of_edits")
DROP_EDITS_SQL = sql_files.query("drop_old_edits")
DROP_ROUNDS_SQL = sql_files.query("drop_old_rounds")
DROP_POSITIONS_SQL = sql_files.query("drop_old_positions")
OLD_BATCHES_SQL = sql_files.query("old_batches")
DROP_BATCHES_SQL = sql_files.query("drop_old_batches")
SUM_BATCHES_SQL = sql_files.query("sum_old_batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round did. `is_ours` is False when another process was at it: nothing was done."""

    is_ours: bool
    old_threads: int = 0
    dead_rows: int = 0
    files_before: int = 0
    files_after: int = 0


def do_round(
    connection: duckdb.DuckDBPyConnection,
    where: Place,
    *,
    node_name: str,
    kept: Kept,
    kept_s: float = SNAPSHOTS_KEPT_S,
    orphans_s: float = ORPHANS_KEPT_S,
    rewrite_share: float = REWRITE_SHARE,
) -> Round:
    """Do one round; the caller holds the owner's lock.

    `kept` says what is old. Files that are no longer needed go once they are older than `kept_s`;
    those of which more than `rewrite_share` is deleted are written again.

    Raises:
        StoreFailed: the lake does not answer; what the round had done stays done.
    """
    with told(where):
        now = catalog_time(connection, where, LAKE)
        before = _files(connection)
        old_threads, _ = end_old(connection, kept, now)
        dead_rows = drop_dead(connection)
        drop_old_edits(connection, now)
        shorten_books(connection, now)
        now = catalog_time(connection, where, LAKE)  # later than what this round has written
        _tidy(connection, now, kept_s, orphans_s, rewrite_share)
        connection.execute(
            f"insert into {STORED}.{layout.ROUNDS} values (?, now(), ?)",  # noqa: S608  # ours
            [node_name, dead_rows],
        )
        return Round(
            is_ours=True,
            old_threads=old_threads,
            dead_rows=dead_rows,
            files_before=before,
            files_after=_files(connection),
        )


def drop_dead(connection: duckdb.DuckDBPyConnection) -> int:
    """Delete rows that no longer count, in one transaction; return how many.

    What each batch should have is corrected with them.
    """
    connection.execute("begin")
    try:
        row = connection.execute(f"select count(*) from {STORED}.{layout.DEAD}").fetchone()  # noqa: S608  # ours
        dropped = 0
        if row and row[0]:
            dropped = sum(_drop_dead_of(connection, table) for table in filled(connection))
            connection.execute(f"delete from {STORED}.{layout.DEAD}")  # noqa: S608  # ours
        connection.execute("commit")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("rollback")
        raise
    return dropped


def _drop_dead_of(connection: duckdb.DuckDBPyConnection, table: Shipped) -> int:
    dead = f"from {STORED}.{table.name} t semi {layout.join_dead(table, f'{STORED}.')}"
    columns = f"-count(*) as row_count, -{checksum(table.name)} as checksum"
    found = connection.execute(
        f"insert into {STORED}.{layout.BATCHES} by name select lake_node, lake_batch,"  # ours
        f" '{table.name}' as table_name, {columns},"
        f" '{duckdb.__version__}' as engine, 0 as sequence"
        f" {dead} group by all"
    ).fetchone()
    if not found or not found[0]:
        return 0
    row = connection.execute(
        f"delete from {STORED}.{table.name} where rowid in (select t.rowid {dead})"  # noqa: S608  # ours
    ).fetchone()
    return int(row[0]) if row else 0


def drop_old_edits(
    connection: duckdb.DuckDBPyConnection,
    now: datetime.datetime,
    *,
    kept_s: float = EDITS_KEPT_S,
    spared_s: float = EDITS_SPARED_S,
    most: int = EDITS_MAX,
) -> None:
    """Delete changes of readers that nodes had the time to apply; `most` are left of older ones."""
    row = connection.execute(AGE_OF_EDITS_SQL, {"most": most}).fetchone()
    before = now - datetime.timedelta(seconds=kept_s)
    if row and row[1] is not None:
        before = max(before, min(row[1], now - datetime.timedelta(seconds=spared_s)))
    if row and row[2] is not None and row[2] <= before:
        deleted_before = now - datetime.timedelta(seconds=DELETED_RULES_KEPT_S)
        connection.execute(DROP_EDITS_SQL, {"before": before, "deleted_before": deleted_before})


def shorten_books(
    connection: duckdb.DuckDBPyConnection,
    now: datetime.datetime,
    *,
    apart_s: float = BATCHES_APART_S,
    fewer_min: int = FEWER_MIN,
) -> None:
    """Keep of what is looked up what still counts, in one transaction.

    Of batches that are older the sum, for each node and table; where that leaves so many entries
    fewer. Of batches how far the newest goes.
    """
    connection.execute("begin")
    try:
        connection.execute(DROP_POSITIONS_SQL)
        before = now - datetime.timedelta(seconds=apart_s)
        connection.execute(OLD_BATCHES_SQL, {"before": before})
        row = connection.execute(
            "select count(*) - count(distinct (lake_node, table_name, engine))"
            " filter (table_name <> '') from shorter"
        ).fetchone()
        if row and row[0] >= fewer_min:
            connection.execute(DROP_BATCHES_SQL)
            connection.execute(SUM_BATCHES_SQL)
        rounds_before = now - datetime.timedelta(seconds=ROUNDS_KEPT_S)
        connection.execute(DROP_ROUNDS_SQL, {"before": rounds_before})
        connection.execute("commit")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("rollback")
        raise


def _tidy(
    connection: duckdb.DuckDBPyConnection,
    now: datetime.datetime,
    kept_s: float,
    orphans_s: float,
    rewrite_share: float,
) -> None:
    kept = now - datetime.timedelta(seconds=kept_s)
    orphans = now - datetime.timedelta(seconds=orphans_s)
    connection.execute(
        f"call ducklake_rewrite_data_files('{LAKE}', delete_threshold => {rewrite_share})"
    )
    connection.execute(f"call ducklake_merge_adjacent_files('{LAKE}')")
    connection.execute(f"call ducklake_expire_snapshots('{LAKE}', older_than => ?)", [kept])
    connection.execute(f"call ducklake_cleanup_old_files('{LAKE}', older_than => ?)", [kept])
    connection.execute(f"call ducklake_delete_orphaned_files('{LAKE}', older_than => ?)", [orphans])


def _files(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute(
        f"select coalesce(sum(file_count), 0) from ducklake_table_info('{LAKE}')"  # noqa: S608  # ours
    ).fetchone()
    return int(row[0]) if row else 0
