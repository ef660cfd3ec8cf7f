"""One gRPC call as its method sees it: messages out of its bytes, and the answer.

Source: gRPC over HTTP/2 (PROTOCOL-HTTP2): length-prefixed messages, grpc-status, grpc-message.
"""

import base64
import logging
import struct
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Protocol

import grpc
from google.rpc.status_pb2 import Status

from otel_threads.errors import InvalidPayload, TooLarge, Unavailable, describe
from otel_threads.receive import frames, status

logger = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 1024 * 1024  # of one call, that its client has not taken yet
PREFIX = struct.Struct(">BI")  # before each message: whether it is compressed, and its length
HEADERS = b"\x88" + frames.header_block((b"content-type", b"application/grpc"))  # 88: status 200
OK = frames.header_block((b"grpc-status", b"0"))
UNIMPLEMENTED = frames.header_block((b"grpc-status", b"12"))
NOT_GRPC = b"This port takes OTLP over gRPC: POST with content-type application/grpc.\n"
SMALL_BYTES, PART_BYTES_MAX = 1024, 16 * 1024
TEXT_LENGTH_MAX = 1000  # clients refuse long headers
PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class Method(Protocol):
    """What answers the calls of one path. Whatever it raises becomes their answer."""

    is_endless: bool  # its calls may stay open for ever; a server that stops ends them at once
    message_bytes_max: int

    def begin(self, call: "Call") -> None:
        """Look at a call whose headers have come."""

    def expect(self, call: "Call", size_bytes: int) -> None:
        """Make room for a message of that many bytes as sent, which has begun to come."""

    def take(self, call: "Call", message: bytes, encoding: str) -> None:
        """Take a message that is whole, still in its encoding."""

    def end(self, call: "Call") -> None:
        """Take it that there are no more messages."""

    def over(self, call: "Call", code: grpc.StatusCode | None) -> None:
        """Let go of a call that was answered with a code; None if its sender has gone."""


class Wire(Protocol):
    """Where a call's answer goes."""

    def send(self, call: "Call") -> None:
        """Send what the client's window allows of `outbox`, and `trailers` after the last of it."""


class Call:
    """One call."""

    __slots__ = (
        "_encoding", "_length", "_parts", "_size_bytes", "_wire", "began_s", "body_bytes",
        "encoding", "has_ended", "has_headers", "headers", "held_bytes", "is_over", "message",
        "message_count", "metadata", "method", "outbox", "stream_id", "trailers", "window_out",
    )  # fmt: skip

    def __init__(
        self,
        wire: Wire,
        stream_id: int,
        method: Method,
        metadata: Mapping[str, str],
        began_s: float,
    ) -> None:
        """Begin with nothing come but the headers, whose names are in lower case."""
        self.stream_id = stream_id
        self.method = method
        self.metadata = metadata
        self.began_s = began_s  # in the event loop's time
        self.message_count = 0  # whole ones that have come
        self.has_ended = False  # the sender's side
        self.is_over = False  # answered, or the sender is gone
        # The method's own.
        self.message, self.encoding = b"", ""
        self.held_bytes = 0
        # The wire's.
        self.headers = HEADERS  # of the answer, a block
        self.has_headers = False  # sent
        self.outbox = b""
        self.trailers = b""  # a header block, once the answer is whole
        self.window_out = 0  # bytes that the client takes
        self.body_bytes = 0  # that came

        self._wire = wire
        self._parts: list[bytes] = []  # of the message that is coming, without its prefix
        self._size_bytes = 0  # of them
        self._length: int | None = None  # what it will be; None before its prefix is there
        self._encoding = ""

    def feed(self, data: bytes) -> None:
        """Take the next bytes; hand each message that is whole to the method.

        Raises:
            TooLarge: the message would be larger than the method takes.
            InvalidPayload: the bytes are not what gRPC prescribes; and what the method raises.
        """
        if self._parts and len(data) < SMALL_BYTES and len(self._parts[-1]) < PART_BYTES_MAX:
            self._parts[-1] += data  # else a message in tiny frames takes many times its size
        else:
            self._parts.append(data)
        self._size_bytes += len(data)
        while not self.is_over and (self._length is not None or self._read_prefix()):
            length = self._length or 0
            if self._size_bytes < length:
                return
            whole = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            message, rest = (whole, b"") if len(whole) == length else _cut(whole, length)
            self._parts, self._size_bytes, self._length = [rest], len(rest), None
            self.message_count += 1
            self.method.take(self, message, self._encoding)

    def end(self) -> None:
        """Take it that no more bytes come.

        Raises:
            InvalidPayload: a message is not whole; and what the method raises.
        """
        self.has_ended = True
        if self.is_over:
            return
        if self.is_within_message:
            wanted = PREFIX.size if self._length is None else self._length
            raise InvalidPayload(f"the call ends after {self._size_bytes} bytes of {wanted}")
        self.method.end(self)

    @property
    def is_within_message(self) -> bool:
        """Whether a message has begun to come and is not whole."""
        return self._length is not None or self._size_bytes > 0

    def attempt(self, act: Callable[..., None], *given: object) -> None:
        """Do something for the call; whatever it raises becomes the answer."""
        try:
            act(*given)
        except Exception as error:  # noqa: BLE001  # every failure becomes an answer
            if not isinstance(error, InvalidPayload | Unavailable):
                logger.error("a call failed: %s", describe(error))
            self.fail(error)

    def answer(self, message: bytes) -> None:
        """Send the only message of an answer, and OK."""
        if not self.is_over:
            self.outbox = PREFIX.pack(0, len(message)) + message
            self.finish()

    def send(self, message: bytes) -> None:
        """Send one message of an answer; others may follow."""
        if self.is_over:
            return
        self.outbox += PREFIX.pack(0, len(message)) + message
        self._wire.send(self)
        if len(self.outbox) > ANSWER_BYTES_MAX:
            self.fail(TooLarge(f"over {ANSWER_BYTES_MAX} bytes of answers wait to be taken"))

    def finish(self) -> None:
        """Say OK after what was sent."""
        self._conclude(grpc.StatusCode.OK, OK)

    def fail(self, error: Exception) -> None:
        """Answer with the status of an error, and with RetryInfo where sending again helps."""
        code, _ = status.answer(error)
        # A Go Collector drops its data on RESOURCE_EXHAUSTED unless details say otherwise.
        details = None if isinstance(error, TooLarge) else status.rpc_status(error)
        self.refuse(code, status.text(error), details)

    def refuse(self, code: grpc.StatusCode, message: str, details: Status | None = None) -> None:
        """Answer with a code that is not OK and a text, after whatever was sent."""
        if self.is_over:
            return
        text = urllib.parse.quote(
            message[:TEXT_LENGTH_MAX], safe=PRINTABLE, errors="replace"
        ).encode()
        fields = [(b"grpc-status", b"%d" % code.value[0]), (b"grpc-message", text)]
        if details is not None:
            details.message = details.message[:TEXT_LENGTH_MAX]
            encoded = base64.b64encode(details.SerializeToString()).rstrip(b"=")
            fields.append((b"grpc-status-details-bin", encoded))
        self.outbox = b""
        self._conclude(code, frames.header_block(*fields))

    def drop(self) -> None:
        """Take it that the sender is gone."""
        if not self.is_over:
            self.is_over = True
            self.method.over(self, None)

    def _conclude(self, code: grpc.StatusCode, trailers: bytes) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.trailers = trailers
        self._parts = []
        self._wire.send(self)
        self.method.over(self, code)

    def _read_prefix(self) -> bool:
        if self._size_bytes < PREFIX.size:
            return False
        if len(self._parts[0]) < PREFIX.size:
            self._parts = [b"".join(self._parts)]
        mark, length = PREFIX.unpack_from(self._parts[0])
        encoding = self.metadata.get("grpc-encoding", "identity") if mark else "identity"
        if mark > 1 or (mark and encoding == "identity"):
            raise InvalidPayload(f"a message is marked {mark} and grpc-encoding is {encoding}")
        if length > self.method.message_bytes_max:
            raise TooLarge(f"a message of {length} bytes, {self.method.message_bytes_max} allowed")
        self.method.expect(self, length)
        self._parts[0] = self._parts[0][PREFIX.size :]
        self._size_bytes -= PREFIX.size
        self._length, self._encoding = length, encoding
        return True


def _cut(whole: bytes, length: int) -> tuple[bytes, bytes]:
    return whole[:length], whole[length:]


class PlainCall(Call):
    """What is HTTP/2 and not gRPC: it is told so when it has ended."""

    __slots__ = ()

    def feed(self, data: bytes) -> None:
        """Drop the bytes."""

    def end(self) -> None:
        """Answer in HTTP: 405 if the method is not POST, else 415."""
        self.has_ended = True
        code = b"415" if self.metadata[":method"] == "POST" else b"405"
        self.headers = frames.header_block((b":status", code), (b"content-type", b"text/plain"))
        self.outbox = NOT_GRPC
        self._conclude(grpc.StatusCode.UNIMPLEMENTED, UNIMPLEMENTED)
