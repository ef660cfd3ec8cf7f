"""The recorded conversations that come with the package, for demonstrations.

They lie in demo_captures/: one folder an instrumentation, requests as they were sent.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from otel_threads.core.changes import LoadedDemo
from otel_threads.core.model import Outcome, Request, Signal
from otel_threads.core.ports import Intake
from otel_threads.decode import otlp_json

PROJECT = "demo"
TIMEOUT_S = 60.0


class Sample(NamedTuple):
    """One request: its project, what it carries, its media type and its body."""

    project: str
    signal: Signal
    media_type: str
    body: bytes


def samples() -> Iterator[Sample]:
    """Return the recorded requests, in the order in which they were sent."""
    root = Path(str(resources.files("otel_threads"))) / "demo_captures"
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        for file in sorted(folder.iterdir()):
            if file.suffix not in (".pb", ".json"):
                continue
            signal = Signal.LOGS if file.name.endswith(".logs.pb") else Signal.TRACES
            kind = "json" if file.suffix == ".json" else "x-protobuf"
            project = f"{PROJECT}-{folder.name}"
            yield Sample(project, signal, f"application/{kind}", file.read_bytes())


def load(intake: Intake) -> LoadedDemo:
    """Store the samples as if they were received; return how many, and their projects.

    Raises:
        Overloaded, StoreClosed, Unavailable: not now.
    """
    waiting: list[tuple[Sample, Future[Outcome], int]] = []
    try:
        for sample in samples():
            is_json = sample.media_type.endswith("json")
            payload = otlp_json.to_wire(sample.signal, sample.body) if is_json else sample.body
            intake.reserve(len(payload))
            request = Request(
                signal=sample.signal,
                payload=payload,
                project=sample.project,
                received_unix_nano=time.time_ns(),
            )
            waiting.append((sample, intake.submit(request), len(payload)))
        outcomes = [(sample, future.result(TIMEOUT_S)) for sample, future, _ in waiting]
    finally:
        for _, _, size_bytes in waiting:
            intake.release(size_bytes)
    return LoadedDemo(
        request_count=len(outcomes),
        span_count=sum(o.accepted for s, o in outcomes if s.signal is Signal.TRACES),
        projects=sorted({sample.project for sample, _ in outcomes}),
    )
