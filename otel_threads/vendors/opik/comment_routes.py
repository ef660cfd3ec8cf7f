"""Opik's calls about comments on traces, threads and spans."""

from collections.abc import Callable

from starlette.responses import Response

from otel_threads.core.errors import NotFound
from otel_threads.core.limits import TEXT_LENGTH_MAX
from otel_threads.core.score import Comment, NewComment
from otel_threads.vendors import ids
from otel_threads.vendors.call import Call, Right, Route
from otel_threads.vendors.opik import errors, requests, shapes
from otel_threads.vendors.opik.door import Door
from otel_threads.vendors.opik.thread_routes import thread_of_model

Target = Callable[[Door, str], NewComment | None]


def routes(door: Door) -> tuple[Route, ...]:
    """Return the calls; the more special path before the more general one."""
    found: list[Route] = []
    for path, target in (
        ("/v1/private/traces/threads", _thread),
        ("/v1/private/traces", _trace),
        ("/v1/private/spans", _span),
    ):
        calls = _CommentCalls(door, path, target)
        found += [
            Route("POST", f"{path}/comments/delete", Right.WRITE, calls.delete),
            Route("PATCH", f"{path}/comments/{{comment_id}}", Right.WRITE, calls.update),
            Route("POST", f"{path}/{{id}}/comments", Right.WRITE, calls.add),
            Route("GET", f"{path}/{{id}}/comments/{{comment_id}}", Right.READ, calls.get),
        ]
    return tuple(found)


def _thread(door: Door, given: str) -> NewComment | None:
    key = thread_of_model(door, given)
    return NewComment(project=key[0], thread_id=key[1], text="") if key else None


def _trace(door: Door, given: str) -> NewComment | None:
    trace_uuid = ids.uuid_text(given)
    if trace_uuid is None:
        return None
    trace_id = ids.trace_id_of(trace_uuid)
    found = door.services.contents.trace(trace_id)
    return NewComment(project=found.trace.project, trace_id=trace_id, text="") if found else None


def _span(door: Door, given: str) -> NewComment | None:
    uuid = ids.uuid_text(given)
    found = door.services.contents.spans_by_uuid([uuid]).get(uuid) if uuid else None
    if found is None:
        return None
    return NewComment(
        project=found.project, trace_id=found.trace_id, span_id=found.span_id, text=""
    )


class _CommentCalls:
    """Comments on one kind of item, whose paths begin with `path`."""

    def __init__(self, door: Door, path: str, target: Target) -> None:
        self._door = door
        self._path = path
        self._target = target
        self._annotations = door.services.annotations

    def add(self, call: Call) -> Response:
        """Comment on an item."""
        given = call.params["id"]
        text = _text(call)
        target = self._here(given)
        made = self._annotations.add_comment(
            NewComment(
                project=target.project,
                thread_id=target.thread_id,
                trace_id=target.trace_id,
                span_id=target.span_id,
                text=text,
                author=shapes.USER,
            )
        )
        return requests.created(call, f"{self._path}/{given}/comments/{made.id}")

    def get(self, call: Call) -> Response:
        """Return a comment of an item."""
        target = self._here(call.params["id"])
        found = self._comment(call.params["comment_id"])
        same = (found.thread_id, found.trace_id, found.span_id)
        if same != (target.thread_id, target.trace_id, target.span_id):
            raise errors.not_found("comment", found.id)
        return requests.json_response(shapes.comment(found))

    def update(self, call: Call) -> Response:
        """Change a comment's text."""
        text = _text(call)
        found = self._comment(call.params["comment_id"])
        self._annotations.update_comment(found.id, text)
        return requests.no_content()

    def delete(self, call: Call) -> Response:
        """Delete comments; one that is not here is no error."""
        for comment_id in requests.ids_of(requests.body_of(call)):
            found = self._found(comment_id)
            if found is not None:
                self._annotations.delete_comment(found.id)
        return requests.no_content()

    def _here(self, given: str) -> NewComment:
        self._door.services.contents.wait_fresh()
        target = self._target(self._door, given)
        if target is None:
            raise errors.not_found(self._path.rpartition("/")[2].removesuffix("s"), given)
        return target

    def _comment(self, comment_id: str) -> Comment:
        found = self._found(comment_id)
        if found is None:
            raise errors.not_found("comment", comment_id)
        return found

    def _found(self, comment_id: str) -> Comment | None:
        """Return a comment on this kind of item."""
        try:
            found = self._annotations.comment(comment_id)
        except NotFound:
            return None
        kind = "threads" if found.thread_id else "spans" if found.span_id else "traces"
        return found if self._path.endswith(f"/{kind}") else None


def _text(call: Call) -> str:
    text = requests.needed(requests.body_of(call), "text")
    if len(text) > TEXT_LENGTH_MAX:
        raise errors.unprocessable(f"text must have {TEXT_LENGTH_MAX} characters at most")
    return text
