"""The server's side of a process of external SQL: how it is started, asked, measured and ended."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO

from otel_threads.core.errors import StoreFailed
from otel_threads.store.external_sql.sql_wire import (
    BLOCK_BYTES_MAX,
    DATA,
    END,
    FAILED,
    HEADER,
    SPENT,
    Request,
)

FOLDER_MARK = ".sql-"  # in the names of the folders of such processes, beside the database
_PROGRAM = f"from {__package__}.sql_process import main; main()"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class SqlWorker:
    """One process. One query at a time; `kill` ends it from any thread."""

    def __init__(
        self,
        database: str,
        *,
        memory_limit_bytes: int,
        is_written: bool,
        program: str = _PROGRAM,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Start the process, which takes a third of a second to be ready; nobody waits for it here.

        `program`: Python to run, with `environment` beside what the server hands on.

        Raises:
            StoreFailed: no process or no folder can be made.
        """
        path = Path(database).absolute()
        try:
            # Beside the database, because a hard link cannot leave its file system.
            self._folder = Path(
                tempfile.mkdtemp(
                    prefix=f"{path.name}{FOLDER_MARK}", dir=path.parent if is_written else None
                )
            )
            self._process = subprocess.Popen(  # noqa: S603  # our own program, paths of ours
                [
                    sys.executable,
                    "-c",
                    program,
                    str(path),
                    str(self._folder),
                    str(memory_limit_bytes),
                    "written" if is_written else "read",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder,
                env={**_environment(), **environment},
                start_new_session=True,  # what the terminal sends is for the server
            )
        except OSError as error:
            raise StoreFailed(f"no process for SQL can be started: {error.strerror}") from error
        assert self._process.stdin
        assert self._process.stdout
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        self.is_free = True  # all of the last answer was read, and it takes another query

    def send(self, request: Request) -> None:
        """Send a query. That the process has ended shows when its answer is read."""
        self.is_free = False
        with contextlib.suppress(OSError):
            self._requests.write(request.line())
            self._requests.flush()

    def frames(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield kind and bytes of what is answered, a long frame in blocks, up to the last one.

        Raises:
            EOFError: the process ended before.
        """
        is_spent = False
        while True:
            kind, left = HEADER.unpack(self._read(HEADER.size))
            while left > BLOCK_BYTES_MAX:
                yield kind, self._read(BLOCK_BYTES_MAX)
                left -= BLOCK_BYTES_MAX
            payload = self._read(left)
            if kind == SPENT:
                is_spent = True
                continue
            if kind in (END, FAILED):
                self.is_free = not is_spent
                yield kind, payload
                return
            if payload or kind != DATA:
                yield kind, payload

    def _read(self, count: int) -> bytes:
        payload = self._answers.read(count)
        if len(payload) < count:
            raise EOFError
        return payload

    def rss_bytes(self) -> int:
        """Return what the process has of the machine's memory; 0 where that cannot be told."""
        try:
            fields = Path(f"/proc/{self._process.pid}/statm").read_bytes().split()
            return int(fields[1]) * _PAGE_BYTES
        except (OSError, IndexError, ValueError):
            return 0

    def kill(self) -> None:
        """End the process, whatever it does; at once, from any thread, and safe to repeat."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def ended(self) -> bool:
        """Return whether the process is gone."""
        return self._process.poll() is not None

    def exit_code(self) -> int:
        """Wait for the process, which is ending; return its code, the signal's number below 0."""
        return self._process.wait()

    def close(self) -> None:
        """End the process, wait until it has, and remove its folder."""
        self.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def remove_leftovers(database: str) -> None:
    """Remove the folders of processes of a server that was killed; its successor has the lock."""
    path = Path(database).absolute()
    for folder in path.parent.glob(f"{_escaped(path.name)}{FOLDER_MARK}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _environment() -> dict[str, str]:
    """Return the server's environment without its settings and tokens, with its import path."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("OTEL_THREADS_")
    }
    kept["PYTHONPATH"] = os.pathsep.join(
        str(Path(one).absolute()) for one in sys.path if Path(one).exists()
    )
    kept["PYTHONSAFEPATH"] = "1"  # nothing is imported from the folder that it runs in
    return kept
