"""What SQL from outside may say: one SELECT (or EXPLAIN of one), of functions that only read.

The first of several layers, none of which is trusted alone: docs/sql.md lists them. Functions are
allowed by name (sql_functions.py), because some of DuckDB's change the database (`checkpoint`),
read files, run a text as SQL or show settings.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from otel_threads.core.errors import InvalidQuery
from otel_threads.store.external_sql import sql_functions

SQL_CHARS_MAX = 1 << 20
_SHOW_TABLES = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)
PEOPLES_TABLES_SQL = """
select name from (
    select table_name as name, database_name, schema_name, internal from duckdb_tables()
    union all
    select view_name, database_name, schema_name, internal from duckdb_views())
where database_name = current_database() and schema_name = current_schema() and not internal
    and not starts_with(name, 'x_') and name <> 'schema_version'
order by name
"""
_SCORES = re.compile(r'^Binder Error: .*column "(turn_)?scores" not found')
_PIVOT = re.compile(r"\bpivot(_wider)?\b", re.IGNORECASE)
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
    for kind, name in _names(tree):
        if kind == "snapshot":
            raise InvalidQuery(
                f"AT ({name} …) is not allowed: older snapshots of a lake hold what was deleted"
            )
        if kind == "view":
            if name in sql_functions.REFUSED_VIEWS:
                raise InvalidQuery(f"the view {name} is not allowed: it shows settings or paths")
        elif kind == "schema":
            if sql_functions.is_refused_schema(name):
                raise InvalidQuery(f"the schema {name} is not allowed: it shows what was deleted")
        elif not sql_functions.is_allowed(kind, name):
            reason = sql_functions.REFUSED.get(name, "it is not in the list of docs/sql.md")
            raise InvalidQuery(f"the {kind} function {name} is not allowed: {reason}")


def meant(sql: str) -> str:
    """Return what is run for a text: SHOW TABLES lists what is made for people."""
    return PEOPLES_TABLES_SQL if _SHOW_TABLES.fullmatch(sql) else sql


def check_type(sql: str) -> None:
    """Return when DuckDB's own parser calls the text one SELECT or EXPLAIN.

    Raises:
        InvalidQuery: it does not. Not enough alone: DuckDB 2 calls `WITH x AS (INSERT …)` a SELECT.
    """
    try:
        kinds = [statement.type.name for statement in duckdb.extract_statements(sql)]
    except duckdb.Error as error:
        raise InvalidQuery(first_lines(error)) from None
    if kinds[-1:] == ["SELECT"] and {*kinds[:-1]} == {"CREATE"} and _PIVOT.search(sql):
        raise InvalidQuery(
            "this PIVOT needs its values, for DuckDB would make a type of them: "
            "pivot turns on has_error in (true, false) using count(*)"
        )
    if kinds not in (["SELECT"], ["EXPLAIN"]):
        raise InvalidQuery(f"one SELECT is allowed, not {', '.join(kinds) or 'nothing'}")


def first_lines(error: BaseException) -> str:
    """Return DuckDB's message without its drawing of the place, and without its stack.

    Scores cost too much for `threads`: who looks for them there is told where they are.
    """
    text, _, _ = str(error).partition("Stack Trace:")  # whose lines show paths
    lines = [line for line in text.splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith("LINE ") and line.strip() != "^"]
    told = " ".join(kept)[:2000] or type(error).__name__
    return f"{told}; the view annotated_threads has it" if _SCORES.search(told) else told


def _where(tree: dict[str, Any], start: int) -> str:
    text = str(tree.get("error_message", "not SQL"))
    position = str(tree.get("position", ""))
    return f"{text} (at position {int(position) + start})" if position.isdecimal() else text


def _names(tree: Any) -> Iterator[tuple[str, str]]:
    """Yield kind and name of all that a parsed query names, however deep.

    The kinds are "table", "scalar" (functions), "view", "schema", and "snapshot", of its unit.
    """
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
            if node.get("type") == "BASE_TABLE":
                yield "view", str(node.get("table_name", "")).lower()
                for place in ("schema_name", "catalog_name"):
                    yield "schema", str(node.get(place, "")).lower()
            if isinstance(at := node.get("at_clause"), dict):
                yield "snapshot", str(at.get("unit", ""))
            if "function_name" in node:
                yield "scalar", str(node["function_name"]).lower()
            waiting += node.values()
