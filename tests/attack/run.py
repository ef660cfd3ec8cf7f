"""Run attacks and print a table of what they did to the bystander and to the server's memory.

    python tests/attack/run.py [--only rest,derive/deep] [--list] [--p99-s 1]

Each area has a server of its own; an attack that stops it is followed by a new one.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from attack.conftest import Targets
from attack.kit import ATTACKS, Report, run, violations
from attack.target import MIB

HEAD = (
    "| attack | p99 ms healthz | list | export http | export grpc | retries | MiB before | growth | after "
    "| derived s | answers | verdict |\n| --- |" + " ---: |" * 9 + " --- | --- |"
)


def load() -> None:
    """Import every file of attacks, so that they register."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"attack.{file.stem}")


def chosen(only: str) -> list[str]:
    """Return the attacks whose names begin with one of some comma-separated texts; else all."""
    wanted = tuple(part.strip() for part in only.split(",") if part.strip())
    return [name for name in ATTACKS if not wanted or name.startswith(wanted)]


def row(report: Report, found: list[str]) -> str:
    """Return one line of the table."""
    waits = " | ".join(f"{ms:.0f}" for ms in report.p99_ms.values())
    answers = " ".join(f"{code}:{n}" for code, n in sorted(report.answers.items())[:4])
    return (
        f"| {report.name} | {waits} | {report.retries} | {report.rss_before / MIB:.0f} "
        f"| {report.growth_bytes / MIB:+.0f} | {(report.rss_after - report.rss_before) / MIB:+.0f} "
        f"| {report.settle_s:.1f} | {answers} | {'; '.join(found) or 'holds'} |"
    )


def main() -> int:
    """Return 1 when a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="beginnings of names, comma-separated")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    parser.add_argument("--p99-s", type=float, default=1.0, help="what the bystander may wait")
    given = parser.parse_args()
    load()
    if given.list:
        print("\n".join(chosen(given.only)))
        return 0
    broken = 0
    area = None
    with tempfile.TemporaryDirectory() as folder:
        targets = Targets(Path(folder))
        print(HEAD, flush=True)
        try:
            for name in chosen(given.only):
                if ATTACKS[name].area != area:
                    targets.stop()
                    area = ATTACKS[name].area
                report = run(targets.fit(), ATTACKS[name])
                found = violations(report, p99_s=given.p99_s)
                broken += bool(found)
                print(row(report, found), flush=True)
        finally:
            targets.stop()
    print(f"\n{len(chosen(given.only))} attacks, {broken} of them break a bound")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
