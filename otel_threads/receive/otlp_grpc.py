"""OTLP over gRPC: Trace, Logs and Metrics services, health and reflection.

Messages reach us as bytes: parsing them is decode's work. Who may send and how much is known before
a message has come: a call that is refused then costs its headers.
"""

import asyncio
import functools
from concurrent.futures import Future
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from otel_threads.errors import InvalidPayload
from otel_threads.metrics import REQUESTS
from otel_threads.model import Outcome, Request, Signal
from otel_threads.ports import Clock, Intake
from otel_threads.receive import auth, status
from otel_threads.receive.answers import Answers
from otel_threads.receive.calls import Call, Method
from otel_threads.receive.compression import decompress

SERVICES = {
    Signal.TRACES: trace_service_pb2.DESCRIPTOR.services_by_name["TraceService"].full_name,
    Signal.LOGS: logs_service_pb2.DESCRIPTOR.services_by_name["LogsService"].full_name,
    Signal.METRICS: metrics_service_pb2.DESCRIPTOR.services_by_name["MetricsService"].full_name,
}
QUESTION_BYTES_MAX = 64 * 1024  # of health and reflection
AT_ONCE_BYTES_MAX = 4 * 1024  # compressed; as much as a thousand times that is soon decompressed


def methods(
    intake: Intake, *, request_bytes_max: int, token: str | None, clock: Clock
) -> dict[str, Method]:
    """Return what the port serves, by path."""
    answers = Answers()
    found: dict[str, Method] = {
        f"/{service}/Export": _Export(signal, intake, answers, request_bytes_max, token, clock)
        for signal, service in SERVICES.items()
    }
    served = (*SERVICES.values(), health.SERVICE_NAME, reflection.SERVICE_NAME)
    found[f"/{health.SERVICE_NAME}/Check"] = _Health(is_endless=False)
    found[f"/{health.SERVICE_NAME}/Watch"] = _Health(is_endless=True)
    found[f"/{reflection.SERVICE_NAME}/ServerReflectionInfo"] = _Reflection(served)
    return found


class _Export:
    """The Export method of one signal."""

    is_endless = False

    def __init__(
        self,
        signal: Signal,
        intake: Intake,
        answers: Answers,
        request_bytes_max: int,
        token: str | None,
        clock: Clock,
    ) -> None:
        self.message_bytes_max = request_bytes_max
        self._signal = signal
        self._intake = intake
        self._answers = answers
        self._token = token
        self._clock = clock
        self._taken = REQUESTS.labels("grpc", signal.value, "OK")

    def begin(self, call: Call) -> None:
        auth.check_token(call.metadata.get("authorization"), self._token)

    def expect(self, call: Call, size_bytes: int) -> None:
        if call.message_count:
            raise InvalidPayload("the call has a second message, Export takes one")
        self._intake.reserve(size_bytes)
        call.held_bytes = size_bytes

    def take(self, call: Call, message: bytes, encoding: str) -> None:
        call.message, call.encoding = message, encoding

    def end(self, call: Call) -> None:
        if not call.message_count:
            raise InvalidPayload("the call has no message, Export takes one")
        message, call.message = call.message, b""
        if call.encoding == "identity":
            self._submit(call, message)
            return
        inflate = functools.partial(decompress, message, call.encoding, self.message_bytes_max)
        if len(message) <= AT_ONCE_BYTES_MAX:
            self._submit(call, inflate())
            return
        work = asyncio.get_running_loop().run_in_executor(None, inflate)
        work.add_done_callback(functools.partial(self._inflated, call))

    def over(self, call: Call, code: grpc.StatusCode | None) -> None:
        if code is grpc.StatusCode.OK:
            self._taken.inc()
        elif code is not None:
            REQUESTS.labels("grpc", self._signal.value, code.name).inc()
        if call.held_bytes:
            self._intake.release(call.held_bytes)
            call.held_bytes = 0

    def _inflated(self, call: Call, work: "asyncio.Future[bytes]") -> None:
        if call.is_over:  # its sender has gone away
            work.exception()
            return
        call.attempt(lambda: self._submit(call, work.result()))

    def _submit(self, call: Call, payload: bytes) -> None:
        if (more_bytes := len(payload) - call.held_bytes) > 0:
            self._intake.reserve(more_bytes, held_bytes=call.held_bytes)
            call.held_bytes += more_bytes
        future = self._intake.submit(
            Request(
                signal=self._signal,
                payload=payload,
                project=auth.project(call.metadata),
                vendor_project=auth.vendor_project(call.metadata),
                received_unix_nano=self._clock(),
            )
        )
        # From here the intake holds the bytes, whether the sender waits for it or not.
        held_bytes, call.held_bytes = call.held_bytes, 0
        self._answers.tell(future, functools.partial(self._answer, call, held_bytes))

    def _answer(self, call: Call, held_bytes: int, future: "Future[Outcome]") -> None:
        self._intake.release(held_bytes)
        if error := future.exception():
            call.fail(error if isinstance(error, Exception) else RuntimeError(str(error)))
        else:
            call.answer(status.response(self._signal, future.result()).SerializeToString())


def _read(kind: type[Any], message: bytes, encoding: str) -> Any:
    try:
        return kind.FromString(decompress(message, encoding, QUESTION_BYTES_MAX))
    except DecodeError as error:
        raise InvalidPayload(f"not a {kind.DESCRIPTOR.name}: {error}") from None


class _Question:
    """What the small methods have in common."""

    is_endless = True
    message_bytes_max = QUESTION_BYTES_MAX

    def begin(self, call: Call) -> None: ...
    def expect(self, call: Call, size_bytes: int) -> None: ...
    def over(self, call: Call, code: grpc.StatusCode | None) -> None: ...


class _Health(_Question):
    """grpc.health.v1: each of our services serves as long as the port is open."""

    def __init__(self, *, is_endless: bool) -> None:
        self.is_endless = is_endless

    def take(self, call: Call, message: bytes, encoding: str) -> None:
        name = _read(health_pb2.HealthCheckRequest, message, encoding).service
        response = health_pb2.HealthCheckResponse
        if not name or name in SERVICES.values():
            answer = response(status=response.SERVING)
        elif self.is_endless:
            answer = response(status=response.SERVICE_UNKNOWN)
        else:
            call.refuse(grpc.StatusCode.NOT_FOUND, f"there is no service {name[:200]}")
            return
        call.send(answer.SerializeToString())

    def end(self, call: Call) -> None:
        if not self.is_endless:
            call.finish()


class _Reflection(_Question):
    """grpc.reflection.v1alpha: what grpcurl needs to do without our .proto files."""

    def __init__(self, served: tuple[str, ...]) -> None:
        self._servicer = reflection.ReflectionServicer(served)

    def take(self, call: Call, message: bytes, encoding: str) -> None:
        asked = _read(reflection_pb2.ServerReflectionRequest, message, encoding)
        for answer in self._servicer.ServerReflectionInfo(iter([asked]), None):
            call.send(answer.SerializeToString())

    def end(self, call: Call) -> None:
        call.finish()
