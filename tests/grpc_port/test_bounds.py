"""The bounds around gRPC's own server, each reached, by a client that sends frames by hand."""

import asyncio
import base64
import contextlib
import gc
import weakref
from collections.abc import Iterator

import grpc
import pytest
from attack.http2 import INITIAL_WINDOW_SIZE, Peer, message
from conftest import wait_until
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_threads.grpc_port import limits as bounds
from otel_threads.grpc_port.limits import Limits
from otel_threads.grpc_port.loop import LoopThread
from otel_threads.grpc_port.refusal import refuse
from otel_threads.grpc_port.server import NO_METHOD, Server

ECHO, WAIT, REFUSE = "/test.Test/Echo", "/test.Test/Wait", "/test.Test/Refuse"
LIMITS = Limits(request_bytes_max=1000, receiving_bytes_max=1000, connections_max=100)


class Held:
    """A message that a weak reference can follow."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload


class Port:
    """A port in this process: Echo answers what comes, Wait only once it may; Refuse refuses."""

    def __init__(self, loop: LoopThread, **options) -> None:
        self._loop = loop
        self.memory_bytes = 0
        self.memory_growth_bytes = 0  # from one look to the next
        self.may_answer: asyncio.Event
        self.run(self._make(options))

    def run(self, work):
        return asyncio.run(self._loop.run(work))

    async def _make(self, options) -> None:
        self.may_answer = asyncio.Event()

        async def echo(messages, _context):
            return await anext(messages)

        async def wait(messages, _context):
            await self.may_answer.wait()
            return await anext(messages)

        async def refuse_it(held, context):
            self.held.append(weakref.ref(held))
            try:
                raise ValueError(held)
            except ValueError:
                await refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "no")

        self.held: list[weakref.ref] = []  # messages of Refuse
        self.server = Server(LIMITS, port="test", memory_bytes=self._look, **options)
        handlers = {
            "Echo": grpc.stream_unary_rpc_method_handler(echo),
            "Wait": grpc.stream_unary_rpc_method_handler(wait),
            "Refuse": grpc.unary_unary_rpc_method_handler(refuse_it, request_deserializer=Held),
        }
        self.server.add_registered_method_handlers("test.Test", handlers)
        self.address = f"127.0.0.1:{await self.server.open('127.0.0.1:0', None)}"

    def _look(self) -> int:
        self.memory_bytes += self.memory_growth_bytes
        return self.memory_bytes

    def let_answer(self) -> None:
        async def set_it() -> None:
            self.may_answer.set()

        self.run(set_it())

    def count(self) -> int:
        async def read() -> int:
            return self.server.calls.count

        return self.run(read())


@pytest.fixture
def port() -> Iterator[Port]:
    loop = LoopThread("test")
    made = Port(loop)
    yield made
    made.let_answer()
    made.run(made.server.close(0))
    loop.close()


@pytest.fixture
def connect(port) -> Iterator:
    with contextlib.ExitStack() as stack:

        def made(values=None) -> Peer:
            peer = Peer(port.address, values)
            stack.callback(peer.close)
            return peer

        yield made


def retry_delay_s(peer: Peer, stream_id: int = 1) -> float | None:
    text = peer.fields[stream_id].get("grpc-status-details-bin")
    if text is None:
        return None
    status = Status.FromString(base64.b64decode(text + "=" * (-len(text) % 4)))
    for detail in status.details:
        found = RetryInfo()
        assert detail.Unpack(found)
        return found.retry_delay.ToMilliseconds() / 1000
    return None


def test_a_message_that_was_refused_is_let_go_of_at_once(port, connect):
    """Not when cycles are looked for: in a process that derives that is rare."""
    gc.collect()
    gc.disable()
    try:
        peer = connect()
        peer.begin(1, REFUSE)
        peer.write(1, message(b"abc"))
        assert peer.answer() == ("INVALID_ARGUMENT", "no")
        wait_until(lambda: [one() for one in port.held] == [None], "it is let go of")
    finally:
        gc.enable()


def test_a_message_is_answered(connect):
    peer = connect()
    peer.begin(1, ECHO)
    peer.write(1, message(b"abc"))
    assert peer.answer() == ("OK", "")
    assert peer.data[1] == message(b"abc")


def test_a_message_that_does_not_arrive_in_time_is_given_up(port, connect, monkeypatch):
    slow, other = connect(), connect()
    slow.begin(1, ECHO)
    slow.write(1, message(bytes(100))[:50], ends=False)
    other.begin(1, WAIT)  # its client waits, not we for it
    other.write(1, message(b"x"))
    wait_until(lambda: port.count() == 2, "both calls have begun")

    monkeypatch.setattr(bounds, "MESSAGE_S", 0.0)

    code, text = slow.answer()
    assert code == "DEADLINE_EXCEEDED"
    assert text.startswith("the message did not arrive within 60 s")
    monkeypatch.undo()
    port.let_answer()
    assert other.answer() == ("OK", "")


def test_when_memory_is_short_only_the_oldest_unfinished_message_stays(port, connect):
    peers = [connect() for _ in range(4)]
    whole = message(b"x" * 100)
    for n, peer in enumerate(peers, 1):
        peer.begin(1, ECHO)
        peer.write(1, whole[:50], ends=False)
        wait_until(lambda n=n: port.count() == n, "the call has begun")

    # It grows: a look while no call is slow yet says what is usual.
    port.memory_growth_bytes = LIMITS.receiving_bytes_max + 1

    for peer in peers[1:]:
        code, text = peer.answer()
        assert code == "UNAVAILABLE"
        assert "receiving_bytes_max" in text
        assert retry_delay_s(peer) == 1
    peers[0].write(1, whole[50:])
    assert peers[0].answer() == ("OK", "")
    wait_until(lambda: port.count() == 0, "all calls are over")


def test_messages_that_arrive_slowly_stay_while_there_is_memory(port, connect):
    peers = [connect() for _ in range(20)]
    whole = message(b"x" * 100)
    for peer in peers:
        peer.begin(1, ECHO)
        peer.write(1, whole[:50], ends=False)
    wait_until(lambda: port.count() == len(peers), "all calls have begun")

    port.memory_bytes = LIMITS.receiving_bytes_max

    for peer in peers:
        peer.write(1, whole[50:])
        assert peer.answer() == ("OK", "")


def test_more_calls_than_a_port_takes_are_to_be_sent_again(port, connect, monkeypatch):
    monkeypatch.setattr(bounds, "CALLS_MAX", 2)
    peer = connect()
    for stream_id in (1, 3):
        peer.begin(stream_id, WAIT)
    wait_until(lambda: port.count() == 2, "both calls have begun")
    peer.begin(5, WAIT)
    code, text = peer.answer(5)
    assert code == "UNAVAILABLE"
    assert "calls are under way" in text
    assert retry_delay_s(peer, 5) == 1


@pytest.mark.parametrize(("name", "value"), [("ANSWER_S", 0.0), ("UNTAKEN_MAX", 0)])
def test_answers_that_nobody_takes_are_given_up(port, connect, monkeypatch, name, value):
    monkeypatch.setattr(bounds, "UNTAKEN_S", 0.0)
    peer, other = connect({INITIAL_WINDOW_SIZE: 0}), connect()
    for stream_id in range(1, 41, 2):
        peer.begin(stream_id, WAIT)
        peer.write(stream_id, message(b"x"))
    wait_until(lambda: port.count() == 20, "all calls have begun")
    monkeypatch.setattr(bounds, name, value)
    port.let_answer()
    # Of the last call or two gRPC keeps hold until others come.
    wait_until(lambda: peer.pump(0.1) or len(peer.ended) >= 17, "their streams are reset")
    wait_until(lambda: port.count() == 0, "nothing of them is left")
    monkeypatch.undo()
    other.begin(1, ECHO)
    other.write(1, message(b"x"))
    assert other.answer() == ("OK", "")


def test_an_answer_waits_for_the_clients_window(port, connect):
    peer = connect({INITIAL_WINDOW_SIZE: 3})
    peer.begin(1, ECHO)
    peer.write(1, message(b"abc"))
    wait_until(lambda: peer.pump(0.1) or len(peer.data.get(1, b"")) == 3, "what fits has come")
    assert 1 not in peer.ended
    peer.send(bytes.fromhex("000004 08 00 00000001 00000064"))  # WINDOW_UPDATE: 100 more
    assert peer.answer() == ("OK", "")
    assert peer.data[1] == message(b"abc")


@pytest.mark.parametrize(
    "path", [b"/\xff\xfe/Echo", b"\xff", b"/test.Test/\xc3\x28", b"/nobody/Knows"]
)
def test_a_path_that_is_not_there_or_no_text_is_unimplemented(connect, path):
    """A path that was no UTF-8 ended gRPC's own server for Python."""
    for _ in range(2):
        peer = connect()
        peer.begin(1, path)
        assert peer.answer() == ("UNIMPLEMENTED", NO_METHOD)
    peer = connect()
    peer.begin(1, ECHO)
    peer.write(1, message(b"x"))
    assert peer.answer() == ("OK", "")


@pytest.mark.long
@pytest.mark.parametrize(
    ("sent", "headers", "code", "says"),
    [
        (message(bytes(1001)), {}, "RESOURCE_EXHAUSTED", "larger than max"),
        (message(b"x", mark=1), {"grpc_encoding": "zstd"}, "INTERNAL", "grpc-encoding"),
    ],
)
def test_what_grpc_itself_refuses_carries_no_retry_info(connect, sent, headers, code, says):
    peer = connect()
    peer.begin(1, ECHO, **headers)
    peer.write(1, sent)
    found, text = peer.answer()
    assert found == code, text
    assert says in text
    assert retry_delay_s(peer) is None


def test_metadata_above_its_limit_is_refused(port):
    metadata = [(f"x-{n}", "x" * 1000) for n in range(20)]
    with grpc.insecure_channel(port.address) as one, pytest.raises(grpc.RpcError) as caught:
        one.unary_unary(ECHO)(b"x", metadata=metadata, timeout=30)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "hard limit" in caught.value.details()


@pytest.mark.long
def test_a_connection_above_the_limit_is_hung_up(connect):
    peers = [connect() for _ in range(LIMITS.connections_max)]
    for peer in peers:
        peer.begin(1, ECHO)
        peer.write(1, message(b"x"))
        assert peer.answer() == ("OK", "")
    more = connect()
    wait_until(lambda: more.pump(0.1) or more.closed, "one too many is hung up")
