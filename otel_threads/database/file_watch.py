"""Notices that the database file or its WAL was deleted, moved, replaced or overwritten.

DuckDB goes on with the files that it opened, whatever became of their names: its commits succeed,
and are gone with the last handle. So each commit is followed by a look, before anybody is told of
it: 9 microseconds.
"""

import contextlib
import logging
import os
import shutil
import time
from enum import Enum
from pathlib import Path

from otel_threads import durable
from otel_threads.core.errors import FileLost

logger = logging.getLogger(__name__)
HEADERS_AT, HEADERS_BYTES = 4096, 8192  # DuckDB writes one of the two at the end of a checkpoint
COPY_BYTES = 8 << 20  # at once
LOG_EVERY_S = 60.0


class Loss(Enum):
    """What became of the files; the value says it to people."""

    WAL_DELETED = "its WAL was deleted or replaced"
    DELETED = "it was deleted"
    MOVED = "it was moved: move it back, or stop the server"
    REPLACED = "another file was put in its place"
    OVERWRITTEN = "another program wrote over it: stop the server and restore a backup"


class FileWatch:
    """The files that DuckDB has open, against what stands under their names."""

    def __init__(self, path: str, *, has_headers: bool = True) -> None:
        """Watch nothing yet; `opened` is to be called after each opening.

        Without `has_headers` others may make checkpoints, or this version of DuckDB may write
        headers at other times, so that they tell nothing.
        """
        self._path, self._wal_path = path, f"{path}.wal"
        self._has_headers = has_headers
        self._file: int | None = None  # DuckDB's own descriptors; None: not known
        self._wal: tuple[int, os.stat_result] | None = None
        self._headers = b""
        self._size_bytes = 0  # the file never shrinks but in a checkpoint
        self._said_at = -LOG_EVERY_S
        self._kept: Path | None = None  # the copy of a file that another replaced
        self._final: Loss | None = None  # what only a restart ends

    def opened(self) -> None:
        """Watch the files that are open now.

        Raises:
            OSError: the folder's names cannot be put on disk.
        """
        self._file = descriptor_of(self._path)
        self.checkpointed()

    def checkpointed(self) -> None:
        """Take note that DuckDB changed the file, and made its WAL anew or will.

        Raises:
            OSError: the folder's names cannot be put on disk.
        """
        self._wal = None
        if self._file is not None:
            self._headers = os.pread(self._file, HEADERS_BYTES, HEADERS_AT)
            self._size_bytes = os.fstat(self._file).st_size
        with contextlib.suppress(FileNotFoundError):  # `look` finds a folder that is gone
            self._sync_names()

    def look(self, *, unchanging: bool) -> Loss | None:
        """Return what became of the files, None when all is well.

        A WAL that is new is on disk with its name afterwards. Without `unchanging` a checkpoint
        may run: then only the name of the file is looked at.

        Raises:
            OSError: the folder's names cannot be put on disk.
        """
        if self._final or self._file is None:  # None: a system that does not tell what is open
            return self._final
        named, ours = _status(self._path), os.fstat(self._file)
        if named is None or not os.path.samestat(named, ours):
            if ours.st_nlink:
                return Loss.MOVED
            return Loss.DELETED if named is None else Loss.REPLACED
        if not unchanging:
            self._sync_names()  # the WAL of meanwhile has another name
            return None
        if self._has_headers and self._is_overwritten(ours.st_size):
            self._final = Loss.OVERWRITTEN
            return self._final
        return self._look_at_wal()

    def _is_overwritten(self, size_bytes: int) -> bool:
        assert self._file is not None
        headers = os.pread(self._file, HEADERS_BYTES, HEADERS_AT)
        return headers != self._headers or size_bytes < self._size_bytes

    def _look_at_wal(self) -> Loss | None:
        named = _status(self._wal_path)
        if self._wal is not None and _is_open_as(*self._wal):
            is_there = named is not None and os.path.samestat(named, self._wal[1])
            return None if is_there else Loss.WAL_DELETED
        number = None if named is None else descriptor_of(self._wal_path)
        if named is not None and number is not None:
            self._sync_names()  # before the first commit in it is acknowledged
            self._wal = number, named
            return None
        # Nothing was written since the last checkpoint, or what was has no name any more.
        return None if deleted_descriptor_of(self._wal_path) is None else Loss.WAL_DELETED

    def _sync_names(self) -> None:
        durable.sync_names(Path(self._path).parent)

    def rescue(self) -> Path:
        """Write what DuckDB has in the files, whatever their names, to `x.duckdb.rescued-1`.

        Returns that name; the WAL is beside it. Both are on disk then. Nobody may commit meanwhile.

        Raises:
            OSError: they cannot be written; nothing is left behind.
        """
        target = free_name(Path(self._path), "rescued")
        target.parent.mkdir(parents=True, exist_ok=True)
        assert self._file is not None
        wal = self._own_wal()
        if wal is not None:
            # DuckDB's handle only writes. To close this one drops a lock on a WAL left behind.
            with Path(f"/proc/self/fd/{wal}").open("rb") as file:
                _copy(file.fileno(), Path(f"{target}.wal"))
        _copy(self._file, target)
        return target

    def _own_wal(self) -> int | None:
        if self._wal is not None and _is_open_as(*self._wal):
            return self._wal[0]
        deleted = deleted_descriptor_of(self._wal_path)
        return descriptor_of(self._wal_path) if deleted is None else deleted

    def keep_replaced(self) -> None:
        """Rescue, once, the files in whose place somebody put others; a failure is logged."""
        self._final = Loss.REPLACED  # nobody commits from now on
        if self._kept is None:
            try:
                self._kept = self.rescue()
            except OSError as error:
                logger.error("%s cannot be rescued: %s", self._path, error.strerror or error)

    def leave(self) -> None:
        """Move our WAL out of the way of a file that is not ours, which would replay it.

        Raises:
            OSError: it cannot be renamed.
        """
        if self._final is None or descriptor_of(self._wal_path) is None:
            return
        kept = free_name(Path(self._wal_path), "rescued")
        durable.replace(Path(self._wal_path), kept)
        logger.error("the WAL of what the server had in %s is %s", self._path, kept)

    def error(self, loss: Loss) -> FileLost:
        """Return what senders and readers are told; the log hears it once a minute."""
        kept = f"; what the server had in it is in {self._kept}" if self._kept else ""
        text = f"{self._path} takes no more data: {loss.value}{kept}"
        if loss is Loss.REPLACED:
            text += ". Restart the server to go on with the new file"
        if time.monotonic() - self._said_at >= LOG_EVERY_S:
            self._said_at = time.monotonic()
            logger.error("%s", text)
        return FileLost(text)


def put_in_place(kept: Path, path: Path) -> None:
    """Give what `rescue` kept the names of a database that is gone.

    Raises:
        OSError: it cannot be renamed.
    """
    if (wal := Path(f"{kept}.wal")).exists():
        durable.replace(wal, Path(f"{path}.wal"))
    durable.replace(kept, path)


def free_name(file: Path, word: str) -> Path:
    """Return a name beside a file that is not taken: x.duckdb.word-1."""
    count = 1
    while (name := file.with_name(f"{file.name}.{word}-{count}")).exists():
        count += 1
    return name


def _copy(source: int, target: Path) -> None:
    """Copy by DuckDB's own handle: to close another of the file would drop its lock (POSIX)."""
    size_bytes = os.fstat(source).st_size
    if shutil.disk_usage(target.parent).free < size_bytes:
        raise OSError(f"{target.parent} has no room for {size_bytes} bytes")
    partial = target.with_name(f"{target.name}.partial")
    try:
        with partial.open("wb") as file:
            at = 0
            while chunk := os.pread(source, COPY_BYTES, at):
                file.write(chunk)
                at += len(chunk)
        durable.sync(partial)
        durable.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def descriptor_of(path: str) -> int | None:
    """Return the number under which this process, so DuckDB, has a file open; None if it has not.

    None as well on a system that does not tell what is open.
    """
    wanted = _status(path)
    if wanted is None:
        return None
    for number in _open_numbers():
        if _is_open_as(number, wanted):
            return number
    return None


def deleted_descriptor_of(path: str) -> int | None:
    """Return the number of an open file whose name was this and is deleted. Linux only."""
    gone = f"{Path(path).resolve()} (deleted)"
    for number in _open_numbers():
        with contextlib.suppress(OSError):
            if str(Path(f"/proc/self/fd/{number}").readlink()) == gone:
                return number
    return None


def _open_numbers() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208  # half as slow
    return []


def _is_open_as(number: int, wanted: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(number), wanted)
    return False


def _status(path: str) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return os.stat(path)  # noqa: PTH116  # each commit waits for it
    return None
