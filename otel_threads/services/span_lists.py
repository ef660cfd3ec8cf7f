"""Spans of all traces with the filter language: a line each, and where each leads."""

import datetime
from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from otel_threads.core import filters
from otel_threads.core.filters import FilterFields
from otel_threads.core.limits import PAGE_ITEMS_DEFAULT
from otel_threads.core.page import Page
from otel_threads.core.sorting import normalized
from otel_threads.core.span import SpanKey
from otel_threads.core.span_line import SpanLine
from otel_threads.derive.span_facts import kind_of
from otel_threads.services.pagination import digest_of, make_cursor, open_place
from otel_threads.services.project_choice import of_list
from otel_threads.services.threads import aware, check_limit
from otel_threads.store.read.content_reader import ContentReader
from otel_threads.store.read.list_query import Selection
from otel_threads.store.read.span_lines import LINES
from otel_threads.store.read.span_reader import LinePlace, SpanReader
from otel_threads.store.read.stored_items import NO_CALL, StoredCall, StoredSpan, StoredTrace


class WhichSpans(TypedDict, total=False):
    """Which spans, as a caller names them; what is left out or None selects all."""

    project: str | None
    thread_id: str | None
    trace_id: str | None
    filter: str | None
    search: str | None
    from_time: datetime.datetime | None
    to_time: datetime.datetime | None


class SpanListService:
    """Lists spans of one database. Any thread may call."""

    def __init__(self, spans: SpanReader, contents: ContentReader) -> None:
        """`spans` finds them, `contents` says what they are."""
        self._spans = spans
        self._contents = contents

    def fields(self) -> FilterFields:
        """Return the fields that filters and sorts of spans know, by name."""
        return FilterFields(items=filters.described(SpanLine, sorts=LINES.sorts))

    def lines(
        self,
        *,
        sort: str = "-start_time",
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
        **given: Unpack[WhichSpans],
    ) -> Page[SpanLine]:
        """Return a page of spans, the latest first. A span keeps its place while others arrive.

        Raises:
            InvalidQuery: a selection, sort, limit or cursor that cannot be; the text says what can.
        """
        check_limit(limit)
        sort = normalized(sort)
        LINES.order(sort)
        selection = self._selection(**given)
        digest = digest_of({**given, "of": "span lines", "sort": sort})
        after = open_place(cursor, digest, sort, keys=len(LINES.keys)) if cursor else None
        found = self._spans.places(selection, sort=sort, limit=limit + 1, after=after)
        page = found[:limit]
        return Page(
            items=self._lines(page),
            next_cursor=make_cursor(digest, page[-1].place) if len(found) > limit else None,
            total=self._spans.count(selection) if with_total else None,
        )

    def _selection(self, **given: Unpack[WhichSpans]) -> Selection:
        text = given.get("filter")
        trace_id = given.get("trace_id")
        return Selection(
            project=of_list(given.get("project")),
            thread_id=given.get("thread_id"),
            trace_id=trace_id.lower() if trace_id else None,
            filter=filters.parse(text, filters.SPAN_FIELDS) if text else None,
            search=given.get("search") or None,
            from_time=aware(given.get("from_time")),
            to_time=aware(given.get("to_time")),
        )

    def _lines(self, page: Sequence[LinePlace]) -> list[SpanLine]:
        if not page:
            return []
        starts = [one.start_time_unix_nano for one in page]
        bounds = min(starts), max(starts)
        trace_ids = sorted({one.key[1] for one in page})
        spans = self._contents.listed_spans([one.key[2] for one in page], starts)
        calls = self._contents.calls_of(trace_ids, bounds)
        traces = {one.key: one for one in self._spans.traces(trace_ids)}
        return [
            _line(spans[one.key], calls.get(one.key[1:], NO_CALL), _thread_of(one.key, traces))
            for one in page
            if one.key in spans  # else it was deleted meanwhile
        ]


def _thread_of(key: SpanKey, traces: Mapping[tuple[str, str], StoredTrace]) -> str | None:
    """Return the thread of a span's trace; a trace that several projects share is its root's."""
    project, trace_id, _ = key
    own = traces.get((project, trace_id))
    found = [own] if own else [one for (_, other), one in traces.items() if other == trace_id]
    thread_id = found[0].row["thread_id"] if len(found) == 1 else None
    return thread_id if isinstance(thread_id, str) else None


def _line(stored: StoredSpan, call: StoredCall, thread_id: str | None) -> SpanLine:
    span = stored.whole(0, kind_of(stored.bare)[0], call, [])
    return SpanLine(
        project=span.project,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        thread_id=thread_id,
        name=span.name,
        kind=span.kind,
        type=span.type,
        status_code=span.status_code,
        status_message=span.status_message,
        service_name=span.service_name,
        scope_name=span.scope_name,
        model=span.model,
        start_time=span.start_time,
        duration_ms=span.duration_ms,
        time_to_first_token_ms=span.time_to_first_token_ms,
        usage=span.usage,
        cost_usd=span.cost_usd,
    )
