"""The query API over gRPC: services/, whose objects become messages field by field."""

import asyncio
import contextvars
import datetime
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from pydantic import ValidationError

from otel_threads import deadline
from otel_threads.api import bodies
from otel_threads.api.message_limits import Bounded, Refused, checked
from otel_threads.api.protobuf import fill
from otel_threads.api.rights import Rights
from otel_threads.core.errors import (
    Conflict,
    InvalidFilter,
    InvalidQuery,
    NotFound,
    OtelThreadsError,
    QueryTimeout,
    Unavailable,
)
from otel_threads.grpc_port import services as port_services
from otel_threads.grpc_port.limits import Limits
from otel_threads.grpc_port.refusal import Context, refuse
from otel_threads.grpc_port.server import Server
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
# The most specific class first; what is not here is the server's own fault.
CODES: tuple[tuple[type[Exception], grpc.StatusCode], ...] = (
    (InvalidQuery, grpc.StatusCode.INVALID_ARGUMENT),
    (ValidationError, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (Conflict, grpc.StatusCode.FAILED_PRECONDITION),
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
    """A method a call: each reads its request, calls a service in a thread, and responds."""

    def __init__(self, services: Services, rights: Rights) -> None:
        self._services = services
        self._rights = rights
        self._add_reads()
        self._add_writes()

    def _add_reads(self) -> None:
        reads = _answering(self, writes=False)
        threads, annotations = self._services.threads, self._services.annotations
        self.ListThreads = reads(pb.Threads, threads.threads, _selection)
        self.GetThread = reads(pb.Thread, threads.thread, _fields)
        self.ListTurns = reads(pb.Turns, threads.turns, _fields)
        self.GetTranscript = reads(pb.Transcript, threads.transcript, _fields)
        self.GetThreadStats = reads(pb.ThreadStats, threads.thread_stats, _selection)
        self.ListTraces = reads(pb.Traces, threads.traces, _selection)
        self.GetTrace = reads(pb.TraceDetail, threads.trace, _fields)
        self.ListScores = reads(pb.Scores, annotations.scores, _fields)
        self.ListComments = reads(pb.Comments, annotations.comments, _fields)

    def _add_writes(self) -> None:
        writes = _answering(self, writes=True)
        annotations, deletion = self._services.annotations, self._services.deletion
        ids = _body(bodies.ThreadIds)
        close = functools.partial(annotations.close_threads, closed=True)
        reopen = functools.partial(annotations.close_threads, closed=False)
        self.CloseThreads = writes(pb.Updated, close, ids)
        self.ReopenThreads = writes(pb.Updated, reopen, ids)
        self.DeleteThreads = writes(pb.Updated, deletion.threads, ids)
        tags = _body(bodies.TagChange)
        self.UpdateThreadTags = writes(pb.Updated, annotations.change_tags, tags)
        self.PutScores = writes(pb.Written, annotations.put_scores, _body(bodies.NewScores))
        targets = _body(bodies.ScoreTargets)
        self.DeleteScores = writes(pb.Deleted, annotations.delete_scores, targets)
        self.AddComment = writes(pb.Comment, annotations.add_comment, _body(bodies.NewComment))
        self.UpdateComment = writes(pb.Comment, annotations.update_comment, _comment_change)
        self.DeleteComment = writes(empty_pb2.Empty, annotations.delete_comment, _comment_id)

    async def ExportThreads(
        self, request: Message | Refused, context: Context
    ) -> AsyncIterator[Message]:
        """Stream a file in blocks; stops reading when the caller hangs up."""
        try:
            self.check(context, writes=False)
            with self._services.export.threads(**_selection(checked(request))) as blocks:
                while (block := await _in_thread(context, lambda: next(blocks, None))) is not None:
                    yield pb.ExportBlock(data=block)
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer
            await _abort(context, error)

    async def WatchThreads(
        self, request: Message | Refused, context: Context
    ) -> AsyncIterator[Message]:
        """Stream changed threads until the caller hangs up."""
        try:
            self.check(context, writes=False)
            given = _fields(checked(request)).get("project")
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


class _Refused(Exception):
    """The caller may not do this."""


ServiceMethod = Callable[..., Any]
Method = Callable[[Message | Refused, Context], Awaitable[Message]]


def _answering(servicer: _Servicer, *, writes: bool) -> Callable[..., Method]:
    def method(
        answer: type[Message],
        ask: ServiceMethod,
        arguments: Callable[[Message], Mapping[str, Any]],
    ) -> Method:
        async def call(request: Message | Refused, context: Context) -> Message:
            try:
                servicer.check(context, writes=writes)
                given = arguments(checked(request))
                found = await _in_thread(context, lambda: ask(**given))
                response = answer()
                fill(response, found)
                return response
            except Exception as error:  # every failure becomes an answer
                await _abort(context, error)
                raise AssertionError("abort always raises") from error

        return call

    return method


def _bound(ask: ServiceMethod, *arguments: Any) -> Callable[[], Any]:
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


def _fields(request: Message) -> dict[str, Any]:
    """Return the fields that are set, as Python values."""
    found: dict[str, Any] = {}
    for field, value in request.ListFields():
        if field.message_type is not None and not field.is_repeated:
            found[field.name] = value.ToDatetime().replace(tzinfo=datetime.UTC)
        else:
            found[field.name] = list(value) if field.is_repeated else value
    for name in ("thread_id", "trace_id"):  # a required text that is empty is not listed
        needed = request.DESCRIPTOR.fields_by_name.get(name)
        if needed is not None and not needed.has_presence:
            found.setdefault(name, "")
    return found


def _selection(request: Message) -> dict[str, Any]:
    found = _fields(request)
    for name in ("from", "to"):
        if name in found:
            found[f"{name}_time"] = found.pop(name)
    return found


def _body(shape: type[bodies.Body]) -> Callable[[Message], dict[str, Any]]:
    """Return a reader that checks a body as REST does."""

    def read(request: Message) -> dict[str, Any]:
        plain = json_format.MessageToDict(request, preserving_proto_field_name=True)
        return shape.model_validate(plain).given()

    return read


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
