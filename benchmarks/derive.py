"""Spans a second through the deriver, on one core, over the recorded conversations replayed.

    python benchmarks/derive.py [--spans 20000] [--profile] [--save [NAME]]

The recordings of tests/captures, of every instrumentation that we have, are stored with new ids and times until there are
enough spans; then everything is derived in this process, as `otel-threads rebuild` does it, five times.
The floor is the same work without deriving: reading the spans out of the store.

Most of it is Python: how that was built counts (Debian's is optimised by a profile, pyenv's by default
is not), and so does the hour. `additions_s` tells what both are worth: ten million of them.
"""

import argparse
import cProfile
import json
import os
import platform
import pstats
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_threads import process
from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Batch
from otel_threads.database.database import Database
from otel_threads.decode import columns, logs, otlp_json
from otel_threads.derive.deriver import derive_all
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter

ROUNDS = 5  # the median counts: what else the machine does shows in a single one
ADDITIONS = 10_000_000
CAPTURES = Path(__file__).parent.parent / "tests" / "captures"


def recorded() -> list[ExportTraceServiceRequest]:
    """Return every recorded trace request; one of each folder joined, so that traces are whole."""
    requests = []
    for folder in sorted(path for path in CAPTURES.iterdir() if path.is_dir()):
        whole = ExportTraceServiceRequest()
        for file in sorted(folder.iterdir()):
            if ".logs." in file.name:
                continue
            if file.suffix == ".pb":
                whole.MergeFromString(file.read_bytes())
            elif file.suffix == ".json" and file.stem != "scenario" and ".logs" not in file.name:
                whole.MergeFromString(otlp_json.to_wire(Signal.TRACES, file.read_bytes()))
        if whole.resource_spans:  # some recordings are log records alone
            requests.append(whole)
    return requests


def renewed(request: ExportTraceServiceRequest, suffix: str) -> tuple[bytes, int]:
    """Return the request with new ids, other threads and the present time; and its span count."""
    copy = ExportTraceServiceRequest.FromString(request.SerializeToString())
    ids: dict[bytes, bytes] = {}
    spans = [s for r in copy.resource_spans for scope in r.scope_spans for s in scope.spans]
    shift = time.time_ns() - max(span.end_time_unix_nano for span in spans)
    for span in spans:
        span.trace_id = ids.setdefault(span.trace_id, secrets.token_bytes(16))
        span.span_id = ids.setdefault(span.span_id, secrets.token_bytes(8))
        if span.parent_span_id:
            span.parent_span_id = ids.setdefault(span.parent_span_id, secrets.token_bytes(8))
        span.start_time_unix_nano += shift
        span.end_time_unix_nano += shift
        for pair in span.attributes:
            if pair.value.string_value.endswith(("thread-alpha", "thread-beta")):
                pair.value.string_value += suffix
    return copy.SerializeToString(), len(spans)


def additions_s() -> float:
    """Return how long this interpreter takes for a loop of additions now."""
    started, number = time.perf_counter(), 0
    for i in range(ADDITIONS):
        number += i
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--save", nargs="?", const="derive", metavar="NAME")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core, DuckDB's threads too
        database = Database(f"{folder}/derive.duckdb", memory_limit_bytes=192 << 20)
        writer = BatchWriter(database)
        base, total, number = recorded(), 0, 0
        while total < options.spans:
            for scenario, request in enumerate(base):
                payload, count = renewed(request, f"-{scenario}-{number}")
                decoded = columns.decode(
                    [
                        Request(
                            signal=Signal.TRACES, payload=payload, received_unix_nano=time.time_ns()
                        )
                    ],
                    default_project="default",
                )
                writer.write(Batch(decoded.tables, logs.LOGS.empty_table()), lambda _: None)
                total += count
            number += 1
        writer.close()
        # In a server the writer's own commits checkpoint the WAL: what it holds is no work of deriving.
        database.checkpoint(whatever_size=True)
        store = DuckDBDerivedStore(database)
        started, position = time.perf_counter(), 0
        while position < writer.committed_sequence:
            work = store.pending(after=position, upto=writer.committed_sequence)
            for _ in store.spans(work, after=position):
                pass
            position = work.upto
        floor_s = time.perf_counter() - started
        profile = cProfile.Profile()
        process.tune()  # as the server and `rebuild` do
        rates, loops = [], []
        for _ in range(1 if options.profile else ROUNDS):
            store.reset()
            database.checkpoint(whatever_size=True)
            loops.append(additions_s())
            started = time.perf_counter()
            if options.profile:
                profile.enable()
            derive_all(store, writer.committed_sequence)
            profile.disable()
            rates.append(total / (time.perf_counter() - started))
        with database.cursor() as cursor:
            threads = cursor.execute("select count(*) from threads").fetchall()[0][0]
        database.close()
    report = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "command": " ".join(["benchmarks/derive.py", *sys.argv[1:]]),
        "spans": total,
        "threads": threads,
        "spans_per_s": round(statistics.median(rates)),
        "slowest_spans_per_s": round(min(rates)),
        "fastest_spans_per_s": round(max(rates)),
        "floor_spans_per_s": round(total / floor_s),
        "share_of_reading": round(floor_s * statistics.median(rates) / total, 2),
        "additions_s": round(statistics.median(loops), 2),
    }
    print(json.dumps(report))
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    if options.save:
        path = Path(__file__).parent / "results" / f"{options.save}.json"
        path.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
