"""Writes responses in steps, so that what a peer does not read stays one body, not many buffers."""

from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_threads.http_port.limits import WRITE_BYTES

# Probes and what Prometheus collects: they show counts and no content.
PROBE_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
BUSY = b"refused: every connection of this port has a request under way (http_connections_max)\n"


class Holder(Protocol):
    """Counts bytes of responses that are not written yet."""

    def hold(self, size_bytes: int) -> None:
        """Count more."""

    def release(self, size_bytes: int) -> None:
        """Count less."""


def written_in_steps(app: ASGIApp, holder: Holder) -> ASGIApp:
    """Return the application with each body written in steps of 64 KiB.

    uvicorn waits for the peer between two messages, never within one.
    """

    async def stepped(scope: Scope, receive: Receive, send: Send) -> None:
        async def write(message: Message) -> None:
            body = message.get("body", b"")
            if len(body) <= WRITE_BYTES:
                await send(message)
                return
            holder.hold(len(body))
            left = len(body)
            view = memoryview(body)
            try:
                for start in range(0, len(body), WRITE_BYTES):
                    step = bytes(view[start : start + WRITE_BYTES])
                    more = message.get("more_body", False) or start + WRITE_BYTES < len(body)
                    await send({"type": message["type"], "body": step, "more_body": more})
                    holder.release(len(step))
                    left -= len(step)
            finally:
                holder.release(left)

        await app(scope, receive, write)

    return stepped


def probes_only(app: ASGIApp) -> ASGIApp:
    """Return the application for a connection past the limit: health, else 503 and the end."""

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        async def last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        if scope["path"] in PROBE_PATHS:
            await app(scope, receive, last)
            return
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(BUSY)),
            (b"retry-after", b"1"),
        ]
        await last({"type": "http.response.start", "status": 503, "headers": headers})
        await last({"type": "http.response.body", "body": BUSY})

    return busy
