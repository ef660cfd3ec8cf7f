"""Connections take turns, whatever one of them begins."""

import asyncio

import pytest

from otel_threads.grpc_port.fair_queue import FairQueue


async def taken(queue: FairQueue[str], count: int) -> list[str]:
    return [await queue.next() for _ in range(count)]


def test_senders_take_turns_and_each_keeps_its_order():
    async def work() -> list[str]:
        queue: FairQueue[str] = FairQueue(items_max=100, items_each_max=50)
        for n in range(4):
            queue.put("flood", f"f{n}")
        queue.put("other", "o0")
        queue.put("third", "t0")
        return await taken(queue, 6)

    assert asyncio.run(work()) == ["f0", "o0", "t0", "f1", "f2", "f3"]


def test_a_sender_has_so_many_and_no_more():
    async def work() -> None:
        queue: FairQueue[str] = FairQueue(items_max=100, items_each_max=3)
        for n in range(5):
            queue.put("flood", f"f{n}")
        queue.put("other", "o0")
        assert queue.dropped_count == 2
        assert await taken(queue, 4) == ["f0", "o0", "f1", "f2"]

    asyncio.run(work())


def test_a_full_queue_takes_one_of_a_new_sender_and_drops_of_who_has_most():
    async def work() -> None:
        queue: FairQueue[str] = FairQueue(items_max=6, items_each_max=4)
        for sender, count in (("a", 4), ("b", 2)):
            for n in range(count):
                queue.put(sender, f"{sender}{n}")
        queue.put("b", "b2")  # no room
        queue.put("c", "c0")
        assert await taken(queue, 5) == ["a2", "b0", "c0", "a3", "b1"]
        assert queue.dropped_count == 3

    asyncio.run(work())


def test_who_waits_gets_the_item_that_comes_or_the_error():
    async def work() -> None:
        queue: FairQueue[str] = FairQueue(items_max=6, items_each_max=4)
        waiting = asyncio.ensure_future(queue.next())
        await asyncio.sleep(0)
        queue.put("a", "a0")
        assert await waiting == "a0"
        waiting = asyncio.ensure_future(queue.next())
        await asyncio.sleep(0)
        queue.put("a", "a1")
        queue.close(ValueError("the server stops"))
        for one in (waiting, queue.next()):
            with pytest.raises(ValueError, match="the server stops"):
                await one

    asyncio.run(work())
