"""From requests to the writer: decodes in groups, counts bytes in flight, answers after the commit.

Decoding one request or sixty costs nearly the same, so requests that wait are decoded together,
while the writer commits the group before. `ports.Intake` is the promise.
"""

import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from otel_threads.decode import columns, logs
from otel_threads.errors import InvalidPayload, Overloaded, StoreClosed, Unavailable, describe
from otel_threads.metrics import ACCEPTED, REJECTED, REQUEST_BYTES
from otel_threads.model import Load, Outcome, Refusal, Request, Signal
from otel_threads.ports import Batch, SpanWriter

logger = logging.getLogger(__name__)

GROUP_BYTES_MAX = 8 * 1024 * 1024  # payload bytes decoded together; one larger request goes alone
GROUP_REQUESTS_MAX = 256
# Decoding ahead of a running commit pays for large requests. Small ones had better wait and be
# decoded as one group: the cost is by the group.
AHEAD_BYTES_MIN = 256 * 1024
# Senders that were just answered come back at once, most of them. Waiting a moment for them makes
# one group of what would be two that take turns, each as dear. A sender alone never waits.
GATHER_S = 0.01
REASON_LENGTH_MAX = 300  # it may name a key
MANY_REQUESTS = 24  # senders that wait for one another: the deriver steps back
RETURN_S = 0.05  # so long many that were just answered count as about to come back
METRICS_MESSAGE = "metrics are accepted and not stored: otel-threads keeps traces and GenAI logs"


class _Waiting(NamedTuple):
    request: Request
    future: "Future[Outcome]"


class _Answer(NamedTuple):
    future: "Future[Outcome]"
    signal: Signal
    outcome: Outcome


class GroupIntake:
    """An `Intake` that decodes in a thread of its own and hands batches to a `SpanWriter`."""

    def __init__(
        self,
        writer: SpanWriter,
        *,
        inflight_bytes_max: int,
        default_project: str,
        project_attribute: str | None = None,
    ) -> None:
        """Start the thread."""
        self._writer = writer
        self._inflight_bytes_max = inflight_bytes_max
        self._default_project = default_project
        self._project_attribute = project_attribute
        self._inflight_bytes = 0
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._unanswered = 0  # requests that are queued, being decoded or being written
        self._at_once = 0  # the most of them since the last group was formed
        self._answered_at = -math.inf  # when a batch last was
        self._writing = 0  # batches that the writer has and has not answered
        self._closed = False
        self._awaited: Callable[[], bool] | None = None  # what the decoder waits for just now
        self._changed = threading.Condition()  # guards the nine above
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    @property
    def load(self) -> Load:
        """How much is in flight: the deriver steps back accordingly."""
        if self._at_once >= MANY_REQUESTS and time.monotonic() - self._answered_at < RETURN_S:
            return Load.HEAVY
        if not self._inflight_bytes:
            return Load.IDLE
        heavy = self._inflight_bytes >= AHEAD_BYTES_MIN or self._unanswered >= MANY_REQUESTS
        return Load.HEAVY if heavy else Load.LIGHT

    @property
    def inflight_bytes(self) -> int:
        """Bytes of requests that are not answered."""
        return self._inflight_bytes

    @property
    def unanswered(self) -> int:
        """How many requests are queued, being decoded or being written."""
        return self._unanswered

    def reserve(self, size_bytes: int, *, held_bytes: int = 0) -> None:
        """See `ports.Intake`."""
        with self._changed:
            if self._closed:
                raise StoreClosed("the server is stopping")
            others_bytes = self._inflight_bytes - held_bytes
            if others_bytes and self._inflight_bytes + size_bytes > self._inflight_bytes_max:
                raise Overloaded(
                    f"{self._inflight_bytes} bytes are in flight, "
                    f"{self._inflight_bytes_max} allowed"
                )
            self._inflight_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """See `ports.Intake`."""
        with self._changed:
            self._inflight_bytes -= size_bytes

    def submit(self, request: Request) -> "Future[Outcome]":
        """See `ports.Intake`."""
        future: Future[Outcome] = Future()
        # A sender that goes away cancels its wait, never the write: the spans are taken.
        future.set_running_or_notify_cancel()
        _TAKEN_BYTES[request.signal].inc(len(request.payload))
        try:
            if request.signal is Signal.METRICS:
                # Nothing of it is kept, so nothing has to be durable.
                future.set_result(Outcome(message=METRICS_MESSAGE))
                return future
            _CHECKS[request.signal](request.payload)
        except InvalidPayload as error:
            future.set_exception(error)
            return future
        if not request.payload:
            future.set_result(Outcome())
            return future
        with self._changed:
            if self._closed:
                future.set_exception(StoreClosed("the server is stopping"))
                return future
            self._queue.append(_Waiting(request, future))
            self._queued_bytes += len(request.payload)
            self._unanswered += 1
            self._at_once = max(self._at_once, self._unanswered)
            self._tell()
        return future

    def close(self) -> None:
        """Hand all that waits to the writer, then stop. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._tell()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            self._settle(group)

    def _settle(self, group: list[_Waiting]) -> None:
        """Pass a group on; if that fails, each request alone: a bad one fails alone."""
        try:
            batch, answers = self._decoded(group)
        except Exception as error:  # noqa: BLE001  # must survive anything; every sender is told
            if len(group) > 1:
                for waiting in group:
                    self._settle([waiting])
                return
            if not isinstance(error, InvalidPayload):
                logger.error("could not decode a request: %s", describe(error))
                error = Unavailable(f"the server failed: {type(error).__name__}")
            with self._changed:
                self._unanswered -= 1
            group[0].future.set_exception(error)
        else:
            group.clear()  # nobody needs the payloads any more, and the commit may take a while
            self._pass_on(batch, answers)

    def _next_group(self) -> list[_Waiting]:
        with self._changed:
            self._wait_for(self._is_time)
            if self._queued_bytes < AHEAD_BYTES_MIN and not self._closed:
                self._wait_for(self._are_gathered, GATHER_S)
            self._at_once = self._unanswered
            group: list[_Waiting] = []
            size_bytes = 0
            while self._queue and len(group) < GROUP_REQUESTS_MAX:
                size_bytes += len(self._queue[0].request.payload)
                if group and size_bytes > GROUP_BYTES_MAX:
                    break
                group.append(self._queue.popleft())
            self._queued_bytes -= sum(len(waiting.request.payload) for waiting in group)
            return group

    def _wait_for(self, awaited: Callable[[], bool], timeout_s: float | None = None) -> None:
        self._awaited = awaited
        self._changed.wait_for(awaited, timeout_s)
        self._awaited = None

    def _tell(self) -> None:
        """Wake the decoder if it has what it waits for: to wake it for each request is dear."""
        if self._awaited and self._awaited():
            self._changed.notify()

    def _is_time(self) -> bool:
        if not self._queue:
            return self._closed
        return not self._writing or self._queued_bytes >= AHEAD_BYTES_MIN or self._closed

    def _are_gathered(self) -> bool:
        much = self._queued_bytes >= AHEAD_BYTES_MIN or self._closed
        return much or len(self._queue) >= min(self._at_once, GROUP_REQUESTS_MAX)

    def _decoded(self, group: Sequence[_Waiting]) -> tuple[Batch, list[_Answer]]:
        spans = [waiting for waiting in group if waiting.request.signal is Signal.TRACES]
        records = [waiting for waiting in group if waiting.request.signal is Signal.LOGS]
        decoded = self._spans([waiting.request for waiting in spans])
        rows, log_outcomes = self._logs([waiting.request for waiting in records])
        outcomes = [
            Outcome(accepted=accepted, refused=refused, message=_message(reasons))
            for accepted, refused, reasons in zip(
                decoded.accepted, decoded.refused, decoded.reasons, strict=True
            )
        ]
        answers = [
            _Answer(waiting.future, waiting.request.signal, outcome)
            for waiting, outcome in zip([*spans, *records], outcomes + log_outcomes, strict=True)
        ]
        return Batch(decoded.tables, rows), answers

    def _pass_on(self, batch: Batch, answers: Sequence[_Answer]) -> None:
        def done(error: Exception | None) -> None:
            with self._changed:
                self._writing -= 1
                self._unanswered -= len(answers)
                self._answered_at = time.monotonic()
                self._tell()
            if error:
                for answer in answers:
                    answer.future.set_exception(error)
                return
            _count(answers)
            for answer in answers:
                answer.future.set_result(answer.outcome)

        with self._changed:
            self._writing += 1
        if not batch.spans["spans"].num_rows and not batch.logs.num_rows:
            done(None)
            return
        try:
            self._writer.write(batch, done)
        except StoreClosed as error:
            done(error)
        except Exception as error:  # noqa: BLE001  # must survive anything; every sender is told
            logger.error("could not hand a batch on: %s", describe(error))
            done(Unavailable(f"the server failed: {type(error).__name__}"))

    def _spans(self, requests: Sequence[Request]) -> columns.Decoded:
        return columns.decode(
            requests,
            default_project=self._default_project,
            project_attribute=self._project_attribute,
        )

    def _logs(self, requests: Sequence[Request]) -> tuple[Any, list[Outcome]]:
        return logs.decode(
            requests,
            default_project=self._default_project,
            project_attribute=self._project_attribute,
        )


_TAKEN_BYTES = {signal: REQUEST_BYTES.labels(signal.value) for signal in Signal}
_CHECKS = {Signal.TRACES: columns.check, Signal.LOGS: logs.check}

for _signal in _CHECKS:  # so that all are there at 0 before the first
    for _why in Refusal:
        REJECTED.labels(_signal.value, _why.value)


def _count(answers: Sequence[_Answer]) -> None:
    accepted: Counter[Signal] = Counter()
    for _, signal, outcome in answers:
        accepted[signal] += outcome.accepted
        for why, count in outcome.refused.items():
            REJECTED.labels(signal.value, why.value).inc(count)
    for signal, count in accepted.items():
        ACCEPTED.labels(signal.value).inc(count)


def _message(reasons: list[str]) -> str:
    """Return the first few distinct reasons, and how many more there are."""
    distinct = list(dict.fromkeys(reason[:REASON_LENGTH_MAX] for reason in reasons))
    shown = "; ".join(distinct[: columns.MESSAGES_MAX])
    more = len(distinct) - columns.MESSAGES_MAX
    return f"{shown}; and {more} more" if more > 0 else shown
