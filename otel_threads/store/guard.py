"""What SQL from outside may say: one SELECT (or EXPLAIN of one), of functions that only read.

The first of several layers, none of which is trusted alone: docs/sql.md lists them. Table functions
are named one by one here, because some of DuckDB's change the database (`checkpoint`), read files
or run a text as SQL; the few scalar ones that act are refused by name.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from otel_threads.errors import InvalidQuery

SQL_CHARS_MAX = 1 << 20
TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns", "duckdb_functions", "duckdb_keywords", "duckdb_schemas", "duckdb_tables",
        "duckdb_types", "duckdb_views", "generate_series", "generate_subscripts",
        "icu_calendar_names", "json_each", "json_tree", "pg_timezone_names",
        "pragma_database_size", "pragma_storage_info", "pragma_table_info", "pragma_version",
        "range", "repeat", "repeat_row", "unnest",
    }
)  # fmt: skip
REFUSED_FUNCTIONS = frozenset(
    {
        "currval", "getenv", "json_execute_serialized_sql", "nextval", "query", "query_table",
        "set_config", "setseed", "sleep_ms", "write_log",
    }
)  # fmt: skip
_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?(\s*\([^()]*\))?\s", re.IGNORECASE)


def check(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Return when the text is one query that only reads.

    Raises:
        InvalidQuery: it is not; the message says what is allowed, or where the error is.
    """
    if len(sql) > SQL_CHARS_MAX:
        raise InvalidQuery(f"sql of {len(sql)} characters; at most {SQL_CHARS_MAX} are taken")
    if "\0" in sql:
        raise InvalidQuery("sql must not hold a NUL character")
    explained = _EXPLAIN.match(sql)
    body = sql[explained.end() :] if explained else sql
    row = cursor.execute("select json_serialize_sql($sql::varchar)", {"sql": body}).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {}
    if tree.get("error"):
        if tree.get("error_type") == "not implemented":
            raise InvalidQuery(
                "only a SELECT is allowed (or FROM, VALUES, WITH, SHOW TABLES, DESCRIBE, SUMMARIZE,"
                f" EXPLAIN): {tree.get('error_message', '')}"
            )
        start = explained.end() if explained else 0
        raise InvalidQuery(_where(tree, start))
    count = len(tree.get("statements", []))
    if count != 1:
        raise InvalidQuery(f"one statement at a time, not {count}")
    for kind, name in _functions(tree):
        allowed = name in TABLE_FUNCTIONS if kind == "table" else name not in REFUSED_FUNCTIONS
        if not allowed:
            raise InvalidQuery(f"the {kind} function {name} is not allowed here")


def check_type(sql: str) -> None:
    """Return when DuckDB's own parser calls the text one SELECT or EXPLAIN.

    Raises:
        InvalidQuery: it does not. Not enough alone: DuckDB 2 calls `WITH x AS (INSERT …)` a SELECT.
    """
    try:
        kinds = [statement.type.name for statement in duckdb.extract_statements(sql)]
    except duckdb.Error as error:
        raise InvalidQuery(first_lines(error)) from None
    if kinds not in (["SELECT"], ["EXPLAIN"]):
        raise InvalidQuery(f"one SELECT is allowed, not {', '.join(kinds) or 'nothing'}")


def first_lines(error: BaseException) -> str:
    """Return DuckDB's message without its drawing of the place."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith("LINE ") and line.strip() != "^"]
    return " ".join(kept)[:2000] or type(error).__name__


def _where(tree: dict[str, Any], start: int) -> str:
    text = str(tree.get("error_message", "not SQL"))
    position = str(tree.get("position", ""))
    return f"{text} (at position {int(position) + start})" if position.isdecimal() else text


def _functions(tree: Any) -> Iterator[tuple[str, str]]:
    """Yield ("table" or "scalar", name) of every function in a parsed query, however deep."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            call = node.get("function")
            if node.get("type") == "TABLE_FUNCTION" and isinstance(call, dict):
                yield "table", str(call.get("function_name", "")).lower()
                waiting += call.get("children", [])
                waiting += [value for key, value in node.items() if key != "function"]
                continue
            if "function_name" in node:
                yield "scalar", str(node["function_name"]).lower()
            waiting += node.values()
