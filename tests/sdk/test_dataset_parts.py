"""Items of a data set in calls that a server takes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_threads.json_bounds import check_json
from otel_threads.sdk import dataset_parts
from otel_threads.sdk.dataset_parts import parts

_json = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@pytest.mark.long
@given(st.lists(st.dictionaries(st.text(max_size=3), _json, max_size=4), max_size=30))
def test_each_part_is_small_enough_for_the_server(items):
    for part in parts(items):
        check_json(json.dumps({"name": "x", "items": part}).encode(), values_max=200_000)


def test_parts_are_cut_by_items_bytes_and_values_and_lose_none(monkeypatch):
    monkeypatch.setattr(dataset_parts, "PART_ITEMS_MAX", 3)
    monkeypatch.setattr(dataset_parts, "PART_BYTES_MAX", 100)
    monkeypatch.setattr(dataset_parts, "PART_VALUES_MAX", 12)
    small, long, many = {"a": 1}, {"a": "x" * 80}, {"a": [1] * 9}
    items = [small, small, small, small, long, long, many, many, {"a": "y" * 500}]

    found = list(parts(items))

    assert [len(part) for part in found] == [3, 2, 1, 1, 1, 1]
    assert [one for part in found for one in part] == items
    assert list(parts([])) == []
