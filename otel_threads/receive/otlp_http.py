"""OTLP over HTTP: protobuf and JSON, plain, gzip, deflate or zstd, answered in the request's type.

Limits hold for the body as sent and as decompressed; decompression stops at the limit.
"""

import asyncio
from collections.abc import Awaitable, Callable

from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from otel_threads.decode import otlp_json
from otel_threads.errors import InvalidPayload, TooLarge
from otel_threads.metrics import REQUESTS
from otel_threads.model import Request, Signal
from otel_threads.ports import Clock, Intake
from otel_threads.receive import auth, status
from otel_threads.receive.answers import Answers
from otel_threads.receive.compression import decompress
from otel_threads.receive.status import UnsupportedType

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
# Exporters with a path of their own before it (Langfuse, Opik, LangSmith, LangWatch and others)
# keep working as configured.
PREFIXES = ("", "/{prefix:path}")
BARE_TRACE_PATHS = ("/otel", "/api/v1/otel")
BODY_TIMEOUT_S = 60.0  # a sender that trickles its body is cut off
THREAD_BYTES_MIN = 32 * 1024  # smaller bodies are parsed without a thread


class SlowBody(InvalidPayload):
    """The body did not arrive in time."""


def app(intake: Intake, *, request_bytes_max: int, token: str | None, clock: Clock) -> Starlette:
    """Return the ASGI application of the OTLP/HTTP port."""
    answers = Answers()
    routes = [
        Route(
            path,
            _export(signal, intake, answers, request_bytes_max, token, clock),
            methods=["POST"],
        )
        for signal in Signal
        for path in (
            *(f"{prefix}/v1/{signal.value}" for prefix in PREFIXES),
            *(BARE_TRACE_PATHS if signal is Signal.TRACES else ()),
        )
    ]
    return Starlette(routes=routes)


def _export(
    signal: Signal,
    intake: Intake,
    answers: Answers,
    request_bytes_max: int,
    token: str | None,
    clock: Clock,
) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def export(http: HttpRequest) -> Response:
        content_type = http.headers.get("content-type", "").partition(";")[0].strip().lower()
        reservation = _Reservation(intake)
        try:
            auth.check_token(http.headers.get("authorization"), token)
            if content_type not in (PROTOBUF, JSON):
                raise UnsupportedType(
                    f"content-type {content_type!r} is not supported: send {PROTOBUF} or {JSON}"
                )
            body = await _read(http, request_bytes_max, reservation)
            encoding = http.headers.get("content-encoding", "identity").strip().lower()
            payload = await _payload(signal, body, encoding, content_type, request_bytes_max)
            reservation.grow(max(0, len(payload) - len(body)))
            outcome = await answers.of(
                intake.submit(
                    Request(
                        signal=signal,
                        payload=payload,
                        project=auth.project(http.headers),
                        vendor_project=auth.vendor_project(http.headers),
                        received_unix_nano=clock(),
                    )
                )
            )
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer
            return _failure(signal, error, content_type)
        finally:
            reservation.release()
        REQUESTS.labels("http", signal.value, "200").inc()
        return _encoded(status.response(signal, outcome), content_type, 200)

    return export


class _Reservation:
    """The bytes that one request holds in flight."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._size_bytes = 0

    def grow(self, size_bytes: int) -> None:
        if size_bytes:
            self._intake.reserve(size_bytes, held_bytes=self._size_bytes)
            self._size_bytes += size_bytes

    def release(self) -> None:
        if self._size_bytes:
            self._intake.release(self._size_bytes)


async def _read(http: HttpRequest, request_bytes_max: int, reservation: _Reservation) -> bytes:
    announced = http.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > request_bytes_max:
        raise TooLarge(f"a body of {announced} bytes, {request_bytes_max} allowed")
    # A body of known length is reserved at once: refusing it late would have read it in vain.
    known = int(announced) if announced.isdecimal() else 0
    reservation.grow(known)
    chunks, size_bytes = [], 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in http.stream():
                size_bytes += len(chunk)
                if size_bytes > request_bytes_max:
                    raise TooLarge(f"a body of over {request_bytes_max} bytes, the most allowed")
                if not known:
                    reservation.grow(len(chunk))
                chunks.append(chunk)
    except TimeoutError:
        raise SlowBody(f"the body did not arrive within {BODY_TIMEOUT_S:g} s") from None
    return b"".join(chunks)


async def _payload(
    signal: Signal, body: bytes, encoding: str, content_type: str, request_bytes_max: int
) -> bytes:
    def work() -> bytes:
        plain = decompress(body, encoding, request_bytes_max)
        return otlp_json.to_wire(signal, plain or b"{}") if content_type == JSON else plain

    if len(body) < THREAD_BYTES_MIN and encoding in ("", "identity"):
        return work()
    return await asyncio.to_thread(work)


def _failure(signal: Signal, error: Exception, content_type: str) -> Response:
    _, code = status.answer(error)
    if isinstance(error, SlowBody):
        code = 408
    REQUESTS.labels("http", signal.value, str(code)).inc()
    response = _encoded(status.rpc_status(error), content_type, code)
    wait = status.retry_after_s(error)
    if wait is not None:
        response.headers["retry-after"] = str(wait)
    if code == 401:
        response.headers["www-authenticate"] = "Bearer"
    return response


def _encoded(message: Status, content_type: str, code: int) -> Response:
    """Return the message in the request's encoding; JSON for a type that we do not know."""
    if content_type == PROTOBUF:
        return Response(message.SerializeToString(), code, media_type=PROTOBUF)
    return Response(status.as_json(message), code, media_type=JSON)
