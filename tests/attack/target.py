"""The server under attack: a process of its own on free ports, with what it takes of memory."""

import json
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from builders import a_chat, a_request
from conftest import Server

MIB = 1 << 20
SEED_THREADS = 2000  # so that lists, searches and exports have something to go through
WORDS = "what a person asks of a model, "
# What the attacks assume; everything else is the default.
SETTINGS = {
    "query_timeout_s": 10,
    # Short enough to be seen within an attack of four seconds.
    "http_header_timeout_s": 1.5,
    "http_body_timeout_s": 2,
    "http_write_timeout_s": 2,
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the four ports listen, as `host:port`; what an attacker and the bystander get."""

    otlp_grpc: str
    otlp_http: str
    http: str
    grpc: str


class Target:
    """A running server. `addresses` change with every start."""

    def __init__(self, folder: Path, **settings: object) -> None:
        """`settings` are those of docs/configuration.md, in addition to SETTINGS."""
        folder.mkdir(exist_ok=True, parents=True)
        # Of an interpreter of its own: its memory is measured.
        self._server = Server(folder, is_fresh=True, **(SETTINGS | settings))
        self.addresses = self._start()

    def _start(self) -> Addresses:
        self._server.start()
        addresses = Addresses(**{n: self._server.addresses[n] for n in Addresses.__slots__})
        for first in range(0, SEED_THREADS, 250):
            chats = [a_chat(f"seed-{n}", WORDS * 20, WORDS) for n in range(first, first + 250)]
            assert self._server.post(a_request(*chats)).status_code == 200
        self._server.wait_derived()
        return addresses

    @property
    def database(self) -> Path:
        return self._server.database

    def pid(self) -> int | None:
        """Return the serving process, which may be a child of the started one; None when it is gone."""
        note = Path(f"{self.database}.server.json")
        try:
            pid = int(json.loads(note.read_text(encoding="utf-8"))["pid"])
        except (OSError, ValueError, KeyError):
            return None
        return pid if psutil.pid_exists(pid) else None

    def alive(self) -> bool:
        """Return whether the process runs and `/healthz` answers within 5 s."""
        if self._server.process.poll() is not None:
            return False
        try:
            return httpx.get(f"http://{self.addresses.http}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def rss_bytes(self) -> int:
        """Return the resident memory of the started process and all its children; 0 when gone."""
        total = 0
        try:
            root = psutil.Process(self._server.process.pid)
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for one in family:
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def sequences(self) -> tuple[int, int] | None:
        """Return (committed, derived) commit numbers; None when the server does not say in 10 s."""
        try:
            response = httpx.get(f"http://{self.addresses.http}/api/v1/status", timeout=10)
            found = response.json()
            return int(found["committed_sequence"]), int(found["derived_sequence"])
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def stored(self, project: str) -> set[str] | None:
        """Return the ids of the traces of a project that are stored; None when nobody tells."""
        query = {
            "sql": "select distinct trace_id from spans where project = ?",
            "params": [project],
        }
        try:
            response = httpx.post(
                f"http://{self.addresses.http}/api/v1/sql", json=query, timeout=60
            )
            return {row[0] for row in response.json()["rows"]}
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def stderr(self) -> str:
        """Return what the server logged."""
        return self._server.stderr()

    def stop(self) -> int:
        """Ask the server to stop; return its exit code."""
        return self._server.stop()

    def kill(self) -> None:
        """End the server and its children at once."""
        process = self._server.process
        try:
            children = psutil.Process(process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            children = []
        if process.poll() is None:
            self._server.kill()
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
