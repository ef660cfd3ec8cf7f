"""OTLP over HTTP: protobuf and JSON, plain, gzip, deflate or zstd, answered in the request's type.

Limits hold for the body as sent and as decompressed; decompression stops at the limit.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from google.rpc.code_pb2 import UNIMPLEMENTED
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from otel_threads.core.errors import TooLarge
from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Clock, Intake
from otel_threads.decode import otlp_json
from otel_threads.metrics import REQUESTS
from otel_threads.receive import auth, refused_exports, status
from otel_threads.receive.auth import Senders
from otel_threads.receive.compression import decompress
from otel_threads.receive.http_body import ArrivingBodies, Reservation, SlowBody
from otel_threads.receive.loop_bridge import Answers
from otel_threads.receive.status import UnsupportedType
from otel_threads.refusals import Refusals

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
# Exporters of other products, which have a path of their own before it, keep working as configured.
PREFIXES = ("", "/{prefix:path}")
BARE_TRACE_PATHS = ("/otel", "/api/v1/otel", "/")
PLAIN = ("", "identity")
ExceptionHandler = Callable[[HttpRequest, Exception], Awaitable[Response]]
THREAD_BYTES_MIN = 32 * 1024  # smaller bodies are parsed without a thread
DECOMPRESSING_THREADS = 2  # what they hold is reserved as it comes
# JSON that takes a second or more has a thread of its own: 10 s of it keep no usual one waiting.
LARGE_JSON_BYTES_MIN = 8 * 1024 * 1024  # of objects: 14,000 attributes


def app(
    intake: Intake,
    *,
    request_bytes_max: int,
    unfinished_bytes_max: int,
    senders: Senders,
    clock: Clock,
    refusals: Refusals,
) -> Starlette:
    """Return the ASGI application of the OTLP/HTTP port.

    Bodies that are not whole hold `unfinished_bytes_max` together at most.
    """
    bodies = ArrivingBodies(
        request_bytes_max=request_bytes_max, unfinished_bytes_max=unfinished_bytes_max
    )
    reader = _RequestReader(bodies, _Payloads(request_bytes_max), senders, clock)
    answers = Answers()
    routes = [
        Route(path, _export(signal, intake, answers, reader, refusals), methods=["POST"])
        for signal in Signal
        for path in (
            # Exporters do not follow the redirect that a slash too many would be answered with.
            *(f"{prefix}/v1/{signal.value}{end}" for prefix in PREFIXES for end in ("", "/")),
            *(BARE_TRACE_PATHS if signal is Signal.TRACES else ()),
        )
    ]
    handlers = {
        404: _elsewhere(404, "path", refused_exports.PATH, refusals),
        405: _elsewhere(405, "method", refused_exports.METHOD, refusals),
    }
    return Starlette(routes=routes, exception_handlers=handlers)


def _elsewhere(code: int, reason: str, explanation: str, refusals: Refusals) -> ExceptionHandler:
    """Return what answers a request to no path, or in no method, of OTLP."""

    async def refuse(http: HttpRequest, error: Exception) -> Response:
        refusals.add(reason, explanation)
        message = Status(code=UNIMPLEMENTED, message=f"this port refuses {explanation}")
        response = _encoded(message, _media_type(http), code)
        response.headers.update(getattr(error, "headers", None) or {})
        return response

    return refuse


def _export(
    signal: Signal,
    intake: Intake,
    answers: Answers,
    reader: "_RequestReader",
    refusals: Refusals,
) -> Callable[[HttpRequest], Awaitable[Response]]:
    async def export(http: HttpRequest) -> Response:
        content_type = _media_type(http)
        reservation = Reservation(intake)
        try:
            request = await reader.read(signal, http, reservation)
            outcome = await answers.of(intake.submit(request))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except MemoryError:
            error = TooLarge("no memory to read the request: send smaller batches")
            refused_exports.note(refusals, error)
            return _failure(signal, error, content_type)
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer
            refused_exports.note(refusals, error)
            return _failure(signal, error, content_type)
        finally:
            reservation.shrink_to(0)
        REQUESTS.labels("http", signal.value, "200").inc()
        return _encoded(status.response(signal, outcome), content_type, 200)

    return export


class _RequestReader:
    """Makes a request for the intake of what arrives over HTTP."""

    def __init__(
        self, bodies: ArrivingBodies, payloads: "_Payloads", senders: Senders, clock: Clock
    ) -> None:
        self._bodies = bodies
        self._payloads = payloads
        self._senders = senders
        self._clock = clock

    async def read(self, signal: Signal, http: HttpRequest, reservation: Reservation) -> Request:
        """Return the request, whose bytes the reservation holds.

        Raises:
            Unauthenticated, UnsupportedType, InvalidPayload, Overloaded: it is not taken.
            ClientDisconnect: nobody waits for the answer.
        """
        self._senders.check(http.headers.get("authorization"))
        content_type = _media_type(http)
        if content_type not in (PROTOBUF, JSON):
            raise UnsupportedType(
                f"content-type {content_type!r} is not supported: send {PROTOBUF} or {JSON}"
            )
        body = await self._bodies.read(http, reservation)
        encoding = http.headers.get("content-encoding", "identity").strip().lower()
        payload = await self._payloads.of(signal, body, encoding, content_type, reservation)
        del body
        reservation.grow(len(payload) - reservation.size_bytes)
        return Request(
            signal=signal,
            payload=payload,
            project=auth.project(http.headers),
            vendor_project=self._senders.vendor_project(http.headers),
            received_unix_nano=self._clock(),
        )


def _media_type(http: HttpRequest) -> str:
    return http.headers.get("content-type", "").partition(";")[0].strip().lower()


class _Payloads:
    """Makes payloads of bodies, in threads of its own where that takes time.

    Bodies wait for a thread at the price of the bytes in flight that they hold.
    """

    def __init__(self, request_bytes_max: int) -> None:
        self._request_bytes_max = request_bytes_max
        self._decompressing = ThreadPoolExecutor(DECOMPRESSING_THREADS, "decompress")
        self._reading_json = ThreadPoolExecutor(1, "json")
        self._reading_large_json = ThreadPoolExecutor(1, "large-json")

    async def of(
        self,
        signal: Signal,
        body: bytes,
        encoding: str,
        content_type: str,
        reservation: Reservation,
    ) -> bytes:
        """Return the payload in protobuf's encoding, which the reservation holds.

        Raises:
            InvalidPayload, Overloaded: see `decompress` and `otlp_json.to_wire`.
        """
        if encoding not in PLAIN:
            body = await self._decompressed(body, encoding, reservation)
        elif len(body) > self._request_bytes_max:
            raise TooLarge(f"a body of {len(body)} bytes, {self._request_bytes_max} allowed")
        if content_type != JSON:
            return body
        return await self._from_json(signal, body or b"{}", reservation)

    async def _decompressed(self, body: bytes, encoding: str, reservation: Reservation) -> bytes:
        arrived_bytes = reservation.size_bytes
        plain = await asyncio.get_running_loop().run_in_executor(
            self._decompressing,
            functools.partial(
                decompress, body, encoding, self._request_bytes_max, reserve=reservation.grow
            ),
        )
        reservation.shrink_to(max(arrived_bytes, len(plain)))
        return plain

    async def _from_json(self, signal: Signal, body: bytes, reservation: Reservation) -> bytes:
        if len(body) < THREAD_BYTES_MIN:
            return otlp_json.to_wire(signal, body)
        loop = asyncio.get_running_loop()
        size_bytes = await loop.run_in_executor(self._decompressing, otlp_json.tree_bytes, body)
        held_bytes = reservation.size_bytes
        reservation.grow(size_bytes)
        pool = self._reading_json if size_bytes < LARGE_JSON_BYTES_MIN else self._reading_large_json
        payload = await loop.run_in_executor(pool, otlp_json.to_wire, signal, body)
        reservation.shrink_to(max(held_bytes, len(payload)))
        return payload


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
