"""The port of OTLP/gRPC frame by frame: what gRPC's own clients never send, and when answers come.

tests/live/test_h2spec.py holds it to RFC 9113; test_receive_grpc.py has real clients.
"""

import asyncio
import contextlib
import functools
import gzip
import random
import socket
import threading
import tracemalloc
import zlib

import grpc
import pytest
import zstandard
from builders import a_request, a_span
from conftest import wait_until
from grpc_health.v1 import health_pb2, health_pb2_grpc
from http2_peer import TRACES, Peer, message

from otel_threads.receive import frames, http2
from otel_threads.receive.calls import Call
from otel_threads.receive.frames import ErrorCode

REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
MIB = 1024 * 1024


def code(answer: tuple[dict[str, str], bytes]) -> str:
    number = int(answer[0]["grpc-status"])
    return next(code.name for code in grpc.StatusCode if code.value[0] == number)


def test_an_export_is_answered_with_an_empty_message(server):
    with Peer(server.grpc) as peer:
        peer.begin(1)
        peer.data(1, message(a_request(a_span())))
        fields, data = peer.answer(1)
    assert (fields[":status"], fields["content-type"]) == ("200", "application/grpc")
    assert (fields["grpc-status"], data) == ("0", message(b""))


def test_a_message_may_come_byte_by_byte_and_padded(server):
    payload = message(a_request(a_span()))
    with Peer(server.grpc) as peer:
        peer.begin(1)
        for n in range(len(payload)):
            body = b"\x03" + payload[n : n + 1] + bytes(3)
            flags = frames.PADDED | (frames.END_STREAM if n == len(payload) - 1 else 0)
            peer.send(frames.DATA, flags, 1, body)
        assert code(peer.answer(1)) == "OK"


def test_frames_may_be_cut_anywhere(server):
    with Peer(server.grpc) as peer:
        kept, sent = peer.socket, bytearray()
        peer.socket = type("Kept", (), {"sendall": lambda _, data: sent.extend(data)})()
        peer.begin(1)
        peer.data(1, message(a_request(a_span())))
        peer.socket = kept
        kept.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(len(sent)):
            kept.sendall(sent[n : n + 1])
        assert code(peer.answer(1)) == "OK"


def test_headers_may_come_in_several_frames(server):
    with Peer(server.grpc) as peer:
        fields = [
            (b":method", b"POST"), (b":scheme", b"http"), (b":path", TRACES.encode()),
            (b"content-type", b"application/grpc+proto"), (b"x-long", b"x" * 9000),
        ]  # fmt: skip
        block = frames.header_block(*fields)
        peer.send(frames.HEADERS, 0, 1, block[:10])
        peer.send(frames.CONTINUATION, 0, 1, block[10:5000])
        peer.send(frames.CONTINUATION, frames.END_HEADERS, 1, block[5000:])
        peer.data(1, message(a_request(a_span())))
        assert code(peer.answer(1)) == "OK"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("size", [100, 200_000])
def test_each_compression_is_taken(server, encoding, size):
    compress = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}
    payload = a_request(a_span(attributes={"text": random.Random(1).randbytes(size).hex()}))
    with Peer(server.grpc) as peer:
        peer.begin(1, grpc_encoding=encoding)
        peer.data(1, message(compress[encoding](payload), mark=1))
        assert code(peer.answer(1)) == "OK"
        peer.begin(3, grpc_encoding=encoding)
        peer.data(3, message(payload))  # a message of such a call need not be compressed
        assert code(peer.answer(3)) == "OK"
        peer.begin(5, grpc_encoding=encoding)
        peer.data(5, message(payload, mark=1))
        assert code(peer.answer(5)) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "the call has no message"),
        (message(b"")[:3], "the call ends after 3 bytes of 5"),
        (message(b"x" * 10)[:12], "the call ends after 7 bytes of 10"),
        (message(b"") * 2, "the call has a second message"),
        (message(b"", mark=1), "a message is marked 1 and grpc-encoding is identity"),
        (message(b"", mark=7), "a message is marked 7"),
    ],
)
def test_what_is_no_message_is_an_invalid_argument_that_says_why(server, sent, said):
    with Peer(server.grpc) as peer:
        peer.begin(1)
        peer.data(1, sent)
        answer = peer.answer(1)
        assert code(answer) == "INVALID_ARGUMENT"
        assert answer[0]["grpc-message"].startswith(said)
        peer.begin(3)  # the next call of the connection is none the worse
        peer.data(3, message(a_request(a_span())))
        assert code(peer.answer(3)) == "OK"


def test_a_text_beyond_ascii_is_escaped_and_cut(server):
    with Peer(server.grpc) as peer:
        peer.begin(1, path="/100%/" + "x" * 5000, ends=True)
        fields, _ = peer.answer(1)
    assert fields["grpc-message"].startswith("there is no method /100%25/xxx")
    assert len(fields["grpc-message"]) < 1100


def test_methods_and_encodings_that_are_not_there_are_unimplemented(server):
    with Peer(server.grpc) as peer:
        peer.begin(1, path="/nobody/Knows")
        assert code(peer.answer(1)) == "UNIMPLEMENTED"
        assert peer.until(frames.RST_STREAM, 1).body == bytes(4)  # no error: send no more of it
        peer.begin(3, grpc_encoding="snappy")
        answer = peer.answer(3)
        assert code(answer) == "UNIMPLEMENTED"
        assert answer[0]["grpc-message"].endswith("send identity, gzip, deflate, zstd")
        peer.data(1, b"late")  # sent before it was known
        peer.begin(5)
        peer.data(5, message(b""))
        assert code(peer.answer(5)) == "OK"


def test_a_call_is_refused_before_its_message_has_come(make_server):
    server = make_server(ingest_token="secret", request_bytes_max=1000, inflight_bytes_max=500)
    with Peer(server.grpc) as peer:
        peer.begin(1)
        assert code(peer.answer(1)) == "UNAUTHENTICATED"
        peer.begin(3, authorization="Bearer secret")
        peer.data(3, message(bytes(1001))[:5], ends=False)
        answer = peer.answer(3)
        assert code(answer) == "RESOURCE_EXHAUSTED"
        assert answer[0]["grpc-message"] == "a message of 1001 bytes, 1000 allowed"
        assert "grpc-status-details-bin" not in answer[0]
        peer.begin(5, authorization="Bearer secret")
        peer.data(5, message(bytes(400))[:5], ends=False)  # announced, and so in flight
        peer.begin(7, authorization="Bearer secret")
        peer.data(7, message(bytes(400))[:5], ends=False)
        answer = peer.answer(7)
        assert code(answer) == "UNAVAILABLE"
        assert "grpc-status-details-bin" in answer[0]
        peer.send(frames.RST_STREAM, 0, 5, bytes(4))  # its sender gives up: there is room again
        peer.begin(9, authorization="Bearer secret")
        peer.data(9, message(a_request(a_span())))
        assert code(peer.answer(9)) == "OK"


def test_what_went_with_a_closed_connection_is_no_longer_in_flight(make_server):
    server = make_server(inflight_bytes_max=500)
    for _ in range(3):
        with Peer(server.grpc) as peer:
            peer.begin(1)
            peer.data(1, message(bytes(400))[:5], ends=False)
            peer.send(frames.PING, 0, 0, bytes(8))
            peer.until(frames.PING)  # by then it has been read

    def is_taken() -> bool:
        with Peer(server.grpc) as peer:
            peer.begin(1)
            peer.data(1, message(bytes(400))[:5], ends=False)
            peer.send(frames.PING, 0, 0, bytes(8))
            seen = iter(peer.next, None)
            kinds = (frame.kind for frame in seen)
            return next(k for k in kinds if k in (frames.PING, frames.HEADERS)) == frames.PING

    wait_until(is_taken, "there is room again")


def test_an_answer_waits_for_the_clients_window(server):
    name = b"opentelemetry.proto.collector.trace.v1.TraceService"
    asked = b"\x22" + bytes([len(name)]) + name  # file_containing_symbol
    with Peer(server.grpc, {frames.INITIAL_WINDOW_SIZE: 10}) as peer:
        peer.begin(1, path=REFLECTION)
        peer.data(1, message(asked), ends=False)
        assert len(peer.until(frames.DATA, 1).body) == 10
        peer.send(frames.WINDOW_UPDATE, 0, 1, (7).to_bytes(4, "big"))
        assert len(peer.until(frames.DATA, 1).body) == 7
        peer.send(frames.SETTINGS, 0, 0, frames.SETTING.pack(frames.INITIAL_WINDOW_SIZE, 100_000))
        rest = peer.until(frames.DATA, 1).body
        assert len(rest) > 100
        peer.data(1, b"")
        fields, more = peer.answer(1)
        assert (fields["grpc-status"], more) == ("0", b"")


def test_answers_that_nobody_takes_end_their_call(server):
    with Peer(server.grpc, {frames.INITIAL_WINDOW_SIZE: 0}) as peer:
        peer.begin(1, path=REFLECTION)
        name = b"google/protobuf/descriptor.proto"
        asked = message(b"\x1a" + bytes([len(name)]) + name)
        for _ in range(400):
            peer.data(1, asked, ends=False)
        assert code(peer.answer(1)) == "RESOURCE_EXHAUSTED"


def test_what_speaks_http_is_told_which_port_to_take(server):
    host, _, port = server.grpc.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        plain.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        answer = b""
        while part := plain.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"OTLP over HTTP has a port of its own, 4318" in answer
    with Peer(server.grpc) as peer:
        peer.begin(1, content_type="application/x-protobuf")
        peer.data(1, b"whatever")
        fields, data = peer.answer(1)
    assert (fields[":status"], fields["grpc-status"]) == ("415", "12")
    assert b"This port takes OTLP over gRPC" in data


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/1", b"\x00" * 40])
def test_what_speaks_something_else_is_cut_off(server, first):
    host, _, port = server.grpc.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        plain.sendall(first + bytes(30))
        said = b""
        while part := plain.recv(4096):
            said += part
    assert b"HTTP/1.1" not in said


def test_a_client_that_only_cancels_is_told_to_calm_down(server):
    with Peer(server.grpc) as peer:
        for n in range(http2.CANCELLED_MAX + 1):
            peer.begin(2 * n + 1)
            peer.send(frames.RST_STREAM, 0, 2 * n + 1, bytes(4))
        assert peer.error() == ErrorCode.ENHANCE_YOUR_CALM


def test_headers_without_end_are_cut_off(server):
    with Peer(server.grpc) as peer:
        peer.send(frames.HEADERS, 0, 1, b"\x00")
        for _ in range(40):
            peer.send(frames.CONTINUATION, 0, 1, b"")
        assert peer.error() == ErrorCode.ENHANCE_YOUR_CALM
    with Peer(server.grpc) as peer:
        block = frames.header_block((b"x", b"x" * 15000))
        peer.send(frames.HEADERS, 0, 1, block)
        peer.send(frames.CONTINUATION, 0, 1, block)
        assert peer.error() == ErrorCode.ENHANCE_YOUR_CALM


def test_more_calls_than_allowed_are_to_be_sent_again(server):
    with Peer(server.grpc) as peer:
        for n in range(http2.CALLS_MAX + 1):
            peer.begin(2 * n + 1)
        refused = peer.until(frames.RST_STREAM, 2 * http2.CALLS_MAX + 1)
        assert int.from_bytes(refused.body, "big") == ErrorCode.REFUSED_STREAM
        peer.data(1, message(b""))
        assert code(peer.answer(1)) == "OK"


def test_garbage_frames_end_their_connection_and_nothing_else(make_server):
    server = make_server()
    dice = random.Random(7)
    for _ in range(200):
        with Peer(server.grpc) as peer:
            if dice.random() < 0.7:
                peer.begin(1)
            try:
                for _ in range(dice.randrange(1, 30)):
                    kind, flags = dice.randrange(12), dice.choice([0, 1, 4, 5, 8, 32, 255])
                    stream_id = dice.choice([0, 1, 1, 2, 3, 5, 2**31 - 1])
                    peer.send(kind, flags, stream_id, dice.randbytes(dice.choice([0, 4, 5, 8, 60])))
                peer.socket.sendall(dice.randbytes(dice.randrange(40)))
            except ConnectionError:
                pass  # cut off already
    with Peer(server.grpc) as peer:
        peer.begin(1)
        peer.data(1, message(a_request(a_span())))
        assert code(peer.answer(1)) == "OK"
    assert server.stop() == 0
    assert server.stderr() == ""


def test_a_stop_answers_what_was_taken_and_sends_the_rest_elsewhere(make_server):
    server = make_server()
    with Peer(server.grpc) as peer, grpc.insecure_channel(server.grpc) as one:
        watch = health_pb2_grpc.HealthStub(one).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        payload = message(a_request(a_span()))
        peer.begin(1)
        peer.data(1, payload[:20], ends=False)
        peer.send(frames.PING, 0, 0, bytes(8))
        peer.until(frames.PING)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        goodbye = peer.until(frames.GOAWAY).body
        assert goodbye == (1).to_bytes(4, "big") + bytes(4)  # up to the first call, no error
        peer.begin(3)
        refused = int.from_bytes(peer.until(frames.RST_STREAM, 3).body, "big")
        assert refused == ErrorCode.REFUSED_STREAM
        peer.data(1, payload[20:])
        assert code(peer.answer(1)) == "OK"
        assert peer.next() is None
        with pytest.raises(grpc.RpcError) as caught:
            next(watch)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        stopping.join()


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


class Kept:
    """A method that answers nothing."""

    is_endless = False
    message_bytes_max = 1 << 30

    def begin(self, call: Call) -> None: ...
    def expect(self, call: Call, size_bytes: int) -> None: ...
    def take(self, call: Call, message: bytes, encoding: str) -> None: ...
    def end(self, call: Call) -> None: ...
    def over(self, call: Call, code: grpc.StatusCode | None) -> None: ...


def in_process(use) -> None:
    """Run `use(address, connections)` in a thread against a port in this process."""

    async def run() -> None:
        connections: set[http2.Connection] = set()
        make = functools.partial(http2.Connection, {TRACES: Kept()}, connections)
        listening = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
        host, port = listening.sockets[0].getsockname()
        loop = asyncio.get_running_loop()

        def in_loop(act):
            return asyncio.run_coroutine_threadsafe(_async(act, connections), loop).result(30)

        await asyncio.to_thread(use, f"{host}:{port}", in_loop)
        listening.close()

    asyncio.run(run())


async def _async(act, connections):
    return act(connections)


def test_who_trickles_is_cut_off_and_who_waits_is_not(monkeypatch):
    def use(address, in_loop):
        with Peer(address) as slow, Peer(address) as whole:
            slow.begin(1)
            slow.data(1, message(b"12345")[:7], ends=False)
            whole.begin(1)
            whole.data(1, message(b"12345"))
            silent = socket.create_connection(address.split(":"), timeout=30)
            for peer in (slow, whole):
                peer.send(frames.PING, 0, 0, bytes(8))
                peer.until(frames.PING)
            wait_until(lambda: in_loop(len) == 3, "all are there")
            in_loop(lambda connections: [one.sweep() for one in connections])
            slow.send(frames.PING, 0, 0, bytes(8))
            assert slow.next().kind == frames.PING  # not yet
            monkeypatch.setattr(http2, "BODY_TIMEOUT_S", -1.0)
            in_loop(lambda connections: [one.sweep() for one in connections])
            assert code(slow.answer(1)) == "DEADLINE_EXCEEDED"
            whole.send(frames.PING, 0, 0, bytes(8))
            assert whole.next().kind == frames.PING
            while silent.recv(4096):  # its greeting, and then the end
                pass
            silent.close()

    in_process(use)


def test_a_message_in_tiny_frames_takes_no_more_than_its_size():
    size = 400_000
    call = Call(None, 1, Kept(), {}, 0.0)
    call.feed(message(bytes(size))[:5])
    tracemalloc.start()
    for n in range(0, size - 2, 2):
        call.feed(n.to_bytes(4, "big")[2:])
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 2 * size


def test_a_client_that_reads_nothing_is_not_read():
    def use(address, in_loop):
        with Peer(address) as peer:
            peer.until(frames.SETTINGS)
            peer.socket.settimeout(2)
            pings = frames.frame(frames.PING, 0, 0, bytes(8)) * 4096
            sent = 0
            with contextlib.suppress(TimeoutError):  # the kernel's buffers are full, and so is ours
                while sent < 256 * MIB:
                    sent += peer.socket.send(pings)
            assert sent < 64 * MIB

    in_process(use)
