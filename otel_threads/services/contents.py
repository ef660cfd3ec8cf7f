"""Traces, spans and threads with what they hold as it was sent, and with each author's scores.

`services/threads.py` says what came of them; interfaces of other products show what went in, too.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypedDict, TypeVar, Unpack

from otel_threads.core import record
from otel_threads.core.content import (
    SpanContent,
    SpanLocation,
    TagChanges,
    ThreadContent,
    TraceContent,
)
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.filters import Node
from otel_threads.core.ports import ThreadKey
from otel_threads.core.score import Comment, ScoreRecord
from otel_threads.core.span import Span
from otel_threads.core.stats import ItemMeans, SpanStats
from otel_threads.derive.span_facts import kind_of
from otel_threads.derive.span_payload import payload
from otel_threads.derive.tree import Tree
from otel_threads.services.threads import ThreadService
from otel_threads.store.annotations.annotation_rows import AnnotationRow, Annotations
from otel_threads.store.read.content_reader import ContentReader, SpanPlace
from otel_threads.store.read.list_query import SPANS, THREADS, TRACES, Selection
from otel_threads.store.read.reader import Reader
from otel_threads.store.read.stored_items import (
    NO_CALL,
    Place,
    StoredCall,
    StoredSpan,
    StoredThread,
    StoredTrace,
)

FRESH_S = 5.0  # at most, that a reader of one item waits for what was just acknowledged


Annotation = TypeVar("Annotation", ScoreRecord, Comment)


class Which(TypedDict, total=False):
    """Which items, as a caller names them; what is left out or None selects all."""

    project: str | None
    thread_ids: Sequence[str] | None
    trace_id: str | None
    where: Node | None
    search: str | None
    from_time: datetime.datetime | None
    to_time: datetime.datetime | None


class Paging(TypedDict, total=False):
    """Which page: `sort` as in lists (`-start_time`), behind an item or after so many."""

    sort: str
    limit: int
    offset: int
    after: str | None


class ContentService:
    """Queries about what traces, spans and threads hold. Any thread may call."""

    def __init__(
        self,
        reader: Reader,
        contents: ContentReader,
        annotations: Annotations,
        threads: ThreadService,
        *,
        caught_up: Callable[[float], object],
    ) -> None:
        """`caught_up` waits, so many seconds at most, until what was committed can be read."""
        self._reader = reader
        self._contents = contents
        self._annotations = annotations
        self._threads = threads
        self._caught_up = caught_up

    def wait_fresh(self) -> None:
        """Return once what was acknowledged before can be read, or after FRESH_S."""
        self._caught_up(FRESH_S)

    def project_names(self) -> list[str]:
        """Return the projects that have traces, by name."""
        return self._contents.project_names()

    def traces(
        self,
        *,
        sort: str = "-start_time",
        limit: int,
        offset: int = 0,
        after: str | None = None,
        names: Sequence[str] = (),
        **which: Unpack[Which],
    ) -> list[TraceContent]:
        """Return a page of traces; `after` is the trace id of the last one of the page before.

        `names` are attributes of all spans that are wanted whole. Nothing comes after a trace that
        is not here.

        Raises:
            InvalidQuery: a sort that cannot be.
        """
        place: list[Place] | None = None
        if after is not None:
            last = self._reader.trace(after, project=which.get("project"), default="")
            if last is None:
                return []
            place = last.place(TRACES.order(sort)[0])
        with self._reader.snapshot():
            stored = self._reader.traces(
                _selection(**which), sort=sort, limit=limit, offset=offset, after=place
            )
            return self._trace_contents(stored, names)

    def trace(self, trace_id: str, *, names: Sequence[str] = ()) -> TraceContent | None:
        """Return one trace, None when it is not here."""
        with self._reader.snapshot():
            stored = self._reader.trace(trace_id, project=None, default="")
            return self._trace_contents([stored], names)[0] if stored else None

    def count_traces(self, **which: Unpack[Which]) -> int:
        """Return how many traces there are of a selection."""
        return self._reader.count(TRACES, _selection(**which))

    def _trace_contents(
        self, stored: Sequence[StoredTrace], names: Sequence[str]
    ) -> list[TraceContent]:
        if not stored:
            return []
        ids = [one.trace_id for one in stored]
        spans = self._contents.spans_of(stored, names)
        bounds = (
            min(one.row["start_time_unix_nano"] for one in stored),
            max(one.row["end_time_unix_nano"] for one in stored),
        )
        calls = self._contents.calls_of(ids, bounds)
        scores = _by_trace(self._annotations.trace_scores(ids))
        comments = _by_trace(self._annotations.comments_of(trace_ids=ids))
        changes = _tag_changes(self._annotations.annotations_of_traces(ids))
        found = []
        for one, trace in zip(stored, self._threads.with_trace_annotations(stored), strict=True):
            whole = _tree(spans[one.key], calls)
            root = next((s for s in whole if s.span_id == trace.root_span_id), None)
            found.append(
                TraceContent(
                    trace=trace,
                    root=root,
                    spans=whole,
                    tags=changes(one.project, one.trace_id),
                    scores=scores.get(one.trace_id, []),
                    comments=comments.get(one.trace_id, []),
                )
            )
        return found

    def threads(
        self,
        *,
        sort: str = "-updated_at",
        limit: int,
        offset: int = 0,
        after: str | None = None,
        **which: Unpack[Which],
    ) -> list[ThreadContent]:
        """Return a page of threads; `after` is the thread id of the last one of the page before.

        Raises:
            InvalidQuery: a sort that cannot be, or `after` without a project.
        """
        place: list[Place] | None = None
        if after is not None:
            project = which.get("project")
            if project is None:
                raise InvalidQuery("a thread id is unique within one project: name it")
            last = self._reader.thread(project, after)
            if last is None:
                return []
            place = last.place(THREADS.order(sort)[0])
        with self._reader.snapshot():
            stored = self._reader.threads(
                _selection(**which), sort=sort, limit=limit, offset=offset, after=place
            )
            return self._thread_contents(stored)

    def thread(self, project: str, thread_id: str) -> ThreadContent | None:
        """Return one thread, None when it is not here."""
        with self._reader.snapshot():
            stored = self._reader.thread(project, thread_id)
            return self._thread_contents([stored])[0] if stored else None

    def count_threads(self, **which: Unpack[Which]) -> int:
        """Return how many threads there are of a selection."""
        return self._reader.count(THREADS, _selection(**which))

    def threads_by_digest(self, digests: Sequence[str]) -> list[ThreadKey]:
        """Return the threads whose project and id have these hashes.

        The hash is SHA-256 of `thread`, the project and the thread id with a NUL between them,
        given as its hex digits 1 to 12 and 19 to 32, which a UUID keeps.
        """
        return self._contents.threads_by_digest(digests)

    def _thread_contents(self, stored: Sequence[StoredThread]) -> list[ThreadContent]:
        if not stored:
            return []
        ids = [one.thread_id for one in stored]
        ends = self._ends(stored)
        scores = _by_thread(self._annotations.thread_scores(stored))
        comments = _by_thread(self._annotations.comments_of(thread_ids=ids))
        changes = _tag_changes(self._annotations.annotations_of_threads(ids))
        none: tuple[Span | None, Span | None] = (None, None)
        return [
            ThreadContent(
                thread=thread,
                first=ends.get(one.key, none)[0],
                last=ends.get(one.key, none)[1],
                tags=changes(*one.key),
                scores=scores.get(one.key, []),
                comments=comments.get(one.key, []),
            )
            for one, thread in zip(stored, self._threads.with_annotations(stored), strict=True)
        ]

    def _ends(
        self, stored: Sequence[StoredThread]
    ) -> dict[ThreadKey, tuple[Span | None, Span | None]]:
        """Return the roots of the first trace of threads, and of the one that ended last."""
        ends = self._contents.ends_of(stored)
        traces = {t.key: t for pair in ends.values() for t in (pair.first, *pair.latest)}
        roots = self._contents.roots_of(list(traces.values()))
        return {
            key: (_alone(roots.get(pair.first.key)), _last(roots.get(t.key) for t in pair.latest))
            for key, pair in ends.items()
        }

    def spans(
        self,
        *,
        sort: str = "-start_time",
        limit: int,
        offset: int = 0,
        after: SpanLocation | None = None,
        **which: Unpack[Which],
    ) -> list[SpanContent]:
        """Return a page of spans; `after` is the last one of the page before.

        A span that stands for a whole trace of SDK records is none of them.

        Raises:
            InvalidQuery: a sort that cannot be.
        """
        place: list[Place] | None = None
        if after is not None:
            last = self._place(after)
            if last is None or SPANS.order(sort)[0] != "start_time":
                return []
            place = last.place()
        with self._reader.snapshot():
            stored = self._contents.spans(
                _selection(**which), sort=sort, limit=limit, offset=offset, after=place
            )
            return self._span_contents(stored)

    def span(self, location: SpanLocation) -> SpanContent | None:
        """Return one span, None when it is not here."""
        with self._reader.snapshot():
            place = self._place(location)
            found = self._span_contents(self._contents.whole_spans([place])) if place else []
            return found[0] if found else None

    def count_spans(self, **which: Unpack[Which]) -> int:
        """Return how many spans there are of a selection."""
        return self._contents.count_spans(_selection(**which))

    def span_stats(self, **which: Unpack[Which]) -> SpanStats:
        """Return how many spans of a selection there are, how long they took, how many failed."""
        return self._contents.span_stats(_selection(**which))

    def trace_means(self, **which: Unpack[Which]) -> ItemMeans:
        """Return what traces of a selection have on the mean."""
        return self._contents.means(TRACES, _selection(**which))

    def find_spans(self, span_ids: Sequence[str]) -> list[SpanLocation]:
        """Return where the spans of some ids are, in whatever traces."""
        return [
            SpanLocation(
                project=place.project,
                trace_id=place.trace_id,
                span_id=place.span_id,
                record_id=place.record_id,
            )
            for place in self._contents.find_spans(span_ids)
        ]

    def spans_by_uuid(self, uuids: Sequence[str]) -> dict[str, SpanLocation]:
        """Return where spans are that are named by UUID: a record's own, or one that ends in an id.

        A span's id is the low half of its UUID; what stands before it is a record's alone.
        """
        wanted = {_span_id(one): one for one in uuids}
        found: dict[str, SpanLocation] = {}
        for location in self.find_spans(list(wanted)) if wanted else ():
            uuid = wanted[location.span_id]
            if location.record_id in (None, uuid):
                found.setdefault(uuid, location)
        return found

    def _place(self, location: SpanLocation) -> SpanPlace | None:
        wanted = (location.project, location.trace_id, location.span_id)
        places = self._contents.find_spans([location.span_id])
        return next((p for p in places if (p.project, p.trace_id, p.span_id) == wanted), None)

    def _span_contents(self, stored: Sequence[StoredSpan]) -> list[SpanContent]:
        if not stored:
            return []
        ids = sorted({one.bare.trace_id for one in stored})
        starts = [one.bare.start_unix_nano for one in stored]
        calls = self._contents.calls_of(ids, (min(starts), max(starts)))
        scores = _by_trace(self._annotations.trace_scores(ids))
        comments = _by_trace(self._annotations.comments_of(trace_ids=ids))
        parents = self._parents(stored)
        found = []
        for one in stored:
            trace_id, span_id = one.bare.trace_id, one.bare.span_id
            above = parents.get((one.bare.project, trace_id, one.bare.parent_span_id or ""))
            call = calls.get((trace_id, span_id), NO_CALL)
            found.append(
                SpanContent(
                    span=one.whole(0, kind_of(one.bare)[0], call, []),
                    parent=_alone(above),
                    scores=[s for s in scores.get(trace_id, ()) if s.span_id == span_id],
                    comments=[c for c in comments.get(trace_id, ()) if c.span_id == span_id],
                )
            )
        return found

    def _parents(self, stored: Sequence[StoredSpan]) -> dict[tuple[str, str, str], StoredSpan]:
        """Return the spans above those spans of OTLP that are part of a trace of records."""
        joined = self._contents.joined_traces({one.bare.trace_id for one in stored})
        wanted = {
            (one.bare.project, one.bare.trace_id, one.bare.parent_span_id)
            for one in stored
            if one.bare.trace_id in joined
            and one.bare.parent_span_id
            and record.ENTITY not in one.bare.attributes
        }
        if not wanted:
            return {}
        places = self._contents.find_spans(sorted({span_id for *_, span_id in wanted}))
        found = self._contents.whole_spans(
            [one for one in places if (one.project, one.trace_id, one.span_id) in wanted]
        )
        return {(one.bare.project, one.bare.trace_id, one.bare.span_id): one for one in found}


def _span_id(uuid: str) -> str:
    return uuid.replace("-", "")[16:]


def _selection(**which: Unpack[Which]) -> Selection:
    return Selection(
        project=which.get("project"),
        thread_ids=which.get("thread_ids"),
        trace_id=which.get("trace_id"),
        filter=which.get("where"),
        search=which.get("search") or None,
        from_time=which.get("from_time"),
        to_time=which.get("to_time"),
    )


def _tree(stored: Sequence[StoredSpan], calls: Mapping[tuple[str, str], StoredCall]) -> list[Span]:
    """Return the spans of a trace, parents before children."""
    tree = Tree(one.bare for one in stored)
    whole = {id(one.bare): one.whole for one in stored}
    return [
        whole[id(span)](
            tree.depths[span.span_id],
            kind_of(span)[0],
            calls.get((span.trace_id, span.span_id), NO_CALL),
            [],
        )
        for span in tree.spans
    ]


def _alone(stored: StoredSpan | None) -> Span | None:
    return stored.whole(0, kind_of(stored.bare)[0], NO_CALL, []) if stored else None


def _last(roots: Iterable[StoredSpan | None]) -> Span | None:
    """Return the root of the trace that ended last, else of the latest one with an output."""
    spans = [span for root in roots if (span := _alone(root))]
    ended = [span for span in spans if span.attributes.get(record.IN_PROGRESS) is not True]
    if ended:
        return ended[0]
    return next((s for s in spans if payload(s.attributes, "output") is not None), None)


def _by_trace(found: Iterable[Annotation]) -> dict[str, list[Annotation]]:
    grouped: dict[str, list[Annotation]] = {}
    for one in found:
        grouped.setdefault(one.trace_id or "", []).append(one)
    return grouped


def _by_thread(found: Iterable[Annotation]) -> dict[ThreadKey, list[Annotation]]:
    grouped: dict[ThreadKey, list[Annotation]] = {}
    for one in found:
        grouped.setdefault((one.project, one.thread_id or ""), []).append(one)
    return grouped


def _tag_changes(rows: Iterable[AnnotationRow]) -> Callable[[str, str], TagChanges]:
    """Return a look-up of the tags that people changed, by project and id."""
    by_key: dict[ThreadKey, list[AnnotationRow]] = {}
    for row in rows:
        if row.kind == "tag":
            by_key.setdefault((row.project or "", row.id or ""), []).append(row)

    def of(project: str, item_id: str) -> TagChanges:
        mine = by_key.get((project, item_id), ())
        return TagChanges(
            added=sorted(row.tag or "" for row in mine if not row.flag),
            removed=sorted(row.tag or "" for row in mine if row.flag),
        )

    return of
