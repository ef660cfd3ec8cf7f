"""gRPC calls out of an HTTP/2 connection, and their answers into it.

As much of HTTP/2 as a server of gRPC needs: clients open streams, nothing is pushed or given
priority. It is our own because with small requests it was most of the work: a call costs a seventh
of what it costs gRPC's own server for Python (benchmarks/protocol.py). h2spec checks it
(tests/live). The query API's port is gRPC's own.

Flow control does not bound what is held here: the intake does, by the length that each message
announces. So windows are as large as can be (RFC 9113, 5.2.2).

Source: RFC 9113; gRPC over HTTP/2 (PROTOCOL-HTTP2).
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, MutableSet
from typing import cast

import grpc

from otel_threads.receive import frames, headers
from otel_threads.receive.calls import Call, Method, PlainCall
from otel_threads.receive.compression import ENCODINGS
from otel_threads.receive.frames import Broken, ErrorCode

CALLS_MAX = 1000  # under way in one connection; clients wait with more
CANCELLED_MAX = 1000  # more calls cancelled than answered: a client that means no good
FRAME_BYTES_MAX = 32 * 1024
BODY_TIMEOUT_S = 60.0  # a sender that trickles its request is cut off
OUR_SETTINGS = {
    frames.MAX_CONCURRENT_STREAMS: CALLS_MAX,
    frames.INITIAL_WINDOW_SIZE: frames.WINDOW_MAX,
    frames.MAX_FRAME_SIZE: FRAME_BYTES_MAX,
    frames.MAX_HEADER_LIST_SIZE: headers.HEADER_BYTES_MAX,
}
HTTP1_METHODS = (b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ")
HTTP1_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n"
    b"This port takes OTLP over gRPC. OTLP over HTTP has a port of its own, 4318 by default.\n"
)


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, methods: Mapping[str, Method], open_: MutableSet["Connection"]) -> None:
        """Serve methods by their path; be in `open_` while the connection is."""
        self._methods = methods
        self._open = open_
        self._loop = asyncio.get_running_loop()
        self._made_s = self._loop.time()
        self._transport: asyncio.Transport
        self._closes = False
        self._last: int | None = None  # the last call that is taken, once no more are
        self._drained: asyncio.Future[None] = self._loop.create_future()
        self.gone: asyncio.Future[None] = self._loop.create_future()  # done when it is closed
        # What comes.
        self._received = bytearray()  # of a frame that is not whole
        self._needed_bytes = 0  # before there is a frame to read
        self._is_greeted = False
        self._is_settled = False  # the client's settings have come, before all else
        self._headers = headers.HeaderReader()
        self._window_in = frames.WINDOW_MAX
        self._highest = 0  # the last stream that the client has opened
        self._calls: dict[int, Call] = {}
        self._waiting: dict[int, Call] = {}  # for their client to open its window
        self._cut: dict[int, None] = {}  # streams that we ended and whose client may not know yet
        self._cancelled = 0  # calls, less those that were answered
        # What goes.
        self._out: list[bytes] = []
        self._writes_soon = False
        self._window_out = frames.WINDOW
        self._stream_window_out = frames.WINDOW  # with which a call begins
        self._frame_bytes_out = frames.FRAME_BYTES
        self._takers: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._take_data,
            frames.HEADERS: self._take_headers,
            frames.PRIORITY: self._take_priority,
            frames.RST_STREAM: self._take_reset,
            frames.SETTINGS: self._take_settings,
            frames.PUSH_PROMISE: self._take_misplaced,
            frames.PING: self._take_ping,
            frames.GOAWAY: self._take_goaway,
            frames.WINDOW_UPDATE: self._take_window_update,
            frames.CONTINUATION: self._take_continuation,
        }

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the client's preface; our settings are for who speaks HTTP/2."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has another base
        self._open.add(self)

    def data_received(self, data: bytes) -> None:
        """Take what has come, as far as it is whole frames."""
        if self._closes:
            return
        if self._received:
            self._received += data
            if self._is_greeted and len(self._received) < self._needed_bytes:
                return
            data, self._received = bytes(self._received), bytearray()
        try:
            if self._is_greeted:
                self._take_frames(data, 0)
            elif self._greets(data):
                self._take_frames(data, len(frames.PREFACE))
        except Broken as error:
            self._give_up(error)
            return
        self._write()

    def pause_writing(self) -> None:
        """Read nothing more of a client that reads nothing."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        """Let go of every call."""
        self._closes = True
        self._open.discard(self)
        calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            call.drop()
        self._drain()
        self.gone.set_result(None)

    # Called by calls and by the port.

    def send(self, call: Call) -> None:
        """See `calls.Wire`."""
        stream_id = call.stream_id
        if stream_id not in self._calls:
            return
        out = self._out
        if not call.has_headers:
            call.has_headers = True
            out.append(frames.frame(frames.HEADERS, frames.END_HEADERS, stream_id, call.headers))
        while call.outbox:
            room = min(call.window_out, self._window_out, self._frame_bytes_out, len(call.outbox))
            if room <= 0:
                self._waiting[stream_id] = call
                break
            out.append(frames.frame(frames.DATA, 0, stream_id, call.outbox[:room]))
            call.outbox = call.outbox[room:]
            call.window_out -= room
            self._window_out -= room
        if call.trailers and not call.outbox:
            ends = frames.END_HEADERS | frames.END_STREAM
            out.append(frames.frame(frames.HEADERS, ends, stream_id, call.trailers))
            self._cancelled = max(self._cancelled - 1, -CANCELLED_MAX)
            self._forget(stream_id)
            if not call.has_ended:  # what is still to come of it is of no use (RFC 9113, 8.1)
                self._reset(stream_id, ErrorCode.NO_ERROR)
        if not self._writes_soon:  # the answers of one commit go out as one
            self._writes_soon = True
            self._loop.call_soon(self._write)

    def sweep(self) -> None:
        """Cut off who is too slow."""
        before_s = self._loop.time() - BODY_TIMEOUT_S
        if not self._is_settled and self._made_s < before_s:
            self._transport.abort()
        for call in list(self._calls.values()):
            owes = call.is_within_message or not (call.message_count or call.has_ended)
            if owes and not call.is_over and call.began_s < before_s:
                # A code at which senders of OTLP try again.
                late = f"the request did not arrive within {BODY_TIMEOUT_S:g} s"
                call.refuse(grpc.StatusCode.DEADLINE_EXCEEDED, late)

    def go_away(self) -> "asyncio.Future[None]":
        """Take no more calls, and say so; the future is done once those under way are answered."""
        self._last = self._highest
        for call in list(self._calls.values()):
            if call.method.is_endless:
                call.refuse(grpc.StatusCode.UNAVAILABLE, "the server is stopping")
        self._say_goodbye(ErrorCode.NO_ERROR)
        self._drain()
        return self._drained

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def close(self) -> None:
        """Close after what is written has gone."""
        self._write()
        self._closes = True
        self._transport.close()

    # Frames.

    def _greets(self, data: bytes) -> bool:
        """Return whether HTTP/2's preface is there; who speaks something else is cut off."""
        if not frames.PREFACE.startswith(data[: len(frames.PREFACE)]):
            if data.startswith(HTTP1_METHODS):  # as senders of OTLP over HTTP do
                self._out.append(HTTP1_ANSWER)
            self.close()
            return False
        if len(data) < len(frames.PREFACE):
            self._received = bytearray(data)
            return False
        self._is_greeted = True
        self._out.append(frames.settings(OUR_SETTINGS))
        self._widen(frames.WINDOW_MAX - frames.WINDOW)
        return True

    def _take_frames(self, data: bytes, at: int) -> None:
        end = len(data)
        self._needed_bytes = frames.HEAD_BYTES
        while end - at >= frames.HEAD_BYTES:
            high, low, kind, flags, stream_id = frames.HEAD.unpack_from(data, at)
            size = high << 8 | low
            if size > FRAME_BYTES_MAX:
                raise Broken(
                    ErrorCode.FRAME_SIZE_ERROR,
                    f"a frame of {size} bytes, {FRAME_BYTES_MAX} allowed",
                )
            if end - at < frames.HEAD_BYTES + size:
                self._needed_bytes = frames.HEAD_BYTES + size
                break
            at += frames.HEAD_BYTES
            body = data[at : at + size]
            at += size
            stream_id &= frames.WINDOW_MAX  # the highest bit means nothing
            amid = self._headers.open_stream
            if amid is not None and (kind, stream_id) != (frames.CONTINUATION, amid):
                raise Broken(ErrorCode.PROTOCOL_ERROR, "a frame stands amid the headers of a call")
            if not self._is_settled and (kind != frames.SETTINGS or flags & frames.ACK):
                raise Broken(ErrorCode.PROTOCOL_ERROR, "the first frame is not the settings")
            if taker := self._takers.get(kind):  # frames of unknown kinds mean nothing
                taker(flags, stream_id, body)
        if at < end:
            self._received += data[at:]

    def _take_data(self, flags: int, stream_id: int, body: bytes) -> None:
        self._expect_stream(stream_id, is_call=True)
        self._window_in -= len(body)  # never below zero: no client sends 2 GiB in a frame
        if self._window_in < frames.WINDOW_MAX // 2:
            self._widen(frames.WINDOW_MAX - self._window_in)
        data = frames.without_padding(flags, body)
        call = self._calls.get(stream_id)
        if call is None or call.has_ended:
            self._take_late(stream_id, flags)
            return
        call.body_bytes += len(data)
        if call.body_bytes > frames.WINDOW_MAX:
            self._abandon(stream_id, ErrorCode.FLOW_CONTROL_ERROR)
            return
        call.has_ended = bool(flags & frames.END_STREAM)
        call.attempt(call.feed, data)
        if flags & frames.END_STREAM:
            self._end(call)

    def _take_headers(self, flags: int, stream_id: int, body: bytes) -> None:
        self._expect_stream(stream_id)
        self._take_block(self._headers.begin(flags, stream_id, body))

    def _take_continuation(self, flags: int, _stream_id: int, body: bytes) -> None:
        self._take_block(self._headers.go_on(flags, body))

    def _take_priority(self, _flags: int, stream_id: int, body: bytes) -> None:
        _expect_size(body, 5)
        if not stream_id or frames.U32.unpack_from(body)[0] & frames.WINDOW_MAX == stream_id:
            raise Broken(ErrorCode.PROTOCOL_ERROR, "PRIORITY of no stream, or of one on itself")

    def _take_reset(self, _flags: int, stream_id: int, body: bytes) -> None:
        _expect_size(body, 4)
        self._expect_stream(stream_id, is_call=True)
        self._cut.pop(stream_id, None)
        if call := self._forget(stream_id):
            call.drop()
            self._cancelled += 1
            if self._cancelled > CANCELLED_MAX:
                raise Broken(ErrorCode.ENHANCE_YOUR_CALM, "calls are cancelled, hardly any is not")

    def _take_settings(self, flags: int, stream_id: int, body: bytes) -> None:
        if stream_id:
            raise Broken(ErrorCode.PROTOCOL_ERROR, "SETTINGS of a stream")
        if flags & frames.ACK:
            _expect_size(body, 0)
            return
        if len(body) % frames.SETTING.size:
            raise Broken(ErrorCode.FRAME_SIZE_ERROR, f"SETTINGS of {len(body)} bytes")
        for name, value in frames.SETTING.iter_unpack(body):
            self._set(name, value)
        self._is_settled = True
        self._out.append(frames.frame(frames.SETTINGS, frames.ACK, 0))
        self._go_on(self._waiting.values())

    def _take_misplaced(self, _flags: int, _stream_id: int, _body: bytes) -> None:
        raise Broken(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE from a client")

    def _take_ping(self, flags: int, stream_id: int, body: bytes) -> None:
        _expect_size(body, 8)
        if stream_id:
            raise Broken(ErrorCode.PROTOCOL_ERROR, "PING of a stream")
        if not flags & frames.ACK:
            self._out.append(frames.frame(frames.PING, frames.ACK, 0, body))

    def _take_goaway(self, _flags: int, stream_id: int, _body: bytes) -> None:
        if stream_id:  # else the client will leave when it has its answers
            raise Broken(ErrorCode.PROTOCOL_ERROR, "GOAWAY of a stream")

    def _take_window_update(self, _flags: int, stream_id: int, body: bytes) -> None:
        _expect_size(body, 4)
        more = frames.U32.unpack(body)[0] & frames.WINDOW_MAX
        if not stream_id:
            self._window_out += more
            if not more or self._window_out > frames.WINDOW_MAX:
                raise _bad_window(more)
            self._go_on(self._waiting.values())
            return
        self._expect_stream(stream_id, is_call=True)
        if call := self._calls.get(stream_id):
            call.window_out += more
            if not more or call.window_out > frames.WINDOW_MAX:
                self._abandon(stream_id, _bad_window(more).code)
            elif stream_id in self._waiting:
                self._go_on([call])

    # What the frames amount to.

    def _take_block(self, block: headers.Block | None) -> None:
        if block is None:
            return
        stream_id = block.stream_id
        call = self._calls.get(stream_id)
        if stream_id > self._highest:
            self._highest = stream_id
            self._begin(block)
        elif call and not call.has_ended:
            if not block.ends_stream or not headers.are_trailers(block.fields):
                self._abandon(stream_id, ErrorCode.PROTOCOL_ERROR)
            else:  # clients of gRPC have no use for them
                self._end(call)
        elif stream_id not in self._cut:
            raise Broken(ErrorCode.STREAM_CLOSED, "headers for a call that has ended")

    def _begin(self, block: headers.Block) -> None:
        stream_id = block.stream_id
        metadata = headers.request(block.fields)
        if metadata is None:
            self._reset(stream_id, ErrorCode.PROTOCOL_ERROR)
            return
        if len(self._calls) >= CALLS_MAX or self._last is not None:
            self._reset(stream_id, ErrorCode.REFUSED_STREAM)  # clients send it again
            return
        path, encoding = metadata[":path"], metadata.get("grpc-encoding", "identity")
        method = self._methods.get(path)
        is_grpc = metadata.get("content-type", "").startswith("application/grpc")
        kind = Call if is_grpc and metadata[":method"] == "POST" else PlainCall
        call = kind(self, stream_id, method or NOWHERE, metadata, self._loop.time())
        call.has_ended = block.ends_stream
        call.window_out = self._stream_window_out
        self._calls[stream_id] = call
        if kind is PlainCall:
            pass
        elif method is None:
            call.refuse(grpc.StatusCode.UNIMPLEMENTED, f"there is no method {path[:200]}")
        elif encoding not in ENCODINGS:
            known = ", ".join(ENCODINGS)
            unknown = f"grpc-encoding {encoding[:50]} is not supported: send {known}"
            call.refuse(grpc.StatusCode.UNIMPLEMENTED, unknown)
        else:
            call.attempt(method.begin, call)
        if block.ends_stream:
            self._end(call)

    def _end(self, call: Call) -> None:
        self._cut.pop(call.stream_id, None)
        announced = call.metadata.get("content-length")
        if announced is not None and announced != str(call.body_bytes):
            self._abandon(call.stream_id, ErrorCode.PROTOCOL_ERROR)
        else:
            call.attempt(call.end)

    def _take_late(self, stream_id: int, flags: int) -> None:
        """Take bytes of a call that is over: they may have been sent before that was known."""
        if stream_id not in self._cut:
            self._abandon(stream_id, ErrorCode.STREAM_CLOSED)
        elif flags & frames.END_STREAM:
            del self._cut[stream_id]

    def _abandon(self, stream_id: int, code: ErrorCode) -> None:
        if call := self._forget(stream_id):
            call.drop()
        self._reset(stream_id, code)

    def _forget(self, stream_id: int) -> Call | None:
        self._waiting.pop(stream_id, None)
        call = self._calls.pop(stream_id, None)
        self._drain()
        return call

    def _reset(self, stream_id: int, code: ErrorCode) -> None:
        body = frames.U32.pack(code)
        self._out.append(frames.frame(frames.RST_STREAM, 0, stream_id, body))
        self._cut[stream_id] = None
        if len(self._cut) > CALLS_MAX:
            del self._cut[next(iter(self._cut))]

    def _expect_stream(self, stream_id: int, *, is_call: bool = False) -> None:
        if stream_id % 2 == 0 or (is_call and stream_id > self._highest):
            raise Broken(ErrorCode.PROTOCOL_ERROR, f"a frame of stream {stream_id}, not a call's")

    def _set(self, name: int, value: int) -> None:
        if name == frames.INITIAL_WINDOW_SIZE:
            if value > frames.WINDOW_MAX:
                raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"a window of {value} bytes")
            change, self._stream_window_out = value - self._stream_window_out, value
            for call in self._calls.values():
                call.window_out += change
                if call.window_out > frames.WINDOW_MAX:
                    raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"a window of {call.window_out}")
        elif name == frames.MAX_FRAME_SIZE:
            if not frames.FRAME_BYTES <= value < 2**24:
                raise Broken(ErrorCode.PROTOCOL_ERROR, f"frames of {value} bytes")
            self._frame_bytes_out = min(value, FRAME_BYTES_MAX)
        elif name == frames.ENABLE_PUSH and value > 1:
            raise Broken(ErrorCode.PROTOCOL_ERROR, f"ENABLE_PUSH of {value}")

    def _go_on(self, calls: Iterable[Call]) -> None:
        for call in list(calls):
            self._waiting.pop(call.stream_id, None)
            self.send(call)

    def _widen(self, more: int) -> None:
        self._window_in = frames.WINDOW_MAX
        self._out.append(frames.frame(frames.WINDOW_UPDATE, 0, 0, frames.U32.pack(more)))

    def _give_up(self, error: Broken) -> None:
        self._say_goodbye(error.code, str(error))
        self.close()

    def _say_goodbye(self, code: ErrorCode, reason: str = "") -> None:
        body = frames.U32.pack(self._highest) + frames.U32.pack(code) + reason[:200].encode()
        self._out.append(frames.frame(frames.GOAWAY, 0, 0, body))
        self._write()

    def _drain(self) -> None:
        is_drained = self._closes or (self._last is not None and not self._calls)
        if is_drained and not self._drained.done():
            self._drained.set_result(None)

    def _write(self) -> None:
        self._writes_soon = False
        if self._out and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()


def _expect_size(body: bytes, size: int) -> None:
    if len(body) != size:
        raise Broken(ErrorCode.FRAME_SIZE_ERROR, f"{len(body)} bytes in a frame of {size}")


def _bad_window(more: int) -> Broken:
    code = ErrorCode.FLOW_CONTROL_ERROR if more else ErrorCode.PROTOCOL_ERROR
    return Broken(code, f"a window widened by {more}")


class _Nowhere:
    """What a path that nobody serves leads to: its calls are refused, and their bytes dropped."""

    is_endless = False
    message_bytes_max = 0

    def begin(self, call: Call) -> None: ...
    def expect(self, call: Call, size_bytes: int) -> None: ...
    def take(self, call: Call, message: bytes, encoding: str) -> None: ...
    def end(self, call: Call) -> None: ...
    def over(self, call: Call, code: grpc.StatusCode | None) -> None: ...


NOWHERE = _Nowhere()
