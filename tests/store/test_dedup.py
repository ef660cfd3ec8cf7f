"""Which batches the writer looks up in the file: never one too few, and few too many."""

import time

import numpy as np
import pytest
from builders import a_request, a_span
from databases import a_database
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_threads.core.model import Request, Signal
from otel_threads.ingest.intake import GroupIntake
from otel_threads.store.spans import dedup, writer
from otel_threads.store.spans.dedup import RecentSpans, hashes_of
from otel_threads.store.spans.writer import BatchWriter


def hashes(numbers):
    """Return the hashes of spans whose ids are made of numbers."""
    trace_ids = np.array([b"%032x" % (n // 8 + 1) for n in numbers], dtype="S32")
    return hashes_of(trace_ids, np.array([b"%016x" % (n + 1) for n in numbers], dtype="S16"))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(dedup, "BITS", 1 << 12)
    monkeypatch.setattr(dedup, "SPANS_MAX", 40)


BATCHES = st.lists(
    st.lists(st.integers(0, 400), min_size=1, max_size=30, unique=True), min_size=1, max_size=30
)


@pytest.mark.long
def test_what_is_stored_is_never_said_to_be_new(small):
    @settings(max_examples=300, deadline=None)
    @given(before=st.sets(st.integers(0, 400)), batches=BATCHES, stretch=st.integers(1, 60))
    def check(before, batches, stretch):
        def start(number):  # late ones among them
            return (number * 7919) % (10 * stretch)

        stored = set(before)
        spans = RecentSpans(stored_until_unix_nano=max(map(start, before), default=-1))
        for batch in batches:
            starts = [start(n) for n in batch]
            if stored & set(batch):
                assert spans.may_hold(hashes(batch), min(starts))
            spans.add(hashes(batch), max(starts))
            stored |= set(batch)

    check()


def test_new_spans_are_said_to_be_new():
    spans = RecentSpans(stored_until_unix_nano=-1)
    said = 0
    for first in range(0, 300_000, 2000):  # more than one filter takes
        batch = hashes(range(first, first + 2000))
        said += spans.may_hold(batch, first)
        spans.add(batch, first + 2000)
    assert said <= 15  # of 150; one in twenty at the most full


@pytest.fixture
def parts(tmp_path):
    database = a_database(tmp_path / "x.duckdb")
    made = []

    def start():
        if made:
            stop()
        made[:] = [BatchWriter(database)]
        made.append(
            GroupIntake(
                made[0], inflight_bytes_max=1 << 20, event_names=("gen_ai.*",), default_project="p"
            )
        )

    def stop():
        made[1].close()
        made[0].close()

    def send(payload, **more):
        now = time.time_ns()
        request = Request(signal=Signal.TRACES, payload=payload, received_unix_nano=now, **more)
        return made[1].submit(request).result(20)

    def count():
        with database.cursor() as cursor:
            return cursor.execute("select count(*) from spans").fetchone()[0]

    start()
    yield start, send, count
    stop()
    database.close()


def test_new_spans_are_not_looked_up_in_the_file(parts, monkeypatch):
    _, send, count = parts
    asked = []
    look_up = writer._not_stored
    monkeypatch.setattr(writer, "_not_stored", lambda *a: (asked.append(1), look_up(*a))[1])
    for _ in range(20):
        send(a_request(a_span()))
    assert not asked
    again = a_request(a_span())
    send(again)
    send(again)
    assert asked
    assert count() == 21


@pytest.mark.long
def test_spans_sent_again_are_stored_once_after_a_restart_and_once_a_filter_is_full(
    parts, monkeypatch
):
    start, send, count = parts
    monkeypatch.setattr(dedup, "SPANS_MAX", 3)
    requests = [a_request(a_span()) for _ in range(12)]
    for request in requests:
        send(request)
    for request in requests:
        assert send(request).accepted == 1
    start()
    for request in requests:
        assert send(request).accepted == 1
    assert count() == 12


def test_the_same_ids_in_another_project_are_other_spans(parts):
    _, send, count = parts
    request = a_request(a_span())
    for project in ("one", "two", "one"):
        send(request, project=project)
    assert count() == 2
