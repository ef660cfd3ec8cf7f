"""What `ThreadSpanProcessor` costs a span: spans with it, beside the same without, in one run.

    python benchmarks/processor.py [--save]

The floor is `start_span` and `end` of the SDK with a processor that does nothing.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from otel_threads import ThreadSpanProcessor, thread

SPANS, ROUNDS = 2000, 25


class Nothing(SpanProcessor):
    """The floor."""

    def on_start(self, span, parent_context=None):
        """Do nothing."""


def microseconds(tracer) -> float:
    """Return the time of one span."""
    started = time.perf_counter()
    for _ in range(SPANS):
        tracer.start_span("chat").end()
    return (time.perf_counter() - started) / SPANS * 1e6


def main() -> None:
    """Measure the cases in turn, round after round, so that noise falls on all of them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--save", action="store_true")
    given = arguments.parse_args()
    tracers = {}
    for name, processor in (("floor", Nothing()), ("ours", ThreadSpanProcessor())):
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        tracers[name] = provider.get_tracer("bench")
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        times.setdefault("floor", []).append(microseconds(tracers["floor"]))
        times.setdefault("ours, outside of any thread", []).append(microseconds(tracers["ours"]))
        with thread("chat-1"):
            times.setdefault("ours, an id", []).append(microseconds(tracers["ours"]))
        with thread("chat-1", user_id="ada", tags=["a"], metadata={"plan": "pro"}):
            times.setdefault("ours, id, user, tags, metadata", []).append(
                microseconds(tracers["ours"])
            )
    floor = statistics.median(times["floor"])
    found = {}
    for name, measured in times.items():
        # Paired by round: the machine's speed changes from one to the next.
        extra = statistics.median(a - b for a, b in zip(measured, times["floor"], strict=True))
        found[name] = {
            "us_a_span": round(statistics.median(measured), 2),
            "extra_us": round(extra, 2),
            "of_floor": round(extra / floor, 3),
        }
        print(f"{name:<34} {found[name]}")
    if given.save:
        saved = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "command": "benchmarks/processor.py " + " ".join(sys.argv[1:]),
            "cases": found,
        }
        path = Path(__file__).parent / "results/processor.json"
        path.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
