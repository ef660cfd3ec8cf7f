"""With `lake_acknowledge=lake` an answer means that the lake has what was sent."""

import contextlib
from concurrent.futures import Future

import httpx
import pytest
from builders import a_chat, a_request
from conftest import wait_until
from lakes import needs_extra, reading

from otel_threads.core.errors import Overloaded, StoreClosed, StoreFailed
from otel_threads.core.model import Outcome, Request, Signal
from otel_threads.lake import acknowledging
from otel_threads.lake.acknowledging import AcknowledgingIntake

pytest_plugins = ["lake_fixtures"]
REQUEST = Request(signal=Signal.TRACES, payload=b"")


class Node:
    """An intake whose commits and batches come when a test says so."""

    def __init__(self) -> None:
        self.committed = self.shipped = 0
        self.sent: list[Future[Outcome]] = []
        self.intake = AcknowledgingIntake(
            self, committed=lambda: self.committed, shipped=lambda: self.shipped
        )

    def submit(self, request: Request) -> Future:
        self.sent.append(Future())
        return self.sent[-1]

    def commit(self, *, accepted: int = 1) -> None:
        self.committed += 1
        self.sent[-1].set_result(Outcome(accepted=accepted))


@pytest.fixture
def node():
    made = Node()
    yield made
    made.intake.close()


def test_answers_come_with_the_batch_of_their_commit(node):
    first = node.intake.submit(REQUEST)
    node.commit()
    second = node.intake.submit(REQUEST)
    node.commit()
    assert not first.done()
    node.shipped = 1
    assert first.result(30).accepted == 1
    assert not second.done()
    node.shipped = 2
    assert second.result(30).accepted == 1


def test_what_holds_nothing_waits_for_nothing(node):
    answer = node.intake.submit(REQUEST)
    node.commit(accepted=0)
    assert answer.result(30).accepted == 0


def test_what_was_not_stored_is_told_at_once(node):
    answer = node.intake.submit(REQUEST)
    node.sent[-1].set_exception(StoreFailed("full"))
    with pytest.raises(StoreFailed, match="full"):
        answer.result(30)


def test_a_lake_that_is_away_is_told_in_time(node, monkeypatch):
    monkeypatch.setattr(acknowledging, "WAIT_S_MAX", 0.05)
    answer = node.intake.submit(REQUEST)
    node.commit()
    with pytest.raises(StoreFailed, match="lake_acknowledge=lake"):
        answer.result(30)


def test_answers_that_wait_are_bounded(node, monkeypatch):
    monkeypatch.setattr(acknowledging, "WAITING_MAX", 2)
    answers = []
    for _ in range(3):
        answers.append(node.intake.submit(REQUEST))
        node.commit()
    with pytest.raises(Overloaded, match="2 answers"):
        answers[2].result(30)
    node.shipped = 3
    assert [answer.result(30).accepted for answer in answers[:2]] == [1, 1]


def test_a_stop_lets_everybody_go(node):
    waiting = node.intake.submit(REQUEST)
    node.commit()
    node.intake.close()
    late = node.intake.submit(REQUEST)
    node.commit()
    for answer in (waiting, late):
        with pytest.raises(StoreClosed):
            answer.result(30)


@needs_extra
def test_what_is_answered_is_in_the_lake(make_server, postgres_lake, postgres):
    where = postgres_lake
    server = make_server(lake_catalog=where.catalog, lake_data=where.data, lake_acknowledge="lake")
    for n in range(3):
        assert server.post(a_request(a_chat(f"t{n}", "hi", "ho"))).status_code == 200
        with reading(where) as lake:
            found = lake.execute("select count(*) from spans").fetchone()
        assert found == (n + 1,)
    postgres.stop()
    try:
        answer = server.post(a_request(a_chat("t3", "hi", "ho")))
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
    finally:
        postgres.start()

    def taken() -> bool:  # the sender sends it again, and it counts once
        with contextlib.suppress(httpx.HTTPError):
            return server.post(a_request(a_chat("t4", "hi", "ho"))).status_code == 200
        return False

    wait_until(taken, "the lake is back", 120)
    with reading(where) as lake:
        found = lake.execute("select count(distinct thread_id) from threads").fetchone()
    assert found[0] >= 5
