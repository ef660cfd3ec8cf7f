"""What grows with the data: writing, deriving, reading, pruning, backup and the file, 100k to 10M spans.

    python benchmarks/growth.py [--sizes 100000,1000000,10000000] [--save]

Each size is a file of its own (benchmarks/query.py describes the data), with one server over it. The
chart shows each cost divided by that of the smallest file in the same run: 1 is flat.
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
from collections.abc import Sequence
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from builders import a_chat, a_request
from conftest import Server
from query import SPANS_A_TRACE, TRACES_A_THREAD, build, calls

RESULTS = Path(__file__).parent / "results"
ROUNDS = 15
NEWEST_THREADS = 1000  # all of the smallest file: conversations that go on are among the newest
THREADS_DERIVED = 512  # that 2,048 spans belong to: as many in each file, or the largest has most
SLICE_TRACES = 1000  # the smallest file has enough for three
READS = (
    "thread list, page 1",
    "search by id prefix",
    "thread header",
    "turns of a thread",
    "one trace",
    "stats over all threads",
)


def timed(work) -> float:
    """Return the milliseconds that a call took."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def quantiles(times: list[float]) -> tuple[float, float]:
    """Return p50 and p99."""
    ordered = sorted(times)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def send(server: Server, threads: Sequence[int], dice: random.Random, spans: int = 256) -> float:
    """Send one request to some of the threads that are there; return its milliseconds."""
    chats = [
        a_chat(f"chat-{dice.choice(threads)}", "question " * 40, "answer " * 40)
        for _ in range(spans)
    ]
    payload = a_request(*chats)

    def post() -> None:
        assert server.post(payload).status_code == 200

    return timed(post)


def measure(server: Server, threads: int) -> dict[str, float]:
    """Return every cost at this size, in milliseconds unless the name says otherwise."""
    dice = random.Random(3)
    found: dict[str, float] = {}
    with httpx.Client(base_url=server.api, timeout=300) as client:
        reads: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for name, (path, query) in calls(threads, dice).items():
                if name in READS:
                    reads.setdefault(name, []).append(
                        timed(lambda p=path, q=query: client.get(p, params=q))
                    )
        for name, times in reads.items():
            found[f"{name}, ms"] = quantiles(times[1:])[0]
        found["SQL: threads by day, ms"] = quantiles(
            [
                timed(
                    lambda: client.post(
                        "/sql",
                        json={
                            "sql": "select date_trunc('day', start_time), count(*) from turns group by 1"
                        },
                    )
                )
                for _ in range(5)
            ]
        )[0]
    every = range(threads)
    for _ in range(5):
        send(server, every, dice)
    server.wait_derived()
    found["write 256 spans, ms"] = quantiles([send(server, every, dice) for _ in range(30)])[0]
    server.wait_derived()
    for name, some in (("", every[-NEWEST_THREADS:]), (" of any age", every)):
        found[f"derive 2,048 spans{name}, ms"] = statistics.median(
            derive(server, dice.sample(some, THREADS_DERIVED), dice) for _ in range(5)
        )
    found |= backing_up(server, every, dice)
    found |= pruning(server)
    return found


def derive(server: Server, threads: Sequence[int], dice: random.Random) -> float:
    """Return how long 2,048 spans take from their last answer until they are derived, in ms."""
    for _ in range(8):
        send(server, threads, dice)
    return timed(server.wait_derived)


def backing_up(server: Server, threads: Sequence[int], dice: random.Random) -> dict[str, float]:
    """Return how long a backup takes, and what the answers to senders do meanwhile."""
    alone = [send(server, threads, dice) for _ in range(40)]
    took: list[float] = []

    def backup() -> None:
        with httpx.stream("GET", f"{server.api}/backup", timeout=600) as answer:
            assert answer.status_code == 200
            for _ in answer.iter_bytes(1 << 20):
                pass

    thread = threading.Thread(target=lambda: took.append(timed(backup)))
    thread.start()
    meanwhile = []
    while thread.is_alive():
        meanwhile.append(send(server, threads, dice))
    thread.join()
    return {
        "backup, ms": took[0],
        "write p99 alone, ms": quantiles(alone)[1],
        "write p99 during a backup, ms": quantiles(meanwhile)[1],
    }


def pruning(server: Server) -> dict[str, float]:
    """Return what a slice of 1,000 old traces costs, and what the file does when half of all go."""
    server.wait_derived()  # pruning works between passes of the deriver
    size = server.database.stat().st_size

    def prune(**body) -> dict:
        answer = httpx.post(f"{server.api}/prune", json=body, timeout=600)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def prune_slice() -> None:
        assert prune(older_than_days=15, traces_max=SLICE_TRACES)["trace_count"] == SLICE_TRACES

    slice_ms = statistics.median(timed(prune_slice) for _ in range(3))
    used = prune(used_bytes_max=1 << 50, dry_run=True)["used_bytes"]
    started = time.perf_counter()
    while prune(older_than_days=15)["remaining"]:
        pass
    return {
        "prune 1,000 traces, ms": slice_ms,
        "prune half of all, ms": (time.perf_counter() - started) * 1000,
        "file after / before half is pruned": server.database.stat().st_size / size,
        "rows after / before half is pruned": prune(used_bytes_max=1 << 50, dry_run=True)[
            "used_bytes"
        ]
        / used,
    }


def chart(results: dict[int, dict[str, float]], path: Path) -> None:
    """Draw each cost as a multiple of that at the smallest size."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "otel-threads"
    from matplotlib import pyplot

    sizes = sorted(results)
    figure, axes = pyplot.subplots(figsize=(9, 6))
    for name in results[sizes[0]]:
        if name.endswith(", ms") and "p99" not in name and "half" not in name:
            first = results[sizes[0]][name]
            axes.plot(
                sizes, [results[size][name] / first for size in sizes], marker="o", label=name[:-4]
            )
    axes.plot(
        sizes, [size / sizes[0] for size in sizes], linestyle=":", color="grey", label="linear"
    )
    axes.set(xscale="log", yscale="log", xlabel="spans", ylabel=f"cost, {sizes[0]:,} spans = 1")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure each size, print a table, and save when asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sizes", default="100000,1000000,10000000")
    arguments.add_argument("--save", action="store_true")
    given = arguments.parse_args()
    results: dict[int, dict[str, float]] = {}
    for size in map(int, given.sizes.split(",")):
        threads = size // (TRACES_A_THREAD * SPANS_A_TRACE)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "otel-threads.duckdb"
            build(str(path), threads)
            bytes_a_span = path.stat().st_size / size
            server = Server(Path(folder), query_timeout_s=300).start()
            try:
                results[size] = measure(server, threads) | {"file bytes a span": bytes_a_span}
            finally:
                server.stop()
    for name in next(iter(results.values())):
        print(f"{name:<40}", *(f"{results[size][name]:12.2f}" for size in results))
    if given.save:
        saved = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "command": "benchmarks/growth.py " + " ".join(sys.argv[1:]),
            "results": {
                str(size): {k: round(v, 3) for k, v in row.items()} for size, row in results.items()
            },
        }
        (RESULTS / "growth.json").write_text(json.dumps(saved, indent=1) + "\n")
        chart(results, RESULTS / "growth.svg")


if __name__ == "__main__":
    main()
