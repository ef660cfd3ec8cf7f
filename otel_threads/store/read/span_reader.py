"""Reads spans across traces for services/spans.py: pages by time, long values, trees."""

import dataclasses
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads import unix_nano
from otel_threads.core.span import ListedSpan, SpanKey, SpanPlace, SpanSelection, TreeSpan
from otel_threads.core.trace import Trace
from otel_threads.core.usage import Usage
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister
from otel_threads.database.database import Database, dictionaries
from otel_threads.database.list_parameters import json_list
from otel_threads.decode import values
from otel_threads.retry import retried
from otel_threads.store.read import span_lines, span_query, stored_items
from otel_threads.store.read.list_query import Selection
from otel_threads.store.read.stored_items import Place, StoredTrace
from otel_threads.store.spans import span_rows
from otel_threads.store.spans.content import content_of

Row = dict[str, Any]
TRACES_NAMED_SQL = sql_files.query("traces_named")
CHOSEN_CONTENT_SQL = sql_files.query("chosen_content")
TREES_OF_TRACES_SQL = sql_files.query("trees_of_traces")
TRACES_BY_ID_SQL = sql_files.query("traces_by_id")
_PLAIN = tuple(
    field.name
    for field in dataclasses.fields(ListedSpan)
    if field.name not in ("attributes", "long_names")
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinePlace:
    """Where a span stands in a list, and which one it is."""

    key: SpanKey
    start_time_unix_nano: int
    place: list[Place]  # the value that is sorted by, then the key


class SpanReader:
    """Questions about spans of many traces. Any number of threads may share it."""

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        self._database = database
        self._timeout_s = timeout_s

    def snapshot(self) -> AbstractContextManager[object]:
        """Return a context in which all queries of this thread read one snapshot."""
        return self._database.reading(self._timeout_s)

    @retried
    def page(
        self,
        selection: SpanSelection,
        *,
        after: SpanPlace | None,
        newest_first: bool,
        limit: int,
    ) -> list[ListedSpan]:
        """Return a page of spans by start, trace id and span id, with their short attributes."""
        with self._database.reading(self._timeout_s) as cursor:
            if selection.named_threads is not None:
                narrowed = self._of_thread(selection)
                if narrowed is None:
                    return []
                selection = narrowed
            text, parameters = span_query.page(selection, after=after, newest_first=newest_first)
            cursor.execute(text, {**parameters, "limit": limit})
            found = [_listed(row) for row in dictionaries(cursor)]
        found.sort(
            key=lambda one: (
                one.start_time_unix_nano,
                one.trace_id,
                span_query.root_rank(one.parent_span_id is None, newest_first=newest_first),
                one.span_id,
            ),
            reverse=newest_first,
        )
        return found

    @retried
    def places(
        self, selection: Selection, *, sort: str, limit: int, after: Sequence[Place] | None
    ) -> list[LinePlace]:
        """Return a page of spans by where they stand, in the order of `sort`.

        Raises:
            InvalidQuery: there is no such field to sort by.
        """
        with self._database.reading(self._timeout_s) as cursor:
            text, parameters = span_lines.keys(
                selection, sort=sort, after=after, has_records=self._has_records(cursor)
            )
            cursor.execute(text, {**parameters, "limit": limit, "offset": 0})
            return [
                LinePlace(key=key, start_time_unix_nano=start, place=[value, *key])
                for *key_, start, value in cursor.fetchall()
                for key in [(key_[0], key_[1], key_[2])]
            ]

    @retried
    def count(self, selection: Selection) -> int:
        """Return how many spans a selection has."""
        with self._database.reading(self._timeout_s) as cursor:
            text, parameters = span_lines.count(selection, has_records=self._has_records(cursor))
            return int(cursor.execute(text, parameters).fetchall()[0][0])

    def _has_records(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        return self._database.holds_rows(cursor, "x_sdk_records")

    def _of_thread(self, selection: SpanSelection) -> SpanSelection | None:
        """Return the selection with the traces of its thread; None where there are none."""
        projects = selection.projects
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(
                TRACES_NAMED_SQL,
                {
                    "projects": None if projects is None else json_list(projects),
                    "thread_ids": json_list(selection.named_threads or ()),
                },
            )
            found = dictionaries(cursor)
        asked = selection.trace_ids
        wanted = [row for row in found if asked is None or row["trace_id"] in asked]
        if not wanted:
            return None
        first, last = min(r["first"] for r in wanted), max(r["last"] for r in wanted)
        begin, end = selection.from_unix_nano, selection.to_unix_nano
        return dataclasses.replace(
            selection,
            named_threads=None,
            trace_ids=[row["trace_id"] for row in wanted],
            from_unix_nano=first if begin is None else max(begin, first),
            to_unix_nano=last + 1 if end is None else min(end, last + 1),
        )

    @retried
    def with_attributes(
        self, spans: Sequence[ListedSpan], names: Iterable[str] | None
    ) -> list[ListedSpan]:
        """Return spans with their long attributes of these names, of all names for None."""
        wanted = None if names is None else frozenset(names)
        lacking = [s for s in spans if s.long_names and (wanted is None or s.long_names & wanted)]
        if not lacking:
            return list(spans)
        starts = [span.start_time_unix_nano for span in lacking]
        chosen = pa.table(
            {
                "trace_id": pa.array([span.trace_id for span in lacking], pa.string()),
                "span_id": pa.array([span.span_id for span in lacking], pa.string()),
            }
        )
        with self._database.reading(self._timeout_s) as cursor:
            register(cursor, "chosen", chosen)
            named = {
                "first": min(starts),
                "last": max(starts),
                "keys": None if wanted is None else json_list(sorted(wanted)),
            }
            content, _ = content_of(cursor, CHOSEN_CONTENT_SQL, named)
            unregister(cursor, "chosen")
        return [_filled(span, content.get(span.key, ())) for span in spans]

    @retried
    def trees(self, traces: Sequence[Trace]) -> list[TreeSpan]:
        """Return the spans of some traces, in no order, with their model requests."""
        if not traces:
            return []
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(
                TREES_OF_TRACES_SQL,
                {
                    "trace_ids": json_list([trace.trace_id for trace in traces]),
                    "first": unix_nano.of_time(min(one.start_time for one in traces)),
                    "last": unix_nano.end_of(max(one.end_time for one in traces)),
                },
            )
            return [_tree_span(row) for row in dictionaries(cursor)]

    @retried
    def traces(self, trace_ids: Sequence[str]) -> list[StoredTrace]:
        """Return the rows of some traces, of every project that has them, in no order."""
        if not trace_ids:
            return []
        keys = [span_rows.trace_key(trace_id) for trace_id in trace_ids]
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(
                TRACES_BY_ID_SQL,
                {"trace_keys": json_list(keys), "trace_ids": json_list(trace_ids)},
            )
            return [stored_items.stored_trace(row) for row in dictionaries(cursor)]


def _listed(row: Row) -> ListedSpan:
    attributes: Row = {}
    long = []
    for (key, text), letter in zip(row["attributes"].items(), row["attribute_types"], strict=True):
        if text is None and letter != "n":
            long.append(key)
        else:
            attributes[key] = values.plain(text, letter)
    plain = {name: row[name] for name in _PLAIN}
    return ListedSpan(**plain, attributes=attributes, long_names=frozenset(long))


def _filled(span: ListedSpan, long: Sequence[tuple[int | None, str, str]]) -> ListedSpan:
    if not long:
        return span
    found = {key: value for _, key, value in long}
    return dataclasses.replace(
        span,
        attributes={**span.attributes, **found},
        long_names=span.long_names - found.keys(),
    )


def _tree_span(row: Row) -> TreeSpan:
    usage: Usage | None = stored_items.usage(row) if row["has_call"] else None
    return TreeSpan(
        project=row["project"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        parent_span_id=row["parent_span_id"],
        start_time_unix_nano=row["start_time_unix_nano"],
        record_id=row["record_id"],
        usage=usage,
        cost_usd=row["cost_usd"],
        cost_source=row["cost_source"],
        models=(row["response_model"], row["request_model"]),
        provider=row["provider"],
    )
