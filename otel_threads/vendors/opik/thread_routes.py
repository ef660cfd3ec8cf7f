"""Opik's calls about threads: search stream, list, one, statistics, lifecycle, tags, deletion."""

from collections.abc import Iterator, Sequence
from typing import Any

from starlette.responses import Response

from otel_threads.core.content import ThreadContent
from otel_threads.core.ports import ThreadKey
from otel_threads.core.score import ScoreTarget
from otel_threads.services.contents import Which
from otel_threads.vendors import ids
from otel_threads.vendors.call import Answered, Call, Right, Route
from otel_threads.vendors.opik import errors, filters, requests, shapes
from otel_threads.vendors.opik import stats as statistics
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.record_fields import Body, Given
from otel_threads.vendors.opik.trace_routes import score_names

CHUNK = 200  # threads that a stream has in memory at once
TAGS_MAX = 50
TAG_LIMIT = f"Tag limit exceeded: maximum {TAGS_MAX} tags per item"
STREAM_SORT = "-created_at"  # an order that later traces of a thread do not change
SORTS = {
    "id": "thread_id",
    "start_time": "first_activity_time",
    "end_time": "last_activity_time",
    "duration": "duration_ms",
    "number_of_messages": "trace_count",
    "last_updated_at": "updated_at",
    "created_at": "created_at",
    "status": "status",
    "tags": "tags",
    "total_estimated_cost": "cost_usd",
    "usage.prompt_tokens": "usage.input_tokens",
    "usage.completion_tokens": "usage.output_tokens",
    "usage.total_tokens": "usage.total_tokens",
}
SORTABLE = (*SORTS, "feedback_scores.*")


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    calls = _ThreadCalls(door)
    base = "/v1/private/traces/threads"
    return (
        Route("GET", base, Right.READ, calls.list),
        Route("POST", f"{base}/search", Right.READ, calls.search),
        Route("POST", f"{base}/retrieve", Right.READ, calls.retrieve),
        Route("GET", f"{base}/stats", Right.READ, calls.stats),
        Route("GET", f"{base}/feedback-scores/names", Right.READ, calls.score_names),
        Route("PUT", f"{base}/close", Right.WRITE, calls.close),
        Route("PUT", f"{base}/open", Right.WRITE, calls.open),
        Route("POST", f"{base}/delete", Right.WRITE, calls.delete),
        Route("PATCH", f"{base}/batch", Right.WRITE, calls.update_many),
        Route("PATCH", f"{base}/{{id}}", Right.WRITE, calls.update),
    )


def thread_of_model(door: Door, given: str) -> ThreadKey | None:
    """Return the thread of a thread_model_id, None when there is none."""
    return threads_of_models(door, [given]).get(given)


def threads_of_models(door: Door, given: Sequence[str]) -> dict[str, ThreadKey]:
    """Return the threads of some thread_model_ids; those of none are left out."""
    wanted = {uuid: one for one in given if (uuid := ids.uuid_text(one))}
    digests = [ids.thread_digest_of(uuid) for uuid in wanted]
    if not digests:
        return {}
    found = door.services.contents.threads_by_digest(digests)
    by_uuid = {ids.thread_uuid_of(*key): key for key in found}
    return {one: by_uuid[uuid] for uuid, one in wanted.items() if uuid in by_uuid}


class _ThreadCalls:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._contents = door.services.contents
        self._annotations = door.services.annotations

    def search(self, call: Call) -> Response:
        """Stream threads, the newest first."""
        body = requests.body_of(call)
        limit = requests.stream_limit(body)
        self._contents.wait_fresh()
        which = self._which(body, filters.given_filters(body))
        if which is None:
            return requests.stream(iter(()))
        after = self._cursor(which, requests.text_of(body, "last_retrieved_thread_model_id"))
        truncate = requests.flag(body, "truncate", default=True)
        chunks = self._chunks(which, limit, after)
        rows = ([shapes.thread(one, truncate=truncate) for one in chunk] for chunk in chunks)
        return requests.stream(rows)

    def _cursor(self, which: Which, last: str | None) -> str | None:
        """Return the id that a page begins after: SDKs send a row's `id` for its model id, too."""
        if last is None:
            return None
        key = thread_of_model(self._door, last)
        return key[1] if key and key[0] == which.get("project") else last

    def _chunks(self, which: Which, limit: int, after: str | None) -> Iterator[list[ThreadContent]]:
        while limit > 0:
            found = self._contents.threads(
                sort=STREAM_SORT, limit=min(CHUNK, limit), after=after, **which
            )
            if not found:
                return
            yield found
            if len(found) < min(CHUNK, limit):
                return
            limit -= len(found)
            after = found[-1].thread.thread_id

    def list(self, call: Call) -> Response:
        """List a page of threads."""
        query = call.query
        number, size = requests.paging(query)
        sort = requests.sort_of(query.get("sorting"), SORTS, "-updated_at")
        self._contents.wait_fresh()
        which = self._which(query, filters.parsed(query.get("filters")))
        if which is None:
            return requests.page(number, [], 0, SORTABLE)
        found = self._contents.threads(sort=sort, limit=size, offset=(number - 1) * size, **which)
        truncate = requests.flag(query, "truncate", default=False)
        content = [shapes.thread(one, truncate=truncate) for one in found]
        return requests.page(number, content, self._contents.count_threads(**which), SORTABLE)

    def retrieve(self, call: Call) -> Response:
        """Return one thread."""
        body = requests.body_of(call)
        thread_id = requests.thread_id(body)
        self._contents.wait_fresh()
        project = self._door.projects.given(body)
        found = self._contents.thread(project, thread_id) if project else None
        if found is None:
            raise not_found(thread_id)
        truncate = requests.flag(body, "truncate", default=False)
        return requests.json_response(requests.compact(shapes.thread(found, truncate=truncate)))

    def stats(self, call: Call) -> Response:
        """Return statistics over threads."""
        self._contents.wait_fresh()
        which = self._which(call.query, filters.parsed(call.query.get("filters")))
        if which is None:
            return requests.json_response({"stats": []})
        known = self._door.services.threads.thread_stats(
            project=which.get("project"),
            where=which.get("where"),
            search=which.get("search"),
            from_time=which.get("from_time"),
            to_time=which.get("to_time"),
        )
        return requests.json_response({"stats": statistics.of_threads(known)})

    def score_names(self, call: Call) -> Response:
        """Name the scores of threads."""
        return score_names(self._door, call, "thread")

    def close(self, call: Call) -> Response:
        """Make threads inactive, all or none."""
        body = requests.body_of(call)
        one = requests.text_of(body, "thread_id")
        if (one is None) == (body.get("thread_ids") is None):
            raise errors.unprocessable("Either 'thread_id' or 'thread_ids' must be provided")
        wanted = [requests.thread_id(body)] if one else requests.thread_ids(body)
        self._contents.wait_fresh()
        project = self._door.projects.given(body)
        self._check_here(project, wanted)
        self._annotations.close_threads(wanted, project=project, closed=True)
        return requests.no_content()

    def _check_here(self, project: str | None, thread_ids: Sequence[str]) -> None:
        known = self._door.services.threads.threads_by_key(
            [(project or "", one) for one in thread_ids]
        )
        for one in thread_ids:
            if project is None or (project, one) not in known:
                raise not_found(one)

    def open(self, call: Call) -> Response:
        """Make a thread active again: its scores are of what it was before, and go."""
        body = requests.body_of(call)
        thread_id = requests.thread_id(body)
        self._contents.wait_fresh()
        project = self._door.projects.given(body)
        found = self._contents.thread(project, thread_id) if project else None
        if found is not None:
            self._annotations.close_threads([thread_id], project=project, closed=False)
            names = {score.name for score in found.scores}
            if names:
                self._annotations.delete_scores(
                    [ScoreTarget(project=project, thread_id=thread_id, name=n) for n in names]
                )
        return requests.no_content()

    def delete(self, call: Call) -> Response:
        """Delete threads with their traces and spans."""
        body = requests.body_of(call)
        if not requests.text_of(body, "project_name") and not requests.text_of(body, "project_id"):
            raise errors.unprocessable("Either 'project_name' or 'project_id' must be provided")
        wanted = requests.thread_ids(body)
        project = self._door.projects.given(body)
        if project is not None:
            self._door.services.deletion.threads(wanted, project=project)
        return requests.no_content()

    def update(self, call: Call) -> Response:
        """Change the tags of a thread."""
        given = call.params["id"]
        body = requests.body_of(call)
        self._contents.wait_fresh()
        key = thread_of_model(self._door, given)
        if key is None:
            raise errors.not_found("thread", given)
        self._change_tags(key, body, merge=False)
        return requests.no_content()

    def update_many(self, call: Call) -> Response:
        """Change the tags of threads; those that are not here are left out."""
        body = requests.body_of(call)
        update = body.get("update")
        if not isinstance(update, dict):
            raise errors.unprocessable("update must not be null")
        merge = requests.flag(body, "merge_tags", default=False)
        wanted = requests.ids_of(body)
        self._contents.wait_fresh()
        for key in threads_of_models(self._door, wanted).values():
            self._change_tags(key, update, merge=merge)
        return requests.no_content()

    def _change_tags(self, key: ThreadKey, update: Body, *, merge: bool) -> None:
        found = self._contents.thread(*key)
        before = found.tags.added if found else []
        after = _tags_after(before, update, merge=merge)
        if len(after) > TAGS_MAX:
            raise Answered(errors.listed(422, [TAG_LIMIT]))
        going = [tag for tag in before if tag not in after]
        coming = [tag for tag in after if tag not in before]
        if going or coming:
            self._annotations.change_tags(
                project=key[0], thread_ids=[key[1]], add=coming, remove=going
            )

    def _which(self, given: Given, found: Any) -> Which | None:
        """Return the selection that a body or a query names; None for a project not here."""
        project = self._door.projects.given(given)
        where = filters.tree(found, filters.THREADS)
        if project is None:
            return None
        return Which(
            project=project,
            where=where,
            search=requests.text_of(given, "search"),
            from_time=requests.time_of(given, "from_time"),
            to_time=requests.time_of(given, "to_time"),
        )


def not_found(thread_id: str) -> Answered:
    """Return what a handler raises for a thread that is not here."""
    return Answered(errors.refusal(404, f"Thread '{thread_id}' not found"))


def _tags_after(before: Sequence[str], update: Body, *, merge: bool) -> list[str]:
    """Return a thread's tags after an update, each once."""
    told = _tags(update, "tags")
    added, removed = _tags(update, "tags_to_add"), _tags(update, "tags_to_remove")
    if added is None and removed is None and told is not None:
        after = [*(before if merge else ()), *told]
    else:
        after = [tag for tag in before if tag not in (removed or ())]
    return list(dict.fromkeys([*after, *(added or ())]))


def _tags(update: Body, name: str) -> list[str] | None:
    found = update.get(name)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise errors.unprocessable(f"{name} must be a list of texts")
    if len(found) > TAGS_MAX:
        raise Answered(errors.listed(422, [TAG_LIMIT]))
    return found
