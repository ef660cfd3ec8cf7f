"""How long after its acknowledgement a conversation can be read, while 1,000 spans/s arrive.

    python benchmarks/visibility.py [--seconds 20] [--burst 200000] [--save]

Then a burst, as fast as the server answers, and the time until the last of it is in the threads.
Nothing may be lost: the counts are compared.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
from ingest import METHOD, serve, status
from load import Template

SPANS_PER_REQUEST = 8  # one trace
RATE = 1000
SENDERS = 8


def visible(base: str, payload: bytes) -> float:
    """Return seconds until the conversation of a request can be read."""
    at = payload.index(b"thread-") + 7
    thread = f"thread-{payload[at : at + 12].decode()}"
    trace = payload[payload.index(b"\x0a\x10") + 2 :][:16].hex()
    query = urllib.parse.urlencode({"thread_id": thread, "limit": 1000})
    started = time.monotonic()
    while True:
        try:
            with urllib.request.urlopen(f"{base}/traces?{query}", timeout=30) as answer:
                if any(item["trace_id"] == trace for item in json.load(answer)["items"]):
                    return time.monotonic() - started
        except urllib.error.HTTPError:
            pass
        time.sleep(0.05)


def steady(addresses: dict, seconds: float) -> dict:
    """Send at RATE from eight threads, a trace a request, and probe twice a second."""
    base = f"http://{addresses['http']}/api/v1"
    waits, probes, lock = [], [], threading.Lock()
    started = time.monotonic()

    def send(seed: int) -> None:
        template = Template(spans=SPANS_PER_REQUEST, span_bytes=2000, seed=seed)
        dice, sent = np.random.default_rng(seed), 0
        with grpc.insecure_channel(addresses["otlp_grpc"]) as channel:
            call = channel.unary_unary(METHOD)
            while (now := time.monotonic() - started) < seconds:
                if sent >= now * RATE / SENDERS:
                    time.sleep(0.001)
                    continue
                payload = template.fresh(dice)
                asked = time.monotonic()
                call(payload)
                sent += SPANS_PER_REQUEST
                with lock:
                    waits.append(time.monotonic() - asked)
                    if len(probes) < now * 2:
                        probes.append(crew.submit(visible, base, payload))

    with ThreadPoolExecutor(8) as crew:
        senders = [threading.Thread(target=send, args=(n,)) for n in range(SENDERS)]
        for one in senders:
            one.start()
        for one in senders:
            one.join()
        took = time.monotonic() - started
        lags = sorted(probe.result() for probe in probes)
    return {
        "spans_per_s": round(len(waits) * SPANS_PER_REQUEST / took),
        "probes": len(lags),
        "visible_p50_s": round(statistics.median(lags), 2),
        "visible_p99_s": round(lags[min(len(lags) - 1, int(len(lags) * 0.99))], 2),
        "answer_p50_ms": round(statistics.median(waits) * 1000, 1),
    }


def burst(addresses: dict, spans: int) -> dict:
    """Send so many spans at once from two threads; wait until all of it is derived."""
    before = status(addresses)["spans"]
    left, lock = [spans // 512], threading.Lock()

    def send(seed: int) -> None:
        template = Template(spans=512, span_bytes=2000, seed=seed)
        dice = np.random.default_rng(seed)
        options = [("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(addresses["otlp_grpc"], options=options) as channel:
            call = channel.unary_unary(METHOD)
            while True:
                with lock:
                    if not left[0]:
                        return
                    left[0] -= 1
                call(template.fresh(dice))

    started = time.monotonic()
    crew = [threading.Thread(target=send, args=(n,)) for n in (1, 2)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    sent_s = time.monotonic() - started
    while (now := status(addresses))["derived_sequence"] < now["committed_sequence"]:
        time.sleep(0.2)
    assert now["spans"] - before == spans // 512 * 512
    return {
        "spans": spans // 512 * 512,
        "acknowledged_s": round(sent_s, 1),
        "derived_s": round(time.monotonic() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--burst", type=int, default=200_000)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, addresses = serve(Path(folder))
        try:
            report = {
                "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
                "command": " ".join(["benchmarks/visibility.py", *sys.argv[1:]]),
                "steady": steady(addresses, options.seconds),
            }
            print(json.dumps(report["steady"]), flush=True)
            if options.burst:
                report["burst"] = burst(addresses, options.burst)
                print(json.dumps(report["burst"]), flush=True)
        finally:
            process.terminate()
            process.wait()
    if options.save:
        path = Path(__file__).parent / "results" / "visibility.json"
        path.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
