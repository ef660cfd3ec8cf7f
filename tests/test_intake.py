"""How requests are gathered into groups, and when that counts as heavy."""

import sys
import time

import pytest
from builders import a_chat, a_request
from conftest import wait_until

from otel_threads.errors import Unavailable
from otel_threads.model import Load, Request, Signal
from otel_threads.receive import intake as receiving
from otel_threads.receive.intake import MANY_REQUESTS, GroupIntake


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
    intake = GroupIntake(writer, inflight_bytes_max=1 << 20, default_project="p")
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
