"""What commands do with a file that no server has open: REST in this process, and upkeep."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from otel_threads.api.rest import app as rest
from otel_threads.api.rights import Rights
from otel_threads.core.changes import LoadedDemo
from otel_threads.core.config import Config
from otel_threads.core.errors import DatabaseRefused, InvalidQuery
from otel_threads.database import backup as copies
from otel_threads.database.database import Database
from otel_threads.derive.deriver import derive_all
from otel_threads.engine import FileEngine, last_sequence
from otel_threads.sdk.client import Client
from otel_threads.services.services import Services
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans import sharing
from otel_threads.vendors.rules import rules

Progress = Callable[[int, int], None]
BLOCKS_MAX = 16  # of an answer, between the application and its reader


@contextlib.contextmanager
def client(config: Config, *, writes: bool = False) -> Iterator[Client]:
    """Yield a client of the file, which is open meanwhile.

    Raises:
        DatabaseRefused: there is no file, or it cannot be used.
    """
    engine = FileEngine(config, writes=writes)
    try:
        with in_process(engine.services) as found:
            yield found
    finally:
        engine.close()


def in_process(services: Services) -> Client:
    """Return a client of an engine in this process: REST without a port. Close it."""
    application = rest.app(
        services,
        ready=lambda: None,
        rebuild=lambda: 0,
        load_samples=_no_samples,
        refresh_metrics=lambda: None,
        rights=Rights(),
    )
    return Client("http://file", transport=_InProcess(application))


def _no_samples() -> LoadedDemo:
    raise InvalidQuery("the demo conversations are stored by a running server")


class _InProcess(httpx.BaseTransport):
    """Carries requests to an ASGI application in this process; answers stream."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        blocks: queue.Queue[dict[str, Any] | None] = queue.Queue()
        room = asyncio.Semaphore(BLOCKS_MAX)
        asyncio.run_coroutine_threadsafe(self._answer(request, blocks, room), self._loop)
        start = blocks.get()
        if start is None:
            raise httpx.RemoteProtocolError("the application failed", request=request)

        def body() -> Iterator[bytes]:
            while (block := blocks.get()) is not None:
                self._loop.call_soon_threadsafe(room.release)
                yield block["body"]

        return httpx.Response(
            start["status"], headers=start["headers"], stream=_Stream(body()), request=request
        )

    async def _answer(
        self,
        request: httpx.Request,
        blocks: "queue.Queue[dict[str, Any] | None]",
        room: asyncio.Semaphore,
    ) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 0),
            "server": ("file", 80),
        }
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if sent:  # the caller stays until the answer is there
                await asyncio.get_running_loop().create_future()
            sent = True
            return {"type": "http.request", "body": request.read(), "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                blocks.put(message)
            elif message.get("body"):
                await room.acquire()
                blocks.put(message)

        try:
            await self._application(scope, receive, send)
        finally:
            blocks.put(None)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class _Stream(httpx.SyncByteStream):
    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks


def compact_file(config: Config, on_progress: Progress) -> tuple[int, int]:
    """Rewrite a file without the room of deleted rows; return its bytes before and after.

    Raises:
        DatabaseRefused: there is no such file, or somebody has it open.
    """
    return copies.compact(Path(config.database), on_progress)


def share_histories(config: Config, on_progress: Progress) -> None:
    """Store once what long values of a file have in common, those of earlier versions too.

    Raises:
        DatabaseRefused: there is no such file, or somebody has it open.
    """
    if not Path(config.database).exists():
        raise DatabaseRefused(f"there is no file {config.database}")
    with contextlib.closing(
        Database(config.database, memory_limit_bytes=config.memory_limit_bytes)
    ) as database:
        sharing.share(database, on_progress)


def rebuild_file(config: Config, on_progress: Progress) -> None:
    """Derive everything again in a file that no server holds.

    Interrupted, it leaves a file that the next server or the next rebuild goes on with.

    Raises:
        DatabaseRefused: there is no such file, or somebody else has it open.
    """
    if not Path(config.database).exists():
        raise DatabaseRefused(f"there is no file {config.database}")
    database = Database(config.database, memory_limit_bytes=config.memory_limit_bytes)
    try:
        store = DuckDBDerivedStore(database, rules(config.thread_metadata_keys))
        total = last_sequence(database)
        store.reset()
        derive_all(
            store,
            total,
            thread_id_attributes=config.thread_id_attributes,
            on_progress=lambda work: on_progress(work.upto, total),
        )
    finally:
        database.close()
