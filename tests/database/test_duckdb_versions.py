"""What touches DuckDB's insides acts on tested versions alone, and the log says what is left out."""

import logging
import shutil
from pathlib import Path

import duckdb
import pytest

from otel_threads.database import (
    allocator,
    backup,
    checkpoint_journal,
    checksums,
    duckdb_versions,
)
from otel_threads.database.database import CATALOG, Database
from otel_threads.store.external_sql import file_locks

MEMORY_BYTES = 128 << 20


@pytest.fixture
def untested(monkeypatch, caplog):
    """A DuckDB of a version that nobody tested, as far as this program knows."""
    caplog.set_level(logging.WARNING)
    cached = (duckdb_versions.is_tested, allocator._control)
    monkeypatch.setattr(duckdb_versions, "TESTED", frozenset({"0.0.1"}))
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def a_database(path: Path) -> Database:
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    with database.transaction() as cursor:
        cursor.execute("insert into comments (id) select 'c' || i from range(3000) r(i)")
    return database


def test_the_version_that_is_installed_is_tested():
    assert duckdb.__version__ in duckdb_versions.TESTED
    assert duckdb_versions.is_tested()


@pytest.mark.long
def test_the_log_says_once_what_is_left_out(untested, tmp_path, caplog):
    for name in ("x.duckdb", "y.duckdb"):
        a_database(tmp_path / name).close()
    [record] = [one for one in caplog.records if one.name == duckdb_versions.__name__]
    assert f"DuckDB {duckdb.__version__} is none of the tested versions (0.0.1)" in record.message
    assert "checkpoint" in record.message
    assert "external SQL" in record.message


@pytest.mark.long
def test_a_checkpoint_comes_without_copies(untested, tmp_path):
    path = tmp_path / "x.duckdb"
    database = a_database(path)
    with database.cursor() as cursor, checkpoint_journal.kept(str(path), cursor, CATALOG):
        assert not Path(f"{path}.fold").exists()
    database.close()


@pytest.mark.long
def test_copies_of_a_tested_version_are_restored_all_the_same(tmp_path, request):
    path, left = tmp_path / "x.duckdb", tmp_path / "left.duckdb"
    database = a_database(path)
    with database.cursor() as cursor, checkpoint_journal.kept(str(path), cursor, CATALOG):
        for end in ("", ".wal", ".fold"):
            shutil.copyfile(f"{path}{end}", f"{left}{end}")
    database.close()
    request.getfixturevalue("untested")
    assert checkpoint_journal.restore(str(left))


@pytest.mark.long
def test_a_backup_is_checked_by_reading_every_value(untested, tmp_path, monkeypatch):
    path = tmp_path / "x.duckdb"
    a_database(path).close()
    read = []
    monkeypatch.setattr(backup, "_read_all", read.append)
    monkeypatch.setattr(checksums, "differing", None)  # must not be called
    backup.check(path)
    assert read == [path]


@pytest.mark.long
def test_a_header_that_changes_is_no_other_program(untested, tmp_path):
    """Who knows when such a version writes them."""
    path = tmp_path / "x.duckdb"
    database = a_database(path)
    with path.open("r+b") as file:
        file.seek(8192 + 4000)
        file.write(b"x")
    database.check_files()
    database.close(checkpoint=False)


def test_the_allocator_and_the_locks_are_left_alone(untested):
    assert not allocator.give_back()
    assert not file_locks.do_without()
