"""A client of HTTP/2 that sends what it is told to, frame by frame, right or wrong."""

import select
import socket
import struct
import time

import grpc
from hpack import Decoder, Encoder

from attack.kit import Budget, Outcome

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4
WINDOW = 65_535
FRAME_BYTES_MAX = 16_384
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
HEAD = struct.Struct(">BHBBI")


def frame(kind: int, flags: int, stream_id: int, body: bytes = b"") -> bytes:
    """Return one frame as it is sent."""
    return HEAD.pack(len(body) >> 16, len(body) & 0xFFFF, kind, flags, stream_id) + body


def settings(values: dict[int, int]) -> bytes:
    """Return a SETTINGS frame."""
    body = b"".join(struct.pack(">HI", key, value) for key, value in values.items())
    return frame(SETTINGS, 0, 0, body)


def message(payload: bytes, *, mark: int = 0) -> bytes:
    """Return a payload as gRPC sends it."""
    return struct.pack(">BI", mark, len(payload)) + payload


def block(path: str | bytes = TRACES, **more: str | bytes) -> bytes:
    """Return the headers of a call, without use of a dynamic table, so that any number may follow."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "x",
        "content-type": "application/grpc",
        "te": "trailers",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    encoder = Encoder()
    encoder.header_table_size = 0
    return encoder.encode(list(fields.items()))


def literal(name: bytes, value: bytes) -> bytes:
    """Return one header as it is, not compressed and not kept in a table; names below 127 bytes."""
    length, number = b"", len(value)
    if number < 127:
        return bytes([0, len(name)]) + name + bytes([number]) + value
    number -= 127
    while number > 127:
        length += bytes([number & 127 | 128])
        number >>= 7
    return bytes([0, len(name)]) + name + b"\x7f" + length + bytes([number]) + value


def head(stream_id: int, headers: bytes, *, ends: bool = False) -> bytes:
    """Return the HEADERS frame of a call."""
    return frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream_id, headers)


class Peer:
    """One connection. What the server sends is read as far as its windows and its end are told."""

    def __init__(
        self, address: str, values: dict[int, int] | None = None, *, greets: bool = True
    ) -> None:
        """Connect; say the preface and SETTINGS unless told not to."""
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.closed = False
        self.goes_away = False
        self.window = WINDOW  # of the connection
        self.windows: dict[int, int] = {}  # of streams; what is not there has `initial`
        self.initial = WINDOW
        self.ended: set[int] = set()  # streams that the server has answered or reset
        self.unsettled = True  # until the server's SETTINGS have come
        self.fields: dict[int, dict[str, str]] = {}  # headers and trailers of answers, by stream
        self.data: dict[int, bytes] = {}
        self._decoder = Decoder()
        self._came = b""
        if greets:
            self.send(PREFACE + settings(values or {}))

    def send(self, data: bytes, timeout_s: float = 1.0) -> bool:
        """Send as much as the server takes within the time; return whether that was all.

        What could not be sent within the time leaves the connection useless, so it is closed here.
        """
        if self.closed:
            return False
        self.socket.settimeout(timeout_s)
        try:
            self.socket.sendall(data)
        except TimeoutError:
            self.closed_by_us()
            return False
        except OSError:
            self.closed = True
            return False
        return True

    def closed_by_us(self) -> None:
        """Hang up."""
        self.socket.close()

    def pump(self, timeout_s: float = 0.0) -> None:
        """Take what the server has sent."""
        while not self.closed:
            try:
                ready, _, _ = select.select([self.socket], [], [], timeout_s)
                if not ready:
                    return
                part = self.socket.recv(1 << 16)
            except (OSError, ValueError):
                part = b""
            if not part:
                self.closed = True
                return
            self._came += part
            self._take()
            timeout_s = 0.0

    def _take(self) -> None:
        while len(self._came) >= HEAD.size:
            high, low, kind, flags, stream_id = HEAD.unpack(self._came[: HEAD.size])
            end = HEAD.size + (high << 16 | low)
            if len(self._came) < end:
                return
            body, self._came = self._came[HEAD.size : end], self._came[end:]
            if kind == WINDOW_UPDATE:
                self._widen(stream_id, int.from_bytes(body, "big"))
            elif kind == SETTINGS and not flags & ACK:
                self.unsettled = False
                for key, value in struct.iter_unpack(">HI", body):
                    if key == INITIAL_WINDOW_SIZE:
                        self.initial = value
            elif kind == HEADERS:
                self.fields.setdefault(stream_id, {}).update(self._decoder.decode(body))
            elif kind == DATA:
                self.data[stream_id] = self.data.get(stream_id, b"") + body
            elif kind == GOAWAY:
                self.goes_away = True
            if kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM):
                self.ended.add(stream_id)

    def _widen(self, stream_id: int, size: int) -> None:
        if stream_id:
            self.windows[stream_id] = self.windows.get(stream_id, self.initial) + size
        else:
            self.window += size

    def begin(self, stream_id: int = 1, path: str | bytes = TRACES, **more: str | bytes) -> None:
        """Send the headers of a call."""
        self.send(head(stream_id, block(path, **more)))

    def write(self, stream_id: int, data: bytes, *, ends: bool = True) -> None:
        """Send data that fits into a frame."""
        self.send(frame(DATA, END_STREAM if ends else 0, stream_id, data))

    def answer(self, stream_id: int = 1, timeout_s: float = 30.0) -> tuple[str, str]:
        """Return the name of the code of an answer and its text; NONE for a stream that was reset."""
        end = time.monotonic() + timeout_s
        while stream_id not in self.ended and not self.closed:
            assert time.monotonic() < end, f"no answer on stream {stream_id}"
            self.pump(0.1)
        fields = self.fields.get(stream_id, {})
        if "grpc-status" not in fields:
            return "NONE", ""
        number = int(fields["grpc-status"])
        name = next(code.name for code in grpc.StatusCode if code.value[0] == number)
        return name, fields.get("grpc-message", "")

    def upload(self, stream_id: int, size: int) -> int:
        """Send zeros as far as the windows allow, `size` bytes at most; return how many."""
        room = min(size, self.window, self.windows.get(stream_id, self.initial))
        sent = 0
        while sent < room:
            part = min(FRAME_BYTES_MAX, room - sent)
            if not self.send(frame(DATA, 0, stream_id, bytes(part)), 5.0):
                break
            sent += part
        self.window -= sent
        self.windows[stream_id] = self.windows.get(stream_id, self.initial) - sent
        return sent

    def close(self) -> None:
        self.socket.close()


def repeat(address: str, budget: Budget, chunk: bytes, *, first: bytes = b"") -> Outcome:
    """Send a chunk of frames again and again; connect anew whenever the server hangs up.

    Nothing is read but the end: as whoever floods would do.
    """
    outcome = Outcome()
    closed = 0
    while budget.left():
        peer = Peer(address)
        peer.send(first)
        while budget.left() and not peer.closed:
            if not peer.send(chunk):
                break
            budget.spend(len(chunk))
            peer.pump()
        closed += peer.closed
        peer.close()
        outcome.answers["connections"] += 1
        time.sleep(0.01)
    outcome.answers["closed"] += closed
    return outcome
