"""Bodies of the REST port: what is bounded before anything parses them."""

import asyncio
import json
import socket

import httpx
import pytest
from builders import a_chat, a_request
from hypothesis import example, given
from hypothesis import strategies as st

from otel_threads.api.rest import body_limits
from otel_threads.api.rest.body_limits import BODIES_BYTES_MAX, BODY_BYTES_MAX, BodyLimits
from otel_threads.json_bounds import (
    DEPTH_MAX,
    VALUES_MAX,
    JsonNotUtf8,
    JsonTooLarge,
    check_json,
)


def _values(value: object) -> int:
    """Count what the scan counts: commas, colons and openings, as one who builds everything."""
    match value:
        case dict():
            inside = sum(1 + _values(one) for one in value.values())
            return 1 + inside + max(0, len(value) - 1)
        case list():
            return 1 + sum(map(_values, value)) + max(0, len(value) - 1)
        case _:
            return 0


_texts = st.text(alphabet='"\\,:[]{}a\u2200\n', max_size=8)
_json = st.recursive(
    st.none() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(_json, st.booleans())
@example({'"': ["\\", '\\"']}, True)
def test_the_scan_counts_what_a_parser_would_build(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    count = _values(value)

    check_json(text, values_max=max(count, text.count(b'"')))
    if count > text.count(b'"'):
        with pytest.raises(JsonTooLarge):
            check_json(text, values_max=count - 1)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 1_000_000,
        b"]" * 1_000_000,
        b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
        b"[" + b"[]," * VALUES_MAX + b"[]]",
        b"{" + b",".join(b'"%x":1' % n for n in range(VALUES_MAX)) + b"}",
        b'"' * 1_000_000,
    ],
)
def test_what_would_cost_too_much_is_refused(text):
    with pytest.raises(JsonTooLarge):
        check_json(text)


def test_the_depth_and_the_count_that_are_allowed_pass():
    check_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    check_json(b"[" + b",".join([b"1"] * VALUES_MAX) + b"]")


def test_utf_16_cannot_hide_a_text_from_the_scan():
    hidden = '["\u2200"' + ",[]" * 1_000_000 + "]"

    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        with pytest.raises(JsonNotUtf8):
            check_json(hidden.encode(encoding))


def _ask(application, chunks: list[bytes], *, ends: bool = True) -> int:
    """Send a body in chunks through the middleware; return the status."""
    sent: list[int] = []

    async def ask() -> None:
        waiting = list(chunks)

        async def receive():
            if not waiting:
                if ends:
                    return {"type": "http.disconnect"}
                await asyncio.Event().wait()
            chunk = waiting.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting) or not ends}

        async def send(message):
            if message["type"] == "http.response.start":
                sent.append(message["status"])

        await application(
            {"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send
        )

    asyncio.run(ask())
    return sent[0]


async def _echo(scope, receive, send):
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200 + (len(body) > 0), "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_a_body_that_grows_past_the_limit_is_refused_and_the_next_one_taken():
    limits = BodyLimits(_echo)

    assert _ask(limits, [b" " * (1 << 20)] * 17) == 413
    assert _ask(limits, [b"[]"]) == 201


def test_a_body_that_does_not_end_is_refused_after_its_time(monkeypatch):
    monkeypatch.setattr(body_limits, "BODY_READ_S", 0.05)

    assert _ask(BodyLimits(_echo), [b"[", b"1"], ends=False) == 408


def test_bodies_together_are_bounded_and_small_ones_are_never_refused():
    limits = BodyLimits(_echo)
    assert limits.hold(BODIES_BYTES_MAX)

    assert _ask(limits, [b" " * (1 << 20)]) == 503
    assert _ask(limits, [b"[1]"]) == 201
    limits.release(BODIES_BYTES_MAX)
    assert _ask(limits, [b" " * (1 << 20)]) == 201


def test_the_server_answers_413_and_closes_the_connection(server):
    host, _, port = server.addresses["http"].rpartition(":")
    body = b"[" * 100_000
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"PUT /api/v1/scores HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n" % len(body)
        )
        connection.sendall(body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk

    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"more than 50000 values in one JSON body" in received


def test_a_chunked_body_past_the_limit_is_refused(server):
    host, _, port = server.addresses["http"].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"PUT /api/v1/scores HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(BODY_BYTES_MAX // 0x100000 + 1):
                connection.sendall(chunk)
        except OSError:
            pass  # the server has closed it meanwhile
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


HALF, WHOLE = "half \ud83d", "half \ufffd"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/threads/close", {"thread_ids": [HALF]}),
        ("POST", "/threads/delete", {"thread_ids": [HALF]}),
        ("POST", "/traces/delete", {"trace_ids": [HALF]}),
        ("POST", "/issues/close", {"issue_ids": [HALF]}),
        ("PATCH", "/threads/tags", {"thread_ids": [HALF], "add": ["x"], "remove": [HALF]}),
        ("PUT", "/scores", {"scores": [{"thread_id": HALF, "name": HALF, "value": 1}]}),
        ("POST", "/scores/delete", {"thread_id": HALF, "name": "x", "author": HALF}),
        ("POST", "/comments", {"thread_id": HALF, "text": HALF}),
        ("POST", "/views", {"name": HALF, "columns": [HALF]}),
        ("POST", "/review-queues", {"name": HALF, "thread_ids": [HALF]}),
        ("POST", "/evaluation-datasets", {"name": HALF, "items": [{"messages": [{"role": HALF}]}]}),
        ("POST", "/prune", {"project": HALF, "before": "2001-01-01T00:00:00Z"}),
        ("POST", "/sql", {"sql": f"SELECT '{HALF}'"}),
    ],
)
def test_half_an_emoji_is_no_failure_of_the_server(server, method, path, body):
    answer = httpx.request(
        method,
        f"{server.api}{path}",
        content=json.dumps(body),
        headers={"content-type": "application/json"},
        timeout=60,
    )

    assert answer.status_code < 500, answer.text


def test_half_an_emoji_is_kept_as_what_is_received_is(server):
    server.post(a_request(a_chat(WHOLE, "hi", "hello")))
    server.wait_derived()
    answer = httpx.post(
        f"{server.api}/comments",
        content=json.dumps({"thread_id": HALF, "text": "\\ud83d, 🙂 and " + HALF}),
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 200, answer.text
    found = server.get("/comments", thread_id=WHOLE)["items"]
    assert "\\ud83d, 🙂 and " + WHOLE in [one["text"] for one in found]
