"""Values of any size are stored in pieces, and read back whole."""

import json
import random
import time

import httpx
import pyarrow as pa
import pytest
from builders import a_chat, a_request, a_span, any_value
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from otel_threads.core.model import Signal
from otel_threads.decode import otlp_json
from otel_threads.decode.attributes import MORE
from otel_threads.decode.chunks import CHUNK_BYTES_MAX, beginning, beginnings, cut
from otel_threads.decode.tables import CONTENT
from otel_threads.store.derived import payloads, turn_chunks
from otel_threads.store.spans.chains import Chains

MIB = 1 << 20


@given(
    st.text(alphabet=st.sampled_from(["a", "é", "€", "🙂", "\0"]), min_size=1, max_size=300),
    st.integers(CHUNK_BYTES_MAX // 300, CHUNK_BYTES_MAX // 100),
)
def test_no_character_is_torn(few, times):
    text = few * times
    pieces = cut(text)
    assert "".join(pieces) == text
    assert all(0 < len(piece.encode()) <= CHUNK_BYTES_MAX for piece in pieces)
    assert all(len(piece.encode()) > CHUNK_BYTES_MAX - 4 for piece in pieces[:-1])


def test_only_long_values_are_cut():
    values = ["a" * CHUNK_BYTES_MAX, "b" * (2 * CHUNK_BYTES_MAX + 1), "c"]
    made = [{"key": str(i), "value": value, "span_row": i} for i, value in enumerate(values)]
    rows = Chains().rows(pa.Table.from_pylist(made, schema=CONTENT), 1)
    found = [(r["key"], r["chunk_index"], len(r["value"])) for r in rows.to_pylist()]
    assert sorted(found, key=str) == [
        ("0", None, CHUNK_BYTES_MAX),
        ("1", 0, CHUNK_BYTES_MAX),
        ("1", 1, CHUNK_BYTES_MAX),
        ("1", 2, 1),
        ("2", None, 1),
    ]


def sql(server, text: str) -> list[dict]:
    answer = httpx.post(f"{server.api}/sql", json={"sql": text}, timeout=60)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return [
        dict(zip([c["name"] for c in found["columns"]], row, strict=True)) for row in found["rows"]
    ]


def a_text(size: int, seed: int) -> str:
    dice = random.Random(seed)
    return "".join(dice.choices("abcdefgh é🙂", k=size))


def test_whole_for_whoever_reads_it(server):
    text = a_text(3 * CHUNK_BYTES_MAX, 1)
    span = a_chat("pieces-1", text, "short")
    assert server.post(a_request(span)).status_code == 200
    server.wait_derived()
    trace_id = span.trace_id.hex()
    value = next(a.value.string_value for a in span.attributes if a.key == "gen_ai.input.messages")
    [one] = server.get(f"/traces/{trace_id}")["spans"]
    assert one["attributes"]["gen_ai.input.messages"] == value
    [turn] = server.get("/threads/turns", thread_id="pieces-1")["items"]
    assert turn["user"] == text
    where = f"where trace_id = '{trace_id}' and key = 'gen_ai.input.messages'"
    [row] = sql(server, f"select value from span_content {where}")
    assert row["value"] == value
    [row] = sql(server, f"select count(*) as pieces from x_content_chunks {where}")
    assert row["pieces"] > 3
    httpx.post(f"{server.api}/traces/delete", json={"trace_ids": [trace_id]}, timeout=60)
    for table in ("x_content_chunks", "x_part_payloads"):
        [row] = sql(server, f"select count(*) as n from {table} where trace_id = '{trace_id}'")
        assert row["n"] == 0


def a_log(span, event_name: str, body: dict, **attributes: str) -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name = event_name
    record.trace_id, record.span_id = span.trace_id, span.span_id
    record.time_unix_nano = span.start_time_unix_nano
    for key, value in body.items():
        record.body.kvlist_value.values.add(key=key, value=any_value(value))
    for key, value in attributes.items():
        record.attributes.add(key=key, value=any_value(value))
    return request.SerializeToString()


def test_log_records_too(server):
    """A body and an attribute; the same record sent again is not stored twice."""
    text = a_text(3 * CHUNK_BYTES_MAX, 4)
    model = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.conversation.id": "pieces-3",
    }
    span = a_span(attributes=model)
    assert server.post(a_request(span)).status_code == 200
    for _ in range(2):
        payload = a_log(span, "gen_ai.user.message", {"content": text}, note=text)
        assert server.post(payload, "logs").status_code == 200
    server.wait_derived()
    [turn] = server.get("/threads/turns", thread_id="pieces-3")["items"]
    assert turn["user"] == text
    trace_id = span.trace_id.hex()
    [one] = server.get(f"/traces/{trace_id}")["spans"]
    [log] = one["logs"]
    assert log["body"] == {"content": text}
    assert log["attributes"] == {"note": text}
    count = f"select count(*) as n, count(key) as of_attributes, min(length(value)) as chars from log_pieces where trace_id = '{trace_id}'"
    [row] = sql(server, count)
    assert (row["n"], row["of_attributes"]) == (2, 1)
    assert row["chars"] == len(text)
    httpx.post(f"{server.api}/traces/delete", json={"trace_ids": [trace_id]}, timeout=60)
    assert sql(server, count)[0]["n"] == 0


def test_a_turn_that_goes_on_finds_its_long_part_again(server):
    """The second trace continues the first one's turn, whose part has to be read back."""
    text, now = a_text(3 * CHUNK_BYTES_MAX, 2), time.time_ns()
    asks = [{"type": "tool_call", "id": "long-1", "name": "look", "arguments": {}}]
    brings = [{"type": "tool_call_response", "id": "long-1", "response": "seen"}]
    asked = {"role": "user", "parts": [{"type": "text", "content": text}]}
    first = {
        "gen_ai.input.messages": json.dumps([asked]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": asks}]),
    }
    history = [asked, {"role": "assistant", "parts": asks}, {"role": "tool", "parts": brings}]
    second = {"gen_ai.input.messages": json.dumps(history)}
    for i, attributes in enumerate((first, second)):
        answer = None if i == 0 else "done"
        span = a_chat("pieces-2", "", answer, attributes=attributes, start=now + i * 10**9)
        assert server.post(a_request(span)).status_code == 200
        server.wait_derived()
    [turn] = server.get("/threads/turns", thread_id="pieces-2")["items"]
    assert (turn["user"], turn["assistant"]) == (text, "done")
    assert turn["tool_calls"][0]["result"] == "seen"


def test_what_is_derived_has_bounds():
    """An image is named, a text of megabytes ends with where the rest is."""
    image = {"type": "image", "mime_type": "image/png", "content": "A" * 2 * MIB}
    words = {"type": "text", "text": "w" * 2 * MIB}
    message = {
        "role": "user",
        "text": "w" * 2 * MIB,
        "parts": [words, image],
        "tool_calls": [],
        "tool_call_id": None,
        "span_id": "s",
    }
    part = {
        "project": "default",
        "trace_id": "t",
        "part_index": 0,
        "start_time_unix_nano": 1,
        "user": "w" * 2 * MIB,
        "assistant": None,
        "system": "short",
        "user_text": "w" * 2 * MIB,
        "unanswered": [],
        "tool_calls": [{"arguments": {"document": "d" * 2 * MIB}}],
        "messages": [message],
    }
    rows = payloads.chunks(part)
    assert all(len(row["payload"].encode()) <= CHUNK_BYTES_MAX for row in rows)
    assert [row["chunk_index"] for row in rows] == list(range(len(rows)))
    cut_text = "w" * payloads.TEXT_LENGTH_MAX + "[… 2097152 characters, whole in span_content]"
    assert part["user"] == part["user_text"] == part["messages"][0]["text"] == cut_text
    assert part["system"] == "short"
    assert part["messages"][0]["parts"][1] == {
        "type": "image",
        "mime_type": "image/png",
        "content": "[… 2097152 characters, whole in span_content]",
    }
    assert len(part["tool_calls"][0]["arguments"]["document"]) < 1_100_000
    again = payloads.unpacked("".join(row["payload"] for row in rows))
    assert again["messages"] == part["messages"]


@pytest.mark.slow
def test_megabytes_in_a_row_at_the_least_memory(make_server):
    """DuckDB takes 2,048 values at once; whole, these would be more than it has."""
    server = make_server(memory_limit_bytes=128 * MIB)
    text = a_text(2 * MIB, 3)
    for i in range(60):
        turned = text[i * 1000 :] + text[: i * 1000]
        payload = a_request(a_chat(f"many-{i % 7}", turned, "fine"))
        assert server.post(payload).status_code == 200
    server.wait_derived()
    assert sum(t["turn_count"] for t in server.get("/threads")["items"]) == 60
    httpx.post(f"{server.api}/rebuild", timeout=60)
    server.wait_derived()
    assert sum(t["turn_count"] for t in server.get("/threads")["items"]) == 60
    assert server.stop() == 0
    assert "ERROR" not in server.stderr()


def test_long_values_of_turns_are_whole_for_people_and_short_in_sql(server):
    """A question, an answer, a system prompt and tool calls, each longer than a piece."""
    ask, answer, rules = (a_text(2 * CHUNK_BYTES_MAX, seed) for seed in (5, 6, 7))
    calls = [
        {"type": "tool_call", "id": f"c{i}", "name": "look", "arguments": {"at": a_text(3000, i)}}
        for i in range(30)
    ]
    span = a_chat(
        "pieces-4",
        ask,
        None,
        attributes={
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": rules}]),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "text", "content": answer}, *calls]}]
            ),
        },
    )
    assert server.post(a_request(span)).status_code == 200
    server.wait_derived()
    trace_id = span.trace_id.hex()
    for [turn] in (
        server.get("/threads/turns", thread_id="pieces-4")["items"],
        server.get(f"/traces/{trace_id}")["turns"],
    ):
        assert (turn["user"], turn["assistant"], turn["system"]) == (ask, answer, rules)
        asked = [call["arguments"] for call in turn["tool_calls"]]
        assert asked == [call["arguments"] for call in calls]
        assert [m["text"] for m in turn["messages"]] == [ask, answer]
        assert len(turn["messages"][1]["tool_calls"]) == 30
        assert turn["messages"][1]["parts"][0]["text"] == answer
        assert "is_cut" not in turn

    where = f"where trace_id = '{trace_id}'"
    [row] = sql(server, f'select "user", is_cut, tool_calls from turns {where}')
    mark = f"[… {len(ask)} characters, whole in turn_pieces]"
    assert row["is_cut"]
    assert row["user"] == cut(ask)[0] + mark
    assert len(json.loads(row["tool_calls"])) == 30
    assert len(row["tool_calls"].encode()) <= CHUNK_BYTES_MAX
    [row] = sql(server, f"select count(*) as n from tool_calls {where} and name = 'look'")
    assert row["n"] == 30
    [row] = sql(
        server,
        "select string_agg(value, '' order by chunk_index) as value from x_turn_chunks"
        f" {where} and message_index = 0 and name = 'text'",
    )
    assert row["value"] == ask
    httpx.post(f"{server.api}/traces/delete", json={"trace_ids": [trace_id]}, timeout=60)
    assert sql(server, f"select count(*) as n from x_turn_chunks {where}") == [{"n": 0}]


@pytest.mark.parametrize("thread_id", ["pieces-5", None])
def test_words_far_into_a_message_are_found(server, thread_id):
    word = f"zebra{'x' if thread_id else 'y'}"
    text = "long " * CHUNK_BYTES_MAX + word
    assert server.post(a_request(a_chat(thread_id, text, "short"))).status_code == 200
    server.wait_derived()
    kind = "threads" if thread_id else "traces"
    for asked in ({"search": word}, {"filter": f'any_message contains "{word.upper()}"'}):
        assert len(server.get(f"/{kind}", **asked)["items"]) == 1
    others = server.get(f"/{kind}", filter=f'any_message not_contains "{word}"')["items"]
    assert thread_id not in [item["thread_id"] for item in others]


def test_a_list_of_many_calls_has_bounds():
    calls = [{"id": f"c{i}", "name": "look", "result": i, "error": None} for i in range(5000)]
    turn = {
        **dict.fromkeys(turn_chunks.OF_TURNS),
        **dict.fromkeys(turn_chunks.KEY),
        "start_time_unix_nano": 1,
        "tool_calls": payloads.json(calls),
    }
    rows = turn_chunks.split_out([turn], [])
    assert json.loads("".join(row["value"] for row in rows)) == calls
    kept = json.loads(turn["tool_calls"])
    assert kept == calls[: len(kept)]
    assert 100 < len(kept) < 1000
    assert turn["is_cut"]


def test_names_that_are_too_long_are_cut_and_the_sender_is_told(server):
    """What is no content has no pieces: a name, a scope, a key, a resource's and a link's values."""
    long = "n" * 3 * CHUNK_BYTES_MAX
    cut_text = f"{long[:CHUNK_BYTES_MAX]}[… cut, {len(long)} characters]"
    span = a_chat(
        "pieces-6",
        "hi",
        "fine",
        name=long,
        attributes={
            long: "x",
            long[:-1] + "m": "y",
            "gen_ai.request.model": long,
            "user.id": long,
            "error.type": long,
        },
    )
    span.status.message = span.trace_state = long
    span.events.add(name=long)
    link = span.links.add(trace_id=span.trace_id, span_id=span.span_id)
    link.attributes.add(key="l", value=any_value([long]))
    good = a_chat("pieces-6", "well", "yes", start=span.start_time_unix_nano + 10**9)
    answer = server.post(a_request(span, good, resource={"r": [long]}, scope=long))
    assert answer.status_code == 200
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 0
    assert "was cut" in partial.error_message
    assert len(partial.error_message) < 1000

    server.wait_derived()
    [one] = server.get(f"/traces/{span.trace_id.hex()}")["spans"]
    assert one["name"] == one["status_message"] == one["scope_name"] == cut_text
    assert one["attributes"][cut_text] == "y"  # both keys have become the same
    assert one["attributes"]["gen_ai.request.model"] == long
    assert one["events"][0]["name"] == cut_text
    for attributes, key in (
        (one["resource_attributes"], "r"),
        (one["links"][0]["attributes"], "l"),
    ):
        assert attributes[key].startswith('["nnn')
        assert len(attributes[key]) < CHUNK_BYTES_MAX + 100
    turns = server.get("/threads/turns", thread_id="pieces-6")["items"]
    assert [turn["user"] for turn in turns] == ["hi", "well"]
    [thread] = [t for t in server.get("/threads")["items"] if t["thread_id"] == "pieces-6"]
    assert thread["users"] == ["n" * 1000]
    httpx.post(f"{server.api}/traces/delete", json={"trace_ids": [span.trace_id.hex()]}, timeout=60)


def test_log_records_with_names_that_are_too_long(server):
    long = "n" * 3 * CHUNK_BYTES_MAX
    span = a_chat("pieces-7", "hi", "fine")
    assert server.post(a_request(span)).status_code == 200
    request = ExportLogsServiceRequest.FromString(
        a_log(span, "gen_ai.user.message", {"content": "hi"}, **{long: "x"})
    )
    request.resource_logs[0].resource.attributes.add(key="r", value=any_value([long]))
    request.resource_logs[0].scope_logs[0].scope.name = long
    assert server.post(request.SerializeToString(), "logs").status_code == 200
    server.wait_derived()
    where = f"from log_records where trace_id = '{span.trace_id.hex()}'"
    [row] = sql(
        server,
        "select length(scope_name) as scope, length(map_keys(attributes)[1]) as key,"
        f" length(resource_attributes['r']) as value, resource_attribute_types as types {where}",
    )
    assert all(0 < row[name] < CHUNK_BYTES_MAX + 100 for name in ("scope", "key", "value"))
    assert row["types"] == "s"
    [one] = server.get(f"/traces/{span.trace_id.hex()}")["spans"]
    assert len(one["logs"]) == 1


def test_texts_in_arrays_of_any_shape_are_cut():
    long, short = "é" * CHUNK_BYTES_MAX, "short"
    shape = pa.map_(pa.string(), pa.string())
    texts, lists, maps = (
        beginnings(pa.array(rows, kind)).to_pylist()
        for rows, kind in (
            ([short, None, long], pa.string()),
            ([[short], None, [long, short], []], pa.list_(pa.string())),
            ([[(long, short), (short, long)], []], shape),
        )
    )
    assert texts == [short, None, beginning(long)]
    assert lists == [[short], None, [beginning(long, 4096), short], []]
    assert maps == [[(beginning(long), short), (short, beginning(long))], []]
    assert beginning(long) == "é" * (CHUNK_BYTES_MAX // 2) + f"[… cut, {len(long)} characters]"
    ids = pa.array([["語" * 1000]], pa.list_(pa.string()))  # as long as a thread's may be
    assert beginnings(ids) is ids
    same = pa.array([[short]], pa.list_(pa.string()))
    assert beginnings(same) is same


def test_attributes_beyond_what_a_map_holds_are_there_for_whoever_reads(server):
    """A long history, flattened: what is numbered goes elsewhere, the span's own facts stay."""
    more = {}
    for i in range(700):
        more[f"llm.input_messages.{i}.message.role"] = "assistant" if i % 2 else "user"
        more[f"llm.input_messages.{i}.message.content"] = f"words {i} " + "long " * (60 * (i % 3))
        more[f"llm.input_messages.{i}.tokens"] = i
    own = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "session.id": "pieces-8",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "fine",
    }
    span = a_span(attributes=more | own)
    event = span.events.add(name="e", time_unix_nano=span.start_time_unix_nano)
    for i in range(1100):
        event.attributes.add(key=f"k.{i}", value=any_value(i))
    payload = a_request(
        span, a_chat("pieces-8", "well", "yes", start=span.start_time_unix_nano + 9)
    )
    answer = server.post(payload)
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.error_message == ""
    server.wait_derived()

    trace_id = span.trace_id.hex()
    [one] = server.get(f"/traces/{trace_id}")["spans"]
    assert one["attributes"] == more | own
    assert one["events"][0]["attributes"] == {f"k.{i}": i for i in range(1100)}
    where = f"from spans where trace_id = '{trace_id}'"
    [row] = sql(
        server, f"select cardinality(attributes) as n, attributes['session.id'] as id {where}"
    )
    assert row == {"n": 1024, "id": "pieces-8"}
    turns = server.get("/threads/turns", thread_id="pieces-8")["items"]
    words = more["llm.input_messages.698.message.content"]
    assert (turns[0]["user"].strip(), turns[0]["assistant"]) == (words.strip(), "fine")
    named = {"format": "otlp", "filter": 'thread_id = "pieces-8"'}
    exported = httpx.get(f"{server.api}/export/threads", params=named, timeout=60)
    [found] = [
        one
        for line in exported.text.splitlines()
        for resource in ExportTraceServiceRequest.FromString(
            otlp_json.to_wire(Signal.TRACES, line.encode())
        ).resource_spans
        for one in resource.scope_spans[0].spans
        if one.span_id == span.span_id
    ]
    for one in (found, span, found.events[0], span.events[0]):
        one.attributes.sort(key=lambda pair: pair.key)
    assert found == span


def test_a_resource_and_a_log_record_keep_so_many_attributes(server):
    span = a_chat("pieces-9", "hi", "fine")
    many = {f"r{i}": i for i in range(1100)}
    answer = server.post(a_request(span, resource=many))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 0
    assert "only 1024 of its attributes were kept" in partial.error_message
    payload = a_log(
        span, "gen_ai.user.message", {"content": "hi"}, **{k: str(v) for k, v in many.items()}
    )
    assert server.post(payload, "logs").status_code == 200
    server.wait_derived()
    where = f"where trace_id = '{span.trace_id.hex()}'"
    [row] = sql(server, f"select cardinality(resource_attributes) as n from spans {where}")
    assert row["n"] == 1024
    counts = "cardinality(attributes) as n, dropped_attributes_count as dropped, length(attribute_types) as types"
    [row] = sql(server, f"select {counts} from log_records {where}")
    assert row == {"n": 1024, "dropped": 76, "types": 1024}


@pytest.mark.parametrize("count", [1023, 1500])
@pytest.mark.parametrize("place", [0, 1])
def test_a_sender_who_uses_our_key_does_no_harm(server, count, place):
    own = {MORE: json.dumps({"k": [5, "??"], "pad": "x" * 500})}
    many = {f"k{i}": "v" for i in range(count)}
    attributes = (own | many) if place == 0 else (many | own)
    span = a_chat(f"own-{count}-{place}", "hi", "fine", attributes=attributes)
    assert server.post(a_request(span)).status_code == 200
    server.wait_derived()
    [one] = server.get(f"/traces/{span.trace_id.hex()}")["spans"]
    assert many.items() <= one["attributes"].items()
    [turn] = server.get("/threads/turns", thread_id=f"own-{count}-{place}")["items"]
    assert (turn["user"], turn["assistant"]) == ("hi", "fine")


@pytest.mark.parametrize("depth", [200, 253, 300, 900])
def test_deep_and_long_arguments_derive(server, depth):
    deep = '{"a":' * depth + '"' + "x" * 2 * CHUNK_BYTES_MAX + '"' + "}" * depth
    call = {"type": "tool_call", "id": "c", "name": "look", "arguments": deep}
    messages = json.dumps([{"role": "assistant", "parts": [call]}])
    span = a_chat(f"deep-{depth}", "hi", None, attributes={"gen_ai.output.messages": messages})
    assert server.post(a_request(span)).status_code == 200
    server.wait_derived()
    [turn] = server.get("/threads/turns", thread_id=f"deep-{depth}")["items"]
    assert turn["tool_calls"][0]["name"] == "look"
