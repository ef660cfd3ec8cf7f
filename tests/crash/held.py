"""What a database holds, to be compared with a ledger, and whether its tables agree with each other."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb

DERIVED = ("threads", "turns", "messages", "traces", "calls")
KEYS_SQL = """
    select 'span:' || span_id as key, count(*) as count from spans group by all
    union all select 'log:' || body, count(*) from log_records group by all
    union all select 'score:' || name, count(*) from x_score_records group by all
"""
OLD_KEYS_SQL = KEYS_SQL.replace("x_score_records", "score_records")  # before migration 0009
# A span is stored twice or halved, or raw and derived rows disagree: each count must be 0.
DISAGREEMENTS = (
    "spans_twice",
    "spans_halved",
    "spans_without_trace",
    "traces_without_span",
    "span_counts_apart",
)
DISAGREEMENTS_SQL = """
    select
        (select count(*) - count(distinct (project, trace_id, span_id)) from spans),
        (select count(*) from spans s full join
            (select distinct trace_id, span_id from span_content) c using (trace_id, span_id)
            where s.name is null
            or (c.span_id is null and s.attributes['gen_ai.output.messages'] is null
                and map_contains(s.attributes, 'gen_ai.output.messages'))),
        (select count(*) from spans s anti join traces t using (trace_id)),
        (select count(*) from traces t anti join spans s using (trace_id)),
        (select count(*) from spans) - (select coalesce(sum(span_count), 0) from traces)
"""


def keys_of(database: Path) -> dict[str, int]:
    """Return how often a file that nobody has open holds each key."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("show tables").fetchall()}
        keys = KEYS_SQL if "x_score_records" in tables else OLD_KEYS_SQL
        return dict(connection.execute(keys).fetchall())


def disagreements(database: Path) -> dict[str, int]:
    """Return what is wrong between the tables of a file whose spans are all derived; {}: nothing."""
    with duckdb.connect(str(database), read_only=True) as connection:
        row = connection.execute(DISAGREEMENTS_SQL).fetchone()
    assert row is not None
    return {name: int(count) for name, count in zip(DISAGREEMENTS, row, strict=True) if count}


def derived_digests(database: Path) -> dict[str, tuple[int, int]]:
    """Return rows and digest of each derived table, whatever the order of its rows."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {table: _digest(connection, table) for table in DERIVED}


def _digest(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    # `status` of a thread depends on the time of day.
    rows = "(select * exclude (status) from threads)" if table == "threads" else table
    found = connection.execute(
        f"select count(*), coalesce(sum(hash(r::varchar)::hugeint), 0) from {rows} r"
    ).fetchone()
    assert found is not None
    return found[0], found[1]


def rebuild(database: Path, env: Mapping[str, str]) -> None:
    """Derive everything again with the command; nobody may have the file open."""
    subprocess.run(
        [sys.executable, "-m", "otel_threads", "rebuild", "--database", str(database)],
        env=dict(env),
        cwd=database.parent,
        check=True,
        capture_output=True,
    )
