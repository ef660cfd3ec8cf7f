"""The calls of one port: how many there are, how long messages take, who takes no response.

gRPC's server holds what has come of a message until it is whole, up to `request_bytes_max` each,
and tells nobody how much that is. So the memory of the process is watched while messages are slow
to arrive: once it has grown by `receiving_bytes_max`, all such calls but the oldest end. Messages
that arrive at once, as exporters send them, are never touched by it.
"""

import asyncio
import collections
import itertools
import logging
import time
from collections.abc import Callable

import grpc

from otel_threads.grpc_port import limits as bounds
from otel_threads.grpc_port.limits import Limits
from otel_threads.grpc_port.loop import parent
from otel_threads.grpc_port.refusal import Context, refuse

logger = logging.getLogger(__name__)

SLOW_S = 0.05  # a message that takes longer is watched
RETRY_AFTER_S = 1.0
WARN_EVERY_S = 60.0
NO_ROOM = "{size} bytes of unfinished messages are held, receiving_bytes_max: send it again later"
TOO_MANY = f"{bounds.CALLS_MAX} calls are under way at this port, the most: send it again later"
TOO_SLOW = f"the message did not arrive within {bounds.MESSAGE_S:g} s: send less at a time"


class Call:
    """One call, from its headers to the end of its answer."""

    __slots__ = ("context", "ended_by", "since", "task", "task_around")

    def __init__(self, context: Context) -> None:
        """Belong to the task that runs."""
        self.context = context
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call belongs to a task")
        self.task = task
        self.task_around = parent.get()
        self.since = 0.0  # when it began to wait for its message, or its client for an answer
        self.ended_by: tuple[grpc.StatusCode, str, float | None] | None = None


class Calls:
    """Counts and ends calls. Lives in one event loop."""

    def __init__(
        self,
        limits: Limits,
        *,
        port: str,
        memory_bytes: Callable[[], int | None],
    ) -> None:
        """Begin with none; `port` names them in the log."""
        self._limits = limits
        self._port = port
        self._memory_bytes = memory_bytes
        self.count = 0  # that are under way
        # Both in the order in which they began to wait.
        self._arriving: dict[Call, None] = {}
        self._untaken: dict[Call, None] = {}
        self._usual_bytes = memory_bytes() or 0  # while no message was slow
        self._sweeping: asyncio.TimerHandle | None = None
        self._ended: collections.Counter[str] = collections.Counter()
        self._warned_s = -WARN_EVERY_S

    async def begin(self, context: Context) -> Call:
        """Count a call until its end.

        Raises:
            grpc.aio.AbortError: there are too many; the client is told to send it again.
        """
        if self.count >= bounds.CALLS_MAX:
            self._note("too many calls")
            await refuse(
                context, grpc.StatusCode.UNAVAILABLE, TOO_MANY, retry_after_s=RETRY_AFTER_S
            )
        self.count += 1
        call = Call(context)
        # Not the context's own callbacks: they and the call would hold one another.
        call.task.add_done_callback(lambda _: self._over(call))
        return call

    async def message(self, call: Call) -> bytes | None:
        """Return the next message of a call; None if its client sends no more.

        Raises:
            grpc.aio.AbortError: it arrives too slowly, or there is no memory for it.
        """
        call.since = time.monotonic()
        self._arriving[call] = None
        if self._sweeping is None:
            self._sweep_in(SLOW_S)
        try:
            message = await call.context.read()
        except asyncio.CancelledError:
            if call.ended_by is None:  # its client has gone
                raise
            call.task.uncancel()
            code, text, retry_after_s = call.ended_by
            await refuse(call.context, code, text, retry_after_s=retry_after_s)
            raise
        finally:
            self._arriving.pop(call, None)
        return None if message is grpc.aio.EOF else message

    def answering(self, call: Call) -> None:
        """Begin to wait until the client has taken what the call sends next."""
        call.since = time.monotonic()
        self._untaken[call] = None
        if self._sweeping is None:
            self._sweep_in(SLOW_S)

    def answered(self, call: Call) -> None:
        """End that wait, where the call goes on."""
        self._untaken.pop(call, None)

    def _over(self, call: Call) -> None:
        self._untaken.pop(call, None)
        self.count -= 1

    def _sweep_in(self, delay_s: float) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(delay_s, self._sweep)

    def _sweep(self) -> None:
        now_s = time.monotonic()
        self._end_arriving(now_s)
        self._end_untaken(now_s)
        self._warn(now_s)
        self._sweeping = None
        if self._arriving or self._untaken:
            self._sweep_in(SLOW_S)

    def _end_arriving(self, now_s: float) -> None:
        slow = _older(self._arriving, now_s - SLOW_S)
        if not slow:
            self._usual_bytes = self._memory_bytes() or 0
            return
        kept = self._limits.arriving_kept
        is_short = len(slow) > kept and self._is_short()
        for n, call in enumerate(slow):
            if now_s - call.since > bounds.MESSAGE_S:
                self._end(call, grpc.StatusCode.DEADLINE_EXCEEDED, TOO_SLOW, None)
            elif n >= kept and is_short:
                text = NO_ROOM.format(size=self._limits.receiving_bytes_max)
                self._end(call, grpc.StatusCode.UNAVAILABLE, text, RETRY_AFTER_S)

    def _is_short(self) -> bool:
        taken = self._memory_bytes()
        if taken is None:  # the system does not say: as if each message were as large as can be
            return True
        return taken - self._usual_bytes > self._limits.receiving_bytes_max

    def _end(
        self, call: Call, code: grpc.StatusCode, text: str, retry_after_s: float | None
    ) -> None:
        if call.ended_by is None:
            call.ended_by = (code, text, retry_after_s)
            call.task.cancel()
            self._note("messages that did not arrive")

    def _end_untaken(self, now_s: float) -> None:
        """Let go of calls whose clients take no answer: their memory with them."""
        many = len(self._untaken) - bounds.UNTAKEN_MAX
        old = _older(self._untaken, now_s - bounds.UNTAKEN_S)
        for n, call in enumerate(old):
            if n >= many and now_s - call.since <= bounds.ANSWER_S:
                return
            self._untaken.pop(call)
            self._note("answers that nobody took")
            call.task.cancel()
            if call.task_around:
                call.task_around.cancel()

    def _note(self, what: str) -> None:
        self._ended[what] += 1
        if self._sweeping is None:
            self._sweep_in(SLOW_S)

    def _warn(self, now_s: float) -> None:
        if self._ended and now_s - self._warned_s >= WARN_EVERY_S:
            found = ", ".join(f"{what}: {count}" for what, count in self._ended.items())
            logger.warning("%s: calls ended so that others are served: %s", self._port, found)
            self._ended.clear()
            self._warned_s = now_s


def _older(calls: dict[Call, None], since_s: float) -> list[Call]:
    return list(itertools.takewhile(lambda call: call.since <= since_s, calls))
