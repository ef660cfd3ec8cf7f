"""Filters by builtin scores, over a real database, without any rule."""

import json
import time

import orjson
import pytest
from builders import a_chat, a_request, a_span

from otel_threads.core.config import Config
from otel_threads.core.errors import InvalidFilter, InvalidQuery, QueryTimeout
from otel_threads.core.model import Request, Signal
from otel_threads.engine import Engine
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.conversation import conversation_of_thread
from otel_threads.ingest import demo_requests
from otel_threads.services import builtin_filter


class Store:
    def __init__(self, folder) -> None:
        self.engine = Engine(Config(database=str(folder / "x.duckdb"), thread_cooldown_s=0.2))
        self.threads = self.engine.services.threads

    def send(self, *spans, project="p") -> None:
        request = Request(
            signal=Signal.TRACES,
            payload=a_request(*spans),
            project=project,
            received_unix_nano=time.time_ns(),
        )
        self.engine.intake.submit(request).result(60)
        self.caught_up()

    def caught_up(self) -> None:
        assert self.engine.deriver.wait(self.engine.writer.committed_sequence, 60)

    def found(self, filter: str, **given) -> list[str]:
        page = self.threads.threads(filter=filter, sort="thread_id", limit=1000, **given)
        return sorted(one.thread_id for one in page.items)


def a_silent(thread_id: str):
    """A request that was asked and not answered."""
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Where is my refund?"}]}]
    return a_span(
        name="chat",
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.conversation.id": thread_id,
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.input.messages": json.dumps(asked),
        },
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("builtin"))
    question = "How do I reset my password?"
    store.send(*[a_chat(one, question, "Click on the link in the mail.") for one in ("a", "b")])
    store.send(a_chat("a", "I asked how to reset the password!", "Was ist das für eine Frage?"))
    store.send(a_silent("silent"))
    demo_requests.load(store.engine.intake)
    store.caught_up()
    yield store
    store.engine.close()


@pytest.mark.long
def test_each_selects_what_a_rule_would_score_so(store):
    """Of every recorded conversation, as the scorers say of the JSON that rules get."""
    threads = store.threads.threads(project="*", limit=1000).items
    truth = {}
    for thread, turns in store.threads.turns_of(threads):
        given = orjson.loads(orjson.dumps(thread))
        given["turns"] = orjson.loads(orjson.dumps(turns))
        conversation = conversation_of_thread(given, store.threads.ranges(thread.project))
        for name, one in BUILTINS.items():
            scored = one.score(conversation)
            value = scored[0].value if scored else None
            truth.setdefault(name, {}).setdefault(value, []).append(thread.thread_id)
    assert len(threads) > 10
    for name, by_value in truth.items():
        for value, ids in by_value.items():
            asked = "is_null" if value is None else f"= {value}"
            assert store.found(f"builtin.{name} {asked}", project="*") == sorted(ids), name
    assert {name for name, of in truth.items() if any(of.keys() - {0, None})} >= {
        "repeated_question",
        "unanswered",
    }


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ("builtin.repeated_question = 1", ["a"]),
        ("builtin.repeated_question >= 1 and turn_count = 2", ["a"]),
        ("builtin.repeated_question != 1", ["b", "silent"]),
        ("not builtin.repeated_question > 0", ["b", "silent"]),
        ("builtin.unanswered = true", ["silent"]),
        ("builtin.unanswered = false and builtin.repeated_question < 1", ["b"]),
        ('builtin.unanswered = 1 or thread_id = "b"', ["b", "silent"]),
        ("builtin.repeated_question in (1, 2)", ["a"]),
        ("builtin.repeated_question not_in (1, 2)", ["b", "silent"]),
        ("builtin.slow is_null", ["a", "b", "silent"]),
        ("builtin.slow is_not_null", []),
        ("builtin.slow != 1", ["a", "b", "silent"]),
        ("builtin.unanswered = 1 and builtin.unanswered = 0", []),
    ],
)
def test_they_are_compared_as_numbers_are_and_joined(store, filter, ids):
    assert store.found(filter, project="p") == ids


def test_sums_pages_and_exports_take_them(store):
    filter = "builtin.unanswered = 0"
    assert store.threads.thread_stats(project="p", filter=filter).thread_count == 2
    first = store.threads.threads(project="p", filter=filter, limit=1, with_total=True)
    assert first.total == 2
    then = store.threads.threads(
        project="p", filter=filter, limit=1, with_total=True, cursor=first.next_cursor
    )
    assert {one.thread_id for one in (*first.items, *then.items)} == {"a", "b"}
    assert then.next_cursor is None


@pytest.mark.long
def test_what_was_counted_is_counted_again_when_the_thread_changes(store):
    store.send(a_silent("later"), project="changes")
    assert store.found("builtin.unanswered = 1", project="changes") == ["later"]
    store.send(a_chat("later", "And now?", "It is on its way."), project="changes")
    assert store.found("builtin.unanswered = 1", project="changes") == []


@pytest.mark.parametrize(
    ("filter", "told"),
    [
        ("builtin.unanswerd = 1", r"position 0.*'unanswerd'.*unanswered.*known: repeated_question"),
        ("builtin = 1", r"position 0: write builtin\.NAME"),
        ('builtin.slow = "yes"', r"compared with a number or a boolean"),
        ('builtin.slow contains "x"', r"cannot be asked 'contains'"),
    ],
)
def test_what_cannot_be_asked_is_named(store, filter, told):
    with pytest.raises(InvalidFilter, match=told):
        store.found(filter, project="p")


def test_traces_have_none(store):
    with pytest.raises(InvalidFilter, match="unknown field 'builtin'"):
        store.threads.traces(project="p", filter="builtin.slow = 1")


def test_as_many_threads_are_counted_as_the_bound_says(store, monkeypatch):
    monkeypatch.setattr(builtin_filter, "THREADS_MAX", 2)
    told = r"builtin\.unanswered is counted over 2 threads at most.* 3 are selected: narrow"
    with pytest.raises(InvalidQuery, match=told):
        store.found("builtin.unanswered = 1", project="p")
    assert store.found('builtin.unanswered = 1 and thread_id = "silent"', project="p") == ["silent"]


def test_counting_ends_at_its_time(store, monkeypatch):
    store.send(a_silent("slow-to-count"), project="timed")
    monkeypatch.setattr(builtin_filter, "SECONDS_MAX", -1.0)
    with pytest.raises(QueryTimeout, match="narrow by time"):
        store.found("builtin.unanswered = 1", project="timed")


def test_what_is_kept_is_bounded(store, monkeypatch):
    monkeypatch.setattr(builtin_filter, "THREADS_MAX", 3)
    store.found("builtin.unanswered = 1", project="p")
    assert len(store.threads._builtins._kept) <= 3


def test_a_rule_takes_them_in_its_filter(store):
    ids = store.threads.thread_ids(
        project="p", thread_ids=["a", "silent"], filter="builtin.unanswered = 1", limit=2
    )
    assert ids == ["silent"]
