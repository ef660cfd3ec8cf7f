"""LangSmith's filter language: its grammar, its pairs, what it refuses."""

import datetime
import re
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_threads.core.errors import InvalidFilter, QueryTimeout
from otel_threads.vendors.langsmith import run_filter
from otel_threads.vendors.langsmith.deadline import SCAN_S_MAX, Deadline
from otel_threads.vendors.langsmith.like import Like

SEED = (
    'and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "{}"))'
)


class Item:
    """A subject made of plain values."""

    def __init__(self, values=None, metadata=None, feedback=(), texts=()):
        self._values = values or {}
        self._metadata = metadata or {}
        self._feedback = feedback
        self._texts = texts

    def values(self, field: str) -> Sequence:
        found = self._values.get(field)
        return found if isinstance(found, list) else [] if found is None else [found]

    def pairs(self, family: str) -> Iterable:
        if family == "feedback":
            return self._feedback
        return [{f"{family}_key": k, f"{family}_value": v} for k, v in self._metadata.items()]

    def texts(self, field: str | None) -> Iterable[str]:
        return self._texts


def holds(text: str, item: Item) -> bool:
    return run_filter.matches(run_filter.parse(text), item)


def test_the_documented_filter_of_a_thread_binds_key_and_value_to_one_pair():
    text = SEED.format("t1")

    assert holds(text, Item(metadata={"session_id": "t1"}))
    assert holds(text, Item(metadata={"thread_id": "t1", "other": "x"}))
    assert not holds(text, Item(metadata={"session_id": "t2", "other": "t1"}))
    assert not holds(text, Item())


@pytest.mark.parametrize(
    ("text", "metadata", "expected"),
    [
        # value before key, another condition between, several pairs in one `and`
        ('and(eq(metadata_value,"1"), eq(metadata_key,"a"))', {"a": "1"}, True),
        ('and(eq(metadata_value,"1"), eq(metadata_key,"a"))', {"a": "2", "b": "1"}, False),
        ('and(eq(metadata_key,"a"), eq(name,"n"), eq(metadata_value,"1"))', {"a": "1"}, True),
        (
            'and(eq(metadata_key,"a"), eq(name,"n"), eq(metadata_value,"1"))',
            {"a": "2", "b": "1"},
            False,
        ),
        (
            'and(eq(metadata_key,"a"),eq(metadata_value,"1"),eq(metadata_key,"b"),eq(metadata_value,"2"))',
            {"a": "1", "b": "2"},
            True,
        ),
        (
            'and(eq(metadata_key,"a"),eq(metadata_value,"1"),eq(metadata_key,"b"),eq(metadata_value,"2"))',
            {"a": "2", "b": "1"},
            False,
        ),
        (
            'and(eq(metadata_key,"a"), or(eq(metadata_value,"1"), eq(metadata_value,"2")))',
            {"a": "2"},
            True,
        ),
        (
            'and(eq(metadata_key,"a"), or(eq(metadata_value,"1"), eq(metadata_value,"2")))',
            {"a": "3", "b": "2"},
            False,
        ),
        ('and(eq(metadata_key,"a"), neq(metadata_value,"1"))', {"a": "2"}, True),
        ('and(eq(metadata_key,"a"), neq(metadata_value,"1"))', {"a": "1", "b": "2"}, False),
        ('and(eq(metadata_key,"a"), not(eq(metadata_value,"1")))', {"a": "1", "b": "2"}, False),
        (
            'or(and(eq(metadata_key,"a"),eq(metadata_value,"1")), and(eq(metadata_key,"a"),eq(metadata_value,"2")))',
            {"a": "2"},
            True,
        ),
        ('not(and(eq(metadata_key,"a"), eq(metadata_value,"1")))', {"a": "2", "b": "1"}, True),
        ('neq(metadata_key,"a")', {"a": "1", "b": "1"}, False),
        ('eq(metadata_value, "1")', {"b": "1"}, True),
        ("eq(metadata_value, 1)", {"b": 1}, True),
        ('eq(metadata_value, "1")', {"b": 1}, True),
        ("eq(metadata_value, true)", {"b": True}, True),
        ("""has(metadata, '{"a": "1", "b": 2}')""", {"a": "1", "b": 2}, True),
        ("""has(metadata, '{"a": "1", "b": 2}')""", {"a": "1", "b": 3}, False),
        ('exists(metadata, "a")', {"a": None}, True),
        ('exists(metadata, "a")', {"b": "1"}, False),
    ],
)
def test_pairs(text, metadata, expected):
    assert holds(text, Item({"name": "n"}, metadata)) is expected


NOON = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC)
RUN = Item(
    {
        "name": "Chat Bot",
        "run_type": "llm",
        "status": "success",
        "tags": ["blue", "v1"],
        "latency": 6.0,
        "total_tokens": 18,
        "start_time": NOON,
        "is_root": True,
        "thread_id": 'a"b/ c\\d é',
        "id": "01a2230e-95e6-7f58-bcea-7420f9618a25",
    },
    feedback=[
        {"feedback_key": "quality", "feedback_score": 0.75, "feedback_source": "api"},
        {"feedback_key": "tone", "feedback_score": 0.1, "feedback_source": "app"},
    ],
    texts=["What is machine learning?", "It learns."],
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('eq(run_type, "LLM")', True),
        ('  and ( eq ( run_type ,"llm" ) , gt( latency , "5s" ) )  ', True),
        ("gt(latency, 5)", True),
        ('lt(latency, "6000ms")', False),
        ('lte(latency, "0.1m")', True),
        ("gt(latency, 5s)", True),
        ('has(tags, "blue")', True),
        ('has(tags, "blu")', False),
        ('in(tags, ["x", "v1"])', True),
        ('neq(tags, "blue")', False),
        ("eq(error, null)", True),
        ("neq(error, null)", False),
        ('eq(error, "x")', False),
        ('neq(error, "x")', True),
        ("gte(total_tokens, 18)", True),
        ("eq(total_cost, null)", True),
        ("gt(total_cost, 0)", False),
        ("eq(is_root, true)", True),
        ('eq(is_root, "false")', False),
        ('gt(start_time, "2026-11-28T11:59:59Z")', True),
        ('gt(start_time, "2026-11-28T13:59:59+02:00")', True),
        ("lt(start_time, 2026-11-28)", False),
        ('like(name, "%bot")', True),
        ('like(name, "_hat%")', True),
        ('like(name, "bot")', False),
        ('has(name, "Bot")', True),
        ('search("MACHINE learns")', True),
        ('search("machine teaches")', False),
        ('search(outputs, "learns")', True),
        ("eq(thread_id, 'a\"b/ c\\\\d é')", True),
        ('eq(thread_id, "a\\"b/ c\\\\d \\u00e9")', True),
        ('eq(id, "01A2230E-95E6-7F58-BCEA-7420F9618A25")', True),
        ('and(eq(feedback_key, "quality"), gte(feedback_score, 0.5), lt(feedback_score, 1))', True),
        ('and(eq(feedback_key, "tone"), gte(feedback_score, 0.5))', False),
        ('and(gte(feedback_score, 0.5), eq(feedback_key, "tone"))', False),
        ('eq(feedback_source, "app")', True),
        ('or(eq(name, "x"), not(eq(name, "y")))', True),
        ("exists(name)", True),
        ("exists(error)", False),
        ("in(name, [])", False),
        ('in(status, ["error", null])', False),
    ],
)
def test_a_condition(text, expected):
    assert holds(text, RUN) is expected


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 0, "ends too early"),
        ("eq(name", 7, "ends too early"),
        ('eq(name, "x"', 12, "ends too early"),
        ('eq(nope, "x")', 3, "unknown field 'nope'"),
        ('equals(name, "x")', 0, "unknown function 'equals'"),
        ('eq("name", "x")', 0, "eq takes a field first"),
        ("eq(name)", 0, "eq takes a field and a value"),
        ('eq(name, "x", "y")', 0, "one value"),
        ("and()", 0, "and takes conditions"),
        ('and("x")', 0, "and takes conditions"),
        ('not(eq(name,"x"), eq(name,"y"))', 0, "not takes one condition"),
        ('gt(latency, "soon")', 0, "latency cannot be compared with 'soon'"),
        ('eq(start_time, "yesterday")', 0, "start_time cannot be compared"),
        ("gt(name, null)", 0, "one value that is not null"),
        ('search(tags, "x")', 0, "cannot search"),
        ('search("")', 7, "search"),
        ("has(metadata, 5)", 0, "metadata"),
        ("gt(latency, 1e999)", 12, "no finite"),
        ('eq(name, "x") or eq(name, "y")', 14, "unexpected"),
        ("name = 1", 5, "unexpected"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_place(text, position, says):
    with pytest.raises(InvalidFilter, match=says) as raised:
        run_filter.parse(text)

    assert raised.value.position == position


@pytest.mark.parametrize(
    "text",
    [
        "x" * (run_filter.LENGTH_MAX + 1),
        "not(" * 60 + 'eq(name,"x")' + ")" * 60,
        "not(" * 2000 + 'eq(name,"x")' + ")" * 2000,
        "and(" + ",".join(['eq(id,"x")'] * (run_filter.CONDITIONS_MAX + 1)) + ")",
        "in(name, [" + ",".join(["1"] * (run_filter.VALUES_MAX + 1)) + "])",
        'has(metadata, \'{"k": ' + "[" * 500 + "]" * 500 + "}')",
    ],
    ids=["long", "nested", "nested deep", "many conditions", "many values", "deep JSON"],
)
def test_each_bound_is_reached(text):
    with pytest.raises(InvalidFilter, match=r"longer|nested|more than"):
        run_filter.parse(text)


def test_what_every_match_has_to_have_is_told():
    node = run_filter.parse(
        f'and({SEED.format("t1")}, eq(is_root, true), or(eq(name,"x"), eq(name,"y")))'
    )

    told = list(run_filter.conjuncts(node))

    assert [type(one).__name__ for one in told] == ["Same", "Condition"]
    assert run_filter.fields(node) == {"metadata", "is_root", "name"}


@given(st.text("ab%_", max_size=8), st.text("abA\n", max_size=12))
def test_like_finds_what_a_regex_of_its_pattern_finds(pattern, text):
    ways = {"%": ".*", "_": "."}
    regex = "".join(ways.get(sign, sign) for sign in pattern)

    expected = re.fullmatch(regex, text, re.DOTALL | re.IGNORECASE) is not None
    assert Like(pattern).holds(text) is expected


@pytest.mark.parametrize("pattern", ["%a" * 2000 + "%b", "%a_" * 2000 + "b%", "%_" * 3000 + "b"])
def test_no_pattern_of_like_makes_a_search_go_back(pattern):
    assert not holds(f'like(name, "{pattern}")', Item({"name": "a" * 100_000}))


def test_an_item_is_read_once_however_many_conditions_look_at_it():
    class Counting(Item):
        reads = 0

        def texts(self, field):
            Counting.reads += 1
            return super().texts(field)

    words = ",".join(f'search("zz{i}")' for i in range(run_filter.CONDITIONS_MAX))

    assert not holds(f"or({words})", Counting(texts=["Plain words"]))
    assert Counting.reads == 1


def test_the_deadline_holds_between_the_conditions_of_one_item():
    now_s = [0.0]
    deadline = Deadline(lambda: now_s[0])

    class Slow(Item):
        reads = 0

        def texts(self, field):
            Slow.reads += 1
            now_s[0] += SCAN_S_MAX
            return super().texts(field)

    node = run_filter.parse('or(search(inputs, "a"), search(outputs, "b"), search(error, "c"))')
    with pytest.raises(QueryTimeout, match="8 s"):
        run_filter.matches(node, Slow(), deadline.check)
    assert Slow.reads == 2
