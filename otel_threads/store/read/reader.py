"""Reads threads, turns, messages, traces and spans for services/threads.py.

Every call has a cursor of its own, a time limit, and a total order. Absent values are None.
"""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from operator import itemgetter
from typing import Any

import duckdb
import orjson
import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads import unix_nano
from otel_threads.core import model
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.issue import FailedTurn
from otel_threads.core.message import Json
from otel_threads.core.ports import ThreadKey
from otel_threads.core.project import Project
from otel_threads.core.score import Score
from otel_threads.core.span import Span, SpanEvent, SpanLink, SpanLog
from otel_threads.core.stats import ThreadStats, TraceStats
from otel_threads.core.status import (
    ClockSkew,
    DoubleReport,
    Instrumentation,
    PlaceholderId,
    RowCounts,
)
from otel_threads.core.thread import Thread
from otel_threads.core.turn import Turn, TurnOutline
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister
from otel_threads.database.database import Database, dictionaries
from otel_threads.database.list_parameters import json_list
from otel_threads.decode import values
from otel_threads.decode.attributes import ENTRIES_MAX
from otel_threads.evaluate.conversation import Ranges
from otel_threads.retry import retried
from otel_threads.store.derived import turn_chunks
from otel_threads.store.read import list_query, stored_items
from otel_threads.store.read import stats_queries as stats
from otel_threads.store.read.list_query import THREADS, TRACES, Listing, Selection
from otel_threads.store.read.stored_items import (
    Place,
    StoredCall,
    StoredSpan,
    StoredThread,
    StoredTrace,
)
from otel_threads.store.spans import otlp, span_rows
from otel_threads.store.spans.content import Content, Key, content_of
from otel_threads.store.spans.texts import log_chunks

Row = dict[str, Any]

GET_THREAD_SQL = sql_files.query("get_thread")
THREAD_PROJECTS_SQL = sql_files.query("thread_projects")
TRACE_PROJECTS_SQL = sql_files.query("trace_projects")
SIMILAR_THREADS_SQL = sql_files.query("similar_threads")
TURN_OUTLINE_SQL = sql_files.query("turn_outline")
LAST_ERRORS_SQL = sql_files.query("last_errors")
THREAD_BOUNDS_SQL = sql_files.query("thread_bounds")
TRACE_START_SQL = sql_files.query("trace_start")
GET_TRACE_SQL = sql_files.query("get_trace")
LIST_TURNS_SQL = sql_files.query("list_turns")
TRACE_TURNS_SQL = sql_files.query("trace_turns")
TURNS_WITHOUT_THREAD_SQL = sql_files.query("turns_without_thread")
TRACE_THREADS_MAX = 100  # a batch job's trace may hold thousands; its turns are listed by thread
TURNS_OF_THREADS_SQL = sql_files.query("turns_of_threads")
MESSAGES_OF_THREADS_SQL = sql_files.query("messages_of_threads")
THREAD_MESSAGES_SQL = sql_files.query("thread_messages")
TRACE_MESSAGES_SQL = sql_files.query("trace_messages")
TRACE_CALLS_SQL = sql_files.query("trace_calls")
TRACE_SPANS_SQL = sql_files.query("trace_spans")
TRACE_CONTENT_SQL = sql_files.query("trace_content")
TRACE_EVENTS_SQL = sql_files.query("trace_events")
TRACE_LINKS_SQL = sql_files.query("trace_links")
TRACE_LOGS_SQL = sql_files.query("trace_logs")
TRACE_LOG_CHUNKS_SQL = sql_files.query("trace_log_chunks")
TRACE_LOG_REFERENCES_SQL = sql_files.query("trace_log_references")
PROJECTS_SQL = sql_files.query("projects")
PROJECT_NAMES_SQL = sql_files.query("project_names")
STATUS_SQL = sql_files.query("status")
PROJECT_RANGES_SQL = sql_files.query("project_ranges")
FAILED_TURNS_SQL = sql_files.query("failed_turns")
INSTRUMENTATIONS_SQL = sql_files.query("instrumentations")
PLACEHOLDER_IDS_SQL = sql_files.query("placeholder_ids")
DOUBLE_REPORTS_SQL = sql_files.query("double_reports")
CLOCK_SKEW_SQL = sql_files.query("clock_skew")
DOCTOR_SPANS_MAX = 200_000  # the latest; more would say the same, later


class Reader:
    """Questions to the store. Any number of threads may share it."""

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        self._database = database
        self._timeout_s = timeout_s

    def snapshot(self) -> AbstractContextManager[object]:
        """Return a context in which all queries of this thread read one snapshot."""
        return self._database.reading(self._timeout_s)

    @retried
    def threads(
        self,
        selection: Selection,
        *,
        sort: str | None,
        limit: int,
        after: Sequence[Place] | None = None,
        offset: int = 0,
    ) -> list[StoredThread]:
        """Return a page of a selection, in the order of `sort`, else of the keys.

        It begins after a place, or so many items after the first.

        Raises:
            InvalidQuery: there is no such field to sort by.
        """
        text, parameters = list_query.page(THREADS, selection, sort=sort, after=after)
        rows = self._rows(text, {**parameters, "limit": limit, "offset": offset})
        return [stored_items.stored_thread(row) for row in rows]

    @retried
    def thread_ids(self, selection: Selection, *, limit: int) -> list[str]:
        """Return the ids of a selection of one project, those that began first."""
        text, parameters = list_query.ids(THREADS, selection, "first_activity_time")
        return [row["id"] for row in self._rows(text, {**parameters, "limit": limit})]

    @retried
    def traces(
        self,
        selection: Selection,
        *,
        sort: str | None,
        limit: int,
        after: Sequence[Place] | None = None,
        offset: int = 0,
    ) -> list[StoredTrace]:
        """As `threads`."""
        with self._database.reading(self._timeout_s) as cursor:
            if selection.thread_id and selection.project:
                named = {"project": selection.project, "thread_id": selection.thread_id}
                bounds = query_rows(cursor, THREAD_BOUNDS_SQL, named)
                if not bounds:
                    return []
                selection = dataclasses.replace(selection, **bounds[0])
            text, parameters = list_query.page(TRACES, selection, sort=sort, after=after)
            rows = query_rows(cursor, text, {**parameters, "limit": limit, "offset": offset})
        return [stored_items.stored_trace(row) for row in rows]

    @retried
    def count(self, listing: Listing, selection: Selection) -> int:
        """Return how many items a selection has."""
        text, parameters = list_query.count(listing, selection)
        return int(self._rows(text, parameters)[0]["found"])

    @retried
    def thread_stats(self, selection: Selection, *, interval: str | None) -> ThreadStats:
        """Return statistics over threads, with a series where an interval is named."""
        return stats.thread_stats(
            self._database, selection, interval=interval, timeout_s=self._timeout_s
        )

    @retried
    def trace_stats(self, selection: Selection, *, interval: str | None) -> TraceStats:
        """Return statistics over traces, with a series where an interval is named."""
        return stats.trace_stats(
            self._database, selection, interval=interval, timeout_s=self._timeout_s
        )

    def thread(self, project: str, thread_id: str) -> StoredThread | None:
        """Return one thread, None when it is not here."""
        found = self._rows(GET_THREAD_SQL, {"project": project, "thread_id": thread_id})
        return stored_items.stored_thread(found[0]) if found else None

    def thread_projects(self, thread_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the projects that have some threads, by the thread's id."""
        if not thread_ids:
            return {}
        return _by_id(self._rows(THREAD_PROJECTS_SQL, {"ids": json_list(thread_ids)}))

    def trace_projects(self, trace_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the projects that have some traces, by the trace's id."""
        if not trace_ids:
            return {}
        keys = json_list(span_rows.trace_key(one) for one in trace_ids)
        named = {"trace_keys": keys, "trace_ids": json_list(trace_ids)}
        return _by_id(self._rows(TRACE_PROJECTS_SQL, named))

    def similar_threads(self, thread_id: str) -> list[ThreadKey]:
        """Return up to three threads whose ids resemble one, the most alike first."""
        sizes = {"length_min": len(thread_id) - 3, "length_max": len(thread_id) + 3}
        found = self._rows(SIMILAR_THREADS_SQL, {"thread_id": thread_id, **sizes})
        return [(row["project"], row["thread_id"]) for row in found]

    def trace(self, trace_id: str, *, project: str | None, default: str) -> StoredTrace | None:
        """Return one trace, None when it is not here.

        A trace that was sent to several projects is in each of them; without a name, the default
        project's comes first.
        """
        key = {"trace_key": span_rows.trace_key(trace_id)}
        with self._database.reading(self._timeout_s) as cursor:
            start = query_rows(cursor, TRACE_START_SQL, key)[0]
            if start["first"] is None:
                return None
            found = query_rows(cursor, GET_TRACE_SQL, {"trace_id": trace_id, **key, **start})
        if project is not None:
            found = [row for row in found if row["project"] == project]
        first = min(found, key=lambda t: (t["project"] != default, t["project"]), default=None)
        return stored_items.stored_trace(first) if first else None

    def turns(self, project: str, thread_id: str, *, after: int, limit: int) -> list[Turn] | None:
        """Return turns without scores, oldest first, from the one after `after` on.

        None when there is no such thread.
        """
        named = {"project": project, "thread_id": thread_id}
        with self._database.reading(self._timeout_s) as cursor:
            bounds = query_rows(cursor, THREAD_BOUNDS_SQL, named)
            if not bounds:
                return None
            asked = {**named, **bounds[0], "after": after, "limit": limit}
            turns = query_rows(cursor, LIST_TURNS_SQL, asked)
            if turns:
                _attach(
                    cursor, turns, query_rows(cursor, THREAD_MESSAGES_SQL, named | _span_of(turns))
                )
        return [stored_items.turn(row) for row in turns]

    def outline(self, project: str, thread_id: str, search: str) -> list[TurnOutline] | None:
        """Return a line for each turn without its scores, oldest first.

        None when there is no such thread.
        """
        named = {"project": project, "thread_id": thread_id}
        with self._database.reading(self._timeout_s) as cursor:
            bounds = query_rows(cursor, THREAD_BOUNDS_SQL, named)
            if not bounds:
                return None
            asked = {**named, **bounds[0], "search": search.lower()}
            rows = query_rows(cursor, TURN_OUTLINE_SQL, asked)
        return [TurnOutline(**row, scores={}) for row in rows]

    def last_errors(self, threads: Sequence[StoredThread]) -> dict[ThreadKey, str]:
        """Return what failed last in each of some threads in which something did."""
        failed = [one for one in threads if one.row["error_count"]]
        if not failed:
            return {}
        bounds = {
            "first": unix_nano.of_time(min(one.row["first_activity_time"] for one in failed)),
            "last": unix_nano.end_of(max(one.row["last_activity_time"] for one in failed)),
        }
        projects, ids = zip(*(one.key for one in failed), strict=True)
        wanted = {
            "project": pa.array(projects, pa.string()),
            "thread_id": pa.array(ids, pa.string()),
        }
        with self._database.reading(self._timeout_s) as cursor:
            register(cursor, "wanted", pa.table(wanted))
            rows = query_rows(cursor, LAST_ERRORS_SQL, bounds)
            unregister(cursor, "wanted")
        return {(row["project"], row["thread_id"]): row["error"] for row in rows}

    def ranges(self, project: str) -> Ranges:
        """Return what is usual in a project; None where it has too little to say."""
        return Ranges(**self._rows(PROJECT_RANGES_SQL, {"project": project})[0])

    def turns_of(
        self, threads: Sequence[Thread] | Sequence[StoredThread], *, with_messages: bool = True
    ) -> dict[ThreadKey, list[Turn]]:
        """Return all turns, without scores, of some threads, oldest first, by project and id."""
        keys = [(thread.project, thread.thread_id) for thread in threads]
        bounds = {
            "first": unix_nano.of_time(min(one.first_activity_time for one in threads)),
            "last": unix_nano.end_of(max(one.last_activity_time for one in threads)),
        }
        with self._database.reading(self._timeout_s) as cursor:
            projects, ids = (pa.array(column, pa.string()) for column in zip(*keys, strict=True))
            register(cursor, "wanted", pa.table({"project": projects, "thread_id": ids}))
            turns = _by_thread(query_rows(cursor, TURNS_OF_THREADS_SQL, bounds))
            messages: dict[ThreadKey, list[Row]] = {}
            if with_messages:
                messages = _by_thread(query_rows(cursor, MESSAGES_OF_THREADS_SQL, bounds))
            unregister(cursor, "wanted")
            for key, some in turns.items():
                some.sort(key=itemgetter("turn_index"))
                _attach(cursor, some, messages.get(key, ()))
        return {key: [stored_items.turn(row) for row in some] for key, some in turns.items()}

    def trace_turns(self, stored: StoredTrace) -> list[Turn]:
        """Return the turns, without scores, that a trace is part of, oldest first."""
        trace = stored.row
        named = {
            "trace_id": trace["trace_id"],
            "project": trace["project"],
            "first": trace["start_time_unix_nano"],
            "last": trace["end_time_unix_nano"],
        }
        with self._database.reading(self._timeout_s) as cursor:
            turns: list[Row] = []
            for thread_id in trace["thread_ids"][:TRACE_THREADS_MAX]:
                some = query_rows(cursor, TRACE_TURNS_SQL, {**named, "thread_id": thread_id})
                if some:
                    key = {"project": trace["project"], "thread_id": thread_id}
                    _attach(
                        cursor, some, query_rows(cursor, THREAD_MESSAGES_SQL, key | _span_of(some))
                    )
                turns += some
            if len(turns) < trace["turn_count"]:  # each part of a trace is of a turn of its own
                without_thread = query_rows(cursor, TURNS_WITHOUT_THREAD_SQL, named)
                if without_thread:
                    _attach(cursor, without_thread, query_rows(cursor, TRACE_MESSAGES_SQL, named))
                turns += without_thread
        turns.sort(key=lambda t: (t["start_time_unix_nano"], t["thread_id"] or "", t["turn_index"]))
        return [stored_items.turn(row) for row in turns]

    def spans(self, trace: StoredTrace) -> list[StoredSpan]:
        """Return the spans of a trace in order of arrival."""
        raw, content, parts = self._stored(trace.row)
        return [stored_span(row, content, parts) for row in raw]

    def trace_calls(self, stored: StoredTrace) -> dict[str, StoredCall]:
        """Return the model requests of a trace by the span that they stand at."""
        trace = stored.row
        named = {
            "trace_id": trace["trace_id"],
            "first": trace["start_time_unix_nano"],
            "last": trace["end_time_unix_nano"],
        }
        calls = _of_copy(trace, self._rows(TRACE_CALLS_SQL, named))
        return {row["span_id"]: stored_items.stored_call(row) for row in calls}

    def otlp(self, trace: StoredTrace) -> ExportTraceServiceRequest:
        """Return the spans of a trace as a request that would store them again."""
        return otlp.request(*self._stored(trace.row))

    def _stored(self, trace: Row) -> tuple[list[Row], Content, dict[str, dict[Key, list[Row]]]]:
        first = {"first": trace["start_time_unix_nano"], "last": trace["end_time_unix_nano"]}
        named = {"trace_id": trace["trace_id"]}
        with self._database.reading(self._timeout_s) as cursor:
            raw = _of_copy(trace, query_rows(cursor, TRACE_SPANS_SQL, named | first))
            raw.sort(key=itemgetter("ingest_seq", "start_time_unix_nano", "span_id"))
            events = query_rows(cursor, TRACE_EVENTS_SQL, named | first)
            content: Content = {}
            if any(_is_elsewhere(row["attributes"]) for row in (*raw, *events)):
                content, _ = content_of(cursor, TRACE_CONTENT_SQL, named | first)
            parts = {"events": _by_span(events), "links": {}, "logs": {}}
            if self._database.holds_rows(cursor, "span_links"):
                parts["links"] = _by_span(query_rows(cursor, TRACE_LINKS_SQL, named | first))
            if self._database.holds_rows(cursor, "log_records"):
                logs = query_rows(cursor, TRACE_LOGS_SQL, named)
                apart = log_chunks(cursor, TRACE_LOG_CHUNKS_SQL, TRACE_LOG_REFERENCES_SQL, named)
                span_rows.fill_logs(logs, apart)
                parts["logs"] = _by_span(logs)
        return raw, content, parts

    @retried
    def projects(self) -> list[Project]:
        """Return every project with counts, the most recently active first."""
        return [Project(**row) for row in self._rows(PROJECTS_SQL, {})]

    @retried
    def project_names(self) -> list[str]:
        """Return the names of all projects, in their order."""
        return [row["project"] for row in self._rows(PROJECT_NAMES_SQL, {})]

    @retried
    def counts(self) -> RowCounts:
        """Return how many spans, traces, threads and turns there are."""
        return RowCounts(**self._rows(STATUS_SQL, {})[0])

    @retried
    def failed_turns(
        self, project: str | None, since: datetime.datetime, turns_max: int
    ) -> list[FailedTurn]:
        """Return the latest turns since then that failed in some way, the latest first.

        None asks for those of all projects.
        """
        named = {"project": project, "since": since, "turns_max": turns_max}
        return [FailedTurn(**row) for row in self._rows(FAILED_TURNS_SQL, named)]

    def instrumentations(self) -> list[Instrumentation]:
        """Return which scopes sent the latest spans, and how their traces got a thread."""
        found = self._rows(INSTRUMENTATIONS_SQL, {"spans_max": DOCTOR_SPANS_MAX})
        return [Instrumentation(**row) for row in found]

    def placeholder_ids(self, names: Sequence[str], none: str, shared: str) -> list[PlaceholderId]:
        """Return values of attributes, where no id or everybody's is. Both are RE2 patterns."""
        found = self._rows(
            PLACEHOLDER_IDS_SQL,
            {
                "spans_max": DOCTOR_SPANS_MAX,
                "names": orjson.dumps(list(names)).decode(),
                "none": none,
                "shared": shared,
            },
        )
        return [PlaceholderId(**row) for row in found]

    def double_reports(self) -> list[DoubleReport]:
        """Return pairs of scopes that report the same model requests."""
        found = self._rows(DOUBLE_REPORTS_SQL, {"spans_max": DOCTOR_SPANS_MAX})
        return [DoubleReport(**row) for row in found]

    def clock_skew(self) -> list[ClockSkew]:
        """Return pairs of services whose clocks differ by more than a second."""
        found = self._rows(CLOCK_SKEW_SQL, {"spans_max": DOCTOR_SPANS_MAX})
        return [ClockSkew(**row) for row in found]

    def _rows(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        with self._database.reading(self._timeout_s) as cursor:
            return query_rows(cursor, text, parameters)


def query_rows(
    cursor: duckdb.DuckDBPyConnection, text: str, parameters: Mapping[str, Any]
) -> list[Row]:
    """Return what a query finds, a dictionary a row.

    Raises:
        InvalidQuery: a value cannot be compared as the query does.
    """
    try:
        cursor.execute(text, dict(parameters))
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise InvalidQuery(f"a value cannot be compared so: {str(error)[:200]}") from None
    return dictionaries(cursor)


def _is_elsewhere(attributes: Mapping[str, str | None]) -> bool:
    """Return whether some of it is in span_content."""
    return None in attributes.values() or len(attributes) >= ENTRIES_MAX


def _of_copy(trace: Row, found: list[Row]) -> list[Row]:
    """Return the rows of this copy of a trace, where it was sent to several projects."""
    if not trace["is_copy"]:
        return found
    return [row for row in found if row["project"] == trace["project"]]


def _span_of(turns: Sequence[Row]) -> Row:
    """Return which turns these are, and when they began, to find their messages by."""
    starts = [turn["start_time_unix_nano"] for turn in turns]
    indexes = [turn["turn_index"] for turn in turns]
    return {"from": min(indexes), "upto": max(indexes), "first": min(starts), "last": max(starts)}


def _attach(
    cursor: duckdb.DuckDBPyConnection, turns: Sequence[Row], messages: Sequence[Row]
) -> None:
    by_turn: dict[int, list[Row]] = {}
    for message in messages:
        by_turn.setdefault(message["turn_index"], []).append(message)
    for turn in turns:
        found = by_turn.get(turn["turn_index"], [])
        turn["messages"] = sorted(found, key=itemgetter("message_index"))
    turn_chunks.fill(cursor, turns)


def _bare_span(row: Row, attributes: Json) -> model.Span:
    """Return what Tree needs of a span."""
    return model.Span(
        project=row["project"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"],
        name=row["name"],
        start_unix_nano=row["start_time_unix_nano"],
        end_unix_nano=row["end_time_unix_nano"],
        status_code=row["status_code"],
        status_message=row["status_message"],
        service_name=row["service_name"],
        scope_name=row["scope_name"],
        scope_version=row["scope_version"],
        attributes=attributes,
        resource={},
    )


def _by_thread(found: Sequence[Row]) -> dict[ThreadKey, list[Row]]:
    grouped: dict[ThreadKey, list[Row]] = {}
    for row in found:
        grouped.setdefault((row["project"], row["thread_id"]), []).append(row)
    return grouped


def _by_id(found: Sequence[Row]) -> dict[str, list[str]]:
    """Return the projects of rows by their ids."""
    projects: dict[str, list[str]] = {}
    for row in found:
        projects.setdefault(row["id"], []).append(row["project"])
    return projects


def _by_span(found: Sequence[Row]) -> dict[Key, list[Row]]:
    grouped: dict[Key, list[Row]] = {}
    for row in found:
        grouped.setdefault((row["project"], row["trace_id"], row["span_id"]), []).append(row)
    return grouped


def stored_span(
    row: Row, content: Content, parts: Mapping[str, Mapping[Key, Sequence[Row]]]
) -> StoredSpan:
    """Return a span with whole, typed attributes; bytes are base64."""
    key = (row["project"], row["trace_id"], row["span_id"])
    long = content.get(key, ())
    extras: Row = orjson.loads(row["extras"] or "{}")
    attributes = _typed(row["attributes"], row["attribute_types"], None, long)
    events, links, logs = (parts[part].get(key, ()) for part in ("events", "links", "logs"))

    def whole(depth: int, kind: str | None, call: StoredCall, scores: list[Score]) -> Span:
        return Span(
            **{name: row[name] for name in _PLAIN},
            **_EXTRAS | {name: extras[name] for name in _EXTRAS if name in extras},
            **_call_fields(call),
            depth=depth,
            type=kind,
            attributes=attributes,
            resource_attributes=_plain_attributes(row, "resource_"),
            scope_attributes=_scope_attributes(extras),
            events=[_event(one, long) for one in events],
            links=[_link(one) for one in links],
            logs=[_log(one) for one in logs],
            scores=scores,
        )

    return StoredSpan(bare=_bare_span(row, attributes), whole=whole)


def _call_fields(call: StoredCall) -> Row:
    return {field.name: getattr(call, field.name) for field in dataclasses.fields(call)}


def _scope_attributes(extras: Row) -> Json:
    return {
        name: values.plain(text, letter)
        for name, (text, letter) in extras.get("scope_attributes", {}).items()
    }


def _event(row: Row, long: Sequence[tuple[int | None, str, str]]) -> SpanEvent:
    return SpanEvent(
        name=row["name"],
        time_unix_nano=row["time_unix_nano"],
        attributes=_typed(row["attributes"], row["attribute_types"], row["event_index"], long),
    )


def _link(row: Row) -> SpanLink:
    return SpanLink(
        trace_id=row["linked_trace_id"],
        span_id=row["linked_span_id"],
        trace_state=row["trace_state"],
        attributes=_plain_attributes(row),
    )


def _log(row: Row) -> SpanLog:
    return SpanLog(
        event_name=row["event_name"],
        time=row["time"],
        body=values.plain(row["body"], row["body_type"]),
        attributes=_plain_attributes(row),
    )


def _plain_attributes(row: Row, prefix: str = "") -> Json:
    """Return attributes of which none is stored separately."""
    return _typed(row[f"{prefix}attributes"], row[f"{prefix}attribute_types"], None, ())


_PLAIN = (
    "project",
    "trace_id",
    "span_id",
    "parent_span_id",
    "flags",
    "name",
    "kind",
    "start_time",
    "start_time_unix_nano",
    "end_time_unix_nano",
    "duration_ms",
    "status_code",
    "status_message",
    "service_name",
    "scope_name",
    "scope_version",
    "received_at",
)
_EXTRAS: Row = {
    "trace_state": "",
    "dropped_attributes_count": 0,
    "dropped_events_count": 0,
    "dropped_links_count": 0,
}


def _typed(
    attributes: Mapping[str, str | None],
    types: str,
    event_index: int | None,
    long: Sequence[tuple[int | None, str, str]],
) -> Row:
    apart = {key: value for index, key, value in long if index == event_index}
    pairs, types = span_rows.with_more([*attributes.items()], types, apart)
    return {
        key: values.plain(text if text is not None else apart.get(key), letter)
        for (key, text), letter in zip(pairs, types, strict=True)
    }
