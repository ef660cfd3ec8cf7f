"""Opik's filters as trees of ours, without a database; durations and addresses of its calls."""

import pytest

from otel_threads.core.errors import InvalidQuery
from otel_threads.core.filters import ALWAYS, NEVER, AllOf, Comparison, Not
from otel_threads.vendors.opik import filters
from otel_threads.vendors.opik.filters import SPANS, THREADS, TRACES, json_path, tree
from otel_threads.vendors.opik.workspace_routes import seconds_of


def one(field: str, operator: str, value="", key: str = "", fields=TRACES):
    found = tree([{"field": field, "operator": operator, "value": value, "key": key}], fields)
    assert isinstance(found, AllOf)
    return found.items[0]


def test_texts_ignore_case():
    assert one("name", "=", "X") == Comparison("name", None, "text", "=", ("X",), ignores_case=True)


def test_an_id_has_no_dashes_here():
    assert one("id", "starts_with", "01a2-3b").values == ("01a23b",)


def test_messages_are_two_a_trace():
    found = one("number_of_messages", ">=", "4", fields=THREADS)
    assert (found.field, found.values) == ("trace_count", (2.0,))


@pytest.mark.parametrize(
    ("field", "key"), [("feedback_scores", "q"), ("feedback_scores.q", ""), ("metadata.q", "")]
)
def test_a_key_stands_beside_the_field_or_in_it(field, key):
    assert "q" in repr(one(field, "=", "1", key))


def test_what_nothing_has_here_is_empty():
    assert one("annotation_queue_ids", "is_empty") == ALWAYS
    assert one("annotation_queue_ids", "contains", "x") == NEVER


def test_a_tag_of_a_span_is_a_member_of_json():
    found = one("tags", "!=", 'a"b', fields=SPANS)
    assert isinstance(found, Not)
    assert found.item.values == ('"a\\"b"',)


def test_numbers_are_compared_as_such_where_order_counts():
    assert "2.5" in repr(one("output_json", ">", "2.5", "a"))
    assert "'2.5'" in repr(one("output_json", "=", "2.5", "a"))


@pytest.mark.parametrize(
    ("dotted", "path"),
    [
        ("a", "/a"),
        ("a.b[0]", "/a/b/0"),
        ("[1].x", "/1/x"),
        ("a[0][2]", "/a/0/2"),
        ("$.a", "/a"),
        ("a[x]", "/a[x]"),
        ("a/b~c", "/a~1b~0c"),
        ("a.b[²]", "/a/b[²]"),
        ('"', '/"'),
        ("*", "/*"),
    ],
)
def test_dotted_keys_are_paths(dotted, path):
    assert json_path(dotted) == path


@pytest.mark.parametrize(
    "given",
    [
        ["x"],
        [{"field": "nothing", "operator": "=", "value": "x"}],
        [{"field": "name", "operator": "~", "value": "x"}],
        [{"field": "duration", "operator": ">", "value": "inf"}],
        [{"field": "name", "operator": "=", "value": ["x"]}],
        [{"field": "name", "operator": "=", "value": "x" * 10_001}],
        [{"field": "name", "operator": "=", "value": "x"}] * 101,
        [{"field": "feedback_scores", "operator": ">", "value": "1"}],
    ],
)
def test_what_cannot_be_asked_is_refused(given):
    with pytest.raises(InvalidQuery):
        tree(given, TRACES)


def test_none_is_no_filter():
    assert tree(None, TRACES) is None
    assert tree([], TRACES) is None
    assert filters.parsed("") is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT3S", 3), ("PT30M", 1800), ("P1DT1H", 90_000), ("PT0.5S", 0.5)]
)
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "30M", "P1Y", "PT-3S", "PT0S"])
def test_what_is_no_duration(text):
    with pytest.raises(InvalidQuery):
        seconds_of(text)
