"""A history is stored once, and every value comes back as it was sent."""

import json
import random
import string

import pyarrow as pa
import pytest
from builders import a_span
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import Store

from otel_threads.core.ports import Work
from otel_threads.decode.tables import CONTENT
from otel_threads.shared_beginning import shared_length
from otel_threads.store.spans import chains, writer
from otel_threads.store.spans.chains import Chains

LETTERS = string.ascii_lowercase + "éü€🙂\0"
KEY = "gen_ai.input.messages"


class Senders:
    """Some conversations that grow, are cut, branch, and are sent whole each time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        system = {"role": "system", "content": self.words(120)}
        self.histories = [[system] if n % 2 else [] for n in range(5)]
        self.sent: dict[str, str] = {}  # by trace id

    def words(self, count: int) -> str:
        return " ".join("".join(self.random.choices(LETTERS, k=6)) for _ in range(count))

    def spans(self):
        for _ in range(self.random.randint(1, 5)):
            history = self.random.choice(self.histories)
            chance = self.random.random()
            if chance < 0.75 or not history:
                history.append(
                    {"role": "user", "content": self.words(self.random.choice([2, 40, 4000]))}
                )
            elif chance < 0.9:
                del history[self.random.randint(0, len(history) - 1) :]
            text = json.dumps(
                history, ensure_ascii=False, indent=self.random.choice([None, None, 1])
            )
            if chance > 0.97:
                text = text[: len(text) // 2]  # cut by the sender: no JSON
            span = a_span(attributes={KEY: text})
            if self.random.random() < 0.3:
                span.events.add(name="e", time_unix_nano=span.start_time_unix_nano).attributes.add(
                    key=KEY
                ).value.string_value = text
            self.sent[span.trace_id.hex()] = text
            yield span


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path))
    yield made
    made.close()


@pytest.mark.long
def test_every_value_comes_back_in_whatever_order_it_was_cut_and_continued(store, monkeypatch):
    for seed in range(4):
        senders = Senders(seed)
        for _ in range(12):
            store.write(list(senders.spans()), derive=False)
        check(store, senders.sent)


@pytest.mark.long
def test_a_short_hash_costs_bytes_and_nothing_else(store, monkeypatch):
    class Short:
        def update(self, data) -> None:
            pass

        def intdigest(self) -> int:
            return 7

    monkeypatch.setattr(chains.xxhash, "xxh3_64", Short)
    senders = Senders(9)
    for _ in range(15):
        store.write(list(senders.spans()), derive=False)
    check(store, senders.sent)


@pytest.mark.slow
def test_what_others_begin_with_stays_and_all_else_goes(store):
    senders = Senders(3)
    for _ in range(15):
        store.write(list(senders.spans()))
    left = dict(senders.sent)
    while left:
        gone = senders.random.sample(sorted(left), min(len(left), 6))
        store.deletion.traces(gone, project="default")
        for trace_id in gone:
            del left[trace_id]
        check(store, left)
        store.write(list(senders.spans()))
        left |= {
            key: senders.sent[key]
            for key in [*senders.sent][-5:]
            if key not in gone and key in stored(store)
        }
        check(store, {key: senders.sent[key] for key in stored(store)})
        if len(senders.sent) > 120:
            break
    store.deletion.traces(sorted(stored(store)), project="default")
    with store.database.cursor() as cursor:
        assert cursor.execute("select count(*) from x_content_chunks").fetchone() == (0,)


@pytest.mark.long
def test_words_of_a_deleted_trace_are_in_no_row(store):
    system = "You are a helpful assistant. " * 40
    first = json.dumps([system, "my secret is swordfish"])
    store.write([span := a_span(attributes={KEY: first})])
    store.write([a_span(attributes={KEY: first})])
    store.write([a_span(attributes={KEY: first[:-15] + '", "other words"]'})])
    deleted = [span.trace_id.hex()]
    with store.database.cursor() as cursor:
        deleted += [
            trace_id
            for trace_id, value in cursor.execute(
                "select trace_id, value from span_content"
            ).fetchall()
            if "swordfish" in value
        ]
    store.deletion.traces(deleted, project="default")
    with store.database.cursor() as cursor:
        values = [v for (v,) in cursor.execute("select value from x_content_chunks").fetchall()]
        whole = cursor.execute("select value from span_content").fetchall()
    assert not any("swordfish" in value for value in values)
    assert whole == [(first[:-15] + '", "other words"]',)]


@pytest.mark.long
def test_a_history_of_a_hundred_turns_takes_little_more_than_its_words(store):
    history, sent = [], 0
    senders = Senders(1)
    for _ in range(100):
        history += [
            {"role": "user", "content": senders.words(60)},
            {"role": "assistant", "content": senders.words(300)},
        ]
        text = json.dumps(history, ensure_ascii=False)
        sent += len(text)
        store.write([a_span(attributes={KEY: text})], derive=False)
    with store.database.cursor() as cursor:
        stored_chars = cursor.execute("select sum(length(value)) from x_content_chunks").fetchone()[
            0
        ]
    assert stored_chars < 1.1 * len(text)
    assert sent > 40 * stored_chars


@pytest.mark.long
def test_a_turn_takes_as_much_at_turn_1000_as_at_turn_10(store):
    history, senders, turns = [], Senders(3), []
    for turn in range(1005):
        role = "assistant" if turn % 2 else "user"
        history.append({"role": role, "content": senders.words(20)})
        turns.append(a_span(attributes={KEY: json.dumps(history)}))
        if turn % 15 == 14:
            store.write(turns[-15:], derive=False)
    with store.database.cursor() as cursor:
        rows = cursor.execute(
            "select trace_id, sum(strlen(value)) from x_content_chunks group by trace_id"
        ).fetchall()
    sizes = dict(rows)
    taken = [
        sum(sizes[span.trace_id.hex()] for span in turns[n - 5 : n + 5]) for n in (10, 100, 1000)
    ]
    assert max(taken) < 1.5 * min(taken)


def test_equal_values_are_stored_once_a_project(store):
    text = "a long system prompt " * 200
    for project in ("one", "two"):
        for _ in range(5):
            store.write([a_span(attributes={"system": text})], project=project, derive=False)
    with store.database.cursor() as cursor:
        rows = cursor.execute(
            "select project, sum(length(value)) from x_content_chunks group by 1 order by 1"
        ).fetchall()
    # A beginning that was seen once is not remembered: most values never come again.
    assert rows == [("one", 2 * len(text)), ("two", len(text))]


def test_no_project_begins_with_what_another_said(store):
    text = "x" * 10_000
    store.write([a_span(attributes={KEY: text})], project="one", derive=False)
    store.write([a_span(attributes={KEY: text + "y"})], project="two", derive=False)
    with store.database.cursor() as cursor:
        assert cursor.execute(
            "select count(distinct chain_id), min(length(value)) from x_content_chunks"
        ).fetchone() == (2, 10_000)


def test_a_commit_that_failed_is_not_continued(store, monkeypatch):
    text = "x" * 10_000
    monkeypatch.setattr(writer, "_insert", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.write([a_span(attributes={KEY: text})], derive=False)
    monkeypatch.undo()
    store.write([a_span(attributes={KEY: text + "y"})], derive=False)
    with store.database.cursor() as cursor:
        assert cursor.execute("select value from span_content").fetchall() == [(text + "y",)]


@pytest.mark.long
def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(chains, "REMEMBERED_BYTES_MAX", 1 << 20)
    remembered = Chains()
    senders = Senders(5)
    for sequence in range(300):
        remembered.rows(content_of_one(senders.words(2000)), sequence)
    assert remembered._bytes <= 1 << 20
    assert (
        sum(chain.text.__sizeof__() for chain in remembered._chains.values()) == remembered._bytes
    )
    linked = {chain.number for some in remembered._by_key.values() for chain in some}
    assert linked == set(remembered._chains)
    remembered.forget()
    assert (remembered._by_key, remembered._bytes) == ({}, 0)


@pytest.mark.long
def test_a_chain_ends_and_the_next_begins_whole(store, monkeypatch):
    monkeypatch.setattr(chains, "CHAIN_ROWS_MAX", 10)
    text, sent = "x" * 9000, {}
    for n in range(35):
        text += f" and {n}"
        span = a_span(attributes={KEY: text})
        sent[span.trace_id.hex()] = text
        store.write([span], derive=False)
    check(store, sent)
    with store.database.cursor() as cursor:
        rows = cursor.execute("select count(*) from x_content_chunks group by chain_id").fetchall()
    assert len(rows) == 4


@pytest.mark.long
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=300)
def test_shared_length_is_the_longest_common_beginning(one, two, both):
    earlier, text = both + one, both + two
    expected = 0
    for a, b in zip(earlier, text, strict=False):
        if a != b:
            break
        expected += 1
    assert shared_length(earlier, text) == expected


def content_of_one(text: str):
    row = {
        "project": "p",
        "trace_id": "t",
        "span_id": "s",
        "key": KEY,
        "value": text,
        "span_row": 0,
    }
    return pa.Table.from_pylist([row], schema=CONTENT)


def stored(store) -> set[str]:
    with store.database.cursor() as cursor:
        return {trace_id for (trace_id,) in cursor.execute("select trace_id from spans").fetchall()}


def check(store, sent: dict[str, str]) -> None:
    """Compare SQL and what the deriver reads with what was sent."""
    with store.database.cursor() as cursor:
        rows = cursor.execute(
            "select trace_id, event_index, value from span_content where key = ?", [KEY]
        ).fetchall()
    for trace_id, _, value in rows:
        if trace_id in sent:
            assert value == sent[trace_id]
    found = {trace_id for trace_id, event, _ in rows if event is None}
    assert found >= {key for key, text in sent.items() if len(text.encode()) > 256}
    for spans in store.derived.spans(Work(1, sorted(sent)), after=0):
        for span in spans:
            assert span.attributes.get(KEY) == sent[span.trace_id]
            for event in span.events:
                assert event.attributes[KEY] == sent[span.trace_id]
