"""Durable spans a second over gRPC, beside the floor: the same rows from Arrow into DuckDB.

    python benchmarks/ingest.py [--seconds 10] [--only 4kB]

Senders are processes of their own on the same machine, so they take part of its cores; the floor
has the machine to itself. Prints a table and, with --save, writes benchmarks/results/ingest.json.
"""

import argparse
import functools
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import psutil
from load import Template

PREPARED_PER_S = 12_000  # spans, for the Go sender; more than any server here takes
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
CASES = {  # name: (senders, spans a request, bytes a span)
    "1kB": (4, 512, 1000),
    "4kB": (4, 512, 4000),
    "small": (64, 1, 1000),
    "small_from_go": (64, 1, 1000),  # where Go is there
}


def serve(folder: Path) -> tuple[subprocess.Popen, dict]:
    """Start a server on an empty database; return it and its addresses."""
    ready = folder / "ready.json"
    ports = [
        f"--{name}-endpoint=127.0.0.1:0" for name in ("otlp-grpc", "otlp-http", "http", "grpc")
    ]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "otel_threads",
            "serve",
            "--database",
            str(folder / "db.duckdb"),
            "--ready-file",
            str(ready),
            *ports,
        ],
        stdout=subprocess.DEVNULL,
    )
    while not ready.exists():
        if process.poll() is not None:
            raise SystemExit("the server did not start")
        time.sleep(0.02)
    return process, json.loads(ready.read_text())


def serving_pid(folder: Path) -> int:
    """Return the process that serves; the one that was started watches it."""
    return json.loads((folder / "db.duckdb.server.json").read_text())["pid"]


def status(addresses: dict) -> dict:
    with urllib.request.urlopen(f"http://{addresses['http']}/api/v1/status") as answer:
        return json.load(answer)


def send(
    address: str, seed: int, senders: int, spans: int, span_bytes: int, seconds: float, out
) -> None:
    """Send as fast as answers come, with `senders` requests under way; report what was answered."""
    import asyncio

    async def work() -> None:
        template = Template(spans=spans, span_bytes=span_bytes, seed=seed)
        dice = np.random.default_rng(seed)
        ready = [
            template.fresh(dice)
            for _ in range(24 if spans > 1 else 20_000 // max(1, senders) * senders)
        ]
        waits = []
        async with grpc.aio.insecure_channel(
            address, options=[("grpc.max_send_message_length", -1)]
        ) as channel:
            call = channel.unary_unary(METHOD)
            await call(template.fresh(dice))
            out.put("ready")
            while not go.is_set():
                await asyncio.sleep(0.01)
            end = time.monotonic() + seconds

            async def one() -> None:
                while time.monotonic() < end:
                    payload = ready.pop() if ready else template.fresh(dice)
                    started = time.monotonic()
                    await call(payload)
                    waits.append(time.monotonic() - started)

            await asyncio.gather(*(one() for _ in range(senders)))
        out.put(waits)

    asyncio.run(work())


go = multiprocessing.Event()


class PythonSenders:
    """Processes of their own, each with its share of the senders and one connection."""

    def __init__(
        self, address: str, senders: int, spans: int, span_bytes: int, seconds: float
    ) -> None:
        """Start them; when it returns all are ready to send."""
        go.clear()
        count = senders if spans > 1 else 2
        share = senders // count
        self._out = multiprocessing.Queue()
        self._crew = [
            multiprocessing.Process(
                target=send,
                args=(address, n + 1, share, spans, span_bytes, seconds, self._out),
            )
            for n in range(count)
        ]
        for member in self._crew:
            member.start()
        for _ in self._crew:
            self._out.get()

    def start(self) -> None:
        go.set()

    def are_sending(self) -> bool:
        alive = any(member.is_alive() for member in self._crew)
        return alive and self._out.qsize() < len(self._crew)

    def waits(self) -> list[float]:
        """Return the seconds that each request waited for its answer."""
        found = [self._out.get() for _ in self._crew]
        for member in self._crew:
            member.join()
        return [wait for some in found for wait in some]


class GoSenders:
    """As PythonSenders, in one process that takes a tenth of the cores: sender/main.go."""

    def __init__(
        self, address: str, senders: int, spans: int, span_bytes: int, seconds: float
    ) -> None:
        """Build the program and write what it is to send."""
        self._folder = tempfile.TemporaryDirectory()
        program, requests = (f"{self._folder.name}/{name}" for name in ("sender", "requests"))
        subprocess.run(
            ["go", "build", "-o", program, "."], cwd=Path(__file__).parent / "sender", check=True
        )
        template, dice = Template(spans=spans, span_bytes=span_bytes), np.random.default_rng(1)
        with Path(requests).open("wb") as file:
            for _ in range(int(PREPARED_PER_S * seconds / spans)):
                request = template.fresh(dice)
                file.write(struct.pack("<I", len(request)) + request)
        self._command = [
            program,
            f"-address={address}",
            f"-requests={requests}",
            f"-senders={senders}",
            f"-seconds={seconds}",
        ]

    def start(self) -> None:
        with Path(f"{self._folder.name}/waits").open("w") as out:
            self._process = subprocess.Popen(self._command, stdout=out)

    def are_sending(self) -> bool:
        return self._process.poll() is None

    def waits(self) -> list[float]:
        """Return the seconds that each request waited for its answer."""
        assert self._process.wait() == 0
        found = [float(line) for line in Path(f"{self._folder.name}/waits").read_text().split()]
        self._folder.cleanup()
        return found


def ingest(kind: type, senders: int, spans: int, span_bytes: int, seconds: float) -> dict:
    """Return rate, answer latency and memory of one case."""
    with tempfile.TemporaryDirectory() as name:
        process, addresses = serve(Path(name))
        try:
            server = psutil.Process(serving_pid(Path(name)))
            idle = server.memory_info().rss
            crew = kind(addresses["otlp_grpc"], senders, spans, span_bytes, seconds)
            crew.start()
            started = time.monotonic()
            cpu = server.cpu_times()
            peak = 0
            while crew.are_sending():
                peak = max(peak, server.memory_info().rss)
                time.sleep(0.1)
            waits = sorted(crew.waits())
            took = time.monotonic() - started
            cpu_end = server.cpu_times()
            stored = status(addresses)["spans"]
            sent = len(waits) * spans
            assert stored >= sent, (stored, sent)
            caught_up = time.monotonic()
            while (now := status(addresses))["derived_sequence"] < now["committed_sequence"]:
                time.sleep(0.1)
                if time.monotonic() - caught_up > 600:
                    raise SystemExit("the deriver did not catch up")
            return {
                "spans_per_s": round(sent / took),
                "answer_p50_ms": round(statistics.median(waits) * 1000, 1),
                "answer_p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1),
                "server_cpu_cores": round(
                    (cpu_end.user + cpu_end.system - cpu.user - cpu.system) / took, 2
                ),
                "memory_idle_mb": round(idle / 1e6),
                "memory_peak_mb": round(peak / 1e6),
                "catch_up_s": round(time.monotonic() - caught_up, 1),
                "spans": sent,
            }
        finally:
            process.terminate()
            process.wait()


def floor(
    senders: int, spans: int, span_bytes: int, seconds: float, *, checkpoint: bool = True
) -> float:
    """Return spans a second when only DuckDB works: the final rows, from Arrow, one commit each.

    They are of the same senders in turn: how often texts repeat decides what compression costs.

    With `checkpoint` its write-ahead log becomes part of the file as it does in the server, each 64 MiB
    (DuckDB by itself does so each 16 MiB); without, the rows are in the log alone.
    """
    from otel_threads import process
    from otel_threads.core.model import Request, Signal
    from otel_threads.database.database import Database
    from otel_threads.decode import columns

    process.tune()  # as the server does
    templates = [Template(spans=spans, span_bytes=span_bytes, seed=n + 1) for n in range(senders)]
    dice = np.random.default_rng(7)
    batches = []
    for n in range(40):
        payload = templates[n % senders].fresh(dice)
        request = Request(signal=Signal.TRACES, payload=payload, received_unix_nano=time.time_ns())
        decoded = columns.decode([request], default_project="default")
        batches.append(
            (decoded.tables["spans"], decoded.tables["x_content_chunks"].drop_columns("span_row"))
        )
    with tempfile.TemporaryDirectory() as name:
        database = Database(f"{name}/floor.duckdb", memory_limit_bytes=192 << 20)
        count, started, n = 0, time.monotonic(), 0
        while time.monotonic() - started < seconds:
            rows, content = batches[n % len(batches)]
            n += 1
            with database.transaction(checkpoint=checkpoint) as cursor:
                cursor.register("rows", rows)
                cursor.execute(f"insert into spans by name select {n} as ingest_seq, * from rows")
                cursor.register("content", content)
                cursor.execute(
                    f"insert into x_content_chunks by name select {n} as ingest_seq, * from content"
                )
            count += rows.num_rows
        took = time.monotonic() - started
        database.close()
        return count / took


def add_floors(
    floors: dict[str, list[float]],
    senders: int,
    spans: int,
    span_bytes: int,
    options: argparse.Namespace,
) -> None:
    """Measure both floors, but not of small requests, which have none."""
    if spans == 1:
        return
    for name, rates in floors.items():
        checkpoint = name == "floor"
        rates.append(floor(senders, spans, span_bytes, options.seconds / 2, checkpoint=checkpoint))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    report = {
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "command": " ".join(["benchmarks/ingest.py", *sys.argv[1:]]),
        "cases": {},
    }
    for name, (senders, spans, span_bytes) in CASES.items():
        if options.only and name != options.only:
            continue
        if name == "small_from_go" and not shutil.which("go"):
            continue
        kind = GoSenders if name == "small_from_go" else PythonSenders
        # Before and after, for half the time each: this machine's speed changes within a minute.
        floors = {"floor": [], "log_only": []}
        measure_floors = functools.partial(add_floors, floors, senders, spans, span_bytes, options)
        measure_floors()
        result = ingest(kind, senders, spans, span_bytes, options.seconds)
        measure_floors()
        for floor_name, rates in floors.items():
            if rates:
                rate = statistics.mean(rates)
                result[f"{floor_name}_spans_per_s"] = round(rate)
                result[f"ratio_to_{floor_name}"] = round(result["spans_per_s"] / rate, 2)
        report["cases"][name] = result
        print(name, json.dumps(result), flush=True)
    if options.save:
        path = Path(__file__).parent / "results" / "ingest.json"
        path.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
