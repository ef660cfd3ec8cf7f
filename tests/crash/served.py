"""A real server that may be killed at any moment: the process that was started, or the one that serves.

`serve` may be one process, or a supervisor with a child that serves. The server info file beside the
database names the process that serves, so this works for both.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
POLL_S = 0.002
WAIT_S_MAX = 300.0  # generous: it is only to end a run that hangs
PORTS = ("otlp_grpc", "otlp_http", "http", "grpc")


class NotReached(Exception):
    """What a round waited for did not come; the message names it."""


def wait_for(condition: Callable[[], bool], what: str, *, poll_s: float = POLL_S) -> None:
    """Return once the condition holds.

    Raises:
        NotReached: it did not within WAIT_S_MAX.
    """
    until = time.monotonic() + WAIT_S_MAX
    while not condition():
        if time.monotonic() > until:
            raise NotReached(f"not within {WAIT_S_MAX:g} s: {what}")
        time.sleep(poll_s)


class Served:
    """`otel-threads serve` on one database, over many starts."""

    def __init__(
        self,
        folder: Path,
        *,
        wal_bytes_max: int,
        env: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        """`env` and `settings` go to every process; ports are free ones of loopback."""
        self.folder = folder
        self.database = folder / "otel-threads.duckdb"
        self.wal = Path(f"{self.database}.wal")
        self.info_file = Path(f"{self.database}.server.json")
        self.stderr_file = folder.parent / f"{folder.name}.stderr"
        self.process: subprocess.Popen[bytes] | None = None
        path = [str(HERE / "early_checkpoint"), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.env = {
            **os.environ,
            **{f"OTEL_THREADS_{name.upper()}_ENDPOINT": "127.0.0.1:0" for name in PORTS},
            **{f"OTEL_THREADS_{name.upper()}": str(value) for name, value in settings.items()},
            "PYTHONPATH": os.pathsep.join(path),
            "CRASH_WAL_BYTES_MAX": str(wal_bytes_max),
            **(env or {}),
        }

    def spawn(self) -> None:
        """Start it without waiting."""
        self.info_file.unlink(missing_ok=True)
        self.process = self.command("serve")

    def start(self) -> "Served":
        """Start it; return once its ports answer."""
        self.spawn()
        self.wait_ready()
        return self

    def wait_ready(self, *, not_pid: int | None = None) -> None:
        """Return once a process serves, another one than `not_pid`."""

        def ready() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                raise NotReached(f"the server ended: {self.stderr()[-2000:]}")
            if not (info := self.info()) or info["pid"] == not_pid:
                return False
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{self.rest}/healthz", timeout=5).status_code == 200
            return False

        wait_for(ready, "the server is ready", poll_s=0.01)

    def command(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command of ours on the database; its errors go to the same file."""
        return subprocess.Popen(
            [sys.executable, "-m", "otel_threads", *words, "--database", str(self.database)],
            env=self.env,
            cwd=self.folder.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.stderr_file.open("ab"),
        )

    def info(self) -> dict[str, object]:
        """Return what the server info file says: `pid` and the address of each port."""
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, object] = json.loads(self.info_file.read_text())
            return found
        return {}

    def address(self, name: str) -> str:
        """Return `host:port` of one of PORTS."""
        return str(self.info().get(name, "127.0.0.1:1"))

    @property
    def rest(self) -> str:
        """Where REST answers."""
        return f"http://{self.address('http')}"

    def post(self, path: str, body: dict[str, object] | None = None) -> httpx.Response:
        """Call REST."""
        return httpx.post(f"{self.rest}/api/v1{path}", json=body, timeout=60)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of one SELECT, over REST; asked anew while the server has no memory."""
        found: list[tuple[Any, ...]] = []

        def answered() -> bool:
            response = self.post("/sql", {"sql": query})
            if response.status_code == 503:
                return False
            response.raise_for_status()
            found.extend(tuple(row) for row in response.json()["rows"])
            return True

        wait_for(answered, "an answer to a query", poll_s=0.1)
        return found

    def wait_derived(self) -> None:
        """Return once everything that was acknowledged is in the threads."""

        def caught_up() -> bool:
            response = httpx.get(f"{self.rest}/api/v1/status", timeout=60)
            if response.status_code != 200:
                return False
            status = response.json()
            return bool(status["derived_sequence"] >= status["committed_sequence"])

        wait_for(caught_up, "the deriver catches up", poll_s=0.02)

    def serving_pid(self) -> int:
        """Return the process that serves: a child of the one started, where there is a supervisor."""
        assert self.process is not None
        return int(str(self.info().get("pid", self.process.pid)))

    @property
    def is_supervised(self) -> bool:
        """Whether a parent would start the serving process anew."""
        assert self.process is not None
        return self.serving_pid() != self.process.pid

    def kill(self) -> None:
        """kill -9 what was started; return once nothing of it runs."""
        assert self.process is not None
        child = self.serving_pid()
        self.process.kill()
        self.process.wait()
        wait_for(lambda: not _runs(child), "the child dies with its parent")

    def kill_child(self) -> None:
        """kill -9 the serving process alone; return once its parent brought it back."""
        child = self.serving_pid()
        os.kill(child, signal.SIGKILL)
        self.wait_ready(not_pid=child)

    def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(WAIT_S_MAX)

    def stderr(self) -> str:
        """Return what all processes wrote to their stderr so far."""
        return self.stderr_file.read_text(errors="replace")


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
