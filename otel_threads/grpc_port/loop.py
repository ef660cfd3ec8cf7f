"""The event loop of the gRPC ports, in a thread of its own.

A client that keeps gRPC busy makes this loop late, and not the one that answers health and REST.
"""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# The task that has started the present one. gRPC keeps each call by two tasks, of which only the
# inner one runs our code: to let go of a call, both must end (`calls.py`).
parent: contextvars.ContextVar["asyncio.Task[Any] | None"] = contextvars.ContextVar(
    "parent", default=None
)


class LoopThread:
    """A thread that runs an event loop until `close`."""

    def __init__(self, name: str) -> None:
        """Start the thread; return once its loop runs."""
        self._loop = _new_loop()
        self._loop.set_task_factory(_start)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work in the loop of the thread and return what it returns, to another loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self) -> None:
        """Cancel what still runs in the loop, and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left, timeout=1))
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def _start(
    loop: asyncio.AbstractEventLoop,
    work: Any,  # a coroutine
    *,
    context: contextvars.Context | None = None,
) -> "asyncio.Task[Any]":
    context = context or contextvars.copy_context()
    context.run(parent.set, asyncio.current_task(loop))
    return asyncio.Task(work, loop=loop, context=context)
