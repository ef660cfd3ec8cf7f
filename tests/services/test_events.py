"""Slow clients are dropped with a reason, and never slow the deriver."""

import asyncio

import pytest

from otel_threads.core.errors import Overloaded
from otel_threads.services import events
from otel_threads.services.events import Change, Dropped, Hub


def test_a_slow_client_is_dropped_and_others_are_served():
    async def run() -> None:
        hub = Hub()
        slow, quick = (hub.changes(None, heartbeat_s=5) for _ in range(2))
        starting = [asyncio.ensure_future(anext(one)) for one in (slow, quick)]
        await asyncio.sleep(0)
        hub.publish([("p", "first")])
        assert await asyncio.gather(*starting) == [[Change("p", "first")]] * 2
        hub.publish(("p", str(n)) for n in range(events.PENDING_MAX))
        got = []
        while len(got) < events.PENDING_MAX:
            got += await anext(quick)
        hub.publish(("p", f"more-{n}") for n in range(events.PENDING_MAX))
        with pytest.raises(Dropped, match="10000 changes"):
            await anext(slow)
        assert (await anext(quick))[0] == Change("p", "more-0")

    asyncio.run(run())


@pytest.mark.long
def test_changes_of_one_thread_are_one_change():
    async def run() -> None:
        hub = Hub()
        stream = hub.changes("p", heartbeat_s=5)
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        for _ in range(50_000):
            hub.publish([("p", "t"), ("other", "t")])
        assert await first == [Change("p", "t")]

    asyncio.run(run())


def test_clients_are_bounded():
    async def run() -> None:
        hub = Hub()
        streams = [hub.changes(None, heartbeat_s=60) for _ in range(events.CLIENTS_MAX)]
        waiting = [asyncio.ensure_future(anext(one)) for one in streams]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            hub.check_room()
        with pytest.raises(Overloaded):
            await anext(hub.changes(None, heartbeat_s=1))
        hub.close()
        await asyncio.gather(*waiting, return_exceptions=True)
        hub.check_room()

    asyncio.run(run())
