"""What a lake costs a node, and what it costs a reader, beside a node's own file.

    python benchmarks/lake.py [--spans 20000] [--generated 1000000] [--nodes 4] [--keep FOLDER]
        [--catalog ADDRESS] [--data FOLDER] [--save]

Needs the extra `[lake]`; without a catalog a SQLite one in a folder of its own. Prints JSON:
`node`: seconds to store and derive the recordings of tests/captures, with shipping and without, in
turn. `reader`: as many spans as query.py generates, in the files of several nodes that ship, and in
one file; for each question the median of REST's own services on both, with ids of its own each time.
"""

import argparse
import dataclasses
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from derive import recorded, renewed
from query import SPANS_A_TRACE, TRACES_A_THREAD, build

from otel_threads.core.config import Config
from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Batch
from otel_threads.database.database import Database
from otel_threads.decode import columns, logs
from otel_threads.derive.deriver import derive_all
from otel_threads.engine import FileEngine, LakeEngine, derive_again, last_sequence
from otel_threads.lake import owner, report
from otel_threads.lake.connection import place
from otel_threads.lake.shipper import Shipper, ShippingLoop
from otel_threads.store import outbox
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter

REPEATS, TURNS = 9, 3
DERIVED_EVERY = 1000  # spans; a server's deriver has a second's
RESULTS = Path(__file__).parent / "results/lake.json"


def timed(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def fill(database: Database, spans: int) -> None:
    """Store and derive so many spans of the recordings, with new ids."""
    writer, derived = BatchWriter(database), DuckDBDerivedStore(database)
    total = pending = number = 0
    while total < spans:
        for scenario, request in enumerate(recorded()):
            payload, count = renewed(request, f"-{scenario}-{number}")
            sent = Request(signal=Signal.TRACES, payload=payload, received_unix_nano=time.time_ns())
            decoded = columns.decode([sent], default_project="default")
            writer.write(Batch(decoded.tables, logs.LOGS.empty_table()), lambda _: None)
            total += count
            pending += count
            if pending >= DERIVED_EVERY:
                derive_all(derived, last_sequence(database))
                pending = 0
        number += 1
    writer.close()
    derive_all(derived, last_sequence(database))


def filled_s(config: Config, spans: int, *, ships: bool) -> tuple[float, int]:
    """Return the seconds that storing and deriving take, and the bytes of the file, or the lake."""
    Path(config.lake_data).mkdir(parents=True)
    database = Database(config.database, memory_limit_bytes=192 << 20)
    if not ships:
        seconds = timed(lambda: fill(database, spans))
        database.close()
        return seconds, Path(config.database).stat().st_size
    outbox.begin(database)
    where = place(config.lake_catalog, config.lake_data)
    shipper = Shipper(database, where)
    shipper.ship()  # makes the lake
    loop = ShippingLoop(shipper, every_s=config.lake_ship_every_s)
    seconds = timed(lambda: fill(database, spans))
    loop.close()
    last = Shipper(database, where)
    last.ship()
    last.close()
    database.close()
    owner.once(where, derive_again(config), node_name="benchmark", kept_s=0)
    state = report.look(where, verify=True)
    assert state.differences == []
    return seconds, state.file_bytes


def of_node(config: Config, spans: int) -> dict[str, object]:
    """Measure what shipping costs a node."""
    found: dict[bool, list[tuple[float, int]]] = {False: [], True: []}
    for n in range(2 * TURNS):
        folder = f"{Path(config.database).parent}/turn-{n}"
        own = dataclasses.replace(
            config,
            database=f"{folder}/node.duckdb",
            lake_catalog=f"sqlite:{folder}/catalog.sqlite",
            lake_data=f"{folder}/lake",
        )
        found[n % 2 == 1].append(filled_s(own, spans, ships=n % 2 == 1))
    alone_s, shipping_s = (statistics.median(s for s, _ in found[ships]) for ships in (False, True))
    return {
        "spans": spans,
        "alone_s": round(alone_s, 2),
        "shipping_s": round(shipping_s, 2),
        "cost_share": round(shipping_s / alone_s - 1, 3),
        "file_bytes_per_span": round(found[False][0][1] / spans),
        "lake_bytes_per_span": round(found[True][0][1] / spans),
    }


def of_reader(config: Config, spans: int, nodes: int) -> dict[str, object]:
    """Measure what is asked of a reader, and of one file with the same."""
    threads = spans // (TRACES_A_THREAD * SPANS_A_TRACE)
    where = place(config.lake_catalog, config.lake_data)
    found: dict[str, object] = {"spans": spans, "threads": threads, "nodes": nodes}
    folder = Path(config.database).parent
    if not Path(config.database).exists():
        found["build_s"] = round(build(config.database, threads), 1)
        ship_s = 0.0
        for node in range(nodes):
            file = str(folder / f"node-{node}.duckdb")
            build(file, threads, node=node, nodes=nodes)
            ship_s += shipped_s(file, where)
            Path(file).unlink()
            print(f"  node {node} is shipped", file=sys.stderr)
        found["ship_s"] = round(ship_s, 1)
        round_s = timed(
            lambda: owner.once(where, derive_again(config), node_name="benchmark", kept_s=0)
        )
        found["join_and_maintain_s"] = round(round_s, 1)
    state = report.look(where)
    found["files"] = state.files
    found["file_bytes_per_span"] = round(Path(config.database).stat().st_size / spans, 1)
    found["lake_bytes_per_span"] = round(state.file_bytes / spans, 1)
    node = FileEngine(config, writes=False)
    reader = LakeEngine(dataclasses.replace(config, memory_limit_bytes=512 << 20))
    for name in questions(node, threads, random.Random(1)):
        found[name] = compared(name, node, reader, threads)
        print(f"  {name}: {found[name]}", file=sys.stderr)
    reader.close()
    node.close()
    return found


def shipped_s(file: str, where) -> float:
    database = Database(file, memory_limit_bytes=512 << 20)
    outbox.begin(database)
    shipper = Shipper(database, where)
    seconds = timed(shipper.ship)
    shipper.close()
    database.close()
    return seconds


def questions(engine, threads: int, dice: random.Random) -> dict[str, Callable[[], object]]:
    """Return what is asked, of a thread that the dice choose."""
    service = engine.services.threads
    one = f"chat-{dice.randrange(threads)}"
    return {
        "list": lambda: service.threads(project="default", limit=50),
        "list of all projects": lambda: service.threads(project="*", limit=50),
        "header": lambda: service.thread(one, project="default"),
        "turns": lambda: service.turns(one, project="default"),
        "thread with its spans": lambda: service.transcript(one, project="default"),
        "stats": lambda: service.thread_stats(project="*"),
    }


def compared(name: str, node, reader, threads: int) -> dict[str, float]:
    """Ask both in turn, so that noise falls on both alike; beside wall time the processor's, which
    what else runs on the machine distorts less."""
    times: dict[str, list[float]] = {"file": [], "lake": []}
    processor: dict[str, list[float]] = {"file": [], "lake": []}
    dice = random.Random(name)
    for _ in range(REPEATS + 1):
        seed = dice.random()
        for kind, engine in (("file", node), ("lake", reader)):
            job = questions(engine, threads, random.Random(seed))[name]
            before = time.process_time()
            times[kind].append(timed(job) * 1000)
            processor[kind].append((time.process_time() - before) * 1000)
    found: dict[str, float] = {}
    for unit, of in (("ms", times), ("cpu_ms", processor)):
        file, lake = (statistics.median(of[kind][1:]) for kind in ("file", "lake"))
        found |= {f"file_{unit}": round(file, 1), f"lake_{unit}": round(lake, 1)}
        found[f"{unit.replace('ms', 'ratio')}"] = round(lake / file, 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--generated", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--keep", help="where the files are; made when they are not there")
    parser.add_argument("--catalog")
    parser.add_argument("--data")
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    found: dict[str, object] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "command": "benchmarks/lake.py " + " ".join(sys.argv[1:]),
    }
    with tempfile.TemporaryDirectory() as folder:
        home = Path(asked.keep or folder)
        data = asked.data or f"{home}/lake"
        if "://" not in data:
            Path(data).mkdir(exist_ok=True, parents=True)
        config = Config(
            database=f"{home}/one.duckdb",
            lake_catalog=asked.catalog or f"sqlite:{home}/catalog.sqlite",
            lake_data=data,
        )
        if asked.generated:
            found["reader"] = of_reader(config, asked.generated, asked.nodes)
        if asked.spans:
            own = dataclasses.replace(config, database=f"{folder}/x.duckdb")
            found["node"] = of_node(own, asked.spans)
    print(json.dumps(found, indent=1))
    if asked.save:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
