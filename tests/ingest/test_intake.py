"""How requests are gathered into groups, and when that counts as heavy."""

import sys
import threading
import time

import pytest
from builders import a_chat, a_request
from conftest import wait_until

from otel_threads.core.errors import Overloaded, TooLarge, Unavailable
from otel_threads.core.model import Load, Request, Signal
from otel_threads.decode.counts import SPAN_BYTES
from otel_threads.ingest import intake as receiving
from otel_threads.ingest.intake import MANY_REQUESTS, GroupIntake


class HeldWriter:
    """A `SpanWriter` that answers when the test says so."""

    def __init__(self):
        self.batches = []

    def write(self, batch, done):
        self.batches.append((batch.spans["spans"].num_rows, done))

    def close(self):
        pass


@pytest.fixture
def held(monkeypatch):
    monkeypatch.setattr(receiving, "GATHER_S", 60.0)  # so long that a test would notice
    writer = HeldWriter()
    intake = GroupIntake(
        writer, inflight_bytes_max=1 << 26, event_names=("gen_ai.*",), default_project="p"
    )
    yield writer, intake
    for _, done in writer.batches:
        done(None)
    intake.close()


def submit(intake):
    payload = a_request(a_chat("t", "hi", "ho"))
    intake.reserve(len(payload))
    return intake.submit(
        Request(signal=Signal.TRACES, payload=payload, received_unix_nano=time.time_ns())
    )


def test_a_sender_alone_never_waits_for_others(held):
    writer, intake = held
    for count in (1, 2, 3):
        future = submit(intake)
        wait_until(lambda count=count: len(writer.batches) == count, "it is written", 10)
        writer.batches.pop()[1](None)
        writer.batches += [(0, lambda _: None)] * (count - len(writer.batches))
        assert future.result(10).accepted == 1


def test_payloads_are_let_go_once_they_are_decoded(held):
    writer, intake = held
    payload = a_request(a_chat("t", "hi", "ho"))
    references = sys.getrefcount(payload)
    future = intake.submit(Request(signal=Signal.TRACES, payload=payload))
    wait_until(lambda: len(writer.batches) == 1, "it is being written", 10)
    wait_until(lambda: sys.getrefcount(payload) == references, "nobody holds the payload", 10)
    assert not future.done()


def submit_bytes(intake, payload, signal=Signal.TRACES):
    intake.reserve(len(payload))
    return intake.submit(Request(signal=signal, payload=payload))


def empty_spans(count):
    """Return a request of spans without ids, which are counted and then refused one by one."""
    content = b"\x12\x00" * count
    spans = b"\x12" + _length(len(content)) + content
    return b"\x0a" + _length(len(spans)) + spans


def _length(number):
    return bytes([number & 127 | 128, number >> 7 & 127 | 128, number >> 14])


@pytest.mark.parametrize("count", [100_001, 1_000_000])
def test_a_request_over_a_bound_is_refused_for_good_and_others_are_stored(held, count):
    writer, intake = held
    future, good = submit_bytes(intake, empty_spans(count)), submit(intake)
    with pytest.raises(TooLarge, match="spans_per_request_max"):
        future.result(60)
    wait_until(lambda: len(writer.batches) == 1, "the other is written", 10)
    writer.batches.pop()[1](None)
    assert good.result(10).accepted == 1
    wait_until(lambda: not intake.unanswered, "nothing is left", 10)


@pytest.mark.long
def test_what_is_large_does_not_keep_the_others_waiting(held, monkeypatch):
    writer, intake = held
    go_on, has_begun = threading.Event(), threading.Event()
    decode = receiving.columns.decode

    def slow(requests, **names):
        if len(requests[0].payload) > 100_000:
            has_begun.set()
            assert go_on.wait(60)
        return decode(requests, **names)

    monkeypatch.setattr(receiving.columns, "decode", slow)
    large = submit_bytes(intake, empty_spans(60_000))
    assert has_begun.wait(60)
    small = submit(intake)
    wait_until(lambda: len(writer.batches) == 1, "the small one is written", 10)
    writer.batches.pop()[1](None)
    assert small.result(10).accepted == 1
    assert not large.done()
    go_on.set()
    assert sum(large.result(60).refused.values()) == 60_000


def test_what_a_request_takes_decoded_is_in_flight_until_it_is_written(held):
    writer, intake = held
    payload = a_request(*(a_chat("t", "hi", "ho") for _ in range(400)))
    future = submit_bytes(intake, payload)
    wait_until(lambda: len(writer.batches) == 1, "it is being written", 10)
    assert intake.inflight_bytes > len(payload) + 400 * SPAN_BYTES
    with pytest.raises(Overloaded, match="are in flight, 67108864 allowed"):
        intake.reserve(67_000_000)
    intake.release(len(payload))
    writer.batches.pop()[1](None)
    assert future.result(10).accepted == 400
    assert intake.inflight_bytes == 0


@pytest.mark.parametrize("count", [1, 3])
def test_no_memory_is_no_reason_to_send_again(held, monkeypatch, count):
    """A sender that tries again would only do the same once more."""

    def fails(requests, **names):
        raise MemoryError

    _, intake = held
    with monkeypatch.context() as broken:
        broken.setattr(receiving.columns, "decode", fails)
        futures = [submit(intake) for _ in range(count)]
        for future in futures:
            with pytest.raises(TooLarge, match="no memory to decode"):
                future.result(60)
    assert not intake.unanswered


def test_a_writer_that_fails_unexpectedly_is_told_to_the_sender_and_ends_nothing(held, monkeypatch):
    writer, intake = held
    with monkeypatch.context() as broken:
        broken.setattr(writer, "write", lambda batch, done: [][0])
        with pytest.raises(Unavailable, match="IndexError"):
            submit(intake).result(10)
    future = submit(intake)
    wait_until(lambda: len(writer.batches) == 1, "the next one is being written", 10)
    writer.batches.pop()[1](None)
    assert future.result(10).accepted == 1
    assert not intake.unanswered


def test_senders_that_come_back_share_the_next_group(held):
    writer, intake = held
    first = submit(intake)
    wait_until(lambda: len(writer.batches) == 1, "the first is being written", 10)
    second = submit(intake)  # waits for the commit
    writer.batches[0][1](None)
    assert first.result(10).accepted == 1
    third = submit(intake)  # of the sender that was answered
    wait_until(lambda: len(writer.batches) == 2, "both are written", 10)
    assert writer.batches[1][0] == 2
    writer.batches[1][1](None)
    assert second.result(10).accepted == third.result(10).accepted == 1
    writer.batches.clear()


def test_many_requests_are_heavy_however_small(held):
    writer, intake = held
    assert intake.load is Load.IDLE
    futures = [submit(intake)]
    wait_until(lambda: len(writer.batches) == 1, "the first is being written", 10)
    assert intake.load is Load.LIGHT
    futures += [submit(intake) for _ in range(MANY_REQUESTS)]
    assert intake.load is Load.HEAVY
    writer.batches[0][1](None)
    futures.append(submit(intake))
    wait_until(lambda: len(writer.batches) == 2, "the others are one group", 10)
    assert writer.batches[1][0] == MANY_REQUESTS + 1
    writer.batches[1][1](None)
    assert all(future.result(10).accepted == 1 for future in futures)
    assert intake.load is Load.HEAVY  # most of them come back at once
    wait_until(lambda: intake.load is Load.LIGHT, "they do not come back", 10)
    writer.batches.clear()
