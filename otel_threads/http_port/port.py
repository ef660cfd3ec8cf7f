"""A listening HTTP port: takes connections up to a limit, looks after them, and stops.

When the port is full, the connection that has kept it waiting longest makes room for a new one, so
that idle or trickling connections never keep others out. Only where all of them have a response
under way has a new one to wait in the kernel; a few more are taken that may ask for health.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import uvicorn

from otel_threads.http_port.connection import HttpConnection
from otel_threads.http_port.limits import (
    EVICT_AFTER_S,
    PROBE_CONNECTIONS_MAX,
    UNSENT_BYTES_MAX,
    HttpLimits,
    Reason,
)
from otel_threads.http_port.responses import probes_only, written_in_steps
from otel_threads.refusals import Refusals

NOT_TLS = (
    "requests without TLS: the sender needs https:// (this port has a tls_cert_file), a Collector "
    "of collector-config/ TLS_INSECURE=false"
)
SWEEP_S = 0.5
ACCEPTS_MAX = 64  # in one turn of the loop
NO_DESCRIPTOR_PAUSE_S = 0.1
FULL_PAUSE_S = 0.05
OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class HttpPort(uvicorn.Server):
    """uvicorn's server with an accept loop, limits and without its signal handlers."""

    def __init__(
        self,
        application: Any,
        *,
        listener: socket.socket,
        limits: HttpLimits,
        refusals: Refusals,
        tls: ssl.SSLContext | None,
        stop_grace_s: float,
    ) -> None:
        """Serve an ASGI application on a socket that listens."""
        self.limits = limits
        self.refusals = refusals
        self.listening = asyncio.Event()
        self._listener = listener
        self._tls = tls
        self._opening: OrderedDict[asyncio.Task[None], float] = OrderedDict()
        self._waiting: OrderedDict[HttpConnection, None] = OrderedDict()
        self._unsent_bytes = 0
        self._sweeping: asyncio.TimerHandle | None = None
        self._accepting: asyncio.TimerHandle | None = None
        self._probes = self._config(probes_only(application), stop_grace_s)
        super().__init__(self._config(written_in_steps(application, self), stop_grace_s))

    @staticmethod
    def _config(application: Any, stop_grace_s: float) -> uvicorn.Config:
        config = uvicorn.Config(
            application,
            http="httptools",
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=int(stop_grace_s),
        )
        config.load()
        return config

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        # uvicorn only ever calls `close` and `wait_closed` of them.
        self.servers = [self]  # type: ignore[list-item]
        # Connections inherit it: a client whose machine is gone is found out.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._listener.setblocking(False)
        self._resume_accepting()
        self._sweep()
        self.started = True
        self.listening.set()

    def close(self) -> None:
        """Accept nobody any more."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        if self._accepting is not None:
            self._accepting.cancel()
        self._listener.close()
        for handshake in list(self._opening):
            handshake.cancel()

    async def wait_closed(self) -> None:
        """Return at once: `shutdown` waits for the connections itself."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the responses under way, within the grace, and close what is left."""
        await super().shutdown(sockets)
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in list(self._connections()):
            connection.transport.abort()

    # What connections and responses call.

    def phase_changed(self, connection: HttpConnection) -> None:
        """Note that a connection begins to wait, or is waited for."""
        self._waiting.pop(connection, None)
        if connection.waits:
            self._waiting[connection] = None

    def connection_opened(self, opening: "asyncio.Task[None] | None") -> None:
        """Count a connection as itself, no more as one that is opened."""
        if opening is not None:
            self._opening.pop(opening, None)

    def connection_closed(self, connection: HttpConnection) -> None:
        """Forget a connection."""
        self._waiting.pop(connection, None)

    def count_quietly(self, reason: Reason) -> None:
        """Count what happens every day and needs nobody's attention."""
        self.refusals.add_quietly(reason)

    def hold(self, size_bytes: int) -> None:
        """Count bytes of a response that wait to be written; too many close the slowest reader."""
        self._unsent_bytes += size_bytes
        if self._unsent_bytes <= UNSENT_BYTES_MAX:
            return
        stalled = [one for one in self._connections() if one.stalled_since_s is not None]
        if stalled:
            min(stalled, key=lambda one: one.stalled_since_s or 0.0).abort(
                Reason.UNSENT_BYTES,
                f"responses of more than {UNSENT_BYTES_MAX} bytes were not read; "
                "the one that waited longest was dropped",
            )

    def release(self, size_bytes: int) -> None:
        """Count bytes that were written or dropped."""
        self._unsent_bytes -= size_bytes

    # Accepting.

    def _connections(self) -> set[HttpConnection]:
        return self.server_state.connections  # type: ignore[return-value]

    def _resume_accepting(self) -> None:
        self._accepting = None
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for accepted_count in range(ACCEPTS_MAX):
            if accepted_count and self._count() >= self.limits.connections_max:
                return  # whether one more waits, the loop knows: nobody makes room for nobody
            probes = not self._make_room()
            if probes and self._count() >= self.limits.connections_max + PROBE_CONNECTIONS_MAX:
                self._pause_accepting(FULL_PAUSE_S)
                return
            try:
                accepted, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in OUT_OF_DESCRIPTORS:
                    raise
                text = "no file descriptor is left for a new connection: raise `ulimit -n`"
                self.refusals.add(Reason.DESCRIPTORS, text)
                self._evict()
                self._pause_accepting(NO_DESCRIPTOR_PAUSE_S)
                return
            accepted.setblocking(False)
            loop = asyncio.get_running_loop()
            task = loop.create_task(self._open(accepted, probes=probes))
            self._opening[task] = loop.time()
            task.add_done_callback(self._opened)

    async def _open(self, accepted: socket.socket, *, probes: bool) -> None:
        task = asyncio.current_task()
        config = self._probes if probes else self.config
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: HttpConnection(
                    config, self.server_state, self, accepted=accepted, opening=task
                ),
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=self.limits.header_timeout_s if self._tls else None,
            )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is one
            if isinstance(error, ssl.SSLError) and error.reason == "HTTP_REQUEST":
                self.refusals.add(Reason.MALFORMED, NOT_TLS)
            else:  # of those who only look whether the port is open
                self.count_quietly(Reason.HANDSHAKE)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.pop(task, None)
        if not task.cancelled():
            task.result()

    def _count(self) -> int:
        return len(self._opening) + len(self._connections())

    def _pause_accepting(self, pause_s: float) -> None:
        """Leave new connections to the kernel for a moment; the socket stays readable."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        self._accepting = loop.call_later(pause_s, self._resume_accepting)

    def _make_room(self) -> bool:
        """Return whether one more connection may be taken for any request."""
        return self._count() < self.limits.connections_max or self._evict()

    def _evict(self) -> bool:
        """Close the connection that has kept the port waiting longest; False when none has."""
        oldest_s = asyncio.get_running_loop().time() - EVICT_AFTER_S
        opening = next(iter(self._opening), None)
        waiting = next(iter(self._waiting), None)
        if waiting is not None and waiting.phase_since_s < oldest_s:
            oldest_s = waiting.phase_since_s
        elif opening is None or self._opening[opening] > oldest_s:
            self.refusals.add(Reason.CONNECTIONS, f"{self._full()}; a new one has to wait")
            return False
        if opening is not None and self._opening[opening] < oldest_s:
            self._opening.pop(opening)
            opening.cancel()
        elif waiting is not None:
            self._waiting.pop(waiting)
            self._connections().discard(waiting)
            waiting.transport.abort()
        self.refusals.add(
            Reason.CONNECTIONS, f"{self._full()}; the one that sent nothing for longest made room"
        )
        return True

    def _full(self) -> str:
        limit = self.limits.connections_max
        return f"{limit} connections are open (http_connections_max, or fewer by `ulimit -n`)"

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for connection in list(self._connections()):
            connection.sweep(now_s)
        self._sweeping = loop.call_later(SWEEP_S, self._sweep)
