"""OTLP over gRPC: the Trace, Logs and Metrics services, on gRPC's own server.

Messages reach us as bytes: parsing them is decode's work. gRPC decompresses them (gzip, deflate) as
far as `request_bytes_max`. A call without the token is refused before its message is read.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from otel_threads.core.model import Outcome, Request, Signal
from otel_threads.core.ports import Clock, Intake
from otel_threads.grpc_port import services
from otel_threads.grpc_port.limits import Limits
from otel_threads.grpc_port.refusal import Context, refuse
from otel_threads.grpc_port.server import NO_METHOD, Server
from otel_threads.metrics import REQUESTS
from otel_threads.receive import auth, refused_exports, status
from otel_threads.receive.auth import Senders
from otel_threads.receive.loop_bridge import Answers
from otel_threads.receive.status import NoMessage
from otel_threads.refusals import Refusals

SERVICES = {
    Signal.TRACES: trace_service_pb2.DESCRIPTOR.services_by_name["TraceService"].full_name,
    Signal.LOGS: logs_service_pb2.DESCRIPTOR.services_by_name["LogsService"].full_name,
    Signal.METRICS: metrics_service_pb2.DESCRIPTOR.services_by_name["MetricsService"].full_name,
}


async def server(
    intake: Intake, *, limits: Limits, senders: Senders, clock: Clock, refusals: Refusals
) -> Server:
    """Return a server of OTLP, health and reflection, without a port and not started."""
    made = Server(limits, port="otlp_grpc")
    answers = Answers()
    for signal, service in SERVICES.items():
        export = _Export(signal, intake, answers, senders, clock, refusals)
        handlers = {"Export": grpc.stream_unary_rpc_method_handler(export.answer)}
        made.add_registered_method_handlers(service, handlers)

    def refusal(context: Context) -> str | None:
        try:
            senders.check(services.metadata(context).get("authorization"))
        except status.Unauthenticated as error:
            return str(error)
        return None

    services.add(made, tuple(SERVICES.values()), refusal)
    return made


def refuse_on(other: Server, refusals: Refusals) -> None:
    """Count OTLP that is sent to another port, whose senders drop it, and tell them where to."""

    async def refuse_export(_: AsyncIterator[bytes], context: Context) -> bytes:
        refusals.add("path", refused_exports.PORT)
        await refuse(context, grpc.StatusCode.UNIMPLEMENTED, NO_METHOD)
        raise AssertionError("a refused call goes on")

    for service in SERVICES.values():
        handlers = {"Export": grpc.stream_unary_rpc_method_handler(refuse_export)}
        other.add_registered_method_handlers(service, handlers)


class _Export:
    """The Export method of one signal."""

    def __init__(
        self,
        signal: Signal,
        intake: Intake,
        answers: Answers,
        senders: Senders,
        clock: Clock,
        refusals: Refusals,
    ) -> None:
        self._signal = signal
        self._intake = intake
        self._answers = answers
        self._senders = senders
        self._clock = clock
        self._refusals = refusals
        self._taken = REQUESTS.labels("grpc", signal.value, "OK")

    async def answer(self, messages: AsyncIterator[bytes], context: Context) -> bytes:
        """Return the response once all that it counts as accepted is committed."""
        try:
            metadata = services.metadata(context)
            self._senders.check(metadata.get("authorization"))
            outcome = await self._answers.of(self._submit(await self._only(messages), metadata))
        except grpc.aio.AbortError:  # the port has ended the call
            self._count(context.code())
            raise
        except Exception as error:  # every failure becomes an answer
            code, _ = status.answer(error)
            self._count(code)
            refused_exports.note(self._refusals, error)
            wait_s = status.retry_after_s(error)
            await refuse(context, code, status.text(error), retry_after_s=wait_s)
            raise
        self._taken.inc()
        return status.response(self._signal, outcome).SerializeToString()

    async def _only(self, messages: AsyncIterator[bytes]) -> bytes:
        try:
            async for message in messages:
                return message
        except asyncio.CancelledError:  # gRPC refused what came of it, or the sender hung up
            refused_exports.note(self._refusals, NoMessage())
            raise
        raise NoMessage("the call has no message, Export takes one")

    def _submit(self, payload: bytes, metadata: dict[str, str]) -> "Future[Outcome]":
        size_bytes = len(payload)
        self._intake.reserve(size_bytes)
        try:
            future = self._intake.submit(
                Request(
                    signal=self._signal,
                    payload=payload,
                    project=auth.project(metadata),
                    vendor_project=self._senders.vendor_project(metadata),
                    received_unix_nano=self._clock(),
                )
            )
        except BaseException:
            self._intake.release(size_bytes)
            raise
        # The intake holds the bytes until then, whether the sender waits for it or not.
        future.add_done_callback(lambda _: self._intake.release(size_bytes))
        return future

    def _count(self, code: grpc.StatusCode) -> None:
        REQUESTS.labels("grpc", self._signal.value, code.name).inc()
