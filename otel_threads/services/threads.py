"""What a caller can ask of threads and traces: REST, gRPC and the command line call these."""

import dataclasses
import datetime
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypedDict, TypeVar, Unpack

import otel_threads
from otel_threads.batches import batches
from otel_threads.core import filters
from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.fields import FilterType
from otel_threads.core.filters import FilterFields, Node
from otel_threads.core.limits import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX
from otel_threads.core.page import Page
from otel_threads.core.ports import ThreadKey
from otel_threads.core.project import Project
from otel_threads.core.score import Score, TurnScores, mean
from otel_threads.core.sorting import normalized
from otel_threads.core.span import Span
from otel_threads.core.stats import ThreadStats, TraceStats
from otel_threads.core.status import Doctor, Progress, Status
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace, TraceDetail
from otel_threads.core.transcript import Transcript, TranscriptMessage
from otel_threads.core.turn import Turn, TurnOutline
from otel_threads.derive.conventions import CONVENTIONS, NO_ID, SHARED_IDS
from otel_threads.derive.span_facts import kind_of
from otel_threads.derive.tree import Tree
from otel_threads.evaluate.conversation import Ranges
from otel_threads.retry import retried
from otel_threads.services import doctor, score_means, transcript
from otel_threads.services.builtin_filter import BuiltinFilter
from otel_threads.services.lifecycle import Added, ItemAnnotations
from otel_threads.services.pagination import (
    ListOrder,
    Pages,
    Pagination,
    Placed,
    digest_of,
    make_cursor,
    open_number,
)
from otel_threads.services.project_choice import ProjectChoice
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.read.list_query import THREADS, TRACES, Listing, Selection
from otel_threads.store.read.reader import Reader
from otel_threads.store.read.stored_items import NO_CALL, StoredThread, StoredTrace

TURNS_TOGETHER = 500  # that an export reads at once; a longer thread is read alone, whole
STATUSES = ("active", "inactive")
INTERVALS = ("hour", "day")
OTLP_HTTP = "127.0.0.1:4318"  # where spans go by default

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
Item = TypeVar("Item", bound=Placed)


class WhichThreads(TypedDict, total=False):
    """Which threads, as a caller names them; what is left out or None selects all."""

    project: str | None
    thread_id: str | None
    thread_ids: Sequence[str] | None
    status: str | None
    filter: str | None
    where: Node | None
    search: str | None
    from_time: datetime.datetime | None
    to_time: datetime.datetime | None


class WhichTraces(TypedDict, total=False):
    """Which traces, as a caller names them; what is left out or None selects all."""

    project: str | None
    thread_id: str | None
    without_thread: bool | None
    filter: str | None
    where: Node | None
    search: str | None
    from_time: datetime.datetime | None
    to_time: datetime.datetime | None


def _in_one_snapshot(
    method: Callable[Concatenate["ThreadService", Given], Answer],
) -> Callable[Concatenate["ThreadService", Given], Answer]:
    """Make all queries of a method read one snapshot of the database, through one cursor."""

    @retried
    @functools.wraps(method)
    def asking(service: "ThreadService", /, *given: Given.args, **named: Given.kwargs) -> Answer:
        with service._reader.snapshot():
            return method(service, *given, **named)

    return asking


class ThreadService:
    """Queries about threads, turns and traces."""

    def __init__(
        self,
        reader: Reader,
        annotations: Annotations,
        *,
        default_project: str,
        progress: Callable[[], Progress],
    ) -> None:
        """`progress` tells how far writing and deriving are; it ends up in `status`."""
        self._reader = reader
        self._annotations = annotations
        self._pagination = Pagination()
        self.choice = ProjectChoice(reader, default_project)
        self._progress = progress
        self._builtins = BuiltinFilter(reader)
        self._started = time.monotonic()

    def ranges(self, project: str) -> Ranges:
        """Return what is usual in a project, as of a minute ago."""
        return self._builtins.ranges(project)

    def status(self) -> Status:
        """Return version, progress of the deriver, counts and sizes."""
        progress = self._progress()
        counts = self._reader.counts()
        return Status(
            version=otel_threads.__version__,
            committed_sequence=progress.committed_sequence,
            derived_sequence=progress.derived_sequence,
            derive_lag_ms=progress.derive_lag_ms,
            derive_error=progress.derive_error,
            store_error=progress.store_error,
            spans=counts.spans,
            traces=counts.traces,
            threads=counts.threads,
            turns=counts.turns,
            sdk_records=counts.sdk_records,
            database_bytes=progress.database_bytes,
            uptime_s=round(time.monotonic() - self._started, 3),
            otlp_http=progress.otlp_http,
            unkept_log_records=list(progress.unkept_log_records),
            refused_requests=list(progress.refused_requests),
            lake=progress.lake,
        )

    def fields(self, *, of_traces: bool = False) -> FilterFields:
        """Return the fields that filters and sorts of threads (of traces) know, by name."""
        item, listing = (Trace, TRACES) if of_traces else (Thread, THREADS)
        return FilterFields(items=filters.described(item, sorts=listing.sorts))

    def projects(self) -> Page[Project]:
        """Return every project, the most recently active first."""
        return Page(items=self._reader.projects(), next_cursor=None)

    def threads(
        self,
        *,
        sort: str = "-last_activity_time",
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
        **given: Unpack[WhichThreads],
    ) -> Page[Thread]:
        """Return a page of the threads that `select_threads` selects.

        Raises:
            InvalidQuery: a selection, sort, limit or cursor that cannot be; the text says what can.
        """
        selection = self.select_threads(**given)
        order = _order(THREADS, sort, limit)
        about = {**given, "of": THREADS.item}
        found, next_cursor = self._page(self._reader.threads, selection, order, about, cursor)
        return Page(
            items=self.with_annotations(found),
            next_cursor=next_cursor,
            total=self._reader.count(THREADS, selection) if with_total else None,
        )

    @_in_one_snapshot
    def threads_by_key(self, keys: Sequence[ThreadKey]) -> dict[ThreadKey, Thread]:
        """Return those of some threads that are here, by project and id."""
        found: dict[ThreadKey, Thread] = {}
        for project in {project for project, _ in keys}:
            selection = Selection(project=project, thread_ids=[t for p, t in keys if p == project])
            stored = self._reader.threads(selection, sort=None, limit=len(keys))
            for thread in self.with_annotations(stored):
                found[thread.project, thread.thread_id] = thread
        return found

    @_in_one_snapshot
    def thread_ids(
        self,
        *,
        project: str,
        filter: str | None = None,
        thread_ids: Sequence[str] | None = None,
        limit: int,
    ) -> list[str]:
        """Return ids of threads of a project, those that began first; of some, if they are named.

        Raises:
            InvalidQuery: the filter cannot be.
        """
        selection = self.select_threads(
            project=project, filter=filter or None, thread_ids=thread_ids
        )
        return self._reader.thread_ids(selection, limit=limit)

    def select_threads(self, **given: Unpack[WhichThreads]) -> Selection:
        """Return the selection that these words mean; None everywhere selects all of a project.

        Raises:
            InvalidQuery: a status or filter that cannot be, or one whose builtin scores would have
                to be counted over too many threads.
        """
        status, filter_ = given.get("status"), given.get("filter")
        thread_ids = given.get("thread_ids")
        if status is not None and status not in STATUSES:
            raise InvalidQuery(f"status {status!r} is none of {', '.join(STATUSES)}")
        selection = Selection(
            project=self.choice.of_list(given.get("project")),
            thread_id=given.get("thread_id"),
            thread_ids=thread_ids,
            status=status,
            filter=_tree(filter_, given.get("where"), filters.THREAD_FIELDS),
            search=given.get("search") or None,
            from_time=aware(given.get("from_time")),
            to_time=aware(given.get("to_time")),
        )
        return self._builtins.counted(selection)

    def _page(
        self,
        pages: Pages[Item],
        selection: Selection,
        order: ListOrder,
        about: Mapping[str, object],
        cursor: str | None,
    ) -> tuple[list[Item], str | None]:
        return self._pagination.page(
            pages,
            selection,
            order,
            about=about,
            cursor=cursor,
            sequence=lambda: self._progress().derived_sequence,
        )

    @_in_one_snapshot
    def with_annotations(self, stored: Sequence[StoredThread]) -> list[Thread]:
        """Return threads of the store with their status, tags, comments and scores."""
        if not stored:
            return []
        scores = self._own_scores(stored)
        below = self._turn_scores(stored)
        errors = self._reader.last_errors(stored)
        if stored[0].status is not None:  # the selection looked at it: the view has said it
            return [
                one.whole(
                    status=one.status or "inactive",
                    tags=one.tags,
                    comment_count=one.comment_count or 0,
                    scores=scores.get(one.key, []),
                    turn_scores=below.get(one.key, {}),
                    last_error=errors.get(one.key),
                )
                for one in stored
            ]
        rows = self._annotations.annotations_of_threads([one.thread_id for one in stored])
        annotations = ItemAnnotations(rows)
        now = datetime.datetime.now(datetime.UTC)
        found = []
        for one in stored:
            added = annotations.added(one)
            found.append(
                one.whole(
                    status=annotations.status(one, now),
                    tags=added.tags,
                    comment_count=added.comment_count,
                    scores=scores.get(one.key, []),
                    turn_scores=below.get(one.key, {}),
                    last_error=errors.get(one.key),
                )
            )
        return found

    def _own_scores(self, stored: Sequence[StoredThread]) -> dict[ThreadKey, list[Score]]:
        scores: dict[ThreadKey, list[Score]] = {}
        for score in score_means.together(self._annotations.thread_scores(stored)):
            scores.setdefault((score.project, score.thread_id or ""), []).append(score)
        return scores

    def _turn_scores(
        self, stored: Sequence[StoredThread]
    ) -> dict[ThreadKey, dict[str, TurnScores]]:
        records = self._annotations.turn_scores([one.thread_id for one in stored])
        return {key: score_means.rolled_up(found) for key, found in records.items()}

    @_in_one_snapshot
    def thread(self, thread_id: str, *, project: str | None = None) -> Thread:
        """Return one thread.

        Raises:
            NotFound: there is none of that id in the project.
        """
        stored = self._reader.thread(self.choice.of_threads(project, [thread_id]), thread_id)
        if stored is None:
            raise self.choice.missing(thread_id, project)
        return self.with_annotations([stored])[0]

    @_in_one_snapshot
    def turns(
        self,
        thread_id: str,
        *,
        project: str | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        first_turn: int = 0,
        with_total: bool = False,
    ) -> Page[Turn]:
        """Return a page of turns, oldest first, from `first_turn` on where there is no cursor.

        Raises:
            NotFound: there is no such thread. InvalidQuery: limit or cursor cannot be.
        """
        check_limit(limit)
        name = self.choice.of_threads(project, [thread_id])
        digest = digest_of({"turns": [name, thread_id]})
        after = open_number(cursor, digest) if cursor else first_turn - 1
        found = self._read_turns(name, thread_id, after, limit + 1)
        more = len(found) > limit
        found = found[:limit]
        ahead = score_means.together(self._annotations.turn_scores_ahead(thread_id))
        return Page(
            items=_with_ahead(self._with_scores(found), [s for s in ahead if s.project == name]),
            next_cursor=make_cursor(digest, [found[-1].turn_index]) if more else None,
            total=self._turn_count(name, thread_id) if with_total else None,
        )

    def _turn_count(self, project: str, thread_id: str) -> int:
        thread = self._reader.thread(project, thread_id)
        return thread.turn_count if thread else 0

    @_in_one_snapshot
    def turn(self, thread_id: str, turn_index: int, *, project: str | None = None) -> Turn:
        """Return one turn.

        Raises:
            NotFound: there is no such thread, or it has fewer turns.
        """
        name = self.choice.of_threads(project, [thread_id])
        found = self._read_turns(name, thread_id, turn_index - 1, 1)
        if not found or found[0].turn_index != turn_index:
            raise NotFound(
                f"no turn {turn_index} in thread {thread_id!r}", hint=f" of project {name!r}"
            )
        return self._with_scores(found)[0]

    def _read_turns(self, project: str, thread_id: str, after: int, limit: int) -> list[Turn]:
        found = self._reader.turns(project, thread_id, after=after, limit=limit)
        if found is None:
            raise self.choice.missing(thread_id, project)
        return found

    @_in_one_snapshot
    def outline(
        self, thread_id: str, *, project: str | None = None, search: str | None = None
    ) -> Page[TurnOutline]:
        """Return a line for each turn, oldest first, with the messages that hold `search`.

        At most 20,000 turns, in one page.

        Raises:
            NotFound: there is no such thread. InvalidQuery: several projects have it.
        """
        name = self.choice.of_threads(project, [thread_id])
        found = self._reader.outline(name, thread_id, search or "")
        if found is None:
            raise self.choice.missing(thread_id, project)
        by_trace = self._scores_by_trace(t for line in found for t in line.trace_ids)
        return Page(
            items=[
                dataclasses.replace(line, scores=_means(by_trace, line.trace_ids)) for line in found
            ],
            next_cursor=None,
        )

    def _with_scores(self, turns: Sequence[Turn]) -> list[Turn]:
        """Return turns, each with the scores of its traces and of their spans."""
        return _scored(turns, self._scores_by_trace(t for turn in turns for t in turn.trace_ids))

    def _scores_by_trace(self, trace_ids: Iterable[str]) -> dict[str, list[Score]]:
        """Return the scores of some traces and of their spans."""
        asked = sorted(set(trace_ids))
        found: dict[str, list[Score]] = {}
        if asked:
            for score in score_means.together(self._annotations.trace_scores(asked)):
                found.setdefault(score.trace_id or "", []).append(score)
        return found

    @_in_one_snapshot
    def transcript(self, thread_id: str, *, project: str | None = None) -> Transcript:
        """Return the whole conversation once.

        Raises:
            NotFound: there is no such thread.
        """
        name = self.choice.of_threads(project, [thread_id])
        messages = transcript.messages_of(self._all_turns(name, thread_id))
        return Transcript(project=name, thread_id=thread_id, messages=messages)

    def _all_turns(self, project: str, thread_id: str) -> Iterator[Turn]:
        after = -1
        while found := self._read_turns(project, thread_id, after, PAGE_ITEMS_MAX):
            yield from found
            after = found[-1].turn_index

    def turns_of(self, threads: Sequence[Thread]) -> Iterator[tuple[Thread, list[Turn]]]:
        """Yield some threads, each with all of its turns, oldest first."""
        for together in self._conversations(threads):
            by_trace = self._scores_by_trace(
                trace_id for _, turns in together for turn in turns for trace_id in turn.trace_ids
            )
            for thread, turns in together:
                yield thread, _scored(turns, by_trace)

    def transcripts_of(self, threads: Sequence[Thread]) -> Iterator[list[TranscriptMessage]]:
        """Yield the whole conversations of some threads, as `transcript` returns them."""
        for together in self._conversations(threads):
            for _, turns in together:
                yield transcript.messages_of(turns)

    def _conversations(
        self, threads: Sequence[Thread]
    ) -> Iterator[list[tuple[Thread, list[Turn]]]]:
        """Yield threads with their turns, as many together as hold TURNS_TOGETHER."""
        for some in batches(threads, lambda one: one.turn_count, weight_max=TURNS_TOGETHER):
            yield self._together(some)

    def _together(self, threads: Sequence[Thread]) -> list[tuple[Thread, list[Turn]]]:
        found = self._reader.turns_of(threads)
        return [(one, found.get((one.project, one.thread_id), [])) for one in threads]

    def traces(
        self,
        *,
        sort: str = "-start_time",
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
        **given: Unpack[WhichTraces],
    ) -> Page[Trace]:
        """Return a page of the traces that `select_traces` selects.

        Raises:
            InvalidQuery: a selection, sort, limit or cursor that cannot be; the text says what can.
        """
        selection = self.select_traces(**given)
        order = _order(TRACES, sort, limit)
        about = {**given, "of": TRACES.item}
        found, next_cursor = self._page(self._reader.traces, selection, order, about, cursor)
        return Page(
            items=self.with_trace_annotations(found),
            next_cursor=next_cursor,
            total=self._reader.count(TRACES, selection) if with_total else None,
        )

    def select_traces(self, **given: Unpack[WhichTraces]) -> Selection:
        """As `select_threads`, for traces."""
        filter_ = given.get("filter")
        return Selection(
            project=self.choice.of_list(given.get("project")),
            thread_id=given.get("thread_id"),
            without_thread=given.get("without_thread"),
            filter=_tree(filter_, given.get("where"), filters.TRACE_FIELDS),
            search=given.get("search") or None,
            from_time=aware(given.get("from_time")),
            to_time=aware(given.get("to_time")),
        )

    @_in_one_snapshot
    def with_trace_annotations(self, stored: Sequence[StoredTrace]) -> list[Trace]:
        """Return traces of the store with their tags, comments and scores."""
        if not stored:
            return []
        added = self._added(stored)
        records = self._annotations.trace_scores([one.trace_id for one in stored])
        scores: dict[str, list[Score]] = {}
        for score in score_means.together(r for r in records if r.span_id is None):
            scores.setdefault(score.trace_id or "", []).append(score)
        return [
            one.whole(
                tags=more.tags,
                comment_count=more.comment_count,
                scores=scores.get(one.trace_id, []),
            )
            for one, more in zip(stored, added, strict=True)
        ]

    def _added(self, stored: Sequence[StoredTrace]) -> list[Added]:
        if stored[0].comment_count is not None:  # the view has said it
            return [Added(tags=one.tags, comment_count=one.comment_count or 0) for one in stored]
        rows = self._annotations.annotations_of_traces([one.trace_id for one in stored])
        annotations = ItemAnnotations(rows)
        return [annotations.added(one) for one in stored]

    def thread_stats(
        self, *, interval: str | None = None, **given: Unpack[WhichThreads]
    ) -> ThreadStats:
        """Return statistics over the selection of `select_threads`, with `series` by interval.

        Raises:
            InvalidQuery: a selection or an interval that cannot be.
        """
        selection = self.select_threads(**given)
        _check_interval(interval)
        return self._reader.thread_stats(selection, interval=interval)

    def trace_stats(
        self, *, interval: str | None = None, **given: Unpack[WhichTraces]
    ) -> TraceStats:
        """As `thread_stats`, over the selection of `select_traces`."""
        selection = self.select_traces(**given)
        _check_interval(interval)
        return self._reader.trace_stats(selection, interval=interval)

    @_in_one_snapshot
    def trace(self, trace_id: str, *, project: str | None = None) -> TraceDetail:
        """Return one trace with `spans` (parents before children) and `turns`.

        Without a project, it is found in whichever it is.

        Raises:
            NotFound: it is not here, or not derived yet.
        """
        stored = self._reader.trace(
            trace_id.lower(),
            project=self.choice.of_list(project),
            default=self.choice.default,
        )
        if stored is None:
            raise NotFound(f"no trace {trace_id!r}")
        turns = self._reader.trace_turns(stored)
        by_trace = self._scores_by_trace(
            [stored.trace_id, *(trace_id for turn in turns for trace_id in turn.trace_ids)]
        )
        on_span: dict[str | None, list[Score]] = {}
        for score in by_trace.get(stored.trace_id, ()):
            on_span.setdefault(score.span_id, []).append(score)
        added = self._added([stored])[0]
        trace = stored.whole(
            tags=added.tags, comment_count=added.comment_count, scores=on_span.get(None, [])
        )
        return TraceDetail(
            **{name: getattr(trace, name) for name in _TRACE_FIELDS},
            spans=self._spans(stored, on_span),
            turns=_scored(turns, by_trace),
        )

    def _spans(self, trace: StoredTrace, on_span: Mapping[str | None, list[Score]]) -> list[Span]:
        """Return the spans of a trace, parents before children, with the scores on each."""
        stored = self._reader.spans(trace)
        calls = self._reader.trace_calls(trace)
        tree = Tree(one.bare for one in stored)
        whole = {id(one.bare): one.whole for one in stored}
        return [
            whole[id(span)](
                tree.depths[span.span_id],
                kind_of(span)[0],
                calls.get(span.span_id, NO_CALL),
                on_span.get(span.span_id, []),
            )
            for span in tree.spans
        ]

    def doctor(self) -> Doctor:
        """Return what arrived, and what is missing."""
        seen = self._reader.instrumentations()
        status = self.status()
        return Doctor(
            status=status,
            instrumentations=seen,
            findings=doctor.findings(
                seen,
                self._reader.double_reports(),
                self._reader.clock_skew(),
                placeholders=self._reader.placeholder_ids(
                    sorted(CONVENTIONS.thread_ids), NO_ID, SHARED_IDS
                ),
                otlp_http=status.otlp_http or OTLP_HTTP,
                unkept=status.unkept_log_records,
                refused=status.refused_requests,
                lake=status.lake,
            ),
        )

    def check_sort(self, sort: str) -> None:
        """Return when threads can be sorted so.

        Raises:
            InvalidQuery: they cannot; the text says by what.
        """
        THREADS.order(normalized(sort))


_TRACE_FIELDS = tuple(field.name for field in dataclasses.fields(Trace))


def check_limit(limit: int) -> None:
    """Return when a page may have as many items.

    Raises:
        InvalidQuery: it may not.
    """
    if not 1 <= limit <= PAGE_ITEMS_MAX:
        raise InvalidQuery(f"limit {limit} is not between 1 and {PAGE_ITEMS_MAX}")


def _tree(text: str | None, where: Node | None, fields: Mapping[str, FilterType]) -> Node | None:
    """Return what a filter's text means, and `where`: a tree that a program built."""
    parsed = filters.parse(text, fields) if text else None
    if parsed is None or where is None:
        return parsed or where
    return filters.AllOf((parsed, where))


def _check_interval(interval: str | None) -> None:
    if interval is not None and interval not in INTERVALS:
        raise InvalidQuery(f"interval {interval!r} is none of {', '.join(INTERVALS)}")


def _order(listing: Listing, sort: str, limit: int) -> ListOrder:
    check_limit(limit)
    sort = normalized(sort)
    column, _ = listing.order(sort)
    return ListOrder(sort=sort, column=column, limit=limit)


def aware(time: datetime.datetime | None) -> datetime.datetime | None:
    """Return a time without a zone as one of UTC."""
    return time.replace(tzinfo=datetime.UTC) if time is not None and time.tzinfo is None else time


def _with_ahead(turns: Sequence[Turn], ahead: Sequence[Score]) -> list[Turn]:
    """Return turns with the scores that were given to them before they were here."""
    if not ahead:
        return list(turns)
    found = []
    for turn in turns:
        more = [score for score in ahead if score.turn_index == turn.turn_index]
        found.append(dataclasses.replace(turn, scores=[*turn.scores, *more]) if more else turn)
    return found


def _means(by_trace: Mapping[str, Sequence[Score]], trace_ids: Sequence[str]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for score in (score for trace_id in trace_ids for score in by_trace.get(trace_id, ())):
        if score.value is not None:
            values.setdefault(score.name, []).append(score.value)
    return {
        name: found for name, some in sorted(values.items()) if (found := mean(some)) is not None
    }


def _scored(turns: Sequence[Turn], by_trace: Mapping[str, Sequence[Score]]) -> list[Turn]:
    """Return turns with the scores of their traces; most have none, and stay as they are."""
    found = []
    for turn in turns:
        scores = [score for trace_id in turn.trace_ids for score in by_trace.get(trace_id, ())]
        found.append(dataclasses.replace(turn, scores=scores) if scores else turn)
    return found
