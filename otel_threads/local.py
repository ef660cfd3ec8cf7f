"""How commands on this machine reach the data: a running server, else the file itself.

Either way they speak with `sdk.client.Client`: without a server, REST is answered in this process.
"""

import asyncio
import contextlib
import dataclasses
import os
import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from otel_threads.api.rest import app as rest
from otel_threads.api.rights import Rights
from otel_threads.core import config as settings
from otel_threads.core.changes import LoadedDemo
from otel_threads.core.config import Config, endpoint
from otel_threads.core.errors import DatabaseRefused, InvalidQuery
from otel_threads.database import backup as copies
from otel_threads.database.database import Database
from otel_threads.derive.deriver import derive_all
from otel_threads.engine import FileEngine, last_sequence
from otel_threads.handover import server_info
from otel_threads.sdk.client import Client
from otel_threads.sdk.result import SqlResult
from otel_threads.services.services import Services
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans import sharing
from otel_threads.vendors.rules import rules

Progress = Callable[[int, int], None]
RESTART_S = 15.0  # a supervisor starts a server anew within ten
RESTART_PAUSE_S = 0.1
BLOCKS_MAX = 16  # of an answer, between the application and its reader


def find_server(config: Config) -> str | None:
    """Return the REST address of the server that has the database open; None when none answers.

    The server info file beside the database says where. One that was killed answers nothing; where
    its supervisor is about to start it again, this waits: whoever opened the file in between would
    keep it from starting.
    """
    until = time.monotonic() + RESTART_S
    while True:
        info = server_info(config.database)
        address = _answering(config, info)
        if address or not _is_supervised(info) or time.monotonic() >= until:
            return address
        time.sleep(RESTART_PAUSE_S)


def _answering(config: Config, info: Mapping[str, Any]) -> str | None:
    if "http" in info:
        address = str(info["http"])
    elif Path(config.database).exists():
        return None
    else:
        # Somebody else's database behind the configured port is better than no answer.
        host, port = endpoint(config.http_endpoint, setting="http_endpoint")
        address = f"{host}:{port}"
    try:
        answer = httpx.get(
            f"{_scheme(config)}://{address}/healthz", timeout=2.0, verify=verify(config)
        )
    except httpx.HTTPError:
        return None
    return address if answer.status_code == 200 else None


def _is_supervised(info: Mapping[str, Any]) -> bool:
    """Return whether the supervisor of a server that does not answer is there."""
    try:
        os.kill(int(info["supervisor_pid"]), 0)
    except (KeyError, ValueError, TypeError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True  # somebody else's process
    return True


@contextmanager
def client(config: Config, *, writes: bool = False, token: str | None = None) -> Iterator[Client]:
    """Yield a client of the running server, else of the file, which is open meanwhile.

    Raises:
        DatabaseRefused: there is no server and no file, or the file cannot be used.
    """
    address = find_server(config)
    if address:
        with Client(
            f"{_scheme(config)}://{address}",
            token=token or config.write_token or config.read_token,
            verify=verify(config),
        ) as found:
            yield found
        return
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


class Connection:
    """Read-only SQL on a database, whether a server has it open or not."""

    def __init__(self, config: Config, token: str | None) -> None:
        # On a file of one's own nobody else is slowed: questions may be as large as they like.
        alone = dataclasses.replace(config, query_timeout_s=86_400.0, sql_rows_max=1 << 40)
        self._stack = ExitStack()
        self._client = self._stack.enter_context(client(alone, token=token))

    def sql(self, query: str, params: Any = None) -> SqlResult:
        """Run one SELECT: `connect(path).sql("from threads").df()`. See `Client.sql`."""
        found: SqlResult = self._client.sql(query, params)
        return found

    def close(self) -> None:
        """Let go of the file, or of the connections to the server."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(database: str | None = None, *, token: str | None = None) -> Connection:
    """Return read-only SQL on a database: through its server while one runs, else on the file.

    While a file is open here, no server can start on it: close it soon. `database` is the path of
    the file, else the setting. `token` is the server's read_token where it has one.

    Raises:
        DatabaseRefused: there is neither a server nor a file, or the file cannot be used.
    """
    overrides = {} if database is None else {"database": str(database)}
    return Connection(settings.load(overrides=overrides).config, token)


def _scheme(config: Config) -> str:
    return "https" if config.tls_cert_file else "http"


def verify(config: Config) -> Any:
    """Return what httpx takes as `verify` for this configuration's own server."""
    if not config.tls_cert_file:
        return True
    context = ssl.create_default_context(cafile=config.tls_cert_file)
    context.check_hostname = False  # the note says 127.0.0.1, the certificate some name
    return context


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
