"""Backups as a stream, and snapshots beside the database for other DuckDB processes."""

import contextlib
import glob
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from otel_threads.core.errors import Overloaded, StoreFailed
from otel_threads.database import backup
from otel_threads.database.database import Database

logger = logging.getLogger(__name__)
BLOCK_BYTES = 1 << 20


class BackupService:
    """Copies of one open database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running = False
        file = Path(database.path).absolute()
        self._place, self._prefix = file.parent, f".{file.name}.backup-"
        if not database.read_only:  # then it is this process's alone, and so are its copies
            for leftover in file.parent.glob(f"{glob.escape(self._prefix)}*"):  # of a killed one
                shutil.rmtree(leftover, ignore_errors=True)

    def begin(self) -> tuple[int, "Copy"]:
        """Take a copy now; return its last commit and its blocks.

        The copy lies beside the database until the last block is taken, or it is closed.

        Raises:
            Overloaded: another backup is being made.
            StoreFailed: the disk lacks room for it, or cannot be written.
        """
        if self._running:
            raise Overloaded("a backup is being made already; try again when it is done")
        self._running = True
        folder: tempfile.TemporaryDirectory[str] | None = None
        try:
            try:
                folder = tempfile.TemporaryDirectory(prefix=self._prefix, dir=self._place)
            except OSError as error:
                raise StoreFailed(
                    f"a copy is made in {self._place} first: {error.strerror}"
                ) from error
            file = Path(folder.name) / "copy.duckdb"
            sequence = backup.copy(self._database, file)
            return sequence, Copy(file, folder, self._ended)
        except BaseException:
            self._running = False
            if folder is not None:
                folder.cleanup()
            raise

    def _ended(self) -> None:
        self._running = False


class Copy:
    """The blocks of a copy; close it, also when not all were taken, or it stays on the disk."""

    def __init__(
        self,
        file: Path,
        folder: "tempfile.TemporaryDirectory[str]",
        ended: Callable[[], None],
    ) -> None:
        self.size_bytes = file.stat().st_size
        self._reading = file.open("rb")
        self._folder = folder
        self._ended = ended

    def __iter__(self) -> "Copy":
        return self

    def __next__(self) -> bytes:
        block = self._reading.read(BLOCK_BYTES)
        if not block:
            self.close()
            raise StopIteration
        return block

    def close(self) -> None:
        """Delete the copy and make room for the next. Safe to call twice."""
        if not self._reading.closed:
            self._reading.close()
            self._folder.cleanup()
            self._ended()


class Snapshots:
    """Keeps a file beside the database that any number of DuckDB processes may open read-only."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        self._file = file
        self._written: object = None  # the state of the database that is in it
        for leftover in file.parent.glob(f".{file.name}.*.partial*"):  # of a run that was killed
            with contextlib.suppress(OSError):
                leftover.unlink()

    def write(self) -> None:
        """Replace the file by a new copy when there is something new.

        Who has the old one open keeps reading the old one.
        """
        state = self._database.state()
        if self._written == state and self._file.exists():
            return
        backup.copy(self._database, self._file)
        self._written = state


def snapshot_file(database: str, given: str | None) -> Path:
    """Return where the snapshot goes: beside the database, unless a place is given."""
    path = Path(database)
    return Path(given) if given else path.with_name(f"{path.stem}.snapshot{path.suffix}")
