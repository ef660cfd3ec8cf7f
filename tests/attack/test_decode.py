"""OTLP that is small as sent and large as decoded, or slow to arrive, beside a good sender.

Each attack sends for a second or two; the kit holds the server to the bounds of tests/attack/kit.py.
"""

import functools
import gzip
import http.client
import socket
import time
from collections import Counter
from collections.abc import Callable

import pytest
import zstandard

from attack.kit import ATTACKS, Outcome, attack, check, names, run
from attack.target import Addresses

MIB = 1 << 20
SECONDS = 2.0
ANSWER_S = 8.0  # an attacker does not wait longer: the kit ends it soon after
PROTOBUF, JSON = "application/x-protobuf", "application/json"


def field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of protobuf."""
    length = bytearray()
    rest = len(content)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content


def a_span_of(content: bytes) -> bytes:
    return field(1, field(2, field(2, content)))


def ids(number: int) -> bytes:
    return field(1, number.to_bytes(16, "big")) + field(2, number.to_bytes(8, "big"))


def spans_of(count: int, content: bytes) -> bytes:
    return field(1, field(2, b"".join(field(2, ids(i + 1) + content) for i in range(count))))


def json_spans(spans: bytes) -> bytes:
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + spans + b"]}]}]}"


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": functools.partial(gzip.compress, compresslevel=1),
    "zstd": zstandard.compress,
}
GZIP_OF_NOTHING = gzip.compress(b"", mtime=0)

# What a request is: its path, its type, its encoding, and its content.
Content = Callable[[], bytes]
SMALL_AS_SENT: dict[str, tuple[str, Content]] = {
    "two-million-empty-spans": ("traces", lambda: field(1, field(2, b"\x12\x00" * 2_000_000))),
    "thirty-million-empty-spans": ("traces", lambda: field(1, field(2, b"\x12\x00" * 30_000_000))),
    "two-million-empty-resources": ("traces", lambda: b"\x0a\x00" * 2_000_000),
    "two-million-empty-scopes": ("traces", lambda: field(1, b"\x12\x00" * 2_000_000)),
    "four-million-empty-links": ("traces", lambda: a_span_of(b"\x6a\x00" * 4_000_000)),
    "four-million-empty-events": ("traces", lambda: a_span_of(b"\x5a\x00" * 4_000_000)),
    "eight-million-empty-values": (
        "traces",
        lambda: a_span_of(field(9, field(2, field(5, b"\x0a\x00" * 8_000_000)))),
    ),
    "many-arrays-of-a-hundred-thousand": (
        "traces",
        lambda: a_span_of(field(9, field(2, field(5, b"\x0a\x00" * 100_000))) * 100),
    ),
    "eight-million-empty-attributes": ("traces", lambda: a_span_of(b"\x4a\x00" * 8_000_000)),
    "eight-million-entity-references": (
        "traces",
        lambda: field(1, field(1, b"\x1a\x00" * 8_000_000)),
    ),
    "thirty-million-unknown-fields": ("traces", lambda: a_span_of(b"\x78\x00" * 30_000_000)),
    "fifteen-million-unknown-groups": (
        "traces",
        lambda: a_span_of(b"\xa3\x06\xa4\x06" * 15_000_000),
    ),
    "two-million-log-records": ("logs", lambda: field(1, field(2, b"\x12\x00" * 2_000_000))),
    "a-log-body-of-eight-million-values": (
        "logs",
        lambda: field(1, field(2, field(2, field(5, field(5, b"\x0a\x00" * 8_000_000))))),
    ),
    "log-bodies-that-protobuf-merges": (
        "logs",
        lambda: field(1, field(2, field(2, field(5, field(5, b"\x0a\x00" * 1000)) * 8000))),
    ),
}
# What is within the bounds is decoded and stored. It may take seconds, but of nobody else.
AT_THE_BOUNDS: dict[str, tuple[str, Content]] = {
    "ninety-nine-thousand-empty-spans": ("traces", lambda: spans_of(99_000, b"")),
    "spans-that-are-all-refused": ("traces", lambda: field(1, field(2, b"\x12\x00" * 99_000))),
    "ninety-nine-thousand-links": ("traces", lambda: spans_of(1, b"\x6a\x00" * 99_000)),
    "an-array-of-nine-hundred-thousand": (
        "traces",
        lambda: spans_of(1, field(9, field(2, field(5, b"\x0a\x00" * 900_000)))),
    ),
    "half-a-million-arrays": (
        "traces",
        lambda: spans_of(5000, field(9, field(2, field(5, b"\x0a\x02\x18\x05"))) * 90),
    ),
}
JSON_BODIES: dict[str, Content] = {
    "open-brackets": lambda: b"[" * (32 * MIB),
    "empty-objects": lambda: b'{"resourceSpans":[' + b"{}," * (10 * MIB) + b"{}]}",
    "ones": lambda: b"[" + b"1," * (16 * MIB) + b"1]",
    "empty-texts": lambda: b"[" + b'"",' * (10 * MIB) + b'""]',
    "nested-objects": lambda: b"[" + (b'{"a":' * 900 + b"1" + b"}" * 900 + b",") * 8000 + b"1]",
    "one-long-text": lambda: json_spans(
        b'{"attributes":[{"key":"a","value":{"stringValue":"' + b"x" * (30 * MIB) + b'"}}]}'
    ),
    "empty-resources-within-the-bound": lambda: b'{"resourceSpans":[' + b"{}," * 300_000 + b"{}]}",
}


@functools.cache
def _packed(content: Content, encoding: str) -> bytes:
    return PACKERS[encoding](content())


def post(addresses: Addresses, path: str, body: bytes, **headers: str) -> str:
    """Send one request; return its status, or what became of the connection."""
    host, _, port = addresses.otlp_http.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=ANSWER_S)
    try:
        connection.request("POST", path, body, {"content-type": PROTOBUF} | headers)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def _sends(signal: str, content: Content, encoding: str, content_type: str) -> Callable:
    def attacker(addresses, budget) -> Outcome:
        body = _packed(content, encoding)
        seen: Counter[str] = Counter()
        end = time.monotonic() + SECONDS  # packing took some of the budget
        while time.monotonic() < end and budget.bytes_left > 0:
            headers = {"content-type": content_type, "content-encoding": encoding}
            seen[post(addresses, f"/v1/{signal}", body, **headers)] += 1
            budget.spend(len(body))
        return Outcome(answers=seen)

    return attacker


def _register(name: str, attacker: Callable, **options: object) -> None:
    """Register an attack under a name of this module: its processes find it there."""
    attacker.__name__ = attacker.__qualname__ = name.replace("-", "_")
    attacker.__module__ = __name__
    globals()[attacker.__name__] = attacker
    attack("decode", seconds=SECONDS, **options)(attacker)


for _name, (_signal, _content) in SMALL_AS_SENT.items():
    _register(f"{_name}", _sends(_signal, _content, "gzip", PROTOBUF), processes=2)
for _name, (_signal, _content) in AT_THE_BOUNDS.items():
    _register(f"{_name}", _sends(_signal, _content, "gzip", PROTOBUF))
for _name, _content in JSON_BODIES.items():
    _register(f"json-{_name}", _sends("traces", _content, "gzip", JSON))
for _name, _content, _encoding in (
    ("gzip-bomb", lambda: bytes(512 * MIB), "gzip"),
    ("zstd-bomb", lambda: bytes(512 * MIB), "zstd"),
    ("millions-of-empty-zstd-frames", lambda: b"", "frames"),
    ("a-hundred-thousand-gzip-members", lambda: b"", "members"),
):
    PACKERS.setdefault("frames", lambda _: zstandard.compress(b"") * 1_000_000)
    PACKERS.setdefault("members", lambda _: GZIP_OF_NOTHING * 100_000)
    _sent_as = {"frames": "zstd", "members": "gzip"}.get(_encoding, _encoding)

    def _compressed(addresses, budget, content=_content, packer=_encoding, sent_as=_sent_as):
        body = _packed(content, packer)
        seen: Counter[str] = Counter()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and budget.bytes_left > 0:
            seen[post(addresses, "/v1/traces", body, **{"content-encoding": sent_as})] += 1
            budget.spend(len(body))
        return Outcome(answers=seen)

    _register(_name, _compressed, processes=4)


@attack("decode", seconds=SECONDS)
def small_requests_of_empty_spans(addresses, budget) -> Outcome:
    """Four kilobytes each, without compression: many are decoded as one group."""
    body = field(1, field(2, b"\x12\x00" * 2000))
    seen: Counter[str] = Counter()
    while budget.left():
        seen[post(addresses, "/v1/traces", body)] += 1
        budget.spend(len(body))
    return Outcome(answers=seen)


def _begun(addresses: Addresses, announced: int, sent: bytes) -> socket.socket:
    host, _, port = addresses.otlp_http.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    head = (
        f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\n"
        f"content-length: {announced}\r\n\r\n"
    )
    connection.sendall(head.encode() + sent)
    return connection


@attack("decode", seconds=4.0)
def bodies_that_are_announced_and_never_sent(addresses, budget) -> Outcome:
    """Sixteen times 64 MiB are announced, 20 bytes of each are sent."""
    open_ones = [_begun(addresses, 64 * MIB, bytes(20)) for _ in range(16)]
    while budget.left():
        time.sleep(0.1)
    for connection in open_ones:
        connection.close()
    return Outcome()


@attack("decode", seconds=4.0, growth_bytes_max=400 * MIB)
def bodies_that_stop_before_their_end(addresses, budget) -> Outcome:
    """Four times 40 MiB of 64 are sent, and then a byte a second."""
    seen: Counter[str] = Counter()
    open_ones = []
    for _ in range(4):
        try:
            open_ones.append(_begun(addresses, 64 * MIB, bytes(40 * MIB)))
            budget.spend(40 * MIB)
        except OSError as error:
            seen[type(error).__name__] += 1
    while budget.left():
        time.sleep(0.5)
        for connection in open_ones:
            try:
                connection.sendall(b"\x00")
            except OSError:
                seen["cut off"] += 1
    for connection in open_ones:
        connection.close()
    return Outcome(answers=seen)


@pytest.mark.parametrize("name", names("decode"))
def test_attack(target, name):
    check(run(target, ATTACKS[name]))
