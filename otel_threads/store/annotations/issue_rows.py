"""Keeps which issues somebody closed, what a model calls them, and what SQL sees of them."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pyarrow as pa

from otel_threads.core.issue import Issue
from otel_threads.database.arrow import register, unregister
from otel_threads.database.database import Database
from otel_threads.database.engine_errors import classified

_S, _T, _N = pa.string(), pa.timestamp("us", tz="UTC"), pa.int64()
_DAY: pa.DataType = pa.date32()  # type: ignore[attr-defined]  # the stubs lack it
_KEPT = pa.schema(
    [
        ("issue_id", _S),
        ("project", _S),
        ("kind", _S),
        ("title", _S),
        ("first_seen_time", _T),
        ("last_seen_time", _T),
        ("thread_count", _N),
        ("turn_count", _N),
        ("thread_ids", pa.list_(_S)),
        ("filter", _S),
        ("trend", pa.list_(pa.struct([("day", _DAY), ("turn_count", _N)]))),
        ("counted_at", _T),
    ]
)


class IssueRows:
    """The tables x_issue_states, x_issue_names and x_issues."""

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        """Each reading takes so long at most."""
        self._database = database
        self._timeout_s = timeout_s

    def closed(self) -> dict[str, datetime.datetime]:
        """Return when issues were closed, by id; an id says its project, too."""
        with self._database.reading(self._timeout_s) as cursor:
            found = cursor.execute("select issue_id, closed_at from x_issue_states").fetchall()
        return dict(found)

    def put(self, issues: Mapping[str, str], closed_at: datetime.datetime | None) -> None:
        """Keep that issues, with their projects, were closed then; None: that they are open."""
        ids, projects = list(issues), list(issues.values())
        with classified(), self._database.transaction() as cursor:
            cursor.execute("delete from x_issue_states where list_contains(?, issue_id)", [ids])
            if closed_at is not None:
                cursor.execute(
                    "insert into x_issue_states select unnest(?), unnest(?), ?",
                    [projects, ids, closed_at],
                )

    def names(self) -> Mapping[str, str | None]:
        """Return what a model calls issues, by id; None where it was asked and gave no name."""
        with self._database.reading(self._timeout_s) as cursor:
            found = cursor.execute("select issue_id, name from x_issue_names").fetchall()
        return dict(found)

    def put_name(self, project: str, issue_id: str, name: str | None, model: str | None) -> None:
        """Keep what a model calls an issue."""
        given = [project, issue_id, name, model, datetime.datetime.now(datetime.UTC)]
        with classified(), self._database.transaction() as cursor:
            cursor.execute("delete from x_issue_names where issue_id = ?", [issue_id])
            cursor.execute("insert into x_issue_names values (?, ?, ?, ?, ?)", given)

    def holds_issues(self) -> bool:
        """Return whether SQL sees any; none after something was deleted."""
        with self._database.reading(self._timeout_s) as cursor:
            return cursor.execute("select 1 from x_issues limit 1").fetchone() is not None

    def keep(self, issues: Sequence[Issue], counted_at: datetime.datetime) -> None:
        """Replace what SQL sees."""
        rows = [{**asdict(one), "counted_at": counted_at} for one in issues]
        table = pa.Table.from_pylist(
            [{name: row[name] for name in _KEPT.names} for row in rows], schema=_KEPT
        )
        with classified(), self._database.transaction() as cursor:
            cursor.execute("delete from x_issues")
            register(cursor, "counted", table)
            cursor.execute("insert into x_issues by name select * from counted")
            unregister(cursor, "counted")
