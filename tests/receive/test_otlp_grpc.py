"""OTLP over gRPC: each kind of input and the exact answer; real exporters."""

import contextlib
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import psutil
import pytest
from attack.http2 import Peer, block, head, literal, message
from builders import a_chat, a_request, a_span
from conftest import wait_until
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_threads.grpc_port.services import REFLECTED_MAX

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
MIB = 1024 * 1024


def channel(server, **options) -> grpc.Channel:
    sizes = [("grpc.max_send_message_length", -1)]
    return grpc.insecure_channel(server.grpc, options=sizes, **options)


def export(server, payload: bytes, method: str = TRACES, **call) -> bytes:
    with channel(server) as one:
        return one.unary_unary(method)(payload, timeout=120, **call)


def failure(server, payload: bytes, method: str = TRACES, **call) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        export(server, payload, method, **call)
    return caught.value


def test_good_and_empty_requests_are_answered_empty(server):
    assert export(server, a_request(a_span())) == b""
    assert export(server, b"") == b""
    assert export(server, b"", LOGS) == b""


def test_bad_spans_are_counted_beside_good_ones(server):
    answer = export(server, a_request(a_span(), a_span(trace_id=b"abc"), a_span(span_id=bytes(8))))
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert partial.rejected_spans == 2
    assert partial.error_message == "trace_id is 3 bytes, 16 needed; span_id is all zero"


def test_garbage_is_an_invalid_argument_that_is_final(server):
    error = failure(server, b"\xff\xff\xff garbage")
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("not an ExportTraceServiceRequest")
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    assert not Status.FromString(details).details


def test_metrics_are_taken_and_not_kept(server):
    assert b"not stored" in export(server, b"", METRICS)


@pytest.mark.slow
def test_sixty_mebibytes_are_taken_and_sixty_five_refused(server):
    def padded(count: int) -> bytes:
        return a_request(*(a_span(attributes={"text": "x" * MIB}) for _ in range(count)))

    assert export(server, padded(60)) == b""
    error = failure(server, padded(65))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "grpc-status-details-bin" not in dict(error.trailing_metadata() or ())


@pytest.mark.slow
def test_a_gzip_bomb_is_refused_with_memory_flat(server):
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    bomb = bytes(512 * MIB)
    with (
        channel(server, compression=grpc.Compression.Gzip) as one,
        pytest.raises(grpc.RpcError) as caught,
    ):
        one.unary_unary(TRACES)(bomb, timeout=120)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert process.memory_info().rss - before < 300 * MIB
    assert export(server, a_request(a_span())) == b""


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
@pytest.mark.parametrize("size", [100, 200_000])
def test_each_compression_is_taken(server, compression, size):
    payload = a_request(a_span(attributes={"text": random.Random(1).randbytes(size).hex()}))
    with channel(server, compression=compression) as one:
        assert one.unary_unary(TRACES)(payload, timeout=60) == b""


@pytest.mark.parametrize(
    ("sent", "encoding", "code", "says"),
    [
        (b"", "identity", "INVALID_ARGUMENT", "the call has no message"),
        (message(b"xy")[:3], "identity", "INVALID_ARGUMENT", "the call has no message"),
        (message(b"\xff\xff"), "identity", "INVALID_ARGUMENT", "not an ExportTrace"),
        (message(b"\xff\xff", mark=1), "gzip", "INTERNAL", ""),
        (message(b"", mark=1), "zstd", "INTERNAL", "grpc-encoding"),
    ],
)
def test_what_is_no_request_is_final(server, sent, encoding, code, says):
    peer = Peer(server.grpc)
    peer.begin(1, grpc_encoding=encoding)
    peer.write(1, sent)
    found, text = peer.answer()
    assert (found, says in text) == (code, True), text
    peer.close()


def test_a_call_is_refused_before_its_message_has_come(make_server):
    server = make_server(ingest_token="secret")
    peer = Peer(server.grpc)
    peer.begin(1)
    assert peer.answer()[0] == "UNAUTHENTICATED"
    peer.begin(3, authorization="Bearer secret")
    peer.write(3, message(a_request(a_span())))
    assert peer.answer(3) == ("OK", "")
    peer.close()


def test_messages_that_are_announced_reserve_nothing(make_server):
    """Four prefixes of 64 MiB made every export fail for a minute."""
    server = make_server()
    peers = [Peer(server.grpc) for _ in range(8)]
    for peer in peers:
        peer.begin(1)
        peer.write(1, message(b"")[:1] + (64 * MIB).to_bytes(4, "big"), ends=False)
    wait_until(lambda: all(peer.pump() or not peer.unsettled for peer in peers), "they are there")
    assert (
        export(server, a_request(*(a_span(attributes={"t": "x" * MIB}) for _ in range(8)))) == b""
    )
    for peer in peers:
        peer.close()


def test_three_thousand_requests_at_once_are_all_kept(make_server):
    server = make_server()
    payloads = [a_request(a_span()) for _ in range(3000)]
    with contextlib.ExitStack() as stack:
        options = [("grpc.use_local_subchannel_pool", 1)]  # a connection each
        calls = [
            stack.enter_context(grpc.insecure_channel(server.grpc, options=options)).unary_unary(
                TRACES
            )
            for _ in range(30)
        ]
        waiting = [calls[n % 30].future(payload, timeout=120) for n, payload in enumerate(payloads)]
        assert {answer.result() for answer in waiting} == {b""}
    assert server.get("/status")["spans"] == 3000


def test_a_stop_answers_what_was_taken_and_ends_who_watches(make_server):
    server = make_server()
    peer = Peer(server.grpc)
    with grpc.insecure_channel(server.grpc) as one:
        watch = health_pb2_grpc.HealthStub(one).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        payload = message(a_request(a_span()))
        peer.begin(1)
        peer.write(1, payload[:20], ends=False)
        peer.begin(3)  # answered after the first has been read
        peer.write(3, payload)
        assert peer.answer(3) == ("OK", "")
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        wait_until(lambda: peer.pump(0.1) or peer.goes_away, "the server says goodbye")
        peer.write(1, payload[20:])
        assert peer.answer(1) == ("OK", "")
        with pytest.raises(grpc.RpcError) as caught:
            next(watch)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        stopping.join()
    assert server.process.returncode == 0
    peer.close()


def test_health_knows_its_services(server):
    with grpc.insecure_channel(server.grpc) as one:
        stub = health_pb2_grpc.HealthStub(one)
        service = "opentelemetry.proto.collector.logs.v1.LogsService"
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        unknown = health_pb2.HealthCheckRequest(service="nobody")
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(unknown)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        watched = next(stub.Watch(unknown)).status
        assert watched == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="x" * 100_000))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("port", ["otlp_grpc", "grpc"])
def test_reflection_needs_the_token_and_health_does_not(make_server, port):
    server = make_server(ingest_token="secret", read_token="secret")
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(server.addresses[port]) as one:
        reflect = reflection_pb2_grpc.ServerReflectionStub(one).ServerReflectionInfo
        with pytest.raises(grpc.RpcError) as caught:
            next(iter(reflect(iter([request]))))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        given = (("authorization", "Bearer secret"),)
        assert next(iter(reflect(iter([request]), metadata=given))).list_services_response.service
        health = health_pb2_grpc.HealthStub(one).Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_is_bounded_in_requests(server):
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(server.grpc) as one:
        answers = reflection_pb2_grpc.ServerReflectionStub(one).ServerReflectionInfo(
            iter([request] * (REFLECTED_MAX + 1))
        )
        with pytest.raises(grpc.RpcError) as caught:
            list(answers)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("port", ["otlp_grpc", "grpc"])
def test_a_path_that_is_no_text_ends_nothing(server, port):
    """It ended gRPC's own server for Python, for everybody."""
    for path in (b"/\xff\xfe/Export", b"\xff"):
        peer = Peer(server.addresses[port])
        peer.begin(1, path)
        assert peer.answer()[0] == "UNIMPLEMENTED"
        peer.close()
    with grpc.insecure_channel(server.addresses[port]) as one:
        health_pb2_grpc.HealthStub(one).Check(health_pb2.HealthCheckRequest(), timeout=30)


def test_headers_that_are_no_text_do_not_fill_the_log(make_server):
    server = make_server()
    peer = Peer(server.grpc)
    for stream_id in range(1, 41, 2):
        bad = literal(b"x-otel-threads-project", b"\xff\xfesecret")
        peer.send(head(stream_id, block() + bad))
        peer.write(stream_id, message(a_request(a_span())))
        assert peer.answer(stream_id)[0] == "INVALID_ARGUMENT"
    peer.close()
    server.stop()
    # What gRPC reports and what was refused have a line a minute each; twenty requests were sent.
    assert len(server.stderr().splitlines()) < 5
    assert "secret" not in server.stderr()


@pytest.mark.parametrize(
    "first",
    [b"POST /v1/traces HTTP/1.1\r\nhost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0" * 40],
)
def test_what_speaks_something_else_is_cut_off(server, first):
    host, _, port = server.grpc.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        plain.sendall(first + bytes(30))
        with contextlib.suppress(ConnectionError):
            while plain.recv(4096):
                pass


def test_two_hundred_requests_at_once_are_all_kept(server):
    spans = [a_span(attributes={"otel_threads.project": "grpc-crowd"}) for _ in range(200)]
    with channel(server) as one:
        call = one.unary_unary(TRACES)
        call(b"", timeout=30)  # the client knows now how many calls may be under way
        waiting = [call.future(a_request(span), timeout=60) for span in spans]
        assert {answer.result() for answer in waiting} == {b""}
    server.wait_derived()
    assert server.get("/traces", project="grpc-crowd", with_total="true")["total"] == 200


def test_past_its_capacity_the_server_is_unavailable_with_retry_info(make_server):
    """Go's Collector drops data on a bare RESOURCE_EXHAUSTED."""
    server = make_server(inflight_bytes_max=1)
    big = a_request(*(a_span(attributes={"text": "x" * MIB}) for _ in range(20)))
    errors = []

    def send(_: int) -> None:
        try:
            export(server, big)
        except grpc.RpcError as error:
            errors.append(error)

    with ThreadPoolExecutor(6) as crowd:
        list(crowd.map(send, range(6)))
    assert 0 < len(errors) < 6
    assert {error.code() for error in errors} == {grpc.StatusCode.UNAVAILABLE}
    status = Status.FromString(dict(errors[0].trailing_metadata())["grpc-status-details-bin"])
    detail = RetryInfo()
    assert status.details[0].Unpack(detail)
    assert detail.retry_delay.seconds == 1


def test_the_project_and_the_token_come_in_metadata(make_server):
    server = make_server(ingest_token="secret")
    span = a_chat("t", "Hello", "Hi")
    error = failure(server, a_request(span))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    given = (("authorization", "Bearer secret"), ("x-otel-threads-project", "from-metadata"))
    assert export(server, a_request(span), metadata=given) == b""
    server.wait_derived()
    assert server.get("/threads", project="from-metadata")["items"][0]["thread_id"] == "t"


@pytest.mark.parametrize("port", ["otlp_grpc", "grpc"])
def test_health_and_reflection_are_on_both_ports(server, port):
    with grpc.insecure_channel(server.addresses[port]) as one:
        health = health_pb2_grpc.HealthStub(one).Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answer = next(
            iter(
                reflection_pb2_grpc.ServerReflectionStub(one).ServerReflectionInfo(iter([request]))
            )
        )
        names = {service.name for service in answer.list_services_response.service}
        assert "grpc.health.v1.Health" in names
        if port == "otlp_grpc":
            assert "opentelemetry.proto.collector.trace.v1.TraceService" in names


def exporters(server):
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

    return {
        "grpc": lambda: Grpc(endpoint=server.grpc, insecure=True),
        "grpc-gzip": lambda: Grpc(
            endpoint=server.grpc, insecure=True, compression=grpc.Compression.Gzip
        ),
        "http": lambda: Http(endpoint=f"{server.otlp}/v1/traces"),
        "http-gzip": lambda: Http(
            endpoint=f"{server.otlp}/v1/traces", compression=Compression.Gzip
        ),
    }


@pytest.mark.filterwarnings("default")  # the exporters' own
@pytest.mark.parametrize("kind", ["grpc", "grpc-gzip", "http", "http-gzip"])
def test_the_sdks_exporters_work_as_they_come(server, kind):
    resource = Resource.create({"service.name": "sdk", "otel_threads.project": f"sdk-{kind}"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporters(server)[kind]()))
    tracer = provider.get_tracer("by-hand", "1.2.3")
    for n in range(3):
        with tracer.start_as_current_span("turn") as root:
            root.set_attribute("gen_ai.conversation.id", "chat-1")
            with tracer.start_as_current_span("chat") as span:
                span.set_attribute("gen_ai.operation.name", "chat")
                span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
                span.set_attribute("gen_ai.usage.input_tokens", 10 + n)
                span.set_attribute("gen_ai.usage.output_tokens", 5)
                span.set_attribute("gen_ai.response.finish_reasons", ["stop"])
    assert provider.force_flush()
    provider.shutdown()

    server.wait_derived()
    thread = server.get("/threads/get", project=f"sdk-{kind}", thread_id="chat-1")
    assert (thread["turn_count"], thread["span_count"], thread["trace_count"]) == (3, 6, 3)
    assert thread["usage"]["input_tokens"] == 33
    assert thread["services"] == ["sdk"]


def test_a_cancelled_call_harms_nobody(server):
    with channel(server) as one:
        call = one.unary_unary(TRACES)
        for _ in range(20):
            call.future(a_request(a_span())).cancel()
        assert call(a_request(a_span()), timeout=30) == b""
    assert threading.active_count() < 100


def test_mutual_tls_takes_who_has_a_certificate_and_nobody_else(make_server, certificate):
    key, cert = certificate
    server = make_server(tls_cert_file=cert, tls_key_file=key, tls_client_ca_file=cert)
    host, port = server.grpc.split(":")
    pair = {"private_key": key.read_bytes(), "certificate_chain": cert.read_bytes()}
    large = a_request(*(a_span(attributes={"text": "x" * MIB}) for _ in range(8)))

    def send(**identity) -> bytes:
        credentials = grpc.ssl_channel_credentials(cert.read_bytes(), **identity)
        with grpc.secure_channel(f"localhost:{port}", credentials) as one:
            return one.unary_unary(TRACES)(large, timeout=60)

    assert send(**pair) == b""
    with pytest.raises(grpc.RpcError) as caught:
        send()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while plain.recv(4096):
                pass
    assert send(**pair) == b""
    assert server.stop() == 0
    assert server.stderr() == ""
