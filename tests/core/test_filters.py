"""The filter language: its errors, and its meaning against a plain evaluation in Python."""

import datetime
import string
from types import SimpleNamespace

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from otel_threads.core import filters
from otel_threads.core.errors import InvalidFilter
from otel_threads.core.filters import AllOf, AnyOf, Comparison, Not, parse, quoted
from otel_threads.core.score import NewScore
from otel_threads.core.sorting import normalized
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace
from otel_threads.database.database import Database
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.read.list_query import THREADS, TRACES, Selection
from otel_threads.store.read.reader import Reader

T0 = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("foo = 1", 0, "known: any_message"),
        ("thread_id =", 11, "ends too early"),
        ("thread_id", 9, "ends too early"),
        ("a b", 2, "unexpected b"),
        ('(status = "active"', 18, "ends too early"),
        ("status ~ 'a'", 7, "unexpected '~'"),
        ("error_count > 'a'", 14, "compared with a number, not with a string"),
        ("duration_ms contains 'a'", 12, "it takes"),
        ("usage.nothing > 1", 0, "known: input_tokens"),
        ("scores > 1", 0, "write scores.NAME"),
        ("status.x = 'a'", 0, "write status"),
        ("created_at > 'yesterday'", 13, "is no time"),
        ("cost_usd > 1e999", 11, "no finite number"),
        ("thread_id = 'a' thread_id = 'b'", 16, "unexpected thread_id"),
        ("not", 3, "ends too early"),
        ("thread_id in ()", 14, "unexpected )"),
        ("thread_id = 'a", 12, "unexpected"),
        ("error_count = 1; drop table spans", 15, "unexpected ';'"),
        ("x" * 10_001, 10_000, "longer than 10000"),
    ],
)
def test_errors_say_where_and_what_can_be_asked(text, position, says):
    with pytest.raises(InvalidFilter) as caught:
        parse(text)
    assert caught.value.position == position
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60 + "error_count > 0" + ")" * 60,
        " or ".join(["error_count > 0"] * 200),
        "NOT error_count > 0 AND NOT (turn_count IN [1, 2])",
        "duration_ms > 1.5h and first_activity_time >= 2026-01-01T00:00:00+02:00",
        'metadata."a.b c" = "x" and metadata.a-b.c is_null and tag = "android"',
    ],
)
def test_what_may_be_written(text):
    assert parse(text)


def test_size_is_bounded():
    with pytest.raises(InvalidFilter, match="200 comparisons"):
        parse(" or ".join(["error_count > 0"] * 201))
    with pytest.raises(InvalidFilter, match="nested deeper"):
        parse("not " * 200 + "error_count > 0")


def test_durations_and_words_mean_what_they_say():
    assert parse("duration_ms > 90s") == Comparison(
        "duration_ms", None, "duration", ">", (90_000.0,)
    )
    assert parse("model = 'x'").field == "models"
    assert parse(r"thread_id = 'it\'s \\ \"'").values == ("it's \\ \"",)


WORDS = st.text(st.sampled_from(list("abAB%_'\"\\ \x00é🙂ש") + list(string.digits[:2])), max_size=4)
TAGS = st.lists(WORDS, max_size=3)
ROWS = st.builds(
    dict,
    thread_id=WORDS.filter(bool),
    first_message=st.none() | WORDS,
    tags=TAGS,
    models=TAGS,
    error_count=st.integers(0, 3),
    turn_count=st.integers(0, 3),
    cost_usd=st.none() | st.sampled_from([0.0, 0.5, 1.0, 2.5]),
    input_tokens=st.none() | st.integers(0, 3),
    duration_ms=st.sampled_from([0.0, 999.0, 1000.0, 90_000.0]),
    first_activity_time=st.integers(0, 3).map(lambda n: T0 + datetime.timedelta(days=n)),
    metadata=st.dictionaries(st.sampled_from(["plan", "a b"]), WORDS | st.just("1.5"), max_size=2),
    messages=st.lists(st.none() | WORDS, max_size=3),
    scores=st.dictionaries(
        st.sampled_from(["quality", "tone"]),
        st.tuples(
            st.none() | st.sampled_from([0.0, 0.5, 1.0]), st.none() | WORDS.filter(bool)
        ).filter(lambda pair: pair != (None, None)),
        max_size=2,
    ),
)
TEXT_OPS = st.sampled_from(["=", "!=", "contains", "not_contains", "starts_with", "ends_with"])
ORDERS = st.sampled_from(["=", "!=", ">", ">=", "<", "<="])
NULLS = st.sampled_from(["is_null", "is_not_null"])


def listed(values):
    return "(" + ", ".join(values) + ")"


def comparisons():
    text = st.builds(
        lambda f, op, v: f"{f} {op} {quoted(v)}",
        st.sampled_from(
            [
                "thread_id",
                "first_message",
                "tags",
                "model",
                "any_message",
                'metadata."a b"',
                "metadata.plan",
            ]
        ),
        TEXT_OPS,
        WORDS,
    )
    order = st.builds(
        lambda f, op, v: f"{f} {op} {v}",
        st.sampled_from(
            [
                "error_count",
                "turn_count",
                "cost_usd",
                "usage.input_tokens",
                "scores.quality",
                "metadata.plan",
            ]
        ),
        ORDERS,
        st.sampled_from(["0", "0.5", "1", "1.5", "-1", "2"]),
    )
    lexical = st.builds(
        lambda op, v: f"thread_id {op} {quoted(v)}", st.sampled_from(["<", "<=", ">", ">="]), WORDS
    )
    durations = st.builds(
        lambda op, v: f"duration_ms {op} {v}", ORDERS, st.sampled_from(["1s", "1000", "1.5m", "0"])
    )
    times = st.builds(
        lambda op, n: f"first_activity_time {op} 2026-01-0{n}T00:00:00Z", ORDERS, st.integers(1, 4)
    )
    many = st.builds(
        lambda f, op, v: f"{f} {op} {listed(map(quoted, v))}",
        st.sampled_from(["thread_id", "tags", "first_message", "any_message"]),
        st.sampled_from(["in", "not_in"]),
        st.lists(WORDS, min_size=1, max_size=3),
    )
    nulls = st.builds(
        lambda f, op: f"{f} {op}",
        st.sampled_from(
            [
                "first_message",
                "tags",
                "cost_usd",
                "scores.quality",
                "metadata.plan",
                "usage.input_tokens",
            ]
        ),
        NULLS,
    )
    category = st.builds(lambda op, v: f"scores.tone {op} {quoted(v)}", TEXT_OPS, WORDS)
    return st.one_of(text, order, lexical, durations, times, many, nulls, category)


FILTERS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"({a} and {b})", inner, inner),
        st.builds(lambda a, b: f"{a} or {b}", inner, inner),
        st.builds(lambda a: f"not ({a})", inner),
    ),
    max_leaves=4,
)


def holds(node, row) -> bool:
    """The meaning of a filter, in plain Python."""
    match node:
        case AllOf(items):
            return all(holds(item, row) for item in items)
        case AnyOf(items):
            return any(holds(item, row) for item in items)
        case Not(item):
            return not holds(item, row)
    values = subjects(node, row)
    known = [value for value in values if value is not None]
    if node.op == "is_null":
        return not known
    if node.op == "is_not_null":
        return bool(known)
    positive = {"!=": "=", "not_in": "=", "in": "=", "not_contains": "contains"}.get(
        node.op, node.op
    )
    loose = node.type == "map"  # metadata are texts; compared with a number they are read as one
    found = any(matches(positive, v, given, loose) for v in known for given in node.values)
    return not found if node.op in ("!=", "not_in", "not_contains") else found


def subjects(node, row) -> list:
    match node.type:
        case "list":
            return row[node.field]
        case "message":
            return row["messages"]
        case "map":
            return [row["metadata"].get(node.key)]
        case "score":
            value, category = row["scores"].get(node.key, (None, None))
            return [value, category]
        case _:
            return [row[node.key if node.field == "usage" else node.field]]


def matches(op, value, given, loose) -> bool:
    if loose and isinstance(given, float) and isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return False
    if isinstance(given, str) != isinstance(value, str):
        return False
    if op in ("contains", "starts_with", "ends_with"):
        low, part = value.lower(), given.lower()
        return {
            "contains": part in low,
            "starts_with": low.startswith(part),
            "ends_with": low.endswith(part),
        }[op]
    if isinstance(value, str):
        value, given = value.encode(), given.encode()
    return {
        "=": value == given,
        ">": value > given,
        ">=": value >= given,
        "<": value < given,
        "<=": value <= given,
    }[op]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    database = Database(
        str(tmp_path_factory.mktemp("filters") / "x.duckdb"), memory_limit_bytes=512 << 20
    )
    yield SimpleNamespace(
        database=database,
        reader=Reader(database, timeout_s=60),
        annotations=Annotations(database, sequence=lambda: 1, timeout_s=60),
    )
    database.close()


def fill(store, rows) -> None:
    facts = [
        {
            "project": "p",
            "thread_id": row["thread_id"],
            "first_message": row["first_message"],
            "tags": row["tags"],
            "models": row["models"],
            "error_count": row["error_count"],
            "turn_count": row["turn_count"],
            "cost_usd": row["cost_usd"],
            "input_tokens": row["input_tokens"],
            "duration_ms": row["duration_ms"],
            "first_activity_time": row["first_activity_time"],
            "last_trace_sequence": 1,
            "metadata": list(row["metadata"].items()),
            "updated_at": T0,
        }
        for row in rows
    ]
    texts, maps = pa.list_(pa.string()), pa.map_(pa.string(), pa.string())
    types = {
        "tags": texts,
        "models": texts,
        "metadata": maps,
        "first_message": pa.string(),
        "cost_usd": pa.float64(),
        "input_tokens": pa.int64(),
    }
    table = pa.table(
        {name: pa.array([fact[name] for fact in facts], types.get(name)) for name in facts[0]}
    )
    messages = [
        {
            "project": "p",
            "thread_id": row["thread_id"],
            "turn_index": 0,
            "message_index": i,
            "text": text,
        }
        for row in rows
        for i, text in enumerate(row["messages"])
    ]
    with store.database.transaction() as cursor:
        for name in ("x_thread_facts", "messages", "x_score_records"):
            cursor.execute(f"delete from {name}")
        cursor.register("facts", table)
        cursor.execute("insert into x_thread_facts by name select * from facts")
        if messages:
            cursor.register(
                "said",
                pa.Table.from_pylist(
                    messages,
                    schema=pa.schema(
                        [
                            ("project", pa.string()),
                            ("thread_id", pa.string()),
                            ("turn_index", pa.int64()),
                            ("message_index", pa.int64()),
                            ("text", pa.string()),
                        ]
                    ),
                ),
            )
            cursor.execute("insert into messages by name select * from said")
    scores = [
        {
            "project": "p",
            "thread_id": row["thread_id"],
            "trace_id": None,
            "span_id": None,
            "name": name,
            "value": value,
            "category": category,
            "reason": None,
            "source": "api",
            "author": None,
        }
        for row in rows
        for name, (value, category) in row["scores"].items()
    ]
    if scores:
        store.annotations.put_scores([NewScore(**score) for score in scores])


@pytest.mark.long
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=6, unique_by=lambda row: row["thread_id"]),
    texts=st.lists(FILTERS, min_size=10, max_size=25),
)
def test_filters_find_what_a_plain_evaluation_finds(store, rows, texts):
    fill(store, rows)
    for text in texts:
        node = filters.parse(text)
        found = store.reader.threads(Selection(filter=node), sort=None, limit=100)
        expected = {row["thread_id"] for row in rows if holds(node, row)}
        assert {thread.thread_id for thread in found} == expected, text


@pytest.mark.parametrize("of_traces", [False, True])
def test_what_is_described_can_be_asked(of_traces):
    """Every field with every operator that is said to be its own; and nothing else is known."""
    values = {
        "text": '"x"',
        "list": '"x"',
        "map": '"x"',
        "message": '"x"',
        "number": "1",
        "duration": "1s",
        "time": "2026-01-31",
        "boolean": "true",
        "score": "0.5",
        "builtin": "1",
    }
    fields = filters.TRACE_FIELDS if of_traces else filters.THREAD_FIELDS
    listing = TRACES if of_traces else THREADS
    described = filters.described(Trace if of_traces else Thread, sorts=listing.sorts)

    for field in described:
        name = field.name + ("key" if field.name.endswith(".") else "")
        for operator in field.operators:
            text_only = operator in ("contains", "not_contains", "starts_with", "ends_with")
            value = '"x"' if text_only else values[field.type]
            if operator.startswith("is_"):
                value = ""
            elif operator in ("in", "not_in"):
                value = f"({value})"
            filters.parse(f"{name} {operator} {value}", fields)
        if field.sortable:
            listing.order(f"-{name}")
    names = {field.name.partition(".")[0] for field in described}
    assert names == set(fields)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (" - cost_usd ", "-cost_usd"),
        ("cost_usd  DESC", "-cost_usd"),
        ("cost_usd asc", "cost_usd"),
        ("-desc", "-desc"),
        ("scores.a b desc", "-scores.a b"),
        ("-", "-"),
        ("", ""),
        ("a" + " " * 1_000_000 + "b", "a" + " " * 1_000_000 + "b"),  # a search would go back
    ],
)
def test_a_sort_has_one_form(sort, expected):
    assert normalized(sort) == expected
