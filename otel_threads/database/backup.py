"""Copies of the database: taken while spans arrive, one consistent file each, checked before use.

A copy is made of two files: the write-ahead log first, then the database, while the log is not
checkpointed. In that order the WAL never speaks of blocks that the copied database lacks.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb

from otel_threads import durable
from otel_threads.core.errors import DatabaseRefused, StoreFailed
from otel_threads.database import checksums, duckdb_versions, migrations
from otel_threads.database.database import CATALOG, ROW_GROUP_SIZE, STORAGE_VERSION, Database
from otel_threads.database.engine_errors import explain
from otel_threads.database.file_watch import free_name

COPY_BYTES = 8 << 20
MEMORY_LIMIT = "256MB"  # of the connection that checkpoints and checks a copy
Progress = Callable[[int, int], object]


def copy(database: Database, target: Path) -> int:
    """Write a copy of an open database; return the number of the last commit that it holds.

    The file appears under its name only once it is whole, checkpointed, read and on disk.

    Raises:
        StoreFailed: the disk lacks room, or the copy cannot be read; nothing is left behind.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    log = partial.with_name(f"{partial.name}.wal")
    try:
        room = shutil.disk_usage(target.parent).free
        needed = database.size_bytes()
        if room < needed:
            raise StoreFailed(f"{target.parent} has {room} bytes free, a copy needs {needed}")
        with database.unchanging_file():
            _copy_apart([(f"{database.path}.wal", log), (database.path, partial)])
        sequence = check(partial, checkpoint=True)
        durable.sync(partial)
        durable.replace(partial, target)
    except OSError as error:
        raise StoreFailed(f"the copy could not be written: {error.strerror}") from error
    except DatabaseRefused as error:
        raise StoreFailed(f"the copy cannot be read: {error}") from error
    finally:
        for leftover in (partial, log):
            with contextlib.suppress(OSError):
                leftover.unlink()
    return sequence


def _copy_apart(files: Sequence[tuple[str, Path]]) -> None:
    """Copy files that are there in a process of its own.

    A process loses its locks on a file when it closes any handle of it (POSIX): copied in here, the
    database would be open to everybody from then on.
    """
    done = subprocess.run(  # noqa: S603  # our own program, two paths of ours
        [sys.executable, "-I", "-S", "-c", _COPY, *(str(one) for pair in files for one in pair)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["the copying process failed"])[-1]
        raise StoreFailed(f"the copy could not be written: {reason}")


_COPY = """
import os, shutil, sys
for source, target in zip(sys.argv[1::2], sys.argv[2::2]):
    if os.path.exists(source):
        shutil.copyfile(source, target)
"""


def check(file: Path, *, checkpoint: bool = False) -> int:
    """Read a copy; return the number of its last commit.

    With `checkpoint` its WAL becomes part of it. Every block is compared with its checksum.

    Raises:
        DatabaseRefused: it is not a database of ours, or it is damaged.
        OSError: it cannot be read.
    """
    mode = f"ROW_GROUP_SIZE {ROW_GROUP_SIZE}, STORAGE_VERSION '{STORAGE_VERSION}'"
    with _attached(file, mode if checkpoint else "READ_ONLY") as connection:
        migrations.check(connection, str(file))
        if checkpoint:
            connection.execute(f"checkpoint {CATALOG}")
        row = connection.execute(
            "select greatest((select coalesce(max(ingest_seq), 0) from spans),"
            " (select coalesce(max(ingest_seq), 0) from log_records)), block_size, total_blocks"
            " from pragma_database_size() where database_name = current_database()"
        ).fetchone()
    assert row
    sequence, block_bytes, blocks = row
    if not _has_sound_blocks(file, block_bytes, blocks):
        _read_all(file)
    return int(sequence)


def _has_sound_blocks(file: Path, block_bytes: int, blocks: int) -> bool:
    """Return whether all blocks are there, as they were written; False where that is not known."""
    if not duckdb_versions.is_tested():
        return False
    is_cut = file.stat().st_size < checksums.HEADERS_BYTES + blocks * block_bytes
    return not is_cut and not checksums.differing(file, block_bytes)


@contextlib.contextmanager
def _attached(file: Path, mode: str) -> Iterator[duckdb.DuckDBPyConnection]:
    quoted = str(file).replace("'", "''")
    with duckdb.connect(":memory:", config={"memory_limit": MEMORY_LIMIT}) as connection:
        try:
            connection.execute(f"attach '{quoted}' as {CATALOG} (TYPE duckdb, {mode})")
            connection.execute(f"use {CATALOG}")
            yield connection
        except duckdb.Error as error:
            raise DatabaseRefused(explain(str(file), error)) from error


def _read_all(file: Path) -> None:
    """Read every value, and with it each block that is in use; the others may be what they like."""
    with _attached(file, "READ_ONLY") as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
        for (table,) in tables:
            values = connection.execute(f'select bit_xor(hash(columns(*))) from "{table}"')  # noqa: S608
            values.fetchone()


def restore(
    backup: Path, target: Path, *, force: bool, on_progress: Progress = lambda done, total: None
) -> Path | None:
    """Put a checked copy of a backup in the place of a database that nobody has open.

    Returns where the database that was there is now (with `force`), None when there was none.

    Raises:
        DatabaseRefused: the backup is no database of ours, the place is taken, or somebody has
            the database there open.
        StoreFailed: it could not be written; what was there is there still.
    """
    if not backup.exists():
        raise DatabaseRefused(f"there is no file {backup}")
    check(backup)
    old: Path | None = None
    if target.exists():
        if not force:
            raise DatabaseRefused(f"{target} exists; --force keeps it beside, under another name")
        Database(str(target), memory_limit_bytes=256 << 20).close()  # refused while it is open
        old = free_name(target, "before-restore")
    partial = target.with_name(f".{target.name}.partial")
    try:
        total = backup.stat().st_size
        _copy_file(backup, partial, 0, total, on_progress)
        durable.sync(partial)
        log = Path(f"{target}.wal")
        if old is not None:
            # Killed after a rename, a restore would leave no database under the name that a
            # server starts with, and it would make an empty one: so a second name comes first.
            _keep_beside(target, old)
            if log.exists():
                _keep_beside(log, Path(f"{old}.wal"))
            durable.sync_names(target.parent)
        durable.replace(partial, target)
        # The WAL of a database that is gone would be replayed into this one.
        with contextlib.suppress(FileNotFoundError):
            log.unlink()
        durable.sync_names(target.parent)
    except OSError as error:
        if old is not None and partial.exists():  # nothing was replaced: no second names
            for name in (old, Path(f"{old}.wal")):
                name.unlink(missing_ok=True)
        raise StoreFailed(f"the database could not be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()
    return old


def _keep_beside(file: Path, kept: Path) -> None:
    """Give a file a second name; a copy where there are no links."""
    try:
        os.link(file, kept)
    except OSError:
        shutil.copyfile(file, kept)
        durable.sync(kept)


def compact(path: Path, on_progress: Progress = lambda done, total: None) -> tuple[int, int]:
    """Rewrite a database that nobody has open, without the room of deleted rows.

    Returns its bytes before and after. `on_progress` hears of tables done and in all. Interrupted,
    the database is as it was.

    Raises:
        DatabaseRefused: there is none, or somebody has it open.
    """
    if not path.exists():
        raise DatabaseRefused(f"there is no file {path}")
    partial = path.with_name(f".{path.name}.compact")
    for leftover in (partial, Path(f"{partial}.wal")):
        with contextlib.suppress(FileNotFoundError):
            leftover.unlink()
    database = Database(str(path), memory_limit_bytes=256 << 20)  # brings the schema up to date
    database.close()  # and checkpoints the WAL
    before = path.stat().st_size
    Database(str(partial), memory_limit_bytes=256 << 20).close()
    quoted = [str(file).replace("'", "''") for file in (path, partial)]
    with duckdb.connect(":memory:", config={"preserve_insertion_order": "true"}) as connection:
        try:
            connection.execute(
                f"attach '{quoted[0]}' as old (TYPE duckdb)"
            )  # writable: nobody may begin now
            connection.execute(
                f"attach '{quoted[1]}' as new (TYPE duckdb, ROW_GROUP_SIZE {ROW_GROUP_SIZE},"
                f" STORAGE_VERSION '{STORAGE_VERSION}')"
            )
            _copy_tables(connection, on_progress)
            connection.execute("checkpoint new")
            connection.execute("detach new")
            check(partial)
            durable.sync(partial)
            durable.replace(partial, path)
        except duckdb.Error as error:
            raise DatabaseRefused(explain(str(path), error)) from error
        finally:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()
    return before, path.stat().st_size


def _copy_tables(connection: duckdb.DuckDBPyConnection, on_progress: Progress) -> None:
    """Copy the rows of `old` into `new`, which has the same tables.

    Raises:
        StoreFailed: a table has not the same number of rows then.
    """
    tables = [
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'new'"
        ).fetchall()
    ]
    for done, name in enumerate(tables):
        connection.execute(f'delete from new."{name}"')  # noqa: S608  # our own names
        connection.execute(f'insert into new."{name}" by name from old."{name}"')
        counts = [
            connection.execute(f'select count(*) from {side}."{name}"').fetchone()  # noqa: S608
            for side in ("old", "new")
        ]
        if counts[0] != counts[1]:
            raise StoreFailed(f"the copy of {name} differs: {counts[1]} rows of {counts[0]}")
        on_progress(done + 1, len(tables))


def _copy_file(source: Path, target: Path, done: int, total: int, on_progress: Progress) -> int:
    """Copy one file; return the bytes done so far. None is there: nothing to copy."""
    try:
        reading = source.open("rb")
    except FileNotFoundError:
        return done
    with reading, target.open("wb") as writing:
        while chunk := reading.read(COPY_BYTES):
            writing.write(chunk)
            done += len(chunk)
            on_progress(done, max(total, done))
    return done
