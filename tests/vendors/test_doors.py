"""Other products' calls on the REST port: whose path, which key, which body."""

import gzip
import json

import httpx
import pytest
from builders import a_chat, a_request
from starlette.datastructures import Headers

from otel_threads.vendors import ids
from otel_threads.vendors.call import Right
from otel_threads.vendors.keys import Keys


@pytest.mark.parametrize("prefix", ["", "/api", "/opik/api"])
def test_opik_is_there_below_each_base(server, prefix):
    answer = httpx.get(f"{server.http}{prefix}/is-alive/ping").json()
    assert answer == {"message": "Healthy Server", "healthy": True}


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_langsmith_is_there_below_each_base(server, prefix):
    info = httpx.get(f"{server.http}{prefix}/info").json()
    assert info["batch_ingest_config"]["use_multipart_endpoint"] is True


def test_errors_have_the_shape_of_their_vendor(server):
    opik = httpx.get(f"{server.http}/api/v1/private/nothing")
    assert (opik.status_code, opik.json()) == (
        404,
        {"code": 404, "message": "there is no such call here"},
    )
    wrong = httpx.post(f"{server.http}/is-alive/ping")
    assert (wrong.status_code, wrong.json()["code"]) == (405, 405)
    ours = httpx.get(f"{server.http}/api/v1/nothing")
    assert ours.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/traces",
        "/v1/traces/",
        "/otel",
        "/",
        "/api/v1/private/otel/v1/traces",
        "/otel/v1/traces",
        "/api/v1/otel/v1/traces",
    ],
)
def test_otlp_is_taken_on_the_rest_port(server, path):
    thread = f"door{path}"
    answer = httpx.post(
        f"{server.http}{path}",
        content=gzip.compress(a_request(a_chat(thread, "hi", "hello"))),
        headers={
            "content-type": "application/x-protobuf",
            "content-encoding": "gzip",
            "projectName": "from-header",
        },
    )
    assert answer.status_code == 200
    server.wait_derived()
    found = server.get("/threads", project="from-header")["items"]
    assert thread in {one["thread_id"] for one in found}


KEYS = Keys(ingest_token="in", read_token="read", write_token="write")


@pytest.mark.parametrize(
    ("right", "key", "allowed"),
    [
        (Right.OPEN, "", True),
        (Right.INGEST, "in", True),
        (Right.INGEST, "write", True),
        (Right.INGEST, "read", False),
        (Right.READ, "read", True),
        (Right.READ, "write", True),
        (Right.READ, "in", False),
        (Right.WRITE, "write", True),
        (Right.WRITE, "read", False),
        (Right.WRITE, "", False),
    ],
)
def test_a_key_is_compared_with_the_tokens_of_its_right(right, key, allowed):
    for headers in (
        {"authorization": key},
        {"authorization": f"Bearer {key}"},
        {"x-api-key": key},
    ):
        assert (KEYS.refusal(Headers(headers), right) is None) is allowed


def test_without_tokens_any_key_is_taken_and_a_read_token_closes_writing():
    anyone = Headers({"authorization": "whatever"})
    assert all(Keys().refusal(anyone, right) is None for right in Right)
    assert "writing is off" in Keys(read_token="r").refusal(anyone, Right.WRITE)


def test_ids_go_both_ways():
    trace = "01a22310-2450-7055-825c-18a3fa30b911"
    assert ids.trace_uuid_of(ids.trace_id_of(trace)) == trace
    assert ids.uuid_text(trace.upper()) == ids.uuid_text(trace.replace("-", "")) == trace
    assert ids.uuid_text("no") is None
    assert ids.uuid_text("0" * 32) is None
    span = ids.new_uuid()
    assert ids.uuid_text(span) == span
    assert ids.span_id_of(span, trace) == span.replace("-", "")[16:]
    otlp = ids.span_uuid_of("00f067aa0ba902b7")
    assert otlp == "00000000-0000-0000-00f0-67aa0ba902b7"
    assert ids.span_id_of_uuid(otlp) == "00f067aa0ba902b7"
    assert ids.span_id_of(trace, trace) == "825c18a3fa30b911"
    twin = "11111111-2450-7055-825c-18a3fa30b911"
    assert ids.span_id_of(twin, trace) != "825c18a3fa30b911"
    assert len(ids.span_id_of(twin, trace)) == 16
    assert ids.uuid7_unix_nano(trace) // 1_000_000_000 == 1795884590
    assert ids.uuid7_unix_nano("11111111-2450-4055-825c-18a3fa30b911") is None


def test_ids_of_names_are_stable_and_apart():
    assert ids.project_uuid_of("a") == ids.project_uuid_of("a") != ids.project_uuid_of("b")
    assert ids.thread_uuid_of("a", "bc") != ids.thread_uuid_of("ab", "c")
    assert json.loads(json.dumps(ids.thread_uuid_of("\ud800", "x")))
