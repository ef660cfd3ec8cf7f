"""The seams between the rooms: what each side may rely on, in its own words.

tests/contract/ holds every implementation to these promises.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from otel_threads.model import Outcome, Request


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
    """

    def reserve(self, size_bytes: int) -> None:
        """Count bytes as in flight until `release`.

        Raises:
            Overloaded: no room; the sender may try again.
            StoreClosed: the server is stopping.
        """

    def release(self, size_bytes: int) -> None:
        """Count bytes as answered."""

    def submit(self, request: Request) -> "Future[Outcome]":
        """Return a future that resolves after the commit, in a thread of the intake.

        It raises `InvalidPayload` (the bytes will never be right) or `Unavailable` (nothing was
        stored, send it again).
        """


@dataclass(slots=True)
class Batch:
    """Rows that belong together in one commit, as Arrow tables of the store's columns."""

    spans: Any  # pyarrow.Table, decode.columns.SPANS
    content: Any  # pyarrow.Table, decode.columns.CONTENT
    logs: Any  # pyarrow.Table, decode.logs.LOGS


class SpanWriter(Protocol):
    """Keeps rows.

    Durable:    `done(None)` is called only once every row would survive `kill -9`.
    Idempotent: a span is known by trace_id and span_id, a log record by its fingerprint; what is
                there already is not stored again.
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


Rows = Sequence[dict[str, Any]]
