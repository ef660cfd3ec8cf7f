"""What a turn costs as its thread grows: CPU of storing and deriving, and bytes, around turns 10, 100, 1,000.

    python benchmarks/turn_growth.py [--turns 1000] [--rounds 3] [--save]

One thread, each request with the whole history twice (an agent's span and a model request's). Around these
turns ten are each committed and derived for themselves, as they come (those between are sent as history alone); bytes are those of all texts that their
commits add, in raw and derived rows. The rates are told against those around turn 10.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

from history import TURN_CHARS, batches_of, request, said

from otel_threads import process
from otel_threads.database.database import Database
from otel_threads.derive.deriver import derive_all
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.spans.writer import BatchWriter

WINDOW, UNMEASURED = 10, 3  # turns that are sent before each place; those between are skipped
RESULT = Path(__file__).parent / "results" / "turn_growth.json"
BYTES_SQL = """
    select (select sum(strlen(value)) from x_content_chunks) + (select sum(strlen(text)) from messages)
        + (select sum(strlen(payload)) from x_part_payloads)
        + (select sum(strlen(coalesce("user", '')) + strlen(coalesce(assistant, ''))) from turns)
"""


def measure(turns: int) -> dict[int, dict[str, float]]:
    """Return what a turn takes, by where the ten turns end that were looked at."""
    import random

    dice, history = random.Random(1), []
    ends = [turn for turn in (10 + WINDOW // 2, 100, 1000, 10_000) if turn <= turns]
    found: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"{folder}/x.duckdb", memory_limit_bytes=128 << 20)
        writer, derived = BatchWriter(database), DuckDBDerivedStore(database)
        cpu = {"store": 0.0, "derive": 0.0}
        before_bytes = 0
        start = time.time_ns() - turns * 1_000_000_000
        for turn in range(1, ends[-1] + 1):
            history.append(said("user", dice, TURN_CHARS // 5))
            answer = said("assistant", dice, TURN_CHARS * 4 // 5)
            start += 1_000_000_000
            end = next(one for one in ends if one >= turn)
            if turn <= end - WINDOW - UNMEASURED:  # it is only told by the next ones
                history.append(answer)
                continue
            texts = json.dumps(history), json.dumps([answer])
            _, batches = batches_of([request("thread", *texts, start, turn)])
            history.append(answer)
            if turn == end - WINDOW + 1:
                derive_all(derived, writer.committed_sequence)
                cpu = dict.fromkeys(cpu, 0.0)
                before_bytes = stored_bytes(database)
            began = time.process_time()
            for batch in batches:
                writer._commit([batch])
            stored = time.process_time()
            if turn > end - WINDOW:
                derive_all(derived, writer.committed_sequence)
            cpu["store"] += stored - began
            cpu["derive"] += time.process_time() - stored
            if turn == end:
                found[turn] = {
                    "store CPU ms": cpu["store"] * 1000 / WINDOW,
                    "derive CPU ms": cpu["derive"] * 1000 / WINDOW,
                    "bytes": (stored_bytes(database) - before_bytes) / WINDOW,
                }
        writer.close()
        database.close()
    return found


def stored_bytes(database: Database) -> int:
    with database.cursor() as cursor:
        return cursor.execute(BYTES_SQL).fetchone()[0] or 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    process.tune()
    rounds = [measure(given.turns) for _ in range(given.rounds)]
    report: dict[str, object] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "command": " ".join(["benchmarks/turn_growth.py", *sys.argv[1:]]),
    }
    for turn in rounds[0]:
        names = rounds[0][turn]
        report[f"turn {turn}"] = {
            name: round(statistics.median(one[turn][name] for one in rounds), 2) for name in names
        }
    print(json.dumps(report, indent=1))
    if given.save:
        RESULT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
