"""Bodies of HTTP requests while they arrive, and who gives way when they hold too much together.

A body counts against the bytes in flight as it arrives: a length that is announced costs its sender
nothing. What is whole is not starved by what is not: unfinished bodies have a share of their own.
"""

import asyncio
import dataclasses

from starlette.requests import Request as HttpRequest

from otel_threads.core.errors import InvalidPayload, Overloaded, TooLarge
from otel_threads.core.ports import Intake

BODY_TIMEOUT_S = 60.0  # a sender that trickles its body is cut off
IDLE_TIMEOUT_S = 10.0  # one that stops sending


class SlowBody(InvalidPayload):
    """The body did not arrive in time."""


class Reservation:
    """The bytes that one request holds in flight. `grow` may be called from any thread."""

    def __init__(self, intake: Intake) -> None:
        """Hold none."""
        self._intake = intake
        self.size_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Hold so many more.

        Raises:
            Overloaded, StoreClosed: there is no room; what is held stays held.
        """
        if size_bytes > 0:
            self._intake.reserve(size_bytes, held_bytes=self.size_bytes)
            self.size_bytes += size_bytes

    def shrink_to(self, size_bytes: int) -> None:
        """Hold so many at most."""
        if size_bytes < self.size_bytes:
            self._intake.release(self.size_bytes - size_bytes)
            self.size_bytes = size_bytes


@dataclasses.dataclass(slots=True, eq=False)
class _Arriving:
    """One body that is not whole."""

    deadline: asyncio.Timeout
    size_bytes: int = 0
    gave_way: bool = False


class ArrivingBodies:
    """All bodies of a port that are not whole. For one event loop."""

    def __init__(self, *, request_bytes_max: int, unfinished_bytes_max: int) -> None:
        """Begin with none; together they may hold `unfinished_bytes_max`, or one body."""
        self._request_bytes_max = request_bytes_max
        self._unfinished_bytes_max = unfinished_bytes_max
        self._arriving: list[_Arriving] = []  # the oldest first
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """What they hold together."""
        return self._size_bytes

    async def read(self, http: HttpRequest, reservation: Reservation) -> bytes:
        """Return the body, which the reservation holds.

        Raises:
            TooLarge: it is larger than a request may be, or says that it will be.
            Overloaded: there is no room for it, or others needed the room it took.
            SlowBody: it did not arrive in time.
        """
        announced = http.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._request_bytes_max:
            raise TooLarge(
                f"a body of {announced} bytes, {self._request_bytes_max} allowed "
                "(request_bytes_max)"
            )
        if announced.isdecimal():
            # What has no room now is not read in vain. Only what arrives is held.
            reservation.grow(int(announced))
            reservation.shrink_to(0)
        loop = asyncio.get_running_loop()
        latest_s = loop.time() + BODY_TIMEOUT_S
        chunks = []
        body: _Arriving | None = None
        try:
            async with asyncio.timeout(IDLE_TIMEOUT_S) as deadline:
                body = _Arriving(deadline)
                self._arriving.append(body)
                async for chunk in http.stream():
                    self._add(body, len(chunk), reservation)
                    deadline.reschedule(min(latest_s, loop.time() + IDLE_TIMEOUT_S))
                    chunks.append(chunk)
        except TimeoutError:
            raise self._too_slow(body, loop.time() >= latest_s) from None
        finally:
            if body is not None:
                self._arriving.remove(body)
                self._size_bytes -= body.size_bytes
        return b"".join(chunks)

    def _add(self, body: _Arriving, size_bytes: int, reservation: Reservation) -> None:
        if body.gave_way:
            raise self._too_slow(body, is_latest=False)
        if body.size_bytes + size_bytes > self._request_bytes_max:
            raise TooLarge(
                f"a body of over {self._request_bytes_max} bytes, the most allowed "
                "(request_bytes_max)"
            )
        while (
            self._size_bytes + size_bytes > self._unfinished_bytes_max
            and self._size_bytes > body.size_bytes
        ):
            self._make_room(body)
        reservation.grow(size_bytes)
        body.size_bytes += size_bytes
        self._size_bytes += size_bytes

    def _make_room(self, body: _Arriving) -> None:
        """Cut off the oldest of the bodies that hold more than an equal share.

        Raises:
            Overloaded: that is the one which asks.
        """
        share_bytes = self._size_bytes / len(self._arriving)
        oldest = next(other for other in self._arriving if other.size_bytes >= share_bytes)
        if oldest is body:
            raise self._gives_way()
        oldest.gave_way = True
        if not oldest.deadline.expired():
            oldest.deadline.reschedule(asyncio.get_running_loop().time())
        self._arriving.remove(oldest)
        self._arriving.append(oldest)  # its turn to leave comes; until then it holds nothing
        self._size_bytes -= oldest.size_bytes
        oldest.size_bytes = 0

    def _too_slow(self, body: _Arriving | None, is_latest: bool) -> Exception:
        if body is not None and body.gave_way:
            return self._gives_way()
        if is_latest:
            return SlowBody(f"the body did not arrive within {BODY_TIMEOUT_S:g} s")
        return SlowBody(f"nothing of the body arrived for {IDLE_TIMEOUT_S:g} s")

    def _gives_way(self) -> Overloaded:
        return Overloaded(
            f"the body was slow to arrive and others needed its room: bodies that are not whole "
            f"may hold {self._unfinished_bytes_max} bytes together"
        )
