"""Several nodes with a split of the spans give the threads of one node that has all of them."""

import random
from functools import partial

import pytest
from builders import a_chat, new_trace_id
from lakes import differences_of, needs_extra, reading
from stores import Store

from otel_threads.derive.deriver import derive_all
from otel_threads.engine import last_sequence
from otel_threads.lake import joining, layout, owner, report
from otel_threads.lake.shipper import Shipper
from otel_threads.store import outbox
from otel_threads.store.derived.derived_store import DuckDBDerivedStore

pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra
NODES = 3


def derive(database):
    derive_all(DuckDBDerivedStore(database), last_sequence(database))


def some_spans(rng, *, count, threads):
    """Return chats of threads: some failed, some with a tool that another trace answers, some of
    the same trace, some long, some without a thread."""
    spans = []
    start = 1_700_000_000 * 10**9
    for i in range(count):
        thread = rng.choice([None, *threads])
        start += rng.randrange(1, 10**10)
        begin = {"start": start}
        text = f"question {i} " + "of a long history " * rng.choice([0, 0, 100])
        answer = rng.choice([f"answer {i}", f"answer {i}", None])
        one = a_chat(thread, text, answer, **begin)
        if answer is None:
            one.status.code = 2
            one.status.message = f"failed {i}"
        spans.append(one)
        if rng.random() < 0.3:  # a second request of the same trace
            child = a_chat(
                rng.choice([thread, None]),
                f"inner {i}",
                f"inner answer {i}",
                trace_id=one.trace_id,
                parent_span_id=one.span_id,
                start=start + 1000,
            )
            spans.append(child)
    return spans


def assert_same(one_node, where):
    with reading(where) as lake, one_node.database.cursor() as cursor:
        assert differences_of(cursor, lake) == []


@pytest.fixture
def stores(tmp_path):
    made = []
    for name in ("one", *(f"node-{i}" for i in range(NODES))):
        (tmp_path / name).mkdir()
        made.append(Store(str(tmp_path / name)))
    for store in made[1:]:
        outbox.begin(store.database)
    yield made
    for store in made:
        store.close()


@pytest.mark.parametrize(("by", "seed", "seeds_max"), [("trace", 1, 2_000), ("span", 3, 2)])
def test_nodes_with_a_split_give_the_threads_of_one_node(
    stores, where, by, seed, seeds_max, monkeypatch
):
    """Also where one file is filled with little: the rest is joined in further ones."""
    monkeypatch.setattr(joining, "SEEDS_MAX", seeds_max)
    one, *nodes = stores
    rng = random.Random(seed)
    shippers = [Shipper(node.database, where) for node in nodes]
    join = partial(owner.once, where, derive, node_name="test")
    home = {}
    threads = [f"thread-{i}" for i in range(5)]
    for step in range(3):
        spans = some_spans(rng, count=20, threads=threads[: 3 + step])
        one.write(spans)
        parts = [[] for _ in nodes]
        for span in spans:
            key = span.trace_id if by == "trace" else span.span_id
            node = home.setdefault(key, rng.randrange(NODES))
            parts[node].append(span)
            if rng.random() < 0.1:  # a sender that had no answer sends it to another node, too
                parts[(node + 1) % NODES].append(span)
        for node, shipper, part in zip(nodes, shippers, parts, strict=True):
            if part:
                node.write(part)
            shipper.ship()
        assert join().is_ours
        assert_same(one, where)
    with reading(where) as lake:
        of_files = "select max(lake_batch) from stored.lake_batches where lake_node = 'joined'"
        files = lake.execute(of_files).fetchone()[0]
    assert files > 3 if seeds_max == 2 else files <= 3
    for shipper in shippers:
        shipper.close()
    assert report.look(where, verify=True).differences == []


def test_a_tools_result_finds_its_asking_on_another_node(stores, where):
    import json

    one, first, second, _ = stores
    asking = a_chat("thread", "look it up", None)
    asked = [
        {"role": "user", "parts": [{"type": "text", "content": "look it up"}]},
        {
            "role": "assistant",
            "parts": [
                {
                    "type": "tool_call",
                    "id": "call-1",
                    "name": "lookup",
                    "arguments": {"city": "Rome"},
                }
            ],
        },
    ]
    brings = a_chat(None, "x", "It is warm", start=asking.start_time_unix_nano + 5 * 10**9)
    brought = [
        *asked,
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "call-1", "response": "warm"}],
        },
    ]
    for span, messages, name in (
        (asking, asked[1:], "gen_ai.output.messages"),
        (brings, brought, "gen_ai.input.messages"),
    ):
        found = [a for a in span.attributes if a.key == name]
        if not found:
            found = [span.attributes.add(key=name)]
        found[0].value.string_value = json.dumps(messages)
    one.write([asking, brings])
    with one.database.cursor() as cursor:
        found = cursor.execute("select thread_id, trace_count from x_thread_facts").fetchall()
    assert found == [("thread", 2)]
    for store, span in ((first, asking), (second, brings)):
        store.write([span])
        shipper = Shipper(store.database, where)
        shipper.ship()
        shipper.close()
    owner.once(where, derive, node_name="test")
    assert_same(one, where)


def test_what_was_said_of_a_joined_thread_keeps_its_order(stores, where):
    _, first, second, _ = stores
    first.write([a_chat("thread", "a", "b")])
    with first.database.transaction() as cursor:
        cursor.execute(
            "insert into x_score_records (project, thread_id, name, value, source, author, updated_at,"
            " sequence) values ('default', 'thread', 'q', 1, 'api', 'ada', now(), ?)",
            [first.writer.committed_sequence],
        )
        cursor.execute("insert into x_settings values ('scores_on_new_trace', 'supersede')")
    second.write([a_chat("thread", "c", "d", trace_id=new_trace_id())])
    for store in (first, second):
        shipper = Shipper(store.database, where)
        shipper.ship()
        shipper.close()
    owner.once(where, derive, node_name="test")
    asked = "select value, superseded_at is not null from scores"
    with reading(where) as lake:
        assert lake.execute(asked).fetchall() == [(1.0, True)]  # the second trace came later
        assert lake.execute("select count(*) from threads").fetchall() == [(1,)]
    assert layout.JOINED == "joined"
