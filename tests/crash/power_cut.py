"""Power cuts, simulated: every acknowledged span is on the disk, whatever the disk kept of the rest.

    python tests/crash/power_cut.py [--states 300] [--seed 1] [--file-system strict] [--folder …]

A real server runs under a recorder of its writes and fsyncs, with traffic, checkpoints, backups,
snapshots, pruning, deletion, a rebuild, compaction, a restore and restarts. Then states are drawn
that a disk may have after a power cut at some moment of it (disk.py): at acknowledgements, around
fsyncs and renames, anywhere. A server starts on each state; what was acknowledged before that moment
must be there, once. Prints what was lost and how; exits 1 on any loss.
"""

import argparse
import bisect
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # builders, for a script as for a test

import recording
import traffic
from disk import NAME_CALLS, Disk, FileSystem, State
from ledger import Expected, Ledger
from recording import Call, Record, Recorder
from served import Served, wait_for

HERE = Path(__file__).parent
DATABASE = "otel-threads.duckdb"
BACKUP = "backup.duckdb"
SNAPSHOT = "otel-threads.snapshot.duckdb"
WAL_BYTES_MAX = 128 << 10  # so that a second of traffic meets several checkpoints
SNAPSHOT_EVERY_S = 4.0  # each copies the whole file into the recording
STATES_A_CUT = 3
WORKERS = 2
END = 1 << 62  # a time after all others


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that the command said was made: from then on it must be there, and hold that."""

    done_ns: int
    expected: Expected


@dataclass(slots=True)
class Session:
    """What a recorded server did and what its senders know."""

    recorder: Recorder
    ledger: Ledger
    root_inode: int
    backups: list[Backup] = field(default_factory=list)
    start: Path | None = None  # what was on the disk before; None: an empty folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A moment of a session: right before a record, or at the end of all."""

    index: int
    time_ns: int
    file_system: FileSystem
    state: State


@dataclass(frozen=True, slots=True)
class Loss:
    """One state on which a server started with less than was acknowledged, or not at all."""

    index: int  # the record right before which the power was cut
    kind: str
    file_bytes: dict[str, int]
    reason: str


def record(folder: Path, library: Path, seed: int) -> Session:
    """Run a server with everything that writes, under the recorder; return what happened."""
    database = folder / "database"
    database.mkdir()
    recorder = Recorder(library, database, folder / "log")
    session = Session(recorder, Ledger(), database.stat().st_ino)
    server = Served(
        database, wal_bytes_max=WAL_BYTES_MAX, env=recorder.env(), snapshot_every_s=SNAPSHOT_EVERY_S
    )
    _fill(server, session, seed)
    _run_with_traffic(server, session, seed + 1, lambda: _command(server, "backup", BACKUP))
    _command(server, "compact")
    _run_with_traffic(server, session, seed + 2, lambda: None)
    _back_up(server, session)
    _command(server, "restore", BACKUP, "--force")
    _run_with_traffic(server, session, seed + 3, lambda: server.post("/rebuild"))
    return session


def _fill(server: Served, session: Session, seed: int) -> None:
    """The first start of all, on an empty folder: traffic, scores, deletion and pruning."""

    def work() -> None:
        threads = [f"doomed-{n}" for n in range(3)]
        doomed = [traffic.spans_request(thread, 10, "doomed") for thread in threads]
        old = [
            traffic.spans_request(f"old-{n}", 10, "old", age_ns=traffic.OLD_NS) for n in range(3)
        ]
        traffic.send_all(server, session.ledger, [*doomed, *old])
        server.wait_derived()
        traffic.delete_threads(server, session.ledger, threads, doomed)
        traffic.prune(server, session.ledger, old, 2)
        dice = random.Random(seed)
        for _ in range(5):
            traffic.put_score(server, session.ledger, dice)

    _run_with_traffic(server, session, seed, work)


def _run_with_traffic(
    server: Served, session: Session, seed: int, work: Callable[[], object]
) -> None:
    """Start, take traffic, do some work in the middle of it, take more, stop."""
    server.start()
    sending = traffic.Traffic(server, session.ledger, seed, senders=3, text_bytes_max=8_000)
    try:
        _more(session.ledger, 60)
        with sending.paused():
            work()
        _more(session.ledger, 60)
    finally:
        sending.stop()
    server.wait_derived()
    if code := server.stop():
        raise RuntimeError(f"the recorded server ended with {code}: {server.stderr()[-2000:]}")


def _more(ledger: Ledger, count: int) -> None:
    before = ledger.acknowledged_count()
    wait_for(lambda: ledger.acknowledged_count() >= before + count, f"{count} acknowledgements")


def _command(server: Served, name: str, target: str | None = None, *flags: str) -> None:
    words = [name, *([] if target is None else [str(server.folder / target)]), *flags]
    if code := server.command(*words).wait(120):
        raise RuntimeError(f"{' '.join(words)} ended with {code}: {server.stderr()[-2000:]}")


def _back_up(server: Served, session: Session) -> None:
    expected = session.ledger.expected()
    _command(server, "backup", BACKUP, "--force")
    session.backups.append(Backup(time.monotonic_ns(), expected))


def check_recording(session: Session, records: Sequence[Record]) -> None:
    """Compare what the records say with what the files hold: a recording with a hole proves nothing.

    Raises:
        recording.UnsupportedCall: they differ.
    """
    disk = Disk(FileSystem.STRICT, session.start)
    disk.root_is(session.root_inode)
    for one in records:
        disk.apply(one)
    found = disk.current().files
    folder = session.recorder.folder
    real = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    different = sorted(
        name for name in found.keys() | real.keys() if found.get(name) != real.get(name)
    )
    if different:
        raise recording.UnsupportedCall(f"the recording does not tell what is in {different}")


def cuts(
    session: Session,
    records: Sequence[Record],
    file_systems: Sequence[FileSystem],
    states: int,
    dice: random.Random,
) -> Iterator[Cut]:
    """Yield about so many states, from the beginning of the session to its end."""
    wanted = max(1, states // STATES_A_CUT // len(file_systems))
    chosen = _chosen(session, records, wanted, dice)
    disks = {one: Disk(one, session.start) for one in file_systems}
    for one in disks.values():
        one.root_is(session.root_inode)
    seen: set[tuple[bytes, frozenset[str]]] = set()
    for index in range(len(records) + 1):
        if index in chosen:
            at = records[index].time_ns if index < len(records) else END
            expected = session.ledger.expected(at).present
            for file_system, disk in disks.items():
                found = disk.states(dice)
                for state in [found[0], *dice.sample(found[1:], STATES_A_CUT - 1)]:
                    if (key := (state.digest(), expected)) in seen:
                        continue
                    seen.add(key)
                    yield Cut(index=index, time_ns=at, file_system=file_system, state=state)
        if index < len(records):
            for disk in disks.values():
                disk.apply(records[index])


def _chosen(
    session: Session, records: Sequence[Record], count: int, dice: random.Random
) -> set[int]:
    """Return where to cut: at acknowledgements, around fsyncs and names, anywhere; a part of each."""
    times = [one.time_ns for one in records]
    answers = {
        bisect.bisect_right(times, entry.acknowledged_ns)
        for entry in session.ledger.entries.values()
        if entry.acknowledged_ns is not None
    } | {bisect.bisect_right(times, backup.done_ns) for backup in session.backups}
    borders = {
        index + beside
        for index, one in enumerate(records)
        if one.call in NAME_CALLS | {Call.SYNC}
        for beside in (0, 1)
    }
    # The first acknowledgement after a name changed is where a folder that was not synced shows.
    named = [index for index, one in enumerate(records) if one.call in NAME_CALLS]
    answers_sorted = sorted(answers)
    first_answers = {
        answers_sorted[at]
        for index in named
        if (at := bisect.bisect_right(answers_sorted, index)) < len(answers_sorted)
    }
    anywhere = range(len(records) + 1)
    # Few, and each a moment at which the database itself may be without a name: all of them.
    found = {len(records)} | {
        index + beside
        for index in named
        if DATABASE in (records[index].name, records[index].second)
        for beside in (0, 1)
    }
    for places in (first_answers, answers, borders, anywhere):
        pool = sorted(places)
        found |= set(dice.sample(pool, min(len(pool), -(-count // 4))))
    return found


class Restarts:
    """Workers that start the engine on states and say what it finds there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._local = threading.local()
        self._processes: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()
        self._count = 0

    def losses(self, session: Session, cut: Cut, *, rebuild: bool) -> list[Loss]:
        """Return what is lost in one state; empty where nothing is."""
        with self._lock:
            self._count += 1
            folder = self._folder / f"state-{self._count}"
        folder.mkdir()
        cut.state.write(folder)
        reasons = [*self._of_copies(session, cut, folder)]
        reasons += self._of_database(session, cut, folder, rebuild=rebuild)
        shutil.rmtree(folder)
        file_bytes = {name: len(content) for name, content in sorted(cut.state.files.items())}
        return [Loss(cut.index, cut.state.kind, file_bytes, reason) for reason in reasons]

    def _of_database(
        self, session: Session, cut: Cut, folder: Path, *, rebuild: bool
    ) -> Iterator[str]:
        expected = session.ledger.expected(cut.time_ns)
        if DATABASE not in cut.state.files and expected.present:
            yield f"the file has no name any more: {len(expected.present)} missing"
            return
        found = self._ask(folder / DATABASE, rebuild=rebuild)
        if "error" in found:
            yield f"it does not start: {found['error']}"
            return
        if losses := session.ledger.losses(found["stored"], expected):
            yield str(losses)
        if found["disagreements"]:
            yield f"tables disagree: {found['disagreements']}"
        if found.get("changed"):
            yield f"a rebuild changed {found['changed']}"

    def _of_copies(self, session: Session, cut: Cut, folder: Path) -> Iterator[str]:
        """A file under the name of a backup or a snapshot opens, and holds what it promised."""
        promised = [one.expected for one in session.backups if one.done_ns <= cut.time_ns]
        for name in (BACKUP, SNAPSHOT):
            if name not in cut.state.files:
                if name == BACKUP and promised:
                    yield "a backup that was made has no name any more"
                continue
            found = self._ask(folder / name, rebuild=False)
            if "error" in found:
                yield f"{name} does not open: {found['error']}"
                continue
            lost = (
                name == BACKUP and promised and session.ledger.losses(found["stored"], promised[-1])
            )
            if lost:
                yield f"{name}: {lost}"

    def _ask(self, database: Path, *, rebuild: bool) -> dict:
        process = self._process()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"database": str(database), "rebuild": rebuild}) + "\n")
        process.stdin.flush()
        if line := process.stdout.readline():
            found: dict = json.loads(line)
            return found
        return {"error": f"the process ended with {process.wait()}"}

    def _process(self) -> "subprocess.Popen[str]":
        process = getattr(self._local, "process", None)
        if process is None or process.poll() is not None:
            process = self._local.process = subprocess.Popen(
                [sys.executable, str(HERE / "restart.py")],
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(self._folder / "restarts.stderr").open("a"),
            )
            with self._lock:
                self._processes.append(process)
        return process

    def close(self) -> None:
        """End the workers."""
        for process in self._processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait()
            process.stdout.close()


def check(
    session: Session,
    records: Sequence[Record],
    folder: Path,
    file_systems: Sequence[FileSystem],
    states: int,
    seed: int,
    on_loss: Callable[[Loss], object] = lambda loss: None,
) -> tuple[int, list[Loss]]:
    """Return how many states were checked and what is lost in them; `on_loss` hears of each at once."""
    dice = random.Random(seed)
    restarts = Restarts(folder)
    checked = 0
    losses: list[Loss] = []

    def take(done: "Future[list[Loss]]") -> None:
        for loss in done.result():
            losses.append(loss)
            on_loss(loss)

    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            waiting: list[Future[list[Loss]]] = []
            for cut in cuts(session, records, file_systems, states, dice):
                checked += 1
                rebuild = dice.random() < 0.1
                waiting.append(pool.submit(restarts.losses, session, cut, rebuild=rebuild))
                if len(waiting) > 4 * WORKERS:  # states are held in memory
                    take(waiting.pop(0))
            for one in waiting:
                take(one)
    finally:
        restarts.close()
    return checked, losses


def told(loss: Loss, records: Sequence[Record]) -> str:
    """Return a loss with the records before it and the files of its state."""
    lines = [f"{loss.kind}, before record {loss.index} of {len(records)}: {loss.reason}"]
    files = ", ".join(f"{name} {size}" for name, size in loss.file_bytes.items())
    lines.append(f"    files: {files or 'none'}")
    for index in range(max(0, loss.index - 6), loss.index):
        one = records[index]
        where = " → ".join(filter(None, (one.name, one.second))) or f"inode {one.inode}"
        lines.append(f"    {index:>6} {one.call.name:<8} {where} {one.offset}+{one.length}")
    return "\n".join(lines)


def _worded(loss: Loss) -> str:
    """Return a reason without its numbers, to count alike ones."""
    return re.sub(r"\d+ |: \d+| \(such as .*?\)", "", loss.reason).partition(":")[0]


def main() -> int:
    """Return 1 on any loss."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--states", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file-system", choices=[one.value for one in FileSystem])
    parser.add_argument("--folder", type=Path, help="where to work; kept. Else a temporary one")
    options = parser.parse_args()
    if recording.compiler() is None:
        sys.exit("power_cut.py compiles its recorder and needs a C compiler: cc is missing")
    systems = [one for one in FileSystem if options.file_system in (None, one.value)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        library = recording.build(folder / "recorder.so")
        session = record(folder, library, options.seed)
        records = session.recorder.records()
        check_recording(session, records)
        counts = Counter(one.call.name for one in records)
        print(f"records: {len(records)} ({dict(counts)})")
        print(f"acknowledged: {session.ledger.acknowledged_count()}", flush=True)
        checked, losses = check(
            session,
            records,
            folder,
            systems,
            options.states,
            options.seed,
            on_loss=lambda loss: print(told(loss, records), flush=True),
        )
    for (kind, reason), count in Counter((one.kind, _worded(one)) for one in losses).most_common():
        print(f"{count:>5}  {kind}: {reason}")
    print(f"{checked} states, {len(losses)} losses")
    return 1 if losses else 0


if __name__ == "__main__":
    sys.exit(main())
