"""How long a run of scorers over threads takes, and the comparison of two runs.

    python benchmarks/evaluations.py [--threads 1000] [--pairs 10000] [--scorer repeated_question] [--save]

Threads of six turns are stored and derived first. Then `otel_threads.evaluate` scores all of them with one
scorer through REST, in this process; and two runs, each with a number and a yes or no of every item, are compared.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from builders import a_chat, a_request

import otel_threads
from otel_threads.core.config import Config
from otel_threads.core.model import Request, Signal
from otel_threads.engine import Engine
from otel_threads.on_file import in_process
from otel_threads.sdk.client import Client

TURNS, REQUEST_THREADS = 6, 100
BATCH = 1000


def main() -> None:
    """Run both and print what they took."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Config(database=f"{folder}/x.duckdb"))
        try:
            _fill(engine, options.threads)
            with in_process(engine.services) as client:
                found = _measured(client, options)
        finally:
            engine.close()
    text = json.dumps(found, indent=1)
    print(text)
    if options.save:
        target = Path(__file__).parent / "results" / "evaluate.json"
        target.write_text(text + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--threads", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--scorer", default="repeated_question")
    parser.add_argument("--save", action="store_true")
    return parser.parse_args()


def _measured(client: Client, options: argparse.Namespace) -> dict[str, Any]:
    begun = time.perf_counter()
    run = otel_threads.evaluate(
        scorers=[options.scorer], name="benchmark", client=client, progress=False
    )
    evaluate_s = time.perf_counter() - begun
    assert run.run["counts"]["items"] == options.threads
    base, candidate = (_run(client, name, options.pairs) for name in ("base", "candidate"))
    begun = time.perf_counter()
    compared = client.compare_evaluations(base, candidate)
    compare_s = time.perf_counter() - begun
    assert {one["pair_count"] for one in compared["scores"].values()} == {options.pairs}
    return {
        "threads": options.threads,
        "turns": options.threads * TURNS,
        "scorer": options.scorer,
        "evaluate_s": round(evaluate_s, 2),
        "pairs": options.pairs,
        "scores": len(compared["scores"]),
        "compare_s": round(compare_s, 2),
    }


def _fill(engine: Engine, threads: int) -> None:
    draw = random.Random(1)
    words = [f"word{n}" for n in range(2000)]
    now = time.time_ns() - 10**12

    def said() -> str:
        return " ".join(draw.choices(words, k=20))

    for first in range(0, threads, REQUEST_THREADS):
        spans = [
            a_chat(f"thread-{n:06}", said(), said(), start=now + n * 1000 + turn * 10**9)
            for n in range(first, min(threads, first + REQUEST_THREADS))
            for turn in range(TURNS)
        ]
        request = Request(
            signal=Signal.TRACES,
            payload=a_request(*spans),
            project=None,
            received_unix_nano=time.time_ns(),
        )
        engine.intake.submit(request).result(60)
    engine.deriver.wait(engine.writer.committed_sequence, 600)


def _run(client: Client, name: str, pairs: int) -> str:
    draw = random.Random(name)
    run = client.create_evaluation(name, [{"name": "quality"}, {"name": "solved"}])
    for first in range(0, pairs, BATCH // 2):
        rows = []
        for n in range(first, min(pairs, first + BATCH // 2)):
            about = {"item_id": f"item-{n}"}
            quality = {"name": "quality", "scorer": "quality", "value": draw.random()}
            solved = {"name": "solved", "scorer": "solved", "value": float(draw.random() < 0.8)}
            rows += [about | quality, about | solved]
        client.put_results(run["evaluation_id"], rows)
    return str(run["evaluation_id"])


if __name__ == "__main__":
    main()
