"""Answers `runs/query` of v1 and v2: runs by time, of projects, traces, threads, by filter.

A filter that names a thread is looked for by it. All else is held against the runs page by page,
newest (or oldest) first: short attributes of each, long ones where the filter asks for them.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from otel_threads.core import record
from otel_threads.core.attachment import Attachment
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.feedback import FeedbackSelection
from otel_threads.core.span import ListedSpan, SpanPlace, SpanSelection
from otel_threads.core.trace import Trace
from otel_threads.derive.thread_id import as_kept
from otel_threads.services.feedback import FEEDBACK_MAX, FeedbackService
from otel_threads.services.pagination import digest_of, make_cursor, open_cursor
from otel_threads.services.records import RecordService
from otel_threads.services.spans import PAGE_SPANS_MAX, SpanService
from otel_threads.services.workspace import WorkspaceService
from otel_threads.vendors.ids import span_id_of, trace_id_of
from otel_threads.vendors.langsmith import run_filter, run_shapes, texts
from otel_threads.vendors.langsmith.deadline import Deadline
from otel_threads.vendors.langsmith.feedback import Feedback, parsed
from otel_threads.vendors.langsmith.records import VENDOR
from otel_threads.vendors.langsmith.run_filter import Condition, Node, Same
from otel_threads.vendors.langsmith.runs import Around, Run, TraceTree

RUNS_MAX = 1000  # of a page
FIRST_SPANS, NARROW_SPANS = 100, 500  # that are looked at first, of a project and of a thread
METADATA_KEYS = ("session_id", "conversation_id", "thread_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Which runs, in which order. None everywhere selects all of all projects."""

    projects: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    trace_id: str | None = None
    parent_run: str | None = None
    run_type: str | None = None
    is_root: bool | None = None
    has_error: bool | None = None
    from_unix_nano: int | None = None
    to_unix_nano: int | None = None
    ends_before_unix_nano: int | None = None
    reference_examples: Sequence[str] | None = None
    thread_ids: Sequence[str] | None = None
    filter: Node | None = None
    trace_filter: Node | None = None
    tree_filter: Node | None = None
    newest_first: bool = True
    about: Mapping[str, object] = field(default_factory=dict)  # what a cursor belongs to
    deadline: Deadline = field(default_factory=Deadline)


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, and the cursor of the next page, None at the end."""

    runs: list[Run]
    next_cursor: str | None


class RunReader:
    """Finds runs and what is around them, over the services."""

    def __init__(
        self,
        spans: SpanService,
        feedback: FeedbackService,
        records: RecordService,
        workspace: WorkspaceService,
    ) -> None:
        self.on_read: Callable[[], None] = lambda: None  # before runs are read
        self._workspace = workspace
        self._spans = spans
        self._feedback = feedback
        self._records = records

    def wait(self) -> None:
        """Return once what was acknowledged can be read, or a moment is over."""
        self._records.catch_up()
        self.on_read()

    def page(
        self, query: RunQuery, *, limit: int, cursor: str | None, fields: Iterable[str]
    ) -> RunPage:
        """Return a page with what `fields` of run_shapes need.

        Raises:
            InvalidQuery: the cursor is none of this query. QueryTimeout: it takes too long.
        """
        self.wait()
        digest = digest_of(query.about)
        after = _place(cursor, digest) if cursor else None
        with self._spans.snapshot():  # also because each look by itself costs as much as reading
            found = list(itertools.islice(self._matching(query, after, limit + 1), limit + 1))
            page = self.filled(found[:limit], fields)
        last = page[-1].span if len(found) > limit else None
        return RunPage(
            page,
            None
            if last is None
            else make_cursor(
                digest,
                [
                    last.start_time_unix_nano,
                    last.trace_id,
                    last.parent_span_id is None,
                    last.span_id,
                ],
            ),
        )

    def all(self, query: RunQuery, *, runs_max: int, fields: Iterable[str]) -> list[Run]:
        """Return the runs of a query, at most `runs_max`, with what `fields` need.

        Raises:
            QueryTimeout: it takes too long.
        """
        self.wait()
        with self._spans.snapshot():
            matching = self._matching(query, None, runs_max)
            return self.filled(list(itertools.islice(matching, runs_max)), fields)

    def one(self, run_id: str, fields: Iterable[str]) -> Run | None:
        """Return a run by its UUID; None when it is not here."""
        found = self.all(RunQuery(ids=[run_id]), runs_max=1, fields=fields)
        return found[0] if found else None

    def found(self, run_ids: Sequence[str]) -> list[Run]:
        """Return those runs that are here, as far as all is derived: nothing is waited for."""
        query = RunQuery(ids=run_ids)
        count = len(run_ids)
        return list(itertools.islice(self._matching(query, None, count), count))

    def trace_of(self, run_id: str) -> str | None:
        """Return the UUID of the trace of a run; None when the run is not here."""
        found = self.one(run_id, ())
        return found.trace_id if found else None

    def _matching(self, query: RunQuery, after: SpanPlace | None, count: int) -> Iterator[Run]:
        """Yield matching runs, of which `count` will do."""
        selection = _selection(query)
        # Of a thread's runs nearly all are wanted.
        is_narrow = selection.trace_ids is not None or selection.named_threads is not None
        # Of a project's perhaps all: a second look for the run behind a page costs as much.
        size = min(max(count, 1 if is_narrow else FIRST_SPANS), NARROW_SPANS)
        while True:
            spans = self._spans.page(
                selection, limit=size, after=after, newest_first=query.newest_first
            )
            candidates = [one for one in map(Run, spans) if _is_wanted(one, query)]
            candidates = self._looked_at(candidates, run_filter.fields(query.filter))
            if (asked := query.filter) is not None:
                check = query.deadline.check
                candidates = [r for r in candidates if run_filter.matches(asked, r, check)]
            yield from self._in_trees(candidates, query)
            if len(spans) < size:
                return
            query.deadline.check()
            last = spans[-1]
            after = _place_of(last)
            size = min(2 * size, PAGE_SPANS_MAX)

    def _looked_at(self, candidates: list[Run], fields: set[str]) -> list[Run]:
        """Return runs with what filters look at."""
        names = {"input": "inputs", "output": "outputs"}
        wanted = {names.get(name, name) for name in fields}
        tells = wanted & {"metadata", "inputs", "outputs", "error", "tags"}
        if fields & {"total_tokens", "prompt_tokens", "completion_tokens", "total_cost"}:
            tells |= {"total_tokens"}
        if "first_token_time" in fields:
            tells |= {"first_token_time"}
        if "feedback" in fields:
            tells |= {"feedback_stats"}
        if "parent_run_id" in fields:
            tells |= {"child_run_ids"}
        if not tells and "thread_id" not in fields:
            return candidates
        return self.filled(
            candidates, tells, with_traces=tells != {"metadata"} or "thread_id" in fields
        )

    def _in_trees(self, candidates: list[Run], query: RunQuery) -> Iterator[Run]:
        """Yield the runs whose root, or any run of whose trace, matches what is asked of it."""
        if query.trace_filter is None and query.tree_filter is None:
            yield from candidates
            return
        ids = sorted({run.span.trace_id for run in candidates})
        if not ids:
            return
        others: dict[str, list[Run]] = {}
        for run in self._of_traces(ids):
            others.setdefault(run.span.trace_id, []).append(run)
        fields = run_filter.fields(query.trace_filter) | run_filter.fields(query.tree_filter)
        matching = {
            trace_id: _trace_matches(self._looked_at(some, fields), query)
            for trace_id, some in others.items()
        }
        yield from (run for run in candidates if matching.get(run.span.trace_id))

    def _of_traces(self, trace_ids: Sequence[str]) -> Iterator[Run]:
        after = None
        while True:
            spans = self._spans.page(
                SpanSelection(trace_ids=trace_ids),
                limit=PAGE_SPANS_MAX,
                after=after,
                newest_first=False,
            )
            yield from map(Run, spans)
            if len(spans) < PAGE_SPANS_MAX:
                return
            last = spans[-1]
            after = _place_of(last)

    def filled(
        self, some: Sequence[Run], fields: Iterable[str], *, with_traces: bool = True
    ) -> list[Run]:
        """Return runs with what these fields of run_shapes need, and with their traces."""
        wanted = set(fields)
        if not some:
            return []
        spans = [run.span for run in some]
        spans = self._spans.with_attributes(spans, _attributes(spans, wanted))
        traces = self._traces_of(some) if with_traces else {}
        found = []
        needs_tree = wanted & run_shapes.NEEDS_TREE or _lack_order(spans)
        trees = {}
        if needs_tree:
            trees = {key: TraceTree(one) for key, one in self._spans.trees(traces.values()).items()}
        said = self._feedback_of(spans) if wanted & run_shapes.NEEDS_FEEDBACK else {}
        for span in spans:
            key = _trace_key(span, traces)
            around = Around(trace=traces.get(key), tree=trees.get(key))
            around.feedback = said.get(span.span_id, ())
            found.append(Run(span, around))
        if wanted & run_shapes.NEEDS_FILES:
            self._fill_files(found)
        return found

    def _traces_of(self, some: Sequence[Run]) -> dict[tuple[str, str], Trace]:
        """Return the traces of runs, of which a filter may have looked at some already."""
        known = [run.around.trace for run in some if run.around.trace is not None]
        found = {(one.project, one.trace_id): one for one in known}
        unknown = {run.span.trace_id for run in some if run.around.trace is None}
        return found | self._spans.traces(unknown)

    def _fill_files(self, some: Sequence[Run]) -> None:
        files: dict[str, list[Attachment]] = {}
        for one in self._workspace.attachments_of("span", [run.id for run in some]):
            files.setdefault(one.entity_id, []).append(one)
        for run in some:
            run.around.attachments = files.get(run.id, ())

    def _feedback_of(self, spans: Sequence[ListedSpan]) -> dict[str, list[Feedback]]:
        selection = FeedbackSelection(span_ids=sorted({span.span_id for span in spans}))
        said: dict[str, list[Feedback]] = {}
        for one in self._feedback.page(selection, limit=FEEDBACK_MAX):
            said.setdefault(one.span_id or "", []).append(parsed(one))
        return said


def _trace_key(span: ListedSpan, traces: Mapping[tuple[str, str], object]) -> tuple[str, str]:
    """Return which trace a span is of: its project's, else the only one of its id."""
    key = (span.project, span.trace_id)
    if key in traces:
        return key
    return next((one for one in traces if one[1] == span.trace_id), key)


def _lack_order(spans: Sequence[ListedSpan]) -> bool:
    """Return whether the place of some span in its tree has to be looked for."""
    name = record.field("dotted_order")
    return any(
        span.parent_span_id is not None
        and name not in span.attributes
        and name not in span.long_names
        for span in spans
    )


def _attributes(spans: Sequence[ListedSpan], fields: set[str]) -> set[str]:
    """Return the attributes that hold what some fields of an object tell."""
    own = {name for field in fields for name in run_shapes.LONG.get(field, ())}
    found = {record.field(name) for name in (*own, "dotted_order", "thread_id")}
    of_otlp = {"inputs", "outputs", "extra", "metadata"} & own
    if of_otlp:
        for span in spans:
            if record.VENDOR not in span.attributes:  # any of them may hold messages
                found |= span.long_names
            elif span.attributes[record.VENDOR] != VENDOR:
                found |= {record.field(name) for name in ("input", "output", "metadata")}
    return found


def _place_of(span: ListedSpan) -> SpanPlace:
    return SpanPlace(
        start_time_unix_nano=span.start_time_unix_nano,
        trace_id=span.trace_id,
        is_root=span.parent_span_id is None,
        span_id=span.span_id,
    )


def _place(cursor: str, digest: str) -> SpanPlace:
    match open_cursor(cursor, digest, at_least=4)[:4]:
        case [int() as start, str() as trace_id, bool() as is_root, str() as span_id]:
            return SpanPlace(
                start_time_unix_nano=start, trace_id=trace_id, is_root=is_root, span_id=span_id
            )
    raise InvalidQuery("cursor is not one that this server gave")


def _selection(query: RunQuery) -> SpanSelection:
    """Return what the store can look for: what every run of the query has."""
    selection = SpanSelection(
        projects=query.projects,
        span_ids=None if query.ids is None else span_ids_of(query.ids),
        trace_ids=None if query.trace_id is None else [trace_id_of(query.trace_id)],
        named_threads=query.thread_ids,
        is_root=query.is_root,
        from_unix_nano=query.from_unix_nano,
        to_unix_nano=query.to_unix_nano,
        # A run has it as JSON; what a span of OTLP is, is seen when it was read.
        attribute=None if query.run_type is None else record.field("run_type"),
        attribute_value=None if query.run_type is None else texts.written(query.run_type),
    )
    for one in run_filter.conjuncts(query.filter):
        selection = _narrowed(selection, one)
    return selection


def _narrowed(selection: SpanSelection, one: Condition | Same) -> SpanSelection:
    match one:
        case Condition(field="thread_id", op="eq", literals=(str() as thread_id,)):
            if selection.named_threads is None:
                return dataclasses.replace(selection, named_threads=[thread_id])
        case Condition(field="is_root", op="eq", literals=(bool() as is_root,)):
            return dataclasses.replace(selection, is_root=is_root)
        case Condition(field="trace_id", op="eq", literals=(str() as trace_id,)):
            if selection.trace_ids is None:
                return dataclasses.replace(selection, trace_ids=[trace_id_of(trace_id.lower())])
        case Same(family="metadata", items=items) if selection.named_threads is None:
            keys = _asked(items, "metadata_key")
            values = _asked(items, "metadata_value")
            if keys and values and len(values) == 1 and set(keys) <= set(METADATA_KEYS):
                return dataclasses.replace(selection, named_threads=[*map(as_kept, values)])
    return selection


def _asked(items: Sequence[Node], part: str) -> list[str] | None:
    """Return the texts of which a part of a pair has to be one; None where that is not all."""
    for item in items:
        match item:
            case Condition(field=name, op="eq" | "in", literals=literals) if name == part:
                if all(isinstance(one, str) for one in literals):
                    return [str(one) for one in literals]
    return None


def span_ids_of(ids: Iterable[str]) -> list[str]:
    """Return the span ids that runs of some UUIDs may have: of the low half, or of the whole."""
    found: list[str] = []
    for one in ids:
        found.append(span_id_of(one, one))
        found.append(span_id_of(one, f"ffffffff-ffff-ffff{one[18:]}"))  # where the halves clash
    return list(dict.fromkeys(found))


def _trace_matches(runs: Sequence[Run], query: RunQuery) -> bool:
    """Whether the root of a trace matches what is asked of it, and any of its runs likewise."""
    roots = [run for run in runs if run.is_root] or runs[:1]
    asked = ((query.trace_filter, roots), (query.tree_filter, runs))
    return all(
        wanted is None or any(run_filter.matches(wanted, run, query.deadline.check) for run in some)
        for wanted, some in asked
    )


def _is_wanted(run: Run, query: RunQuery) -> bool:
    """Return whether a run has what short attributes tell of it."""
    if query.ids is not None and run.id not in query.ids:
        return False
    if query.run_type is not None and run.run_type != query.run_type:
        return False
    if query.parent_run is not None and run.parent_run_id != query.parent_run:
        return False
    if query.has_error is not None and (run.span.status_code == "error") != query.has_error:
        return False
    if query.reference_examples is not None:
        return run.parsed("reference_example_id") in query.reference_examples
    if query.ends_before_unix_nano is not None:
        end = run.end_unix_nano
        return end is not None and end <= query.ends_before_unix_nano
    return True
