"""Spans across traces, for who lists them: pages by time, long values, what traces add up to."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from otel_threads.core.span import ListedSpan, SpanPlace, SpanSelection, TreeSpan
from otel_threads.core.trace import Trace
from otel_threads.services.span_lists import SpanListService
from otel_threads.store.read.span_reader import SpanReader

PAGE_SPANS_MAX = 2000  # of one call: their short attributes take 4 kB each at most


class SpanService:
    """Queries about spans. Any thread may call."""

    def __init__(self, reader: SpanReader, lists: SpanListService) -> None:
        """Answer for one database. `lists` are those with the filter language."""
        self._reader = reader
        self.lists = lists

    def snapshot(self) -> AbstractContextManager[object]:
        """Return a context in which all that this thread reads is of one moment."""
        return self._reader.snapshot()

    def page(
        self,
        selection: SpanSelection,
        *,
        limit: int,
        after: SpanPlace | None = None,
        newest_first: bool = True,
    ) -> list[ListedSpan]:
        """Return at most `limit` spans by start, trace id and span id, from behind `after` on.

        The place of a span does not change, so that pages stay right while spans arrive.
        """
        return self._reader.page(
            selection, after=after, newest_first=newest_first, limit=min(limit, PAGE_SPANS_MAX)
        )

    def with_attributes(
        self, spans: Sequence[ListedSpan], names: Iterable[str] | None = None
    ) -> list[ListedSpan]:
        """Return spans with their long attributes of these names, of all names for None."""
        return self._reader.with_attributes(spans, names)

    def traces(self, trace_ids: Iterable[str]) -> dict[tuple[str, str], Trace]:
        """Return traces by project and id, without annotations; those that are not derived lack."""
        return {
            one.key: one.whole(tags=one.tags, comment_count=0, scores=[])
            for one in self._reader.traces(sorted(set(trace_ids)))
        }

    def trees(self, traces: Iterable[Trace]) -> dict[tuple[str, str], list[TreeSpan]]:
        """Return the spans of each trace, in no order, by its project and id."""
        found: dict[tuple[str, str], list[TreeSpan]] = {}
        wanted = list(traces)
        by_id: dict[str, list[tuple[str, str]]] = {}
        for trace in wanted:
            by_id.setdefault(trace.trace_id, []).append((trace.project, trace.trace_id))
        for span in self._reader.trees(wanted):
            keys = by_id.get(span.trace_id, [])
            # A trace that is in one project alone has all of its spans there.
            key = keys[0] if len(keys) == 1 else (span.project, span.trace_id)
            found.setdefault(key, []).append(span)
        return found
