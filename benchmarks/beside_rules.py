"""How long senders and readers wait while eight rules judge, against no rules at all.

    python benchmarks/beside_rules.py [--seconds 20] [--rounds 3] [--spans-per-s 400] [--save]

Servers without rules and with eight take turns, so that a slow minute of the machine meets both. Every trace is a new
conversation, which all rules judge a second later: four ask a scripted model (20 ms), four count.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import psutil
from ingest import METHOD
from load import Template

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from conftest import Server
from scripted_model import ScriptedModel

SENDERS, READERS, SPANS_PER_REQUEST = 4, 1, 8
BUILTINS = ("repeated_question", "repeated_answer", "unanswered", "ended_in_error")


def one_round(folder: Path, seconds: float, spans_per_s: float, *, rules: bool) -> dict[str, Any]:
    """Return waits of senders and readers in seconds, what was judged, and the server's memory."""
    # In a process of its own: it must not take the interpreter from those who measure.
    ours, theirs = multiprocessing.Pipe()
    model = multiprocessing.Process(target=_answer_judges, args=(theirs,), daemon=True)
    model.start()
    server = Server(
        folder, judge_base_url=ours.recv(), judge_model="gpt-4o-mini", thread_cooldown_s=1
    ).start()
    try:
        if rules:
            _make_rules(server)
        with ThreadPoolExecutor(SENDERS + READERS) as crew:
            until = time.monotonic() + seconds
            sent = [
                crew.submit(_send, server, n, until, spans_per_s / SENDERS) for n in range(SENDERS)
            ]
            read = [crew.submit(_read, server, until) for _ in range(READERS)]
            memory = _most_mb(server, until)
            return {
                "sent": [wait for one in sent for wait in one.result()],
                "read": [wait for one in read for wait in one.result()],
                "judged": _judged(server),
                "server_mb": memory,
            }
    finally:
        server.stop()
        model.kill()
        model.join()


def _answer_judges(pipe: Connection) -> None:
    pipe.send(ScriptedModel(latency_s=0.02).base_url)
    threading.Event().wait()


def _make_rules(server: Server) -> None:
    for n, builtin in enumerate(BUILTINS):
        for body in (
            {"name": f"counts {n}", "kind": "builtin", "builtin": builtin},
            {"name": f"asks {n}", "kind": "llm_judge", "prompt": "Did it help?"},
        ):
            answer = httpx.post(f"{server.api}/rules", json=body, timeout=60)
            assert answer.status_code == 200, answer.text


def _send(server: Server, seed: int, until: float, spans_per_s: float) -> list[float]:
    template = Template(spans=SPANS_PER_REQUEST, span_bytes=2000, seed=seed)
    dice, waits = np.random.default_rng(time.time_ns()), []
    began = time.monotonic()
    with grpc.insecure_channel(server.addresses["otlp_grpc"]) as channel:
        call = channel.unary_unary(METHOD)
        while (now := time.monotonic()) < until:
            if len(waits) * SPANS_PER_REQUEST >= (now - began) * spans_per_s:
                time.sleep(0.002)
                continue
            payload = template.fresh(dice)
            asked = time.monotonic()
            call(payload, timeout=60)
            waits.append(time.monotonic() - asked)
    return waits


def _read(server: Server, until: float) -> list[float]:
    waits = []
    while time.monotonic() < until:
        asked = time.monotonic()
        with urllib.request.urlopen(f"{server.api}/threads?limit=50", timeout=60) as answer:
            answer.read()
        waits.append(time.monotonic() - asked)
        time.sleep(0.05)
    return waits


def _most_mb(server: Server, until: float) -> float:
    process, most = psutil.Process(server.pid), 0.0
    while time.monotonic() < until:
        most = max(most, process.memory_info().rss / 1e6)
        threading.Event().wait(0.5)
    return most


def _judged(server: Server) -> int:
    query = {"sql": "select count(*) from rule_runs where outcome = 'scored'"}
    answer = httpx.post(f"{server.api}/sql", json=query, timeout=60)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["rows"][0][0])


def _summed(rounds: list[dict[str, Any]], seconds: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for what in ("sent", "read"):
        waits = sorted(wait for one in rounds for wait in one[what])
        found[f"{what}_p50_ms"] = round(statistics.median(waits) * 1000, 1)
        found[f"{what}_p99_ms"] = round(waits[int(len(waits) * 0.99)] * 1000, 1)
        found[f"{what}_count"] = len(waits)
    found["judged_per_s"] = round(sum(one["judged"] for one in rounds) / len(rounds) / seconds, 1)
    found["server_mb_most"] = round(max(one["server_mb"] for one in rounds))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spans-per-s", type=float, default=400)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    rounds: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds):
            for rules in (False, True):
                place = Path(folder) / f"{number}-{rules}"
                place.mkdir()
                rounds[rules].append(
                    one_round(place, given.seconds, given.spans_per_s, rules=rules)
                )
    without = _summed(rounds[False], given.seconds)
    beside = _summed(rounds[True], given.seconds)
    found = {
        "without_rules": without,
        "eight_rules": beside,
        "ratio": {
            name: round(beside[name] / without[name], 2)
            for name in ("sent_p50_ms", "sent_p99_ms", "read_p50_ms", "read_p99_ms")
        },
        "more_server_mb": beside["server_mb_most"] - without["server_mb_most"],
    }
    text = json.dumps(found, indent=1)
    print(text)
    if given.save:
        (Path(__file__).parent / "results" / "beside_rules.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
