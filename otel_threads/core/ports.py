"""The seams between the rooms: what each side may rely on, in its own words.

tests/contract/ holds every implementation to these promises.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from otel_threads.core.model import Outcome, Request, Span, TraceRows
from otel_threads.core.record import Record

ThreadKey = tuple[str, str]  # project, thread_id


class Clock(Protocol):
    """Where the time comes from; tests hand in their own."""

    def __call__(self) -> int:
        """Return nanoseconds since the Unix epoch."""


class Intake(Protocol):
    """Takes OTLP requests. Receivers know this and nothing else of what lies behind.

    Durable:    the future has a result only once all that it counts as accepted would survive
                `kill -9`.
    Idempotent: a request sent twice is stored once.
    Apart:      bad spans are refused one by one; a bad request fails alone.
    Bounded:    past its capacity `reserve` raises `Overloaded` at once; it never waits for room.
    Counted:    what a request holds is bounded before it is decoded, and what it takes decoded
                counts as in flight until it is written. Receivers reserve payloads alone.
    """

    def reserve(self, size_bytes: int, *, held_bytes: int = 0) -> None:
        """Count bytes as in flight until `release`; `held_bytes` are the same request's already.

        A request that is alone is always let in, else one above the capacity never could be.

        Raises:
            Overloaded: no room; the sender may try again.
            StoreClosed: the server is stopping.
        """

    def release(self, size_bytes: int) -> None:
        """Count bytes as answered."""

    def submit_records(
        self, records: Sequence[Record], *, size_bytes: int, received_unix_nano: int
    ) -> "Future[Outcome]":
        """Return a future that resolves after the commit of all of an SDK's records, or of none.

        `size_bytes` is what they take in memory. May block while as much waits to be written as one
        commit may hold: call it in a thread. The future raises `Unavailable`: nothing was stored.
        """

    def submit(self, request: Request) -> "Future[Outcome]":
        """Return a future that resolves after the commit, in a thread of the intake.

        It raises `InvalidPayload` (the bytes will never be right), `TooLarge` among them (they hold
        more than a request may), or `Unavailable` (nothing was stored, send it again).
        """


@dataclass(slots=True)
class Batch:
    """Rows that belong together in one commit, as Arrow tables of the store's columns."""

    spans: Mapping[str, Any]  # pyarrow.Table by name, as decode.columns.Decoded.tables
    logs: Any  # pyarrow.Table, decode.logs.LOGS
    records: Sequence[tuple[Record, int]] = ()  # with the time of receipt, in their order
    record_bytes: int = 0  # what these take


class SpanWriter(Protocol):
    """Keeps rows.

    Durable:    `done(None)` is called only once every row would survive `kill -9`.
    Idempotent: within a project a span is known by trace_id and span_id, a log record by its
                fingerprint; what is there already is not stored again. Nor is an SDK's record that
                repeats the one before it.
    Whole:      a reader sees all of a batch or none of it.
    """

    def write(self, batch: Batch, done: Callable[[Exception | None], None]) -> None:
        """Queue the batch; `done` is called once, in the writer's thread, with None or the error.

        Blocks while as many batches wait as one commit may hold, so that decoding cannot run
        ahead of writing without bound.

        Raises:
            StoreClosed: the writer has stopped; `done` will not be called.
        """

    def close(self) -> None:
        """Write what is queued, then stop. Safe to call twice."""


@dataclass(slots=True)
class Work:
    """What the deriver does next: all traces that the commits up to `upto` touched."""

    upto: int
    trace_ids: list[str]
    is_new: bool = False  # none of the traces was derived before; `DerivedStore.spans` finds out
    # No span of the traces begins or began earlier; `DerivedStore.spans` finds out.
    first_unix_nano: int | None = None


class DerivedStore(Protocol):
    """Where the deriver reads spans and keeps what it makes of them."""

    def position(self) -> int:
        """Return the number of the last commit that is in the derived tables."""

    def pending(self, *, after: int, upto: int, rows_max: int | None = None) -> Work:
        """Return the next work, bounded in rows, by `rows_max` too where a trace is not larger.

        `upto` of it is at most the one given. Records of SDKs up to there are folded into spans
        before it returns.

        Raises:
            StoreFailed: the database did not take the folded spans now.
        """

    def spans(self, work: Work, *, after: int) -> Iterator[list[Span]]:
        """Yield all spans of the work's traces, whenever they came, one trace after the other.

        Each is let go as the next is asked for: a pass has many.

        Raises:
            StoreFailed: no memory for them; the next `pending` takes less.
        """

    def save(
        self,
        work: Work,
        traces: Sequence[TraceRows],
        *,
        pause: Callable[[], None] = lambda: None,
    ) -> list[ThreadKey]:
        """Replace the derived rows of the work's traces and threads; move the position to `upto`.

        `pause` is called every few milliseconds and may sleep: others want the interpreter too.

        One transaction: after a crash either all of it is there or nothing. Returns the threads
        that changed, as (project, thread_id).

        Raises:
            StoreFailed: the database did not take it now; the same rows may be saved later.
        """

    def unsettled(self) -> bool:
        """Return whether traces wait to be derived again because another one changed."""

    def reset(self) -> None:
        """Empty the derived tables and set the position to 0, in one transaction."""
