"""Deletes long values without what others begin with: that stays, cut, and belongs to nobody."""

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from otel_threads.database import sql_files
from otel_threads.database.arrow import register, table_of, unregister
from otel_threads.database.database import Database
from otel_threads.store.spans.chains import SEQUENCE_SHIFT, Chains

TOUCHED_SQL = sql_files.query("touched_chain_rows")
KEEP_SQL = sql_files.query("keep_content")
LET_GO_SQL = "delete from x_content_chunks where rowid in (select row_id from let_go)"


@contextlib.contextmanager
def deleting(database: Database, chains: Chains) -> Iterator[duckdb.DuckDBPyConnection]:
    """Begin a transaction that sees all rows of each chain that it sees; none is added later."""
    with contextlib.ExitStack() as stack:
        with chains.cut_off():
            cursor = stack.enter_context(database.transaction())
            cursor.execute("select 1 from x_content_chunks limit 1").fetchall()  # its snapshot
        yield cursor


def keep_shared(
    cursor: duckdb.DuckDBPyConnection,
    going: str,
    named: Mapping[str, int] | None = None,
    *,
    released: Collection[int] = (),
) -> None:
    """Copy what others begin with of the rows of x_content_chunks that are about to be deleted.

    `going` is a condition over `t`. Copies belong to no trace, so it does not fit them. Those of
    earlier that nobody needs any more, or less of, are deleted or cut. `released`: chains that
    others had texts of that are deleted already.
    """
    rows = _going_rows(cursor, going, named, released)
    if not rows.num_rows:
        return
    register(cursor, "going_rows", rows)
    chains = rows.column("chain_id").to_numpy()
    low, high = int(chains.min()), int(chains.max())
    bounds = {"low": low, "high": high, "first": low >> SEQUENCE_SHIFT}
    touched = table_of(cursor.execute(TOUCHED_SQL, bounds))
    unregister(cursor, "going_rows")
    kept, let_go = _needed(*(touched.column(i).to_pylist() for i in range(touched.num_columns)))
    kept_rows = {"row_id": list(kept), "chars": list(kept.values())}
    _with_rows(cursor, "kept_rows", kept_rows, KEEP_SQL)
    _with_rows(cursor, "let_go", {"row_id": let_go}, LET_GO_SQL)


def _going_rows(
    cursor: duckdb.DuckDBPyConnection,
    going: str,
    named: Mapping[str, int] | None,
    released: Collection[int],
) -> pa.Table:
    """Return row and chain of all that goes; no row for a chain of which only references went."""
    rows = table_of(
        cursor.execute(
            "select t.rowid as row_id, t.chain_id from x_content_chunks t"  # noqa: S608  # our own
            f" where t.chain_id is not null and {going}",
            dict(named or {}),
        )
    )
    if not released:
        return rows
    alone = [(None, chain) for chain in sorted(released)]
    columns = zip(rows.column_names, zip(*alone, strict=True), strict=True)
    others = {name: pa.array(cells, pa.int64()) for name, cells in columns}
    return pa.concat_tables([rows, pa.table(others)])


def _with_rows(
    cursor: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, list[int]], query: str
) -> None:
    """Run a statement that reads rows of numbers by a name."""
    cells = {column: pa.array(numbers, pa.int64()) for column, numbers in columns.items()}
    register(cursor, name, pa.table(cells))
    cursor.execute(query)
    unregister(cursor, name)


def _needed(
    row_ids: Sequence[int | None],
    chains: Sequence[int],
    chars: Sequence[int],
    own_chars: Sequence[int],
    is_disowned: Sequence[bool],
    is_going: Sequence[bool],
) -> tuple[dict[int, int], list[int]]:
    """Return how much of which rows to copy, and which rows without an owner to delete.

    The rows come chain by chain in order; `needed` is how long a beginning of the chain's text
    after a row later values have.
    """
    kept: dict[int, int] = {}
    let_go: list[int] = []
    needed, chain = 0, None
    for i in range(len(row_ids) - 1, -1, -1):
        if chains[i] != chain:
            needed, chain = 0, chains[i]
        left = min(own_chars[i], needed - chars[i])
        row_id = row_ids[i]
        if row_id is not None and (is_going[i] or is_disowned[i]):
            stays_whole = left == own_chars[i] > 0 and not is_going[i]
            if left > 0 and not stays_whole:
                kept[row_id] = left
            if not is_going[i] and not stays_whole:
                let_go.append(row_id)
        else:
            needed = max(needed, chars[i] + own_chars[i])
        needed = min(needed, chars[i])
    return kept, let_go
