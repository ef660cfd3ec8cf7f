"""The kit itself: a bystander sees a server that stands still, and memory that grows."""

import os
import signal
import time

from attack import kit
from attack import run as attack_runs
from attack.everyday import EVERYDAY
from attack.kit import ATTACKS, Attack, Budget, Outcome, check, run, violations


def stands_still(addresses, budget: Budget) -> Outcome:
    """The server is stopped for two seconds, three times; the pid comes by the environment.

    Once would be less than one in a hundred probes, where the rest of the run takes long.
    """
    pid = int(os.environ["ATTACK_TEST_PID"])
    for _ in range(3):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(2)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.3)
    return Outcome()


def test_there_are_a_hundred_attacks_and_those_of_every_day_are_among_them():
    attack_runs.load()
    assert len(ATTACKS) >= 100
    assert set(ATTACKS) >= EVERYDAY


def test_an_attack_that_sends_nothing_breaks_no_bound(target):
    check(run(target, ATTACKS["null/only-burns-cpu"]))


def test_a_server_that_stands_still_for_two_seconds_is_found_slow(target, monkeypatch):
    monkeypatch.setenv("ATTACK_TEST_PID", str(target.pid()))

    one = Attack(
        area="kit",
        name="kit/stands-still",
        attacker=stands_still,
        processes=1,
        seconds=7.0,
        must_close=False,
        growth_bytes_max=kit.GROWTH_BYTES_MAX,
    )
    report = run(target, one)

    assert report.lost == 0
    assert report.failures == ()
    found = violations(report, p99_s=1.0)
    assert {f"p99 of {probe}" for probe in kit.JUDGED} <= {
        line.rpartition(" ")[0].rpartition(" ")[0] for line in found
    }
