"""A client of HTTP/2 that sends what it is told to, frame by frame, right or wrong."""

import contextlib
import socket
import struct
from typing import NamedTuple

from hpack import Decoder, Encoder

from otel_threads.receive import frames

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Frame(NamedTuple):
    kind: int
    flags: int
    stream_id: int
    body: bytes


class Peer:
    """One connection; frames are read in order."""

    def __init__(self, address: str, settings: dict[int, int] | None = None) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self._encoder, self._decoder = Encoder(), Decoder()
        self._came = b""
        self.socket.sendall(frames.PREFACE + frames.settings(settings or {}))

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, kind: int, flags: int = 0, stream_id: int = 0, body: bytes = b"") -> None:
        self.socket.sendall(frames.frame(kind, flags, stream_id, body))

    def begin(self, stream_id: int, path: str = TRACES, *, ends: bool = False, **more: str) -> None:
        fields = {
            ":method": "POST", ":scheme": "http", ":path": path, ":authority": "x",
            "content-type": "application/grpc", "te": "trailers",
            **{name.replace("_", "-"): text for name, text in more.items()},
        }  # fmt: skip
        flags = frames.END_HEADERS | (frames.END_STREAM if ends else 0)
        self.send(frames.HEADERS, flags, stream_id, self._encoder.encode(list(fields.items())))

    def data(self, stream_id: int, data: bytes, *, ends: bool = True) -> None:
        parts = [data[at : at + 16384] for at in range(0, len(data), 16384)] or [b""]
        for n, part in enumerate(parts, 1):
            last = ends and n == len(parts)
            self.send(frames.DATA, frames.END_STREAM if last else 0, stream_id, part)

    def next(self) -> Frame | None:
        """Return the next frame; None when the server has closed the connection."""
        head = self._read(frames.HEAD_BYTES)
        if head is None:
            return None
        high, low, kind, flags, stream_id = frames.HEAD.unpack(head)
        return Frame(kind, flags, stream_id, self._read(high << 8 | low) or b"")

    def until(self, kind: int, stream_id: int = 0) -> Frame:
        """Return the next frame of a kind, of one stream."""
        while found := self.next():
            if (found.kind, found.stream_id) == (kind, stream_id):
                return found
        raise AssertionError(f"no frame of kind {kind} for stream {stream_id}")

    def answer(self, stream_id: int) -> tuple[dict[str, str], bytes]:
        """Return the headers and trailers of an answer as one, and its data."""
        fields: dict[str, str] = {}
        data = b""
        while found := self.next():
            if found.kind == frames.HEADERS:  # each must be decoded
                decoded = dict(self._decoder.decode(found.body))
                if found.stream_id == stream_id:
                    fields |= decoded
            elif (found.kind, found.stream_id) == (frames.DATA, stream_id):
                data += found.body
            if found.stream_id == stream_id and found.flags & frames.END_STREAM:
                return fields, data
        raise AssertionError(f"no answer to {stream_id}")

    def error(self) -> int:
        """Return the code with which the server ends the connection, which it then closes."""
        code = struct.unpack_from(">I", self.until(frames.GOAWAY).body, 4)[0]
        with contextlib.suppress(ConnectionError):
            while self.next():
                pass
        return code

    def _read(self, size: int) -> bytes | None:
        while len(self._came) < size:
            part = self.socket.recv(1 << 16)
            if not part:
                return None
            self._came += part
        found, self._came = self._came[:size], self._came[size:]
        return found


def message(payload: bytes, *, mark: int = 0) -> bytes:
    """Return a payload as gRPC sends it."""
    return struct.pack(">BI", mark, len(payload)) + payload
