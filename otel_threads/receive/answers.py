"""Answers from the intake's threads to the event loop, many at one waking.

`asyncio.wrap_future` wakes the loop once for each. A commit answers sixty small requests, and at
each waking its thread and the loop's hand the interpreter to and fro.
"""

import asyncio
import threading
from concurrent.futures import Future

from otel_threads.model import Outcome


class Answers:
    """Waits for the intake's futures, all in one event loop."""

    def __init__(self) -> None:
        """Begin with none that waits."""
        self._came: list[tuple[asyncio.Future[Outcome], Future[Outcome]]] = []
        self._lock = threading.Lock()  # guards it

    async def of(self, future: "Future[Outcome]") -> Outcome:
        """Return the result of a future of the intake, or raise what it raises."""
        if not future.done():
            waiter: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda done: self._has_come(waiter, done))
            return await waiter
        return future.result()

    def _has_come(self, waiter: "asyncio.Future[Outcome]", future: "Future[Outcome]") -> None:
        with self._lock:
            is_first = not self._came
            self._came.append((waiter, future))
        if is_first and not waiter.get_loop().is_closed():
            waiter.get_loop().call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        with self._lock:
            came, self._came = self._came, []
        for waiter, future in came:
            if waiter.done():  # its sender has gone away
                continue
            if error := future.exception():
                waiter.set_exception(error)
            else:
                waiter.set_result(future.result())
