"""The query API over gRPC: services/, whose objects become messages field by field."""

import asyncio
import contextvars
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from pydantic import ValidationError

from otel_threads import deadline
from otel_threads.api import bodies, hints, rpc_evaluations
from otel_threads.api.message_limits import Bounded, Sent
from otel_threads.api.protobuf import fill
from otel_threads.api.rights import Rights
from otel_threads.api.rpc_calls import Call, Calls, reads, writes
from otel_threads.api.rpc_requests import body, fields, selection
from otel_threads.core.errors import (
    Conflict,
    InvalidFilter,
    InvalidQuery,
    NotConfigured,
    NotFound,
    OtelThreadsError,
    QueryTimeout,
    Unavailable,
)
from otel_threads.grpc_port import services as port_services
from otel_threads.grpc_port.limits import Limits
from otel_threads.grpc_port.refusal import Context, refuse
from otel_threads.grpc_port.server import Server
from otel_threads.services.annotations import AnnotationService
from otel_threads.services.events import Dropped
from otel_threads.services.services import Services
from otel_threads.v1 import threads_pb2 as pb
from otel_threads.v1 import threads_pb2_grpc as stubs

SERVICE = "otel_threads.v1.ThreadService"
HEARTBEAT_S = 15.0
QUERIES_AT_ONCE_MAX = 16  # further ones wait; REST has forty
# Threads of their own: in asyncio's, of which two cores have six, slow queries kept receivers from
# decompressing.
_QUERIES = ThreadPoolExecutor(QUERIES_AT_ONCE_MAX, thread_name_prefix="query-grpc")
# Lists and sums of what spans brought: of a project that is not here they are empty, and say so.
HINTED = (pb.Threads, pb.ThreadStats, pb.Traces, pb.SpanLines, pb.Issues)
# The most specific class first; what is not here is the server's own fault.
CODES: tuple[tuple[type[Exception], grpc.StatusCode], ...] = (
    (InvalidQuery, grpc.StatusCode.INVALID_ARGUMENT),
    (ValidationError, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (Conflict, grpc.StatusCode.FAILED_PRECONDITION),
    (NotConfigured, grpc.StatusCode.UNIMPLEMENTED),
    (QueryTimeout, grpc.StatusCode.DEADLINE_EXCEEDED),
    (Dropped, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (Unavailable, grpc.StatusCode.UNAVAILABLE),
)


async def server(services: Services, *, rights: Rights, limits: Limits) -> Server:
    """Return a server of ThreadService, health and reflection, without a port and not started."""
    made = Server(limits, port="grpc")
    stubs.add_ThreadServiceServicer_to_server(_Servicer(services, rights), Bounded(made))

    def refusal(context: Context) -> str | None:
        return rights.refusal(port_services.metadata(context).get("authorization"), writes=False)

    port_services.add(made, (SERVICE,), refusal)
    return made


class _Servicer:
    """A method a call: each reads its request and calls a service in a thread, and responds."""

    def __init__(self, services: Services, rights: Rights) -> None:
        self._services = services
        self._rights = rights
        calls = {
            **_thread_calls(services),
            **_annotation_calls(services.annotations),
            **rpc_evaluations.calls(services),
            **_issue_calls(services),
        }
        for name, call in calls.items():
            setattr(self, name, _method(self, call))

    async def ExportThreads(self, request: Sent, context: Context) -> AsyncIterator[Message]:
        """Stream a file in blocks; stops reading when the caller hangs up."""
        try:
            self.check(context, writes=False)
            given = selection(await _in_thread(context, request.read))
            await _in_thread(context, lambda: self._say_unknown(context, given))
            with self._services.export.threads(**given) as blocks:
                while (block := await _in_thread(context, lambda: next(blocks, None))) is not None:
                    yield pb.ExportBlock(data=block)
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer
            await _abort(context, error)

    async def WatchThreads(self, request: Sent, context: Context) -> AsyncIterator[Message]:
        """Stream changed threads until the caller hangs up."""
        try:
            self.check(context, writes=False)
            given = fields(await _in_thread(context, request.read)).get("project")
            threads = self._services.threads
            project = threads.choice.of_list(given or None)
            await context.send_initial_metadata(())  # the caller knows now that we listen
            async for changes in self._services.hub.changes(project, heartbeat_s=HEARTBEAT_S):
                keys = [(one.project, one.thread_id) for one in changes if one.thread_id]
                if not changes:
                    continue
                found = await _in_thread(context, _bound(threads.threads_by_key, keys))
                for change in changes:
                    event = pb.ThreadEvent(
                        project=change.project, thread_id=change.thread_id or "", view=change.view
                    )
                    thread = found.get((change.project, change.thread_id))
                    if thread is not None:
                        fill(event.thread, thread)
                    yield event
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer
            await _abort(context, error)

    def check(self, context: Context, *, writes: bool) -> None:
        """Return when the caller may do this.

        Raises:
            _Refused: it may not.
        """
        metadata = port_services.metadata(context)
        refusal = self._rights.refusal(metadata.get("authorization"), writes=writes)
        if refusal:
            raise _Refused(refusal)

    def answer(self, call: Call, request: Sent, context: Context) -> Message:
        """Return the answer of a service as a message."""
        given = call.arguments(request.read())
        found = call.ask(**given)
        if call.answer in HINTED:
            self._say_unknown(context, given)
        response = call.answer()
        fill(response, found)
        return response

    def _say_unknown(self, context: Context, given: Mapping[str, Any]) -> None:
        if hint := self._services.threads.choice.unknown(given.get("project")):
            context.set_trailing_metadata(((hints.HEADER, hints.header_value(hint)),))


class _Refused(Exception):
    """The caller may not do this."""


Method = Callable[[Sent, Context], Awaitable[Message]]


def _thread_calls(services: Services) -> Calls:
    """Return the calls about threads and traces."""
    threads, annotations = services.threads, services.annotations
    close = functools.partial(annotations.close_threads, closed=True)
    reopen = functools.partial(annotations.close_threads, closed=False)
    ids = body(bodies.ThreadIds)
    return {
        "ListThreads": reads(pb.Threads, threads.threads, selection),
        "GetThread": reads(pb.Thread, threads.thread, fields),
        "ListTurns": reads(pb.Turns, threads.turns, fields),
        "GetTranscript": reads(pb.Transcript, threads.transcript, fields),
        "GetThreadStats": reads(pb.ThreadStats, threads.thread_stats, selection),
        "ListTraces": reads(pb.Traces, threads.traces, selection),
        "ListSpans": reads(pb.SpanLines, services.spans.lists.lines, selection),
        "GetTrace": reads(pb.TraceDetail, threads.trace, fields),
        "CloseThreads": writes(pb.Updated, close, ids),
        "ReopenThreads": writes(pb.Updated, reopen, ids),
        "DeleteThreads": writes(pb.Updated, services.deletion.threads, ids),
    }


def _issue_calls(services: Services) -> Calls:
    """Return the calls about issues, and questions in words."""
    issues = services.issues
    close = functools.partial(issues.close, closed=True)
    reopen = functools.partial(issues.close, closed=False)
    ids = body(bodies.IssueIds)
    return {
        "ListIssues": reads(pb.Issues, issues.issues, selection),
        "CloseIssues": writes(pb.Updated, close, ids),
        "ReopenIssues": writes(pb.Updated, reopen, ids),
        "Ask": reads(pb.AskAnswer, services.asking.ask, body(bodies.Question)),
    }


def _annotation_calls(annotations: AnnotationService) -> Calls:
    """Return the calls about what is written on threads, traces and spans."""
    scores, targets = body(bodies.NewScores), body(bodies.ScoreTargets)
    tags, comment = body(bodies.TagChange), body(bodies.NewComment)
    return {
        "ListScores": reads(pb.Scores, annotations.scores, fields),
        "PutScores": writes(pb.Written, annotations.put_scores, scores),
        "DeleteScores": writes(pb.Deleted, annotations.delete_scores, targets),
        "ListComments": reads(pb.Comments, annotations.comments, fields),
        "AddComment": writes(pb.Comment, annotations.add_comment, comment),
        "UpdateComment": writes(pb.Comment, annotations.update_comment, _comment_change),
        "DeleteComment": writes(empty_pb2.Empty, annotations.delete_comment, _comment_id),
        "UpdateThreadTags": writes(pb.Updated, annotations.change_tags, tags),
    }


def _method(servicer: _Servicer, call: Call) -> Method:
    async def method(request: Sent, context: Context) -> Message:
        try:
            servicer.check(context, writes=call.writes)
            answer: Message = await _in_thread(
                context, lambda: servicer.answer(call, request, context)
            )
            return answer
        except Exception as error:  # every failure becomes an answer
            await _abort(context, error)
            raise AssertionError("abort always raises") from error

    return method


def _bound(ask: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: ask(*arguments)


async def _in_thread(context: Context, work: Callable[[], Any]) -> Any:
    """Run work in a thread; its queries end with the caller's deadline, or when it hangs up."""
    remaining = context.time_remaining()
    waiting = deadline.Deadline(remaining)
    carried = contextvars.copy_context()
    carried.run(deadline.current.set, waiting)
    try:
        return await asyncio.get_running_loop().run_in_executor(_QUERIES, carried.run, work)
    except asyncio.CancelledError:
        waiting.cancel()
        raise


def _comment_change(request: Any) -> dict[str, Any]:
    return {"comment_id": request.id, "text": request.text}


def _comment_id(request: Any) -> dict[str, Any]:
    return {"comment_id": request.id}


async def _abort(context: Context, error: Exception) -> None:
    """Answer with a canonical code, and details as google.rpc.Status."""
    if isinstance(error, _Refused):
        code = grpc.StatusCode.UNAUTHENTICATED
    else:
        code = next((c for kind, c in CODES if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
    known = isinstance(error, OtelThreadsError | _Refused | Dropped)
    text = str(error) if known else f"the server failed: {type(error).__name__}"
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        text = f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
    details: tuple[Message, ...] = ()
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        field = "filter" if isinstance(error, InvalidFilter) else "request"
        violation = {"field": field, "description": text}
        details = (error_details_pb2.BadRequest(field_violations=[violation]),)
    wait_s = error.retry_after_s if isinstance(error, Unavailable) else None
    await refuse(context, code, text, retry_after_s=wait_s, details=details)
