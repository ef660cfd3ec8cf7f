"""Opik's calls that read spans: search stream, list, one, statistics, names of scores."""

from collections.abc import Iterator, Sequence
from typing import Any

from starlette.responses import Response

from otel_threads.core.content import SpanContent, SpanLocation
from otel_threads.services.contents import Which
from otel_threads.vendors import ids
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.opik import errors, filters, record_fields, requests, shapes
from otel_threads.vendors.opik import stats as statistics
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.record_fields import Body, Given
from otel_threads.vendors.opik.trace_routes import score_names

CHUNK = 200  # spans that a stream has in memory at once
SORTS = {
    "id": "start_time",
    "name": "name",
    "start_time": "start_time",
    "end_time": "end_time",
    "duration": "duration_ms",
    "trace_id": "trace_id",
    "parent_span_id": "parent_span_id",
    "type": "type",
    "model": "model",
    "provider": "provider",
    "ttft": "time_to_first_token_ms",
    "total_estimated_cost": "cost_usd",
    "usage.prompt_tokens": "input_tokens",
    "usage.completion_tokens": "output_tokens",
    "usage.total_tokens": "total_tokens",
    "error_info": "status_code",
    "created_at": "received_at",
    "last_updated_at": "received_at",
}
SORTABLE = (*SORTS, "feedback_scores.*")


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    calls = _SpanCalls(door)
    return (
        Route("POST", "/v1/private/spans/search", Right.READ, calls.search),
        Route("GET", "/v1/private/spans/stats", Right.READ, calls.stats),
        Route("GET", "/v1/private/spans/feedback-scores/names", Right.READ, calls.score_names),
        Route("GET", "/v1/private/spans", Right.READ, calls.list),
        Route("GET", "/v1/private/spans/{id}", Right.READ, calls.get),
    )


class _SpanCalls:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._contents = door.services.contents

    def search(self, call: Call) -> Response:
        """Stream spans, the newest first."""
        body = requests.body_of(call)
        limit = requests.stream_limit(body)
        exclude = requests.excluded(body.get("exclude"))
        self._ready()
        which = self._which(body, filters.given_filters(body))
        last = requests.text_of(body, "last_retrieved_id")
        after = self._located(last) if last else None
        if which is None or (last and after is None):
            return requests.stream(iter(()))
        truncate = requests.flag(body, "truncate", default=True)
        chunks = self._chunks(which, limit, after)
        as_sent = requests.is_as_sent(body, truncate=truncate)
        rows = (self._shown(chunk, truncate=truncate, as_sent=as_sent) for chunk in chunks)
        return requests.stream(rows, exclude)

    def _chunks(
        self, which: Which, limit: int, after: SpanLocation | None
    ) -> Iterator[list[SpanContent]]:
        while limit > 0:
            found = self._contents.spans(limit=min(CHUNK, limit), after=after, **which)
            if not found:
                return
            yield found
            if len(found) < min(CHUNK, limit):
                return
            limit -= len(found)
            last = found[-1].span
            after = SpanLocation(
                project=last.project,
                trace_id=last.trace_id,
                span_id=last.span_id,
                record_id=None,
            )

    def _shown(self, found: Sequence[SpanContent], *, truncate: bool, as_sent: bool) -> list[Body]:
        shown = [shapes.span(one, truncate=truncate) for one in found]
        return self._door.reinjection.into("span", shown) if as_sent else shown

    def list(self, call: Call) -> Response:
        """List a page of spans."""
        query = call.query
        number, size = requests.paging(query)
        sort = requests.sort_of(query.get("sorting"), SORTS, "-start_time")
        exclude = requests.excluded(query.get("exclude"))
        self._ready()
        which = self._which(query, filters.parsed(query.get("filters")))
        if which is None:
            return requests.page(number, [], 0, SORTABLE)
        found = self._contents.spans(sort=sort, limit=size, offset=(number - 1) * size, **which)
        truncate = requests.flag(query, "truncate", default=False)
        as_sent = requests.is_as_sent(query, truncate=truncate)
        rows = self._shown(found, truncate=truncate, as_sent=as_sent)
        content = [requests.compact(one, exclude) for one in rows]
        return requests.page(number, content, self._contents.count_spans(**which), SORTABLE)

    def get(self, call: Call) -> Response:
        """Return one span, whole."""
        given = call.params["id"]
        self._ready()
        location = self._located(given)
        found = self._contents.span(location) if location else None
        if found is None or record_fields.is_record(found.span, "trace"):
            raise errors.not_found("span", given)
        as_sent = requests.is_as_sent(call.query, truncate=False)
        (shown,) = self._shown([found], truncate=False, as_sent=as_sent)
        return requests.json_response(requests.compact(shown))

    def stats(self, call: Call) -> Response:
        """Return statistics over spans."""
        self._ready()
        which = self._which(call.query, filters.parsed(call.query.get("filters")))
        if which is None:
            return requests.json_response({"stats": []})
        known = self._contents.span_stats(**which)
        counts = {
            name: self._contents.count_spans(**filters.having(which, name, filters.SPANS))
            for name in ("input", "output", "metadata")
        }
        return requests.json_response({"stats": statistics.of_spans(known, counts)})

    def score_names(self, call: Call) -> Response:
        """Name the scores of spans."""
        return score_names(self._door, call, "span")

    def _which(self, given: Given, found: Any) -> Which | None:
        """Return the selection that a body or a query names; None for one that nothing is in."""
        project = self._door.projects.given(given)
        where = filters.tree([*(found or ()), *_type_filter(given)], filters.SPANS)
        trace = requests.text_of(given, "trace_id")
        trace_uuid = ids.uuid_text(trace) if trace else None
        if project is None or (trace and trace_uuid is None):
            return None
        trace_id = ids.trace_id_of(trace_uuid) if trace_uuid else None
        return Which(
            project=project,
            trace_id=trace_id,
            where=where,
            search=requests.text_of(given, "search"),
            from_time=requests.time_of(given, "from_time"),
            to_time=requests.time_of(given, "to_time"),
        )

    def _located(self, given: str) -> SpanLocation | None:
        span_uuid = ids.uuid_text(given)
        found = self._contents.spans_by_uuid([span_uuid]) if span_uuid else {}
        return found.get(span_uuid or "")

    def _ready(self) -> None:
        self._contents.wait_fresh()
        self._door.services.workspace.link()


def _type_filter(given: Given) -> list[Any]:
    kind = requests.text_of(given, "type")
    return [{"field": "type", "operator": "=", "value": kind}] if kind else []
