"""What it costs that an agent sends its whole history with each request: bytes, storing, deriving, reading.

    python benchmarks/history.py [--threads 10] [--turns 100] [--rounds 3] [--code FOLDER] [--save [NAME]]

Each turn is a trace of two spans, an agent's and a model request's, and both have the messages so far:
2.6 kB are new in each turn. All of it runs in this process, as the server's threads would run it, and is
told in seconds of CPU. With `--code FOLDER` (a checkout of other code) both are measured in turn.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from load import WORDS
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

RESULTS = Path(__file__).parent / "results"
TURN_CHARS = 2600


def requests(threads: int, turns: int) -> list[bytes]:
    """Return a request a turn, threads taking turns, as they would arrive."""
    dice = random.Random(1)
    histories: list[list[dict]] = [[] for _ in range(threads)]
    made = []
    start = time.time_ns() - threads * turns * 1_000_000_000
    for turn in range(turns):
        for thread in range(threads):
            history = histories[thread]
            history.append(said("user", dice, TURN_CHARS // 5))
            text = json.dumps(history)
            answer = said("assistant", dice, TURN_CHARS * 4 // 5)
            start += 1_000_000_000
            made.append(
                request(
                    f"thread-{thread}", text, json.dumps([answer]), start, turn * threads + thread
                )
            )
            history.append(answer)
    return made


def said(role: str, dice: random.Random, chars: int) -> dict:
    words = " ".join(dice.choices(WORDS, k=chars // 7))
    return {"role": role, "parts": [{"type": "text", "content": words}]}


def request(thread: str, messages: str, answer: str, start: int, number: int) -> bytes:
    made = ExportTraceServiceRequest()
    resource = made.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "bench"
    spans = resource.scope_spans.add().spans
    trace_id = (number + 1).to_bytes(16, "big")
    for n, operation in enumerate(("invoke_agent", "chat")):
        span = spans.add(trace_id=trace_id, span_id=(2 * number + n + 1).to_bytes(8, "big"))
        span.name = operation
        if n:
            span.parent_span_id = (2 * number + 1).to_bytes(8, "big")
        span.start_time_unix_nano = start + n * 1000
        span.end_time_unix_nano = start + 900_000_000 - n * 1000
        put = span.attributes.add
        put(key="gen_ai.operation.name").value.string_value = operation
        put(key="gen_ai.conversation.id").value.string_value = thread
        put(key="gen_ai.request.model").value.string_value = "gpt-4o-mini"
        put(key="gen_ai.input.messages").value.string_value = messages
        put(key="gen_ai.output.messages").value.string_value = answer
        put(key="gen_ai.usage.input_tokens").value.int_value = len(messages) // 4
        put(key="gen_ai.usage.output_tokens").value.int_value = len(answer) // 4
    return made.SerializeToString()


def measure(threads: int, turns: int) -> dict[str, float]:
    """Return what storing and deriving take with the code that this process imports."""
    from otel_threads.core.model import Request, Signal
    from otel_threads.core.ports import Batch
    from otel_threads.database.database import Database
    from otel_threads.decode import columns, logs
    from otel_threads.derive.deriver import derive_all
    from otel_threads.store.derived.derived_store import DuckDBDerivedStore
    from otel_threads.store.spans.writer import BatchWriter

    payloads = requests(threads, turns)
    wire_bytes = sum(map(len, payloads))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"{folder}/x.duckdb", memory_limit_bytes=128 << 20)
        writer, derived = BatchWriter(database), DuckDBDerivedStore(database)
        nothing, _ = logs.decode([], event_names=(), default_project="default")
        started, cpu = time.perf_counter(), time.process_time()
        for at in range(0, len(payloads), 8):
            group = [
                Request(
                    signal=Signal.TRACES, payload=p, project=None, received_unix_nano=time.time_ns()
                )
                for p in payloads[at : at + 8]
            ]
            writer._commit(
                [Batch(columns.decode(group, default_project="default").tables, nothing)]
            )
        database.checkpoint(whatever_size=True)
        store_s, store_cpu_s = time.perf_counter() - started, time.process_time() - cpu
        raw_bytes = Path(f"{folder}/x.duckdb").stat().st_size
        cpu = time.process_time()
        derive_all(derived, writer.committed_sequence)
        derive_cpu_s = time.process_time() - cpu
        database.checkpoint(whatever_size=True)
        file_bytes = Path(f"{folder}/x.duckdb").stat().st_size
        with database.cursor() as cursor:
            cpu = time.process_time()
            trace_id = f"{len(payloads):032x}"
            query = "select max(length(value)) from span_content where trace_id = ?"
            longest = cursor.execute(query, [trace_id]).fetchone()[0]
            read_s = time.process_time() - cpu
            turn_count = cursor.execute("select count(*) from turns").fetchone()[0]
        writer.close()
        database.close()
    assert turn_count == threads * turns, turn_count
    return {
        "wire MB": wire_bytes / 1e6,
        "distinct MB": threads * turns * TURN_CHARS / 1e6,
        "longest value kB": longest / 1e3,
        "store s": store_s,
        "store CPU s": store_cpu_s,
        "store MB/s": wire_bytes / 1e6 / store_s,
        "derive CPU s": derive_cpu_s,
        "raw file MB": raw_bytes / 1e6,
        "file MB": file_bytes / 1e6,
        "read a value ms": read_s * 1000,
    }


def child(code: Path, threads: int, turns: int) -> dict[str, float]:
    """Return what another process measures with the code of a folder."""
    told = subprocess.run(
        [sys.executable, __file__, "--measure", "--threads", str(threads), "--turns", str(turns)],
        env=os.environ | {"PYTHONPATH": str(code)},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(told.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=10)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--code", type=Path, help="a checkout to compare with")
    parser.add_argument(
        "--measure", action="store_true", help="once, with what is imported; print JSON"
    )
    parser.add_argument("--save", nargs="?", const="history", help="write results/NAME.json")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.threads, given.turns)))
        return
    codes = {"this": Path(__file__).parent.parent}
    if given.code:
        codes["other"] = given.code
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
    for _ in range(given.rounds):
        for name, code in codes.items():
            rounds[name].append(child(code.resolve(), given.threads, given.turns))
    medians = {
        name: {key: statistics.median(r[key] for r in some) for key in some[0]}
        for name, some in rounds.items()
    }
    print("| | " + " | ".join(codes) + " |\n| --- |" + " ---: |" * len(codes))
    for key in medians["this"]:
        print(f"| {key} | " + " | ".join(f"{medians[name][key]:,.2f}" for name in codes) + " |")
    if given.save:
        result = {"threads": given.threads, "turns": given.turns, "rounds": given.rounds, **medians}
        (RESULTS / f"{given.save}.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
