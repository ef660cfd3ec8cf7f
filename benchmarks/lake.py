"""What a lake costs a node, and what it costs a reader, beside the node's own file.

    python benchmarks/lake.py [--spans 20000] [--catalog ADDRESS] [--data FOLDER]

Needs the extra `[lake]`. The recordings of tests/captures are stored with new ids and derived, then shipped; without a
catalog a SQLite one in a folder of its own. Prints JSON: seconds to store and derive, seconds to ship the same, bytes a
span in the file and in the lake, and for each question the median of REST's own services on both, with their ratio.
"""

import argparse
import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from derive import recorded, renewed

from otel_threads.core.config import Config
from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Batch
from otel_threads.database.database import Database
from otel_threads.decode import columns, logs
from otel_threads.derive.deriver import derive_all
from otel_threads.engine import FileEngine, LakeEngine, derive_again, last_sequence
from otel_threads.lake import owner, report
from otel_threads.lake.connection import place
from otel_threads.lake.shipper import Shipper
from otel_threads.store import outbox
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter

REPEATS = 7


def filled(path: str, spans: int) -> tuple[Database, int]:
    """Return a file with so many spans of the recordings, and how many it has."""
    database = Database(path, memory_limit_bytes=192 << 20)
    writer = BatchWriter(database)
    total, number = 0, 0
    while total < spans:
        for scenario, request in enumerate(recorded()):
            payload, count = renewed(request, f"-{scenario}-{number}")
            sent = Request(signal=Signal.TRACES, payload=payload, received_unix_nano=time.time_ns())
            decoded = columns.decode([sent], default_project="default")
            writer.write(Batch(decoded.tables, logs.LOGS.empty_table()), lambda _: None)
            total += count
        number += 1
    writer.close()
    return database, total


def timed(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def questions(engine) -> dict[str, Callable[[], object]]:
    threads = engine.services.threads
    key = threads.threads(project="*", limit=50).items[0]
    return {
        "list": lambda: threads.threads(project="*", limit=50),
        "header": lambda: threads.thread(key.thread_id, project=key.project),
        "turns": lambda: threads.turns(key.thread_id, project=key.project),
        "stats": lambda: threads.thread_stats(project="*"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--catalog")
    parser.add_argument("--data")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = asked.data or f"{folder}/lake"
        Path(data).mkdir(exist_ok=True)
        config = Config(
            database=f"{folder}/node.duckdb",
            lake_catalog=asked.catalog or f"sqlite:{folder}/catalog.sqlite",
            lake_data=data,
        )
        print(json.dumps(measured(config, asked.spans), indent=2))


def measured(config: Config, spans: int) -> dict[str, object]:
    started = time.perf_counter()
    database, stored = filled(config.database, spans)
    derive_all(DuckDBDerivedStore(database), last_sequence(database))
    stored_s = time.perf_counter() - started
    outbox.begin(database)
    where = place(config.lake_catalog, config.lake_data)
    shipper = Shipper(database, where)
    ship_s = timed(shipper.ship)
    shipper.close()
    database.close()
    file_bytes = Path(config.database).stat().st_size
    round_s = timed(
        lambda: owner.once(where, derive_again(config), node_name="benchmark", kept_s=0)
    )
    state = report.look(where, verify=True)
    assert state.differences == []
    found: dict[str, object] = {
        "spans": stored,
        "store_and_derive_s": round(stored_s, 2),
        "ship_s": round(ship_s, 2),
        "ship_share": round(ship_s / stored_s, 3),
        "maintenance_s": round(round_s, 2),
        "file_bytes_per_span": round(file_bytes / stored),
        "lake_bytes_per_span": round(state.file_bytes / stored),
    }
    node = FileEngine(config, writes=False)
    reader = LakeEngine(dataclasses.replace(config, memory_limit_bytes=512 << 20))
    theirs = questions(reader)
    for name, job in questions(node).items():
        times = [
            statistics.median(timed(one) for _ in range(REPEATS)) * 1000
            for one in (job, theirs[name])
        ]
        found[name] = {
            "file_ms": round(times[0], 1),
            "lake_ms": round(times[1], 1),
            "ratio": round(times[1] / times[0], 1),
        }
    reader.close()
    node.close()
    return found


if __name__ == "__main__":
    main()
