"""Applies on a node what was written at readers: each change once, of threads that it has.

Which were applied stands in the node's file, in the transaction that applies them. The next batch
ships their rows as the node's own, and ends those of the readers.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from otel_threads.core.score import NewScore
from otel_threads.database.arrow import append, register, rows_of, table_of, unregister
from otel_threads.database.database import Database
from otel_threads.lake import layout
from otel_threads.lake.edits import THREADS
from otel_threads.lake.layout import OF_ALL, READERS, SAID, Shipped
from otel_threads.lake.native import native
from otel_threads.lake.rows_of_batch import STORED
from otel_threads.lake.shared_rules import RULES

PAGE_EDITS = 2000  # that are applied in one transaction
SCORES = "x_score_records"
APPLIED = pa.schema(
    [
        ("edit_id", pa.string()),
        ("lake_unit", pa.string()),
        ("lake_batch", pa.int64()),
        ("is_settled", pa.bool_()),
    ]
)


Delete = Callable[[str, Sequence[str]], object]


class Annotating(Protocol):
    """What keeps annotations on a node: store/annotations/annotation_rows.py."""

    lock: threading.RLock

    def insert_scores(
        self,
        cursor: duckdb.DuckDBPyConnection,
        scores: Sequence[NewScore],
        sequences: Sequence[int],
        times: Sequence[Any] | None = None,
    ) -> None:
        """Write scores given then, in the caller's transaction, which holds the lock."""


class TakesRules(Protocol):
    """What keeps rules on a node: store/rules/rule_rows.py."""

    def take(
        self,
        cursor: duckdb.DuckDBPyConnection,
        rows: Sequence[dict[str, Any]],
        gone: Sequence[str],
    ) -> None:
        """Take rules that were made elsewhere, in the caller's transaction."""

    def taken(self) -> None:
        """Notice that it is committed."""


class Applier:
    """Applies edits to one file. For one thread at a time."""

    def __init__(
        self, database: Database, annotating: Annotating, delete: Delete, rules: TakesRules
    ) -> None:
        """`delete` deletes threads of a project here, of which the lake knows."""
        self._rules = rules
        self._delete = delete
        self._database = database
        self._annotating = annotating
        self.edits: object = None  # what the lake had the last time
        self._derived = -1
        self._has_waiting = False  # some are of threads that are not here

    def apply(self, connection: duckdb.DuckDBPyConnection, node_id: str, derived: int) -> int:
        """Apply what can be applied; return how many changes that were.

        `derived`: the commit up to which the node has derived, because threads that come later may
        have been annotated before.
        """
        edits = connection.execute(
            f"select count(*), max(edited_at) from {STORED}.{layout.EDITS}"  # noqa: S608  # ours
        ).fetchone()
        if edits == self.edits and not (self._has_waiting and derived != self._derived):
            return 0
        self._forget(connection)
        read, applied = 0, 0
        after: tuple[Any, str] = ("-infinity", "")
        while (page := self._page(connection, after)).num_rows:
            read += page.num_rows
            applied += self._apply_page(page, node_id)
            last = page.slice(page.num_rows - 1).to_pylist()[0]
            after = (last["edited_at"], last["edit_id"])
        self.edits, self._derived, self._has_waiting = edits, derived, read > applied
        return applied

    def unsettled(self) -> list[tuple[str, int]]:
        """Return unit and batch of the readers' rows that the node's own stand for now."""
        with self._database.cursor() as cursor:
            return cursor.execute(
                "select lake_unit, lake_batch from x_lake_edits where not is_settled"
            ).fetchall()

    def settle(self, units: Sequence[tuple[str, int]]) -> None:
        """Note that the lake has heard of these."""
        with self._database.transaction() as cursor:
            cursor.execute(
                "update x_lake_edits set is_settled = true where not is_settled"
                " and list_contains($units, lake_unit)",
                {"units": [unit for unit, _ in units]},
            )

    def _forget(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Forget changes that the lake has no more."""
        with self._database.cursor() as cursor:
            known = table_of(cursor.execute("select edit_id, is_settled from x_lake_edits"))
        register(connection, "known", known)
        connection.execute("create or replace temp table known_edits as select edit_id from known")
        gone = connection.execute(
            "select edit_id from known where is_settled and edit_id not in"  # noqa: S608  # ours
            f" (select edit_id from {STORED}.{layout.EDITS})"
        ).fetchall()
        unregister(connection, "known")
        if gone:
            with self._database.transaction() as cursor:
                ids = [edit_id for (edit_id,) in gone]
                cursor.execute("delete from x_lake_edits where list_contains(?, edit_id)", [ids])

    def _page(self, connection: duckdb.DuckDBPyConnection, after: tuple[Any, str]) -> pa.Table:
        return table_of(
            connection.execute(
                f"select * from {STORED}.{layout.EDITS} e anti join known_edits k"  # noqa: S608  # ours
                " on k.edit_id = e.edit_id"
                " where (edited_at, e.edit_id) > ($at::timestamptz, $id)"
                f" order by edited_at, e.edit_id limit {PAGE_EDITS}",
                {"at": after[0], "id": after[1]},
            )
        )

    def _apply_page(self, page: pa.Table, node_id: str) -> int:
        """Apply deletions first: they are of what was there, and waiting for nothing."""
        deletions = [one for one in page.to_pylist() if one["table_name"] == THREADS]
        ids: dict[str, list[str]] = {}
        for one in deletions:
            thread = json.loads(one["content"])
            if thread["by"] != node_id:
                ids.setdefault(thread["project"], []).append(thread["thread_id"])
        for project, some in ids.items():
            self._delete(project, some)
        with self._annotating.lock, self._database.transaction() as cursor:
            register(cursor, "edits", page)
            done: list[dict[str, Any]] = [
                {"edit_id": one["edit_id"], "is_settled": True} for one in deletions
            ]
            for table in layout.EDITED_TABLES:
                done += self._apply_table(cursor, table, node_id)
            unregister(cursor, "edits")
            append(cursor, "x_lake_edits", pa.Table.from_pylist(done, schema=APPLIED))
        if RULES.name in page.column("table_name").to_pylist():
            self._rules.taken()
        return len(done)

    def _apply_table(
        self, cursor: duckdb.DuckDBPyConnection, table: Shipped, node_id: str
    ) -> list[dict[str, Any]]:
        row = cursor.execute(
            "select count(*) from edits where table_name = ?", [table.name]
        ).fetchone()
        if not row or not row[0]:
            return []
        cursor.execute(
            f"create or replace temp table coming as {_coming_sql(table)}",
            {"table": table.name, "node": f'$."{node_id}"'},
        )
        with contextlib.ExitStack() as stack:
            stack.callback(cursor.execute, "drop table coming")
            found = cursor.execute(
                "select edit_id, lake_unit, lake_batch, lake_unit is null as is_settled from coming"
            )
            names = [column[0] for column in found.description or ()]
            done = [dict(zip(names, one, strict=True)) for one in found.fetchall()]
            cursor.execute("delete from coming where not is_last or is_old")
            if table == RULES:
                self._take_rules(cursor)
            else:
                self._replace(cursor, table)
        return done

    def _replace(self, cursor: duckdb.DuckDBPyConnection, table: Shipped) -> None:
        cursor.execute(
            f"delete from {table.name} t using coming e where {_same(table.keys)}"  # noqa: S608  # ours
        )
        if table.name == SCORES:
            self._put_scores(cursor)
            return
        columns = ", ".join(f'"{name}"' for name in native().tables[table.name])
        cursor.execute(
            f"insert into {table.name} by name select {columns} from coming where not is_gone"  # noqa: S608  # ours
        )

    def _take_rules(self, cursor: duckdb.DuckDBPyConnection) -> None:
        columns = ", ".join(f'"{name}"' for name in native().tables[RULES.name])
        rows = rows_of(cursor, f"select {columns} from coming where not is_gone")  # noqa: S608  # ours
        gone = cursor.execute("select rule_id from coming where is_gone").fetchall()
        self._rules.take(cursor, rows, [rule_id for (rule_id,) in gone])

    def _put_scores(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write scores as if they had been given here: what they replace goes, or is history."""
        rows = table_of(
            cursor.execute("select * from coming where not is_gone order by updated_at")
        ).to_pylist()
        if not rows:
            return
        names = [field.name for field in fields(NewScore)]
        scores = [
            NewScore(
                **{name: one[name] for name in names if name != "metadata"},
                metadata=dict(one["metadata"]) if one["metadata"] else None,
            )
            for one in rows
        ]
        self._annotating.insert_scores(
            cursor,
            scores,
            [one["sequence"] for one in rows],
            [one["updated_at"] for one in rows],
        )


def _same(keys: Sequence[str]) -> str:
    return " and ".join(f"t.{key} is not distinct from e.{key}" for key in keys)


def _coming_sql(table: Shipped) -> str:
    """Return the edits of a table that are for this node, with the columns of their rows.

    `is_last`: no later one is of the same row. `is_old`: the node has a newer row.
    """
    kinds = native().tables[table.name]
    listed = ", ".join(
        f"""(content::json{"->>" if kind == "VARCHAR" else "->"}'{name}')::{kind} as "{name}\""""
        for name, kind in kinds.items()
        if name != "sequence"
    )
    if "sequence" in kinds:  # what its writer saw of this node
        listed += ", coalesce((seen::json->>$node)::bigint, 0) as sequence"
    else:
        listed += ", $node as node"
    is_here = f"exists (select 1 from {table.name} t where {_same(table.keys)})"  # noqa: S608  # ours
    if table.edited == OF_ALL:
        is_here = "true"
    else:
        is_here += _has_target(kinds)
    keys = ", ".join(table.keys)
    return (
        "with typed as (select edit_id, edited_at, is_gone, lake_unit, lake_batch,"  # noqa: S608  # ours
        f" {listed} from edits where table_name = $table)"
        f" select *, row_number() over (partition by {keys} order by edited_at desc, edit_id desc)"
        f" = 1 as is_last, {_is_old(table)} as is_old from typed e where {is_here}"
    )


def _has_target(kinds: dict[str, str]) -> str:
    """Return the conditions that the node has what an edit is about."""
    text = " or exists (select 1 from x_thread_facts t where t.thread_id = e.thread_id"
    text += " and t.project = e.project)"
    if "trace_id" in kinds:
        text += " or exists (select 1 from traces t where t.trace_id = e.trace_id)"
    return text


def _is_old(table: Shipped) -> str:
    if table.latest == "lake_batch":
        return "false"
    keys = tuple(key for key in table.keys if key != table.latest)
    newer = f"exists (select 1 from {table.name} t where {_same(keys)}"  # noqa: S608  # our own names
    newer += f" and t.{table.latest} > e.{table.latest})"
    # A removed row of several that differ in their time is that row.
    return f"not e.is_gone and {newer}" if table.latest in table.keys else newer


def end(connection: duckdb.DuckDBPyConnection, units: Sequence[tuple[str, int]]) -> None:
    """End rows of readers, in the caller's transaction of the lake."""
    if not units:
        return
    gone = {
        "lake_unit": pa.array([unit for unit, _ in units], pa.string()),
        "lake_batch": pa.array([batch + 1 for _, batch in units], pa.int64()),
    }
    register(connection, "settled", pa.table(gone))
    connection.execute(
        f"insert into {STORED}.{layout.DEAD} by name select '{READERS}' as lake_node,"  # noqa: S608  # ours
        f" '{SAID}' as kind, * from settled"
    )
    unregister(connection, "settled")
