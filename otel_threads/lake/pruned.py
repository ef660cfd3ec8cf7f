"""What was said of threads that a node has pruned, where the lake keeps them longer."""

from collections.abc import Iterable

import duckdb
import pyarrow as pa

from otel_threads.database.arrow import register, table_of, unregister
from otel_threads.lake import layout
from otel_threads.lake.layout import Shipped
from otel_threads.lake.native import native
from otel_threads.lake.schema import LAKE


def said(
    lake: duckdb.DuckDBPyConnection,
    node: duckdb.DuckDBPyConnection,
    table: Shipped,
    gone: Iterable[str],
    dead: Iterable[tuple[str, str]],
) -> set[str]:
    """Return those of some units, gone on the node, that stay in the lake.

    Their thread or trace is in the lake, not on the node, and was not deleted by hand: `dead` has
    what the batch that comes ends.
    """
    columns = native().tables[table.name].keys()
    if not {"thread_id", "trace_id"} & columns:
        return set()
    unit = layout.THREAD_UNIT if {"thread_id", "project"} <= columns else "null"
    trace_id = "trace_id" if "trace_id" in columns else "null"
    register(lake, "gone", pa.table({"unit": pa.array(sorted(gone), pa.string())}))
    ended = sorted({one for kind, one in dead if kind != layout.SAID})
    register(lake, "ended", pa.table({"unit": pa.array(ended, pa.string())}))
    found = table_of(
        lake.execute(
            f"with r as (select t.lake_unit, {unit} as thread, {trace_id} as trace_id"  # noqa: S608  # ours
            f" from {LAKE}.{layout.STORED}.{table.name} t semi join gone g on g.unit = t.lake_unit)"
            " select distinct lake_unit, thread, trace_id from r where"
            f" (thread in (select {layout.THREAD_UNIT} from {LAKE}.x_thread_facts)"
            f" or trace_id in (select trace_id from {LAKE}.traces))"
            " and not coalesce(thread in (select unit from ended), false)"
            " and not coalesce(trace_id in (select unit from ended), false)"
        )
    )
    for name in ("gone", "ended"):
        unregister(lake, name)
    register(node, "in_lake", found)
    kept = node.execute(
        "select lake_unit from in_lake where"  # noqa: S608  # our own names
        f" not coalesce(thread in (select {layout.THREAD_UNIT} from x_thread_facts), false)"
        " and not coalesce(trace_id in (select trace_id from traces), false)"
    ).fetchall()
    unregister(node, "in_lake")
    return {one for (one,) in kept}
