"""The real Collector, built by `make collector`; skipped where Go is missing, never in CI."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from conftest import wait_until
from filelock import FileLock
from ports import free_endpoint, free_port

ROOT = Path(__file__).parent.parent.parent
CONFIGS = ROOT / "collector-config"
BINARY = ROOT / ".collector/build/otelcol-threads"
TELEMETRYGEN = ROOT / ".collector/bin/telemetrygen"
BUILD_TIMEOUT_S = 1500


@pytest.fixture(scope="session")
def binary() -> Path:
    """The Collector; built once, whichever worker comes first."""
    if not shutil.which("go") and not BINARY.exists():
        if os.environ.get("CI"):
            pytest.fail("Go is not on this machine")
        pytest.skip("Go is not on this machine")
    (ROOT / ".collector").mkdir(exist_ok=True)
    with FileLock(ROOT / ".collector/lock"):
        built = subprocess.run(
            ["make", "collector"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_TIMEOUT_S,
        )
    assert built.returncode == 0, built.stderr[-4000:]
    return BINARY


class Collector:
    """One Collector process with one of our configurations."""

    def __init__(self, binary: Path, config: str, folder: Path, **env: str) -> None:
        self.grpc, self.http, health = (free_endpoint() for _ in range(3))
        metrics_port = free_port()
        self.metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        self.health = f"http://{health}/"
        self._folder = folder
        folder.mkdir(exist_ok=True)
        self._command = [str(binary), "--config", str(CONFIGS / config)]
        self._env = {
            **os.environ,
            "LISTEN_GRPC": self.grpc,
            "LISTEN_HTTP": self.http,
            "HEALTH": health,
            "METRICS_PORT": str(metrics_port),
            "QUEUE_DIRECTORY": str(folder / "queue"),
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Collector":
        self.process = subprocess.Popen(
            self._command, env=self._env, stderr=(self._folder / "log").open("ab")
        )

        def healthy() -> bool:
            if self.process.poll() is not None:
                pytest.fail(f"the Collector stopped: {self.log()[-3000:]}")
            try:
                return httpx.get(self.health, timeout=2).status_code == 200
            except httpx.HTTPError:
                return False

        wait_until(healthy, "the Collector is healthy")
        return self

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def post(self, payload: bytes, **headers: str) -> httpx.Response:
        return httpx.post(
            f"http://{self.http}/v1/traces",
            content=payload,
            timeout=60,
            headers={
                "content-type": "application/x-protobuf",
                **{k.replace("_", "-"): v for k, v in headers.items()},
            },
        )

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(60)


@pytest.fixture
def make_collector(binary, tmp_path) -> Iterator[Callable[..., Collector]]:
    """Start Collectors that are stopped at the end."""
    running: list[Collector] = []

    def make(config: str, **env: str) -> Collector:
        running.append(Collector(binary, config, tmp_path / f"collector-{len(running)}", **env))
        return running[-1].start()

    yield make
    for collector in running:
        collector.stop()
