"""Half an hour at half speed: spans over gRPC, readers, SQL, scores, deletes and snapshots at once.

    python benchmarks/soak.py [--minutes 30] [--spans-per-s 400] [--save]

Every ten seconds: memory of the server and DuckDB's part of it, bytes of the file and its log, lag of
the deriver, and the latency of a list beside `GET /healthz` in the same moment. At the end the thirds
of the run are compared: flat is what is wanted. No answer may be an error.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc
import httpx
import psutil
from ingest import METHOD

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from builders import a_chat, a_request
from conftest import Server

SAMPLE_S = 10.0


class Run:
    """The threads that put load on one server, and what they saw."""

    def __init__(self, server: Server, spans_per_s: float) -> None:
        self.server, self.spans_per_s = server, spans_per_s
        self.done = threading.Event()
        self.errors: list[str] = []
        self.sent = self.deleted = self.asked = 0
        self.channel = grpc.insecure_channel(server.grpc)
        self.export = self.channel.unary_unary(METHOD)
        self.threads = [
            threading.Thread(target=self._guarded, args=(work,))
            for work in (self.send, self.read, self.change)
        ]
        for thread in self.threads:
            thread.start()

    def _guarded(self, work) -> None:
        dice = random.Random(work.__name__)
        with httpx.Client(base_url=self.server.api, timeout=120) as client:
            while not self.done.is_set():
                try:
                    work(client, dice)
                except Exception as error:  # noqa: BLE001  # it is what is looked for
                    self.errors.append(f"{work.__name__}: {error!r}")

    def send(self, client: httpx.Client, dice: random.Random) -> None:
        """A request of 50 spans, of conversations that live for a while and then end."""
        started = time.monotonic()
        age = self.sent // 5000
        spans = [
            a_chat(
                f"chat-{age + dice.randrange(20)}-{dice.randrange(40)}",
                "question " * 30,
                "answer " * 40,
            )
            for _ in range(50)
        ]
        assert self.export(a_request(*spans), timeout=120) == b""
        self.sent += 50
        self.done.wait(max(0.0, 50 / self.spans_per_s - (time.monotonic() - started)))

    def read(self, client: httpx.Client, dice: random.Random) -> None:
        """What a page and an analyst ask."""
        asked = (
            ("/threads", {}),
            ("/threads/stats", {}),
            ("/traces", {}),
            ("/threads", {"filter": "duration_ms > 5 and scores.quality < 0.5"}),
        )
        path, query = dice.choice(asked)
        answers = [client.get(path, params=query)]
        answers.append(client.post("/sql", json={"sql": "from daily_usage"}))
        for answer in answers:
            if answer.status_code != 200:
                self.errors.append(f"read: {answer.status_code} {answer.text[:200]}")
        self.asked += len(answers)
        self.done.wait(0.5)

    def change(self, client: httpx.Client, dice: random.Random) -> None:
        """Scores, and deletes of the oldest so that the file finds its size."""
        ids = [t["thread_id"] for t in client.get("/threads", params={"limit": 20}).json()["items"]]
        if ids:
            scores = [{"thread_id": i, "name": "quality", "value": dice.random()} for i in ids]
            if client.put("/scores", json={"scores": scores}).status_code != 200:
                self.errors.append("change: scores")
        total = client.get("/status").json()["threads"]
        if total > 3000:
            old = client.get("/threads", params={"limit": 100, "sort": "last_activity_time"}).json()
            gone = client.post(
                "/threads/delete", json={"thread_ids": [t["thread_id"] for t in old["items"]]}
            )
            if gone.status_code != 200:
                self.errors.append(f"change: {gone.status_code} {gone.text[:200]}")
            else:
                self.deleted += gone.json()["updated"]
        self.done.wait(2.0)

    def stop(self) -> None:
        """End the load."""
        self.done.set()
        for thread in self.threads:
            thread.join()
        self.channel.close()


def sample(server: Server) -> dict[str, float]:
    """Return what the server takes and how it answers just now."""
    with httpx.Client(base_url=server.api, timeout=120) as client:

        def median_ms(path: str) -> float:
            times = []
            for _ in range(5):
                started = time.perf_counter()
                assert client.get(path).status_code == 200
                times.append((time.perf_counter() - started) * 1000)
            return statistics.median(times)

        status = client.get("/status").raise_for_status().json()
        counted = dict(
            line.rsplit(" ", 1)
            for line in client.get(f"http://{server.addresses['http']}/metrics").text.splitlines()
            if not line.startswith("#")
        )
        floor = median_ms(f"http://{server.addresses['http']}/healthz")
        return {
            "rss_mb": psutil.Process(server.pid).memory_info().rss / 1e6,
            "duckdb_mb": float(counted["otel_threads_duckdb_memory_bytes"]) / 1e6,
            "file_mb": server.database.stat().st_size / 1e6,
            "log_mb": Path(f"{server.database}.wal").stat().st_size / 1e6
            if Path(f"{server.database}.wal").exists()
            else 0.0,
            "lag_ms": status["derive_lag_ms"],
            "spans": status["spans"],
            "list_ms": median_ms("/threads"),
            "healthz_ms": floor,
        }


def main() -> None:
    """Run, compare the thirds, print, and save when asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=30)
    arguments.add_argument("--spans-per-s", type=float, default=400)
    arguments.add_argument("--save", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), snapshot_every_s=60).start()
        run = Run(server, given.spans_per_s)
        samples, end = [], time.monotonic() + given.minutes * 60
        while time.monotonic() < end:
            run.done.wait(SAMPLE_S)
            try:
                samples.append(sample(server))
                print(json.dumps(samples[-1]), file=sys.stderr)
            except Exception as error:  # noqa: BLE001  # a finding: the load goes on
                run.errors.append(f"sample: {error!r}")
        run.stop()
        server.wait_derived()
        last = sample(server)
        code = server.stop()
        stopped_mb = server.database.stat().st_size / 1e6
        log = server.stderr()
    third = len(samples) // 3
    parts = (samples[:third], samples[third : 2 * third], samples[2 * third :])
    medians = {
        name: [round(statistics.median(one[name] for one in part), 2) for part in parts]
        for name in samples[0]
    }
    found = {
        "sent": run.sent,
        "threads_deleted": run.deleted,
        "questions": run.asked,
        "errors": run.errors[:20],
        "error_count": len(run.errors),
        "exit_code": code,
        "log_lines": len(log.splitlines()),
        "medians_by_third": medians,
        "rss_mb_max": round(max(one["rss_mb"] for one in samples), 1),
        "end": {name: round(value, 2) for name, value in last.items()},
        "file_mb_after_stop": round(stopped_mb, 1),
    }
    print(json.dumps(found, indent=1))
    print(log[-2000:], file=sys.stderr)
    if given.save:
        saved = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "command": "benchmarks/soak.py " + " ".join(sys.argv[1:]),
            **found,
        }
        path = Path(__file__).parent / "results/soak.json"
        path.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
