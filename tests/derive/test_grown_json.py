"""A text that begins like an earlier one is parsed from there on, and holds what it would anyway."""

import json
import random
import sys

import orjson
import pytest
from conftest import scenarios
from hypothesis import given, settings
from hypothesis import strategies as st
from test_derive_property import derive, single_spans

from otel_threads.derive import family, grown_json
from otel_threads.derive.grown_json import GrownJson, GrownList

VALUES_MAX = 10_000


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Let short texts be looked up, too: they fail sooner."""
    monkeypatch.setattr(grown_json, "CHARS_MIN", 8)
    monkeypatch.setattr(grown_json, "WINDOW", 8)
    monkeypatch.setattr(grown_json, "POINTS", tuple(int(8 * 1.3**i) for i in range(40)))


def loaded(text: str):
    """Return what a text holds; the text itself where it is no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def same(one, other) -> bool:
    """Compare as JSON, which tells 1, 1.0 and true apart, and the order of keys."""
    return orjson.dumps(one) == orjson.dumps(other)


def deep_repr(value) -> str:
    """Return what Python writes of a value, however deep it is."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        return repr(value)
    finally:
        sys.setrecursionlimit(limit)


def history(turns: int) -> list:
    return [
        {"role": ("user", "assistant")[i % 2], "content": f'"{i}", he said: [{{\\ é🙂'}
        for i in range(turns)
    ]


def test_only_what_is_new_is_parsed():
    known, parsed = GrownJson(VALUES_MAX), []

    def load(text):
        parsed.append(text)
        return loaded(text)

    values = [known.parse(json.dumps(history(turns)), load) for turns in range(2, 60)]

    assert [same(value, history(i + 2)) for i, value in enumerate(values)] == [True] * 58
    assert len(parsed) == 1
    assert all(a is b for a, b in zip(values[-2], values[-1], strict=False))
    assert isinstance(values[-1], GrownList)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda told: {"messages": told, "model": "m", "tools": [{"name": "t"}]},
        lambda told: {"model": "m", "tools": [{"name": "t"}] * 3, "input": {"messages": told}},
        lambda told: {"messages": [told]},
        lambda told: [{"a": 1}, {"b": told}],
        lambda told: {"é": [1, 2.0, told], "x": None},
    ],
)
@pytest.mark.parametrize("write", [json.dumps, lambda v: json.dumps(v, indent=3), str])
def test_a_list_within_grows_too(wrap, write):
    known, parsed = GrownJson(VALUES_MAX), []

    def load(text):
        parsed.append(text)
        return loaded(text)

    for turns in range(4, 40):
        text = write(wrap(history(turns)))
        assert same(known.parse(text, load), loaded(text))
    if write is not str:  # Python's own, which is no JSON
        assert len(parsed) <= 2


def test_a_history_that_was_changed_is_parsed_from_there_on():
    known = GrownJson(VALUES_MAX)
    told = history(50)
    known.parse(json.dumps(told), loaded)
    before = known.parse(json.dumps(told + history(1)), loaded)

    told[30] = {"role": "user", "content": "another question"}
    after = known.parse(json.dumps(told[:31]), loaded)

    assert same(after, told[:31])
    assert all(a is b for a, b in zip(before[:30], after[:30], strict=True))


@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        ("[1, 2, 3333, 4444]", "[1, 2, 3333, 44445]"),
        ("[1111, 2222, 3333]", "[1111, 2222, 3333.5, 1]"),
        ("[1111, 2222, 3333]", "[1111, 2222, 3333, 1]"),
        ("[1111, 2222, 3333 ]", "[1111, 2222, 3333 4]"),
        ("[1111, 2222, true]", "[1111, 2222, truely]"),
        ('["aaaa", "bbbb"]', '["aaaa", "bbbb" "c"]'),
        ('["aaaa", "bbbb"]', '["aaaa", "bbbb"], 1'),
        ('["aaaa", "bbbb"]', '["aaaa", "bbbb",]'),
        ('{"a": [1111, 2222], "a": 1}', '{"a": [1111, 2222, 3], "a": 1}'),
        ('{"a": [1111, 2222], "a": 1}', '{"a": [1111, 2222, 3], "a": [7]}'),
        ('{"a": 1, "a": [1111, 2222]}', '{"a": 1, "a": [1111, 2222, 3]}'),
        ('{"b": 1, "b": [1111, 2222], "c": 1}', '{"b": 1, "b": [1111, 2222, 3], "b": {}}'),
        ('[{"a": [1111, 2222]}, 3]', '[{"a": [1111, 2222], "b": 1}, 4]'),
        ("[[[1111, 2222]]]", "[[[1111, 2222], 3], 4]"),
        ('{"\\u0061": [1111, 2222]}', '{"\\u0061": [1111, 2222, 3]}'),
        ('["aaaa", "\\ud800"]', '["aaaa", "\\ud800", 1]'),
        ("[" * 1020 + "1, 1, 1" + "]" * 1020, "[" * 1020 + "1, 1, 1, 1" + "]" * 1020),
        ("[[[1, 1, 1, 1, 1" + "]" * 3, "[[[1, 1, 1, 1, 1, " + "[" * 1022 + "]" * 1025),
    ],
)
def test_what_only_looks_like_more_of_it(earlier, text):
    for texts in ([earlier, text, text], [earlier, earlier, text, earlier]):
        known = GrownJson(VALUES_MAX)
        for one in texts:
            assert deep_repr(known.parse(one, loaded)) == deep_repr(loaded(one))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_texts_in_any_order_hold_what_they_hold(seed):
    dice = random.Random(seed)
    known, text, earlier = GrownJson(VALUES_MAX), "", []
    for _ in range(40):
        if dice.random() < 0.3 or not text:
            text = json.dumps(a_value(dice, 0), indent=dice.choice((None, 1)))
        elif dice.random() < 0.3:
            text = dice.choice(earlier)
        at = dice.randrange(len(text) + 1)
        more = dice.choice(("", ",1", ', {"a": [2, "x"]}', "]", "]}", "[", '"', "5", " ", "\\"))
        text = text[:at] + more + text[dice.choice((at, at, at + 1, len(text))) :]
        earlier.append(text)
        assert repr(known.parse(text, loaded)) == repr(loaded(text)), text


def a_value(dice: random.Random, depth: int):
    kind = dice.randrange(6) if depth < 4 else 0
    if kind < 2:
        return dice.choice((1, 1.0, True, None, "a", 'b"\\', "[", "{,", "é🙂"))
    some = [a_value(dice, depth + 1) for _ in range(dice.randrange(6))]
    return some if kind < 4 else {f"k{i % 4}": one for i, one in enumerate(some)}


def test_a_text_that_may_hold_too_much_is_left_to_who_loads_it():
    known = GrownJson(40)

    def load(text):
        return text if text.count(",") > 40 else loaded(text)

    for count in range(4, 90):
        text = json.dumps(list(range(1000, 1000 + count)))
        assert known.parse(text, load) == load(text)


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(grown_json, "BYTES_MAX", 20_000)
    known, dice = GrownJson(VALUES_MAX), random.Random(1)
    texts = [json.dumps([dice.random() for _ in range(20)]) for _ in range(200)]
    for text in [*texts, *texts[-3:], *texts[-3:]]:
        known.parse(text, loaded)

        assert known._bytes == sum(one.size_bytes for one in known._texts.values()) <= 20_000
    for text in reversed(texts):
        known.parse(text[:-1] + ", 1]", loaded)
    for one in list(known._texts.values()):
        known._forget(one)

    assert (known._bytes, known._by_key) == (0, {})


@pytest.mark.long
def test_readers_change_nothing_of_what_was_parsed(monkeypatch):
    """What a text holds may be another's, too: whatever is derived of it, it stays the same."""
    known = GrownJson(family.JSON_VALUES_MAX)
    monkeypatch.setattr(family, "_GROWN", known)
    monkeypatch.setattr(family, "CHARS_MIN", 8)

    derive([[one for folder in scenarios() for one in single_spans(folder)]], at_once=True)

    parsed = [one for one in known._texts.values() if one.value is not None]
    assert len(parsed) > 50
    assert all(same(one.value, loaded(one.text)) for one in parsed)
