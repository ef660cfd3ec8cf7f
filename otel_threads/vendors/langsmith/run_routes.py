"""Calls that read runs: `runs/query`, one run, statistics; of v1 and of v2."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.vendors.call import Answered, Call, Right, Route
from otel_threads.vendors.ids import uuid_text
from otel_threads.vendors.langsmith import feedback, run_shapes, threads
from otel_threads.vendors.langsmith.attachments import Attachments
from otel_threads.vendors.langsmith.bodies import Fields, json_response
from otel_threads.vendors.langsmith.projects import Projects
from otel_threads.vendors.langsmith.run_filter import AllOf, Node, Search
from otel_threads.vendors.langsmith.run_query import RUNS_MAX, RunQuery, RunReader
from otel_threads.vendors.langsmith.runs import Run

DAY_NS = 86_400 * 1_000_000_000
STATS_RUNS_MAX = 20_000  # that statistics look at
NOT_SHARED = "sharing is off: this server has no public pages; link to its own page instead"
NO_SEARCH = "ai_search and sem_filter need a model, which this server has none of: use filter"


class RunCalls:
    """The calls that read runs."""

    def __init__(self, projects: Projects, runs: RunReader, files: Attachments) -> None:
        self._files = files
        self._projects = projects
        self._runs = runs

    def routes(self) -> tuple[Route, ...]:
        """Return the routes, as `Vendor.routes`: v2's first, of which v1's would fit some."""
        return (
            Route("POST", "/api/v2/runs/query", Right.READ, self._query_v2),
            Route("GET", "/api/v2/runs/{run_id}", Right.READ, self._get_v2),
            Route("GET", "/api/v2/runs/{run_id}/share", Right.READ, not_shared),
            Route("POST", "/api/v2/runs/{run_id}/share", Right.WRITE, not_shared),
            Route("PUT", "/api/v2/runs/{run_id}/share", Right.WRITE, not_shared),
            Route("DELETE", "/api/v2/runs/{run_id}/share", Right.WRITE, not_shared),
            Route("GET", "/api/v2/runs/{run_id}/url", Right.READ, self._url),
            Route("POST", "/api/v2/traces/query", Right.READ, self._traces_v2),
            Route("GET", "/api/v2/traces/{trace_id}/runs", Right.READ, self._trace_runs_v2),
            Route("POST", "/runs/query", Right.READ, self._query),
            Route("POST", "/runs/stats", Right.READ, self._stats),
            Route("GET", "/runs/{run_id}", Right.READ, self._get),
            Route("GET", "/runs/{run_id}/share", Right.READ, not_shared),
            Route("PUT", "/runs/{run_id}/share", Right.WRITE, not_shared),
            Route("DELETE", "/runs/{run_id}/share", Right.WRITE, not_shared),
        )

    def _query(self, call: Call) -> Response:
        asked = Fields.of_body(call)
        fields = run_shapes.selected_v1(asked.texts("select"))
        page = self._runs.page(
            self._of_v1(asked),
            limit=asked.number("limit", otherwise=100, least=1, most=RUNS_MAX),
            cursor=asked.text("cursor"),
            fields=run_shapes.to_read(fields),
        )
        return json_response(
            {
                "runs": [self._v1(run, fields, call) for run in page.runs],
                "cursors": {"next": page.next_cursor, "prev": None},
                "parsed_query": None,
            }
        )

    def _v1(self, run: Run, fields: Iterable[str], call: Call) -> dict[str, Any]:
        found = run_shapes.shown(run, fields, run_shapes.V1)
        if run.around.attachments and "s3_urls" in found:
            found["s3_urls"] = self._files.of_v1(run, call.base_url)
        return found

    def _v2(self, run: Run, fields: Iterable[str], call: Call) -> dict[str, Any]:
        found = run_shapes.shown(run, fields, run_shapes.V2)
        if run.around.attachments and "attachments" in found:
            found["attachments"] = self._files.of_v2(run, call.base_url)
        return found

    def _of_v1(self, asked: Fields) -> RunQuery:
        order = asked.text("order") or "desc"
        if order not in ("asc", "desc"):
            raise InvalidQuery(f"order {order[:20]!r} is neither asc nor desc")
        return RunQuery(
            projects=self._projects.names_of(asked.uuids("session")),
            ids=asked.uuids("id"),
            trace_id=asked.uuid("trace"),
            parent_run=asked.uuid("parent_run"),
            run_type=asked.text("run_type"),
            is_root=_is_root(asked),
            has_error=asked.flag("error"),
            from_unix_nano=asked.unix_nano("start_time"),
            ends_before_unix_nano=asked.unix_nano("end_time"),
            reference_examples=asked.uuids("reference_example"),
            filter=_with_search(asked),
            trace_filter=asked.filter("trace_filter"),
            tree_filter=asked.filter("tree_filter"),
            newest_first=order == "desc",
            about=asked.about(),
        )

    def _get(self, call: Call) -> Response:
        fields = (*run_shapes.selected_v1(None), "child_run_ids")
        return json_response(self._v1(self._one(call, run_shapes.to_read(fields)), fields, call))

    def _one(self, call: Call, fields: Iterable[str]) -> Run:
        run_id = uuid_text(call.params["run_id"])
        found = self._runs.one(run_id, fields) if run_id else None
        if found is None:
            raise NotFound("Run not found")
        return found

    def _stats(self, call: Call) -> Response:
        asked = Fields.of_body(call)
        fields = (*threads.SUMMARY, "total_tokens", "first_token_time")
        found = self._runs.all(self._of_v1(asked), runs_max=STATS_RUNS_MAX, fields=fields)
        return json_response(_stats(found))

    def _query_v2(self, call: Call) -> Response:
        asked = Fields.of_body(call)
        refuse_search(asked)
        fields = run_shapes.selected_v2(asked.texts("selects"))
        run_type = asked.text("run_type")
        projects = asked.uuids("project_ids")
        if projects is None:
            raise InvalidQuery("project_ids is missing")
        ids = asked.uuids("ids")
        trace_id = asked.uuid("trace_id")
        query = RunQuery(
            projects=self._projects.names_of(projects),
            ids=ids,
            trace_id=trace_id,
            run_type=run_type.lower() if run_type else None,
            is_root=asked.flag("is_root"),
            has_error=asked.flag("has_error"),
            # Runs that are named are found whenever they were.
            from_unix_nano=_from(asked, default=ids is None and trace_id is None),
            to_unix_nano=asked.unix_nano("max_start_time"),
            filter=asked.filter("filter"),
            trace_filter=asked.filter("trace_filter"),
            tree_filter=asked.filter("tree_filter"),
            about=asked.about(),
        )
        page = self._runs.page(
            query,
            limit=asked.number("page_size", otherwise=100, least=1, most=RUNS_MAX),
            cursor=asked.text("cursor"),
            fields=run_shapes.to_read(fields),
        )
        items = [self._v2(run, fields, call) for run in page.runs]
        return items_response(call, items, page.next_cursor)

    def _get_v2(self, call: Call) -> Response:
        asked = Fields.of_query(call)
        fields = run_shapes.selected_v2(asked.texts("selects"))
        return json_response(self._v2(self._one(call, run_shapes.to_read(fields)), fields, call))

    def _url(self, call: Call) -> Response:
        run = self._one(call, ())
        return json_response({"url": f"{call.base_url}{run_shapes.V1['app_path'](run)}"})

    def _traces_v2(self, call: Call) -> Response:
        asked = Fields.of_body(call)
        refuse_search(asked)
        fields = run_shapes.selected_v2(asked.texts("selects"))
        project = self._projects.needed(asked.uuid("project_id") or asked.needed("project_id"))
        trace_ids = asked.uuids("trace_ids")
        query = RunQuery(
            projects=[project],
            ids=trace_ids,
            is_root=True,
            from_unix_nano=_from(asked, default=trace_ids is None),
            to_unix_nano=asked.unix_nano("max_start_time"),
            filter=asked.filter("trace_filter"),
            tree_filter=asked.filter("tree_filter"),
            about=asked.about(),
        )
        page = self._runs.page(
            query,
            limit=asked.number("page_size", otherwise=20, least=1, most=100),
            cursor=asked.text("cursor"),
            fields=fields,
        )
        items = [_trace(run, fields) for run in page.runs]
        return items_response(call, items, page.next_cursor)

    def _trace_runs_v2(self, call: Call) -> Response:
        asked = Fields.of_query(call)
        fields = run_shapes.selected_v2(asked.texts("selects"))
        trace_id = uuid_text(call.params["trace_id"])
        if trace_id is None:
            raise NotFound("Trace not found")
        query = RunQuery(trace_id=trace_id, filter=asked.filter("filter"), newest_first=False)
        found = self._runs.all(
            query, runs_max=STATS_RUNS_MAX * 2, fields={*fields, "child_run_ids"}
        )
        found.sort(key=lambda run: (run.start_unix_nano, run.dotted_order))
        return json_response({"items": [self._v2(run, fields, call) for run in found]})


def _trace(run: Run, fields: Sequence[str]) -> dict[str, Any]:
    sums = ("total_tokens", "total_cost", "first_token_time")
    of_root = [name for name in fields if name not in sums]
    return {
        "root_run": run_shapes.shown(run, of_root, run_shapes.V2),
        "trace_aggregates": run_shapes.shown(
            run, [name for name in fields if name in sums], run_shapes.V2
        ),
        "query_metadata": None,
    }


def _from(asked: Fields, *, default: bool) -> int | None:
    """Return the beginning of the window, a day ago where none is given and `default`."""
    given = asked.unix_nano("min_start_time")
    return given if given is not None or not default else time.time_ns() - DAY_NS


def _with_search(asked: Fields) -> Node | None:
    """Return the filter of v1, with its `query`, which searches texts."""
    found, words = asked.filter("filter"), asked.text("query")
    if words is None or not words.split():
        return found
    search = Search(None, tuple(words.lower().split()))
    return search if found is None else AllOf((found, search))


def _stats(found: Sequence[Run]) -> dict[str, Any]:
    # Of runs one above the other the upper ones hold the others' tokens.
    ids = {run.id for run in found}
    tops = [run for run in found if not ids.intersection(run.parent_run_ids)]
    starts = [run_shapes.V1["start_time"](run) for run in found]
    said = [one for run in found for one in run.around.feedback]
    return {
        "run_count": len(found),
        **threads.speeds(found),
        **threads.totals(tops),
        "error_rate": threads.error_rate(found),
        "last_run_start_time": max(starts, default=None),
        "feedback_stats": feedback.stats(said),
    }


def not_shared(call: Call) -> Response:
    """Refuse to share: reading tells that nothing is, writing that it cannot be."""
    if call.method == "GET":
        raise NotFound("this is not shared")
    return json_response({"detail": NOT_SHARED}, 501)


def refuse_search(asked: Fields) -> None:
    """Return where no model is needed to answer.

    Raises:
        Answered: with 501, where one is.
    """
    if asked.text("ai_search") or asked.text("sem_filter"):
        raise Answered(json_response({"detail": NO_SEARCH}, 501))


def items_response(call: Call, items: Sequence[Any], next_cursor: str | None) -> Response:
    """Return a page of v2: as JSON, or, where the caller asks for events, as one JSON Patch."""
    page = {"items": items, "next_cursor": next_cursor}
    if "text/event-stream" not in call.headers.get("accept", ""):
        return json_response(page)
    patch = orjson.dumps([{"op": "add", "path": "", "value": page}])
    return Response(
        b"event: data\ndata: " + patch + b"\n\nevent: end\ndata: {}\n\n",
        media_type="text/event-stream",
    )


def _is_root(asked: Fields) -> bool | None:
    """Return whether only roots are asked for; older programs ask for the first in the trace."""
    is_first = asked.number("execution_order", otherwise=0, least=0, most=10**9) == 1
    return True if is_first else asked.flag("is_root")
