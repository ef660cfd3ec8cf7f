"""Calls of v2 about threads: query, traces, statistics, share."""

import dataclasses
import datetime

from starlette.responses import Response

from otel_threads.core.errors import InvalidQuery
from otel_threads.core.thread import Thread
from otel_threads.services.pagination import digest_of, make_cursor, open_number
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.langsmith import threads
from otel_threads.vendors.langsmith.bodies import Fields, json_response
from otel_threads.vendors.langsmith.projects import Projects
from otel_threads.vendors.langsmith.run_filter import AllOf, Node
from otel_threads.vendors.langsmith.run_routes import items_response, not_shared, refuse_search
from otel_threads.vendors.langsmith.runs import Run
from otel_threads.vendors.langsmith.threads import ThreadQuery, ThreadReader

DAY = datetime.timedelta(days=1)
PAGE_MAX = 100
P = "/api/v2/threads"


class ThreadCalls:
    """The calls about threads."""

    def __init__(self, projects: Projects, reader: ThreadReader) -> None:
        self._projects = projects
        self._reader = reader

    def routes(self) -> tuple[Route, ...]:
        """Return the routes, as `Vendor.routes`."""
        return (
            Route("POST", f"{P}/query", Right.READ, self._query),
            Route("POST", f"{P}/stats", Right.READ, self._aggregate),
            Route("GET", f"{P}/{{thread_id}}/traces", Right.READ, self._traces),
            Route("GET", f"{P}/{{thread_id}}/stats", Right.READ, self._stats),
            Route("GET", f"{P}/{{thread_id}}/share", Right.READ, not_shared),
            Route("POST", f"{P}/{{thread_id}}/share", Right.WRITE, not_shared),
            Route("DELETE", f"{P}/{{thread_id}}/share", Right.WRITE, not_shared),
        )

    def _asked(self, asked: Fields) -> ThreadQuery:
        now = datetime.datetime.now(datetime.UTC)
        until = asked.time("max_start_time") or now + datetime.timedelta(seconds=1)
        roots = _all_of(asked.filter("filter"), asked.filter("trace_filter"))
        return ThreadQuery(
            project=self._project(asked, "project_id"),
            from_time=asked.time("min_start_time") or until - DAY,
            to_time=until,
            root_filter=roots,
            tree_filter=asked.filter("tree_filter"),
            thread_filter=asked.filter("thread_filter"),
        )

    def _project(self, asked: Fields, name: str) -> str:
        return self._projects.needed(asked.uuid(name) or asked.needed(name))

    def _query(self, call: Call) -> Response:
        asked = Fields.of_body(call)
        refuse_search(asked)
        query = self._asked(asked)
        cursor = asked.text("cursor")
        window = None
        if cursor:  # the window of the first page, which ended then
            window, _, cursor = cursor.partition(".")
            query = _in_window(query, window)
        limit = asked.number("page_size", otherwise=20, least=1, most=PAGE_MAX)
        found, after = self._reader.page(query, limit=limit, cursor=cursor)
        if after is not None:
            after = f"{window or _window(query)}.{after}"
        return items_response(call, [threads.shown(one) for one in found], after)

    def _traces(self, call: Call) -> Response:
        asked = Fields.of_query(call)
        thread_id = call.params["thread_id"]
        thread = self._reader.thread(self._project(asked, "project_id"), thread_id)
        selects = [name.lower() for name in asked.texts("selects") or ()]
        limit = asked.number("page_size", otherwise=20, least=1, most=PAGE_MAX)
        digest = digest_of({"traces": thread_id, **asked.about()})
        cursor = asked.text("cursor")
        place = open_number(cursor, digest) if cursor else 0
        if place < 0:
            raise InvalidQuery("cursor is not one that this server gave")
        found = [(turn, run) for turn, run in self._turns(thread, asked) if turn > place]
        page = found[:limit]
        filled = self._reader.filled([run for _, run in page], selects)
        items = [
            threads.trace_shown(run, turn, selects)
            for (turn, _), run in zip(page, filled, strict=True)
        ]
        after = make_cursor(digest, [page[-1][0]]) if len(found) > limit else None
        return items_response(call, items, after)

    def _turns(self, thread: Thread, asked: Fields) -> list[tuple[int, Run]]:
        """Return the root runs of a thread that match, each with its number in the whole thread."""
        project, thread_id = thread.project, thread.thread_id
        everything = self._reader.roots(project, thread_id, ())
        root_filter = _all_of(asked.filter("filter"), asked.filter("trace_filter"))
        tree_filter = asked.filter("tree_filter")
        numbered = list(enumerate(everything, 1))
        if root_filter is None and tree_filter is None:
            return numbered
        matching = self._reader.roots(
            project, thread_id, (), root_filter=root_filter, tree_filter=tree_filter
        )
        ids = {run.id for run in matching}
        return [(turn, run) for turn, run in numbered if run.id in ids]

    def _stats(self, call: Call) -> Response:
        asked = Fields.of_query(call)
        name = "session_id" if asked.text("session_id") else "project_id"
        thread = self._reader.thread(self._project(asked, name), call.params["thread_id"])
        summary = self._reader.summary(thread, asked.filter("filter"))
        return json_response(threads.thread_stats(summary, asked.texts("selects") or ()))

    def _aggregate(self, call: Call) -> Response:
        asked = Fields.of_body(call)
        query = self._asked(asked)
        select = asked.texts("select") or []
        found = self._reader.all(query)
        stats = threads.aggregate(found, select)
        stride = asked.nested("stride")
        if stride is not None:
            stats["buckets"] = threads.buckets(found, select, query, _stride_s(stride, query))
        return json_response(stats)


def _all_of(*nodes: Node | None) -> Node | None:
    given = tuple(node for node in nodes if node is not None)
    if len(given) < 2:
        return given[0] if given else None
    return AllOf(given)


def _stride_s(stride: Fields, query: ThreadQuery) -> int:
    """Return the seconds of a bucket.

    Raises:
        InvalidQuery: the unit is none, or there would be more than BUCKETS_MAX.
    """
    unit = stride.needed("unit").upper()
    if unit not in threads.UNITS_S:
        raise InvalidQuery(f"stride.unit {unit[:20]!r} is none of {', '.join(threads.UNITS_S)}")
    found = threads.UNITS_S[unit] * stride.number("value", otherwise=1, least=1, most=10**6)
    count = (query.to_time - query.from_time).total_seconds() / found
    if count > threads.BUCKETS_MAX:
        raise InvalidQuery(
            f"{count:.0f} buckets; at most {threads.BUCKETS_MAX}: take a longer stride"
        )
    return found


def _window(query: ThreadQuery) -> str:
    return f"{query.from_time.timestamp():.6f}_{query.to_time.timestamp():.6f}".replace(".", "-")


def _in_window(query: ThreadQuery, window: str) -> ThreadQuery:
    """Return a query in the window that a cursor holds."""
    try:
        first, last = (float(one.replace("-", ".")) for one in window.split("_"))
        return dataclasses.replace(
            query,
            from_time=datetime.datetime.fromtimestamp(first, datetime.UTC),
            to_time=datetime.datetime.fromtimestamp(last, datetime.UTC),
        )
    except (ValueError, OverflowError):
        raise InvalidQuery("cursor is not one that this server gave") from None
