"""Exports and live events, over REST."""

import csv
import io
import json
import threading
import time

import httpx
import pyarrow.parquet as pq
import pytest
from builders import a_chat, a_request, a_span
from conftest import CAPTURES, Server, request_files, wait_until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads.core.model import Signal
from otel_threads.decode import otlp_json
from otel_threads.services.threads import TURNS_TOGETHER

NASTY = '=HYPERLINK("x"), "quoted"\nline two \u202e 🙂 \x00'


@pytest.fixture(scope="module")
def loaded(server: Server) -> Server:
    chats = [a_chat(f"t-{n:03}", f"question {n}", f"answer {n}") for n in range(450)]
    server.post(a_request(*chats), x_otel_threads_project="x")  # more than two pages
    server.post(a_request(a_chat("nasty", NASTY, NASTY)), x_otel_threads_project="nasty")
    for file in request_files(CAPTURES / "openinference-langgraph"):
        server.post(file.read_bytes(), x_otel_threads_project="tools")
    server.wait_derived()
    return server


def export(server, **query) -> httpx.Response:
    answer = httpx.get(f"{server.api}/export/threads", params=query, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer


def test_an_export_reads_threads_together_and_says_what_each_call_says(server):
    """Also where a thread has more turns than are read together, and across such batches."""
    counts = {"a": 3, "b": TURNS_TOGETHER + 20, "c": 1, "d": TURNS_TOGETHER - 1, "e": 2}
    chats = [
        a_chat(thread, f"{thread} asks {n}", f"answer {n}", start=time.time_ns() + n * 1000)
        for thread, count in counts.items()
        for n in range(count)
    ]
    server.post(a_request(*chats), x_otel_threads_project="batches")
    server.wait_derived()
    trace_id = chats[0].trace_id.hex()
    score = {"project": "batches", "trace_id": trace_id, "name": "quality", "value": 1}
    httpx.put(f"{server.api}/scores", json={"scores": [score]}).raise_for_status()
    told = {}
    for line in export(server, project="batches").text.splitlines():
        thread = json.loads(line)
        told[thread["thread_id"]] = thread["turns"]
    assert {thread: len(turns) for thread, turns in told.items()} == counts
    for thread, turns in told.items():
        asked = {"project": "batches", "thread_id": thread, "limit": 1000}
        assert [(t["user"], t["scores"], t["messages"]) for t in turns] == [
            (t["user"], t["scores"], t["messages"])
            for t in server.get("/threads/turns", **asked)["items"]
        ]
    assert told["a"][0]["scores"][0]["name"] == "quality"
    lines = export(server, project="batches", shape="openai").text.splitlines()
    assert [len(json.loads(line)["messages"]) for line in lines] == [2 * n for n in counts.values()]


def test_jsonl_has_every_thread_with_its_turns(loaded):
    answer = export(loaded, project="x")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "threads.jsonl" in answer.headers["content-disposition"]
    threads = [json.loads(line) for line in answer.text.splitlines()]
    assert [t["thread_id"] for t in threads] == [f"t-{n:03}" for n in range(450)]
    assert threads[7]["turns"][0]["user"] == "question 7"
    some = export(loaded, project="x", filter="thread_id < 't-010'").text.splitlines()
    assert len(some) == 10


def test_openai_shape_is_what_fine_tuning_takes(loaded):
    lines = export(loaded, project="tools", shape="openai").text.splitlines()
    for line in lines:
        conversation = json.loads(line)
        assert set(conversation) == {"messages"}
        roles = [message["role"] for message in conversation["messages"]]
        assert roles[-1] == "assistant"
        for message in conversation["messages"]:
            for call in message.get("tool_calls", ()):
                json.loads(call["function"]["arguments"])


def test_csv_survives_hostile_words_and_runs_nothing(loaded):
    rows = list(
        csv.DictReader(io.StringIO(export(loaded, project="nasty", format="csv").text, newline=""))
    )
    assert rows[0]["first_message"] == "'" + NASTY
    assert rows[0]["usage_total" if "usage_total" in rows[0] else "total_tokens"] == "15"
    assert (
        len(list(csv.DictReader(io.StringIO(export(loaded, project="x", format="csv").text))))
        == 450
    )


def test_parquet_opens_with_types(loaded, tmp_path):
    table = pq.read_table(io.BytesIO(export(loaded, project="x", format="parquet").content))
    assert table.num_rows == 450
    assert str(table.schema.field("last_activity_time").type) == "timestamp[us, tz=UTC]"
    assert table.column("models").to_pylist()[0] == ["gpt-4o-mini"]


@pytest.mark.parametrize(
    "name",
    [
        "handmade-structured-pb",
        "openinference-langgraph",
        "strands-openai",
        "vercel-ai-openinference",
    ],
)
def test_otlp_gives_back_the_spans_that_came(make_server, name):
    """Losslessly: every span that is exported equals one that was sent."""
    server = make_server()
    sent = {}
    for file in request_files(CAPTURES / name):
        body = file.read_bytes()
        if file.name.endswith(".logs.pb"):
            continue
        kind = "json" if file.suffix == ".json" else "x-protobuf"
        server.post(body, content_type=f"application/{kind}")
        wire = otlp_json.to_wire(Signal.TRACES, body) if file.suffix == ".json" else body
        sent |= by_id(wire)
    server.wait_derived()
    got = {}
    for line in export(server, project="*", format="otlp").text.splitlines():
        got |= by_id(otlp_json.to_wire(Signal.TRACES, line.encode()))
    assert got
    for key, one in got.items():
        assert one == sent[key]


def by_id(wire: bytes) -> dict:
    found = {}
    for resource in ExportTraceServiceRequest.FromString(wire).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                key = (span.trace_id, span.span_id)
                found[key] = (
                    canonical(resource.resource),
                    canonical(scope.scope),
                    canonical(span),
                    resource.schema_url,
                    scope.schema_url,
                )
    return found


def canonical(message):
    """Attributes are a set of keys: their order and repetition have no meaning."""
    copy = type(message).FromString(message.SerializeToString())
    for part in [copy, *getattr(copy, "events", ()), *getattr(copy, "links", ())]:
        pairs = {pair.key: pair for pair in part.attributes}
        ordered = [
            type(pair).FromString(pair.SerializeToString()) for _, pair in sorted(pairs.items())
        ]
        for pair in ordered:
            if not pair.value.ByteSize():
                pair.ClearField("value")  # an empty value and none are the same
        del part.attributes[:]
        part.attributes.extend(ordered)
    if hasattr(copy, "status") and not copy.status.ByteSize():
        copy.ClearField("status")
    return copy


def test_what_cannot_be_exported_is_refused_at_once(loaded):
    for query, says in (
        ({"format": "xml"}, "format"),
        ({"format": "csv", "shape": "openai"}, "needs format jsonl"),
        ({"filter": "nope"}, "position"),
        ({"colour": "red"}, "colour"),
    ):
        answer = httpx.get(f"{loaded.api}/export/threads", params=query)
        assert answer.status_code == 400
        assert says in answer.json()["detail"]


class Listener:
    """Reads server-sent events in a thread."""

    def __init__(self, server: Server, project: str) -> None:
        self.events: list[tuple[str, dict]] = []
        self.listening = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(server, project), daemon=True)
        self._thread.start()
        assert self.listening.wait(30)

    def _run(self, server, project) -> None:
        with httpx.stream(
            "GET", f"{server.api}/events", params={"project": project}, timeout=60
        ) as answer:
            kind = ""
            for line in answer.iter_lines():
                if line.startswith(":"):
                    self.listening.set()
                elif line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    self.events.append((kind, json.loads(line[6:])))
                if self._stop.is_set():
                    return

    def stop(self) -> None:
        self._stop.set()


def test_events_tell_of_changed_and_deleted_threads(server):
    listener = Listener(server, "live")
    server.post(
        a_request(a_chat("t", "hi\n\nevent: forged\ndata: {}", "ho")), x_otel_threads_project="live"
    )
    server.post(a_request(a_span()), x_otel_threads_project="live")
    server.post(a_request(a_chat("t", "hi", "ho")), x_otel_threads_project="other")
    wait_until(lambda: len(listener.events) >= 1, "the thread is told of")
    kind, thread = listener.events[0]
    assert kind == "thread"
    assert (thread["thread_id"], thread["project"], thread["turn_count"]) == ("t", "live", 1)
    httpx.post(f"{server.api}/threads/delete", json={"project": "live", "thread_ids": ["t"]})
    wait_until(lambda: listener.events[-1][0] == "deleted", "the deletion is told of")
    assert listener.events[-1][1] == {"project": "live", "thread_id": "t"}
    assert {kind for kind, _ in listener.events} == {"thread", "deleted"}
    listener.stop()


def test_a_server_stops_while_somebody_listens(make_server):
    server = make_server()
    listener = Listener(server, "*")
    assert server.stop() == 0
    assert listener.events == []
