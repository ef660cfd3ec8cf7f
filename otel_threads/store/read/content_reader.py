"""Reads many traces and spans at once with what their attributes hold, for `services/contents.py`.

Of most spans a caller needs a few short attributes, of the root the whole: long values of the
others stay where they are.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads import unix_nano
from otel_threads.core.ports import ThreadKey
from otel_threads.core.stats import CostStats, ItemMeans, SpanStats, Spread
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister
from otel_threads.database.database import Database
from otel_threads.database.list_parameters import json_list
from otel_threads.retry import retried
from otel_threads.store.read import list_query, stored_items
from otel_threads.store.read.list_query import SPANS, Listing, Selection
from otel_threads.store.read.reader import TRACE_START_SQL, query_rows, stored_span
from otel_threads.store.read.stored_items import (
    Place,
    StoredCall,
    StoredSpan,
    StoredThread,
    StoredTrace,
)
from otel_threads.store.spans import span_rows
from otel_threads.store.spans.content import Content, Key, content_of

PAGE_SPANS_SQL = sql_files.query("page_spans")
LISTED_SPANS_SQL = sql_files.query("listed_spans")
PAGE_CONTENT_SQL = sql_files.query("page_content")
PAGE_CALLS_SQL = sql_files.query("page_calls")
THREAD_ENDS_SQL = sql_files.query("thread_ends")
JOINED_TRACES_SQL = sql_files.query("joined_traces")
FIND_SPANS_SQL = sql_files.query("find_spans")
THREADS_BY_DIGEST_SQL = sql_files.query("threads_by_digest")
SPAN_STATS_SQL = sql_files.query("span_stats")
SPAN_SCORES_SQL = sql_files.query("span_score_means")
MEANS_SQL = sql_files.query("item_means")
PROJECT_NAMES_SQL = sql_files.query("project_names")

Row = dict[str, Any]
SpanKey = tuple[str, str]  # trace_id, span_id
LATEST = 3  # traces of a thread, of which one may be the one that ended last
_S = pa.string()
_NO_PARTS: Mapping[str, Mapping[Key, Sequence[Row]]] = {
    "events": {},
    "links": {},
    "logs": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanPlace:
    """Where a span is. `record_id` is the UUID that an SDK gave it, None for a span of OTLP."""

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    start_unix_nano: int
    record_id: str | None
    row: Row  # for the store alone

    def place(self) -> list[Place]:
        """Return where it stands in a list by start time."""
        return [self.row["start_time"], self.trace_id, self.span_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadEnds:
    """The earliest trace of a thread, and those that ended last, the latest first: three at most.

    A trace that goes on has no end of its own: which one ended last is for who knows the roots.
    """

    first: StoredTrace
    latest: list[StoredTrace]


class ContentReader:
    """Questions to the store. Any number of threads may share it."""

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        self._database = database
        self._timeout_s = timeout_s

    @retried
    def spans_of(
        self, traces: Sequence[StoredTrace], names: Sequence[str]
    ) -> dict[tuple[str, str], list[StoredSpan]]:
        """Return all spans of some traces by project and trace id, without events and logs.

        Long attribute values are those of the root span, and of `names`; others are None.
        """
        if not traces:
            return {}
        roots = [(trace.trace_id, trace.row["root_span_id"]) for trace in traces]
        every = [(trace.trace_id, None) for trace in traces]
        found = self._spans(every, roots, names, _bounds(traces))
        return {trace.key: _own(trace, found.get(trace.trace_id, ())) for trace in traces}

    @retried
    def roots_of(self, traces: Sequence[StoredTrace]) -> dict[tuple[str, str], StoredSpan]:
        """Return the whole root span of some traces by project and trace id; none without one."""
        roots = [
            (trace.trace_id, trace.row["root_span_id"])
            for trace in traces
            if trace.row["root_span_id"] is not None
        ]
        if not roots:
            return {}
        found = self._spans(roots, roots, (), _bounds(traces))
        some = {trace.key: _own(trace, found.get(trace.trace_id, ())) for trace in traces}
        return {key: spans[0] for key, spans in some.items() if spans}

    def _spans(
        self,
        wanted: Sequence[tuple[str, str | None]],
        whole: Sequence[tuple[str, str | None]],
        names: Sequence[str],
        bounds: Mapping[str, int],
    ) -> dict[str, list[StoredSpan]]:
        """Return spans by trace id; `wanted` and `whole` are as page_spans.sql has them."""
        with self._database.reading(self._timeout_s) as cursor:
            register(cursor, "wanted", _pairs(wanted))
            register(cursor, "whole", _pairs(whole))
            raw = query_rows(cursor, PAGE_SPANS_SQL, bounds)
            content: Content = {}
            if any(None in row["attributes"].values() for row in raw):
                named = {**bounds, "names": json_list(names)}
                content, _ = content_of(cursor, PAGE_CONTENT_SQL, named)
            unregister(cursor, "wanted")
            unregister(cursor, "whole")
        found: dict[str, list[StoredSpan]] = {}
        for row in raw:
            found.setdefault(row["trace_id"], []).append(stored_span(row, content, _NO_PARTS))
        return found

    @retried
    def listed_spans(
        self, span_ids: Sequence[str], starts: Sequence[int]
    ) -> dict[tuple[str, str, str], StoredSpan]:
        """Return spans of some ids that began then, by project, trace id and span id.

        Long attribute values are None.
        """
        named = {"span_ids": json_list(span_ids), "starts": json_list(starts)}
        with self._database.reading(self._timeout_s) as cursor:
            raw = query_rows(cursor, LISTED_SPANS_SQL, named)
        return {
            (row["project"], row["trace_id"], row["span_id"]): stored_span(row, {}, _NO_PARTS)
            for row in raw
        }

    @retried
    def calls_of(self, traces: Sequence[str], bounds: tuple[int, int]) -> dict[SpanKey, StoredCall]:
        """Return the model requests of some traces by trace and span; `bounds` of their times."""
        if not traces:
            return {}
        with self._database.reading(self._timeout_s) as cursor:
            register(cursor, "wanted", pa.table({"trace_id": pa.array(traces, _S)}))
            named = {"first": bounds[0], "last": bounds[1]}
            rows = query_rows(cursor, PAGE_CALLS_SQL, named)
            unregister(cursor, "wanted")
        return {(row["trace_id"], row["span_id"]): stored_items.stored_call(row) for row in rows}

    @retried
    def ends_of(self, threads: Sequence[StoredThread]) -> dict[ThreadKey, ThreadEnds]:
        """Return the first and the last traces of some threads.

        A thread all of whose traces it shares with others has none.
        """
        if not threads:
            return {}
        wanted = {
            "project": pa.array([thread.project for thread in threads], _S),
            "thread_id": pa.array([thread.thread_id for thread in threads], _S),
        }
        named = {
            "first": unix_nano.of_time(min(one.row["first_activity_time"] for one in threads)),
            "last": unix_nano.end_of(max(one.row["last_activity_time"] for one in threads)),
        }
        with self._database.reading(self._timeout_s) as cursor:
            register(cursor, "wanted", pa.table(wanted))
            rows = query_rows(cursor, THREAD_ENDS_SQL, named)
            unregister(cursor, "wanted")
        grouped: dict[ThreadKey, list[Row]] = {}
        for row in rows:
            grouped.setdefault((row["project"], row["thread_id"]), []).append(row)
        return {
            key: ThreadEnds(
                first=stored_items.stored_trace(min(some, key=_begin)),
                latest=[
                    stored_items.stored_trace(row)
                    for row in sorted(some, key=_end, reverse=True)[:LATEST]
                ],
            )
            for key, some in grouped.items()
        }

    @retried
    def spans(
        self,
        selection: Selection,
        *,
        sort: str | None,
        limit: int,
        after: Sequence[Place] | None = None,
        offset: int = 0,
    ) -> list[StoredSpan]:
        """Return a page of spans, whole but for events, links and logs, in the order of `sort`.

        Raises:
            InvalidQuery: there is no such field to sort by.
        """
        with self._database.reading(self._timeout_s) as cursor:
            selection = _bounded(cursor, selection)
            text, parameters = list_query.page(SPANS, selection, sort=sort, after=after)
            raw = query_rows(cursor, text, {**parameters, "limit": limit, "offset": offset})
            content: Content = {}
            if any(None in row["attributes"].values() for row in raw):
                keys = [(row["trace_id"], row["span_id"]) for row in raw]
                register(cursor, "whole", _pairs(keys))
                starts = [row["start_time_unix_nano"] for row in raw]
                named = {"first": min(starts), "last": max(starts), "names": json_list(())}
                content, _ = content_of(cursor, PAGE_CONTENT_SQL, named)
                unregister(cursor, "whole")
        return [stored_span(row, content, _NO_PARTS) for row in raw]

    @retried
    def count_spans(self, selection: Selection) -> int:
        """Return how many spans a selection has."""
        with self._database.reading(self._timeout_s) as cursor:
            text, parameters = list_query.count(SPANS, _bounded(cursor, selection))
            return int(query_rows(cursor, text, parameters)[0]["found"])

    @retried
    def span_stats(self, selection: Selection) -> SpanStats:
        """Return how many spans there are, how long they took, what they cost, how many failed."""
        with self._database.reading(self._timeout_s) as cursor:
            where, parameters = SPANS.where(_bounded(cursor, selection))
            chosen = f"with chosen as (select * from {SPANS.annotated} spans where {where})"  # noqa: S608  # as in list_query
            row = query_rows(cursor, f"{chosen} {SPAN_STATS_SQL}", parameters)[0]
            scores = query_rows(cursor, f"{chosen} {SPAN_SCORES_SQL}", parameters)
        p50, p90, p99 = row["duration_ms"] or (None, None, None)
        return SpanStats(
            span_count=row["span_count"],
            error_count=row["error_count"],
            duration_ms=Spread(p50=p50, p90=p90, p99=p99, avg=None, max=None),
            time_to_first_token_ms_avg=row["time_to_first_token_ms_avg"],
            usage_sum=_known(row, "sum"),
            usage_avg=_known(row, "avg"),
            cost_usd=CostStats(sum=row["cost_usd_sum"], avg=row["cost_usd_avg"]),
            scores={one["name"]: one["value"] for one in scores},
        )

    @retried
    def means(self, listing: Listing, selection: Selection) -> ItemMeans:
        """Return what traces, or threads, have on the mean."""
        where, parameters = listing.where(selection)
        source = listing.annotated if listing.needs_annotated(selection) else listing.source
        text = f"with chosen as (select * from {source} {listing.item} where {where}) {MEANS_SQL}"  # noqa: S608  # as in list_query
        with self._database.reading(self._timeout_s) as cursor:
            return ItemMeans(**query_rows(cursor, text, parameters)[0])

    @retried
    def find_spans(self, span_ids: Sequence[str]) -> list[SpanPlace]:
        """Return where the spans of some ids are, in whatever traces, the latest first."""
        with self._database.reading(self._timeout_s) as cursor:
            rows = query_rows(cursor, FIND_SPANS_SQL, {"span_ids": json_list(span_ids)})
        return [
            SpanPlace(
                project=row["project"],
                trace_id=row["trace_id"],
                span_id=row["span_id"],
                parent_span_id=row["parent_span_id"],
                start_unix_nano=row["start_time_unix_nano"],
                record_id=row["record_id"],
                row=row,
            )
            for row in rows
        ]

    @retried
    def whole_spans(self, places: Sequence[SpanPlace]) -> list[StoredSpan]:
        """Return spans that were found, whole but for events, links and logs."""
        if not places:
            return []
        keys = [(place.trace_id, place.span_id) for place in places]
        starts = [place.start_unix_nano for place in places]
        found = self._spans(keys, keys, (), {"first": min(starts), "last": max(starts)})
        projects = {(place.project, place.trace_id, place.span_id) for place in places}
        return [
            span
            for spans in found.values()
            for span in spans
            if (span.bare.project, span.bare.trace_id, span.bare.span_id) in projects
        ]

    @retried
    def joined_traces(self, trace_ids: Collection[str]) -> set[str]:
        """Return those of some traces that spans of OTLP were moved into."""
        with self._database.reading(self._timeout_s) as cursor:
            if not self._database.holds_rows(cursor, "x_joined_spans"):
                return set()
            named = {"trace_ids": json_list(sorted(trace_ids))}
            return {row["trace_id"] for row in query_rows(cursor, JOINED_TRACES_SQL, named)}

    @retried
    def threads_by_digest(self, digests: Sequence[str]) -> list[ThreadKey]:
        """Return the threads that a hash of their name stands for (threads_by_digest.sql)."""
        named = {"digests": json_list(digests)}
        with self._database.reading(self._timeout_s) as cursor:
            rows = query_rows(cursor, THREADS_BY_DIGEST_SQL, named)
        return [(row["project"], row["thread_id"]) for row in rows]

    @retried
    def project_names(self) -> list[str]:
        """Return the projects that have traces, by name."""
        with self._database.reading(self._timeout_s) as cursor:
            return [row["project"] for row in query_rows(cursor, PROJECT_NAMES_SQL, {})]


def _known(row: Row, of: str) -> dict[str, Any]:
    """Return the tokens that are known, by their names."""
    names = ("input_tokens", "output_tokens", "total_tokens")
    return {name: found for name in names if (found := row[f"{name}_{of}"]) is not None}


def _pairs(keys: Sequence[tuple[str, str | None]]) -> pa.Table:
    """Return ids of traces and spans as a table."""
    unique = list(dict.fromkeys(keys))
    return pa.table(
        {
            "trace_id": pa.array([trace_id for trace_id, _ in unique], _S),
            "span_id": pa.array([span_id for _, span_id in unique], _S),
        }
    )


def _bounds(traces: Sequence[StoredTrace]) -> dict[str, int]:
    return {
        "first": min(trace.row["start_time_unix_nano"] for trace in traces),
        "last": max(trace.row["end_time_unix_nano"] for trace in traces),
    }


def _bounded(cursor: duckdb.DuckDBPyConnection, selection: Selection) -> Selection:
    """Return a selection of one trace's spans with the bounds of their start, for zone maps."""
    if selection.trace_id is None:
        return selection
    key = {"trace_key": span_rows.trace_key(selection.trace_id)}
    start = query_rows(cursor, TRACE_START_SQL, key)[0]
    return dataclasses.replace(selection, first=start["first"]) if start["first"] else selection


def _own(trace: StoredTrace, spans: Sequence[StoredSpan]) -> list[StoredSpan]:
    """Return the spans of this copy of a trace, where it was sent to several projects."""
    if not trace.row["is_copy"]:
        return list(spans)
    return [span for span in spans if span.bare.project == trace.project]


def _begin(row: Row) -> tuple[int, str]:
    return row["start_time_unix_nano"], row["trace_id"]


def _end(row: Row) -> tuple[int, str]:
    return row["end_time_unix_nano"], row["trace_id"]
