"""gRPC's own server for Python, with our limits around every method.

Asyncio, not threads: a call that waits for its message or for a commit then holds no thread, so
that slow clients cannot use threads up.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc._cython import cygrpc

from otel_threads.grpc_port import limits as bounds
from otel_threads.grpc_port import quiet
from otel_threads.grpc_port.calls import Call, Calls
from otel_threads.grpc_port.fair_queue import FairQueue
from otel_threads.grpc_port.limits import Limits, channel_arguments
from otel_threads.grpc_port.memory import resident_bytes
from otel_threads.grpc_port.refusal import Context, refuse

logger = logging.getLogger(__name__)

Handler = Any  # grpc.RpcMethodHandler, which has no types
NO_METHOD = (
    "this port has no such method: OTLP belongs on otlp_grpc_endpoint (4317), queries on "
    "grpc_endpoint (4321)"
)


class _Server(cygrpc.AioServer):  # type: ignore[misc]  # it has no types
    """gRPC's server, which takes calls of registered methods only.

    For all others gRPC decodes the path as UTF-8 where nothing catches the error: one call whose
    path is none ends the server for everybody (seen with grpcio 1.85.3). Here such calls are
    refused without a look at their path. The methods that we replace are not public, so `Server`
    looks whether gRPC still calls them, and warns where it does not.

    And connections take turns: gRPC's own server begins calls as they came.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._queues: dict[bytes, FairQueue[Any]] = {}
        self.asked_at_once = 1

    async def _request_registered_call(self, method: bytes) -> Any:
        queue = self._queues.get(method)
        if queue is None:
            queue = self._queues[method] = FairQueue(
                items_max=bounds.WAITING_MAX, items_each_max=bounds.STREAMS_MAX
            )
            for _ in range(self.asked_at_once):
                _keep(asyncio.ensure_future(self._fill(queue, method)))
        return await queue.next()

    async def _fill(self, queue: FairQueue[Any], method: bytes) -> None:
        """Put the calls of a method into its queue until the server stops."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                state = await super()._request_registered_call(method)
                peer = cygrpc._ServicerContext(state, None, None, loop).peer()
                queue.put(peer, state)
                # A call that nothing refers to any more is cancelled by gRPC: nothing is cheaper.
                del state
        except Exception as error:  # noqa: BLE001  # the server stops: its main loop knows the error
            queue.close(error)

    async def _request_call(self) -> Any:
        while True:
            state = await super()._request_call()
            _keep(asyncio.ensure_future(_refuse_unknown(state)))


_kept: set["asyncio.Future[None]"] = set()  # an event loop holds its tasks weakly


def _keep(task: "asyncio.Future[None]") -> None:
    _kept.add(task)
    task.add_done_callback(_kept.discard)


async def _refuse_unknown(state: Any) -> None:
    context = cygrpc._ServicerContext(state, None, None, asyncio.get_running_loop())
    try:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, NO_METHOD)
    except Exception as error:  # noqa: BLE001  # AbortError, or its client has gone: both are fine
        logger.debug("refused an unknown method: %s", type(error).__name__)


class CannotListen(OSError):
    """The address cannot be listened on."""


class Server:
    """One gRPC port. Make it, use it and close it in one event loop."""

    def __init__(
        self,
        limits: Limits,
        *,
        port: str,
        memory_bytes: Callable[[], int | None] = resident_bytes,
    ) -> None:
        """Serve nothing yet; `port` names it in the log."""
        quiet.install()
        self.calls = Calls(limits, port=port, memory_bytes=memory_bytes)
        self.stopping = asyncio.Event()
        own, cygrpc.AioServer = cygrpc.AioServer, _Server
        try:
            self._server = grpc.aio.server(options=channel_arguments(limits))
        finally:
            cygrpc.AioServer = own
        if isinstance(self._server._server, _Server):
            self._server._server.asked_at_once = limits.asked_at_once
        else:
            # A newer gRPC must not keep the server from its work: it may not have the fault.
            logger.warning(
                "grpcio %s does not let us refuse unknown methods: one whose path is no UTF-8 "
                "may end the server; see grpc_port/server.py",
                grpc.__version__,
            )

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Do nothing: generated code calls this beside `add_registered_method_handlers`."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Serve the methods of a service, each within the limits of the port.

        A handler of a stream of requests is a coroutine function; it gets an iterator.
        """
        bounded = {name: _bounded(handler, self.calls) for name, handler in handlers.items()}
        self._server.add_registered_method_handlers(service, bounded)

    async def open(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        """Listen on `host:port`, with TLS if there are credentials; return the port.

        Raises:
            CannotListen: the address is in use, or this machine does not have it.
        """
        try:
            if credentials:
                bound = self._server.add_secure_port(address, credentials)
            else:
                bound = self._server.add_insecure_port(address)
        except (RuntimeError, OSError):
            bound = 0
        if not bound:
            raise CannotListen("is it in use?")
        await self._server.start()
        return int(bound)

    async def close(self, grace_s: float) -> None:
        """Take no more calls, wait so long for those under way, and hang up."""
        self.stopping.set()
        await self._server.stop(grace_s)


def credentials(
    cert_file: str | None, key_file: str | None, client_ca_file: str | None
) -> grpc.ServerCredentials | None:
    """Return credentials for TLS, mutual if clients' authority is given; None without a key.

    Raises:
        OSError: a file cannot be read.
    """
    if not cert_file or not key_file:
        return None
    authority = Path(client_ca_file).read_bytes() if client_ca_file else None
    return grpc.ssl_server_credentials(
        [(Path(key_file).read_bytes(), Path(cert_file).read_bytes())],
        root_certificates=authority,
        require_client_auth=authority is not None,
    )


def _bounded(handler: Handler, calls: Calls) -> Handler:
    """Return a handler that counts its calls and reads their messages through `calls`.

    gRPC itself would read a single request before it calls the handler, however slowly it arrives.
    """
    if handler.request_streaming:
        method = handler.stream_stream if handler.response_streaming else handler.stream_unary
        read = _stream
    else:
        method = handler.unary_stream if handler.response_streaming else handler.unary_unary
        read = _single
    wrap = _streaming if handler.response_streaming else _unary
    make = (
        grpc.stream_stream_rpc_method_handler
        if handler.response_streaming
        else grpc.stream_unary_rpc_method_handler
    )
    return make(
        wrap(method, read, handler.request_deserializer, calls),
        response_serializer=handler.response_serializer,
    )


Deserialize = Callable[[bytes], Any] | None
Read = Callable[[Calls, Call, Deserialize], Any]  # a coroutine


async def _single(calls: Calls, call: Call, deserialize: Deserialize) -> Any:
    message = await calls.message(call)
    if message is None:
        await refuse(call.context, grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
    return await _deserialized(call, message, deserialize)


async def _stream(calls: Calls, call: Call, deserialize: Deserialize) -> AsyncIterator[Any]:
    async def messages() -> AsyncIterator[Any]:
        while (message := await calls.message(call)) is not None:
            yield await _deserialized(call, message, deserialize)

    return messages()


async def _deserialized(call: Call, message: bytes | None, deserialize: Deserialize) -> Any:
    if deserialize is None or message is None:
        return message
    try:
        return deserialize(message)
    except DecodeError as error:
        text = f"not a message of this method: {error}"
        await refuse(call.context, grpc.StatusCode.INVALID_ARGUMENT, text)


def _unary(method: Any, read: Read, deserialize: Deserialize, calls: Calls) -> Any:
    async def answer(_messages: Any, context: Context) -> Any:
        call = await calls.begin(context)
        try:
            response = await method(await read(calls, call, deserialize), context)
        except grpc.aio.AbortError as error:
            raise _without_frames(error) from None
        calls.answering(call)
        return response

    return answer


def _streaming(method: Any, read: Read, deserialize: Deserialize, calls: Calls) -> Any:
    async def answer(_messages: Any, context: Context) -> AsyncIterator[Any]:
        call = await calls.begin(context)
        try:
            responses = method(await read(calls, call, deserialize), context)
            async with contextlib.aclosing(responses):
                async for response in responses:
                    calls.answering(call)
                    yield response
                    calls.answered(call)
        except grpc.aio.AbortError as error:
            raise _without_frames(error) from None

    return answer


def _without_frames(error: grpc.aio.AbortError) -> grpc.aio.AbortError:
    """Return the end of a call without what it went through, where the call's message stands.

    gRPC keeps it in the call's state, to which its frames lead: a cycle, which a tuned process
    looks for rarely. Each refused message of 12 MB stayed.
    """
    error.__context__ = None
    return error.with_traceback(None)
