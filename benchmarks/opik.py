"""Traces a second by the calls of Opik's SDK, beside the same content over OTLP.

    python benchmarks/opik.py [--traces 100000] [--batch 1000]

Sends batches of traces, as the SDK does, to a server of its own, and after that the same as OTLP
spans; prints for each how many a second were acknowledged, and when all were derived.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

WORDS = "What are threads, and how do they group the traces of one conversation? " * 8
START_NS = 1_795_884_590_000_000_000
TRACES_IN_A_THREAD = 10


def serve(folder: Path) -> tuple[subprocess.Popen, dict]:
    """Start a server on an empty database; return it and its addresses."""
    ready = folder / "ready.json"
    names = ("otlp-grpc", "otlp-http", "http", "grpc")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "otel_threads", "serve"),
            *("--database", str(folder / "db.duckdb"), "--ready-file", str(ready)),
            *(f"--{name}-endpoint=127.0.0.1:0" for name in names),
        ],
        stdout=subprocess.DEVNULL,
    )
    while not ready.exists():
        time.sleep(0.05)
    return process, json.loads(ready.read_text())


def post(url: str, data: bytes, content_type: str) -> None:
    request = urllib.request.Request(url, data, {"content-type": content_type}, method="POST")
    with urllib.request.urlopen(request, timeout=120) as answer:
        answer.read()


def opik_batch(first: int, count: int) -> bytes:
    """Return the body of one batch of traces."""
    traces = [
        {
            "id": str(uuid.UUID(int=(0x01A22310 << 96) | (7 << 76) | (2 << 62) | i)),
            "project_name": "benchmark",
            "name": "chat",
            "start_time": "2026-11-28T16:49:50.000000Z",
            "end_time": "2026-11-28T16:49:51.000000Z",
            "last_updated_at": "2026-11-28T16:49:51.000000Z",
            "input": {"question": f"{i} {WORDS}"},
            "output": {"output": f"{i} {WORDS}"},
            "thread_id": f"thread-{i // TRACES_IN_A_THREAD}",
        }
        for i in range(first, first + count)
    ]
    return json.dumps({"traces": traces}, separators=(",", ":")).encode()


def otlp_batch(first: int, count: int) -> bytes:
    """Return the same as spans."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for i in range(first, first + count):
        span = spans.add(
            trace_id=(1 << 120 | i).to_bytes(16, "big"),
            span_id=(1 << 60 | i).to_bytes(8, "big"),
            name="chat",
            start_time_unix_nano=START_NS,
            end_time_unix_nano=START_NS + 1_000_000_000,
        )
        for key, value in {
            "input": json.dumps({"question": f"{i} {WORDS}"}),
            "output": json.dumps({"output": f"{i} {WORDS}"}),
            "thread_id": f"thread-{i // TRACES_IN_A_THREAD}",
        }.items():
            span.attributes.add(key=key).value.string_value = value
    return request.SerializeToString()


def measure(path: str, make, content_type: str, *, traces: int, batch: int) -> dict:
    """Return how many traces a second were acknowledged, and derived."""
    with tempfile.TemporaryDirectory() as folder:
        process, addresses = serve(Path(folder))
        base = f"http://{addresses['http']}"
        try:
            started = time.perf_counter()
            made_s = 0.0
            for first in range(0, traces, batch):
                before = time.perf_counter()
                data = make(first, min(batch, traces - first))
                made_s += time.perf_counter() - before
                post(base + path, data, content_type)
            sent_s = time.perf_counter() - started - made_s
            while True:
                with urllib.request.urlopen(f"{base}/api/v1/status") as answer:
                    status = json.load(answer)
                if status["derived_sequence"] >= status["committed_sequence"]:
                    break
                time.sleep(0.2)
            derived_s = time.perf_counter() - started - made_s
            return {
                "traces": status["traces"],
                "threads": status["threads"],
                "acknowledged_per_s": round(traces / sent_s),
                "derived_per_s": round(traces / derived_s),
                "database_mb": round(status["database_bytes"] / 1e6, 1),
            }
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    """Measure both ways, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=1000)
    options = parser.parse_args()
    sizes = {"traces": options.traces, "batch": options.batch}
    found = {
        "opik": measure("/api/v1/private/traces/batch", opik_batch, "application/json", **sizes),
        "otlp": measure("/v1/traces", otlp_batch, "application/x-protobuf", **sizes),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
