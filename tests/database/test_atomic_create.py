"""A process that is killed while it makes a new database leaves nothing in its way."""

import os
import subprocess
import sys

import duckdb
import pytest

from otel_threads.database import atomic_create
from otel_threads.database.database import BLOCK_BYTES, Database

MEMORY_BYTES = 128 << 20
# The kernel kills it at the first write beyond so many bytes of a file.
DIE_AFTER = """
import resource, signal, sys
from otel_threads.database.database import Database
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
Database(sys.argv[1], memory_limit_bytes=128 << 20)
"""


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".wal"))


def block_bytes(database: Database) -> int:
    with database.cursor() as cursor:
        return cursor.execute(
            "select block_size from pragma_database_size() where database_name = 'otel_threads'"
        ).fetchone()[0]


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="SIGXFSZ ends a process")
@pytest.mark.parametrize("size_bytes", [0, 4096, 8192])
def test_a_kill_at_any_header_leaves_no_file_and_the_next_start_goes_well(tmp_path, size_bytes):
    path = tmp_path / "x.duckdb"
    died = subprocess.run(
        [sys.executable, "-c", DIE_AFTER, str(path), str(size_bytes)], check=False
    )
    assert died.returncode < 0
    assert names(tmp_path) == ["x.duckdb.unfinished"]
    assert (tmp_path / "x.duckdb.unfinished").stat().st_size <= size_bytes
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    assert block_bytes(database) == BLOCK_BYTES
    database.close()
    assert names(tmp_path) == ["x.duckdb"]


def test_a_file_that_somebody_made_meanwhile_stays(tmp_path):
    path = tmp_path / "x.duckdb"
    path.write_bytes(b"theirs")
    with duckdb.connect(":memory:") as connection:
        atomic_create.make(str(path), connection, "ROW_GROUP_SIZE 8192")
    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["x.duckdb"]


@pytest.mark.long
def test_a_file_with_content_under_the_other_name_stays(tmp_path):
    theirs = tmp_path / "x.duckdb.unfinished"
    Database(str(theirs), memory_limit_bytes=MEMORY_BYTES).close()
    content = theirs.read_bytes()
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=MEMORY_BYTES)
    assert block_bytes(database) == BLOCK_BYTES
    database.close()
    assert theirs.read_bytes() == content
    assert names(tmp_path) == ["x.duckdb", "x.duckdb.unfinished"]


@pytest.mark.long
def test_where_there_are_no_links_the_file_is_made_all_the_same(tmp_path, monkeypatch):
    """As on FAT and some network file systems."""

    def link(*_):
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=MEMORY_BYTES)
    assert block_bytes(database) == BLOCK_BYTES
    database.close()
    assert names(tmp_path) == ["x.duckdb"]
