"""Nothing is lost in silence: what the OTLP ports refuse is counted, told and logged by reason."""

import logging

import grpc
import httpx
import pytest
from attack.http2 import Peer, message
from builders import a_request, a_span
from conftest import Server, wait_until

from otel_threads import refusals

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
BYTES_MAX = 50_000


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    tokens = {"ingest_token": "secret", "write_token": "other secret"}
    server = Server(folder, request_bytes_max=BYTES_MAX, **tokens).start()
    yield server
    server.stop()


def refused(server) -> dict[tuple[str, str], int]:
    rows = server.get("/status")["refused_requests"]
    return {(row["port"], row["reason"]): row["count"] for row in rows}


def over_grpc(
    server, payload: bytes, token: str = "secret", port: str = "otlp_grpc"
) -> grpc.StatusCode:
    metadata = (("authorization", f"Bearer {token}"),)
    with grpc.insecure_channel(server.addresses[port]) as channel:
        export = channel.unary_unary(TRACES)
        with pytest.raises(grpc.RpcError) as caught:
            export(payload, timeout=30, metadata=metadata)
    return caught.value.code()


def over_http(
    server,
    payload: bytes,
    method: str = "POST",
    path: str = "/v1/traces",
    port: str = "otlp_http",
    **headers: str,
) -> int:
    given = {"content-type": "application/x-protobuf", "authorization": "Bearer secret"}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(
        method,
        f"http://{server.addresses[port]}{path}",
        content=payload,
        headers=given | names,
        timeout=30,
    ).status_code


LARGE = a_request(a_span(attributes={"text": "x" * BYTES_MAX * 2}))


@pytest.mark.long
@pytest.mark.parametrize(
    ("reason", "send", "code"),
    [
        ("token", lambda s: over_http(s, b"", authorization="Bearer other"), 401),
        ("token", lambda s: over_http(s, b"", authorization=""), 401),
        ("size", lambda s: over_http(s, LARGE), 413),
        ("encoding", lambda s: over_http(s, b"x", content_encoding="br"), 415),
        ("encoding", lambda s: over_http(s, b"x", content_type="text/plain"), 415),
        ("payload", lambda s: over_http(s, b"\xff\xff"), 400),
        ("method", lambda s: over_http(s, b"", "GET"), 405),
        ("path", lambda s: over_http(s, b"", path="/v2/spans"), 404),
        ("path", lambda s: over_http(s, b"", path="/v1/trace", port="http"), 404),
        ("path", lambda s: over_http(s, b"", path="/api/v1/otel/v1/trace", port="http"), 404),
        (
            "path",
            lambda s: over_http(
                s, b"{}", path="/v1/trace", port="http", content_type="application/json"
            ),
            404,
        ),
        # A sender of gRPC is told nothing of the answer; its connection ends.
        (
            "malformed",
            lambda s: over_grpc(s, b"", port="otlp_http"),
            grpc.StatusCode.UNAVAILABLE,
        ),
    ],
)
def test_http_counts_what_it_refuses(guarded, reason, send, code):
    before = refused(guarded).get(("otlp_http", reason), 0)

    assert send(guarded) == code

    assert refused(guarded)["otlp_http", reason] == before + 1


def test_what_is_no_http_is_told_where_it_belongs(guarded):
    over_grpc(guarded, b"", port="otlp_http")

    rows = guarded.get("/status")["refused_requests"]

    (told,) = [row["explanation"] for row in rows if row["reason"] == "malformed"]
    assert "gRPC belongs on otlp_grpc_endpoint (4317)" in told


def test_otlp_on_the_grpc_port_of_queries_is_counted_and_told_its_port(guarded):
    channel = grpc.insecure_channel(guarded.addresses["grpc"])
    with channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(TRACES)(LARGE, timeout=30)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "OTLP belongs on otlp_grpc_endpoint" in caught.value.details()
    assert refused(guarded)["grpc", "path"] == 1


@pytest.mark.parametrize(
    ("reason", "send", "code"),
    [
        ("token", lambda s: over_grpc(s, b"", "other"), grpc.StatusCode.UNAUTHENTICATED),
        ("message", lambda s: over_grpc(s, LARGE), grpc.StatusCode.RESOURCE_EXHAUSTED),
        ("payload", lambda s: over_grpc(s, b"\xff\xff"), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_grpc_counts_what_it_refuses(guarded, reason, send, code):
    before = refused(guarded).get(("otlp_grpc", reason), 0)

    assert send(guarded) is code

    assert refused(guarded)["otlp_grpc", reason] == before + 1


@pytest.mark.long
def test_grpc_counts_a_compression_that_it_does_not_know(guarded):
    """A Collector with `compression: zstd` over gRPC drops every batch."""
    before = refused(guarded).get(("otlp_grpc", "message"), 0)
    peer = Peer(guarded.grpc)
    peer.begin(1, grpc_encoding="zstd", authorization="Bearer secret")
    peer.write(1, message(b"", mark=1))
    assert peer.answer()[0] == "INTERNAL"
    peer.close()

    wait_until(lambda: refused(guarded)["otlp_grpc", "message"] == before + 1, "it is counted")


def test_doctor_metrics_and_the_log_tell_what_was_refused(make_server):
    server = make_server(ingest_token="secret")
    assert server.post(a_request(a_span())).status_code == 401
    assert over_grpc(server, b"", "other") is grpc.StatusCode.UNAUTHENTICATED

    found = server.get("/doctor")["findings"]
    metrics = httpx.get(f"{server.api.removesuffix('/api/v1')}/metrics").text

    assert [one["kind"] for one in found] == ["refused_requests"] * 2
    assert all("OTEL_EXPORTER_OTLP_HEADERS" in one["fix"] for one in found)
    assert 'otel_threads_refused_total{port="otlp_grpc",reason="token"} 1.0' in metrics
    assert 'otel_threads_refused_total{port="otlp_http",reason="token"} 1.0' in metrics
    assert server.stderr().count("otlp_http refused: requests without the ingest_token") == 1
    assert "secret" not in server.stderr()


@pytest.mark.long
def test_a_reason_is_logged_once_a_minute(caplog):
    now = [0.0]
    port = refusals.Refusals("otlp_http", clock=lambda: now[0])

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            port.add("token", "no token")
        now[0] = refusals.LOG_EVERY_S
        port.add("token", "no token")

    assert [record.args[3] for record in caplog.records] == [1, 3]
    assert [(row.reason, row.count) for row in port.kept()] == [("token", 4)]
