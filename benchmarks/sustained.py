"""Spans a second that are acknowledged and in conversations, while four senders send for a minute.

    python benchmarks/sustained.py [--seconds 60] [--rounds 3] [--span-bytes 1000 4000]
        [--code FOLDER] [--save]

A burst is acknowledged faster than it is derived, so the rate that lasts is that of both: all spans, over
the time from the first request until the last of them is in a conversation. With `--code FOLDER` (a checkout
of other code) both servers are measured in turn. The most memory of the server is told, too.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import psutil
from ingest import METHOD, serve, serving_pid, status
from load import Template

SENDERS, SPANS_A_REQUEST = 4, 512
RESULT = Path(__file__).parent / "results" / "sustained.json"


def sent(addresses: dict, seconds: float, span_bytes: int) -> int:
    """Send from four threads, each with a request in flight; return how many spans were taken."""
    counts = [0] * SENDERS
    ends = time.monotonic() + seconds

    def send(number: int) -> None:
        template = Template(spans=SPANS_A_REQUEST, span_bytes=span_bytes, seed=number)
        dice = np.random.default_rng(number)
        options = [("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(addresses["otlp_grpc"], options=options) as channel:
            call = channel.unary_unary(METHOD)
            while time.monotonic() < ends:
                call(template.fresh(dice))
                counts[number] += SPANS_A_REQUEST

    crew = [threading.Thread(target=send, args=(n,)) for n in range(SENDERS)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    return sum(counts)


def measure(seconds: float, span_bytes: int) -> dict[str, float]:
    """Return the rates of a server of the code that this process imports."""
    with tempfile.TemporaryDirectory() as folder:
        process, addresses = serve(Path(folder))
        try:
            server, started = psutil.Process(serving_pid(Path(folder))), time.monotonic()
            watch = _Watch(server)
            count = sent(addresses, seconds, span_bytes)
            acknowledged_s = time.monotonic() - started
            while (now := status(addresses))["derived_sequence"] < now["committed_sequence"]:
                time.sleep(0.2)
            derived_s = time.monotonic() - started
            peak_bytes = watch.stop()
            assert now["spans"] == count, (now["spans"], count)
        finally:
            process.terminate()
            process.wait()
        file_bytes = (Path(folder) / "db.duckdb").stat().st_size
    return {
        "acknowledged_per_s": round(count / acknowledged_s),
        "in_conversations_per_s": round(count / derived_s),
        "behind_s": round(derived_s - acknowledged_s, 1),
        "file_bytes_a_span": round(file_bytes / count),
        "memory_mb": round(peak_bytes / 1e6),
    }


class _Watch:
    """Looks four times a second at what a process holds."""

    def __init__(self, server: psutil.Process) -> None:
        self._server, self._peak_bytes, self._ended = server, 0, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(0.25):
            self._peak_bytes = max(self._peak_bytes, self._server.memory_info().rss)

    def stop(self) -> int:
        """Return the most that it held, in bytes."""
        self._ended.set()
        self._thread.join()
        return self._peak_bytes


def child(code: Path, seconds: float, span_bytes: int) -> dict[str, float]:
    """Return what another process measures with the code of a folder."""
    command = [sys.executable, __file__, "--measure", "--seconds", str(seconds)]
    told = subprocess.run(
        [*command, "--span-bytes", str(span_bytes)],
        env=os.environ | {"PYTHONPATH": str(code)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(told.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--span-bytes", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--code", type=Path, help="a checkout to compare with")
    parser.add_argument("--measure", action="store_true", help="once, with what is imported")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.seconds, given.span_bytes[0])))
        return
    codes = {"this": Path(__file__).parent.parent}
    if given.code:
        codes["other"] = given.code
    report = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "command": " ".join(["benchmarks/sustained.py", *sys.argv[1:]]),
    }
    for span_bytes in given.span_bytes:
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
        for _ in range(given.rounds):
            for name, code in codes.items():
                rounds[name].append(child(code.resolve(), given.seconds, span_bytes))
                print(span_bytes, name, rounds[name][-1], flush=True)
        report[f"{span_bytes} bytes"] = {
            name: {key: statistics.median(r[key] for r in some) for key in some[0]}
            for name, some in rounds.items()
        }
    print(json.dumps(report, indent=1))
    if given.save:
        RESULT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
