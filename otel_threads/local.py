"""How commands on this machine reach the data: a running server by REST, else the file itself.

Both have the same methods and give the same JSON.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from otel_threads.api import schemas
from otel_threads.config import Config, endpoint
from otel_threads.derive.deriver import derive_all
from otel_threads.errors import (
    DatabaseRefused,
    InvalidQuery,
    NotFound,
    OtelThreadsError,
    Unavailable,
)
from otel_threads.store.database import Database
from otel_threads.store.derived import DuckDBDerivedStore
from otel_threads.store.reader import Reader
from otel_threads.store.writer import LAST_SEQUENCE_SQL
from otel_threads.threads.service import ThreadService

TIMEOUT_S = 30.0
POLL_S = 0.1
Row = dict[str, Any]
Progress = Callable[[int, int], None]


def find_server(config: Config) -> str | None:
    """Return the REST address of the server that has the database open; None when none answers.

    The server leaves a note beside the file; one of a server that was killed answers nothing.
    """
    note = Path(f"{config.database}.server.json")
    addresses = []
    try:
        addresses.append(json.loads(note.read_text(encoding="utf-8"))["http"])
    except (OSError, ValueError, KeyError, TypeError):
        if not Path(config.database).exists():
            # Somebody else's database behind the configured port is better than no answer.
            host, port = endpoint(config.http_endpoint, setting="http_endpoint")
            addresses.append(f"{host}:{port}")
    for address in addresses:
        try:
            answer = httpx.get(
                f"{_scheme(config)}://{address}/healthz", timeout=2.0, verify=_verify(config)
            )
            if answer.status_code == 200:
                return str(address)
        except httpx.HTTPError:
            continue
    return None


def _scheme(config: Config) -> str:
    return "https" if config.tls_cert_file else "http"


def _verify(config: Config) -> Any:
    import ssl

    if not config.tls_cert_file:
        return True
    context = ssl.create_default_context(cafile=config.tls_cert_file)
    context.check_hostname = False  # the note says 127.0.0.1, the certificate some name
    return context


class LocalServer:
    """The verbs of a running server."""

    def __init__(self, address: str, config: Config) -> None:
        token = config.write_token or config.read_token
        self._http = httpx.Client(
            base_url=f"{_scheme(config)}://{address}/api/v1",
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=TIMEOUT_S,
            verify=_verify(config),
        )

    def threads(self, **selection: Any) -> Row:
        """Return a page of threads."""
        return self._get("/threads", **selection)

    def thread(self, thread_id: str, *, project: str | None) -> Row:
        """Return one thread."""
        return self._get("/threads/get", thread_id=thread_id, project=project)

    def all_turns(self, thread_id: str, *, project: str | None) -> list[Row]:
        """Return all turns of a thread."""
        turns: list[Row] = []
        cursor = None
        while True:
            page = self._get(
                "/threads/turns", thread_id=thread_id, project=project, limit=1000, cursor=cursor
            )
            turns += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return turns

    def traces(self, **selection: Any) -> Row:
        """Return a page of traces."""
        return self._get("/traces", **selection)

    def trace(self, trace_id: str) -> Row:
        """Return one trace with its spans and turns."""
        return self._get(f"/traces/{trace_id}")

    def status(self) -> Row:
        """Return how far the server is."""
        return self._get("/status")

    def instrumentations(self) -> list[Row]:
        """Return which instrumentations were seen."""
        items: list[Row] = self._get("/instrumentations")["items"]
        return items

    def rebuild(self, on_progress: Progress) -> None:
        """Derive everything again, and return when it is done."""
        total = self._answer(self._http.post("/rebuild"))["committed_sequence"]
        while (done := self.status()["derived_sequence"]) < total:
            on_progress(done, total)
            time.sleep(POLL_S)
        on_progress(total, total)

    def _get(self, path: str, **query: Any) -> Row:
        given = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in query.items()
            if value is not None
        }
        try:
            return self._answer(self._http.get(path, params=given))
        except httpx.HTTPError as error:
            raise Unavailable(f"the server does not answer: {error}") from None

    def _answer(self, answer: httpx.Response) -> Row:
        if answer.is_success:
            found: Row = answer.json()
            return found
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"HTTP {answer.status_code}"
        kinds: dict[int, type[OtelThreadsError]] = {400: InvalidQuery, 404: NotFound}
        raise kinds.get(answer.status_code, Unavailable)(detail)


class Local:
    """The same verbs on a file that no server holds, opened read-only."""

    def __init__(self, config: Config) -> None:
        if not Path(config.database).exists():
            raise DatabaseRefused(
                f"no server answers and there is no file {config.database}. "
                "Start `otel-threads serve`, or name a file with --database."
            )
        self._database = Database(
            config.database, memory_limit_bytes=config.memory_limit_bytes, read_only=True
        )
        store = DuckDBDerivedStore(self._database)
        self._service = ThreadService(
            Reader(self._database, timeout_s=config.query_timeout_s),
            default_project=config.default_project,
            progress=lambda: {
                "committed_sequence": last_sequence(self._database),
                "derived_sequence": store.position(),
                "derive_lag_ms": 0.0,
                "database_bytes": self._database.size_bytes(),
            },
        )

    def threads(self, **selection: Any) -> Row:
        """Return a page of threads."""
        return schemas.Threads.model_validate(self._service.threads(**selection)).model_dump(
            mode="json"
        )

    def thread(self, thread_id: str, *, project: str | None) -> Row:
        """Return one thread."""
        found = self._service.thread(thread_id, project=project)
        return schemas.Thread.model_validate(found).model_dump(mode="json")

    def all_turns(self, thread_id: str, *, project: str | None) -> list[Row]:
        """Return all turns of a thread."""
        turns: list[Row] = []
        cursor = None
        while True:
            page = self._service.turns(thread_id, project=project, limit=1000, cursor=cursor)
            turns += schemas.Turns.model_validate(page).model_dump(mode="json")["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return turns

    def traces(self, **selection: Any) -> Row:
        """Return a page of traces."""
        return schemas.Traces.model_validate(self._service.traces(**selection)).model_dump(
            mode="json"
        )

    def trace(self, trace_id: str) -> Row:
        """Return one trace with its spans and turns."""
        return schemas.TraceDetail.model_validate(self._service.trace(trace_id)).model_dump(
            mode="json"
        )

    def status(self) -> Row:
        """Return what the file holds."""
        return schemas.Status.model_validate(self._service.status()).model_dump(mode="json")

    def instrumentations(self) -> list[Row]:
        """Return which instrumentations were seen."""
        return self._service.instrumentations()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def last_sequence(database: Database) -> int:
    """Return the number of the last commit in a file."""
    with database.cursor() as cursor:
        row = cursor.execute(LAST_SEQUENCE_SQL).fetchone()
    return int(row[0]) if row else 0


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
        store = DuckDBDerivedStore(database)
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
