"""The calls of REST as Python methods: `Client`, and `AsyncClient` with the same ones.

Both share every method. A method describes its call; `Client` carries it out and returns what came
back, `AsyncClient` returns an awaitable (or, for lists, an async iterator) of the same.
"""

import asyncio
import os
import random
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, Unpack
from urllib.parse import quote

import httpx

from otel_threads.core.errors import (
    Conflict,
    InvalidQuery,
    NotAllowed,
    NotFound,
    OtelThreadsError,
    Unavailable,
)
from otel_threads.sdk.result import SqlResult
from otel_threads.sdk.selection import (
    SpanPage,
    ThreadFile,
    ThreadPage,
    ThreadStatsOf,
    TracePage,
    TraceStatsOf,
)

ENDPOINT = "http://127.0.0.1:4320"
ATTEMPTS_MAX = 5
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.2, 10.0
RETRY_STATUSES = (429, 502, 503, 504)
PAGE = 1000
HINT = "x-otel-threads-hint"
Row = dict[str, Any]
_ERRORS: dict[int, type[OtelThreadsError]] = {
    400: InvalidQuery, 401: NotAllowed, 404: NotFound, 409: Conflict, 413: InvalidQuery,
}  # fmt: skip


class UnknownTarget(UserWarning):
    """A score names a thread, turn, trace or span that the server does not know (yet)."""


class UnknownProject(UserWarning):
    """A list or sum is of a project that the server does not know (yet)."""


def _warn_of(hint: str) -> None:
    warnings.warn(hint, UnknownProject, stacklevel=5)


@dataclass(slots=True)
class _Call:
    method: str
    path: str
    query: Row = field(default_factory=dict)
    body: Any = None
    again: bool = True  # whether sending it twice does no harm
    text: bool = False  # the answer is text
    arrow: bool = False  # the answer is an Arrow stream; a refusal is final
    slow: bool = False  # the server has the time limit
    warns: bool = False  # of targets in the answer that are not here


class _Calls:
    """Every verb, for both clients. What is returned is as REST answers it: plain JSON values.

    `on_hint` is called with what the server says beside an answer; it warns (`UnknownProject`).
    """

    on_hint: Callable[[str], object] = staticmethod(_warn_of)

    def _hear(self, answer: httpx.Response | None) -> None:
        if answer is not None and answer.is_success and HINT in answer.headers:
            self.on_hint(answer.headers[HINT].encode().decode("unicode_escape", "replace"))

    def _send(self, call: _Call) -> Any:
        """Carry a call out; each client does it in its own way."""
        raise NotImplementedError

    def _items(self, call: _Call) -> Any:
        """Iterate over the items of all pages of a call."""
        raise NotImplementedError

    # Threads

    def list_threads(self, **selection: Unpack[ThreadPage]) -> Any:
        """Iterate over threads, page by page; `selection` as for `page_of_threads`."""
        return self._items(_Call("GET", "/threads", _query({"limit": PAGE, **selection})))

    def page_of_threads(self, **selection: Unpack[ThreadPage]) -> Any:
        """Return one page: `{items, next_cursor, total?}`.

        By project, thread_id, filter, search, status, from_, to, sort, limit, cursor, with_total.

        Raises:
            InvalidQuery: something of it cannot be; the message says what can.
        """
        return self._send(_Call("GET", "/threads", _query({**selection})))

    def get_thread(self, thread_id: str, *, project: str | None = None) -> Any:
        """Return one thread.

        Raises:
            NotFound: there is none of that id.
        """
        return self._send(_Call("GET", "/threads/get", _one(thread_id, project)))

    def list_turns(self, thread_id: str, *, project: str | None = None) -> Any:
        """Iterate over the turns of a thread, oldest first."""
        query = {**_one(thread_id, project), "limit": PAGE}
        return self._items(_Call("GET", "/threads/turns", query))

    def list_outline(
        self, thread_id: str, *, project: str | None = None, search: str | None = None
    ) -> Any:
        """Iterate over a thread's turns, a line each; `hits` are messages with a text."""
        query = {**_one(thread_id, project), **_query({"search": search})}
        return self._items(_Call("GET", "/threads/outline", query))

    def get_transcript(
        self, thread_id: str, *, project: str | None = None, format: str = "messages"
    ) -> Any:
        """Return a conversation once: JSON for `messages` and `openai`, else text."""
        query = {**_one(thread_id, project), "format": format}
        as_text = format in ("markdown", "text")
        return self._send(_Call("GET", "/threads/transcript", query, text=as_text))

    def get_thread_stats(self, **selection: Unpack[ThreadStatsOf]) -> Any:
        """Return sums and percentiles over a selection; `interval` adds a series."""
        return self._send(_Call("GET", "/threads/stats", _query({**selection})))

    def close_threads(self, thread_ids: Sequence[str], *, project: str | None = None) -> Any:
        """Make threads inactive: `{updated, not_found}`."""
        return self._send(_Call("POST", "/threads/close", body=_ids(thread_ids, project)))

    def reopen_threads(self, thread_ids: Sequence[str], *, project: str | None = None) -> Any:
        """Make threads active again: `{updated, not_found}`."""
        return self._send(_Call("POST", "/threads/reopen", body=_ids(thread_ids, project)))

    def ask(
        self, question: str, *, project: str | None = None, thread_id: str | None = None
    ) -> Any:
        """Ask a model: `{filter, sql, answer, evidence, cost_usd, model}`. Nothing is run."""
        body = {"question": question, "project": project, "thread_id": thread_id}
        return self._send(_Call("POST", "/ask", body=body))

    def issues(
        self,
        *,
        project: str | None = None,
        state: str | None = None,
        from_time: Any = None,
        threads_min: int | None = None,
        limit: int | None = None,
    ) -> Any:
        """Return failures that several threads have in common: one page."""
        asked = {
            "project": project,
            "state": state,
            "from": from_time,
            "threads_min": threads_min,
            "limit": limit,
        }
        return self._send(_Call("GET", "/issues", query=_query(asked)))

    def close_issues(self, issue_ids: Sequence[str], *, project: str | None = None) -> Any:
        """Close issues, until a turn fails so again: `{updated, not_found}`."""
        body = {"issue_ids": list(issue_ids), "project": project}
        return self._send(_Call("POST", "/issues/close", body=body))

    def reopen_issues(self, issue_ids: Sequence[str], *, project: str | None = None) -> Any:
        """Open issues again: `{updated, not_found}`."""
        body = {"issue_ids": list(issue_ids), "project": project}
        return self._send(_Call("POST", "/issues/reopen", body=body))

    def delete_threads(self, thread_ids: Sequence[str], *, project: str | None = None) -> Any:
        """Delete threads with their spans and scores: `{updated, not_found}`."""
        return self._send(_Call("POST", "/threads/delete", body=_ids(thread_ids, project)))

    def update_thread_tags(
        self,
        thread_ids: Sequence[str],
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        project: str | None = None,
    ) -> Any:
        """Add and remove tags: `{updated, not_found}`."""
        body = {**_ids(thread_ids, project), "add": list(add), "remove": list(remove)}
        return self._send(_Call("PATCH", "/threads/tags", body=body))

    # Traces

    def list_traces(self, **selection: Unpack[TracePage]) -> Any:
        """Iterate over traces, page by page; `selection` as for `page_of_traces`."""
        return self._items(_Call("GET", "/traces", _query({"limit": PAGE, **selection})))

    def page_of_traces(self, **selection: Unpack[TracePage]) -> Any:
        """Return one page: `{items, next_cursor, total?}`.

        By project, thread_id, without_thread, filter, search, from_, to, sort, limit, cursor,
        with_total.
        """
        return self._send(_Call("GET", "/traces", _query({**selection})))

    def get_trace(self, trace_id: str, *, project: str | None = None) -> Any:
        """Return one trace with its spans and turns."""
        return self._send(
            _Call("GET", f"/traces/{quote(trace_id, safe='')}", _query({"project": project}))
        )

    def list_spans(self, **selection: Unpack[SpanPage]) -> Any:
        """Iterate over spans of all traces, page by page; as for `page_of_spans`."""
        return self._items(_Call("GET", "/spans", _query({"limit": PAGE, **selection})))

    def page_of_spans(self, **selection: Unpack[SpanPage]) -> Any:
        """Return one page of spans, without what their attributes hold: `{items, next_cursor}`.

        By project, thread_id, trace_id, filter, search, from_, to, sort, limit, cursor, with_total.

        Raises:
            InvalidQuery: something of it cannot be; the message says what can.
        """
        return self._send(_Call("GET", "/spans", _query({**selection})))

    def get_trace_stats(self, **selection: Unpack[TraceStatsOf]) -> Any:
        """Return sums and percentiles over traces."""
        return self._send(_Call("GET", "/traces/stats", _query({**selection})))

    def delete_traces(self, trace_ids: Sequence[str], *, project: str | None = None) -> Any:
        """Delete traces with their spans: `{updated, not_found}`."""
        body = {"trace_ids": list(trace_ids), **_query({"project": project})}
        return self._send(_Call("POST", "/traces/delete", body=body))

    # Scores and comments

    def put_scores(self, scores: Sequence[Row], *, warn: bool = True) -> Any:
        """Write up to 1000 scores, all or none: `{written, unknown}`.

        Scores of targets that are not here are kept; `UnknownTarget` warns of them, unless `warn`
        is false.
        """
        return self._send(_Call("PUT", "/scores", body={"scores": list(scores)}, warns=warn))

    def list_scores(self, **chosen: Any) -> Any:
        """Iterate over scores, the latest first.

        By project, thread_id, trace_id, span_id, name, author, source, include_superseded.
        """
        return self._items(_Call("GET", "/scores", _query({"limit": PAGE, **chosen})))

    def list_score_names(self, *, project: str | None = None) -> Any:
        """Iterate over the names in use."""
        return self._items(_Call("GET", "/scores/names", _query({"project": project})))

    def delete_scores(self, targets: Sequence[Row]) -> Any:
        """Delete scores by target, name and (if given) author: `{deleted}`."""
        return self._send(_Call("POST", "/scores/delete", body={"scores": list(targets)}))

    def add_comment(self, text: str, **target: Any) -> Any:
        """Write a comment on `thread_id` or `trace_id` (`span_id`); return it. Not sent twice."""
        return self._send(
            _Call("POST", "/comments", body={"text": text, **_query(target)}, again=False)
        )

    def update_comment(self, comment_id: str, text: str) -> Any:
        """Change a comment's words; return it."""
        return self._send(_Call("PATCH", f"/comments/{comment_id}", body={"text": text}))

    def delete_comment(self, comment_id: str) -> Any:
        """Delete a comment."""
        return self._send(_Call("DELETE", f"/comments/{comment_id}", again=False))

    def list_comments(self, **chosen: Any) -> Any:
        """Iterate over comments, oldest first; by project, thread_id, trace_id, span_id."""
        return self._items(_Call("GET", "/comments", _query({"limit": PAGE, **chosen})))

    # Score definitions and reviews

    def list_score_definitions(self, *, project: str | None = None) -> Any:
        """Iterate over how scores are given, by name."""
        return self._items(_Call("GET", "/score-definitions", _query({"project": project})))

    def put_score_definition(self, name: str, kind: str, **more: Any) -> Any:
        """Say how scores of a name are given; return it.

        By project, min, max, categories (`[{label, value}]`), description, better.
        """
        body = {"name": name, "kind": kind, **_given(more)}
        return self._send(_Call("PUT", "/score-definitions", body=body))

    def delete_score_definition(self, name: str, *, project: str | None = None) -> Any:
        """Delete how scores of a name are given; the scores stay."""
        query = _query({"name": name, "project": project})
        return self._send(_Call("DELETE", "/score-definitions", query, again=False))

    def list_review_queues(self, *, project: str | None = None) -> Any:
        """Iterate over review queues with how far they are, the newest first."""
        return self._items(_Call("GET", "/review-queues", _query({"project": project})))

    def create_review_queue(self, name: str, score_names: Sequence[str], **more: Any) -> Any:
        """Make a queue of threads to review; return it. Not sent twice.

        By filter or thread_ids; with project, reviewers_per_thread, instructions.
        """
        body = {"name": name, "score_names": list(score_names), **_given(more)}
        return self._send(_Call("POST", "/review-queues", body=body, again=False))

    def get_review_queue(self, queue_id: str) -> Any:
        """Return one queue."""
        return self._send(_Call("GET", f"/review-queues/{quote(queue_id, safe='')}"))

    def update_review_queue(self, queue_id: str, **changes: Any) -> Any:
        """Change a queue; what is left out stays. Return it."""
        path = f"/review-queues/{quote(queue_id, safe='')}"
        return self._send(_Call("PATCH", path, body=changes))

    def delete_review_queue(self, queue_id: str) -> Any:
        """Delete a queue; the scores of its reviewers stay."""
        path = f"/review-queues/{quote(queue_id, safe='')}"
        return self._send(_Call("DELETE", path, again=False))

    def next_review(self, queue_id: str, reviewer: str) -> Any:
        """Lock the next thread for a reviewer, for 15 minutes: `{thread_id, locked_until, …}`."""
        path = f"/review-queues/{quote(queue_id, safe='')}/next"
        return self._send(_Call("GET", path, {"reviewer": reviewer}))

    def finish_review(self, queue_id: str, thread_id: str, reviewer: str) -> Any:
        """Note that a reviewer has done a thread: `{done_count, total_count}`."""
        body = {"thread_id": thread_id, "reviewer": reviewer}
        path = f"/review-queues/{quote(queue_id, safe='')}/done"
        return self._send(_Call("POST", path, body=body))

    def get_agreement(self, queue_id: str) -> Any:
        """Return how far the reviewers of a queue agree, by score."""
        return self._send(_Call("GET", f"/review-queues/{quote(queue_id, safe='')}/agreement"))

    # Evaluations

    def list_datasets(self, *, name: str | None = None) -> Any:
        """Iterate over data sets, the newest version of each; over all versions of one by name."""
        return self._items(_Call("GET", "/evaluation-datasets", _query({"name": name})))

    def create_dataset(self, name: str, **more: Any) -> Any:
        """Make a new version of a data set; return it. Not sent twice.

        By `items` (`[{messages, item_id, expected, scenario, metadata}]`), or by filter, project
        and limit: copies of the latest threads. Items that are too many for one call (10,000, of
        16 MiB) come in several: all but the last with `is_complete=False`, all but the first with
        the `version` that the first returned.
        """
        body = {"name": name, **_given(more)}
        return self._send(_Call("POST", "/evaluation-datasets", body=body, again=False))

    def get_dataset(self, name: str, *, version: int | None = None) -> Any:
        """Return one version of a data set, the newest without a number."""
        path = f"/evaluation-datasets/{quote(name, safe='')}"
        return self._send(_Call("GET", path, _query({"version": version})))

    def delete_dataset(self, name: str, *, version: int | None = None) -> Any:
        """Delete all versions of a data set, or one that an import left incomplete; runs stay."""
        path = f"/evaluation-datasets/{quote(name, safe='')}"
        return self._send(_Call("DELETE", path, _query({"version": version}), again=False))

    def list_dataset_items(self, name: str, *, version: int | None = None) -> Any:
        """Iterate over the items of a version, in their order."""
        path = f"/evaluation-datasets/{quote(name, safe='')}/items"
        return self._items(_Call("GET", path, _query({"version": version, "limit": PAGE})))

    def list_evaluations(self, **chosen: Any) -> Any:
        """Iterate over runs, the latest first; by project and name."""
        return self._items(_Call("GET", "/evaluations", _query({"limit": PAGE, **chosen})))

    def create_evaluation(self, name: str, scorers: Sequence[Row], **more: Any) -> Any:
        """Begin a run; return it. Not sent twice.

        `scorers` are `{name, version}`; with project, dataset, dataset_version, filter, metadata,
        item_count.
        """
        body = {"name": name, "scorers": list(scorers), **_given(more)}
        return self._send(_Call("POST", "/evaluations", body=body, again=False))

    def get_evaluation(self, evaluation_id: str) -> Any:
        """Return one run with its scores."""
        return self._send(_Call("GET", f"/evaluations/{quote(evaluation_id, safe='')}"))

    def update_evaluation(self, evaluation_id: str, **changes: Any) -> Any:
        """End a run (`finished=True`), or say how many items it has; return it."""
        path = f"/evaluations/{quote(evaluation_id, safe='')}"
        return self._send(_Call("PATCH", path, body=changes))

    def delete_evaluation(self, evaluation_id: str) -> Any:
        """Delete a run with its results."""
        path = f"/evaluations/{quote(evaluation_id, safe='')}"
        return self._send(_Call("DELETE", path, again=False))

    def put_results(self, evaluation_id: str, results: Sequence[Row]) -> Any:
        """Store up to 1000 results, in place of those of the same items and scorers."""
        path = f"/evaluations/{quote(evaluation_id, safe='')}/results"
        return self._send(_Call("POST", path, body={"results": list(results)}))

    def list_results(self, evaluation_id: str, **chosen: Any) -> Any:
        """Iterate over the results of a run, in the order in which they came.

        By item_id, name, failed.
        """
        path = f"/evaluations/{quote(evaluation_id, safe='')}/results"
        return self._items(_Call("GET", path, _query({"limit": PAGE, **chosen})))

    def compare_evaluations(
        self, base: str, candidate: str, *, name: str | None = None, limit: int | None = None
    ) -> Any:
        """Return what two runs differ in: `{scores, items, …}`, the items with most loss first."""
        query = _query({"base": base, "candidate": candidate, "name": name, "limit": limit})
        return self._send(_Call("GET", "/evaluations/compare", query))

    # Rules

    def list_rules(self, *, project: str | None = None) -> Any:
        """Iterate over rules, each with its threads by state and what it costs."""
        return self._items(_Call("GET", "/rules", _query({"project": project})))

    def get_rule(self, rule_id: str) -> Any:
        """Return one rule.

        Raises:
            NotFound: there is none of that id.
        """
        return self._send(_Call("GET", _rule_path(rule_id)))

    def put_rule(self, name: str, **rule: Any) -> Any:
        """Make a rule, in place of the one with its project and name; return it.

        `kind` is llm_judge (with prompt), python (with code) or builtin (with builtin). More:
        project, is_enabled, filter, sampling_rate, budget_usd_per_day, model, context, outputs.

        Raises:
            InvalidQuery: it cannot be; the message names the field.
        """
        return self._send(_Call("POST", "/rules", body={"name": name, **_given(rule)}))

    def update_rule(self, rule_id: str, **changes: Any) -> Any:
        """Change fields of a rule, None empties one; return it."""
        return self._send(_Call("PATCH", _rule_path(rule_id), body=changes))

    def delete_rule(self, rule_id: str) -> Any:
        """Delete a rule with its decisions; its scores stay."""
        return self._send(_Call("DELETE", _rule_path(rule_id), again=False))

    def list_rule_decisions(self, rule_id: str, **chosen: Any) -> Any:
        """Iterate over what a rule decided about threads, the latest first; by state, thread_id."""
        query = _query({"limit": PAGE, **chosen})
        return self._items(_Call("GET", f"{_rule_path(rule_id)}/decisions", query))

    def page_of_rule_decisions(self, rule_id: str, **chosen: Any) -> Any:
        """Return a page of decisions: `{items, next_cursor}`; as the list, by limit, cursor."""
        return self._send(_Call("GET", f"{_rule_path(rule_id)}/decisions", _query(chosen)))

    def dry_run_rule(self, rule_id: str, **chosen: Any) -> Any:
        """Run a rule on some threads without writing: `{matched_count, scored, cost_usd, …}`.

        By limit, thread_id, changes. It may cost money, so it is not sent twice.
        """
        path = f"{_rule_path(rule_id)}/dry-run"
        return self._send(_Call("POST", path, body=_given(chosen), again=False, slow=True))

    def backfill_rule(self, rule_id: str, **chosen: Any) -> Any:
        """Queue threads of before a rule: `{queued}`; by from_, to, limit, budget_usd."""
        path = f"{_rule_path(rule_id)}/backfill"
        return self._send(_Call("POST", path, body=_query(chosen), again=False))

    # SQL

    def sql(self, query: str, params: Sequence[Any] | Row | None = None) -> Any:
        """Run one SELECT; return a `SqlResult`: `.df()`, `.arrow()`, `.pl()`, `.fetchall()`.

        `params` are the values of `?` (a sequence) or of `$name` (a dictionary).

        Raises:
            InvalidQuery: it is not SQL, does not only read, or found more than sql_rows_max rows.
            Unavailable: it was stopped at the time limit, or too many queries run.
        """
        body = {"sql": query, "format": "arrow"}
        if params is not None:
            body["params"] = params if isinstance(params, dict) else list(params)  # type: ignore[assignment]
        return self._send(_Call("POST", "/sql", body=body, again=False, arrow=True))

    # Views, projects, server

    def list_views(self, *, project: str | None = None) -> Any:
        """Iterate over saved selections."""
        return self._items(_Call("GET", "/views", _query({"project": project})))

    def put_view(self, name: str, **view: Any) -> Any:
        """Save a selection (filter, sort, columns, project) under a name; return it."""
        return self._send(_Call("POST", "/views", body={"name": name, **_query(view)}))

    def delete_view(self, name: str, *, project: str | None = None) -> Any:
        """Delete a saved selection."""
        query = _query({"name": name, "project": project})
        return self._send(_Call("DELETE", "/views", query, again=False))

    def list_projects(self) -> Any:
        """Iterate over projects, the most recently active first."""
        return self._items(_Call("GET", "/projects"))

    def set_project_cooldown(self, project: str, thread_cooldown_s: float | None) -> Any:
        """Give a project a cooldown of its own; None takes the server's again."""
        body = {"project": project, "thread_cooldown_s": thread_cooldown_s}
        return self._send(_Call("PATCH", "/projects", body=body))

    def set_project_retention(self, project: str, retention_days: float | None) -> Any:
        """Keep a project's traces so many days; 0 for ever, None as the server's setting says."""
        body = {"project": project, "retention_days": retention_days}
        return self._send(_Call("PATCH", "/projects", body=body))

    def prune(self, **chosen: Any) -> Any:
        """Delete a slice of the oldest traces: `{trace_count, span_count, thread_count, remaining,
        database_bytes}`; call again while `remaining` is above 0.

        By older_than_days, project (all if left out), used_bytes_max, traces_max, dry_run.
        """
        return self._send(_Call("POST", "/prune", body=_given(chosen)))

    def status(self) -> Any:
        """Return how far the server is."""
        return self._send(_Call("GET", "/status"))

    def doctor(self) -> Any:
        """Return what arrived, and what keeps it out of threads."""
        return self._send(_Call("GET", "/doctor"))

    def rebuild(self) -> Any:
        """Begin to derive everything again: `{committed_sequence}`."""
        return self._send(_Call("POST", "/rebuild"))


class Client(_Calls):
    """A server's calls. Use it as a context manager, or call `close`.

    Calls that do no harm twice are sent again, with growing pauses, while the server is out of
    reach or says 429 or 503.

    Raises:
        InvalidQuery, NotFound, NotAllowed, Conflict: as the server said.
        Unavailable: it did not answer in the end.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        token: str | None = None,
        timeout_s: float = 30.0,
        verify: Any = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`endpoint` is the REST address; else OTEL_THREADS_ENDPOINT, else the local default."""
        self._http = httpx.Client(
            **_options(endpoint, token, timeout_s, verify), transport=transport
        )

    def _send(self, call: _Call) -> Any:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            answer: httpx.Response | None = None
            error: httpx.HTTPError | None = None
            try:
                answer = self._http.request(call.method, call.path, **_parameters(call))
            except httpx.HTTPError as caught:
                error = caught
            pause = _pause_s(call, answer, error, attempt)
            if pause is None:
                self._hear(answer)
                return _result(call, answer, error)
            time.sleep(pause)
        raise AssertionError("the last attempt returns")

    def _items(self, call: _Call) -> Iterator[Row]:
        while True:
            page = self._send(call)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            call.query["cursor"] = page["next_cursor"]

    def export_threads(self, **selection: Unpack[ThreadFile]) -> Iterator[bytes]:
        """Stream a file of the selected threads; `format` jsonl, csv, parquet or otlp."""
        yield from self._stream("/export/threads", _query({**selection}))

    def backup(self) -> Iterator[tuple[bytes, int]]:
        """Stream a copy of the database: each block with the size of the whole in bytes.

        Raises:
            Unavailable: the copy could not be made, or broke off.
        """
        unlimited = httpx.Timeout(30.0, read=None)
        try:
            with self._http.stream("GET", "/backup", timeout=unlimited) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _failure(answer)
                size_bytes = int(answer.headers["content-length"])
                for block in answer.iter_bytes():
                    yield block, size_bytes
        except httpx.HTTPError as error:
            raise Unavailable(f"the backup broke off: {error}") from None

    def watch_threads(self, *, project: str | None = None) -> Iterator[tuple[str, Row]]:
        """Follow changes live: ("thread", Thread) when one changed or was annotated,
        ("deleted", {project, thread_id}), or ("view", {project, name}) of a saved view."""
        rest = b""
        for block in self._stream("/events", _query({"project": project}), read_timeout_s=60.0):
            *events, rest = (rest + block).split(b"\n\n")
            for event in events:
                if found := _event(event):
                    yield found

    def _stream(
        self, path: str, query: Row, *, read_timeout_s: float | None = None
    ) -> Iterator[bytes]:
        timeout = httpx.Timeout(self._http.timeout.connect, read=read_timeout_s)
        try:
            with self._http.stream("GET", path, params=query, timeout=timeout) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _failure(answer)
                self._hear(answer)
                yield from answer.iter_bytes()
        except httpx.HTTPError as error:
            raise Unavailable(f"the server does not answer: {error}") from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(_Calls):
    """As `Client`, with awaitables and async iterators."""

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        token: str | None = None,
        timeout_s: float = 30.0,
        verify: Any = True,
    ) -> None:
        """See `Client`."""
        self._http = httpx.AsyncClient(**_options(endpoint, token, timeout_s, verify))

    async def _send(self, call: _Call) -> Any:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            answer: httpx.Response | None = None
            error: httpx.HTTPError | None = None
            try:
                answer = await self._http.request(call.method, call.path, **_parameters(call))
            except httpx.HTTPError as caught:
                error = caught
            pause = _pause_s(call, answer, error, attempt)
            if pause is None:
                self._hear(answer)
                return _result(call, answer, error)
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns")

    async def _items(self, call: _Call) -> AsyncIterator[Row]:
        while True:
            page = await self._send(call)
            for item in page["items"]:
                yield item
            if not page["next_cursor"]:
                return
            call.query["cursor"] = page["next_cursor"]

    async def export_threads(self, **selection: Unpack[ThreadFile]) -> AsyncIterator[bytes]:
        """See `Client.export_threads`."""
        async for block in self._stream("/export/threads", _query({**selection})):
            yield block

    async def watch_threads(self, *, project: str | None = None) -> AsyncIterator[tuple[str, Row]]:
        """See `Client.watch_threads`."""
        rest = b""
        query = _query({"project": project})
        async for block in self._stream("/events", query, read_timeout_s=60.0):
            *events, rest = (rest + block).split(b"\n\n")
            for event in events:
                if found := _event(event):
                    yield found

    async def _stream(
        self, path: str, query: Row, *, read_timeout_s: float | None = None
    ) -> AsyncIterator[bytes]:
        timeout = httpx.Timeout(self._http.timeout.connect, read=read_timeout_s)
        try:
            async with self._http.stream("GET", path, params=query, timeout=timeout) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise _failure(answer)
                self._hear(answer)
                async for block in answer.aiter_bytes():
                    yield block
        except httpx.HTTPError as error:
            raise Unavailable(f"the server does not answer: {error}") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _options(endpoint: str | None, token: str | None, timeout_s: float, verify: Any) -> Row:
    base = (endpoint or os.environ.get("OTEL_THREADS_ENDPOINT") or ENDPOINT).rstrip("/")
    if "://" not in base:
        base = f"http://{base}"
    token = token or os.environ.get("OTEL_THREADS_TOKEN")
    return {
        "base_url": f"{base}/api/v1",
        "headers": {"authorization": f"Bearer {token}"} if token else {},
        "timeout": timeout_s,
        "verify": verify,
    }


def _query(given: Row) -> Row:
    """Return what is set, as REST takes it; `from_` is `from`."""
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if hasattr(value, "isoformat"):
            value = value.isoformat()
        found[name.rstrip("_")] = str(value).lower() if isinstance(value, bool) else value
    return found


def _given(values: Row) -> Row:
    return {name: value for name, value in values.items() if value is not None}


def _rule_path(rule_id: str) -> str:
    return f"/rules/{quote(rule_id, safe='')}"


def _one(thread_id: str, project: str | None) -> Row:
    return _query({"thread_id": thread_id, "project": project})


def _ids(thread_ids: Sequence[str], project: str | None) -> Row:
    return {"thread_ids": list(thread_ids), **_query({"project": project})}


def _parameters(call: _Call) -> Row:
    found: Row = {"params": call.query} if call.query else {}
    if call.body is not None:
        found["json"] = call.body
    if call.arrow or call.slow:  # the server has the time limit
        found["timeout"] = httpx.Timeout(30.0, read=None)
    return found


def _pause_s(
    call: _Call, answer: httpx.Response | None, error: httpx.HTTPError | None, attempt: int
) -> float | None:
    """Return how long to wait before the next attempt, None when there shall be none."""
    if attempt == ATTEMPTS_MAX or (call.arrow and answer is not None):
        return None
    never_arrived = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    refused = answer is not None and answer.status_code in RETRY_STATUSES
    if not (never_arrived or refused or (call.again and error is not None)):
        return None
    if refused and not call.again and answer is not None and answer.status_code not in (429, 503):
        return None
    pause = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311  # no secret
    asked: str = answer.headers.get("retry-after", "") if answer is not None else ""
    wanted = float(asked) if asked.isdecimal() else 0.0
    return float(min(BACKOFF_MAX_S, max(pause, wanted)))


def _result(call: _Call, answer: httpx.Response | None, error: httpx.HTTPError | None) -> Any:
    if answer is None and isinstance(error, httpx.RemoteProtocolError) and call.arrow:
        raise InvalidQuery(
            "the answer broke off: more rows than sql_rows_max, or the time limit; select less"
        ) from error
    if answer is None:
        raise Unavailable(f"the server does not answer: {error}") from error
    if not answer.is_success:
        raise _failure(answer)
    if call.text:
        return answer.text
    if call.arrow:
        return SqlResult(answer.content)
    found: Any = answer.json() if answer.content else None
    if call.warns and found["unknown"]:
        warnings.warn(unknown_targets(found["unknown"]), UnknownTarget, stacklevel=4)
    return found


def unknown_targets(unknown: Sequence[Row]) -> str:
    """Return in a line what of `put_scores` names a target that is not here."""
    first = unknown[0]
    named = ("thread_id", "turn_index", "trace_id", "span_id")
    which = " ".join(f"{name} {first[name]!r}" for name in named if first[name] is not None)
    more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
    hint = f" ({first['hint']})" if first["hint"] else ""
    return f"not here yet: {which}{more}{hint}; the score is kept and shown once it arrives"


def _failure(answer: httpx.Response) -> OtelThreadsError:
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"HTTP {answer.status_code}"
    return _ERRORS.get(answer.status_code, Unavailable)(detail)


def _event(text: bytes) -> tuple[str, Row] | None:
    """Return a server-sent event; None for a comment.

    Raises:
        Unavailable: the server let us go because we were too slow.
    """
    name, data = "", ""
    for line in text.decode().splitlines():
        key, _, value = line.partition(": ")
        name, data = (value, data) if key == "event" else (name, value if key == "data" else data)
    if not name:
        return None
    found: Row = httpx.Response(200, text=data).json()
    if name == "dropped":
        raise Unavailable(found["reason"])
    return name, found
