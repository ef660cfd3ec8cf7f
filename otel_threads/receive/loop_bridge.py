"""Answers from the intake's threads to the event loop, many at one waking.

`asyncio.wrap_future` wakes the loop once for each. A commit answers sixty small requests, and at
each waking its thread and the loop's hand the interpreter to and fro.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future

from otel_threads.core.model import Outcome

Told = Callable[["Future[Outcome]"], None]


class Answers:
    """Waits for the intake's futures, all in one event loop."""

    def __init__(self) -> None:
        """Begin with none that waits."""
        self._came: list[tuple[Told, Future[Outcome]]] = []
        self._lock = threading.Lock()  # guards it

    def tell(self, future: "Future[Outcome]", told: Told) -> None:
        """Call `told` in the running event loop with a future of the intake that is done."""
        if future.done():
            told(future)
            return
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda done: self._has_come(loop, told, done))

    async def of(self, future: "Future[Outcome]") -> Outcome:
        """Return the result of a future of the intake, or raise what it raises."""
        if not future.done():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.tell(future, lambda _: None if waiter.done() else waiter.set_result(None))
            await waiter  # done before if its sender has gone away
        return future.result()

    def _has_come(
        self, loop: asyncio.AbstractEventLoop, told: Told, future: "Future[Outcome]"
    ) -> None:
        with self._lock:
            is_first = not self._came
            self._came.append((told, future))
        if is_first and not loop.is_closed():
            loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        with self._lock:
            came, self._came = self._came, []
        for told, future in came:
            told(future)
