"""The server's side of the process that runs rules (`evaluate/worker.py`)."""

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from otel_threads.core.errors import StoreClosed, StoreFailed
from otel_threads.core.rule import Job
from otel_threads.core.rule_wire import Done, WorkerSettings, line, read_done

_PROGRAM = "from otel_threads.evaluate.worker import main; main()"
STOP_S = 2.0  # that a stop waits for runs that have begun; later ones stand in the journal
JOURNAL_BYTES_MAX = 4 << 20  # past it no run begins until all have ended and it can be emptied


class RuleWorker:
    """One process, started when the first job comes and anew after it has ended."""

    def __init__(
        self,
        database: str,
        settings: WorkerSettings,
        *,
        on_done: Callable[[Done], None],
        on_end: Callable[[int], None],
    ) -> None:
        """`on_done` hears of each run that came to an end, `on_end` that a process is gone.

        Processes are numbered. Both are called in a thread of the worker's.
        """
        self._journal = Path(f"{Path(database).absolute()}.rules.jsonl")
        self._settings = settings
        self._on_done = on_done
        self._on_end = on_end
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._number = 0  # of the process

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def submit(self, job: Job) -> int:
        """Send a job; return the number of the process, whose end `on_end` hears if it comes first.

        Raises:
            StoreFailed: no process can be started. StoreClosed: the server is stopping.
        """
        with self._lock:
            if self._closed:
                raise StoreClosed("the server is stopping")
            if self._process is None or self._process.poll() is not None:
                self._start()
            assert self._process
            assert self._process.stdin
            with contextlib.suppress(OSError):  # it has ended: `on_end` says so
                self._process.stdin.write(line(job))
                self._process.stdin.flush()
            return self._number

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own program, a path of ours
                [sys.executable, "-P", "-c", _PROGRAM, str(self._journal)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._journal.parent,
                env=_environment(),
                start_new_session=True,  # what the terminal sends is for the server
            )
        except OSError as error:
            raise StoreFailed(f"no process for rules can be started: {error.strerror}") from error
        assert self._process.stdin
        self._number += 1
        with contextlib.suppress(OSError):
            self._process.stdin.write(line(self._settings))
        self._reader = threading.Thread(
            target=self._read, args=(self._process, self._number), name="rule-worker", daemon=True
        )
        self._reader.start()

    def _read(self, process: "subprocess.Popen[bytes]", number: int) -> None:
        assert process.stdout
        for text in process.stdout:
            with contextlib.suppress(ValueError, TypeError, KeyError):  # a torn last line
                self._on_done(read_done(text))
        process.wait()
        self._on_end(number)

    def journal(self) -> Iterator[Done]:
        """Yield what stands in the journal, the oldest first; a torn last line is left out."""
        try:
            with self._journal.open("rb") as lines:
                for text in lines:
                    with contextlib.suppress(ValueError, TypeError, KeyError):
                        yield read_done(text)
        except FileNotFoundError:
            return

    def journal_bytes(self) -> int:
        """Return how long the journal is."""
        try:
            return self._journal.stat().st_size
        except OSError:
            return 0

    def empty_journal(self) -> None:
        """Empty the journal: all that stands in it is stored. No run may be under way."""
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self._journal, 0)

    def remove_journal(self) -> None:
        """Remove the journal: all that stands in it is stored, and the process is gone."""
        self._journal.unlink(missing_ok=True)

    def is_held(self) -> bool:
        """Return whether a worker, of a server before this one, still finishes its runs."""
        try:
            with self._journal.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def close(self) -> None:
        """Take no more jobs; wait for a moment. What ends later stands in the journal."""
        self._closed = True
        if not self._lock.acquire(timeout=STOP_S):  # somebody writes to one that does not read
            self.kill()
            self._lock.acquire()
        process, reader = self._process, self._reader
        self._lock.release()
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()
        if reader is not None:
            reader.join(STOP_S)

    def kill(self) -> None:
        """End the process, whatever it does; at once, from any thread, and safe to repeat."""
        with contextlib.suppress(OSError, AttributeError):
            self._process.kill()  # type: ignore[union-attr]


def _environment() -> dict[str, str]:
    """Return the server's environment without its settings and keys, with its import path."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_THREADS_", "OPENAI_"))
    }
    kept["PYTHONPATH"] = os.pathsep.join(
        str(Path(one).absolute()) for one in sys.path if Path(one).exists()
    )
    return kept
