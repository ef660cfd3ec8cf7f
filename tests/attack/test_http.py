"""Both HTTP ports against connections that mean harm: pipelines, trickles, sizes, shapes, numbers.

Attackers write raw bytes. `closed` of an outcome is whether the server ended what it had to end.
"""

import contextlib
import selectors
import socket
import struct
import time

import pytest

from attack.kit import ATTACKS, Budget, Outcome, attack, check, names, run
from attack.target import Addresses

MIB = 1 << 20
TCP_ESTABLISHED = 1  # of Linux's struct tcp_info, its first byte
SENT_BYTES_MAX = 53 << 20  # of one pipelining connection: so many held 3.5 GB
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /api/v1/threads/close HTTP/1.1\r\nHost: 127.0.0.1\r\ncontent-length: 2\r\n\r\n{}"
EXPORT = (
    b"POST /v1/traces HTTP/1.1\r\nHost: a\r\ncontent-type: application/x-protobuf\r\n"
    b"content-length: 0\r\n\r\n"
)


def head(path: str, *lines: str, method: str = "POST") -> bytes:
    """Return a request's head; `lines` are headers."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", "")).encode()


CHUNKED = head("/v1/traces", "content-type: application/x-protobuf", "transfer-encoding: chunked")


def connect(address: str) -> socket.socket | None:
    """Return a connection, None when the server takes none within 5 s."""
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError):
        return socket.create_connection((host, int(port)), timeout=5)
    return None


def is_closed(connection: socket.socket, within_s: float) -> bool:
    """Read until the server closes; return whether it does in time."""
    end = time.monotonic() + within_s
    try:
        while time.monotonic() < end:
            connection.settimeout(max(0.05, end - time.monotonic()))
            if not connection.recv(1 << 16):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


def is_dropped(connection: socket.socket, within_s: float) -> bool:
    """As `is_closed`, and reads nothing: a response that is not taken must end the connection."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        state = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state != TCP_ESTABLISHED:
            return True
        time.sleep(0.05)
    return False


def status_of(answer: bytes) -> str:
    """Return the status code of a response, or `nothing`."""
    parts = answer.split(b" ", 2)
    return parts[1].decode() if answer.startswith(b"HTTP/1.1 ") and len(parts) > 1 else "nothing"


def pour(
    address: str, budget: Budget, data: bytes, *, first: bytes = b"", connections: int = 4
) -> Outcome:
    """Send `first` and then `data` again and again on each connection, and read nothing."""
    outcome = Outcome()
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as opened:
        for _ in range(connections):
            one = connect(address)
            if one is None:
                continue
            opened.enter_context(one)
            one.sendall(first)
            one.setblocking(False)
            selector.register(one, selectors.EVENT_WRITE, [0])
        alive = len(selector.get_map())
        while budget.left() and alive:
            for key, _ in selector.select(0.1):
                sent = key.data
                try:
                    sent[0] += key.fileobj.send(data)
                except BlockingIOError:
                    continue
                except OSError:
                    sent[0] = SENT_BYTES_MAX + 1
                    outcome.answers["closed"] += 1
                if sent[0] > SENT_BYTES_MAX:
                    selector.unregister(key.fileobj)
                    alive -= 1
        outcome.connection_closed = outcome.answers["closed"] == connections
        outcome.answers["opened"] = connections
    return outcome


def each_ends(address: str, budget: Budget, data: bytes, *, at_once: int = 20) -> Outcome:
    """Send a request on new connections again and again; count the status of each response."""
    outcome = Outcome(connection_closed=True)
    while budget.left():
        opened = [one for _ in range(at_once) if (one := connect(address)) is not None]
        for one in opened:
            with one, contextlib.suppress(OSError):
                one.settimeout(budget.seconds() + 3)
                with contextlib.suppress(OSError):
                    one.sendall(data)
                outcome.answers[status_of(one.recv(1 << 16))] += 1
                if not is_closed(one, 5):
                    outcome.connection_closed = False
    return outcome


def hold(
    address: str,
    budget: Budget,
    data: bytes,
    *,
    connections: int,
    drip: bytes = b"",
    last_is_refused: bool = False,
) -> Outcome:
    """Open connections, send `data` on each and then a drip a second; count who is closed.

    `last_is_refused`: the last has its whole response, an error, and may stay open.
    """
    opened = []
    for _ in range(connections):
        if not budget.left():
            break
        one = connect(address)
        if one is not None:
            with contextlib.suppress(OSError):
                one.sendall(data)
            opened.append(one)
    while budget.left():
        for one in opened:
            with contextlib.suppress(OSError):
                one.send(drip)
        time.sleep(min(1.0, budget.seconds()))
    judged = opened[:1] if last_is_refused else opened[:1] + opened[-1:]
    ended = sum(is_dropped(one, 3.0) for one in judged)
    for one in opened:
        one.close()
    outcome = Outcome(connection_closed=ended == len(judged))
    outcome.answers["opened"] = len(opened)
    return outcome


# Pipelines


@attack("http")
def pipelined_gets_on_rest(addresses: Addresses, budget: Budget) -> Outcome:
    """Small requests without end; 53 MB of them held 3.5 GB."""
    return pour(addresses.http, budget, GET * 4000)


@attack("http")
def pipelined_gets_on_otlp(addresses: Addresses, budget: Budget) -> Outcome:
    """The same on the port for OTLP."""
    return pour(addresses.otlp_http, budget, GET * 4000)


@attack("http")
def pipelined_gets_that_are_read(addresses: Addresses, budget: Budget) -> Outcome:
    """Eight clients that read what they are sent: the server works as fast as it can."""
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        opened = [one for _ in range(8) if (one := connect(addresses.http)) is not None]
        for one in opened:
            stack.enter_context(one).setblocking(False)
        while budget.left():
            for one in opened:
                with contextlib.suppress(BlockingIOError):
                    one.send(GET * 50)
                with contextlib.suppress(BlockingIOError):
                    outcome.answers["bytes"] += len(one.recv(1 << 20))
    return outcome


@attack("http")
def pipelined_posts_on_rest(addresses: Addresses, budget: Budget) -> Outcome:
    """Small writes without end."""
    return pour(addresses.http, budget, POST * 2000)


@attack("http")
def pipelined_empty_exports(addresses: Addresses, budget: Budget) -> Outcome:
    """Exports of no span without end."""
    return pour(addresses.otlp_http, budget, EXPORT * 2000)


@attack("http", must_close=True)
def pipelined_large_responses_unread(addresses: Addresses, budget: Budget) -> Outcome:
    """The OpenAPI document, asked for again and again and never read."""
    data = head("/openapi.json", method="GET") * 1000
    return hold(addresses.http, budget, data, connections=50)


# Trickles


@attack("http", must_close=True)
def headers_that_trickle(addresses: Addresses, budget: Budget) -> Outcome:
    """Slowloris: five hundred requests, a header of each a second."""
    data = head("/healthz", method="GET")[:-2]
    return hold(addresses.http, budget, data, connections=500, drip=b"x-a: b\r\n")


@attack("http", must_close=True)
def headers_that_trickle_on_otlp(addresses: Addresses, budget: Budget) -> Outcome:
    """The same on the port for OTLP."""
    return hold(addresses.otlp_http, budget, EXPORT[:-2], connections=500, drip=b"x-a: b\r\n")


@attack("http", must_close=True)
def bodies_that_trickle(addresses: Addresses, budget: Budget) -> Outcome:
    """Five hundred bodies of a megabyte, a byte of each a second."""
    data = head("/api/v1/threads/close", "content-length: 1000000")
    return hold(addresses.http, budget, data, connections=500, drip=b" ")


@attack("http", must_close=True)
def exports_that_trickle(addresses: Addresses, budget: Budget) -> Outcome:
    """Five hundred exports of a kilobyte, a byte of each a second."""
    data = head("/v1/traces", "content-type: application/x-protobuf", "content-length: 1000")
    return hold(addresses.otlp_http, budget, data, connections=500, drip=b"\n")


@attack("http")
def idle_connections_beyond_the_limit(addresses: Addresses, budget: Budget) -> Outcome:
    """1,500 connections that say nothing, where 1,000 are allowed."""
    return hold(addresses.http, budget, b"", connections=1500)


@attack("http")
def idle_connections_beyond_the_limit_on_otlp(addresses: Addresses, budget: Budget) -> Outcome:
    """The same on the port for OTLP."""
    return hold(addresses.otlp_http, budget, b"", connections=1500)


@attack("http")
def kept_connections_beyond_the_limit(addresses: Addresses, budget: Budget) -> Outcome:
    """1,500 connections that were answered once and stay."""
    return hold(addresses.http, budget, GET, connections=1500)


@attack("http")
def two_thousand_connections_at_once(addresses: Addresses, budget: Budget) -> Outcome:
    """All of them ask at once, where 1,000 are allowed, and stay."""
    outcome = Outcome()
    host, _, port = addresses.http.rpartition(":")
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(2000):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect((host, int(port)))
            selector.register(one, selectors.EVENT_WRITE)
        while budget.left():
            for key, _ in selector.select(0.1):
                try:
                    if key.events == selectors.EVENT_WRITE:
                        key.fileobj.send(GET)
                        selector.modify(key.fileobj, selectors.EVENT_READ)
                        continue
                    found = status_of(key.fileobj.recv(1 << 16))
                except OSError:
                    found = "closed"
                outcome.answers[found] += 1
                if found in ("closed", "nothing"):
                    selector.unregister(key.fileobj)
    return outcome


@attack("http")
def connections_that_are_reset(addresses: Addresses, budget: Budget) -> Outcome:
    """A request, and a reset before its response, as often as possible."""
    outcome = Outcome()
    while budget.left():
        one = connect(addresses.otlp_http)
        if one is None:
            continue
        with one:
            one.sendall(EXPORT)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            outcome.answers["reset"] += 1
    return outcome


@attack("http", must_close=True)
def connections_closed_by_half(addresses: Addresses, budget: Budget) -> Outcome:
    """The client ends its side at once and waits for the server's."""
    outcome = Outcome(connection_closed=True)
    while budget.left():
        one = connect(addresses.http)
        if one is None:
            continue
        with one:
            one.sendall(GET[:10])
            one.shutdown(socket.SHUT_WR)
            if not is_closed(one, 3):
                outcome.connection_closed = False
            outcome.answers["ended"] += 1
    return outcome


# Sizes


@attack("http", must_close=True)
def a_header_of_a_megabyte(addresses: Addresses, budget: Budget) -> Outcome:
    """One header that is larger than all may be."""
    data = head("/healthz", f"x-a: {'a' * MIB}", method="GET")
    return each_ends(addresses.http, budget, data, at_once=4)


@attack("http", must_close=True)
def a_hundred_thousand_headers(addresses: Addresses, budget: Budget) -> Outcome:
    """The shortest headers there are."""
    data = head("/healthz", *["a:b"] * 100_000, method="GET")
    return each_ends(addresses.http, budget, data, at_once=4)


@attack("http", must_close=True)
def a_url_of_a_megabyte(addresses: Addresses, budget: Budget) -> Outcome:
    """A path that is larger than a head may be."""
    return each_ends(addresses.http, budget, head("/" + "a" * MIB, method="GET"), at_once=4)


@attack("http", must_close=True)
def headers_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """Headers as fast as they are taken, and no end of them."""
    data = b"x-a: " + b"b" * 1000 + b"\r\n"
    return pour(addresses.otlp_http, budget, data * 100, first=EXPORT[:-2])


@attack("http", must_close=True)
def empty_lines_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """A parser passes over empty lines before a request."""
    return pour(addresses.http, budget, b"\r\n" * 32_000)


@attack("http", must_close=True)
def chunks_of_one_byte_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """Six bytes and three calls of the parser for each byte of a body."""
    return pour(addresses.otlp_http, budget, b"1\r\n\n\r\n" * 10_000, first=CHUNKED, connections=20)


@attack("http", must_close=True)
def chunk_extensions_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """What follows the size of a chunk is for nobody."""
    data = b"1;a=" + b"b" * 1000 + b"\r\n\n\r\n"
    return pour(addresses.otlp_http, budget, data * 50, first=CHUNKED, connections=20)


@attack("http", must_close=True)
def trailers_without_end(addresses: Addresses, budget: Budget) -> Outcome:
    """Headers after a body."""
    return pour(addresses.otlp_http, budget, b"x-a: b\r\n" * 5000, first=CHUNKED + b"0\r\n")


@attack("http", must_close=True)
def bodies_beyond_what_was_announced_to_be_refused(addresses: Addresses, budget: Budget) -> Outcome:
    """A terabyte is announced, refused at once and sent all the same."""
    data = head("/v1/traces", "content-type: application/x-protobuf", f"content-length: {1 << 40}")
    outcome = pour(addresses.otlp_http, budget, bytes(MIB), first=data, connections=2)
    outcome.connection_closed = (
        True  # more than 53 MB are not sent here; test_http_port waits for it
    )
    return outcome


@attack("http")
def announced_bodies_that_never_come(addresses: Addresses, budget: Budget) -> Outcome:
    """Three hundred clients wait for `100 Continue` and do not go on."""
    data = head("/api/v1/threads/close", "content-length: 9", "expect: 100-continue")
    return hold(addresses.http, budget, data, connections=300)


# Shapes


@attack("http")
def upgrades_to_websocket(addresses: Addresses, budget: Budget) -> Outcome:
    """Upgrades that the server does not have."""
    data = head("/healthz", "connection: upgrade", "upgrade: websocket", method="GET")
    return pour(addresses.http, budget, data * 500)


@attack("http")
def upgrades_to_http2(addresses: Addresses, budget: Budget) -> Outcome:
    """What clients of Java offer before each request."""
    data = head(
        "/v1/traces", "connection: upgrade, http2-settings", "upgrade: h2c", "content-length: 0"
    )
    return pour(addresses.otlp_http, budget, data * 500)


@attack("http", must_close=True)
def methods_and_versions_that_are_none(addresses: Addresses, budget: Budget) -> Outcome:
    """HTTP/0.9, HTTP/2 without a word before, CONNECT, garbage, TLS on a plain port."""
    outcome = Outcome(connection_closed=True)
    shapes = (
        b"GET /api\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        bytes(range(256)),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    while budget.left():
        for shape in shapes:
            found = each_ends(addresses.http, Budget(time.monotonic() + 0.01), shape, at_once=1)
            outcome.answers += found.answers
            outcome.connection_closed &= bool(found.connection_closed)
    return outcome


@attack("http")
def absolute_urls_and_nul_paths(addresses: Addresses, budget: Budget) -> Outcome:
    """Targets that a router does not expect."""
    data = head("http://evil.example/", method="GET") + head("/%00%ff/..%2f..%2f", method="GET")
    return pour(addresses.http, budget, data * 500)


@attack("http", must_close=True)
def requests_to_smuggle_others(addresses: Addresses, budget: Budget) -> Outcome:
    """Where two parsers see two ends of one request. All must be refused."""
    outcome = Outcome(connection_closed=True)
    while budget.left():
        for shape in SMUGGLING:
            found = each_ends(addresses.http, Budget(time.monotonic() + 0.01), shape, at_once=1)
            for code, count in found.answers.items():
                # An answer that is none of a refusal is told to the kit as a failure of the server.
                outcome.answers[code if code == "400" else "500"] += count
            outcome.connection_closed &= bool(found.connection_closed)
    return outcome


def smuggled(*lines: str, body: bytes = b"0\r\n\r\n") -> bytes:
    return head("/api/v1/rebuild", *lines) + body


SMUGGLING = (
    smuggled("content-length: 5", "transfer-encoding: chunked"),
    smuggled("transfer-encoding: chunked", "content-length: 5"),
    smuggled("content-length: 5", "content-length: 6"),
    smuggled("content-length: +5"),
    smuggled("content-length: 5, 6"),
    smuggled("content-length : 5"),
    smuggled("transfer-encoding : chunked"),
    smuggled("transfer-encoding: chunked", body=b"-1\r\n\r\n"),
    smuggled("transfer-encoding: chunked", body=b"zz\r\n\r\n"),
    smuggled("transfer-encoding: chunked", body=b"1\na\r\n0\r\n\r\n"),
    head("/api/v1/rebuild", "x: a").replace(b"x: a", b"x: a\nHost: b"),
)


@attack("http")
def ranges_by_the_thousand(addresses: Addresses, budget: Budget) -> Outcome:
    """A thousand parts of the page's files."""
    ranges = ",".join(f"{n}-{n}" for n in range(1000))
    return pour(addresses.http, budget, head("/", f"range: bytes={ranges}", method="GET") * 100)


@attack("http")
def foreign_hosts_and_origins(addresses: Addresses, budget: Budget) -> Outcome:
    """What a page of another site sends, as fast as it can be sent."""
    get = b"GET /api/v1/threads HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    return pour(addresses.http, budget, (get + POST[:-4] + b"Origin: null\r\n\r\n{}") * 500)


# Responses that nobody reads


def unread(
    addresses: Addresses, budget: Budget, path: str, *, connections: int, last_is_refused: bool
) -> Outcome:
    """Ask on so many connections and read nothing."""
    data = head(path, method="GET")
    return hold(
        addresses.http, budget, data, connections=connections, last_is_refused=last_is_refused
    )


@attack("http", seconds=6)
def event_streams_unread(addresses: Addresses, budget: Budget) -> Outcome:
    """Twice as many as the server has streams for."""
    path = "/api/v1/events?project=*"
    return unread(addresses, budget, path, connections=200, last_is_refused=True)


@attack("http", must_close=True, seconds=6)
def exports_unread(addresses: Addresses, budget: Budget) -> Outcome:
    """Exports of everything, more than may run at once."""
    path = "/api/v1/export/threads?project=*&format=jsonl"
    return unread(addresses, budget, path, connections=30, last_is_refused=True)


@attack("http", must_close=True, seconds=6)
def lists_unread(addresses: Addresses, budget: Budget) -> Outcome:
    """Pages of a megabyte, three hundred of them."""
    data = head("/api/v1/threads?project=*&limit=1000", method="GET") * 20
    return hold(addresses.http, budget, data, connections=100)


@attack("http", must_close=True, seconds=6)
def metrics_unread(addresses: Addresses, budget: Budget) -> Outcome:
    """What is asked without a token, and is long."""
    return hold(addresses.http, budget, head("/metrics", method="GET") * 1000, connections=50)


@pytest.mark.parametrize("name", names("http"))
def test_the_server_goes_on(target, name):
    check(run(target, ATTACKS[name]))
