"""Bodies that do not arrive: what they hold, and who gives way."""

import asyncio
import contextlib

import pytest

from otel_threads.core.errors import Overloaded, TooLarge
from otel_threads.ingest.inflight import InflightBytes
from otel_threads.receive import http_body
from otel_threads.receive.http_body import ArrivingBodies, Reservation, SlowBody

REQUEST_BYTES_MAX = 1000


class Sender:
    """A request whose chunks come when the test says so."""

    def __init__(self, announced: int | None = None):
        self.headers = {} if announced is None else {"content-length": str(announced)}
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def send(self, chunk: bytes | None) -> None:
        self._chunks.put_nowait(chunk)
        for _ in range(5):  # turns of the loop until it is taken
            await asyncio.sleep(0)

    async def stream(self):
        while (chunk := await self._chunks.get()) is not None:
            yield chunk


class Port:
    """The bodies of a port over an intake that counts."""

    def __init__(self, unfinished_bytes_max: int = 1000, inflight_bytes_max: int = 2000):
        self.inflight = InflightBytes(inflight_bytes_max)
        self.bodies = ArrivingBodies(
            request_bytes_max=REQUEST_BYTES_MAX, unfinished_bytes_max=unfinished_bytes_max
        )

    async def _read(self, sender: Sender) -> bytes:
        reservation = Reservation(self.inflight)
        try:
            return await self.bodies.read(sender, reservation)
        finally:
            reservation.shrink_to(0)

    async def begin(self, sender: Sender, *chunks: bytes) -> "asyncio.Task[bytes]":
        task = asyncio.ensure_future(self._read(sender))
        await asyncio.sleep(0)
        for chunk in chunks:
            await sender.send(chunk)
        return task


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def test_a_length_that_is_announced_holds_nothing():
    async def story():
        port = Port()
        task = await port.begin(Sender(announced=1000), b"x" * 20)
        assert port.inflight.payload_bytes == port.bodies.size_bytes == 20
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert port.inflight.payload_bytes == port.bodies.size_bytes == 0

    run(story())


def test_a_length_that_has_no_room_is_refused_before_its_bytes():
    async def story():
        port = Port(inflight_bytes_max=500)
        port.inflight.reserve(400)
        with pytest.raises(Overloaded, match="400 bytes are in flight, 500 allowed"):
            await (await port.begin(Sender(announced=200)))
        with pytest.raises(TooLarge, match="a body of 1001 bytes, 1000 allowed"):
            await (await port.begin(Sender(announced=1001)))

    run(story())


def test_a_body_without_a_length_has_the_same_limit():
    async def story():
        with pytest.raises(TooLarge, match="over 1000 bytes"):
            await (await Port().begin(Sender(), b"x" * 600, b"x" * 600))

    run(story())


def test_the_oldest_large_body_gives_way_and_small_ones_do_not():
    async def story():
        port = Port()
        small, stalled, younger = Sender(), Sender(), Sender()
        tasks = [
            await port.begin(small, b"s" * 10),
            await port.begin(stalled, b"x" * 600),
            await port.begin(younger, b"y" * 380),
        ]
        good = Sender()
        reading = await port.begin(good, b"g" * 300, b"g" * 200, None)
        assert await reading == b"g" * 500
        with pytest.raises(Overloaded, match="bodies that are not whole may hold 1000 bytes"):
            await tasks[1]
        await small.send(None)
        await younger.send(None)
        assert [len(await tasks[0]), len(await tasks[2])] == [10, 380]
        assert port.inflight.payload_bytes == port.bodies.size_bytes == 0

    run(story())


def test_the_one_that_asks_gives_way_where_it_is_the_largest():
    async def story():
        port = Port()
        asking, other = Sender(), Sender()
        tasks = [await port.begin(asking, b"x" * 700), await port.begin(other, b"y" * 200)]
        await asking.send(b"x" * 200)
        with pytest.raises(Overloaded, match="others needed its room"):
            await tasks[0]
        await other.send(None)
        assert await tasks[1] == b"y" * 200

    run(story())


def test_one_body_alone_may_be_larger_than_the_share():
    async def story():
        task = await Port(unfinished_bytes_max=10).begin(Sender(), b"x" * 600, None)
        assert await task == b"x" * 600

    run(story())


@pytest.mark.parametrize(
    ("setting", "said"),
    [("IDLE_TIMEOUT_S", "nothing of the body arrived for"), ("BODY_TIMEOUT_S", "did not arrive")],
)
def test_a_body_that_stands_still_or_takes_too_long_is_cut_off(monkeypatch, setting, said):
    monkeypatch.setattr(http_body, setting, 0.01)

    async def story():
        port = Port()
        with pytest.raises(SlowBody, match=said):
            await (await port.begin(Sender(announced=100), b"x"))
        assert port.inflight.payload_bytes == port.bodies.size_bytes == 0

    run(story())
