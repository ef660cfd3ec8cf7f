"""What otel_threads/core/ports.py promises, held against the implementations, through the front door."""

import threading
import time
from concurrent.futures import Future

import pytest
from builders import a_chat, a_request, a_span

from otel_threads.core.errors import (
    InvalidPayload,
    Overloaded,
    QueryTimeout,
    StoreClosed,
    Unavailable,
)
from otel_threads.core.model import Outcome, Request, Signal
from otel_threads.database.database import Database
from otel_threads.derive.deriver import derive_all
from otel_threads.ingest.intake import GroupIntake
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter


class Parts:
    def __init__(self, path: str) -> None:
        self.database = Database(path, memory_limit_bytes=128 << 20)
        self.writer = BatchWriter(self.database)
        self.intake = GroupIntake(
            self.writer,
            inflight_bytes_max=1000,
            event_names=("gen_ai.*",),
            default_project="default",
        )
        self.derived = DuckDBDerivedStore(self.database)

    def send(self, payload: bytes, signal: Signal = Signal.TRACES) -> "Future[Outcome]":
        request = Request(signal=signal, payload=payload, received_unix_nano=time.time_ns())
        return self.intake.submit(request)

    def count(self, table: str = "spans") -> int:
        with self.database.cursor() as cursor:
            return cursor.execute(f"select count(*) from {table}").fetchone()[0]

    def close(self) -> None:
        self.intake.close()
        self.writer.close()
        self.database.close()


@pytest.fixture
def parts(tmp_path):
    made = Parts(str(tmp_path / "x.duckdb"))
    yield made
    made.close()


@pytest.mark.long
def test_what_is_answered_is_stored(parts):
    outcome = parts.send(a_request(a_span(), a_span())).result(20)
    assert (outcome.accepted, outcome.rejected, outcome.message) == (2, 0, "")
    assert parts.count() == 2


@pytest.mark.long
def test_a_request_sent_twice_is_stored_once(parts):
    payload = a_request(a_chat("t", "long " * 100, "answer " * 100), a_span())
    for _ in range(3):
        assert parts.send(payload).result(20).accepted == 2
    assert parts.count() == 2
    assert parts.count("x_content_chunks") == 2


@pytest.mark.long
def test_repeats_within_a_group_are_stored_once(parts):
    span, other = a_span(), a_span()
    waiting = [parts.send(a_request(span, span, other)) for _ in range(20)]
    assert [future.result(20).accepted for future in waiting] == [3] * 20
    assert parts.count() == 2


@pytest.mark.long
def test_a_bad_request_fails_alone(parts):
    waiting = [parts.send(p) for p in (a_request(a_span()), b"\xff\xff", a_request(a_span()))]
    with pytest.raises(InvalidPayload):
        waiting[1].result(20)
    assert [waiting[i].result(20).accepted for i in (0, 2)] == [1, 1]


@pytest.mark.long
def test_a_sender_that_goes_away_stops_nothing(parts):
    for _ in range(5):
        parts.send(a_request(a_span())).cancel()
    assert parts.send(a_request(a_span())).result(20).accepted == 1
    assert parts.count() == 6


@pytest.mark.long
def test_the_intake_is_bounded_and_lets_one_request_in_alone(parts):
    parts.intake.reserve(5000)
    with pytest.raises(Overloaded, match="5000 bytes are in flight, 1000 allowed"):
        parts.intake.reserve(1)
    parts.intake.reserve(5000, held_bytes=5000)
    parts.intake.release(10_000)
    parts.intake.reserve(900)
    parts.intake.release(900)


@pytest.mark.long
def test_nothing_is_taken_after_the_end(parts):
    parts.intake.close()
    with pytest.raises(StoreClosed):
        parts.send(a_request(a_span())).result(20)
    with pytest.raises(StoreClosed):
        parts.intake.reserve(1)


@pytest.mark.long
def test_a_question_is_stopped_at_its_time_limit(parts):
    started = time.monotonic()
    with (
        pytest.raises(QueryTimeout, match=r"stopped after 0\.2 s"),
        parts.database.reading(0.2) as cursor,
    ):
        cursor.execute(
            "select sum(sin(a.i * b.i)) from range(10000000) a(i), range(100000) b(i)"
        ).fetchall()
    assert time.monotonic() - started < 30


@pytest.mark.long
def test_readers_see_all_of_a_request_or_nothing(parts):
    seen, done = set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(parts.count() % 50)

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(10):
        parts.send(a_request(*(a_span() for _ in range(50)))).result(20)
    done.set()
    reader.join()
    assert seen == {0}


@pytest.mark.long
def test_the_derivers_position_is_stored_with_its_rows(parts):
    parts.send(a_request(a_chat("t", "hello", "hi"))).result(20)
    assert parts.derived.position() == 0
    derive_all(parts.derived, parts.writer.committed_sequence)
    assert parts.derived.position() == parts.writer.committed_sequence
    assert parts.count("threads") == 1
    parts.derived.reset()
    assert (parts.derived.position(), parts.count("threads")) == (0, 0)


@pytest.mark.long
def test_a_request_that_breaks_the_decoder_fails_alone(parts, monkeypatch):
    """Whatever goes wrong in a group, its other requests are kept."""
    from otel_threads.decode import columns

    bad = a_request(a_span(name="poison"))
    real = columns.decode

    def decode(requests, **options):
        if any(request.payload == bad for request in requests):
            raise ZeroDivisionError
        return real(requests, **options)

    monkeypatch.setattr(columns, "decode", decode)
    waiting = [parts.send(p) for p in (a_request(a_span()), bad, a_request(a_span()))]
    with pytest.raises(Unavailable, match="the server failed: ZeroDivisionError"):
        waiting[1].result(20)
    assert [waiting[i].result(20).accepted for i in (0, 2)] == [1, 1]
    assert parts.send(a_request(a_span())).result(20).accepted == 1
