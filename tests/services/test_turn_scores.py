"""Scores on turns, traces and spans reach their thread; targets that are not here are named."""

import json
import threading
import time
import uuid
import warnings

import httpx
import pytest
from builders import a_chat, a_request, new_trace_id
from conftest import Server, wait_until

from otel_threads.sdk.client import Client, UnknownTarget

NOW = time.time_ns() - 60_000_000_000
SECOND = 1_000_000_000


class Project:
    """A project of its own on the shared server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"p-{uuid.uuid4().hex[:8]}"

    def chat(self, thread: str, *texts: str, **fields) -> list:
        spans = [
            a_chat(thread, text, f"re: {text}", start=NOW + 10 * i * SECOND, **fields)
            for i, text in enumerate(texts or ("hello",))
        ]
        for span in spans:
            self.server.post(a_request(span), x_otel_threads_project=self.name)
        self.server.wait_derived()
        return spans

    def get(self, path: str, **query):
        return self.server.get(path, project=self.name, **query)

    def ids(self, **query) -> list[str]:
        return [one["thread_id"] for one in self.get("/threads", **query)["items"]]

    def score(self, status: int = 200, **fields) -> dict:
        return self.scores(fields, status=status)

    def scores(self, *many: dict, status: int = 200) -> dict:
        given = [{"project": self.name, **one} for one in many]
        answer = httpx.put(f"{self.server.api}/scores", json={"scores": given}, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()

    def turn_scores(self, thread: str) -> dict:
        return self.get("/threads/get", thread_id=thread)["turn_scores"]


@pytest.fixture
def project(server: Server) -> Project:
    return Project(server)


def on(span, **fields) -> dict:
    """A score on a span."""
    return {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex(), **fields}


def test_scores_of_turns_traces_and_spans_are_summed_up_for_the_thread(project):
    first, second = project.chat("t", "one", "two")
    project.scores(
        on(first, name="quality", value=0.1),
        {"trace_id": second.trace_id.hex(), "name": "quality", "value": 0.7},
        on(second, name="mood", category="calm"),
        on(first, name="mood", category="calm", author="ann"),
        on(first, name="mood", category="cross", author="bob"),
        {"thread_id": "t", "name": "quality", "value": 1},
    )

    expected = {
        "quality": {"count": 2, "mean": 0.4, "min": 0.1, "max": 0.7, "categories": {}},
        "mood": {
            "count": 2,
            "mean": None,
            "min": None,
            "max": None,
            "categories": {"calm": 2, "cross": 1},
        },
    }
    assert project.turn_scores("t") == expected
    assert project.get("/threads")["items"][0]["turn_scores"] == expected
    assert project.get("/threads", status="inactive")["items"] == []
    (active,) = project.get("/threads", status="active")["items"]  # goes through the view
    assert active["turn_scores"] == expected
    assert [s["value"] for s in active["scores"]] == [1]


def test_the_mean_of_several_authors_is_as_people_write_it(project):
    (span,) = project.chat("t")
    project.scores(
        on(span, name="q", value=0.1, author="ann", reason="curt"),
        on(span, name="q", value=0.7, author="bob", reason="fine"),
    )

    assert project.turn_scores("t")["q"]["mean"] == 0.4  # not 0.39999999999999997
    (score,) = project.get("/threads/turns", thread_id="t")["items"][0]["scores"]
    assert (score["value"], score["reason_by_author"]) == (0.4, {"ann": "curt", "bob": "fine"})
    assert project.ids(filter="turn_scores.q = 0.4") == ["t"]


FILTERS = [
    ("turn_scores.thumb = 0", ["bad"]),
    ("turn_scores.thumb.min = 0", ["bad", "mixed"]),
    ("turn_scores.thumb.max = 1", ["good", "mixed"]),
    ("turn_scores.thumb.count > 1", ["mixed"]),
    ("turn_scores.thumb.mean < 0.6", ["bad", "mixed"]),
    ("turn_scores.thumb is_null", ["plain"]),
    ("turn_scores.thumb is_not_null and not turn_scores.thumb = 0", ["good", "mixed"]),
    ("turn_scores.thumb != 0", ["good", "mixed", "plain"]),
    ("turn_scores.mood = 'cross'", ["mixed"]),
    ("turn_scores.mood contains 'RO'", ["mixed"]),
    ("turn_scores.mood.min is_null", ["bad", "good", "mixed", "plain"]),
    ("turn_scores.'a.max' = 3", ["good"]),
    ("turn_scores.'a.max'.max = 3 and status = 'active'", ["good"]),
]


@pytest.fixture(scope="module")
def scored(server: Server) -> Project:
    project = Project(server)
    (bad,), (good,) = project.chat("bad"), project.chat("good")
    mixed = project.chat("mixed", "one", "two")
    project.chat("plain")
    project.scores(
        on(bad, name="thumb", value=0),
        on(good, name="thumb", value=1),
        on(good, name="a.max", value=3),
        on(mixed[0], name="thumb", value=0),
        on(mixed[1], name="thumb", value=1),
        on(mixed[1], name="mood", category="cross"),
        {"thread_id": "plain", "name": "thumb", "value": 0},
    )
    return project


@pytest.mark.parametrize(("text", "expected"), FILTERS)
def test_threads_are_found_by_the_scores_of_their_turns(scored, text, expected):
    assert sorted(scored.ids(filter=text)) == expected


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("turn_scores = 1", "write turn_scores.NAME"),
        ("turn_scores.thumb.count = 'x'", "compared with a number"),
        ("turn_scores.thumb.min contains 'x'", "cannot be asked 'contains'"),
    ],
)
def test_a_wrong_filter_on_turn_scores_is_told(scored, text, wanted):
    answer = httpx.get(f"{scored.server.api}/threads", params={"filter": text})
    assert answer.status_code == 400
    assert wanted in answer.json()["detail"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("turn_scores.thumb", ["bad", "mixed", "good", "plain"]),
        ("-turn_scores.thumb", ["good", "mixed", "bad", "plain"]),
        ("-turn_scores.thumb.count", ["mixed", "bad", "good", "plain"]),
        ('-turn_scores."a.max"', ["good", "bad", "mixed", "plain"]),
        ("scores.thumb", ["plain", "bad", "good", "mixed"]),
    ],
)
@pytest.mark.parametrize("more", [{}, {"status": "active"}], ids=["plain", "view"])
def test_threads_are_sorted_by_scores_page_by_page(scored, sort, expected, more):
    assert scored.ids(sort=sort, **more) == expected
    found, cursor = [], None
    while True:
        page = scored.get("/threads", sort=sort, limit=1, cursor=cursor, **more)
        found += [one["thread_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert found == expected


def test_traces_are_found_and_sorted_by_the_scores_of_their_spans(project):
    low, high, none = project.chat("t", "one", "two", "three")
    project.scores(on(low, name="q", value=0.2), on(high, name="q", value=0.9))

    def ids(**query):
        return [one["trace_id"] for one in project.get("/traces", **query)["items"]]

    assert ids(filter="scores.q < 0.5") == [low.trace_id.hex()]
    assert ids(sort="-scores.q") == [one.trace_id.hex() for one in (high, low, none)]


def test_statistics_have_the_scores_of_turns_and_their_categories(scored):
    found = scored.get("/threads/stats")
    assert found["turn_scores"]["thumb"] == {
        "count": 4,
        "avg": 0.5,
        "min": 0,
        "max": 1,
        "categories": {},
    }
    assert found["turn_scores"]["mood"] == {
        "count": 1,
        "avg": None,
        "min": None,
        "max": None,
        "categories": {"cross": 1},
    }
    assert found["scores"]["thumb"]["count"] == 1
    some = scored.get("/threads/stats", filter="turn_scores.thumb.min = 0")
    assert some["turn_scores"]["thumb"]["count"] == 3


def test_sql_and_exports_have_the_scores_of_turns(scored):
    def rows(sql: str):
        answer = httpx.post(f"{scored.server.api}/sql", json={"sql": sql, "params": [scored.name]})
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]

    found = rows(
        "select thread_id, name, count, mean, min, max, categories from turn_scores"
        " where project = ? order by thread_id, name"
    )
    said = {}
    for thread_id, name, count, mean, low, high, categories in found:
        said.setdefault(thread_id, {})[name] = {
            "count": count,
            "mean": mean,
            "min": low,
            "max": high,
            "categories": categories,
        }
    assert said == {name: scored.turn_scores(name) for name in ("bad", "good", "mixed")}
    found = rows(
        "select thread_id, scores['thumb'], turn_scores['thumb'].min from annotated_threads"
        " where project = ? order by thread_id"
    )
    assert found == [["bad", None, 0], ["good", None, 1], ["mixed", None, 0], ["plain", 0, None]]
    exported = httpx.get(f"{scored.server.api}/export/threads", params={"project": scored.name})
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert {line["thread_id"]: line["turn_scores"] for line in lines} == {**said, "plain": {}}
    table = httpx.get(
        f"{scored.server.api}/export/threads",
        params={"project": scored.name, "format": "csv"},
    ).text.splitlines()
    assert "turn_scores" in table[0]
    assert any('""thumb"":0.5' in line for line in table)


def test_a_turn_is_a_target_and_keeps_its_score_when_turns_are_numbered_anew(project):
    _, second = project.chat("t", "one", "two")
    assert project.score(thread_id="t", turn_index=1, name="q", value=0.5)["unknown"] == []

    def scored_texts():
        turns = project.get("/threads/turns", thread_id="t")["items"]
        return [turn["user"] for turn in turns if turn["scores"]]

    assert scored_texts() == ["two"]
    assert project.turn_scores("t")["q"]["count"] == 1
    early = a_chat("t", "before", "re", start=NOW - 10 * SECOND)
    project.server.post(a_request(early), x_otel_threads_project=project.name)
    project.server.wait_derived()
    assert scored_texts() == ["two"]  # turn 2 now
    (score,) = project.get("/scores", thread_id="t")["items"]
    assert score["span_id"] == second.span_id.hex()
    deleted = httpx.post(
        f"{project.server.api}/scores/delete",
        json={"project": project.name, "thread_id": "t", "turn_index": 2, "name": "q"},
    )
    assert deleted.json() == {"deleted": 1}


def test_a_score_of_a_turn_that_is_not_here_yet_waits_for_it(project):
    project.chat("t", "one")
    answer = project.score(thread_id="t", turn_index=1, name="q", value=0.5)
    (unknown,) = answer["unknown"]
    assert (unknown["thread_id"], unknown["turn_index"]) == ("t", 1)
    assert unknown["hint"] == "thread 't' is here and has no turn 1"
    assert project.get("/threads/get", thread_id="t")["scores"] == []
    project.server.post(
        a_request(a_chat("t", "two", "re", start=NOW + 20 * SECOND)),
        x_otel_threads_project=project.name,
    )
    project.server.wait_derived()
    turns = project.get("/threads/turns", thread_id="t")["items"]
    assert [[s["value"] for s in turn["scores"]] for turn in turns] == [[], [0.5]]
    again = project.score(thread_id="t", turn_index=1, name="q", value=0.6)
    assert again["unknown"] == []
    assert project.turn_scores("t")["q"] == {
        "count": 1,
        "mean": 0.6,
        "min": 0.6,
        "max": 0.6,
        "categories": {},
    }


def test_targets_that_are_not_here_are_stored_and_named_with_a_hint(project):
    thread_id = f"t-{project.name}"
    (span,) = project.chat(thread_id)
    other = Project(project.server)
    answer = other.scores(
        {"thread_id": thread_id, "name": "q", "value": 1},
        {"thread_id": f"nowhere-{other.name}", "name": "q", "value": 1},
        {"trace_id": "ab" * 16, "name": "q", "value": 1},
        {"trace_id": span.trace_id.hex(), "span_id": "cd" * 8, "name": "q", "value": 1},
        on(span, name="q", value=1),
        {"trace_id": span.trace_id.hex(), "name": "r", "value": 1},
    )
    assert answer["written"] == 6
    assert [(one["index"], one["hint"]) for one in answer["unknown"]] == [
        (0, f"project {project.name!r} has thread {thread_id!r}"),
        (1, None),
        (2, None),
        (3, None),
    ]
    assert [one["trace_id"] for one in answer["unknown"]][2:] == ["ab" * 16, span.trace_id.hex()]
    other.chat(thread_id)
    assert [s["name"] for s in other.get("/threads/get", thread_id=thread_id)["scores"]] == ["q"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"trace_id": "ab" * 16, "turn_index": 0},
        {"thread_id": "t", "turn_index": -1},
        {"thread_id": "t", "turn_index": 1.5},
        {"turn_index": 0},
    ],
)
def test_a_wrong_turn_index_is_refused(project, wrong):
    project.score(400, name="q", value=1, **wrong)


def test_the_client_warns_of_targets_that_are_not_here(project):
    with Client(f"http://{project.server.addresses['http']}") as client:
        with pytest.warns(UnknownTarget, match="thread_id 'none-such'"):
            client.put_scores(
                [{"project": project.name, "thread_id": "none-such", "name": "q", "value": 1}]
            )
        project.chat("t")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            client.put_scores(
                [{"project": project.name, "thread_id": "t", "name": "q", "value": 1}]
            )


def test_threads_of_one_trace_have_the_scores_of_their_own_spans(project):
    """A batch job's trace holds several conversations."""
    trace_id = new_trace_id()
    spans = [
        a_chat(thread, "hi", "re", trace_id=trace_id, start=NOW + i)
        for i, thread in enumerate(("a", "b"))
    ]
    project.server.post(a_request(*spans), x_otel_threads_project=project.name)
    project.server.wait_derived()
    project.scores(
        on(spans[0], name="q", value=0),
        {"trace_id": trace_id.hex(), "name": "whole", "value": 1},
    )
    assert sorted(project.turn_scores("a")) == ["q", "whole"]
    assert sorted(project.turn_scores("b")) == ["whole"]
    assert project.ids(filter="turn_scores.q = 0") == ["a"]


def test_an_event_tells_of_a_score_on_a_span(project):
    (span,) = project.chat("t")
    with Client(f"http://{project.server.addresses['http']}") as client:
        events = client.watch_threads(project=project.name)
        found = []
        listening = threading.Thread(target=lambda: found.append(next(events)), daemon=True)
        listening.start()

        def heard() -> bool:
            project.scores(on(span, name="thumb", value=0))
            return bool(found)

        wait_until(heard, "an event of the thread")
        kind, thread = found[0]
    assert kind == "thread"
    assert thread["turn_scores"]["thumb"]["mean"] == 0
