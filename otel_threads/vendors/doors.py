"""Other products' calls on the REST port: which path is whose, keys, bodies, errors.

An SDK has one base URL for all that it does, OTLP too. Paths are matched as they were sent, before
percent-decoding, because ids of conversations may hold a slash.
"""

import asyncio
import functools
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_threads.api import problems
from otel_threads.api.rest.app import SECURITY_HEADERS
from otel_threads.core.errors import InvalidPayload, OtelThreadsError, TooLarge, Unavailable
from otel_threads.core.errors import describe as described
from otel_threads.core.ports import Clock, Intake
from otel_threads.json_bounds import JsonNotUtf8, JsonTooLarge, check_json
from otel_threads.metrics import SDK_REQUESTS
from otel_threads.receive import status
from otel_threads.receive.compression import decompress
from otel_threads.receive.http_body import ArrivingBodies, Reservation, SlowBody
from otel_threads.receive.loop_bridge import Answers
from otel_threads.receive.otlp_http import PROTOBUF
from otel_threads.vendors.call import Answered, Call, Right, Route, Written
from otel_threads.vendors.keys import Keys

logger = logging.getLogger(__name__)

OWN_PATH = "/api/v1/traces"
OTLP_ENDS = ("/v1/traces", "/v1/logs", "/v1/metrics")
OTLP_ROOT = "/v1/"  # below it REST has nothing: what comes here is meant for the OTLP port
OTLP_PATHS = ("/", "/otel", "/api/v1/otel")  # as the OTLP port takes them
JSON_DEPTH_MAX = 500  # an item nests as deep as its program's objects
# For bodies of INGEST: what they wait for is the writer, and reads must not wait with them.
INGEST_THREADS = 2
PLAIN = ("", "identity")


@dataclass(frozen=True, slots=True)
class Vendor:
    """One product: below which prefixes its paths are, which they are, and who answers.

    A path is its where what follows one of `prefixes` is, or is below, one of `owns`. Of `routes`
    the first that fits is taken. `refusal` makes an error of its shape: of a status and a text.
    """

    name: str
    prefixes: tuple[str, ...]
    owns: tuple[str, ...]
    routes: Sequence[Route]
    refusal: Callable[[int, str], Response]


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """How much one request may hold, and all that are not whole together."""

    request_bytes_max: int
    unfinished_bytes_max: int
    values_max: int


class Doors:
    """An ASGI application before the REST API, which has the calls of other products."""

    def __init__(
        self,
        app: ASGIApp,
        vendors: Sequence[Vendor],
        *,
        otlp: ASGIApp,
        intake: Intake,
        limits: DoorLimits,
        keys: Keys,
        clock: Clock,
    ) -> None:
        """Put calls before an application; `otlp` takes OTLP wherever its own port does."""
        self._app = app
        self._otlp = otlp
        self._doors = [_Door(vendor) for vendor in vendors]
        self._intake = intake
        self._limits = limits
        self._keys = keys
        self._clock = clock
        self._answers = Answers()
        self._bodies = ArrivingBodies(
            request_bytes_max=limits.request_bytes_max,
            unfinished_bytes_max=limits.unfinished_bytes_max,
        )
        self._ingesting = ThreadPoolExecutor(INGEST_THREADS, "sdk-records")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call of a vendor, pass OTLP to its receiver, and all else on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = _raw_path(scope)
        if _is_otlp(scope, path):
            await self._otlp(scope, receive, send)
            return
        for door in self._doors:
            found = door.find(path)
            if found is not None:
                response = await self._answer(door, scope, receive, found)
                await response(scope, receive, _guarded(send))
                return
        astray = scope["method"] == "POST" and path.startswith(OTLP_ROOT)
        await (self._otlp if astray else self._app)(scope, receive, send)

    async def _answer(
        self, door: "_Door", scope: Scope, receive: Receive, found: "_Found"
    ) -> Response:
        response = await self._response(door, scope, receive, found)
        SDK_REQUESTS.labels(door.vendor.name, str(response.status_code)).inc()
        return response

    async def _response(
        self, door: "_Door", scope: Scope, receive: Receive, found: "_Found"
    ) -> Response:
        vendor = door.vendor
        matched = door.route(scope["method"], found.rest)
        if isinstance(matched, int):
            return vendor.refusal(matched, _UNKNOWN[matched])
        route, params = matched
        http = Request(scope, receive)
        if refused := self._keys.refusal(http.headers, route.right):
            return vendor.refusal(401, refused)
        reservation = Reservation(self._intake)
        try:
            body = await self._body(http, reservation, is_json=route.is_json)
            call = Call(
                method=scope["method"],
                path=_raw_path(scope),
                base_url=f"{scope['scheme']}://{http.headers.get('host', '')}{found.prefix}",
                params=params,
                query=QueryParams(scope["query_string"]),
                headers=http.headers,
                body=body,
                received_unix_nano=self._clock(),
            )
            return await self._handled(route, call)
        except Answered as answered:
            return answered.response
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer
            return _failure(vendor, error)
        finally:
            reservation.shrink_to(0)

    async def _handled(self, route: Route, call: Call) -> Response:
        if route.right is Right.INGEST:
            loop = asyncio.get_running_loop()
            done = await loop.run_in_executor(self._ingesting, route.handler, call)
        else:
            done = await run_in_threadpool(route.handler, call)
        if isinstance(done, Written):
            await self._answers.of(done.future)
            return done.response
        return done

    async def _body(self, http: Request, reservation: Reservation, *, is_json: bool) -> bytes:
        """Return the body, decompressed and within the limits, which the reservation holds."""
        if http.method in ("GET", "HEAD", "OPTIONS"):
            return b""
        body = await self._bodies.read(http, reservation)
        # A body in parts is taken apart first; only then is there JSON to look at.
        is_json = is_json and not http.headers.get("content-type", "").startswith("multipart/")
        encoding = http.headers.get("content-encoding", "identity").strip().lower()
        if encoding in PLAIN and len(body) < _SMALL_BYTES:
            self._check(body, is_json=is_json)
            return body
        loop = asyncio.get_running_loop()
        make = functools.partial(self._decompressed, body, encoding, reservation, is_json)
        plain = await loop.run_in_executor(self._ingesting, make)
        reservation.shrink_to(max(len(body), len(plain)))
        return plain

    def _decompressed(
        self, body: bytes, encoding: str, reservation: Reservation, is_json: bool
    ) -> bytes:
        plain = body
        if encoding not in PLAIN:
            limit = self._limits.request_bytes_max
            plain = decompress(body, encoding, limit, reserve=reservation.grow)
        self._check(plain, is_json=is_json)
        return plain

    def _check(self, body: bytes, *, is_json: bool) -> None:
        """Return when a body is cheap to parse.

        Raises:
            TooLarge, InvalidPayload: it is not.
        """
        if not is_json:
            return
        try:
            check_json(body, values_max=self._limits.values_max, depth_max=JSON_DEPTH_MAX)
        except JsonTooLarge as error:
            raise TooLarge(str(error)) from None
        except JsonNotUtf8 as error:
            raise InvalidPayload(str(error)) from None


_SMALL_BYTES = 32 * 1024  # what is checked without a thread
_UNKNOWN = {404: "there is no such call here", 405: "this call has another method"}


@dataclass(frozen=True, slots=True)
class _Found:
    prefix: str
    rest: str


class _Door:
    """One vendor with its routes as patterns."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self._prefixes = sorted(vendor.prefixes, key=len, reverse=True)
        self._routes = [(_pattern(route.path), route) for route in vendor.routes]

    def find(self, path: str) -> _Found | None:
        """Return where a path of this vendor is split, None for one that is not its."""
        for prefix in self._prefixes:
            rest = path.removeprefix(prefix)
            if len(rest) + len(prefix) == len(path) and any(
                rest == own or rest.startswith(f"{own}/") for own in self.vendor.owns
            ):
                return _Found(prefix, rest)
        return None

    def route(self, method: str, path: str) -> tuple[Route, dict[str, str]] | int:
        """Return the route of a call and its parameters, else the status that refuses it."""
        status_code = 404
        for pattern, route in self._routes:
            match = pattern.fullmatch(path.rstrip("/"))
            if match is None:
                continue
            if route.method == method:
                return route, {name: unquote(raw) for name, raw in match.groupdict().items()}
            status_code = 405
        return status_code


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path.rstrip("/"))
    return re.compile(
        "".join(f"(?P<{part}>[^/]+)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    )


def _raw_path(scope: Scope) -> str:
    raw = scope.get("raw_path")
    return raw.decode("latin-1") if raw else str(scope["path"])


def _is_otlp(scope: Scope, path: str) -> bool:
    """Return whether a request is OTLP, perhaps to a path that the OTLP port refuses and counts."""
    if scope["method"] != "POST":
        return False
    content_type = Headers(scope=scope).get("content-type", "")
    if content_type.startswith(PROTOBUF):  # which no other call takes
        return True
    if path == OWN_PATH:  # a list of REST, too: a body says that it is OTLP
        return bool(content_type)
    return path.rstrip("/").endswith(OTLP_ENDS) or path in OTLP_PATHS


def _failure(vendor: Vendor, error: Exception) -> Response:
    """Return the response to a call that failed, in its vendor's shape."""
    if isinstance(error, MemoryError):
        error = TooLarge("no memory to read the request: send smaller batches")
    code = _status(error)
    if code == 500:
        logger.error("a call of %s failed: %s", vendor.name, described(error))
    known = isinstance(error, OtelThreadsError)
    response = vendor.refusal(code, str(error) if known else f"failed: {type(error).__name__}")
    if isinstance(error, Unavailable):
        response.headers["retry-after"] = str(status.retry_after_s(error))
    return response


def _status(error: Exception) -> int:
    if isinstance(error, SlowBody):
        return 408
    if isinstance(error, InvalidPayload | Unavailable):
        return status.answer(error)[1]
    return next((code for kind, code in problems.ANSWERS if isinstance(error, kind)), 500)


def _guarded(send: Send) -> Send:
    """Return a `send` that adds the headers that keep content from running."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded
