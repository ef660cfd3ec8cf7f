"""Threads of LangSmith's API: their summaries, traces and statistics, over the services."""

import dataclasses
import datetime
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otel_threads import unix_nano
from otel_threads.batches import batches
from otel_threads.core.errors import NotFound
from otel_threads.core.feedback import FeedbackSelection
from otel_threads.core.thread import Thread
from otel_threads.derive.thread_id import as_kept
from otel_threads.services.feedback import FEEDBACK_MAX, FeedbackService
from otel_threads.services.threads import ThreadService
from otel_threads.vendors import times
from otel_threads.vendors.langsmith import feedback, run_filter, run_shapes
from otel_threads.vendors.langsmith.deadline import Deadline
from otel_threads.vendors.langsmith.feedback import Feedback, parsed
from otel_threads.vendors.langsmith.run_filter import Node, Pair, Value
from otel_threads.vendors.langsmith.run_query import RunQuery, RunReader
from otel_threads.vendors.langsmith.runs import Run, time_of

TRACES_MAX = 10_000  # of one thread, that its statistics look at
RUNS_MAX = 10_000  # root runs that are looked at together
THREADS_MAX = 10_000  # that statistics over many threads look at
SUMMARY = ("inputs_preview", "outputs_preview", "error", "feedback_stats")
_OPS: Mapping[str, int] = {
    name: number
    for number, name in enumerate(
        ("chain", "llm", "tool", "retriever", "embedding", "prompt", "parser")
    )
}
# What the v2 calls name a trace's fields.
TRACE_FIELDS: Mapping[str, Callable[[Run], Any]] = {
    **{
        name: run_shapes.V2[name]
        for name in (
            *("thread_id", "name", "start_time", "end_time", "first_token_time", "inputs"),
            *("outputs", "inputs_preview", "outputs_preview", "error", "error_preview"),
            *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cost"),
            *("completion_cost", "total_cost", "prompt_token_details"),
            "completion_token_details",
        )
    },
    "latency": lambda run: run.latency_s,
    "op": lambda run: _OPS.get(run.run_type, 0),
    "prompt_cost_details": lambda run: {"raw": {}},
    "completion_cost_details": lambda run: {"raw": {}},
}
UNITS_S = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}
BUCKETS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadQuery:
    """Which threads of a project, active in a window."""

    project: str
    from_time: datetime.datetime
    to_time: datetime.datetime
    root_filter: Node | None = None
    tree_filter: Node | None = None
    thread_filter: Node | None = None
    deadline: Deadline = dataclasses.field(default_factory=Deadline)


@dataclass(frozen=True, slots=True)
class Summary:
    """A thread with its root runs in the window, oldest first, and all feedback. A Subject."""

    thread: Thread
    roots: list[Run]
    own_feedback: list[Feedback]

    @property
    def feedback(self) -> list[Feedback]:
        """That of its runs, then its own."""
        return [*(one for run in self.roots for one in run.around.feedback), *self.own_feedback]

    @property
    def latencies_s(self) -> list[float]:
        """Of its traces that ended."""
        return sorted(one for run in self.roots if (one := run.latency_s) is not None)

    def values(self, field: str) -> Sequence[Value]:
        """Return what a field of `run_filter.FIELDS` holds of the thread."""
        thread = self.thread
        match field:
            case "tags" | "tag":
                return thread.tags
            case "start_time" | "min_start_time":
                return [thread.first_activity_time]
            case "end_time":
                return [thread.last_activity_time]
            case "max_start_time":
                return [time for run in self.roots[-1:] if (time := time_of(run.start_unix_nano))]
            case "latency":
                return self.latencies_s
            case _:
                found = _OF_THREAD[field](self) if field in _OF_THREAD else None
                return () if found is None else (found,)

    def pairs(self, family: str) -> Iterable[Pair]:
        """Return its metadata, or its feedback."""
        if family == "feedback":
            return [one.pair for one in self.feedback]
        if family == "metadata":
            found = self.thread.metadata.items()
            return [{"metadata_key": key, "metadata_value": one} for key, one in found]
        return [pair for run in self.roots for pair in run.pairs(family)]

    def texts(self, field: str | None) -> Iterable[str]:
        """Return the texts of its root runs."""
        for run in self.roots:
            yield from run.texts(field)


_OF_THREAD: Mapping[str, Callable[[Summary], Value]] = {
    "thread_id": lambda one: one.thread.thread_id,
    "id": lambda one: one.thread.thread_id,
    "total_tokens": lambda one: one.thread.usage.total_tokens,
    "prompt_tokens": lambda one: one.thread.usage.input_tokens,
    "completion_tokens": lambda one: one.thread.usage.output_tokens,
    "total_cost": lambda one: one.thread.cost_usd,
    "count": lambda one: len(one.roots),
    "turns": lambda one: len(one.roots),
    "num_errored_turns": lambda one: _errored(one.roots),
    "status": lambda one: "error" if _errored(one.roots) else "success",
}


def _errored(roots: Iterable[Run]) -> int:
    return sum(run.error is not None for run in roots)


class ThreadReader:
    """Finds threads and their traces."""

    def __init__(self, threads: ThreadService, runs: RunReader, said: FeedbackService) -> None:
        self._threads = threads
        self._runs = runs
        self._said = said

    def page(
        self, query: ThreadQuery, *, limit: int, cursor: str | None
    ) -> tuple[list[Summary], str | None]:
        """Return threads, the latest activity first, and the cursor of the next page.

        A page may hold fewer than `limit` where a filter leaves some out.

        Raises:
            InvalidQuery: the cursor is none. QueryTimeout: it takes too long.
        """
        self._runs.wait()
        page = self._threads.threads(
            project=query.project,
            from_time=query.from_time,
            to_time=query.to_time,
            limit=limit,
            cursor=cursor,
        )
        return self.summaries(page.items, query), page.next_cursor

    def all(self, query: ThreadQuery) -> list[Summary]:
        """Return the threads of a query, at most THREADS_MAX."""
        found: list[Summary] = []
        cursor: str | None = None
        while True:
            page, cursor = self.page(query, limit=200, cursor=cursor)
            found += page
            if cursor is None or len(found) >= THREADS_MAX:
                return found

    def summaries(self, threads: Sequence[Thread], query: ThreadQuery) -> list[Summary]:
        """Return those of some threads that match, each with its root runs in the window."""
        first, last = unix_nano.of_time(query.from_time), unix_nano.of_time(query.to_time)
        found = []
        for some in batches(threads, lambda one: one.trace_count, weight_max=RUNS_MAX):
            roots = self._matching_roots(some, query)
            said = self._own_feedback(some)
            for thread in some:
                of_thread = roots.get(thread.thread_id, ())
                inside = [run for run in of_thread if first <= run.start_unix_nano < last]
                if not inside:
                    continue
                summary = Summary(thread, inside, said.get(thread.thread_id, []))
                asked, check = query.thread_filter, query.deadline.check
                if asked is None or run_filter.matches(asked, summary, check):
                    found.append(summary)
        return found

    def _matching_roots(
        self, threads: Sequence[Thread], query: ThreadQuery
    ) -> dict[str, list[Run]]:
        """Return all root runs of threads of one project, oldest first, by thread id.

        Threads none of whose traces matches the filters have none.
        """
        named = [thread.thread_id for thread in threads]
        asked = RunQuery(
            projects=[query.project],
            thread_ids=named,
            is_root=True,
            newest_first=False,
            deadline=query.deadline,
        )
        if query.root_filter is not None or query.tree_filter is not None:
            narrowed = dataclasses.replace(
                asked, filter=query.root_filter, tree_filter=query.tree_filter
            )
            matching = self._by_thread(narrowed, named, fields=())
            asked = dataclasses.replace(asked, thread_ids=[*matching])
            if not matching:
                return {}
        return self._by_thread(asked, named, fields=SUMMARY)

    def _by_thread(
        self, query: RunQuery, named: Sequence[str], *, fields: Iterable[str]
    ) -> dict[str, list[Run]]:
        found: dict[str, list[Run]] = {}
        for run in self._runs.all(query, runs_max=RUNS_MAX, fields=fields):
            for thread_id in set(_thread_ids(run)).intersection(named):
                found.setdefault(thread_id, []).append(run)
        return found

    def roots(
        self,
        project: str,
        thread_id: str,
        fields: Iterable[str],
        *,
        root_filter: Node | None = None,
        tree_filter: Node | None = None,
    ) -> list[Run]:
        """Return the root runs of a thread, oldest first."""
        query = RunQuery(
            projects=[project],
            thread_ids=[thread_id],
            is_root=True,
            filter=root_filter,
            tree_filter=tree_filter,
            newest_first=False,
        )
        return self._of_thread(query, thread_id, runs_max=TRACES_MAX, fields=fields)

    def _of_thread(
        self, query: RunQuery, thread_id: str, *, runs_max: int, fields: Iterable[str]
    ) -> list[Run]:
        found = self._runs.all(query, runs_max=runs_max, fields=fields)
        # The store looks for more: for traces that have the text among their metadata.
        return [run for run in found if thread_id in _thread_ids(run)]

    def thread(self, project: str, thread_id: str) -> Thread:
        """Return a thread.

        Raises:
            NotFound: there is none of that id in the project.
        """
        self._runs.wait()
        return self._threads.thread(as_kept(thread_id), project=project)

    def filled(self, some: Sequence[Run], fields: Iterable[str]) -> list[Run]:
        """Return runs with what these fields need."""
        return self._runs.filled(some, fields)

    def _own_feedback(self, threads: Sequence[Thread]) -> dict[str, list[Feedback]]:
        """Return feedback of threads of one project themselves, by thread id."""
        selection = FeedbackSelection(
            projects=[threads[0].project], thread_ids=[thread.thread_id for thread in threads]
        )
        found: dict[str, list[Feedback]] = {}
        for one in self._said.page(selection, limit=FEEDBACK_MAX):
            found.setdefault(one.thread_id or "", []).append(parsed(one))
        return found

    def summary(self, thread: Thread, root_filter: Node | None) -> Summary:
        """Return a thread with all of its root runs that match."""
        fields = (*SUMMARY, "total_tokens")
        roots = self.roots(thread.project, thread.thread_id, fields, root_filter=root_filter)
        said = self._own_feedback([thread]).get(thread.thread_id, [])
        return Summary(thread, roots, said)


def _thread_ids(run: Run) -> Sequence[str]:
    trace = run.around.trace
    return trace.thread_ids if trace is not None else ()


def shown(summary: Summary) -> dict[str, Any]:
    """Return a thread as `threads/query` has it."""
    thread, roots = summary.thread, summary.roots
    first, last = roots[0], roots[-1]
    latencies = summary.latencies_s
    failed = [run for run in roots if run.error is not None]
    return {
        "thread_id": thread.thread_id,
        "count": len(roots),
        "trace_id": last.trace_id,
        "first_trace_id": first.trace_id,
        "last_trace_id": last.trace_id,
        "start_time": times.iso(last.start_unix_nano),
        "min_start_time": times.iso(first.start_unix_nano),
        "max_start_time": times.iso(last.start_unix_nano),
        "first_inputs": run_shapes.preview(first.fields.get("inputs")),
        "last_outputs": run_shapes.preview(last.fields.get("outputs")),
        "last_error": run_shapes.error_preview(failed[-1].error) if failed else None,
        "num_errored_turns": len(failed),
        "latency_p50": percentile(latencies, 0.5),
        "latency_p99": percentile(latencies, 0.99),
        "total_tokens": thread.usage.total_tokens,
        "total_cost": thread.cost_usd,
        "total_token_details": {
            **run_shapes.token_details(thread.usage, "input"),
            **run_shapes.token_details(thread.usage, "output"),
        },
        "total_cost_details": {},
        "feedback_stats": feedback.stats(summary.feedback),
        "query_metadata": None,
    }


def trace_shown(run: Run, turn_number: int, selects: Iterable[str]) -> dict[str, Any]:
    """Return a root run as a trace of its thread."""
    found: dict[str, Any] = {"trace_id": run.trace_id}
    for name in selects:
        if name == "turn_number":
            found[name] = turn_number
        elif name in TRACE_FIELDS:
            found[name] = TRACE_FIELDS[name](run)
    return found


def thread_stats(summary: Summary, selects: Iterable[str]) -> dict[str, Any]:
    """Return the statistics of one thread that were selected."""
    wanted = {name.lower() for name in selects}
    return {
        key: value
        for name, read in _THREAD_STATS.items()
        if name in wanted
        for key, value in read(summary).items()
    }


def _sum(name: str) -> Callable[[Summary], int | None]:
    def read(summary: Summary) -> int | None:
        counts = [
            count
            for run in summary.roots
            if run.sums.usage is not None
            if (count := getattr(run.sums.usage, name)) is not None
        ]
        return sum(counts) if counts else None

    return read


def _cost(summary: Summary) -> float | None:
    costs = [run.sums.cost_usd for run in summary.roots if run.sums.cost_usd is not None]
    return sum(costs) if costs else None


def _sides(runs: Iterable[Run]) -> tuple[float | None, float | None]:
    """Return the cost of inputs and of outputs; unknown where it is of some priced run."""
    priced = [run.sums for run in runs if run.sums.cost_usd is not None]
    inputs = [one.prompt_cost_usd for one in priced if one.prompt_cost_usd is not None]
    if not inputs or len(inputs) < len(priced):
        return None, None
    return sum(inputs), sum(one.completion_cost_usd or 0.0 for one in priced)


def _ends(summary: Summary) -> str | None:
    ends = [run.end_unix_nano for run in summary.roots if run.end_unix_nano is not None]
    return times.iso(max(ends)) if ends else None


def _start(summary: Summary, place: int) -> str | None:
    return times.iso(summary.roots[place].start_unix_nano) if summary.roots else None


def _latency(name: str, share: float) -> Callable[[Summary], Mapping[str, Any]]:
    def read(summary: Summary) -> Mapping[str, Any]:
        found = percentile(summary.latencies_s, share)
        return {name: found, f"{name}_seconds": found}

    return read


def _details(side: str) -> Callable[[Summary], dict[str, dict[str, int]]]:
    def read(summary: Summary) -> dict[str, dict[str, int]]:
        total: dict[str, int] = {}
        for run in summary.roots:
            usage = run.sums.usage
            for name, count in run_shapes.token_details(usage, side).items() if usage else ():
                total[name] = total.get(name, 0) + count
        return {"raw": total}

    return read


_THREAD_STATS: Mapping[str, Callable[[Summary], Mapping[str, Any]]] = {
    "turns": lambda one: {"turns": len(one.roots)},
    "first_start_time": lambda one: {"first_start_time": _start(one, 0)},
    "last_start_time": lambda one: {"last_start_time": _start(one, -1)},
    "last_end_time": lambda one: {"last_end_time": _ends(one)},
    "latency_p50": _latency("latency_p50", 0.5),
    "latency_p99": _latency("latency_p99", 0.99),
    "prompt_tokens": lambda one: {"prompt_tokens": _sum("input_tokens")(one)},
    "completion_tokens": lambda one: {"completion_tokens": _sum("output_tokens")(one)},
    "total_tokens": lambda one: {"total_tokens": _sum("total_tokens")(one)},
    "total_cost": lambda one: {"total_cost": _cost(one)},
    "prompt_cost": lambda one: {"prompt_cost": _sides(one.roots)[0]},
    "completion_cost": lambda one: {"completion_cost": _sides(one.roots)[1]},
    "prompt_token_details": lambda one: {"prompt_token_details": _details("input")(one)},
    "completion_token_details": lambda one: {"completion_token_details": _details("output")(one)},
    "prompt_cost_details": lambda one: {"prompt_cost_details": {"raw": {}}},
    "completion_cost_details": lambda one: {"completion_cost_details": {"raw": {}}},
    "feedback_stats": lambda one: {"feedback_stats": feedback.stats(one.feedback)},
}


def aggregate(summaries: Sequence[Summary], select: Iterable[str]) -> dict[str, Any]:
    """Return the statistics over many threads that were selected."""
    wanted = {name.lower() for name in select}
    roots = [run for one in summaries for run in one.roots]
    usages = [run.sums.usage for run in roots if run.sums.usage is not None]
    own = (one for summary in summaries for one in summary.own_feedback)
    made: dict[str, Any] = {
        "thread_count": len(summaries),
        "trace_count": len(roots),
        **speeds(roots),
        **totals(roots),
        "prompt_cost": _sides(roots)[0],
        "completion_cost": _sides(roots)[1],
        "error_rate": error_rate(roots),
        "prompt_token_details": _categories(usages, "input"),
        "completion_token_details": _categories(usages, "output"),
        "prompt_cost_details": {},
        "completion_cost_details": {},
        "thread_feedback_stats": feedback.stats(own),
    }
    found: dict[str, Any] = {}
    for name, one in made.items():
        if name in wanted:
            found |= _both(name, one) if name in _SECONDS else {name: one}
    return found


# What the client reads with its unit in the name, and older ones without.
_SECONDS = ("latency_p50", "latency_p99", "first_token_p50", "first_token_p99")


def speeds(runs: Sequence[Run]) -> dict[str, float | None]:
    """Return percentiles of latencies and first tokens, in seconds, and how many runs stream."""
    latencies = sorted(one for run in runs if (one := run.latency_s) is not None)
    firsts = sorted(
        (first - run.start_unix_nano) / 1e9
        for run in runs
        if (first := run.first_token_unix_nano) is not None
    )
    return {
        "latency_p50": percentile(latencies, 0.5),
        "latency_p99": percentile(latencies, 0.99),
        "first_token_p50": percentile(firsts, 0.5),
        "first_token_p99": percentile(firsts, 0.99),
        "streaming_rate": len(firsts) / len(runs) if runs else None,
    }


def totals(runs: Iterable[Run]) -> dict[str, float | None]:
    """Return tokens and cost of runs, none of which is above another."""
    sums = [run.sums for run in runs]
    usages = [one.usage for one in sums if one.usage is not None]
    costs = [one.cost_usd for one in sums if one.cost_usd is not None]
    tokens = [usage.total_tokens for usage in usages if usage.total_tokens is not None]
    return {
        "total_tokens": sum(tokens),
        "prompt_tokens": sum(one.input_tokens or 0 for one in usages),
        "completion_tokens": sum(one.output_tokens or 0 for one in usages),
        "total_cost": sum(costs) if costs else None,
        "median_tokens": round(statistics.median(tokens)) if tokens else None,
    }


def error_rate(runs: Sequence[Run]) -> float | None:
    """Return the share of runs that failed; None of none."""
    return _errored(runs) / len(runs) if runs else None


def _both(name: str, seconds: float | None) -> Mapping[str, Any]:
    return {name: seconds, f"{name}_seconds": seconds}


def _categories(usages: Iterable[Any], side: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for usage in usages:
        for name, count in run_shapes.token_details(usage, side).items():
            total[name] = total.get(name, 0) + count
    return total


def buckets(
    summaries: Sequence[Summary], select: Sequence[str], query: ThreadQuery, stride_s: int
) -> list[dict[str, Any]]:
    """Return statistics by time; a thread counts once, in the bucket of its newest trace.

    Buckets begin at multiples of the stride since 1970, in UTC; empty ones are there, too.
    """
    first = int(query.from_time.timestamp()) // stride_s
    last = int(query.to_time.timestamp() - 1e-6) // stride_s
    by_bucket: dict[int, list[Summary]] = {}
    for one in summaries:
        newest = one.roots[-1].start_unix_nano // 1_000_000_000 // stride_s
        by_bucket.setdefault(newest, []).append(one)
    return [
        {
            "bucket_start_time": times.iso(max(bucket * stride_s, 0) * 1_000_000_000),
            **aggregate(by_bucket.get(bucket, []), select),
        }
        for bucket in range(first, last + 1)
    ]


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return a percentile of sorted numbers, between two of them by weight; None of none."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def check_found(roots: Sequence[Run], thread_id: str) -> None:
    """Return where a thread has traces.

    Raises:
        NotFound: it has none.
    """
    if not roots:
        raise NotFound(f"no thread {thread_id!r} in this project")
