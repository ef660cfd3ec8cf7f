"""OTLP over HTTP: each kind of good and bad input, and the exact answer."""

import asyncio
import gzip
import json
import threading
import zlib

import httpx
import psutil
import pytest
import zstandard
from builders import a_chat, a_request, a_span
from conftest import CAPTURES
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

MIB = 1024 * 1024


def padded(size_bytes: int) -> bytes:
    """A request of about a size: spans whose one attribute is long."""
    piece = "x" * MIB
    return a_request(
        *(a_span(attributes={"gen_ai.input.messages": piece}) for _ in range(size_bytes // MIB))
    )


def status_of(answer: httpx.Response) -> Status:
    assert answer.headers["content-type"] == "application/x-protobuf"
    return Status.FromString(answer.content)


def test_a_good_request_is_answered_with_an_empty_response_of_its_type(server):
    answer = server.post(a_request(a_span()))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-protobuf"


def test_an_empty_request_is_a_success(server):
    assert server.post(b"").status_code == 200
    answer = server.post(b"{}", content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "identity"])
def test_every_content_encoding_is_read(server, encoding):
    span = a_chat(f"thread-{encoding}", "Hello", "Hi")
    body = a_request(span, resource={"otel_threads.project": f"encoding-{encoding}"})
    packed = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "zstd": zstandard.ZstdCompressor().compress,
        "identity": bytes,
    }[encoding](body)

    assert server.post(packed, content_encoding=encoding).status_code == 200

    server.wait_derived()
    found = server.get("/threads", project=f"encoding-{encoding}")["items"]
    assert [thread["thread_id"] for thread in found] == [f"thread-{encoding}"]


def test_raw_deflate_and_two_gzip_members_are_read(server):
    body = a_request(a_span())
    packer = zlib.compressobj(wbits=-15)
    assert (
        server.post(packer.compress(body) + packer.flush(), content_encoding="deflate").status_code
        == 200
    )
    two = gzip.compress(body[:50]) + gzip.compress(body[50:])
    assert server.post(two, content_encoding="gzip").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/traces",
        "/otel",
        "/otel/v1/traces",
        "/api/v1/otel",
        "/api/v1/otel/v1/traces",
        "/api/public/otel/v1/traces",
        "/v1/private/otel/v1/traces",
        "/api/v1/private/otel/v1/traces",
        "/api/otel/v1/traces",
    ],
)
def test_exporters_with_a_fixed_path_are_heard(server, path):
    answer = httpx.post(
        server.otlp + path,
        content=a_request(a_span()),
        headers={"content-type": "application/x-protobuf; charset=utf-8"},
    )
    assert answer.status_code == 200


def test_json_as_nodes_exporter_sends_it_becomes_threads(server):
    """Recorded from @opentelemetry/exporter-trace-otlp-http: hex ids, integers as numbers."""
    for file in sorted((CAPTURES / "vercel-ai-generate-json").glob("0*.json")):
        answer = server.post(
            file.read_bytes(), content_type="application/json", x_otel_threads_project="node"
        )
        assert (answer.status_code, answer.json()) == (200, {})
        assert answer.headers["content-type"] == "application/json"
    server.wait_derived()
    threads = server.get("/threads", project="node", sort="thread_id")["items"]
    assert [thread["thread_id"] for thread in threads] == ["thread-alpha", "thread-beta"]
    assert [thread["turn_count"] for thread in threads] == [3, 3]


def test_json_ids_are_hex_and_a_wrong_one_costs_its_span_alone(server):
    def span(trace_id: str) -> dict:
        return {"traceId": trace_id, "spanId": "00f067aa0ba902b7", "name": "x", "kind": 3}

    body = {
        "resourceSpans": [
            {"scopeSpans": [{"spans": [span("4bf92f3577b34da6a3ce929d0e0e4736"), span("xyz")]}]}
        ]
    }
    answer = server.post(json.dumps(body).encode(), content_type="application/json")
    assert answer.status_code == 200
    assert answer.json() == {
        "partialSuccess": {
            "rejectedSpans": "1",
            "errorMessage": "trace_id is 1 bytes, 16 needed",
        }
    }
    server.wait_derived()
    assert server.get("/traces/4bf92f3577b34da6a3ce929d0e0e4736")["span_count"] == 1


def test_a_span_with_a_three_byte_trace_id_is_refused_beside_good_ones(server):
    good = [a_span() for _ in range(3)]
    answer = server.post(a_request(good[0], a_span(trace_id=b"abc"), *good[1:]))
    assert answer.status_code == 200
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 1
    assert partial.error_message == "trace_id is 3 bytes, 16 needed"
    server.wait_derived()
    for span in good:
        assert server.get(f"/traces/{span.trace_id.hex()}")["span_count"] == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"trace_id": bytes(16)}, "trace_id is all zero"),
        ({"span_id": bytes(8)}, "span_id is all zero"),
        ({"span_id": b"1234567"}, "span_id is 7 bytes, 8 needed"),
        ({"parent_span_id": b"123"}, "parent_span_id is 3 bytes, 0 or 8 needed"),
        (
            {"end_time_unix_nano": 2**63},
            "end_time_unix_nano 9223372036854775808 is after 9223372036854775807",
        ),
    ],
)
def test_the_reason_for_a_refusal_names_the_thing_and_the_number(server, fields, message):
    answer = server.post(a_request(a_span(**fields)))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (partial.rejected_spans, partial.error_message) == (1, message)


def test_a_malformed_nested_value_costs_its_span_alone(server):
    """The list inside says that it is longer than it is."""
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

    good, bad = a_span(), a_span(attributes={"list": ["a", "b"]})
    payload = bytearray(a_request(good, bad))
    inner = KeyValue.FromString(bad.attributes[0].SerializeToString()).value.array_value
    at = payload.index(inner.SerializeToString())
    payload[at + 1] = 0x7F
    answer = server.post(bytes(payload))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 1
    assert partial.error_message.startswith("attribute 'list': malformed array_value")
    server.wait_derived()
    assert server.get(f"/traces/{good.trace_id.hex()}")["span_count"] == 1


def test_garbage_is_a_400_with_a_status_in_the_requests_encoding(server):
    answer = server.post(b"\xff\xff\xff garbage")
    assert answer.status_code == 400
    status = status_of(answer)
    assert status.code == 3
    assert status.message.startswith("not an ExportTraceServiceRequest")
    assert not status.details

    answer = server.post(b"[1, 2", content_type="application/json")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == 3
    assert answer.json()["message"].startswith("not JSON")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "a JSON object is needed"),
        (b'{"resourceSpans": 5}', "not an ExportTraceServiceRequest"),
        (
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":{}}]}]}]}',
            "not an ExportTraceServiceRequest",
        ),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, "not JSON"),
    ],
)
def test_json_of_another_shape_is_a_400(server, body, message):
    answer = server.post(body, content_type="application/json")
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_unknown_types_and_encodings_are_a_415(server):
    answer = server.post(a_request(a_span()), content_type="text/plain")
    assert answer.status_code == 415
    assert "'text/plain' is not supported" in answer.json()["message"]
    answer = server.post(a_request(a_span()), content_encoding="br")
    assert answer.status_code == 415
    assert "'br' is not supported" in status_of(answer).message


def test_a_body_that_is_not_what_its_encoding_says_is_a_400(server):
    for encoding in ("gzip", "deflate", "zstd"):
        answer = server.post(b"not compressed at all", content_encoding=encoding)
        assert answer.status_code == 400, encoding
    cut = gzip.compress(a_request(a_span()))[:-12]
    answer = server.post(cut, content_encoding="gzip")
    assert answer.status_code == 400
    assert status_of(answer).message == "the gzip body ends before its data does"


def test_other_methods_and_paths_are_refused(server):
    assert httpx.get(f"{server.otlp}/v1/traces").status_code == 405
    assert httpx.post(f"{server.otlp}/v1/nothing", content=b"").status_code == 404


@pytest.mark.slow
def test_sixty_mebibytes_are_taken_and_sixty_five_refused(server):
    big = padded(60 * MIB)
    assert 60 * MIB < len(big) < 64 * MIB
    assert server.post(big).status_code == 200

    for headers in ({}, {"content_encoding": "gzip"}):
        body = padded(65 * MIB)
        answer = server.post(gzip.compress(body, 1) if headers else body, **headers)
        assert answer.status_code == 413
        status = status_of(answer)
        assert status.code == 8  # RESOURCE_EXHAUSTED, and without RetryInfo: final
        assert not status.details
        assert "67108864" in status.message


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_bomb_is_refused_at_the_limit_with_memory_flat(server, encoding):
    """A few kilobytes that would be two gigabytes."""
    zeros, packed = bytes(16 * MIB), bytearray()
    packer = {
        "gzip": lambda: zlib.compressobj(9, wbits=31),
        "deflate": lambda: zlib.compressobj(9),
        "zstd": lambda: zstandard.ZstdCompressor(19).compressobj(),
    }[encoding]()
    for _ in range(128):
        packed += packer.compress(zeros)
    packed += packer.flush()
    assert len(packed) < 3 * MIB
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        answer = server.post(bytes(packed), content_encoding=encoding)
    finally:
        done.set()
        watcher.join()
    assert answer.status_code == 413
    said = "over 67108864 bytes after decompression, the most allowed (request_bytes_max)"
    assert status_of(answer).message == said
    assert peak - before < 300 * MIB


def test_two_hundred_requests_at_once_are_all_kept(server):
    spans = [a_span() for _ in range(200)]

    async def send() -> list[int]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            answers = await asyncio.gather(
                *(
                    client.post(
                        f"{server.otlp}/v1/traces",
                        content=a_request(span),
                        headers={
                            "content-type": "application/x-protobuf",
                            "x-otel-threads-project": "crowd",
                        },
                    )
                    for span in spans
                )
            )
            return [answer.status_code for answer in answers]

    assert asyncio.run(send()) == [200] * 200
    server.wait_derived()
    assert server.get("/traces", project="crowd", with_total="true")["total"] == 200


def test_a_request_sent_twice_is_stored_once(server):
    span = a_span()
    before = server.get("/status")["spans"]
    for _ in range(3):
        assert server.post(a_request(span, span)).status_code == 200
    assert server.get("/status")["spans"] == before + 1


def test_metrics_are_taken_and_the_answer_says_that_they_are_not_kept(server):
    answer = server.post(ExportMetricsServiceRequest().SerializeToString(), "metrics")
    assert answer.status_code == 200
    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_data_points == 0
    assert "not stored" in partial.error_message


def test_log_records_without_a_genai_name_are_taken_and_not_kept(server):
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add(event_name="app.started")
    records.add(event_name="gen_ai.user.message", trace_id=b"abc")
    answer = server.post(request.SerializeToString(), "logs")
    assert answer.status_code == 200
    assert b"log record: trace_id is 3 bytes, 0 or 16 needed" in answer.content


def test_past_its_capacity_the_server_says_when_to_try_again(make_server):
    """The first request is always let in; beside it there is room for one byte."""
    server = make_server(inflight_bytes_max=1)
    big = gzip.compress(padded(20 * MIB), 1)
    answers: list[httpx.Response] = []

    def send() -> None:
        answers.append(server.post(big, content_encoding="gzip"))

    crowd = [threading.Thread(target=send) for _ in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert len(refused) < len(answers)
    assert refused[0].headers["retry-after"] == "1"
    detail = RetryInfo()
    assert status_of(refused[0]).details[0].Unpack(detail)
    assert detail.retry_delay.seconds == 1


def test_the_ingest_token_is_asked_for(make_server):
    server = make_server(ingest_token="secret-ingest")
    answer = server.post(a_request(a_span()))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert server.post(a_request(a_span()), authorization="Bearer wrong").status_code == 401
    assert server.post(a_request(a_span()), authorization="Bearer secret-ingest").status_code == 200
    assert "secret-ingest" not in server.stderr()


def test_nothing_that_came_in_a_span_is_logged(server):
    server.post(a_request(a_chat("t", "my password is hunter2", "noted")))
    server.post(b"garbage with hunter2 inside")
    server.wait_derived()
    assert "hunter2" not in server.stderr()


def test_the_project_comes_from_the_most_explicit_name(server):
    def project_of(headers: dict, resource: dict, attributes: dict) -> str:
        span = a_span(attributes=attributes)
        assert server.post(a_request(span, resource=resource), **headers).status_code == 200
        server.wait_derived()
        return server.get(f"/traces/{span.trace_id.hex()}", project="*")["project"]

    header = {"x_otel_threads_project": "header"}
    openinference = {"openinference.project.name": "oi"}
    langsmith = {"langsmith.trace.session_name": "ls"}
    assert project_of(header, openinference, {"otel_threads.project": "own"}) == "own"
    assert project_of(header, openinference, langsmith) == "header"
    assert project_of({"projectName": "opik"}, openinference, langsmith) == "oi"
    assert project_of({"projectName": "opik"}, {}, langsmith) == "ls"
    assert project_of({"projectName": "opik"}, {}, {}) == "opik"
    assert project_of({"langsmith_project": "lsp"}, {}, {}) == "lsp"
    assert project_of({}, {}, {}) == "default"


def test_an_export_can_be_read_back_as_it_was(server):
    """Types, order, events, links, times to the nanosecond."""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    span = a_span(
        attributes={
            "s": "text",
            "i": 7,
            "d": 0.5,
            "b": True,
            "y": b"\x00\xff",
            "l": [1, "two"],
            "long": "x" * 500,
        },
        start=1_795_000_000_123_456_789,
        trace_state="k=v",
        dropped_events_count=2,
    )
    span.events.append(Span.Event(name="e", time_unix_nano=5))
    span.links.append(Span.Link(trace_id=b"t" * 16, span_id=b"s" * 8))
    server.post(a_request(span))
    server.wait_derived()

    found = server.get(f"/traces/{span.trace_id.hex()}")["spans"][0]

    assert found["attributes"] == {
        "s": "text",
        "i": 7,
        "d": 0.5,
        "b": True,
        "y": "AP8=",
        "l": [1, "two"],
        "long": "x" * 500,
    }
    assert found["start_time_unix_nano"] == 1_795_000_000_123_456_789
    assert found["trace_state"] == "k=v"
    assert found["dropped_events_count"] == 2
    assert found["events"] == [{"name": "e", "time_unix_nano": 5, "attributes": {}}]
    assert found["links"][0]["trace_id"] == (b"t" * 16).hex()


def test_an_exporter_of_another_spec_version_is_understood():
    """Fields that this version does not know are left out, not refused."""
    from otel_threads.decode import columns

    known = a_request(a_span())
    columns.check(known + b"\xfa\x3e\x03abc")
    assert ExportTraceServiceRequest.FromString(known + b"\xfa\x3e\x03abc").resource_spans
