"""Opik's calls that read traces: search stream, list, one, statistics, names of scores."""

from collections.abc import Iterator, Sequence
from typing import Any

from starlette.responses import Response

from otel_threads.core.content import TraceContent
from otel_threads.services.contents import Which
from otel_threads.vendors import ids
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.opik import errors, filters, requests, shapes
from otel_threads.vendors.opik import stats as statistics
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.record_fields import Body, Given

CHUNK = 200  # traces that a stream has in memory at once
SORTS = {
    "id": "trace_id",
    "name": "name",
    "start_time": "start_time",
    "end_time": "end_time",
    "duration": "duration_ms",
    "span_count": "span_count",
    "llm_span_count": "call_count",
    "total_estimated_cost": "cost_usd",
    "usage.prompt_tokens": "usage.input_tokens",
    "usage.completion_tokens": "usage.output_tokens",
    "usage.total_tokens": "usage.total_tokens",
    "created_at": "created_at",
    "last_updated_at": "updated_at",
    "thread_id": "thread_id",
    "tags": "tags",
    "input": "first_message",
    "output": "last_message",
    "error_info": "error_count",
    "ttft": "ttft",
}
SORTABLE = (*SORTS, "feedback_scores.*", "metadata.*")


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    calls = _TraceCalls(door)
    return (
        Route("POST", "/v1/private/traces/search", Right.READ, calls.search),
        Route("GET", "/v1/private/traces/exists", Right.READ, calls.exists),
        Route("GET", "/v1/private/traces/stats", Right.READ, calls.stats),
        Route("GET", "/v1/private/traces/feedback-scores/names", Right.READ, calls.score_names),
        Route("GET", "/v1/private/traces", Right.READ, calls.list),
        Route("GET", "/v1/private/traces/{id}", Right.READ, calls.get),
    )


def which_traces(door: Door, given: Given, found: Any) -> Which | None:
    """Return the selection that a body or a query names; None for a project that is not here.

    Raises:
        InvalidQuery: no project, or a filter or a time that cannot be.
    """
    project = door.projects.given(given)
    where = filters.tree(found, filters.TRACES)
    if project is None:
        return None
    return Which(
        project=project,
        where=where,
        search=requests.text_of(given, "search"),
        from_time=requests.time_of(given, "from_time"),
        to_time=requests.time_of(given, "to_time"),
    )


class _TraceCalls:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._contents = door.services.contents

    def search(self, call: Call) -> Response:
        """Stream traces, the newest first."""
        body = requests.body_of(call)
        limit = requests.stream_limit(body)
        last = requests.text_of(body, "last_retrieved_id")
        exclude = requests.excluded(body.get("exclude"))
        self._ready()
        which = which_traces(self._door, body, filters.given_filters(body))
        after = ids.uuid_text(last) if last else None
        if which is None or (last and after is None):
            return requests.stream(iter(()))
        truncate = requests.flag(body, "truncate", default=True)
        chunks = self._chunks(which, limit, ids.trace_id_of(after) if after else None)
        as_sent = requests.is_as_sent(body, truncate=truncate)
        rows = (self._shown(chunk, truncate=truncate, as_sent=as_sent) for chunk in chunks)
        return requests.stream(rows, exclude)

    def _chunks(self, which: Which, limit: int, after: str | None) -> Iterator[list[TraceContent]]:
        while limit > 0:
            found = self._contents.traces(
                limit=min(CHUNK, limit), after=after, names=shapes.TRACE_NAMES, **which
            )
            if not found:
                return
            yield found
            if len(found) < min(CHUNK, limit):
                return
            limit -= len(found)
            after = found[-1].trace.trace_id

    def _shown(self, found: Sequence[TraceContent], *, truncate: bool, as_sent: bool) -> list[Body]:
        shown = [shapes.trace(one, truncate=truncate) for one in found]
        return self._door.reinjection.into("trace", shown) if as_sent else shown

    def list(self, call: Call) -> Response:
        """List a page of traces."""
        query = call.query
        number, size = requests.paging(query)
        keyed = {"feedback_scores": "scores", "metadata": "metadata"}
        sort = requests.sort_of(query.get("sorting"), SORTS, "-start_time", keyed)
        exclude = requests.excluded(query.get("exclude"))
        self._ready()
        which = which_traces(self._door, query, filters.parsed(query.get("filters")))
        if which is None:
            return requests.page(number, [], 0, SORTABLE)
        found = self._contents.traces(
            sort=sort, limit=size, offset=(number - 1) * size, names=shapes.TRACE_NAMES, **which
        )
        truncate = requests.flag(query, "truncate", default=False)
        as_sent = requests.is_as_sent(query, truncate=truncate)
        rows = self._shown(found, truncate=truncate, as_sent=as_sent)
        content = [requests.compact(one, exclude) for one in rows]
        return requests.page(number, content, self._contents.count_traces(**which), SORTABLE)

    def get(self, call: Call) -> Response:
        """Return one trace, whole."""
        found = self._one(call.params["id"])
        as_sent = requests.is_as_sent(call.query, truncate=False)
        (shown,) = self._shown([found], truncate=False, as_sent=as_sent)
        return requests.json_response(requests.compact(shown))

    def _one(self, given: str) -> TraceContent:
        trace_uuid = ids.uuid_text(given)
        if trace_uuid is None:
            raise errors.not_found("trace", given)
        self._ready()
        found = self._contents.trace(ids.trace_id_of(trace_uuid), names=shapes.TRACE_NAMES)
        if found is None:
            raise errors.not_found("trace", given)
        return found

    def _ready(self) -> None:
        self._contents.wait_fresh()
        self._door.services.workspace.link()

    def exists(self, call: Call) -> Response:
        """Say whether a project has a trace, or one of a thread."""
        self._ready()
        which = which_traces(self._door, call.query, None)
        if which is None:
            return requests.json_response({"exists": False})
        if requests.flag(call.query, "thread_only", default=False):
            found = self._contents.count_threads(project=which.get("project"))
        else:
            found = self._contents.count_traces(**which)
        return requests.json_response({"exists": found > 0})

    def stats(self, call: Call) -> Response:
        """Return statistics over traces."""
        self._ready()
        which = which_traces(self._door, call.query, filters.parsed(call.query.get("filters")))
        if which is None:
            return requests.json_response({"stats": []})
        known = self._door.services.threads.trace_stats(
            project=which.get("project"),
            where=which.get("where"),
            search=which.get("search"),
            from_time=which.get("from_time"),
            to_time=which.get("to_time"),
        )
        means = self._contents.trace_means(**which)
        counts = {
            name: self._contents.count_traces(**filters.having(which, name, filters.TRACES))
            for name in ("input", "output", "metadata")
        }
        return requests.json_response({"stats": statistics.of_traces(known, means, counts)})

    def score_names(self, call: Call) -> Response:
        """Name the scores of traces."""
        return score_names(self._door, call, "trace")


def score_names(door: Door, call: Call, target: str) -> Response:
    """Return the names of scores of threads, traces or spans, of one project or of all."""
    project = door.projects.named(call.query)
    if project is None and call.query.get("project_id"):
        return requests.json_response({"scores": []})
    door.services.workspace.link()
    names = door.services.annotations.score_names_of(target, project=project)
    scores: list[Body] = [{"name": name} for name in names]
    return requests.json_response({"scores": scores})
