"""kill -9 over and over, at every kind of moment: nothing acknowledged is lost, nothing is there twice.

    python tests/crash/kill_rounds.py [--rounds 200] [--seed 1] [--folder …] [--only checkpoint]

Each round starts the server on the database that the last kill left, compares what it holds with what
was acknowledged in all rounds (the column `found`), puts it under traffic (gRPC, HTTP with protobuf and JSON, what was not
acknowledged again), does what its moment says and kills. At the end, and every 25 rounds, a rebuild
must give the same derived rows. Prints a table; exits 1 on any loss. The same seed draws the same
rounds; which byte a kill meets is up to the machine.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # builders, for a script as for a test

import held
from ledger import Ledger
from moments import MOMENTS, Round
from served import NotReached, Served, wait_for
from traffic import Traffic

WAL_BYTES_MAX = 1 << 20  # so that each round meets checkpoints; the product's own is 64 MiB
REBUILD_EVERY = 25
SNAPSHOT_EVERY_S = 0.5


class Rounds:
    """One database, over all rounds."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.ledger = Ledger()
        database = folder / "database"
        database.mkdir()
        self.server = Served(
            database, wal_bytes_max=WAL_BYTES_MAX, snapshot_every_s=SNAPSHOT_EVERY_S
        )
        self.losses: list[str] = []
        self.kills: Counter[str] = Counter()

    def run(self, number: int, moment: str) -> str:
        """Run one round; return its line of the table."""
        began = time.monotonic()
        dice = random.Random(f"{self.seed} {number}")
        before = self.ledger.acknowledged_count()
        self.server.start()
        found = self.check_served(f"at the start of round {number}")
        traffic = Traffic(
            self.server, self.ledger, self.seed * 1000 + number, senders=3, text_bytes_max=60_000
        )
        now = Round(self.server, self.ledger, traffic, dice, number)
        try:
            wait_for(lambda: self.ledger.acknowledged_count() > before, "the first acknowledgement")
            MOMENTS[moment](now)
        finally:
            traffic.stop()
        self.kills[moment] += 1
        self.losses += [f"round {number} ({moment}): {loss}" for loss in now.losses]
        if number % REBUILD_EVERY == 0:
            self.check_file(f"after round {number} ({moment})")
        acknowledged = self.ledger.acknowledged_count() - before
        took = time.monotonic() - began
        return f"{number:>5}  {moment:<16} {acknowledged:>7} {took:>6.1f}  {found}  {now.note}"

    def check_served(self, where: str) -> str:
        """Compare what the server has, once all is derived, with what was acknowledged."""
        self.server.wait_derived()
        stored = dict(self.server.sql(held.KEYS_SQL))
        (counts,) = self.server.sql(held.DISAGREEMENTS_SQL)
        return self._note(where, stored, dict(zip(held.DISAGREEMENTS, counts, strict=True)))

    def check_file(self, where: str) -> None:
        """Compare what the file holds after a start and a stop, also with a rebuild."""
        self.server.start()
        self.server.wait_derived()
        if code := self.server.stop():
            self.losses.append(f"{where}: a stop ended with {code}")
        file = self.server.database
        self._note(where, held.keys_of(file), held.disagreements(file))
        before = held.derived_digests(file)
        held.rebuild(file, self.server.env)
        after = held.derived_digests(file)
        if before != after:
            self.losses.append(f"{where}: a rebuild changed {_changed(before, after)}")

    def _note(self, where: str, stored: dict[str, int], counts: dict[str, int]) -> str:
        losses = self.ledger.losses(stored)
        apart = {name: count for name, count in counts.items() if count}
        if losses:
            self.losses.append(f"{where}: {losses}")
        if apart:
            self.losses.append(f"{where}: tables disagree: {apart}")
        return "lost" if losses or apart else "whole"


def _changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> str:
    return ", ".join(
        f"{table} ({before[table][0]} rows, then {after[table][0]})"
        for table in before
        if before[table] != after[table]
    )


def drawn(rounds: int, seed: int, only: str | None) -> list[str]:
    """Return the moment of each round: every kind equally often, in a random order."""
    names = [only] if only else list(MOMENTS)
    found = [names[number % len(names)] for number in range(rounds)]
    random.Random(seed).shuffle(found)
    return found


def run(folder: Path, rounds: int, seed: int, only: str | None = None) -> Rounds:
    """Run the rounds and print their table; return what was found."""
    found = Rounds(folder, seed)
    print("round  moment           entries      s  found   note", flush=True)
    for number, moment in enumerate(drawn(rounds, seed, only), 1):
        try:
            print(found.run(number, moment), flush=True)
        except NotReached as error:
            found.losses.append(f"round {number} ({moment}): {error}")
            found.server.kill()
    found.check_file("at the end")
    return found


def main() -> int:
    """Return 1 on any loss."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=MOMENTS, help="only this kind of moment")
    parser.add_argument("--folder", type=Path, help="where to work; kept. Else a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        found = run(folder, options.rounds, options.seed, options.only)
    kinds = ", ".join(f"{name} {count}" for name, count in sorted(found.kills.items()))
    print(f"\nkills: {kinds}")
    print(f"acknowledged: {found.ledger.acknowledged_count()} spans, log records and scores")
    print("\n".join(found.losses) or "lost: 0, twice: 0, a rebuild gives the same rows")
    return 1 if found.losses else 0


if __name__ == "__main__":
    sys.exit(main())
