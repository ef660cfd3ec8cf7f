"""Request bodies of the REST port: read whole, bounded, scanned and mended before they are parsed.

FastAPI parses a body in the event loop, where everybody waits for it. So what parsing costs is
bounded here: bytes of one body, bytes of all bodies together, seconds to send one, JSON values.
"""

import asyncio
import gc

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_threads.api import problems
from otel_threads.api.mcp import endpoint
from otel_threads.json_bounds import VALUES_MAX, JsonNotUtf8, JsonTooLarge, check_json
from otel_threads.json_repair import whole_letters

BODY_BYTES_MAX = 16 << 20  # a thousand scores with long reasons
BODIES_BYTES_MAX = 64 << 20  # of all bodies that have arrived and are not answered
BODY_BYTES_FREE = (
    64 << 10
)  # of each body, not counted: who sends little is never refused for others
# A data set comes whole: ten thousand conversations of a few messages.
MORE_VALUES_MAX = {"/api/v1/evaluation-datasets": 200_000}
FEWER_BYTES_MAX = {endpoint.PATH: endpoint.BODY_BYTES_MAX}
BODY_READ_S = 30.0  # for all of a body: 16 MiB by then are 4.5 Mbit/s


class BodyLimits:
    """Middleware: an application behind it finds each body complete, or is not asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        reading = _Reading(self, FEWER_BYTES_MAX.get(scope["path"], BODY_BYTES_MAX))
        try:
            try:
                async with asyncio.timeout(BODY_READ_S):
                    body = await reading.body(receive)
                check_json(body, values_max=MORE_VALUES_MAX.get(scope["path"], VALUES_MAX))
            except TimeoutError:
                await _refuse(408, f"the body did not arrive within {BODY_READ_S:g} s", scope, send)
            except JsonTooLarge as error:
                await _refuse(413, str(error), scope, send)
            except JsonNotUtf8 as error:
                await _refuse(400, str(error), scope, send)
            except _TooLong as error:
                await _refuse(error.status, str(error), scope, send)
            except _Gone:
                return
            else:
                if b"\\ud" in body or b"\\uD" in body:
                    body = await run_in_threadpool(_with_whole_letters, body)
                await self._app(scope, _replay(body, receive), send)
        finally:
            reading.close()

    def hold(self, more_bytes: int) -> bool:
        """Count bytes of a body, unless all bodies together would be too many."""
        if self._held_bytes + more_bytes > BODIES_BYTES_MAX:
            return False
        self._held_bytes += more_bytes
        return True

    def release(self, held_bytes: int) -> None:
        """Count bytes no more."""
        self._held_bytes -= held_bytes


class _TooLong(Exception):
    """A body is refused with a status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Gone(Exception):
    """The caller hung up within the body."""


class _Reading:
    """One body while it arrives and until it is answered."""

    def __init__(self, limits: BodyLimits, bytes_max: int) -> None:
        self._limits = limits
        self._bytes_max = bytes_max
        self._held_bytes = self._taken_bytes = 0

    async def body(self, receive: Receive) -> bytes:
        """Return the body.

        Raises:
            _TooLong: it, or all that are read together, are. _Gone: it does not end.
        """
        chunks = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            chunk = message.get("body", b"")
            self._count(len(chunk))
            chunks.append(chunk)
            more = message.get("more_body", False)
        return b"".join(chunks)

    def _count(self, chunk_bytes: int) -> None:
        self._taken_bytes += chunk_bytes
        if self._taken_bytes > self._bytes_max:
            raise _TooLong(413, f"a body of more than {self._bytes_max} bytes, the most taken here")
        wanted = max(0, self._taken_bytes - BODY_BYTES_FREE) - self._held_bytes
        if not self._limits.hold(wanted):
            raise _TooLong(
                503, f"bodies of {BODIES_BYTES_MAX} bytes are being read; try again in a second"
            )
        self._held_bytes += wanted

    def close(self) -> None:
        """Give back what was counted."""
        self._limits.release(self._held_bytes)
        if self._held_bytes:
            # A refusal's traceback holds its body in a cycle, which a tuned process looks for
            # rarely: 283 refused bodies of a MB were still there after half a minute.
            gc.collect(0)


def _with_whole_letters(body: bytes) -> bytes:
    """Return a body without half an emoji, as what is received is kept: no store takes one."""
    try:
        return whole_letters(body.decode()).encode()
    except UnicodeDecodeError:
        return body  # its parser says so


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once, and then what the server says."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


async def _refuse(status: int, text: str, scope: Scope, send: Send) -> None:
    """Answer, and have the connection closed: the rest of the body is not read."""
    response = problems.problem(status, text, headers={"connection": "close"})
    await response(scope, _nothing, send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
