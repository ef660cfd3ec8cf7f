"""Deletes stored versions of spans in whose place others stand, with all that belongs to them."""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister

DELETE_SQL = (
    sql_files.query("delete_replaced_spans"),
    sql_files.query("disown_replaced_content"),
    sql_files.query("delete_replaced_x_content_chunks"),
    sql_files.query("delete_replaced_span_events"),
    sql_files.query("delete_replaced_span_links"),
)


def delete(cursor: duckdb.DuckDBPyConnection, ids: pa.Table, bounds: Mapping[str, int]) -> None:
    """Delete spans of OTLP in the caller's transaction.

    `ids` has project, trace_id and span_id; `bounds` are `first` and `last` of their starts.
    """
    register(cursor, "replaced_ids", ids)
    for delete_one in DELETE_SQL:
        cursor.execute(delete_one, dict(bounds))
    unregister(cursor, "replaced_ids")
