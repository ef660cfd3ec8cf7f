"""Fixtures: a real server on free ports, and the recordings."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import httpx
import hypothesis  # noqa: F401  # else pytest does at its end, which fails after some tests
import pytest
import warm_start
from databases import new_file
from warm_start import Started, warm

HERE = Path(__file__).parent
CAPTURES = HERE / "captures"
START_TIMEOUT_S = 300.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write tests/golden/ anew; read the diff"
    )


# The longest files, the longest first: started last, one would keep a worker busy alone at the end.
LONGEST = (
    "lake/",
    "live/",
    "collector/",
    "server/test_crash_matrix",
    "server/test_crash",
    "page/",
    "store/test_retention",
    "database/test_backup",
    "api/test_openapi",
    "commands/test_examples",
    "derive/test_hostile",
    "derive/test_derive",
    "store/test_external_sql",
    "services/test_pagination",
    "commands/test_cli",
)


# What starts a server, a browser or another program: `make test-fast` leaves it out.
SERVED_FIXTURES = {"server", "make_server", "shop", "browser", "targets"}
ID_LENGTH_MAX = 100
SERVED_FOLDERS = ("attack/", "collector/", "crash/", "live/", "page/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts a server, and put the longest files first, as they are then handed out."""
    for item in items:
        path = item.path.relative_to(HERE).as_posix()
        fixtures = set(getattr(item, "fixturenames", ()))
        if path.startswith(SERVED_FOLDERS) or fixtures & SERVED_FIXTURES:
            item.add_marker(pytest.mark.served)

    def rank(item: pytest.Item) -> int:
        path = item.path.relative_to(HERE).as_posix()
        return next((i for i, start in enumerate(LONGEST) if path.startswith(start)), len(LONGEST))

    items.sort(key=rank)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name long values by their length: pytest's own ids of payloads took gigabytes."""
    if isinstance(val, str | bytes) and len(val) > ID_LENGTH_MAX:
        return f"{type(val).__name__} of {len(val)}"
    return None


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Return once the condition holds; fail with `what` after the time, without that of looking.

    A look that takes long is followed by a pause of as long: others need the processor, too.
    """
    pause = threading.Event()
    paused_s = 0.0
    while paused_s < timeout_s:
        began = time.monotonic()
        if condition():
            return
        pause_s = min(0.5, max(0.02, time.monotonic() - began))
        pause.wait(pause_s)
        paused_s += pause_s
    pytest.fail(f"not within {timeout_s:g} s: {what}")


class Server:
    """`otel-threads serve` as a process of its own; with `is_fresh`, of an interpreter of its own."""

    PORTS = ("otlp_grpc", "otlp_http", "http", "grpc")

    def __init__(self, folder: Path, *, env: dict[str, str] | None = None, prefix=(), **settings):
        self.folder = folder
        self.database = folder / "otel-threads.duckdb"
        self.ready_file = folder / "ready.json"
        self._env = env or {}
        self._prefix = list(prefix)
        self._python = settings.pop("python", sys.executable)
        self._is_fresh = settings.pop("is_fresh", False)
        self._settings = settings
        self.process: subprocess.Popen[str] | Started | None = None
        self.addresses: dict[str, str] = {}

    def start(self) -> Self:
        """Start it, on a file that has its schema where there is none yet."""
        self.ready_file.unlink(missing_ok=True)
        is_first = self.process is None and str(self.database) in self.arguments()
        if is_first and not self.database.exists():
            self.database.write_bytes(new_file())
        env = {
            **os.environ,
            **{f"OTEL_THREADS_{name.upper()}_ENDPOINT": "127.0.0.1:0" for name in self.PORTS},
            **{f"OTEL_THREADS_{name.upper()}": str(v) for name, v in self._settings.items()},
            **self._env,
        }
        self.process = self._started(env)
        wait_until(
            lambda: self.ready_file.exists() or self.process.poll() is not None,
            "the server starts",
            START_TIMEOUT_S,
        )
        if not self.ready_file.exists():
            pytest.fail(f"the server did not start: {(self.folder / 'stderr').read_text()}")
        self.addresses = json.loads(self.ready_file.read_text())
        scheme = "https" if "tls_cert_file" in self._settings else "http"
        self.http = f"{scheme}://{self.addresses['http']}"  # what an SDK has as its base URL
        self.api = f"{self.http}/api/v1"
        if "otlp_http" in self.PORTS:
            self.otlp = f"{scheme}://{self.addresses['otlp_http']}"
            self.grpc = self.addresses["otlp_grpc"]
        return self

    def _started(self, env: dict[str, str]) -> "subprocess.Popen[str] | Started":
        arguments = ["serve", *self.arguments(), "--ready-file", str(self.ready_file)]
        with (self.folder / "stderr").open("a") as stderr:
            is_plain = self._python == sys.executable and not self._prefix
            if is_plain and not self._is_fresh and warm_start.can_run(env):
                return warm().start(arguments, env=env, folder=self.folder, stderr=stderr)
            return subprocess.Popen(
                [*self._prefix, self._python, "-m", "otel_threads", *arguments],
                env=env,
                text=True,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self.folder,
            )

    def arguments(self) -> list[str]:
        """What `serve` is told besides its settings."""
        return ["--database", str(self.database)]

    @property
    def pid(self) -> int:
        """The process that serves; `process` is the one that watches it."""
        return json.loads(Path(f"{self.database}.server.json").read_text())["pid"]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=START_TIMEOUT_S)
        self.process.stdout.close()
        return code

    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    def get(self, path: str, **query) -> dict:
        answer = httpx.get(f"{self.api}{path}", params=query, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, payload: bytes, signal_name: str = "traces", **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(
            f"{self.otlp}/v1/{signal_name}",
            content=payload,
            headers={"content-type": "application/x-protobuf", **names},
            timeout=120,
        )

    def wait_derived(self) -> dict:
        """Return the status once everything that was acknowledged is in the threads."""
        found: dict = {}

        def caught_up() -> bool:
            answer = httpx.get(f"{self.api}/status", timeout=60)
            if answer.status_code == 503:  # no memory for a question while much is written
                return False
            assert answer.status_code == 200, answer.text
            found.update(answer.json())
            return found["derived_sequence"] >= found["committed_sequence"]

        wait_until(caught_up, "the deriver catches up", 120)
        return found


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that are stopped at the end; each in a folder of its own."""
    with contextlib.ExitStack() as stack:
        count = 0

        def make(**settings) -> Server:
            nonlocal count
            folder = settings.pop("folder", None) or tmp_path / f"server-{count}"
            count += 1
            folder.mkdir(exist_ok=True)
            server = Server(folder, **settings).start()
            stack.callback(server.stop)
            return server

        yield make


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a file; each test uses a project of its own."""
    server = Server(tmp_path_factory.mktemp("server")).start()
    yield server
    assert server.stop() == 0


def scenarios() -> list[Path]:
    """Return the folders of recordings."""
    return sorted(path for path in CAPTURES.iterdir() if (path / "scenario.json").exists())


def request_files(folder: Path) -> list[Path]:
    """Return the recorded requests of a scenario, in the order in which they were sent."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix in (".pb", ".json") and file.name != "scenario.json"
    )


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key and its certificate for localhost, signed by itself."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            str(key),
            "-out",
            str(cert),
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )
    return key, cert
