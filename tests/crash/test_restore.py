"""A restore that is cut off leaves a database under its name at every moment."""

import os
from pathlib import Path

import pytest

from otel_threads.core.errors import StoreFailed
from otel_threads.database import backup
from otel_threads.database.database import Database

MEMORY_BYTES = 128 << 20


def views(path: Path) -> list[str]:
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    with database.cursor() as cursor:
        found = cursor.execute("select name from saved_views order by name").fetchall()
    database.close()
    return [name for (name,) in found]


def a_database(path: Path, name: str) -> Path:
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    with database.transaction() as cursor:
        cursor.execute("insert into saved_views (project, name) values ('p', ?)", [name])
    database.close()
    return path


@pytest.fixture(params=["links", "no links"])
def with_or_without_links(request, monkeypatch):
    """As on ext4, and as on FAT and some network file systems."""
    if request.param == "no links":

        def link(*_):
            raise PermissionError("Operation not permitted")

        monkeypatch.setattr(os, "link", link)


@pytest.mark.usefixtures("with_or_without_links")
def test_a_restore_that_cannot_rename_leaves_the_database_where_it_was(tmp_path, monkeypatch):
    target = a_database(tmp_path / "x.duckdb", "old")
    copy = a_database(tmp_path / "copy.duckdb", "new")
    replace = Path.replace

    def fails_for_the_copy(self, to):
        if self.name == ".x.duckdb.partial":
            raise OSError(28, "No space left on device")
        return replace(self, to)

    monkeypatch.setattr(Path, "replace", fails_for_the_copy)
    with pytest.raises(StoreFailed, match="No space left"):
        backup.restore(copy, target, force=True)
    assert views(target) == ["old"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy.duckdb", "x.duckdb"]


@pytest.mark.usefixtures("with_or_without_links")
def test_a_restore_keeps_what_was_there_beside(tmp_path):
    target = a_database(tmp_path / "x.duckdb", "old")
    copy = a_database(tmp_path / "copy.duckdb", "new")
    kept = backup.restore(copy, target, force=True)
    assert views(target) == ["new"]
    assert kept is not None
    assert views(kept) == ["old"]
