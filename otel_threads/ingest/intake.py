"""From requests to the writer: decodes in groups, counts bytes in flight, answers after the commit.

Decoding one request or sixty costs nearly the same, so requests that wait are decoded together,
while the writer commits the group before. What is large is decoded beside them, in a thread of its
own: it may take seconds. `ports.Intake` is the promise.
"""

import dataclasses
import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads.core.errors import InvalidPayload, StoreClosed, TooLarge, Unavailable, describe
from otel_threads.core.model import Load, Outcome, Refusal, Request, Signal
from otel_threads.core.ports import Batch, SpanWriter
from otel_threads.core.record import Record
from otel_threads.decode import columns, counts, logs, repair
from otel_threads.decode.counts import RequestCounts, RequestLimits
from otel_threads.decode.project_names import NO_NAMES, ProjectNames
from otel_threads.decode.record_spans import NONE, Alone
from otel_threads.decode.tables import EMPTY
from otel_threads.ingest.inflight import InflightBytes
from otel_threads.metrics import ACCEPTED, REJECTED, REQUEST_BYTES

logger = logging.getLogger(__name__)

GROUP_BYTES_MAX = 8 * 1024 * 1024  # payload bytes decoded together; one larger request goes alone
GROUP_REQUESTS_MAX = 256
# What a group holds at most, if it is more than one request: usual groups have a fifth of it. And
# the least that goes to the other thread; decoding takes 0.3 to 30 microseconds an item.
GROUP_ITEMS_MAX = 50_000
ITEM_BYTES_MIN = 2  # of a payload: a tag and a length
LARGE_BYTES_MIN = 4 * 1024 * 1024  # of a payload that goes to the other thread uncounted
CHECKED_BYTES_MAX = 32 * 1024  # protobuf checks so small a payload in a millisecond at most
# Decoding ahead of a running commit pays for large requests. Small ones had better wait and be
# decoded as one group: the cost is by the group.
AHEAD_BYTES_MIN = 256 * 1024
# Senders that were just answered come back at once, most of them. Waiting a moment for them makes
# one group of what would be two that take turns, each as dear. A sender alone never waits.
GATHER_S = 0.01
# What records of an SDK weigh while they are written: their text as it came and as rows, and what a
# row of them takes beside it.
RECORDS = "records"  # beside OTLP's signals
RECORD_WEIGHT = 2
RECORD_BYTES = 500
REASON_LENGTH_MAX = 300  # it may name a key
MANY_REQUESTS = 24  # senders that wait for one another: the deriver steps back
RETURN_S = 0.05  # so long many that were just answered count as about to come back
METRICS_MESSAGE = "metrics are accepted and not stored: otel-threads keeps traces and GenAI logs"
LIMITS = RequestLimits(
    spans_max=100_000, events_max=200_000, links_max=100_000, values_max=1_000_000
)


class _Waiting(NamedTuple):
    request: Request
    future: "Future[Outcome]"


class _Answer(NamedTuple):
    future: "Future[Outcome]"
    signal: str  # one of Signal, or RECORDS
    outcome: Outcome


class GroupIntake:
    """An `Intake` that decodes in two threads of its own and hands batches to a `SpanWriter`."""

    def __init__(
        self,
        writer: SpanWriter,
        *,
        inflight_bytes_max: int,
        event_names: Sequence[str],
        default_project: str,
        project_names: ProjectNames = NO_NAMES,
        limits: RequestLimits = LIMITS,
        alone: Alone = NONE,
    ) -> None:
        """Start the threads. `event_names`, `alone`: which records to keep, as in `logs.decode`."""
        self._alone = alone
        self._writer = writer
        self._limits = limits
        self._event_names = event_names
        self._default_project = default_project
        self._project_names = project_names
        self._inflight = InflightBytes(inflight_bytes_max)
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._large: deque[_Waiting] = deque()  # for the other thread
        self._large_unanswered = 0
        self._unanswered = 0  # the others that are queued, being decoded or being written
        self._at_once = 0  # the most of them since the last group was formed
        self._answered_at = -math.inf  # when a batch last was
        self._writing = 0  # batches that the writer has and has not answered
        self._closed = False
        self._decoder_ended = False
        self._awaited: Callable[[], bool] | None = None  # what the decoder waits for just now
        lock = threading.RLock()  # guards the eleven above
        self._changed = threading.Condition(lock)
        self._large_changed = threading.Condition(lock)
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._large_thread = threading.Thread(
            target=self._run_large, name="large-decoder", daemon=True
        )
        self._thread.start()
        self._large_thread.start()

    @property
    def load(self) -> Load:
        """How much is in flight: the deriver steps back accordingly."""
        if self._at_once >= MANY_REQUESTS and time.monotonic() - self._answered_at < RETURN_S:
            return Load.HEAVY
        payload_bytes = self._inflight.payload_bytes
        if not payload_bytes:
            return Load.IDLE
        heavy = payload_bytes >= AHEAD_BYTES_MIN or self._unanswered >= MANY_REQUESTS
        return Load.HEAVY if heavy else Load.LIGHT

    @property
    def inflight_bytes(self) -> int:
        """Bytes of requests that are not answered, and what these take decoded."""
        return self._inflight.total_bytes

    @property
    def unanswered(self) -> int:
        """How many requests are queued, being decoded or being written."""
        return self._unanswered + self._large_unanswered

    def reserve(self, size_bytes: int, *, held_bytes: int = 0) -> None:
        """See `ports.Intake`."""
        self._inflight.reserve(size_bytes, held_bytes=held_bytes)

    def release(self, size_bytes: int) -> None:
        """See `ports.Intake`."""
        self._inflight.release(size_bytes)

    def submit(self, request: Request) -> "Future[Outcome]":
        """See `ports.Intake`."""
        future: Future[Outcome] = Future()
        # A sender that goes away cancels its wait, never the write: the spans are taken.
        future.set_running_or_notify_cancel()
        _TAKEN_BYTES[request.signal].inc(len(request.payload))
        if request.signal is Signal.METRICS:
            # Nothing of it is kept, so nothing has to be durable.
            future.set_result(Outcome(message=METRICS_MESSAGE))
            return future
        if not request.payload:
            future.set_result(Outcome())
            return future
        if len(request.payload) <= CHECKED_BYTES_MAX:
            try:
                _CHECKS[request.signal](request.payload)
            except InvalidPayload as error:
                repaired = _repaired(request)
                if repaired is None:
                    future.set_exception(error)
                    return future
                request = repaired
        with self._changed:
            if self._closed:
                future.set_exception(StoreClosed("the server is stopping"))
                return future
            if len(request.payload) >= LARGE_BYTES_MIN:
                self._add_large(_Waiting(request, future))
                return future
            self._queue.append(_Waiting(request, future))
            self._queued_bytes += len(request.payload)
            self._unanswered += 1
            self._at_once = max(self._at_once, self._unanswered)
            self._tell()
        return future

    def submit_records(
        self, records: Sequence[Record], *, size_bytes: int, received_unix_nano: int
    ) -> "Future[Outcome]":
        """See `ports.Intake`."""
        future: Future[Outcome] = Future()
        future.set_running_or_notify_cancel()
        if not records:
            future.set_result(Outcome())
            return future
        held_bytes = RECORD_WEIGHT * size_bytes + RECORD_BYTES * len(records)
        with self._changed:
            if self._closed:
                future.set_exception(StoreClosed("the server is stopping"))
                return future
            self._unanswered += 1
            self._at_once = max(self._at_once, self._unanswered)
        self._inflight.begin_decoding(held_bytes)
        batch = Batch(
            EMPTY,
            logs.LOGS.empty_table(),
            records=[(record, received_unix_nano) for record in records],
            record_bytes=size_bytes,
        )
        outcome = Outcome(accepted=len(records))
        answer = _Answer(future, RECORDS, outcome)
        self._pass_on(batch, [answer], held_bytes, is_large=False)
        return future

    def close(self) -> None:
        """Hand all that waits to the writer, then stop. Safe to call twice."""
        self._inflight.close()
        with self._changed:
            self._closed = True
            self._tell()
        self._thread.join()
        with self._changed:
            self._decoder_ended = True
            self._large_changed.notify()
        self._large_thread.join()

    def _add_large(self, waiting: _Waiting) -> None:
        with self._changed:
            self._large.append(waiting)
            self._large_unanswered += 1
            self._large_changed.notify()

    def _run(self) -> None:
        while group := self._next_group():
            found = self._count_together(group)
            if found is not None:
                self._settle(group, found)
            else:
                self._settle_by_counts(group)

    def _run_large(self) -> None:
        while True:
            with self._large_changed:
                self._large_changed.wait_for(lambda: self._large or self._decoder_ended)
                if not self._large:
                    return
                large = [self._large.popleft()]
            self._settle_alone(large.pop(), is_large=True)

    def _count(self, group: Sequence[_Waiting]) -> RequestCounts:
        """Return what requests hold together.

        Raises:
            TooLarge, InvalidPayload: one of them is to be refused, or all are too much at once.
        """
        total = RequestCounts()
        for signal in (Signal.TRACES, Signal.LOGS):
            payloads = [
                waiting.request.payload for waiting in group if waiting.request.signal is signal
            ]
            if payloads:
                total += counts.count(signal, payloads, self._limits)
        return total

    def _count_together(self, group: Sequence[_Waiting]) -> RequestCounts | None:
        """Return what a group holds; None where its requests have to be counted one by one.

        Of a small group, which is the usual one where senders are many, it is what it may hold.
        """
        payload_bytes = sum(len(waiting.request.payload) for waiting in group)
        items_max = payload_bytes // ITEM_BYTES_MIN
        if items_max <= min(GROUP_ITEMS_MAX, self._limits.least):
            return RequestCounts(payload_bytes=payload_bytes, values=items_max)
        try:
            found = self._count(group)
        except Exception:  # noqa: BLE001  # counted one by one, each is told what it is
            return None
        return found if found.items <= GROUP_ITEMS_MAX else None

    def _settle_by_counts(self, group: list[_Waiting]) -> None:
        """Pass smaller groups on, and to the other thread what is large; refuse what is to be."""
        smaller: list[_Waiting] = []
        total = RequestCounts()
        while group:
            waiting = group.pop(0)
            try:
                found = self._count([waiting])
            except Exception as error:  # noqa: BLE001  # must survive anything; the sender is told
                self._fail(waiting, error)
                continue
            if found.items > GROUP_ITEMS_MAX:
                with self._changed:
                    self._unanswered -= 1
                    self._add_large(waiting)
                continue
            if smaller and (total + found).items > GROUP_ITEMS_MAX:
                self._settle(smaller, total)
                smaller, total = [], RequestCounts()
            smaller.append(waiting)
            total += found
        if smaller:
            self._settle(smaller, total)

    def _fail(self, waiting: _Waiting, error: Exception, *, is_large: bool = False) -> None:
        if isinstance(error, MemoryError):
            size_bytes = len(waiting.request.payload)
            error = TooLarge(f"no memory to decode {size_bytes} bytes: send smaller batches")
        elif not isinstance(error, InvalidPayload):
            logger.error("could not decode a request: %s", describe(error))
            error = Unavailable(f"the server failed: {type(error).__name__}")
        self._count_answered(1, is_large=is_large)
        waiting.future.set_exception(error)

    def _count_answered(self, count: int, *, is_large: bool) -> None:
        with self._changed:
            if is_large:
                self._large_unanswered -= count
            else:
                self._unanswered -= count

    def _settle(
        self, group: list[_Waiting], found: RequestCounts, *, is_large: bool = False
    ) -> None:
        """Pass a group on; if that fails, each request alone: a bad one fails alone."""
        decoded_bytes = found.decoded_bytes
        self._inflight.begin_decoding(decoded_bytes)
        try:
            batch, answers = self._decoded(group)
        except Exception as error:  # noqa: BLE001  # must survive anything; every sender is told
            self._inflight.end_decoding(decoded_bytes)
            if len(group) == 1:
                if isinstance(error, InvalidPayload) and (mended := _repaired(group[0].request)):
                    self._settle_alone(_Waiting(mended, group[0].future), is_large=is_large)
                    return
                self._fail(group[0], error, is_large=is_large)
                return
            for waiting in group:
                self._settle_alone(waiting)
        else:
            group.clear()  # nobody needs the payloads any more, and the commit may take a while
            self._pass_on(batch, answers, decoded_bytes, is_large=is_large)

    def _settle_alone(self, waiting: _Waiting, *, is_large: bool = False) -> None:
        """Count a request and pass it on; whatever is wrong with it is told to its sender."""
        try:
            found = self._count([waiting])
        except Exception as error:  # noqa: BLE001  # must survive anything; the sender is told
            self._fail(waiting, error, is_large=is_large)
            return
        group = [waiting]
        del waiting  # nobody needs the payload any more once it is decoded
        self._settle(group, found, is_large=is_large)

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
        logged = [waiting.request for waiting in records]
        alone = logs.alone_requests(logged, self._alone) if logged else []
        decoded = self._spans([*(waiting.request for waiting in spans), *alone])
        rows, log_outcomes = self._logs(logged)
        outcomes = [
            Outcome(accepted=accepted, refused=refused, message=_message(reasons))
            for accepted, refused, reasons in zip(
                decoded.accepted, decoded.refused, decoded.reasons, strict=True
            )
        ][: len(spans)]  # what comes after was not asked for as spans
        answers = [
            _Answer(waiting.future, waiting.request.signal, outcome)
            for waiting, outcome in zip([*spans, *records], outcomes + log_outcomes, strict=True)
        ]
        for waiting, answer in zip([*spans, *records], answers, strict=True):
            if isinstance(waiting.request.payload, repair.Repaired):
                told = answer.outcome.message
                answer.outcome.message = f"{told}; {repair.NOTE}" if told else repair.NOTE
        return Batch(decoded.tables, rows), answers

    def _pass_on(
        self, batch: Batch, answers: Sequence[_Answer], decoded_bytes: int, *, is_large: bool
    ) -> None:
        def done(error: Exception | None) -> None:
            self._inflight.end_decoding(decoded_bytes)
            with self._changed:
                self._writing -= 1
                self._count_answered(len(answers), is_large=is_large)
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
        if not (batch.spans["spans"].num_rows or batch.logs.num_rows or batch.records):
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
            project_names=self._project_names,
        )

    def _logs(self, requests: Sequence[Request]) -> tuple[Any, list[Outcome]]:
        return logs.decode(
            requests,
            event_names=self._event_names,
            default_project=self._default_project,
            project_names=self._project_names,
            alone=self._alone,
        )


_TAKEN_BYTES = {signal: REQUEST_BYTES.labels(signal.value) for signal in Signal}
_CHECKS = {Signal.TRACES: columns.check, Signal.LOGS: logs.check}

_KINDS = {
    Signal.TRACES: ExportTraceServiceRequest.DESCRIPTOR,
    Signal.LOGS: ExportLogsServiceRequest.DESCRIPTOR,
}


def _repaired(request: Request) -> Request | None:
    """Return a request that cannot be read with its characters replaced; None where that is not it.

    Nobody but a sender with such a character pays for it: 1 s for 16 MB.
    """
    if isinstance(request.payload, repair.Repaired):
        return None
    try:
        payload = repair.wire_bytes(request.payload, _KINDS[request.signal])
    except ValueError:
        return None
    if payload == request.payload:
        return None
    return dataclasses.replace(request, payload=repair.Repaired(payload))


for _signal in _CHECKS:  # so that all are there at 0 before the first
    for _why in Refusal:
        REJECTED.labels(_signal.value, _why.value)


def _count(answers: Sequence[_Answer]) -> None:
    accepted: Counter[str] = Counter()
    for _, signal, outcome in answers:
        accepted[signal] += outcome.accepted
        for why, count in outcome.refused.items():
            REJECTED.labels(str(signal), why.value).inc(count)
    for signal, count in accepted.items():
        ACCEPTED.labels(str(signal)).inc(count)


def _message(reasons: list[str]) -> str:
    """Return the first few distinct reasons, and how many more there are."""
    distinct = list(dict.fromkeys(reason[:REASON_LENGTH_MAX] for reason in reasons))
    shown = "; ".join(distinct[: columns.MESSAGES_MAX])
    more = len(distinct) - columns.MESSAGES_MAX
    return f"{shown}; and {more} more" if more > 0 else shown
