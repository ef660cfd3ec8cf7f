"""What it costs that an agent sends its whole history with each request: bytes, storing, deriving, reading.

    python benchmarks/history.py [--threads 10] [--turns 100] [--rounds 3] [--as spans] [--code FOLDER]
        [--save [NAME]]

Each turn is a trace of two spans, an agent's and a model request's, and both have the messages so far:
2.6 kB are new in each turn. `--as opik` and `--as langsmith` send them as the SDKs of these do: each
once as it starts, with its input, and once as it ends, with both; `--as 1kB` and `--as 4kB` spans of
random words without a history. All of it runs in this process, as the server's threads would run it, and is
told in seconds of CPU. With `--code FOLDER` (a checkout of other code) both are measured in turn.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from load import WORDS, Template
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from otel_threads.core.ports import Batch

RESULTS = Path(__file__).parent / "results"
TURN_CHARS = 2600
WITHOUT_HISTORY = {"1kB": 1000, "4kB": 4000}  # spans of random words, for the price of looking
SENT_AS = ("spans", "opik", "langsmith", *WITHOUT_HISTORY)


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
    return {"role": role, "parts": [{"type": "text", "content": words(dice, chars)}]}


def words(dice: random.Random, chars: int) -> str:
    return " ".join(dice.choices(WORDS, k=chars // 7))


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


def batches_as_spans(threads: int, turns: int) -> tuple[int, Iterator[Batch]]:
    """Return the bytes on the wire, and what the writer gets of them."""
    return batches_of(requests(threads, turns))


def batches_without_history(
    threads: int, turns: int, span_bytes: int
) -> tuple[int, Iterator[Batch]]:
    """Return the same of spans that share nothing, as many of them as ten a turn."""
    dice = np.random.default_rng(1)
    made = (
        Template(spans=512, span_bytes=span_bytes, seed=n) for n in range(threads * turns // 50)
    )
    return batches_of([template.fresh(dice) for template in made])


def batches_of(payloads: list[bytes]) -> tuple[int, Iterator[Batch]]:
    """Return the bytes of requests, and what the writer gets of them, eight at once."""
    from otel_threads.core.model import Request, Signal
    from otel_threads.core.ports import Batch
    from otel_threads.decode import columns, logs

    nothing, _ = logs.decode([], event_names=(), default_project="default")

    def decoded() -> Iterator[Batch]:
        for at in range(0, len(payloads), 8):
            group = [
                Request(
                    signal=Signal.TRACES, payload=p, project=None, received_unix_nano=time.time_ns()
                )
                for p in payloads[at : at + 8]
            ]
            yield Batch(columns.decode(group, default_project="default").tables, nothing)

    return sum(map(len, payloads)), decoded()


def batches_as_records(threads: int, turns: int, vendor: str) -> tuple[int, Iterator[Batch]]:
    """Return the same of a vendor's SDK; what its requests hold is read as its door does."""
    from otel_threads.core.ports import Batch
    from otel_threads.decode import logs
    from otel_threads.decode.tables import EMPTY
    from otel_threads.vendors.langsmith import records as langsmith
    from otel_threads.vendors.langsmith.multipart import Part
    from otel_threads.vendors.opik import records as opik

    nothing = logs.LOGS.empty_table()
    made: list[Any] = []
    wire_bytes = 0
    for number, (thread, messages, answer) in enumerate(conversations(threads, turns)):
        for is_whole in (False, True):
            some = [
                step(vendor, number, n, thread, messages, answer, is_whole=is_whole)
                for n in range(2)
            ]
            if vendor == "opik":
                bodies = [json.dumps({"traces": some[:1]}), json.dumps({"spans": some[1:]})]
                made.append(bodies)
                wire_bytes += sum(map(len, bodies))
            else:
                parts = [part for one in some for part in parts_of(one, is_whole=is_whole)]
                made.append([Part(name, "application/json", text) for name, text in parts])
                wire_bytes += sum(len(text) for _, text in parts)

    def read() -> Iterator[Batch]:
        for group in made:
            if vendor == "opik":
                found = [*opik.batch(group[0], "trace"), *opik.batch(group[1], "span")]
            else:
                found = langsmith.of_multipart(group, langsmith.Known(), values_max=200_000).records
            now = time.time_ns()
            yield Batch(EMPTY, nothing, records=[(record, now) for record in found])

    return wire_bytes, read()


def conversations(threads: int, turns: int) -> Iterator[tuple[str, list[dict], dict]]:
    """Yield thread, messages so far and answer of each turn, threads taking turns."""
    dice = random.Random(1)
    histories: list[list[dict]] = [[] for _ in range(threads)]
    for _ in range(turns):
        for thread, history in enumerate(histories):
            history.append({"role": "user", "content": words(dice, TURN_CHARS // 5)})
            answer = {"role": "assistant", "content": words(dice, TURN_CHARS * 4 // 5)}
            yield f"thread-{thread}", list(history), answer
            history.append(answer)


def step(
    vendor: str,
    number: int,
    n: int,
    thread: str,
    messages: list[dict],
    answer: dict,
    *,
    is_whole: bool,
) -> dict:
    """Return an agent's (0) or a model request's (1) step as a vendor's SDK writes it."""
    ids = [f"01a22310-{number:04x}-7000-8000-{i:012x}" for i in range(2)]
    began = datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC) + datetime.timedelta(
        seconds=number, milliseconds=n
    )
    start, end = began.isoformat(), (began + datetime.timedelta(seconds=0.5)).isoformat()
    given = {"messages": messages} if n == 0 else {"model": "gpt-4o-mini", "messages": messages}
    told = {"choices": [{"index": 0, "message": answer}]} if n else {"output": answer["content"]}
    if vendor == "opik":
        made = {"id": ids[n], "project_name": "bench", "name": "chat", "start_time": start}
        made |= {"thread_id": thread} if n == 0 else {"trace_id": ids[0], "type": "llm"}
        made |= {"input": given, "source": "sdk"}
        ended = {"end_time": end, "output": told, "last_updated_at": end}
        return made | (ended if is_whole else {"last_updated_at": start})
    orders = [f"{began:%Y%m%dT%H%M%S%f}Z{one}" for one in ids[: n + 1]]
    return {
        "id": ids[n],
        "trace_id": ids[0],
        "dotted_order": ".".join(orders),
        "parent_run_id": ids[0] if n else None,
        "start_time": start,
        "session_name": "bench",
        "name": "ChatOpenAI" if n else "chat",
        "run_type": "llm" if n else "chain",
        "end_time": end if is_whole else None,
        "inputs": given,
        "outputs": told if is_whole else {},
        "extra": {"metadata": {"session_id": thread, "ls_model_name": "gpt-4o-mini"}},
    }


def parts_of(run: dict, *, is_whole: bool) -> Iterator[tuple[str, bytes]]:
    """Yield the parts of a multipart request that tell of a run: a post, or a patch at its end."""
    name = f"{'patch' if is_whole else 'post'}.{run['id']}"
    own = ("inputs", "outputs", "extra")
    yield name, json.dumps({key: run[key] for key in run if key not in own}).encode()
    for key in own:
        yield f"{name}.{key}", json.dumps(run[key]).encode()


def measure(threads: int, turns: int, sent_as: str) -> dict[str, float]:
    """Return what storing and deriving take with the code that this process imports."""
    from otel_threads import process
    from otel_threads.database.database import Database
    from otel_threads.derive.deriver import derive_all
    from otel_threads.store.derived.derived_store import DuckDBDerivedStore
    from otel_threads.store.spans.writer import BatchWriter
    from otel_threads.vendors.rules import RULES

    process.tune()  # as the server does
    if sent_as in WITHOUT_HISTORY:
        span_bytes = WITHOUT_HISTORY[sent_as]
        wire_bytes, batches = batches_without_history(threads, turns, span_bytes)
    elif sent_as == "spans":
        wire_bytes, batches = batches_as_spans(threads, turns)
    else:
        wire_bytes, batches = batches_as_records(threads, turns, sent_as)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"{folder}/x.duckdb", memory_limit_bytes=128 << 20)
        writer, derived = BatchWriter(database), DuckDBDerivedStore(database, RULES)
        started, cpu = time.perf_counter(), time.process_time()
        for batch in batches:
            writer._commit([batch])
        database.checkpoint(whatever_size=True)
        store_s, store_cpu_s = time.perf_counter() - started, time.process_time() - cpu
        raw_bytes = Path(f"{folder}/x.duckdb").stat().st_size
        cpu = time.process_time()
        derive_all(derived, writer.committed_sequence)
        derive_cpu_s = time.process_time() - cpu
        database.checkpoint(whatever_size=True)
        file_bytes = Path(f"{folder}/x.duckdb").stat().st_size
        with database.cursor() as cursor:
            query = "select trace_id from turns order by start_time desc limit 1"
            trace_id = cursor.execute(query).fetchone()[0]
            cpu = time.process_time()
            query = "select max(length(value)) from span_content where trace_id = ?"
            longest = cursor.execute(query, [trace_id]).fetchone()[0]
            read_s = time.process_time() - cpu
            turn_count = cursor.execute("select count(*) from turns").fetchone()[0]
        writer.close()
        database.close()
    assert turn_count == threads * turns or sent_as in WITHOUT_HISTORY, turn_count
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


def child(code: Path, threads: int, turns: int, sent_as: str) -> dict[str, float]:
    """Return what another process measures with the code of a folder."""
    told = subprocess.run(
        [
            *(sys.executable, __file__, "--measure", "--threads", str(threads)),
            *("--turns", str(turns), "--as", sent_as),
        ],
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
    parser.add_argument("--as", dest="sent_as", default="spans", choices=SENT_AS)
    parser.add_argument("--code", type=Path, help="a checkout to compare with")
    parser.add_argument(
        "--measure", action="store_true", help="once, with what is imported; print JSON"
    )
    parser.add_argument("--save", nargs="?", const="history", help="write results/NAME.json")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.threads, given.turns, given.sent_as)))
        return
    codes = {"this": Path(__file__).parent.parent}
    if given.code:
        codes["other"] = given.code
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in codes}
    for _ in range(given.rounds):
        for name, code in codes.items():
            rounds[name].append(child(code.resolve(), given.threads, given.turns, given.sent_as))
    medians = {
        name: {key: statistics.median(r[key] for r in some) for key in some[0]}
        for name, some in rounds.items()
    }
    print("| | " + " | ".join(codes) + " |\n| --- |" + " ---: |" * len(codes))
    for key in medians["this"]:
        print(f"| {key} | " + " | ".join(f"{medians[name][key]:,.2f}" for name in codes) + " |")
    if given.save:
        load = {"threads": given.threads, "turns": given.turns, "as": given.sent_as}
        result = {**load, "rounds": given.rounds, **medians}
        (RESULTS / f"{given.save}.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
