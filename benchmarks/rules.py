"""Rules at work: threads judged by a scripted model, a budget that ends in the middle, and kills of
the server and of its worker at random moments.

    python benchmarks/rules.py [--threads 10000] [--kills 30] [--at-once 8]

Afterwards each thread has been judged once or is over the budget, and what runs cost is what the
model's answers cost. Answers that a killed worker had asked for are paid for and lost: counted.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from builders import a_chat, a_request
from conftest import Server, wait_until
from scripted_model import ScriptedModel

RUN_USD = 0.00021  # 1000 and 100 tokens of gpt-4o-mini
SPANS_AT_ONCE = 500
VICTIM_S = 15.0


def run(
    folder: Path,
    *,
    thread_count: int,
    kills: int,
    at_once: int = 8,
    budget_share: float = 0.5,
    latency_s: float = 0.02,
    victims: tuple[str, ...] = ("server", "worker"),
    seed: int = 1,
) -> dict[str, Any]:
    """Run it; return counts, costs in US dollars, memory in MB."""
    dice = random.Random(seed)
    model = ScriptedModel(latency_s=latency_s)
    budget_usd = thread_count * RUN_USD * budget_share
    server = Server(
        folder,
        judge_base_url=model.base_url,
        judge_model="gpt-4o-mini",
        judge_concurrent_max=at_once,
        judge_budget_usd_per_day=1000,
        thread_cooldown_s=1,
    ).start()
    try:
        began_mb = rss_mb(server.pid)
        rule_id = make_rule(server, budget_usd)
        send(server, thread_count)
        began = time.monotonic()
        killed = dict.fromkeys(victims, 0)
        most_mb = 0.0
        for _ in range(kills):
            time.sleep(dice.uniform(0.5, 2.5))
            victim = dice.choice(victims)
            killed[victim] += kill(server, victim)
        while (counts := counts_of(server, rule_id)).get("waiting") or (
            sum(counts.values()) < thread_count
        ):
            most_mb = max(most_mb, rss_mb(server.pid))
            time.sleep(0.5)
        took_s = time.monotonic() - began
        found = looked_up(server, rule_id)
    finally:
        server.stop()
        model.close()
    return {
        "threads": thread_count,
        "killed": killed,
        "took_s": round(took_s, 1),
        "counts": counts,
        "budget_usd": budget_usd,
        "answers": len(model.answered),
        "answers_usd": len(model.answered) * RUN_USD,
        "server_mb_before": round(began_mb),
        "server_mb_most": round(most_mb),
        **found,
    }


def make_rule(server: Server, budget_usd: float) -> str:
    body = {
        "name": "helpful",
        "kind": "llm_judge",
        "prompt": "Did it help?",
        "budget_usd_per_day": budget_usd,
    }
    answer = httpx.post(f"{server.api}/rules", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["rule_id"]


def send(server: Server, thread_count: int) -> None:
    for first in range(0, thread_count, SPANS_AT_ONCE):
        ids = range(first, min(thread_count, first + SPANS_AT_ONCE))
        server.post(a_request(*[a_chat(f"t{i}", "hello", "hi") for i in ids]))


def kill(server: Server, victim: str) -> int:
    """Kill it once it is there; return how many were killed: none where all is judged."""
    until = time.monotonic() + VICTIM_S
    while time.monotonic() < until:
        keep_up(server)
        if _killed(server, victim):
            return 1
        time.sleep(0.1)
    return 0


def keep_up(server: Server) -> None:
    """Start the server anew once its supervisor has given up, as a service manager does.

    A supervisor restarts ten times in ten minutes; more kills are more than it is made for.
    """
    if server.process is not None and server.process.poll() is not None:
        server.start()


def _killed(server: Server, victim: str) -> bool:
    try:
        process = psutil.Process(server.pid)
        if victim == "worker":
            process = next(
                one for one in process.children() if "evaluate.worker" in " ".join(one.cmdline())
            )
        os.kill(process.pid, signal.SIGKILL)
    except (OSError, KeyError, ValueError, StopIteration, psutil.Error):
        return False  # it is being started again
    return True


def counts_of(server: Server, rule_id: str) -> dict[str, int]:
    """Return threads by state; asked again while the server is being started anew."""
    found: dict[str, int] = {}

    def answers() -> bool:
        keep_up(server)
        address = json.loads(Path(f"{server.database}.server.json").read_text())["http"]
        server.api = f"http://{address}/api/v1"
        try:
            answer = httpx.get(f"{server.api}/rules/{rule_id}", timeout=30)
        except httpx.HTTPError:
            return False
        if answer.status_code != 200:
            return False
        found.update(answer.json()["counts"])
        return True

    wait_until(lambda: _quiet(answers), "the server answers", 120)
    return found


def _quiet(ask: Any) -> bool:
    try:
        return bool(ask())
    except (OSError, ValueError, KeyError):
        return False


def looked_up(server: Server, rule_id: str) -> dict[str, Any]:
    """Return what the tables say: scores and runs by thread, cost."""
    query = """
        select
            (select count(*) from scores where author = 'rule:helpful') as scores,
            (select count(distinct thread_id) from scores where author = 'rule:helpful') as scored,
            (select count(*) from (
                select thread_id from rule_runs where outcome = 'scored'
                group by thread_id having count(*) > 1)) as judged_twice,
            (select count(*) from rule_runs where outcome = 'scored') as runs,
            (select coalesce(sum(cost_usd), 0) from rule_runs) as cost_usd
    """
    answer = httpx.post(f"{server.api}/sql", json={"sql": query}, timeout=60)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    (row,) = found["rows"]
    return dict(zip((one["name"] for one in found["columns"]), row, strict=True))


def rss_mb(pid: int) -> float:
    """Return what a process has of the machine's memory."""
    try:
        return psutil.Process(pid).memory_info().rss / 1e6
    except psutil.Error:
        return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--at-once", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(
            Path(folder), thread_count=given.threads, kills=given.kills, at_once=given.at_once
        )
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
