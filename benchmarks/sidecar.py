"""The sidecar run: load through a real Collector while otel-threads is killed again and again.

    make collector && python benchmarks/sidecar.py [--minutes 10] [--kill-every 20] [--save]

Sent: every span that the Collector acknowledged. Afterwards the ids in the file are compared with
them, and `threads` and `turns` must count each once.
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from builders import a_chat, a_request
from conftest import Server

SPANS, SENDERS = 20, 2


def run(
    folder: Path, make_collector: Callable[..., Any], *, duration_s: float, kill_every_s: float
) -> dict[str, float]:
    """Run it; return what was sent, stored, lost and stored twice."""
    home = folder / "server"
    home.mkdir()
    server = Server(home).start()
    address = server.grpc
    server._env["OTEL_THREADS_OTLP_GRPC_ENDPOINT"] = address  # the same port after each restart
    collector = make_collector("sidecar.yaml", OTEL_THREADS_OTLP=address)
    sent: set[str] = set()
    done, lock = threading.Event(), threading.Lock()

    def send(seed: int) -> None:
        dice = random.Random(seed)
        while not done.is_set():
            spans = [
                a_chat(f"chat-{dice.randrange(50)}", "question " * 10, "answer " * 20)
                for _ in range(SPANS)
            ]
            answer = collector.post(a_request(*spans))
            if answer.status_code == 200:
                with lock:
                    sent.update(span.span_id.hex() for span in spans)
            done.wait(0.1)  # what a server that is mostly being restarted can take

    senders = [threading.Thread(target=send, args=(n,)) for n in range(SENDERS)]
    for sender in senders:
        sender.start()
    kills, end = 0, time.monotonic() + duration_s
    while time.monotonic() < end:
        done.wait(min(kill_every_s, max(0.0, end - time.monotonic())))
        if time.monotonic() < end:
            server.kill()
            kills += 1
            server.start()
    done.set()
    for sender in senders:
        sender.join()
    deadline = time.monotonic() + 300
    while server.get("/status")["spans"] < len(sent) and time.monotonic() < deadline:
        time.sleep(0.2)
    server.wait_derived()

    def ask(query: str) -> list[list[Any]]:
        answer = httpx.post(f"{server.api}/sql", json={"sql": query}, timeout=60)
        return answer.json()["rows"]

    stored = [row[0] for row in ask("select span_id from spans")]
    turns = ask("select sum(turn_count), (select count(*) from turns) from threads")[0]
    server.stop()
    return {
        "sent": len(sent),
        "stored": len(stored),
        "lost": len(sent - set(stored)),
        "duplicates": len(stored) - len(set(stored)),
        "turns": turns[0],
        "turn_rows": turns[1],
        "kills": kills,
        "seconds": round(duration_s),
    }


def main() -> None:
    """Run as long as asked, print, and save when asked."""
    from collector.conftest import BINARY, Collector

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--kill-every", type=float, default=20)
    arguments.add_argument("--save", action="store_true")
    given = arguments.parse_args()
    running: list[Collector] = []
    with tempfile.TemporaryDirectory() as folder:

        def make(config: str, **env: str) -> Collector:
            running.append(Collector(BINARY, config, Path(folder) / "collector", **env))
            return running[-1].start()

        try:
            found = run(
                Path(folder), make, duration_s=given.minutes * 60, kill_every_s=given.kill_every
            )
        finally:
            for collector in running:
                collector.stop()
    print(json.dumps(found))
    if given.save:
        saved = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "command": "benchmarks/sidecar.py " + " ".join(sys.argv[1:]),
            **found,
        }
        (Path(__file__).parent / "results/sidecar.json").write_text(
            json.dumps(saved, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
