"""The kinds of moment at which a round kills: each acts on a server under traffic, then kills.

Some moments are drawn from the clock. Where the moment is a few milliseconds wide (a checkpoint, the
replay of the WAL, an answer on its way) the round watches files or bytes, and kills then.
"""

import contextlib
import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import held
import httpx
import traffic
import zstandard
from ledger import Ledger
from served import WAIT_S_MAX, NotReached, Served, wait_for

from otel_threads.database import checkpoint_journal as double_write

OLD_FILES = sorted((Path(__file__).parent.parent / "files").glob("schema-*.duckdb.zst"))
SPIN_S = 0.0001


@dataclass(slots=True)
class Round:
    """What a moment may use; `note` says what was found at the kill."""

    server: Served
    ledger: Ledger
    traffic: traffic.Traffic
    dice: random.Random
    number: int
    note: str = ""
    losses: list[str] = field(default_factory=list)

    def kill(self) -> None:
        """Kill what serves: a third of the time the child alone, where there is a supervisor."""
        if self.server.is_supervised and self.dice.random() < 0.33:
            self.note += " child"
            self.server.kill_child()
        self.server.kill()

    def pause(self, most_s: float) -> None:
        """Let a random time pass: the moment of the kill is what is random."""
        time.sleep(self.dice.random() * most_s)


def checkpoint_journal(database: Path) -> Path:
    """Return the file that is there just while a checkpoint runs."""
    return double_write._copies(str(database))


def under_load(now: Round) -> None:
    """At any moment while requests come in."""
    now.pause(0.8)
    now.kill()


def in_an_answer(now: Round) -> None:
    """Right after the first byte of an answer has come, before its sender has read the rest."""
    now.pause(0.4)
    now.traffic.first_byte.clear()
    if not now.traffic.first_byte.wait(10):
        raise NotReached("no answer within 10 s")
    now.kill()


def in_a_checkpoint(now: Round) -> None:
    """While the WAL becomes part of the file."""
    journal = checkpoint_journal(now.server.database)
    wait_for(journal.exists, "a checkpoint begins", poll_s=SPIN_S)
    now.pause(0.03)
    now.note = "inside" if journal.exists() else "just over"
    now.kill()


def in_a_stop(now: Round) -> None:
    """After SIGTERM: the answers are finished, the last checkpoint is made."""
    assert now.server.process is not None
    journal = checkpoint_journal(now.server.database)
    now.server.process.terminate()
    if now.dice.random() < 0.5:
        process = now.server.process
        wait_for(
            lambda: journal.exists() or process.poll() is not None,
            "the last checkpoint",
            poll_s=SPIN_S,
        )
        now.note = "in its checkpoint"
    now.pause(0.05 if now.note else 0.6)
    now.server.kill()


def in_a_backup(now: Round) -> None:
    """While a backup is copied, checked or streamed; what is there of it is never half a file."""
    target = now.server.folder / "backup.duckdb"
    if now.dice.random() < 0.5:
        command = now.server.command("backup", str(target), "--force")
        now.pause(2.0)
        now.kill()
        now.note = f"command, {'a file' if target.exists() else 'no file'}"
        command.wait(WAIT_S_MAX)
    else:
        asked = _in_background(lambda: httpx.get(f"{now.server.rest}/api/v1/backup", timeout=60))
        now.pause(0.6)
        now.kill()
        asked.join()
        now.note = "stream"
    if target.exists():
        stored = held.keys_of(target)  # raises where it cannot be opened
        if unknown := stored.keys() - now.ledger.entries.keys():
            now.losses.append(f"a backup holds {len(unknown)} entries that nobody sent")


def in_a_prune(now: Round) -> None:
    """While old traces are deleted, slice by slice."""
    old = [
        traffic.spans_request(f"old-{now.number}-{n}", 40, "old", age_ns=traffic.OLD_NS)
        for n in range(8)
    ]
    with now.traffic.paused():
        sent = traffic.send_all(now.server, now.ledger, old)
        now.server.wait_derived()
    pruning = _in_background(lambda: traffic.prune(now.server, now.ledger, sent, 30))
    now.pause(1.0)
    now.note = "in it" if pruning.is_alive() else "just over"
    now.kill()
    pruning.join()


def in_a_deletion(now: Round) -> None:
    """While threads are deleted by name."""
    threads = [f"doomed-{now.number}-{n}" for n in range(6)]
    requests = [traffic.spans_request(thread, 30, "doomed") for thread in threads]
    sent = traffic.send_all(now.server, now.ledger, requests)
    deleting = _in_background(lambda: traffic.delete_threads(now.server, now.ledger, threads, sent))
    now.pause(0.4)
    now.note = "in it" if deleting.is_alive() else "just over"
    now.kill()
    deleting.join()


def in_a_rebuild(now: Round) -> None:
    """While everything is derived again, inside the server."""
    now.server.post("/rebuild")
    now.pause(0.8)
    now.kill()


def in_a_score(now: Round) -> None:
    """While scores are written beside spans."""
    written = 0

    def put() -> None:
        nonlocal written
        while traffic.put_score(now.server, now.ledger, now.dice):
            written += 1

    putting = _in_background(put)
    wait_for(lambda: written > 0, "a score is acknowledged")
    now.pause(0.5)
    now.server.kill()
    putting.join()
    now.note = f"{written} written"


def in_a_start(now: Round) -> None:
    """While the server starts on a file with a WAL that a kill left."""
    now.pause(0.4)
    now.server.kill()
    now.server.spawn()
    now.pause(2.5)
    now.server.kill()


def in_a_replay(now: Round) -> None:
    """While the next start has the file open: the WAL is replayed, the journal is put back."""
    in_a_checkpoint(now) if now.dice.random() < 0.5 else under_load(now)
    now.server.spawn()
    assert now.server.process is not None
    pid = now.server.process.pid
    wait_for(lambda: _has_open(pid, now.server.database), "the file is opened", poll_s=SPIN_S)
    now.pause(0.15)
    now.server.kill()


def in_a_compaction(now: Round) -> None:
    """While `compact` rewrites the file, without a server."""
    now.pause(0.4)
    now.server.stop()
    command = now.server.command("compact")
    partial = now.server.database.with_name(f".{now.server.database.name}.compact")
    wait_for(
        lambda: partial.exists() or command.poll() is not None, "compact begins", poll_s=SPIN_S
    )
    now.pause(0.6)
    now.note = "in it" if command.poll() is None else "just over"
    command.kill()
    command.wait()


def in_a_rebuild_without_a_server(now: Round) -> None:
    """While `rebuild` derives everything again from the file."""
    now.server.kill()
    command = now.server.command("rebuild")
    now.pause(3.0)
    now.note = "in it" if command.poll() is None else "just over"
    command.kill()
    command.wait()


def in_a_migration(now: Round) -> None:
    """While a file of an older schema is brought up to date; its rows stay what they were."""
    now.server.kill()
    other = Served(now.server.folder.parent / f"old-{now.number}", wal_bytes_max=1 << 20)
    other.folder.mkdir()
    with OLD_FILES[-1].open("rb") as packed, other.database.open("wb") as out:
        zstandard.ZstdDecompressor().copy_stream(packed, out)
    before = held.keys_of(other.database)
    size = now.dice.randrange(20_000)
    other.spawn()
    wait_for(lambda: _bytes_of(other.wal) > size, "the migration writes its WAL", poll_s=SPIN_S)
    now.note = f"at {_bytes_of(other.wal)} bytes of WAL"
    other.kill()
    _check_other(now, other, before)


def in_the_making_of_a_file(now: Round) -> None:
    """While a new database is made, from no file to the last step of its schema."""
    now.server.kill()
    other = Served(now.server.folder.parent / f"new-{now.number}", wal_bytes_max=1 << 20)
    other.folder.mkdir()
    size = now.dice.choice((-1, 0, 0, 2_000, 10_000, 30_000))
    other.spawn()
    wait_for(
        lambda: any(other.folder.iterdir()) and _bytes_of(other.wal) > size,
        "a file is made",
        poll_s=SPIN_S,
    )
    now.note = f"at {_bytes_of(other.wal)} bytes of WAL"
    other.kill()
    _check_other(now, other, {})


def _check_other(now: Round, other: Served, before: dict[str, int]) -> None:
    """Start on a database of this round's own, send to it, stop: it holds what it held, and that."""
    other.start()
    ledger = Ledger()
    request = traffic.spans_request("after", 3, "after")
    sent = traffic.send_all(other, ledger, [request])
    other.wait_derived()
    other.stop()
    stored = held.keys_of(other.database)
    if not sent or stored != before | dict.fromkeys(request.keys, 1):
        now.losses.append(f"a database of its own holds {len(stored)} entries: {now.note}")
    shutil.rmtree(other.folder)


def _in_background(job: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        with contextlib.suppress(httpx.HTTPError):  # the server dies meanwhile
            job()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _has_open(pid: int, file: Path) -> bool:
    """Return whether a process, or a child of it, has a file open."""
    for one in (pid, *_children(pid)):
        with contextlib.suppress(OSError):
            for handle in Path(f"/proc/{one}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if handle.readlink() == file:
                        return True
    return False


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _bytes_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return -1


MOMENTS: dict[str, Callable[[Round], None]] = {
    "load": under_load,
    "answer": in_an_answer,
    "checkpoint": in_a_checkpoint,
    "stop": in_a_stop,
    "backup": in_a_backup,
    "prune": in_a_prune,
    "deletion": in_a_deletion,
    "rebuild": in_a_rebuild,
    "score": in_a_score,
    "start": in_a_start,
    "replay": in_a_replay,
    "compact": in_a_compaction,
    "rebuild command": in_a_rebuild_without_a_server,
    "migration": in_a_migration,
    "new file": in_the_making_of_a_file,
}
