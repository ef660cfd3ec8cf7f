"""One HTTP/1.1 connection: uvicorn's, with bounds on what it may hold and how long it may wait.

uvicorn parses all that arrives and queues a task for each request: 53 MB of pipelined small
requests held 3.5 GB. Here one request is parsed at a time. What follows it waits as bytes, one read
of the socket at most (256 KiB), and the kernel holds back the rest. The port looks through its
connections twice a second and closes those whose time is over (`sweep`).
"""

import asyncio
import contextlib
import socket
import struct
from enum import Enum, auto
from typing import TYPE_CHECKING

import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from otel_threads.http_port.limits import (
    CHUNK_OVERHEAD_BYTES_MAX,
    CHUNKED_STEP_BYTES,
    DRAIN_S,
    EVENTS_MAX,
    HEADERS_MAX,
    LINGER_BYTES_MAX,
    LINGER_S,
    Reason,
)

if TYPE_CHECKING:
    from otel_threads.http_port.port import HttpPort

NOT_HTTP = (
    "requests that are not HTTP/1.1: gRPC belongs on otlp_grpc_endpoint (4317) or grpc_endpoint "
    "(4321), and TLS needs tls_cert_file here"
)
END_OF_HEAD = b"\r\n\r\n"
AT_ONCE = struct.pack("ii", 1, 0)  # of SO_LINGER: a close drops what the kernel has not sent


class Phase(Enum):
    """What a connection is waiting for."""

    IDLE = auto()  # the first byte of a request
    HEAD = auto()  # the end of its headers
    BODY = auto()  # the end of its body
    RESPONSE = auto()  # our own response
    LINGER = auto()  # the peer's end, after a refusal


class _Refused(Exception):
    """A request goes over a limit; raised through the parser, which stops at once."""

    def __init__(self, status: int, reason: Reason, explanation: str) -> None:
        super().__init__(explanation)
        self.status = status
        self.reason = reason
        self.explanation = explanation


class _Flow(FlowControl):
    """uvicorn's flow control, which would go on reading while a request waits to be parsed."""

    def __init__(self, transport: asyncio.Transport, connection: "HttpConnection") -> None:
        super().__init__(transport)
        self._connection = connection

    def resume_reading(self) -> None:
        if not self._connection.holds_bytes:
            super().resume_reading()


class HttpConnection(HttpToolsProtocol):
    """A connection that parses one request at a time and knows since when it waits."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: ServerState,
        port: "HttpPort",
        *,
        accepted: socket.socket,
        opening: asyncio.Task[None] | None,
    ) -> None:
        """Serve the configuration's application. `opening` is the task that opens it."""
        super().__init__(config, state, {})
        self.phase = Phase.IDLE
        self.phase_since_s = self.loop.time()
        self.stalled_since_s: float | None = None  # the peer takes nothing of a response
        self._port = port
        self._opening = opening
        self._socket = accepted
        self._closing_since_s: float | None = None
        self._held = b""  # read and not parsed yet, from `_at` on
        self._at = 0
        self._tail = b""  # the last bytes that were parsed: the end of a head may be cut by a read
        self._parse_later: asyncio.Handle | None = None
        self._events = 0
        self._header_count = 0
        self._head_bytes = 0
        self._body_left: int | None = 0  # None: in chunks
        self._body_bytes = 0
        self._framing_bytes = 0
        self._dropped_bytes = 0
        self._upgrades = False

    @property
    def holds_bytes(self) -> bool:
        """Whether bytes were read that must not be parsed yet."""
        return self._at < len(self._held)

    # What the transport calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self)
        self._port.connection_opened(self._opening)
        self._opening = None
        self._enter(Phase.IDLE)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was not parsed, and tell the port."""
        self._drop_held()
        if self._parse_later is not None:
            self._parse_later.cancel()
        super().connection_lost(exc)
        self._port.connection_closed(self)

    def data_received(self, data: bytes) -> None:
        """Take one read of the socket; parse as much of it as may be parsed now."""
        if self.phase is Phase.LINGER:
            self._dropped_bytes += len(data)
            if self._dropped_bytes > LINGER_BYTES_MAX:
                self.transport.abort()
            return
        self._held = self._held[self._at :] + data if self.holds_bytes else data
        self._at = 0
        if self._parse_later is None:
            self._parse()

    def pause_writing(self) -> None:
        """The peer does not take what was written."""
        super().pause_writing()
        self.stalled_since_s = self.loop.time()

    def resume_writing(self) -> None:
        """The peer took most of it."""
        super().resume_writing()
        self.stalled_since_s = None
        self._parse()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self.phase is Phase.RESPONSE:
            raise _Refused(400, Reason.MALFORMED, "a request before the end of the one before it")
        super().on_message_begin()
        self._header_count = 0
        self._enter(Phase.HEAD)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers are dropped, which nobody asked for."""
        self._events += 1
        if self.phase is Phase.BODY:
            return
        self._header_count += 1
        if self._header_count > HEADERS_MAX:
            raise _Refused(431, Reason.HEADERS, f"more than {HEADERS_MAX} headers in a request")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the response, and find out how long the body will be."""
        if not self.url.startswith(b"/"):
            self._take_authority()
        self._framing_bytes = self._body_bytes = 0
        self._body_left = 0
        for name, value in self.headers:
            if name == b"transfer-encoding":
                self._body_left = None
                break
            if name == b"content-length":
                self._body_left = int(value)
        self._upgrades = bool(self.parser.should_upgrade())
        if self._upgrades and self._body_left is None:
            raise _Refused(400, Reason.MALFORMED, "an upgrade with a body in chunks")
        self._enter(Phase.BODY)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self._events += 1

    def on_message_complete(self) -> None:
        """End the request: nothing more is parsed before its response is written."""
        if self._upgrades and self._body_left:
            return  # the parser leaves the body to the protocol that was asked for: see `_feed`
        super().on_message_complete()
        self._head_bytes = 0
        self._tail = b""
        self._enter(Phase.IDLE if self.cycle.response_complete else Phase.RESPONSE)

    # What a response calls.

    def on_response_complete(self) -> None:
        """Go on with what the peer sent meanwhile."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.phase is Phase.RESPONSE:
            self._enter(Phase.IDLE)
        self.flow.resume_reading()
        if self.holds_bytes and self._parse_later is None:
            # Not at once: a hundred small requests in one read must not keep the loop from others.
            self._parse_later = self.loop.call_soon(self._parse)

    def shutdown(self) -> None:
        """Close now when no response is under way, else after it."""
        self._drop_held()
        super().shutdown()

    # What the port calls.

    @property
    def waits(self) -> bool:
        """Whether the peer has to do something: nothing is lost but time when it is closed."""
        return self.phase is not Phase.RESPONSE

    def sweep(self, now_s: float) -> None:
        """Close the connection if it has waited for longer than it may."""
        limits = self._port.limits
        waited_s = now_s - self.phase_since_s
        if self.transport.is_closing():
            self._closing_since_s = self._closing_since_s or now_s
            if now_s - self._closing_since_s > limits.write_timeout_s:
                self._reset()
        elif self.stalled_since_s and now_s - self.stalled_since_s > limits.write_timeout_s:
            self.abort(
                Reason.WRITE_TIMEOUT,
                f"a response that was not read for {limits.write_timeout_s:g} s "
                "(http_write_timeout_s)",
            )
        elif self.phase is Phase.IDLE and waited_s > limits.idle_timeout_s:
            self._port.count_quietly(Reason.IDLE)
            self.transport.close()
        elif self.phase is Phase.HEAD and waited_s > limits.header_timeout_s:
            text = f"headers not complete within {limits.header_timeout_s:g} s"
            self._refuse(408, Reason.HEADER_TIMEOUT, f"{text} (http_header_timeout_s)")
        elif self.phase is Phase.BODY:
            self._sweep_body(waited_s)
        elif self.phase is Phase.LINGER and waited_s > LINGER_S:
            self.transport.abort()

    def abort(self, reason: Reason, explanation: str) -> None:
        """Close at once, count it and drop what was not written."""
        self._port.refusals.add(reason, explanation)
        self._drop_held()
        self._reset()

    def _reset(self) -> None:
        """Close at once; else the kernel would keep megabytes for a peer that reads nothing."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()

    def _sweep_body(self, waited_s: float) -> None:
        limit_s = self._port.limits.body_timeout_s
        if self.cycle.response_complete:
            if waited_s > DRAIN_S:
                self.transport.close()
        elif waited_s > limit_s and not self.flow.read_paused:
            # Paused means that the body waits for us.
            text = f"a body not complete within {limit_s:g} s"
            self._refuse(408, Reason.BODY_TIMEOUT, f"{text} (http_body_timeout_s)")

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.phase_since_s = self.loop.time()
        self._port.phase_changed(self)

    def _may_parse(self) -> bool:
        if self.phase in (Phase.RESPONSE, Phase.LINGER) or self.transport.is_closing():
            return False
        return self.phase is not Phase.IDLE or not self.flow.write_paused

    def _parse(self) -> None:
        """Feed the parser until a request is complete, or the turn of this connection is over."""
        self._parse_later = None
        self._events = 0
        while self.holds_bytes and self._may_parse():
            if self._events > EVENTS_MAX:
                self._parse_later = self.loop.call_soon(self._parse)
                break
            try:
                self._feed()
            except _Refused as error:
                self._refuse(error.status, error.reason, error.explanation)
        if self.parser is None or self.transport.is_closing():
            return
        if self.holds_bytes:
            self.flow.pause_reading()
        elif self.phase is not Phase.RESPONSE and not self._body_is_full():
            self.flow.resume_reading()

    def _body_is_full(self) -> bool:
        """Return whether the application has to take some of the body first."""
        if self.phase is not Phase.BODY or self.cycle.response_complete:
            return False
        return len(self.cycle.body) > HIGH_WATER_LIMIT

    def _feed(self) -> None:
        """Feed the parser the next bytes, which end at most one request.

        Raises:
            _Refused: they go over a limit, or are no HTTP.
        """
        self._events += 1
        in_body = self.phase is Phase.BODY
        end = self._body_end() if in_body else self._head_end()
        block = self._held[self._at : end] if self._at or end < len(self._held) else self._held
        if not in_body:
            self._count_head(len(block))
        self._at = end
        if not self.holds_bytes:
            self._drop_held()
        before = self._body_bytes
        if in_body and self._upgrades:
            # We stay with HTTP/1.1, so the body is a body. Clients of Java offer HTTP/2 so.
            self.on_body(block)
            self._count_body(len(block), len(block))
            if not self._body_left:
                self.on_message_complete()
            return
        try:
            self.parser.feed_data(block)
        except httptools.HttpParserUpgrade:
            pass  # ignored, as a server may; the response is plain HTTP. Source: RFC 9110, 7.8
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _Refused):
                raise error.__context__ from None
            raise _Refused(400, Reason.MALFORMED, NOT_HTTP) from None
        if in_body and self.phase is Phase.BODY:
            self._tail = (self._tail + block)[-3:]
            self._count_body(len(block), self._body_bytes - before)
        elif not in_body:
            self._tail = (self._tail + block)[-3:] if self.phase is Phase.HEAD else b""

    def _head_end(self) -> int:
        """Return where the head ends, or the held bytes."""
        cut = (self._tail + self._held[self._at : self._at + 3]).find(END_OF_HEAD)
        if cut >= 0:
            return self._at + cut + len(END_OF_HEAD) - len(self._tail)
        found = self._held.find(END_OF_HEAD, self._at)
        return found + len(END_OF_HEAD) if found >= 0 else len(self._held)

    def _body_end(self) -> int:
        if self._body_left is not None:
            return min(len(self._held), self._at + max(1, self._body_left))
        # The last chunk ends as a head does, so a step never goes beyond it.
        return min(self._head_end(), self._at + CHUNKED_STEP_BYTES)

    def _count_head(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > self._port.limits.header_bytes_max:
            limit = self._port.limits.header_bytes_max
            raise _Refused(
                431,
                Reason.HEADER_BYTES,
                f"a request line and headers of more than {limit} bytes (http_header_bytes_max)",
            )

    def _count_body(self, fed_bytes: int, body_bytes: int) -> None:
        if self._body_left is not None:
            self._body_left -= fed_bytes
            return
        self._framing_bytes += fed_bytes - body_bytes
        if self._framing_bytes > CHUNK_OVERHEAD_BYTES_MAX + self._body_bytes:
            raise _Refused(
                400,
                Reason.CHUNK_OVERHEAD,
                f"{self._framing_bytes} bytes of chunk sizes, extensions and trailers around "
                f"{self._body_bytes} bytes of body: send larger chunks",
            )

    def _take_authority(self) -> None:
        """Put the host of a request target with a host in the place of `Host`.

        Source: RFC 9112, section 3.2.2.
        """
        url = httptools.parse_url(self.url)
        if url.host is None:
            return
        port = b":%d" % url.port if url.port else b""
        host = b"[%s]" % url.host if b":" in url.host else url.host
        self.headers[:] = [item for item in self.headers if item[0] != b"host"]
        self.headers.append((b"host", host + port))

    def _refuse(self, status: int, reason: Reason, explanation: str) -> None:
        """Answer with an error where no response has begun; then take nothing more."""
        self._port.refusals.add(reason, explanation)
        self._drop_held()
        began = self.cycle is not None and self.cycle.response_started
        ended = self.cycle is None or self.cycle.response_complete
        if self.cycle is not None and not ended:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if began and not ended:
            self.transport.abort()
            return
        self._enter(Phase.LINGER)
        text = f"refused: {explanation}\n".encode()
        fields: list[tuple[bytes, bytes]] = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(text)),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%s: %s\r\n" % field for field in fields)
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + text)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _drop_held(self) -> None:
        self._held = b""
        self._at = 0
