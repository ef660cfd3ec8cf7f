"""A process that is killed while a checkpoint writes over live metadata leaves a file that opens."""

import shutil
from pathlib import Path

import pytest

from otel_threads.core.errors import DatabaseRefused
from otel_threads.database import checkpoint_journal
from otel_threads.database.database import BLOCK_BYTES, CATALOG, Database

MEMORY_BYTES = 128 << 20


def fill(database: Database, first: int, count: int) -> None:
    with database.transaction(checkpoint=False) as cursor:
        cursor.execute(
            "insert into comments (id, text) select 'c' || i, md5(i::varchar)"
            f" from range({first}, {first + count}) r(i)"
        )


def count(path: Path) -> int:
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    with database.cursor() as cursor:
        (found,) = cursor.execute("select count(distinct id) from comments").fetchone()
    database.close()
    return found


def take(path: Path, to: Path) -> None:
    for end in ("", ".wal", ".fold"):
        source, target = Path(f"{path}{end}"), Path(f"{to}{end}")
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, target)


@pytest.fixture
def moments(tmp_path):
    """A database right before a checkpoint and right after it: two names of files."""
    path, before, after = (tmp_path / name for name in ("x.duckdb", "before", "after"))
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    fill(database, 0, 3000)
    database.checkpoint(whatever_size=True)
    fill(database, 3000, 3000)
    with database.cursor() as cursor, checkpoint_journal.kept(str(path), cursor, CATALOG):
        # Copying drops DuckDB's lock on the file; nobody else wants it here.
        take(path, before)
        cursor.execute(f"checkpoint {CATALOG}")
        take(path, after)
    database.close()
    return before, after


def tear(before: Path, after: Path) -> list[int]:
    """Write the first half of each block that the checkpoint wrote over, as a kill leaves it."""
    old, new = before.read_bytes(), after.read_bytes()
    torn = []
    with before.open("r+b") as file:
        for at in range(checkpoint_journal.BLOCKS_AT, len(old), BLOCK_BYTES):
            half = new[at : at + BLOCK_BYTES // 2]
            if half != old[at : at + BLOCK_BYTES // 2]:
                file.seek(at)
                file.write(half)
                torn.append(at)
    return torn


@pytest.mark.long
def test_a_torn_block_is_put_back(moments):
    before, after = moments
    assert tear(before, after)
    assert count(before) == 6000
    assert not Path(f"{before}.fold").exists()
    assert count(before) == 6000


@pytest.mark.long
def test_without_the_copies_the_file_would_be_lost(moments):
    """DuckDB does write over what is in use: once it no longer does, double_write.py may go."""
    before, after = moments
    assert tear(before, after)
    Path(f"{before}.fold").unlink()
    with pytest.raises(DatabaseRefused, match="checksum"):
        count(before)


@pytest.mark.long
def test_copies_of_a_checkpoint_that_came_to_its_end_are_left_alone(moments):
    """Killed between the last header and removing the copies: they are of an older state."""
    before, after = moments
    shutil.copyfile(f"{before}.fold", f"{after}.fold")
    assert not checkpoint_journal.restore(str(after))
    assert not Path(f"{after}.fold").exists()
    assert count(after) == 6000


@pytest.mark.long
@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b""])
def test_copies_that_are_not_whole_are_not_put_back(moments, damage):
    before, _ = moments
    copies = Path(f"{before}.fold")
    copies.write_bytes(damage(copies.read_bytes()))
    assert not checkpoint_journal.restore(str(before))
    assert count(before) == 6000


def test_nothing_is_put_back_under_an_open_database(tmp_path):
    path = tmp_path / "x.duckdb"
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    fill(database, 0, 10)
    with database.cursor() as cursor, checkpoint_journal.kept(str(path), cursor, CATALOG):
        assert not checkpoint_journal.restore(str(path))
        assert Path(f"{path}.fold").exists()
    database.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.duckdb"]


@pytest.mark.long
def test_no_room_for_the_copies_is_no_checkpoint(tmp_path, caplog):
    """A folder in the way stands for a full disk; the log stays, and the commits go on."""
    path = tmp_path / "x.duckdb"
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    Path(f"{path}.fold.partial").mkdir()
    fill(database, 0, 10)
    database.checkpoint(whatever_size=True)
    assert "could not be checkpointed" in caplog.text
    assert database.wal_bytes()
    fill(database, 10, 10)
    Path(f"{path}.fold.partial").rmdir()
    database.close()
    assert count(path) == 20
