"""Score definitions, review queues, locks and agreement, over one engine without a server."""

import datetime
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from builders import a_chat, a_request

from otel_threads.core.config import Config
from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.model import Request, Signal
from otel_threads.engine import Engine
from otel_threads.on_file import in_process
from otel_threads.store.reviews import review_rows


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    engine = Engine(Config(database=str(tmp_path_factory.mktemp("reviews") / "x.duckdb")))
    now = time.time_ns()
    spans = [a_chat(f"t-{n}", "hi", "ho", start=now + n * 1000) for n in range(4)]
    request = Request(
        signal=Signal.TRACES, payload=a_request(*spans), project="shop", received_unix_nano=now
    )
    engine.intake.submit(request).result(60)
    engine.deriver.wait(engine.writer.committed_sequence, 60)
    with in_process(engine.services) as found:
        yield found
    engine.close()


HERE = {"project": "shop"}


@pytest.mark.long
def test_a_definition_is_kept_changed_and_deleted(client):
    client.put_score_definition("tone", "categorical", categories=[{"label": "kind"}], **HERE)
    made = client.put_score_definition(
        "tone",
        "categorical",
        categories=[{"label": "kind", "value": 1}, {"label": "curt", "value": 0}],
        description="How it sounds",
        better="higher",
        **HERE,
    )
    (found,) = client.list_score_definitions(**HERE)
    assert found == made
    assert found["categories"] == [{"label": "kind", "value": 1}, {"label": "curt", "value": 0}]
    assert found["created_at"] < found["updated_at"]
    rows = client.sql("select name, kind, better from score_definitions").fetchall()
    assert rows == [("tone", "categorical", "higher")]
    client.delete_score_definition("tone", **HERE)
    assert list(client.list_score_definitions(**HERE)) == []
    with pytest.raises(NotFound):
        client.delete_score_definition("tone", **HERE)


@pytest.mark.parametrize(
    ("kind", "more", "wanted"),
    [
        ("categorical", {}, "needs categories"),
        ("numeric", {"categories": [{"label": "x"}]}, "has none"),
        ("numeric", {"min": 2, "max": 1}, "min 2 is above max 1"),
        ("boolean", {"min": 0}, "no min and max"),
        ("categorical", {"categories": [{"label": "x"}, {"label": "x"}]}, "each label once"),
        ("strange", {}, "kind"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(client, kind, more, wanted):
    with pytest.raises(InvalidQuery, match=wanted):
        client.put_score_definition("q", kind, **more, **HERE)


@pytest.mark.parametrize(
    ("score", "wanted"),
    [
        ({"name": "stars", "value": 6}, "not between 1 and 5"),
        ({"name": "stars", "category": "x"}, "has no value"),
        ({"name": "solved", "value": 0.5}, "neither 0 nor 1"),
        ({"name": "mood", "category": "odd"}, "none of 'calm'"),
        ({"name": "stars", "value": 5}, None),
        ({"name": "solved", "value": 1}, None),
        ({"name": "mood", "category": "calm", "value": 0}, "'calm', which stands for 1, not 0"),
        ({"name": "stars", "value": 5, "category": "x"}, "has the category 'x'"),
        ({"name": "solved", "value": 1, "category": "x"}, "has the category 'x'"),
        ({"name": "mood", "category": "calm"}, None),
        ({"name": "mood", "category": "calm", "value": 1}, None),
        ({"name": "free", "value": -7}, None),
    ],
)
def test_scores_are_checked_on_request(client, score, wanted):
    client.put_score_definition("stars", "numeric", min=1, max=5, **HERE)
    client.put_score_definition("solved", "boolean", **HERE)
    calm = [{"label": "calm", "value": 1}]
    client.put_score_definition("mood", "categorical", categories=calm, **HERE)
    body = {"scores": [{"thread_id": "t-0", **HERE, **score}], "check_definitions": True}
    answer = client._http.put("/scores", json=body)
    assert answer.status_code == (400 if wanted else 200)
    assert (wanted or "") in answer.text
    unchecked = client._http.put("/scores", json={"scores": body["scores"]})
    assert unchecked.status_code == 200
    client.delete_scores([{"thread_id": "t-0", "name": score["name"], **HERE}])


@pytest.mark.long
def test_a_queue_is_worked_off_by_several_reviewers(client):
    queue = client.create_review_queue(
        "week 1", ["quality"], filter='thread_id < "t-3"', reviewers_per_thread=2, **HERE
    )
    assert (queue["done_count"], queue["total_count"]) == (0, 3)
    queue_id = queue["queue_id"]
    first = client.next_review(queue_id, "ann")
    assert (first["thread_id"], first["total_count"]) == ("t-0", 3)
    until = datetime.datetime.fromisoformat(first["locked_until"])
    left = until - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(minutes=14) < left <= datetime.timedelta(minutes=15)
    assert client.next_review(queue_id, "ann")["thread_id"] == "t-0"  # until it is done
    assert client.next_review(queue_id, "bob")["thread_id"] == "t-0"  # two may review it
    assert client.next_review(queue_id, "cid")["thread_id"] == "t-1"
    done = client.finish_review(queue_id, "t-0", "ann")
    assert done == {"done_count": 0, "total_count": 3}
    assert client.finish_review(queue_id, "t-0", "bob")["done_count"] == 1
    assert client.next_review(queue_id, "ann")["thread_id"] == "t-1"
    for thread_id in ("t-1", "t-2"):
        client.finish_review(queue_id, thread_id, "ann")
        client.finish_review(queue_id, thread_id, "bob")
    over = client.next_review(queue_id, "ann")
    assert (over["thread_id"], over["own_done_count"], over["done_count"]) == (None, 3, 3)
    assert client.next_review(queue_id, "dan")["thread_id"] is None
    with pytest.raises(NotFound, match="t-3"):
        client.finish_review(queue_id, "t-3", "ann")
    rows = client.sql("select count(*) from reviews where queue_id = ?", [queue_id]).fetchone()
    assert rows == (6,)


@pytest.mark.long
def test_a_queue_may_ask_for_the_score_that_it_collects(client, monkeypatch):
    """What a reviewer has begun stays in the queue, whatever the filter says of it now."""
    queue_id = client.create_review_queue(
        "unscored",
        ["fresh"],
        filter='scores.fresh is_null and thread_id < "t-2"',
        reviewers_per_thread=2,
        **HERE,
    )["queue_id"]

    def scores_next(reviewer: str) -> str:
        thread_id = client.next_review(queue_id, reviewer)["thread_id"]
        given = {"thread_id": thread_id, "name": "fresh", "value": 4, "author": reviewer}
        client.put_scores([{**given, **HERE}])
        return thread_id

    assert scores_next("ann") == "t-0"
    done = client.finish_review(queue_id, "t-0", "ann")
    assert done == {"done_count": 0, "total_count": 2}
    assert scores_next("bob") == "t-0"  # the second reviewer
    assert client.finish_review(queue_id, "t-0", "bob")["done_count"] == 1
    assert scores_next("ann") == "t-1"
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    monkeypatch.setattr(review_rows, "_now", lambda: later)  # ann's lock is over
    assert [scores_next("bob"), scores_next("cid")] == ["t-1", "t-1"]
    for reviewer in ("ann", "bob"):
        done = client.finish_review(queue_id, "t-1", reviewer)
    assert done == {"done_count": 2, "total_count": 2}
    (agreement,) = client.get_agreement(queue_id)["items"]
    assert (agreement["thread_count"], agreement["agreement"]) == (2, 1)
    with pytest.raises(NotFound, match="t-3"):
        client.finish_review(queue_id, "t-3", "ann")
    client.delete_review_queue(queue_id)


def test_reviewers_who_ask_at_once_get_different_threads(client):
    queue = client.create_review_queue("rush", ["q"], filter="turn_count > 0", **HERE)
    names = [f"reviewer-{n}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: client.next_review(queue["queue_id"], one), names))
    given = [one["thread_id"] for one in found if one["thread_id"]]
    assert sorted(given) == ["t-0", "t-1", "t-2", "t-3"]


def test_a_lock_ends_by_itself(client, monkeypatch):
    queue = client.create_review_queue("locks", ["q"], thread_ids=["t-1", "t-2"], **HERE)
    queue_id = queue["queue_id"]
    assert client.next_review(queue_id, "ann")["thread_id"] == "t-1"
    assert client.next_review(queue_id, "bob")["thread_id"] == "t-2"
    assert client.next_review(queue_id, "cid")["thread_id"] is None
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=16)
    monkeypatch.setattr(review_rows, "_now", lambda: later)
    assert client.next_review(queue_id, "cid")["thread_id"] == "t-1"


def test_a_queue_is_changed_listed_and_deleted(client):
    queue = client.create_review_queue("change", ["q"], thread_ids=["t-1", "t-9"], **HERE)
    assert queue["total_count"] == 1  # t-9 is not here
    changed = client.update_review_queue(queue["queue_id"], filter="turn_count > 0")
    assert (changed["thread_ids"], changed["total_count"]) == (None, 4)
    assert changed["created_at"] == queue["created_at"]
    names = [one["name"] for one in client.list_review_queues(**HERE)]
    assert "change" in names
    client.delete_review_queue(queue["queue_id"])
    with pytest.raises(NotFound):
        client.get_review_queue(queue["queue_id"])


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, "a filter or thread_ids"),
        ({"filter": "nonsense"}, "filter"),
        ({"filter": "turn_count > 0", "thread_ids": ["a"]}, "not both"),
        ({"filter": "turn_count > 0", "reviewers_per_thread": 0}, "reviewers_per_thread"),
    ],
)
def test_a_queue_that_cannot_be_is_refused(client, more, wanted):
    with pytest.raises(InvalidQuery, match=wanted):
        client.create_review_queue("wrong", ["q"], **more, **HERE)


@pytest.mark.long
def test_agreement_is_told_by_score(client):
    client.put_score_definition("stars", "numeric", min=1, max=5, **HERE)
    queue = client.create_review_queue(
        "agreement", ["stars", "mood", "unused"], filter="turn_count > 0", **HERE
    )
    given = {
        "ann": [(1, "calm"), (2, "calm"), (5, "cross"), (4, "calm")],
        "bob": [(1, "calm"), (3, "cross"), (5, "cross"), (4, "calm")],
    }
    for author, scores in given.items():
        for n, (stars, mood) in enumerate(scores):
            target = {"thread_id": f"t-{n}", "author": author, **HERE}
            client.put_scores(
                [
                    {**target, "name": "stars", "value": stars},
                    {**target, "name": "mood", "category": mood},
                ]
            )
            client.finish_review(queue["queue_id"], f"t-{n}", author)
    found = {one["name"]: one for one in client.get_agreement(queue["queue_id"])["items"]}
    assert found["stars"]["kind"] == "interval"
    # By hand: observed 2·1² over 8 values; expected from all pairs of 1,1,2,3,5,5,4,4.
    assert found["stars"]["alpha"] == pytest.approx(1 - 2 / (2 * 151 / 7), abs=0.001)
    assert found["mood"]["kind"] == "nominal"
    # By hand: coincidences 5 calm, 3 cross: observed 2, expected 2·5·3/7.
    assert found["mood"]["alpha"] == pytest.approx(1 - 2 / (30 / 7))
    assert found["mood"]["agreement"] == 0.75
    assert (found["mood"]["thread_count"], found["mood"]["reviewer_count"]) == (4, 2)
    assert found["unused"]["alpha"] is None
