"""Records of SDKs add up to the same rows in any order, split and repetition."""

import datetime
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdk_records import OPIK, RecordStore, a_change, a_step, a_trace, opik_records, recorded, stored

from otel_threads.core.record import StoredRecord
from otel_threads.derive.record_fold import fold, group
from otel_threads.json_texts import NotJson, json_fields, json_items
from otel_threads.vendors import ids
from otel_threads.vendors.opik.records import RULES, deletion

TRACE = "01a22310-2450-7055-825c-18a3fa30b911"
SPAN = "01a22310-2451-796e-981f-64cdbdd0d2d0"


@pytest.fixture
def store(tmp_path):
    made = RecordStore(str(tmp_path))
    yield made
    made.close()


def shuffled(records, numbers: random.Random):
    """Return records in another order, some again; patches of one id keep theirs."""
    order = list(range(len(records)))
    numbers.shuffle(order)
    places: dict[str, list[int]] = {}
    for place, i in enumerate(order):
        if records[i].op == "patch":
            places.setdefault(records[i].record_id, []).append(place)
    for some in places.values():
        for place, i in zip(some, sorted(order[place] for place in some), strict=True):
            order[place] = i
    found = []
    for i in order:
        found.append(records[i])
        puts = [record for record in found if record.op == "put"]
        if puts and numbers.random() < 0.3:
            found.append(numbers.choice(puts))
        if numbers.random() < 0.3:
            found.append(records[i])
    return found


def folded(rows: list[StoredRecord]) -> dict:
    return {
        key: (one.project, one.trace_record_id, dict(one.fields))
        for key, some in group(rows).items()
        if (one := fold(some, RULES))
    }


@pytest.mark.parametrize("name", OPIK)
@settings(max_examples=40, deadline=None)
@given(numbers=st.randoms(use_true_random=False))
def test_any_order_and_repetition_folds_to_the_same(name, numbers):
    records = opik_records(recorded(name))
    assert folded(stored(shuffled(records, numbers))) == folded(stored(records))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_any_split_gives_the_same_rows_and_so_does_a_rebuild(tmp_path, seed):
    records = [record for name in OPIK for record in opik_records(recorded(name))]
    numbers = random.Random(seed)
    once, parts = RecordStore(str(tmp_path)), None
    try:
        once.write(*records)
        (tmp_path / "parts").mkdir()
        parts = RecordStore(str(tmp_path / "parts"))
        waiting = shuffled(records, numbers)
        while waiting:
            count = numbers.randint(1, 40)
            parts.write(*waiting[:count], derive=numbers.random() < 0.6)
            waiting = waiting[count:]
        parts.derive()
        shown = parts.shown()
        assert shown == once.shown()
        parts.derived.reset()
        assert parts.rows("select count(*) from spans") == [(0,)]
        parts.derive()
        assert parts.shown() == shown
    finally:
        once.close()
        if parts:
            parts.close()


def one(*records):
    (found,) = [fold(some, RULES) for some in group(stored(records)).values()]
    return found


def test_a_patch_counts_more_than_any_put_and_the_last_patch_most():
    put = a_trace(TRACE, output="put", last_updated_at="2030-01-01T00:00:00Z")
    first, second = a_change(TRACE, output="first"), a_change(TRACE, output="second")
    assert one(first, put).fields["output"] == '"first"'
    assert one(first, second, put).fields["output"] == '"second"'
    assert one(second, put, first).fields["output"] == '"first"'


def test_of_puts_the_later_counts_and_the_earlier_fills_what_it_lacks():
    start = a_trace(TRACE, last_updated_at="2026-11-28T16:00:00Z", input="a", metadata={"a": 1})
    end = a_trace(TRACE, last_updated_at="2026-11-28T16:00:01Z", input="b", output="c", tags=None)
    for order in ((start, end), (end, start)):
        fields = one(*order).fields
        assert (fields["input"], fields["output"]) == ('"b"', '"c"')
        assert fields["metadata"] == '{"a": 1}'
        assert "tags" not in fields


def test_without_a_stamp_the_one_with_an_end_counts():
    whole = a_trace(TRACE, end_time="2026-11-28T16:00:02Z", output="done")
    part = a_trace(TRACE, output="part")
    assert one(whole, part).fields["output"] == one(part, whole).fields["output"] == '"done"'


def test_tags_are_added_and_removed_in_their_order():
    put = a_trace(TRACE, tags=["a", "b"])
    patches = [
        a_change(TRACE, tags_to_add=["c", "a"], tags_to_remove=["b"]),
        a_change(TRACE, tags_to_add=["b"]),
    ]
    assert json.loads(one(*patches, put).fields["tags"]) == ["a", "c", "b"]
    replaced = [*patches, a_change(TRACE, tags=["z"], tags_to_add=["y"])]
    assert json.loads(one(put, *replaced).fields["tags"]) == ["z", "y"]


def test_what_came_before_a_deletion_counts_no_more():
    put, change = a_trace(TRACE, input="a"), a_change(TRACE, output="b")
    assert one(put, change, deletion("trace", TRACE)) is None
    again = one(put, deletion("trace", TRACE), a_trace(TRACE, input="new"))
    assert again.fields["input"] == '"new"'
    assert again.created_sequence == 3


def test_a_record_joins_its_thread_with_the_first_that_tells_it():
    put = a_trace(TRACE, input="a")
    assert one(put).joined_sequence is None
    joined = one(put, a_change(TRACE, thread_id="t"), a_change(TRACE, output="x"))
    assert (joined.created_sequence, joined.joined_sequence, joined.sequence) == (1, 2, 3)
    moved = one(put, a_change(TRACE, thread_id="t"), a_change(TRACE, thread_id="u"))
    assert moved.joined_sequence == 3


def test_fields_are_kept_byte_for_byte():
    text = '{"id": "x", "metadata" : {"b": 1.0, "a": 12345678901234567890123, "n":null} , "e":"\\ud83d"}'
    fields = json_fields(text)
    assert fields["metadata"] == '{"b": 1.0, "a": 12345678901234567890123, "n":null}'
    assert fields["e"] == '"\\ud83d"'
    assert json_items(' [ {"a": [1]} , "x" ] ') == ['{"a": [1]}', '"x"']
    assert json_fields(" {} ") == {}
    assert json_items("[]") == []
    assert json_fields('{"a":1,"a":2}') == {"a": "2"}
    assert list(json_fields('{"\\ud800":1}')) == ["?"]


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "1", '{"a"}', '{"a":1', '{"a":1 "b"}', '{"a":NaN}', "{1:2}", '{"a":' + "[" * 9999],
)
def test_what_is_no_object_is_refused(text):
    with pytest.raises(NotJson):
        json_fields(text)
    with pytest.raises(NotJson):
        json_items(text if text != "[1]" else "[1")


@pytest.mark.long
def test_a_record_is_stored_once_and_again_after_another(store):
    put, change = a_trace(TRACE, input="a"), a_change(TRACE, output="b")
    store.write(put, put)
    store.write(put)
    assert store.rows("select count(*) from x_sdk_records") == [(1,)]
    store.write(change, put, change)
    other = a_change(TRACE, output="c")
    store.write(other, change)
    assert store.rows("select op from x_sdk_records order by ingest_seq, place") == [
        ("put",),
        ("patch",),
        ("patch",),
        ("patch",),
    ]
    fields = "attributes['otel_threads.record.field.output']"
    assert store.rows(f"select {fields} from spans") == [('"b"',)]


def test_a_span_is_shown_with_what_is_known_of_it(store):
    store.write(a_change(SPAN, "span", trace_id=TRACE, output={"x": "y" * 40_000}))
    ((name, start, received, end, running),) = store.rows(
        "select name, start_time_unix_nano, epoch_us(received_at), end_time_unix_nano,"
        " attributes['otel_threads.record.in_progress'] from spans"
    )
    assert (name, start // 1000, end, running) == ("", received, start, "true")
    store.write(a_step(SPAN, TRACE, end_time="2026-11-28T16:00:01Z", parent_span_id=None))
    ((name, parent, ms, key, value),) = store.rows(
        "select name, parent_span_id, duration_ms, key, value from spans"
        " join span_content using (trace_id, span_id, start_time)"
    )
    assert (name, parent, ms) == ("step", ids.span_id_of(TRACE, TRACE), 500.0)
    assert (key, len(value)) == ("otel_threads.record.field.output", 40_009)


def test_a_span_that_moves_leaves_its_trace(store):
    other = TRACE.replace("2450", "2459")
    store.write(a_trace(TRACE), a_step(SPAN, TRACE))
    store.write(a_step(SPAN, other, last_updated_at="2030-01-01T00:00:00Z"))
    assert store.rows("select trace_id, span_count from traces order by trace_id") == [
        (ids.trace_id_of(TRACE), 1),
        (ids.trace_id_of(other), 1),
    ]


@pytest.mark.long
def test_a_deleted_record_leaves_nothing_but_its_deletion(store):
    store.write(a_trace(TRACE, thread_id="t", input="x" * 40_000), a_step(SPAN, TRACE))
    store.write(deletion("trace", TRACE), deletion("span", SPAN))
    for table in ("spans", "traces", "turns", "threads", "x_content_chunks"):
        assert store.rows(f"select count(*) from {table}") == [(0,)], table
    assert store.rows("select distinct op from x_sdk_records") == [("delete",)]
    store.write(a_trace(TRACE, input="again"))
    assert store.rows("select count(*) from traces") == [(1,)]


RAW = ("x_sdk_records", "x_sdk_record_chunks", "spans", "x_content_chunks", "span_events")


@pytest.mark.long
def test_what_is_deleted_takes_its_records_along(store):
    other = ids.new_uuid()
    failed = {"exception_type": "E", "message": "m", "traceback": "t"}
    store.write(a_trace(TRACE, input="x" * 40_000, error_info=failed), a_step(SPAN, TRACE))
    store.write(a_trace(other, input="stays"))
    assert all(store.rows(f"select count(*) > 0 from {table}") == [(True,)] for table in RAW)
    store.deletion.traces([ids.trace_id_of(TRACE)], project=None)
    counts = [store.rows(f"select count(*) from {table}")[0][0] for table in RAW]
    assert counts == [1, 0, 1, 0, 0]
    before = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
    store.write(deletion("span", SPAN))
    store.retention.delete_slice(before, project=None, traces_max=100)
    store.retention.delete_loose_logs(before, project=None)
    assert all(store.rows(f"select count(*) from {table}") == [(0,)] for table in RAW)


def test_folding_that_was_cut_short_is_done_again(store, monkeypatch):
    """Killed between two slices, rows of the first are there and the position is not."""
    from otel_threads.store.records import folding

    monkeypatch.setattr(folding, "SLICE_IDS", 1)
    records = [a_trace(ids.new_uuid(), input=str(i)) for i in range(4)]
    store.write(*records, derive=False)
    whole = store.derived._folding._fold_slice
    calls = []

    def fail(*args):
        calls.append(args)
        if len(calls) == 3:
            raise MemoryError
        whole(*args)

    monkeypatch.setattr(store.derived._folding, "_fold_slice", fail)
    with pytest.raises(MemoryError):
        store.derive()
    assert store.rows("select count(*) from spans") == [(2,)]
    monkeypatch.setattr(store.derived._folding, "_fold_slice", whole)
    store.derive()
    assert store.rows("select count(*) from spans") == [(4,)]


def test_an_otlp_span_of_the_same_id_is_no_version_of_a_record(store):
    from builders import a_request, a_span

    from otel_threads.core.model import Request, Signal
    from otel_threads.core.ports import Batch
    from otel_threads.decode import columns, logs

    store.write(a_trace(TRACE, project_name="p", start_time="2026-11-28T16:00:00Z"))
    start = store.rows("select start_time_unix_nano from spans")[0][0]
    trace_id = ids.trace_id_of(TRACE)
    span = a_span(
        trace_id=bytes.fromhex(trace_id), span_id=bytes.fromhex(trace_id[16:]), start=start
    )
    request = Request(signal=Signal.TRACES, payload=a_request(span), project="p")
    decoded = columns.decode([request], default_project="p")
    for _ in range(2):
        store.writer._commit([Batch(decoded.tables, logs.LOGS.empty_table())])
    assert store.rows("select count(*), count(record_id) from spans") == [(2, 1)]
