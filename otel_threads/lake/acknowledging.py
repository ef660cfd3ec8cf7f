"""Answers senders once the lake has what they sent, not the node's disk alone."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from otel_threads.core.errors import Overloaded, StoreClosed, StoreFailed
from otel_threads.core.model import Outcome, Request
from otel_threads.core.ports import Intake
from otel_threads.core.record import Record

WAIT_S_MAX = 30.0  # then the sender is told to send it again; what is stored already counts once
WAITING_MAX = 10_000  # answers; past it senders are told so at once
LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class _Waiting:
    sequence: int
    until_s: float
    outcome: Outcome
    answer: "Future[Outcome]"


class AcknowledgingIntake:
    """An `Intake` before another one. Its futures resolve when the lake has the commit.

    Sent again, a span that is on the node's disk and not in the lake yet waits as well.
    """

    def __init__(
        self, intake: Intake, *, committed: Callable[[], int], shipped: Callable[[], int]
    ) -> None:
        """Start the thread that looks how far the lake is. Both are numbers of commits."""
        self._intake = intake
        self._committed = committed
        self._shipped = shipped
        self._waiting: deque[_Waiting] = deque()  # in the order of their commits
        self._changed = threading.Condition()  # guards it and `_closed`
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="lake-answers", daemon=True)
        self._thread.start()

    def reserve(self, size_bytes: int, *, held_bytes: int = 0) -> None:
        """See `ports.Intake`."""
        self._intake.reserve(size_bytes, held_bytes=held_bytes)

    def release(self, size_bytes: int) -> None:
        """See `ports.Intake`."""
        self._intake.release(size_bytes)

    def submit(self, request: Request) -> "Future[Outcome]":
        """See `ports.Intake`; raises `StoreFailed` where the lake did not take it in time."""
        return self._then(self._intake.submit(request))

    def submit_records(
        self, records: Sequence[Record], *, size_bytes: int, received_unix_nano: int
    ) -> "Future[Outcome]":
        """See `submit`."""
        return self._then(
            self._intake.submit_records(
                records, size_bytes=size_bytes, received_unix_nano=received_unix_nano
            )
        )

    def close(self) -> None:
        """Answer nobody any more: who waits is told to send it again, to the next server."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _then(self, stored: "Future[Outcome]") -> "Future[Outcome]":
        answer: Future[Outcome] = Future()
        answer.set_running_or_notify_cancel()
        stored.add_done_callback(lambda done: self._stored(done, answer))
        return answer

    def _stored(self, stored: "Future[Outcome]", answer: "Future[Outcome]") -> None:
        if error := stored.exception():
            answer.set_exception(error)
            return
        outcome = stored.result()
        if not outcome.accepted:
            answer.set_result(outcome)
            return
        refusal: Exception | None = None
        with self._changed:
            if self._closed:
                refusal = StoreClosed("the server is stopping")
            elif len(self._waiting) >= WAITING_MAX:
                refusal = Overloaded(f"{WAITING_MAX} answers wait for the lake already")
            else:
                until_s = time.monotonic() + WAIT_S_MAX
                self._waiting.append(_Waiting(self._committed(), until_s, outcome, answer))
                self._changed.notify()
        if refusal:
            answer.set_exception(refusal)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    left = list(self._waiting)
                    self._waiting.clear()
                    break
                due = self._due()
                if not due:
                    self._changed.wait(LOOK_EVERY_S)
            for one, is_shipped in due:
                _tell(one, is_shipped=is_shipped)
        for one in left:
            one.answer.set_exception(StoreClosed("the server is stopping"))

    def _due(self) -> list[tuple[_Waiting, bool]]:
        """Take those out that the lake has, and those that waited too long."""
        shipped, now_s = self._shipped(), time.monotonic()
        found = []
        while self._waiting:
            first = self._waiting[0]
            if first.sequence > shipped and first.until_s > now_s:
                break
            found.append((self._waiting.popleft(), first.sequence <= shipped))
        return found


def _tell(one: _Waiting, *, is_shipped: bool) -> None:
    if is_shipped:
        one.answer.set_result(one.outcome)
    else:
        one.answer.set_exception(
            StoreFailed(
                f"the lake did not take it within {WAIT_S_MAX:g} s (lake_acknowledge=lake): it is "
                "on this node's disk and not acknowledged, send it again"
            )
        )
