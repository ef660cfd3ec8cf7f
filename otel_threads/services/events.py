"""Who wants to hear of changed threads and views: fed by the deriver and by annotations.

A client that does not keep up is dropped with a reason; it may list and connect again.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

from otel_threads.core.errors import Overloaded
from otel_threads.core.ports import ThreadKey

CLIENTS_MAX = 100
PENDING_MAX = 10_000  # distinct threads and views that a client has not read yet
BATCH_MAX = 100


class Dropped(Exception):
    """The client was too slow."""


class Change(NamedTuple):
    """A thread, or a saved view, that changed or went."""

    project: str
    thread_id: str | None = None
    view: str | None = None  # its name


class _Client:
    def __init__(self, project: str | None) -> None:
        self.project = project
        self.pending: dict[Change, None] = {}  # ordered; changes during the wait are one change
        self.dropped = False
        self.loop = asyncio.get_running_loop()
        self.awake = asyncio.Event()


class Hub:
    """Passes changes on from the deriver's thread to the clients' loops."""

    def __init__(self) -> None:
        self._clients: set[_Client] = set()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def has_clients(self) -> bool:
        """Whether anybody listens: else nothing needs to be looked up for `publish`."""
        return bool(self._clients)

    def publish(self, keys: Iterable[ThreadKey]) -> None:
        """Tell every client of changed threads. Never blocks."""
        self._publish([Change(project, thread_id) for project, thread_id in keys])

    def publish_view(self, project: str, name: str) -> None:
        """Tell every client of a saved view that changed or went. Never blocks."""
        self._publish([Change(project, view=name)])

    def _publish(self, changes: Iterable[Change]) -> None:
        changes = list(changes)
        with self._lock:
            for client in self._clients:
                for change in changes:
                    if client.project is None or change.project == client.project:
                        client.pending[change] = None
                if len(client.pending) > PENDING_MAX:
                    client.dropped = True
                    client.pending.clear()
                with contextlib.suppress(RuntimeError):  # its loop is closed
                    client.loop.call_soon_threadsafe(client.awake.set)

    def check_room(self) -> None:
        """Return when one more client can be served.

        Raises:
            Overloaded: as many clients listen as the server will serve.
        """
        with self._lock:
            if len(self._clients) >= CLIENTS_MAX:
                raise Overloaded(f"{CLIENTS_MAX} clients listen already")

    def close(self) -> None:
        """End every client's stream."""
        with self._lock:
            self._closed = True
            for client in self._clients:
                with contextlib.suppress(RuntimeError):
                    client.loop.call_soon_threadsafe(client.awake.set)

    async def changes(
        self, project: str | None, *, heartbeat_s: float
    ) -> AsyncIterator[list[Change]]:
        """Yield batches of changes, an empty one when nothing changed for a while.

        Raises:
            Overloaded: as many clients listen as the server will serve.
            Dropped: the client did not take its batches in time.
        """
        client = _Client(project)
        with self._lock:
            if len(self._clients) >= CLIENTS_MAX:
                raise Overloaded(f"{CLIENTS_MAX} clients listen already")
            self._clients.add(client)
        try:
            while not self._closed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(client.awake.wait(), heartbeat_s)
                with self._lock:
                    client.awake.clear()
                    if client.dropped:
                        raise Dropped(f"more than {PENDING_MAX} changes were not read in time")
                    batch = list(client.pending)[:BATCH_MAX]
                    for change in batch:
                        del client.pending[change]
                    if client.pending:
                        client.awake.set()
                if not self._closed:
                    yield batch
        finally:
            with self._lock:
                self._clients.discard(client)
