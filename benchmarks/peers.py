"""Ingest beside Arize Phoenix and MLflow, each installed from the registry into an environment of its own.

    python benchmarks/peers.py [--spans 10240] [--span-bytes 4000] [--rounds 1] [--save [NAME]]
        [--desktop-viewer BINARY]

The same OTLP/HTTP requests (512 spans of 1 kB each, four senders) to each server in turn, all with
their default database on this disk. Two times: until everything is acknowledged, and until every span
can be found in the server's own database. A peer that does not install or start is left out, with why.

otel-desktop-viewer is built from source (`go build`, CGO): with its binary it is measured, and Phoenix and MLflow are
not. It acknowledges before it has stored. With `--span-bytes` no two spans have the same words.
"""

import argparse
import concurrent.futures
import functools
import json
import os
import platform
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from load import Template

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from builders import a_chat, a_request
from conftest import Server
from live import environments
from ports import free_port

SENDERS, SPANS_A_REQUEST, TIMEOUT_S = 4, 512, 600.0
Peer = Callable[[Path, list[bytes], int], dict[str, float]]


def until(condition: Callable[[], bool], what: str) -> float:
    """Return how long it took; raise after the time."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > TIMEOUT_S:
            raise TimeoutError(what)
        time.sleep(0.05)
    return time.monotonic() - started


def answers(url: str) -> bool:
    """Return whether somebody answers there."""
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


@contextmanager
def running(command: list[str], folder: Path, ready: str, env: dict[str, str]):
    """Run a server in a folder until it is left."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **env},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            until(lambda: answers(ready) or process.poll() is not None, "it starts")
            if process.poll() is not None:
                raise RuntimeError((folder / "log").read_text()[-500:])
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def in_sqlite(file: Path) -> int:
    """Return how many spans a SQLite database has."""
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30) as connection:
            return int(connection.execute("select count(*) from spans").fetchone()[0])
    except sqlite3.Error:
        return 0


def load(
    url: str, payloads: list[bytes], headers: dict[str, str], stored: Callable[[], int], count: int
) -> dict[str, float]:
    """Send everything; return spans/s until acknowledged and until stored."""

    def send(payload: bytes) -> None:
        for _ in range(20):
            answer = httpx.post(
                url,
                content=payload,
                timeout=TIMEOUT_S,
                headers={"content-type": "application/x-protobuf", **headers},
            )
            if answer.status_code == 200:
                return
            if answer.status_code not in (429, 502, 503, 504):
                raise RuntimeError(f"{answer.status_code}: {answer.text[:200]}")
            time.sleep(0.5)
        raise RuntimeError("refused twenty times")

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, payloads))
    acknowledged_s = time.monotonic() - started
    until(lambda: stored() >= count, "all spans are stored")
    stored_s = time.monotonic() - started
    return {
        "acknowledged_per_s": round(count / acknowledged_s, 1),
        "stored_per_s": round(count / stored_s, 1),
    }


def ours(folder: Path, payloads: list[bytes], count: int) -> dict[str, float]:
    """otel-threads: acknowledged is stored; here until every conversation is derived as well."""
    server = Server(folder).start()
    try:
        found = load(
            f"{server.otlp}/v1/traces", payloads, {}, lambda: server.get("/status")["spans"], count
        )
        started = time.monotonic()
        server.wait_derived()
        return found | {"derived_after_s": round(time.monotonic() - started, 2)}
    finally:
        server.stop()


def phoenix(folder: Path, payloads: list[bytes], count: int) -> dict[str, float]:
    """Arize Phoenix with SQLite."""
    made = environments.made("phoenix", ["arize-phoenix"])
    port, other = free_port(), free_port()
    env = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_PORT": str(port),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_GRPC_PORT": str(other),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with running(
        [str(made / "bin/phoenix"), "serve"], folder, f"http://127.0.0.1:{port}/healthz", env
    ):
        return load(
            f"http://127.0.0.1:{port}/v1/traces",
            payloads,
            {},
            lambda: in_sqlite(folder / "phoenix.db"),
            count,
        )


def mlflow(folder: Path, payloads: list[bytes], count: int) -> dict[str, float]:
    """MLflow with SQLite."""
    made = environments.made("mlflow", ["mlflow"])
    port = free_port()
    command = [
        str(made / "bin/mlflow"),
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
    ]
    env = {"PATH": f"{made / 'bin'}:{os.environ['PATH']}"}
    with running(command, folder, f"http://127.0.0.1:{port}/health", env):
        return load(
            f"http://127.0.0.1:{port}/v1/traces",
            payloads,
            {"x-mlflow-experiment-id": "0"},
            lambda: in_sqlite(folder / "mlflow.db"),
            count,
        )


def desktop_viewer(
    folder: Path, payloads: list[bytes], count: int, *, binary: Path
) -> dict[str, float]:
    """otel-desktop-viewer with a DuckDB file."""
    port, grpc_port, page = free_port(), free_port(), free_port()
    command = [str(binary), "--open-browser=false", "--host", "127.0.0.1", "--db", "x.duckdb"]
    command += ["--db-max-size", "0", "--http", str(port), "--grpc", str(grpc_port)]
    stats = {"jsonrpc": "2.0", "id": 1, "method": "getStats", "params": []}

    def stored() -> int:
        told = httpx.post(f"http://127.0.0.1:{page}/rpc", json=stats, timeout=30)
        return int(told.json()["result"]["traces"]["spanCount"])

    with running([*command, "--browser-port", str(page)], folder, f"http://127.0.0.1:{page}/", {}):
        return load(f"http://127.0.0.1:{port}/v1/traces", payloads, {}, stored, count)


def file_bytes(folder: Path) -> int:
    """Return the bytes of databases in a folder, with what is in their logs."""
    ends = (".duckdb", ".duckdb.wal", ".db", ".db-wal")
    return sum(file.stat().st_size for file in folder.rglob("*") if file.name.endswith(ends))


def payloads_of(requests: int, span_bytes: int | None) -> list[bytes]:
    """Return requests of SPANS_A_REQUEST spans, of so many bytes each where that is said."""
    if span_bytes is None:
        chats = [f"chat-{i % 40}" for i in range(SPANS_A_REQUEST)]
        return [
            a_request(*[a_chat(chat, "question " * 30, "answer " * 40) for chat in chats])
            for _ in range(requests)
        ]
    dice = np.random.default_rng(1)
    return [
        Template(spans=SPANS_A_REQUEST, span_bytes=span_bytes, seed=n).fresh(dice)
        for n in range(requests)
    ]


def medians(rounds: list[dict[str, float | str]]) -> dict[str, float | str]:
    """Return the median of each number; what was told in place of numbers, where it was."""
    if any("left_out" in told for told in rounds):
        return next(told for told in rounds if "left_out" in told)
    return {key: statistics.median(float(told[key]) for told in rounds) for key in rounds[0]}


def main() -> None:
    """Measure each in turn, print, and save when asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--spans", type=int, default=10_240)
    arguments.add_argument("--span-bytes", type=int)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--desktop-viewer", type=Path, metavar="BINARY")
    arguments.add_argument("--save", nargs="?", const="peers", metavar="NAME")
    given = arguments.parse_args()
    requests = max(1, given.spans // SPANS_A_REQUEST)
    count = requests * SPANS_A_REQUEST
    payloads = payloads_of(requests, given.span_bytes)
    peers: dict[str, Peer] = {"ours": ours, "phoenix": phoenix, "mlflow": mlflow}
    if given.desktop_viewer:
        viewer = functools.partial(desktop_viewer, binary=given.desktop_viewer.resolve())
        peers = {"ours": ours, "desktop_viewer": viewer}
    rounds: dict[str, list[dict[str, float | str]]] = {name: [] for name in peers}
    for name in [*peers] * given.rounds:
        with tempfile.TemporaryDirectory() as folder:
            told: dict[str, float | str]
            try:
                told = dict(peers[name](Path(folder), payloads, count))
                told["bytes_a_span"] = round(file_bytes(Path(folder)) / count)
            except Exception as error:  # noqa: BLE001  # the others are still to be measured
                told = {"left_out": f"{type(error).__name__}: {str(error)[:300]}"}
        rounds[name].append(told)
        print(name, told, flush=True)
    found = {name: medians(some) for name, some in rounds.items()}
    if given.save:
        saved = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "command": "benchmarks/peers.py " + " ".join(sys.argv[1:]),
            "spans": count,
            "payload_bytes": sum(map(len, payloads)),
            "servers": found,
        }
        path = Path(__file__).parent / "results" / f"{given.save}.json"
        path.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
