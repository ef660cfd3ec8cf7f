"""The background loop: follows the commits, recomputes what they touched, keeps its position.

It may lag behind a burst; it never slows the acknowledgement, because it steps back while
requests wait. After a crash it goes on from the position that was stored with its last rows.
"""

import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from otel_threads import process, tracing
from otel_threads.core.errors import StoreClosed, StoreFailed, Unavailable, describe
from otel_threads.core.model import Load, Span, TraceRows
from otel_threads.core.ports import DerivedStore, ThreadKey, Work
from otel_threads.derive.family import parsed_values
from otel_threads.derive.thread_id import Identity
from otel_threads.derive.trace import derive_traces
from otel_threads.metrics import DERIVE_FAILURES, DERIVE_LAG_SECONDS, DERIVE_SECONDS, DERIVED_SPANS

Job = TypeVar("Job")
logger = logging.getLogger(__name__)

FAILURES_MAX = 14  # in a row, of derive_all: halving comes down to a single commit before
SETTLING_PASSES_MAX = 10  # before commits count as derived, of traces that hang on one another
RETRY_S = 1.0  # after a pass that failed (a full disk, say)
# The deriver works half of the time while requests trickle in, and a tenth under heavy load, more
# as it lags behind: a burst is acknowledged first, and a load that lasts is still derived.
SHARE_MIN, SHARE_MAX, SHARE_FULL_LAG_S = 0.1, 0.5, 300.0
WORK_S = 0.01  # how long to work between two rests
PASS_INTERVAL_S = 0.3  # between passes while requests are in flight: a pass costs by the pass
ROWS_MAX_BESIDE = 1000  # of a pass beside requests: each of its steps is a wait for them
REST_STEP_S = 0.005  # how soon to notice that nothing is in flight any more
LAG_STEP_S = 0.05  # commits within it count as of one moment
CLOSE_S = 1.0  # for the pass that runs at the stop; the next start makes a longer one again
# A pass is saved in parts where it is large: one request may bring 100,000 traces, and 6 kB of JSON
# may become 100 kB of objects. Usual passes stay below both.
PART_TRACES_MAX = 12_000
PART_VALUES_MAX = 1_500_000  # of JSON that was parsed for it; each takes 100 bytes at most

LEFT_OUT_MAX = 1000  # traces that could not be derived, of which is told how many they are


class _Stopped(Exception):
    """The deriver closes: what the pass has not saved is derived after the next start."""


class Deriver:
    """Owns the thread that turns spans into conversations."""

    def __init__(
        self,
        store: DerivedStore,
        *,
        thread_id_attributes: Sequence[str] = (),
        load: Callable[[], Load] = lambda: Load.IDLE,
        on_change: Callable[[list[ThreadKey]], None] = lambda _: None,
    ) -> None:
        """Start the thread. `on_change` hears of changed threads after their commit, in it."""
        self._store = store
        identity = Identity(thread_id_attributes)
        self._load = load
        self._on_change = on_change
        self.derived_sequence = store.position()
        self._committed = self.derived_sequence
        # Of what is not derived: the first commit of each moment, and when that was.
        self._waiting: deque[tuple[int, float]] = deque()
        self._unsettled = store.unsettled()
        self._alone = True  # whether no request was seen in flight since the last pass began
        self._settling = 0  # passes in a row that left something unsettled
        self._reset = False
        self._closed = False
        self._ends_s = math.inf  # when the pass that runs is given up; time.monotonic()
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._changed = threading.Condition()  # guards what is above, but the store
        self._worked_since = self._passed_at = time.monotonic()
        self.failed: Exception | None = None  # why the last pass failed; None when it went well
        self._rows = _Rows(store, identity)
        self._thread = threading.Thread(target=self._run, name="deriver", daemon=True)
        self._thread.start()

    def notice(self, committed_sequence: int) -> None:
        """Say that commits up to this number are there to be read."""
        with self._changed:
            if committed_sequence > self._committed:
                now = time.monotonic()
                if not self._waiting or now - self._waiting[-1][1] >= LAG_STEP_S:
                    self._waiting.append((self._committed + 1, now))
                self._committed = committed_sequence
                self._changed.notify_all()

    def rebuild(self) -> None:
        """Begin again from the first commit; what was derived is replaced as it goes."""
        with self._changed:
            self._reset = True
            self.derived_sequence = 0
            self._waiting = deque([(1, time.monotonic())])
            self._changed.notify_all()

    def between_passes(self, job: Callable[[], Job]) -> "Future[Job]":
        """Return a future of what the job returns; it runs in the deriver's thread, alone."""
        future: Future[Job] = Future()
        with self._changed:
            if self._closed:
                raise StoreClosed("the server is stopping")
            self._jobs.append((job, future))
            self._changed.notify_all()
        return future

    def wait(self, sequence: int, timeout_s: float) -> bool:
        """Return True once everything up to `sequence` is derived, False after the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.derived_sequence >= sequence, timeout_s)

    @property
    def lag_ms(self) -> float:
        """Age of the oldest commit that is not derived yet; 0 when there is none.

        Of commits from before the start, and of all while everything is derived again: since then.
        """
        with self._changed:
            return (time.monotonic() - self._waiting[0][1]) * 1000 if self._waiting else 0.0

    @property
    def left_out(self) -> str | None:
        """Which traces could not be derived since the start, and why; None without any."""
        return self._rows.left_out

    @property
    def is_alive(self) -> bool:
        """Whether the loop runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Finish the pass that runs, or give it up after CLOSE_S, then stop. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._ends_s = min(self._ends_s, time.monotonic() + CLOSE_S)
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: (
                        self._closed
                        or self._reset
                        or self._jobs
                        or self._unsettled
                        or self._committed > self.derived_sequence
                    )
                )
                if self._closed:
                    self._do_jobs()
                    return
                reset, self._reset = self._reset, False
                target = self._committed
            try:
                if self._do_jobs():  # what they deleted may have told the thread of what stays
                    self._unsettled = self._store.unsettled()
                if reset:
                    self._store.reset()
                    self._rows.forget()
                after = self._store.position()
                done = self._pass(after, target)
                self._unsettled = self._store.unsettled()
                self._settling = self._settling + 1 if self._unsettled else 0
                self.failed = None
            except _Stopped:
                continue
            except Exception as error:  # noqa: BLE001  # the loop must survive anything
                self.failed = error
                logger.error("a pass of the deriver failed: %s", describe(error))
                with self._changed:
                    self._reset = self._reset or reset
                    self._changed.wait_for(lambda: self._closed, RETRY_S)
                continue
            with self._changed:
                if not self._reset and self._settling % SETTLING_PASSES_MAX == 0:
                    self.derived_sequence = done
                    while self._waiting and self._next_waiting() <= done + 1:
                        self._waiting.popleft()
                    DERIVE_LAG_SECONDS.set(self.lag_ms / 1000)
                self._changed.notify_all()
            self._rest()  # saving is work, too

    def _next_waiting(self) -> int:
        """Return the first commit that does not belong to the oldest moment."""
        return self._waiting[1][0] if len(self._waiting) > 1 else self._committed + 1

    def _do_jobs(self) -> bool:
        """Return whether there were any."""
        done = False
        while self._jobs:
            done = True
            job, future = self._jobs.popleft()
            try:
                future.set_result(job())
            except Exception as error:  # noqa: BLE001  # it belongs to who asked
                future.set_exception(error)
        return done

    def _pace(self) -> None:
        """Let spans gather between passes; at once when nothing is in flight."""
        while not (self._closed or self._jobs) and self._load() is not Load.IDLE:
            self._alone = False
            left = self._passed_at + PASS_INTERVAL_S - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, REST_STEP_S))
        self._passed_at = self._worked_since = time.monotonic()

    def _rest(self) -> None:
        """Leave the interpreter and the cores to requests in flight, in proportion to the work.

        Raises:
            _Stopped: the pass is to be given up.
        """
        now_s = time.monotonic()
        if now_s > self._ends_s:
            raise _Stopped
        worked = now_s - self._worked_since
        if worked < WORK_S:
            return
        started = time.monotonic()
        while not (self._closed or self._jobs) and (load := self._load()) is not Load.IDLE:
            self._alone = False
            share = self._share() if load is Load.HEAVY else SHARE_MAX
            left = started + worked * (1 - share) / share - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, REST_STEP_S))
        self._worked_since = time.monotonic()

    def _share(self) -> float:
        lagging = min(1.0, self.lag_ms / 1000 / SHARE_FULL_LAG_S)
        return SHARE_MIN + (SHARE_MAX - SHARE_MIN) * lagging

    def _pass(self, after: int, target: int) -> int:
        """Derive the next bounded piece of work; return the new position."""
        if target <= after and not self._unsettled:
            return after
        self._pace()
        with DERIVE_SECONDS.time(), tracing.span("derive"):
            work = self._store.pending(
                after=after, upto=target, rows_max=None if self._alone else ROWS_MAX_BESIDE
            )
            alone, self._alone = self._alone, True
            with process.without_garbage() if alone else contextlib.nullcontext():
                changed = self._derive(work, after)
        if changed:
            self._on_change(changed)
        return work.upto

    def _derive(self, work: Work, after: int) -> list[ThreadKey]:
        """Derive and save the traces of a pass, in parts; the last part moves the position.

        After a crash between two parts all of them are derived again, which gives the same rows.
        """
        changed: dict[ThreadKey, None] = {}
        left = work.trace_ids
        while len(left) > PART_TRACES_MAX:
            part = Work(after, left[:PART_TRACES_MAX])
            changed |= dict.fromkeys(self._derive_part(part, after))
            left = left[PART_TRACES_MAX:]
        return list(changed | dict.fromkeys(self._derive_part(Work(work.upto, left), after)))

    def _derive_part(self, part: Work, after: int) -> list[ThreadKey]:
        changed: list[ThreadKey] = []
        rows: list[TraceRows] = []
        trace_ids: list[str] = []
        values = 0
        for trace in self._store.spans(part, after=after):
            if values > PART_VALUES_MAX:
                saved = Work(after, trace_ids, part.is_new, part.first_unix_nano)
                changed += self._save(saved, rows, after)
                part.trace_ids = sorted({*part.trace_ids}.difference(trace_ids))
                rows, trace_ids, values = [], [], 0
            trace_ids.append(trace[0].trace_id)
            before = parsed_values()
            rows += self._rows.of(trace)
            DERIVED_SPANS.inc(len(trace))
            self._rest()
            values += parsed_values() - before
        return changed + self._save(part, rows, after)

    def _save(self, work: Work, rows: list[TraceRows], after: int) -> list[ThreadKey]:
        return self._rows.save(work, rows, after, pause=self._rest)


class _Rows:
    """Makes the rows of traces and stores them: one odd trace must not stop the others."""

    def __init__(self, store: DerivedStore, identity: Identity) -> None:
        self._store = store
        self._identity = identity
        self._failures: dict[str, str] = {}  # by trace, the last of them last
        self.left_out: str | None = None  # what they say together

    def of(self, trace: list[Span]) -> list[TraceRows]:
        """Return the rows of a trace; none where they cannot be made."""
        trace_id = trace[0].trace_id
        try:
            rows = list(derive_traces(trace, self._identity))
        except Exception as error:  # noqa: BLE001  # see above
            self._leave_out(trace_id, error)
            return []
        if self._failures.pop(trace_id, None):
            self._tell()
        return rows

    def save(
        self,
        work: Work,
        rows: Sequence[TraceRows],
        after: int,
        *,
        pause: Callable[[], None] = lambda: None,
    ) -> list[ThreadKey]:
        """Store what was made of a piece of work; return the changed threads.

        Raises:
            Unavailable: the same may be stored later.
        """
        try:
            return self._store.save(work, rows, pause=pause)
        except (Unavailable, _Stopped):
            raise
        except Exception as error:  # noqa: BLE001  # a row that does not fit its column
            logger.error("a pass could not be stored whole: %s", describe(error))
            return self._save_apart(work, after, rows, pause)

    def forget(self) -> None:
        """Forget which traces were left out: all are tried again."""
        self._failures.clear()
        self._tell()

    def _save_apart(
        self, work: Work, after: int, rows: Sequence[TraceRows], pause: Callable[[], None]
    ) -> list[ThreadKey]:
        """Store each trace for itself, leave out what cannot be, and move on."""
        changed: list[ThreadKey] = []
        by_trace: dict[str, list[TraceRows]] = {}
        for one in rows:
            by_trace.setdefault(one.trace["trace_id"], []).append(one)
        for trace_id, some in by_trace.items():
            pause()
            try:
                changed += self._store.save(Work(after, [trace_id]), some)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001  # see above
                self._leave_out(trace_id, error)
                self._store.save(Work(after, [trace_id]), [])  # nor be tried for ever
        self._store.save(Work(work.upto, []), [])
        return changed

    def _leave_out(self, trace_id: str, error: Exception) -> None:
        DERIVE_FAILURES.inc()
        logger.warning(
            "trace %s could not be derived (%s); its spans are stored", trace_id, describe(error)
        )
        self._failures.pop(trace_id, None)
        self._failures[trace_id] = type(error).__name__
        if len(self._failures) > LEFT_OUT_MAX:
            del self._failures[next(iter(self._failures))]
        self._tell()

    def _tell(self) -> None:
        if not self._failures:
            self.left_out = None
            return
        trace_id, told = next(reversed(self._failures.items()))
        count = len(self._failures)
        others = f", nor {count - 1} before it" if count > 1 else ""
        self.left_out = f"trace {trace_id} could not be derived ({told}){others}"


def derive_all(
    store: DerivedStore,
    committed_sequence: int,
    *,
    thread_id_attributes: Sequence[str] = (),
    on_progress: Callable[[Work], None] = lambda _: None,
) -> None:
    """Derive everything up to a commit in the caller's thread, for `rebuild` on a file.

    A trace that cannot be derived is left out; the log names it.

    Raises:
        StoreFailed: the database did not take it, also in smaller pieces.
    """
    made = _Rows(store, Identity(thread_id_attributes))
    position = store.position()
    failures = 0
    while position < committed_sequence or store.unsettled():
        work = store.pending(after=position, upto=committed_sequence)
        try:
            with process.without_garbage():
                spans = store.spans(work, after=position)
                rows = [row for trace in spans for row in made.of(trace)]
                made.save(work, rows, position)
                del spans, rows  # many objects: gone before they are looked through
        except StoreFailed:  # of memory, it takes less at the next try
            failures += 1
            if failures == FAILURES_MAX:
                raise
            continue
        failures = 0
        position = work.upto
        on_progress(work)
