"""The port that takes OTLP over gRPC: its connections, from the first to the stop."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Mapping

from otel_threads.receive.calls import Method
from otel_threads.receive.http2 import Connection

SWEEP_S = 5.0  # how often slow senders are looked for
LINGER_S = 1.0  # for clients to read the last that was written


class GrpcPort:
    """A listening port and the connections that came of it."""

    def __init__(self, methods: Mapping[str, Method]) -> None:
        """Serve methods by their path; `open` begins to listen."""
        self._methods = methods
        self._connections: set[Connection] = set()
        self._server: asyncio.Server
        self._sweeping: asyncio.TimerHandle

    async def open(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Take connections of a socket that listens; with TLS if there is a context."""
        loop = asyncio.get_running_loop()
        # Connections inherit it: a client whose machine is gone is found out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        make = functools.partial(Connection, self._methods, self._connections)
        self._server = await loop.create_server(make, sock=listener, ssl=tls)
        self._sweep()

    async def close(self, grace_s: float) -> None:
        """Take no more calls, wait so long for those under way, and hang up."""
        self._sweeping.cancel()
        self._server.close()
        connections = list(self._connections)
        if connections:
            await asyncio.wait([one.go_away() for one in connections], timeout=grace_s)
            for one in connections:
                one.close()
            await asyncio.wait([one.gone for one in connections], timeout=LINGER_S)
            for one in connections:
                one.abort()

    def _sweep(self) -> None:
        for connection in list(self._connections):
            connection.sweep()
        self._sweeping = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)


def tls_context(
    cert_file: str | None, key_file: str | None, client_ca_file: str | None
) -> ssl.SSLContext | None:
    """Return a context for HTTP/2, mutual if clients' authority is given; None without a key."""
    if not cert_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca_file)
    context.load_cert_chain(cert_file, key_file)
    context.set_alpn_protocols(["h2"])
    if client_ca_file:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
