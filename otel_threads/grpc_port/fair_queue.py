"""Calls that have come and have not begun, a queue for each connection, begun in turn.

gRPC hands calls over in the order in which they came: a connection that begins 500,000 calls a
second, and resets each, would have all others wait for it.
"""

import asyncio
from collections import OrderedDict, deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Takes items of many senders; gives one of each in turn. Lives in one event loop."""

    def __init__(self, *, items_max: int, items_each_max: int) -> None:
        """Hold so many items, and so many of each sender."""
        self._items_max = items_max
        self._items_each_max = items_each_max
        self._queues: OrderedDict[str, deque[Item]] = OrderedDict()  # none is empty
        self._count = 0
        self.dropped_count = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    def put(self, sender: str, item: Item) -> None:
        """Keep an item, unless its sender has all it may have.

        A sender that has none always may: where the room is full, who has most loses half of it.
        """
        queue = self._queues.get(sender)
        if queue is None:
            if self._count >= self._items_max:
                self._drop_half()
            queue = self._queues[sender] = deque()
        elif len(queue) >= self._items_each_max or self._count >= self._items_max:
            self.dropped_count += 1
            return
        queue.append(item)
        self._count += 1
        self._wake()

    def _drop_half(self) -> None:
        longest = max(self._queues.values(), key=len)
        count = len(longest) // 2
        for _ in range(count):
            longest.popleft()
        self._count -= count
        self.dropped_count += count

    def close(self, error: Exception) -> None:
        """Drop all items; whoever waits for one gets the error."""
        self._error = error
        self._queues.clear()
        self._count = 0
        self._wake()

    async def next(self) -> Item:
        """Return the next item, of the sender whose turn it is. One may wait at a time.

        Raises:
            Exception: what the queue was closed with.
        """
        while not self._queues:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        sender, queue = self._queues.popitem(last=False)
        item = queue.popleft()
        self._count -= 1
        if queue:
            self._queues[sender] = queue
        return item

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
