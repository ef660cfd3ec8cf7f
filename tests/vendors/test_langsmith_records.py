"""Runs of LangSmith's SDKs as records, and what all records of a run add up to."""

import itertools
import json
import random
from collections.abc import Iterable, Sequence

import orjson
import pytest
from langsmith_requests import NAMES, a_run, recorded_parts, sent_of

from otel_threads.core.errors import InvalidPayload
from otel_threads.core.record import FoldedRecord, Record, StoredRecord
from otel_threads.derive.record_fold import fold, group
from otel_threads.vendors.langsmith import records
from otel_threads.vendors.langsmith.records import Known
from otel_threads.vendors.langsmith.rules import LangSmithRules

RULES = LangSmithRules()
POST = a_run("t1", seconds=None) | {"outputs": {}, "events": []}
OTHER = "01a22311-3d9d-7000-8000-031b0df67b8c"


def stored(some: Iterable[Record]) -> list[StoredRecord]:
    return [StoredRecord(one, i + 1, 0, 1000 + i) for i, one in enumerate(some)]


def folded(some: Iterable[Record]) -> dict[str, dict[str, object]]:
    """Return the fields of each run, parsed, by its id."""
    found = {}
    for rows in group(stored(some)).values():
        one = fold(rows, RULES)
        assert one is not None
        found[one.record_id] = {name: orjson.loads(text) for name, text in one.fields.items()}
    return found


def one_of(some: Iterable[Record]) -> FoldedRecord:
    (rows,) = group(stored(some)).values()
    found = fold(rows, RULES)
    assert found is not None
    return found


def of_batch(post: Sequence[dict] = (), patch: Sequence[dict] = ()) -> list[Record]:
    body = json.dumps({"post": list(post), "patch": list(patch)})
    return records.of_batch(body, Known()).records


@pytest.mark.parametrize("name", [name for name in NAMES if recorded_parts(name)])
def test_any_order_and_repetition_of_recorded_requests_gives_the_same_runs(name):
    sent = [one for parts in recorded_parts(name) for one in sent_of(parts).records]
    if not sent:
        return
    expected = folded(sent)
    assert all("end_time" in run for run in expected.values())
    shuffle = random.Random(name)

    for _ in range(30):
        again = [one for one in sent for _ in range(shuffle.choice((1, 1, 2, 3)))]
        shuffle.shuffle(again)
        assert folded(again) == expected


@pytest.mark.parametrize("style", ["python", "js", "bare"])
def test_a_run_of_several_parts_is_one_record(style):
    parts = recorded_parts("js-j04_langsmith_threads")[0]

    sent = sent_of(parts, style=style)

    first = sent.records[0]
    body = json.loads(first.body)
    assert [one.op for one in sent.records] == ["put", "put"]
    assert first.project.startswith("accept-js-threads")
    assert (body["inputs"], body["outputs"]) == ({"input": "one"}, {"outputs": "Answer to: one"})
    assert "child_runs" not in body
    assert sent.faults == []


def test_the_bytes_of_a_field_stay():
    text = b'{"big": 123456789012345678901234567890, "one": 1.0,  "b":1,"a":[null, 2e3]}'
    sent = sent_of([(f"post.{OTHER}", {"id": OTHER, "start_time": "2026-11-28T16:51:02Z"})])
    raw = sent_of([(f"post.{OTHER}", {"id": OTHER}), (f"post.{OTHER}.inputs", text)])

    assert sent.records[0].stamp_unix_nano == 1795884662 * 10**9
    assert f'"inputs":{text.decode()}' in raw.records[0].body


def test_times_of_javascript_are_read():
    run = {"id": OTHER, "start_time": "2026-11-28T16:51:02.154001Z", "end_time": 1795884662167}
    head = RULES.head(one_of(of_batch([run])))

    assert head is not None
    assert head.start_unix_nano == 1795884662_154001_000
    assert head.end_unix_nano == 1795884662_167_000_000


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_patch_may_come_before_its_post(order):
    end = {"id": POST["id"], "end_time": "2026-11-28T16:51:03Z", "outputs": {"output": "ho"}}
    late = {"id": POST["id"], "extra": {"metadata": {"late": 1}}, "tags": ["x"]}
    sent = [*of_batch([POST]), *of_batch(patch=[end]), *of_batch(patch=[late])]

    found = one_of([sent[i] for i in order])

    fields = {name: orjson.loads(text) for name, text in found.fields.items()}
    assert fields["inputs"] == {"question": "hi"}
    assert fields["outputs"] == {"output": "ho"}
    assert fields["extra"]["metadata"] == {"session_id": "t1", "late": 1}
    assert fields["tags"] == ["x"]
    assert found.trace_record_id == POST["id"]
    assert found.project == "runs"


def test_what_is_empty_erases_nothing():
    full = POST | {"outputs": {"output": "ho"}, "events": [{"name": "start"}], "tags": ["x"]}
    empty = {"id": POST["id"], "outputs": {}, "events": [], "tags": [], "inputs": {}, "error": None}

    fields = one_of([*of_batch([full]), *of_batch(patch=[empty])]).fields

    assert fields["outputs"] == '{"output":"ho"}' or json.loads(fields["outputs"])
    assert json.loads(fields["events"]) == [{"name": "start"}]
    assert json.loads(fields["tags"]) == ["x"]
    assert json.loads(fields["inputs"]) == {"question": "hi"}
    assert "error" not in fields


def test_extra_is_a_union_of_metadata_and_else_the_later():
    one = POST | {"extra": {"metadata": {"a": 1, "b": 1}, "runtime": {"x": 1, "y": 1}}}
    two = {"id": POST["id"], "extra": {"metadata": {"b": 2, "c": 2}, "runtime": {"x": 2}}}

    fields = one_of([*of_batch(patch=[two]), *of_batch([one])]).fields

    assert json.loads(fields["extra"]) == {
        "metadata": {"a": 1, "b": 2, "c": 2},
        "runtime": {"x": 2},
    }


@pytest.mark.parametrize(
    ("metadata", "thread_id"),
    [
        ({"session_id": "s"}, "s"),
        ({"thread_id": "t", "session_id": "s"}, "s"),
        ({"thread_id": "t", "conversation_id": "c"}, "c"),
        ({"thread_id": 7}, "7"),
        ({"thread_id": ""}, None),
        ({"thread_id": None, "other": "x"}, None),
        ({"session_id": True, "thread_id": "t"}, "t"),
        ({"session_id": ["x"]}, None),
    ],
)
def test_the_thread_is_the_first_of_the_documented_keys(metadata, thread_id):
    fields = one_of(of_batch([POST | {"extra": {"metadata": metadata}}])).fields

    assert json.loads(fields.get("thread_id", "null")) == thread_id


def test_the_order_of_the_keys_is_a_setting():
    rules = LangSmithRules(("thread_id", "session_id"))

    assert rules.thread_id({"extra": '{"metadata":{"session_id":"s","thread_id":"t"}}'}) == "t"


def test_a_session_id_beside_the_metadata_is_a_project():
    named = Known(project_of={OTHER: "by uuid"}.get)
    run = {"id": POST["id"], "session_id": OTHER}
    text = json.dumps({"post": [run]})

    assert records.of_batch(text, named).records[0].project == "by uuid"
    assert records.of_batch(text, Known()).records[0].project == OTHER
    assert of_batch([{"id": OTHER, "session_name": None}])[0].project == "default"
    assert of_batch(patch=[{"id": OTHER, "session_name": None}])[0].project is None


def test_a_child_that_names_its_parent_alone_is_in_its_trace():
    root = {"id": POST["id"]}
    child = {"id": OTHER, "parent_run_id": POST["id"]}
    stray = {"id": OTHER, "parent_run_id": "01a22311-0000-7000-8000-000000000001"}
    known = Known(trace_of={stray["parent_run_id"]: POST["id"]}.get)

    assert of_batch([root, child])[1].trace_record_id == POST["id"]
    assert of_batch([child, root])[0].trace_record_id == POST["id"]
    text = json.dumps(stray)
    assert records.of_run(text, "put", None, known).records[0].trace_record_id == POST["id"]
    assert (
        records.of_run(text, "put", None, Known()).records[0].trace_record_id
        == (stray["parent_run_id"])
    )


def test_the_trace_is_told_by_its_id_before_the_order():
    order = POST["dotted_order"]

    assert of_batch([{"id": OTHER, "dotted_order": order}])[0].trace_record_id == POST["id"]
    told = {"id": OTHER, "dotted_order": order, "trace_id": OTHER}
    assert of_batch([told])[0].trace_record_id == OTHER


def test_a_bad_part_costs_nothing_beside_it():
    good = [("post." + OTHER, {"id": OTHER}), (f"post.{OTHER}.inputs", {"a": 1})]
    bad = [
        (f"post.{OTHER}.outputs", b"{no json"),
        (f"post.{OTHER}.nonsense", {"a": 1}),
        ("post.no-uuid", {"id": "no-uuid"}),
        ("something", {"a": 1}),
        (f"post.{POST['id']}.extra", b"\xff\xfe"),
        ("attachment.no-uuid.x", b"x"),
    ]

    sent = sent_of([*bad, *good])

    assert [one.record_id for one in sent.records] == [OTHER]
    assert json.loads(sent.records[0].body) == {"id": OTHER, "inputs": {"a": 1}}
    assert len(sent.faults) == len(bad)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [('"\\ud83d"', "\ufffd"), ("NaN", None), ("-1e400", None), ("9" * 320, None), ("1e3", 1000)],
)
def test_what_sdks_write_and_is_no_json_is_mended(sent, kept):
    text = f'{{"a": {sent}, "b": "NaN, 1e400 \\\\"}}'
    inputs = {"a": kept, "b": "NaN, 1e400 \\"}

    found = sent_of([(f"post.{OTHER}.inputs", text.encode())])
    assert json.loads(found.records[0].body)["inputs"] == inputs
    batch = records.of_batch(f'{{"post": [{{"id": "{OTHER}", "inputs": {text}}}]}}', Known())
    assert json.loads(batch.records[0].body)["inputs"] == inputs


def test_too_much_in_one_part_is_left_out():
    many = json.dumps({"a": [1] * 1000}).encode()
    deep = b"[" * 550 + b"]" * 550
    body = [(f"post.{OTHER}", {"id": OTHER}), (f"post.{OTHER}.inputs", many)]
    from langsmith_requests import CONTENT_TYPE, multipart_body

    from otel_threads.vendors.langsmith import multipart

    def read(parts):
        boundary = multipart.boundary_of(CONTENT_TYPE)
        found = multipart.parts(multipart_body(parts), boundary)
        return records.of_multipart(found, Known(), values_max=900)

    assert "more than 900 values" in read(body).faults[0]
    assert "nested" in read([(f"post.{OTHER}.inputs", deep)]).faults[0]
    assert json.loads(read(body).records[0].body) == {"id": OTHER}


@pytest.mark.parametrize("text", ["[]", "{no", '{"post": {}}', '{"post": "x"}', ""])
def test_a_body_that_is_none_is_refused(text):
    with pytest.raises(InvalidPayload):
        records.of_batch(text, Known())


@pytest.mark.parametrize("body", ["{}", '{"id": "x"}', '{"id": 7}', "[]"])
def test_a_run_without_an_id_is_refused(body):
    with pytest.raises(InvalidPayload):
        records.of_run(body, "put", None, Known())


def test_the_paths_id_counts_for_a_patch():
    sent = records.of_run('{"end_time": 1}', "patch", OTHER.upper(), Known())

    assert sent.records[0].record_id == OTHER


@pytest.mark.parametrize(
    ("told", "kind", "message"),
    [
        ("ValueError('no luck')\n\nTraceback", "ValueError", "no luck"),
        ("openai.RateLimitError('slow down')", "openai.RateLimitError", "slow down"),
        ("it broke", None, "it broke"),
        ({"code": 5}, None, '{"code":5}'),
    ],
)
def test_an_error_is_read(told, kind, message):
    head = RULES.head(one_of(of_batch([POST | {"error": told}])))

    assert head is not None
    assert head.error is not None
    assert (head.error.type, head.error.message) == (kind, message)


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": "7", "outputs": "{", "start_time": "{}", "name": "7", "error": "[]"},
        {"extra": '{"metadata": 7}', "parent_run_id": '"x"', "dotted_order": "{}"},
        {"extra": "[1]", "tags": "7", "end_time": "true", "trace_id": "7"},
        {"extra": '{"metadata": {"session_id": {}}}', "start_time": "1e400"},
    ],
)
def test_rules_never_raise(fields):
    body = "{" + ",".join(f'"{k}":{v}' for k, v in fields.items() if v != "{") + "}"
    record = Record("langsmith", "run", "put", OTHER, None, None, None, body)

    found = one_of([record])

    assert RULES.head(found) is not None
    RULES.thread_id(fields)
    RULES.joined("extra", fields["extra"], fields["extra"])
