"""Moves spans of OTLP into the traces of SDKs' records that they are part of.

Some name such a trace; some are what an SDK sends beside its records of the same run, and go. They
get the ids that they have there, in whatever order things came, and so does what runs below them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads import unix_nano
from otel_threads.core.record import RecordPlace, RecordRules
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, rows_of, unregister
from otel_threads.database.database import Database
from otel_threads.derive.joined_spans import Key, SentSpan, moves
from otel_threads.store.outbox import RAW
from otel_threads.store.spans import replaced

TO_JOIN_SQL = sql_files.query("spans_to_join")
TWIN_BOUNDS_SQL = sql_files.query("twin_bounds")
TWINS_SQL = sql_files.query("twin_spans")
SENT_SQL = sql_files.query("sent_spans")
JOINED_BEFORE_SQL = sql_files.query("joined_before")
OCCUPIED_SQL = sql_files.query("occupied_places")
MOVE_SPANS_SQL = sql_files.query("move_spans")
MOVE_JOINED_SQL = sql_files.query("move_joined")
NOTE_JOINED_SQL = sql_files.query("note_joined")
PROJECTS_SQL = sql_files.query("projects_of_records")
ELSEWHERE_SQL = sql_files.query("joined_elsewhere")
LATE_LOGS_SQL = sql_files.query("late_joined_logs")
SLACK_NS = 60_000_000_000  # that what runs below a span may start before it, by another clock
MOVED = "project = m.to_project, trace_id = m.to_trace_id, span_id = m.to_span_id"
MOVED_LOGS = "trace_id = m.to_trace_id, span_id = m.to_span_id"
CHILDREN = ("span_events", "span_links", "x_content_chunks")
_S, _I = pa.string(), pa.int64()
_MOVES = pa.schema(
    [
        *((name, _S) for name in ("project", "trace_id", "span_id", "to_trace_id", "to_span_id")),
        ("to_project", _S),
        ("to_parent_span_id", _S),
        ("start_time_unix_nano", _I),
    ]
)
Row = dict[str, Any]
SpanKey = tuple[str, str, str]  # project, trace id, span id
Completeness = tuple[bool, int, int]


class SpanJoining:
    """Joins what one database holds. For the deriver's thread alone."""

    def __init__(self, database: Database, rules: Sequence[RecordRules]) -> None:
        self._database = database
        self._rules = rules

    def join(self, after: int, upto: int) -> bool:
        """Move the spans that belong elsewhere, as commits after `after` up to `upto` tell.

        Return whether any may have been moved.

        The traces that they leave, and those that they join, are noted to be derived again. In a
        transaction of its own: after a crash within it the same spans are moved.
        """
        if upto <= after:
            return False
        bounds = {"after": after, "upto": upto}
        with self._database.cursor() as cursor:
            elsewhere = rows_of(cursor, ELSEWHERE_SQL, bounds)
            twins = self._twins(cursor, bounds)
            starts = {key[0]: start for key, (_, start) in twins.items()}
            for rules in self._rules:
                if rules.naming_attribute is not None:
                    named = {**bounds, "name": rules.naming_attribute}
                    starts |= dict(cursor.execute(TO_JOIN_SQL, named).fetchall())
        if elsewhere:
            with self._database.transaction() as cursor:
                self._note(cursor, _take_project(cursor, elsewhere, after), upto)
        self._follow_late(bounds)
        if starts:
            with self._database.transaction() as cursor:
                places = {key: one for key, (one, _) in twins.items()}
                self._note(cursor, self._join(cursor, starts, places, after), upto)
        return bool(starts)

    def _note(self, cursor: duckdb.DuckDBPyConnection, trace_ids: set[str], upto: int) -> None:
        if trace_ids and self._database.outbox is not None:
            self._database.outbox.note_traces(cursor, RAW, sorted(trace_ids), upto)

    def _follow_late(self, bounds: Mapping[str, int]) -> None:
        """Let log records follow that came after their spans were moved."""
        with self._database.cursor() as cursor:
            late = cursor.execute(LATE_LOGS_SQL, dict(bounds)).fetchall()
        if late:
            names = ("trace_id", "span_id", "to_trace_id", "to_span_id")
            moved = [dict(zip(names, row, strict=True)) for row in late]
            with self._database.transaction() as cursor:
                register(cursor, "moves", pa.Table.from_pylist(moved, _MOVES))
                _follow_logs(cursor)
                unregister(cursor, "moves")
                left_and_joined = {trace_id for row in late for trace_id in (row[0], row[2])}
                self._note(cursor, left_and_joined, bounds["upto"])

    def _twins(
        self, cursor: duckdb.DuckDBPyConnection, bounds: Mapping[str, int]
    ) -> dict[Key, tuple[RecordPlace, int]]:
        """Return the places of spans that records tell of, too, with the spans' starts."""
        found: dict[Key, tuple[RecordPlace, int]] = {}
        for rules in self._rules:
            if rules.twin_scopes is None:
                continue
            named: dict[str, Any] = {**bounds, "scopes": rules.twin_scopes}
            times = cursor.execute(TWIN_BOUNDS_SQL, named).fetchone()
            if times is None or times[0] is None:
                continue
            del named["upto"]
            named |= {"first": times[0] - 1000, "last": unix_nano.later(times[1], 1000)}
            named["vendor"] = rules.vendor
            taken: set[Key] = set()  # of two spans that are as near to a record one is its twin
            for trace_id, span_id, *place, start in cursor.execute(TWINS_SQL, named).fetchall():
                target = (place[0], place[1])
                if (trace_id, span_id) not in found and target not in taken:
                    found[trace_id, span_id] = RecordPlace(*place), start
                    taken.add(target)
        return found

    def _join(
        self,
        cursor: duckdb.DuckDBPyConnection,
        starts: Mapping[str, int],
        twins: Mapping[Key, RecordPlace],
        after: int,
    ) -> set[str]:
        """Move spans; return the traces that they leave and those that they join."""
        _register_sent(cursor, starts)
        before = cursor.execute(JOINED_BEFORE_SQL).fetchall()
        moved: dict[Key, Key] = {(row[0], row[1]): (row[2], row[3]) for row in before}
        moved |= {key: (one.trace_id, one.span_id) for key, one in twins.items()}
        first = min([*starts.values(), *(row[4] for row in before)]) - SLACK_NS
        rows = rows_of(cursor, SENT_SQL, {"first": max(first, 0)})
        unregister(cursor, "sent")
        places = moves((self._sent(row) for row in rows), moved)
        going = [row for row in rows if _ids(row) in places]
        return _move(cursor, going, places, after) if going else set()

    def _sent(self, row: Row) -> SentSpan:
        attributes = dict(row["attributes"])
        found = (
            rules.place(attributes, row["span_id"])
            for rules in self._rules
            if rules.naming_attribute in attributes
        )
        place = next((one for one in found if one is not None), None)
        return SentSpan(row["trace_id"], row["span_id"], row["parent_span_id"], place)


def _register_sent(cursor: duckdb.DuckDBPyConnection, trace_ids: Iterable[str]) -> None:
    register(cursor, "sent", pa.table({"trace_id": pa.array(sorted({*trace_ids}), _S)}))


def _take_project(cursor: duckdb.DuckDBPyConnection, joined: Sequence[Row], after: int) -> set[str]:
    """Give spans that joined a trace before its root came the project of the root.

    Returns their traces.
    """
    _register_sent(cursor, (row["trace_id"] for row in joined))
    first = min(row["start_time_unix_nano"] for row in joined)
    keys = {_key(row) for row in joined}
    rows = [row for row in rows_of(cursor, SENT_SQL, {"first": first}) if _key(row) in keys]
    unregister(cursor, "sent")
    if not rows:
        return set()
    places = {_ids(row): RecordPlace(*_ids(row), row["parent_span_id"]) for row in rows}
    return _move(cursor, rows, places, after)


def _move(
    cursor: duckdb.DuckDBPyConnection,
    going: Sequence[Row],
    places: Mapping[Key, RecordPlace],
    after: int,
) -> set[str]:
    """Move spans to their places, and what else names them; of two in one place one stays.

    They take the project of the trace that they join, where its root is here. Returns the traces
    that they leave, and those that they join.
    """
    starts = [row["start_time_unix_nano"] for row in going]
    bounds = {"first": min(starts) - 1000, "last": unix_nano.later(max(starts), 1000)}
    projects = _projects(cursor, {places[_ids(row)].trace_id for row in going}, after)
    moved = [_moved(row, places[_ids(row)], projects) for row in going]
    register(cursor, "moves", pa.Table.from_pylist(moved, _MOVES))
    targets = {
        _key(row): (to["to_project"], to["to_trace_id"], to["to_span_id"])
        for row, to in zip(going, moved, strict=True)
    }
    doomed = _doomed(rows_of(cursor, OCCUPIED_SQL, bounds), going, targets)
    if doomed:
        replaced.delete(cursor, _keys(doomed), bounds)
    _follow(cursor, bounds)
    unregister(cursor, "moves")
    changed = {one[1] for pair in targets.items() for one in pair}
    _rederive(cursor, changed)
    return changed


def _projects(cursor: duckdb.DuckDBPyConnection, trace_ids: set[str], after: int) -> dict[str, str]:
    """Return the project of each trace whose root is here."""
    register(cursor, "joined", pa.table({"trace_id": pa.array(sorted(trace_ids), _S)}))
    projects: dict[str, str] = dict(cursor.execute(PROJECTS_SQL, {"after": after}).fetchall())
    unregister(cursor, "joined")
    return projects


def _follow(cursor: duckdb.DuckDBPyConnection, bounds: Mapping[str, int]) -> None:
    """Carry the moves out: of the spans, of what is theirs, and of their log records."""
    cursor.execute(MOVE_SPANS_SQL, dict(bounds))
    for table in CHILDREN:
        cursor.execute(
            f"update {table} set {MOVED} from moves m"  # noqa: S608  # our own names
            f" where {table}.start_time between make_timestamptz($first // 1000)"
            f" and make_timestamptz($last // 1000) and {table}.project = m.project"
            f" and {table}.trace_id = m.trace_id and {table}.span_id = m.span_id",
            dict(bounds),
        )
    cursor.execute(MOVE_JOINED_SQL)
    cursor.execute(NOTE_JOINED_SQL)
    _follow_logs(cursor)


def _follow_logs(cursor: duckdb.DuckDBPyConnection) -> None:
    for table in (
        "log_records",
        "x_log_chunks",
        "x_log_references",
    ):  # their project stays: one sent again is known by it
        cursor.execute(
            f"update {table} set {MOVED_LOGS} from moves m"  # noqa: S608  # our own names
            f" where {table}.trace_id = m.trace_id and {table}.span_id = m.span_id"
        )


def _doomed(
    occupied: Iterable[Row], going: Sequence[Row], targets: Mapping[SpanKey, SpanKey]
) -> list[SpanKey]:
    """Return those that go: of each place all but the most complete, of equals all but the first.

    Those that stand where they are moved to count, too, unless they are moved away themselves.
    """
    best: dict[SpanKey, tuple[Completeness, SpanKey]] = {}
    doomed: list[SpanKey] = []
    standing = (
        (_key(row), (row["is_record"], row["end_time_unix_nano"], row["attribute_count"]))
        for row in occupied
        if _key(row) not in targets
    )
    coming = (
        (_key(row), (False, row["end_time_unix_nano"], row["attribute_count"])) for row in going
    )
    for key, complete in (*standing, *coming):
        target = targets.get(key, key)
        if target not in best:
            best[target] = (complete, key)
        elif complete > best[target][0]:
            doomed.append(best[target][1])
            best[target] = (complete, key)
        else:
            doomed.append(key)
    return doomed


def _key(row: Row) -> SpanKey:
    return row["project"], row["trace_id"], row["span_id"]


def _ids(row: Row) -> Key:
    return row["trace_id"], row["span_id"]


def _moved(row: Row, place: RecordPlace, projects: Mapping[str, str]) -> Row:
    return {
        **{name: row[name] for name in ("project", "trace_id", "span_id", "start_time_unix_nano")},
        "to_project": projects.get(place.trace_id, row["project"]),
        "to_trace_id": place.trace_id,
        "to_span_id": place.span_id,
        "to_parent_span_id": place.parent_span_id,
    }


def _keys(keys: Sequence[SpanKey]) -> pa.Table:
    names = ("project", "trace_id", "span_id")
    return pa.table({name: pa.array([key[i] for key in keys], _S) for i, name in enumerate(names)})


def _rederive(cursor: duckdb.DuckDBPyConnection, trace_ids: set[str]) -> None:
    register(cursor, "moved", pa.table({"trace_id": pa.array(sorted(trace_ids), _S)}))
    cursor.execute(
        "insert into x_traces_to_rederive select trace_id from moved"
        " where trace_id not in (select trace_id from x_traces_to_rederive)"
    )
    unregister(cursor, "moved")
