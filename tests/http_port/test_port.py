"""A port in this process with small limits, and raw bytes: each limit is reached."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import uvloop
from conftest import wait_until
from prometheus_client.samples import Sample

from otel_threads.http_port import limits as bounds
from otel_threads.http_port.limits import HttpLimits
from otel_threads.http_port.port import HttpPort
from otel_threads.metrics import REFUSED
from otel_threads.refusals import Refusals

LIMITS = {
    "connections_max": 4,
    "idle_timeout_s": 60.0,
    "header_bytes_max": 4096,
    "header_timeout_s": 60.0,
    "body_timeout_s": 60.0,
    "write_timeout_s": 60.0,
}
GET = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = bytes(32 << 20)  # more than the kernel takes of a response that nobody reads


class Application:
    """Answers with the path and the length of the body; `/wait` when told; `/large` at length."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.gone = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        path = scope["path"][1:]
        self.seen.append(path)
        size = 0
        if path != "early":
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.gone += 1
                    return
                size += len(message["body"])
                if not message["more_body"]:
                    break
        if path == "wait":
            await self.go_on.wait()
        body = LARGE if path == "large" else f"{path} {size}\n".encode()
        length = str(len(body)).encode()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
        )
        await send({"type": "http.response.body", "body": body})


class Running:
    """A port on a loop in a thread of its own."""

    def __init__(self, **changed) -> None:
        self.application = Application()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = self.listener.getsockname()
        self.name = f"test-{self.address[1]}"
        self.port: HttpPort
        self._limits = HttpLimits(**(LIMITS | changed))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            self.port = HttpPort(
                self.application,
                listener=self.listener,
                limits=self._limits,
                refusals=Refusals(self.name),
                tls=None,
                stop_grace_s=2.0,
            )
            running = asyncio.create_task(self.port.serve())
            await self.port.listening.wait()
            self._ready.set()
            await running

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.application.go_on.set)
        self.port.should_exit = True
        self._thread.join()

    def connect(self, data: bytes = b"") -> socket.socket:
        one = socket.create_connection(self.address, timeout=20)
        one.sendall(data)
        return one

    def ask(self, data: bytes) -> bytes:
        """Send and return all that comes until the port closes."""
        with self.connect(data) as one:
            return read_all(one)

    def refused(self, reason: str) -> float:
        found: list[Sample] = next(iter(REFUSED.collect())).samples
        return sum(
            one.value
            for one in found
            if one.labels == {"port": self.name, "reason": reason} and one.name.endswith("_total")
        )


def read_all(one: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := one.recv(1 << 16):
            found += data
    return found


def closing(path: bytes, *lines: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
    head = b"\r\n".join(
        (method + b" /" + path + b" HTTP/1.1", b"Host: a", *lines, b"Connection: close")
    )
    return head + b"\r\n\r\n" + body


@pytest.fixture
def make_port() -> Iterator[Callable[..., Running]]:
    with contextlib.ExitStack() as stack:

        def make(**changed) -> Running:
            running = Running(**changed)
            stack.callback(running.stop)
            return running

        yield make


@pytest.fixture
def port(make_port) -> Running:
    return make_port()


def test_pipelined_requests_are_answered_in_order_however_they_are_cut(port):
    asked = b"".join(GET % b"%d" % n for n in range(30))
    post = closing(b"last", b"content-length: 3", method=b"POST", body=b"abc")
    for step in (1, 3, 7, 1000):
        with port.connect() as one:
            whole = asked + post
            for start in range(0, len(whole), step):
                one.sendall(whole[start : start + step])
            answers = read_all(one)
        bodies = [part.split(b"\r\n\r\n")[1] for part in answers.split(b"HTTP/1.1 200 OK\r\n")[1:]]
        assert bodies == [*(b"%d 0\n" % n for n in range(30)), b"last 3\n"]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_head_whose_end_is_cut_anywhere_ends_there(port, cut):
    """The last bytes of a head come one by one, the rest of them with the next request."""
    head = GET % b"first"
    with port.connect(head[:-4]) as one:
        connection = only_connection(port)
        for at in range(len(head) - 4, len(head) - cut):
            wait_until(lambda at=at: connection._head_bytes == at, "the bytes before are read")
            one.sendall(head[at : at + 1])
        wait_until(lambda: connection._head_bytes == len(head) - cut, "all but the last are read")
        one.sendall(head[-cut:] + GET % b"second" + closing(b"third"))
        answers = read_all(one)
    assert answers.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_chunks_whose_end_is_cut_anywhere_end_there(port, cut):
    head = b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"3\r\nabc\r\n0\r\n\r\n"
    with port.connect(head + body[:-4]) as one:
        connection = only_connection(port)
        for at in range(len(body) - 4, len(body) - cut):
            wait_until(lambda at=at: connection._tail == body[:at][-3:], "they are read")
            one.sendall(body[at : at + 1])
        wait_until(lambda: connection._tail == body[:-cut][-3:], "all but the last are read")
        one.sendall(body[-cut:] + GET % b"second" + closing(b"third"))
        answers = read_all(one)
    assert answers.count(b"HTTP/1.1 200 OK") == 3


def only_connection(port):
    wait_until(lambda: port.port.server_state.connections, "the connection")
    return next(iter(port.port.server_state.connections))


def test_one_request_of_a_pipeline_is_under_way_and_the_rest_stays_bytes(port):
    with port.connect(GET % b"wait" + (GET % b"next") * 100) as one:
        wait_until(lambda: port.application.seen == ["wait"], "the first request arrives")
        one.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 64 << 20:
                sent += one.send((GET % b"next") * 1000)
        assert sent < 64 << 20  # the kernel holds the sender back
        assert port.application.seen == ["wait"]
        connection = next(iter(port.port.server_state.connections))
        assert 0 < len(connection._held) <= 256 << 10
        assert len(connection.pipeline) == 0


@pytest.mark.parametrize("step", [1, 5, 4096])
def test_chunks_and_trailers_are_read_however_they_are_cut(port, step):
    body = b"3\r\nabc\r\n2;a=b\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n"
    whole = b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    whole += closing(b"second")
    with port.connect() as one:
        for start in range(0, len(whole), step):
            one.sendall(whole[start : start + step])
        answers = read_all(one)
    assert b"first 5\n" in answers
    assert answers.endswith(b"second 0\n")


def test_large_bodies_pass_whole(port):
    size = 3 << 20
    body = b"x" * size
    known = closing(b"known", b"content-length: %d" % size, method=b"POST", body=body)
    assert port.ask(known).endswith(b"known %d\n" % size)
    chunks = b"".join(b"%x\r\n%s\r\n" % (65536, body[:65536]) for _ in range(48)) + b"0\r\n\r\n"
    chunked = closing(b"chunked", b"transfer-encoding: chunked", method=b"POST", body=chunks)
    assert port.ask(chunked).endswith(b"chunked %d\n" % size)


@pytest.mark.long
def test_large_responses_pass_whole(port):
    assert port.ask(closing(b"large")).endswith(LARGE)


@pytest.mark.parametrize(
    ("data", "status", "reason", "text"),
    [
        (
            closing(b"a", b"x: " + b"a" * 5000),
            431,
            "header_bytes",
            b"4096 bytes (http_header_bytes_max)",
        ),
        (closing(b"a" * 5000), 431, "header_bytes", b"http_header_bytes_max"),
        (closing(b"a", *[b"a: b"] * bounds.HEADERS_MAX), 431, "headers", b"128 headers"),
        (b"\r\n" * 5000, 431, "header_bytes", b"http_header_bytes_max"),
        (b"nonsense\r\n\r\n", 400, "malformed", b"not HTTP/1.1"),
        (b"GET / HTTP/1.1\nHost: a\n\n" * 2, 400, "malformed", b"not HTTP/1.1"),
        (
            closing(b"a", b"content-length: 1", b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
            400,
            "malformed",
            b"not HTTP/1.1",
        ),
        (
            closing(
                b"a", b"transfer-encoding: chunked", method=b"POST", body=b"1\r\nx\r\n" * 20_000
            ),
            400,
            "chunk_overhead",
            b"send larger chunks",
        ),
        (
            closing(
                b"a",
                b"transfer-encoding: chunked",
                method=b"POST",
                body=b"0\r\n" + b"a: b\r\n" * 9000,
            ),
            400,
            "chunk_overhead",
            b"send larger chunks",
        ),
    ],
)
def test_what_goes_over_a_limit_is_told_counted_and_closed(port, data, status, reason, text):
    answer = port.ask(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert text in answer
    assert b"connection: close" in answer
    assert port.refused(reason) == 1


def test_headers_within_the_limit_pass(port):
    data = closing(b"a", b"x: " + b"a" * 3900)
    assert port.ask(data).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
def test_an_upgrade_is_passed_over_and_the_connection_goes_on(port, upgrade):
    first = b"POST /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: %s\r\nContent-Length: 2\r\n\r\nhi"
    answer = port.ask(first % upgrade + closing(b"b"))
    assert b"a 2\n" in answer
    assert answer.endswith(b"b 0\n")


def test_what_follows_the_last_request_is_dropped(port):
    assert port.ask(closing(b"a") + GET % b"b").count(b"HTTP/1.1 ") == 1
    assert port.application.seen == ["a"]


@pytest.mark.long
def test_an_idle_connection_is_closed(make_port):
    port = make_port(idle_timeout_s=0.2)
    assert port.ask(b"") == b""
    assert port.ask(GET % b"a").endswith(b"a 0\n")  # answered, kept, and then closed
    assert port.refused("idle") == 2


@pytest.mark.long
def test_headers_that_do_not_end_are_closed(make_port):
    answer = make_port(header_timeout_s=0.2).ask(b"GET / HTTP/1.1\r\n")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"0.2 s (http_header_timeout_s)" in answer


@pytest.mark.long
def test_a_body_that_does_not_end_is_closed_and_the_application_told(make_port):
    port = make_port(body_timeout_s=0.2)
    answer = port.ask(closing(b"a", b"content-length: 9", method=b"POST", body=b"abc"))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"0.2 s (http_body_timeout_s)" in answer
    wait_until(lambda: port.application.gone == 1, "the application hears of it")


@pytest.mark.long
def test_a_response_that_waits_is_not_closed_for_its_time(make_port):
    port = make_port(
        idle_timeout_s=0.1, header_timeout_s=0.1, body_timeout_s=0.1, write_timeout_s=0.1
    )
    with port.connect(closing(b"wait")) as one:
        wait_until(lambda: port.application.seen == ["wait"], "the request arrives")
        swept = port.port._sweeping
        wait_until(lambda: port.port._sweeping not in (None, swept), "the port looks once")
        swept = port.port._sweeping
        wait_until(lambda: port.port._sweeping not in (None, swept), "and again")
        port.loop.call_soon_threadsafe(port.application.go_on.set)
        assert read_all(one).endswith(b"wait 0\n")


@pytest.mark.long
def test_a_response_that_nobody_reads_is_dropped(make_port):
    port = make_port(write_timeout_s=0.2)
    with port.connect(GET % b"large") as one:
        wait_until(lambda: port.refused("write_timeout") == 1, "the connection is dropped")
        assert not read_all(one).endswith(LARGE)
    wait_until(lambda: port.port._unsent_bytes == 0, "nothing is held any more")


def test_unread_responses_have_a_sum_and_the_slowest_reader_goes(make_port):
    port = make_port()
    first = port.connect(GET % b"large")
    wait_until(lambda: port.port._unsent_bytes > 0, "the first response waits")
    others = [port.connect(GET % b"large") for _ in range(2)]
    wait_until(lambda: port.refused("unsent_bytes") >= 1, "one is dropped")
    assert not read_all(first).endswith(LARGE)
    for one in (first, *others):
        one.close()
    wait_until(lambda: port.port._unsent_bytes == 0, "nothing is held any more")


@pytest.mark.long
def test_an_early_response_ends_the_connection_when_the_body_goes_on(make_port, monkeypatch):
    monkeypatch.setattr("otel_threads.http_port.connection.DRAIN_S", 0.2)
    port = make_port()
    head = b"POST /early HTTP/1.1\r\nHost: a\r\ncontent-length: 99999\r\n\r\n"
    answer = port.ask(head + b"some of it")
    assert answer.endswith(b"early 0\n")


def test_a_full_port_closes_who_waited_longest(port, monkeypatch):
    monkeypatch.setattr("otel_threads.http_port.port.EVICT_AFTER_S", -1.0)
    idle = [port.connect() for _ in range(4)]
    wait_until(lambda: port.port._count() == 4, "the port is full")
    assert port.ask(closing(b"a")).endswith(b"a 0\n")
    assert read_all(idle[0]) == b""  # the oldest made room
    idle[3].sendall(closing(b"b"))
    assert read_all(idle[3]).endswith(b"b 0\n")
    assert port.refused("connections") >= 1
    for one in idle:
        one.close()


def test_a_port_full_of_work_serves_health_and_says_503_to_the_rest(port):
    busy = [port.connect(GET % b"wait") for _ in range(4)]
    wait_until(lambda: port.application.seen == ["wait"] * 4, "all are under way")

    assert port.ask(GET % b"healthz").endswith(b"healthz 0\n")
    answer = port.ask(GET % b"a")

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in answer
    assert b"http_connections_max" in answer
    assert "a" not in port.application.seen
    port.loop.call_soon_threadsafe(port.application.go_on.set)
    for one in busy:
        assert one.recv(1 << 16).endswith(b"wait 0\n")
        one.close()


def test_a_stop_finishes_what_is_under_way_and_drops_the_rest(make_port):
    port = make_port()
    idle, busy = port.connect(), port.connect(GET % b"wait" + GET % b"never")
    wait_until(lambda: port.application.seen == ["wait"], "the request arrives")
    port.port.should_exit = True
    assert read_all(idle) == b""
    port.loop.call_soon_threadsafe(port.application.go_on.set)
    assert read_all(busy).count(b"HTTP/1.1 200 ") == 1
    assert port.application.seen == ["wait"]


def test_a_refusal_is_logged_once_a_minute_with_the_count(caplog):
    now_s = [100.0]
    refusals = Refusals("test-log", clock=lambda: now_s[0])
    for _ in range(1000):
        refusals.add("headers", "too many")
    refusals.add("malformed", "no HTTP")
    now_s[0] += 61
    refusals.add("headers", "too many")
    assert [record.getMessage() for record in caplog.records] == [
        "test-log refused: too many (headers; 1 since the last such line)",
        "test-log refused: no HTTP (malformed; 1 since the last such line)",
        "test-log refused: too many (headers; 1000 since the last such line)",
    ]
