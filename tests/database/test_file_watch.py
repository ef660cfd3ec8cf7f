"""Files that are deleted, moved, replaced or overwritten under a running server: what is acknowledged lasts."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until

from otel_threads import durable
from otel_threads.core.errors import FileLost, StoreFailed
from otel_threads.database import file_watch
from otel_threads.database.database import Database

MEMORY_BYTES = 128 << 20
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "x.duckdb"


@pytest.fixture
def database(path: Path):
    """A database with 1,000 comments in the file and 1,000 in the WAL."""
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    fill(database, 0)
    database.checkpoint(whatever_size=True)
    fill(database, 1000)
    yield database
    database.close()


def fill(database: Database, first: int) -> None:
    with database.transaction() as cursor:
        cursor.execute(
            f"insert into comments (id, text) select 'c' || i, 'x' from range({first}, {first + 1000}) r(i)"
        )


def in_a_copy(path: Path, tmp_path: Path) -> int:
    """Return the comments that a process would find that starts now, as after a kill."""
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for end in ("", ".wal"):
        if Path(f"{path}{end}").exists():
            shutil.copyfile(f"{path}{end}", copy / f"{path.name}{end}")
    return in_file(copy / path.name)


def in_file(path: Path) -> int:
    database = Database(str(path), memory_limit_bytes=MEMORY_BYTES)
    with database.cursor() as cursor:
        (found,) = cursor.execute("select count(distinct id) from comments").fetchone()
    database.close()
    return found


def delete_wal(path: Path) -> None:
    Path(f"{path}.wal").unlink()


def move_wal(path: Path) -> None:
    Path(f"{path}.wal").rename(f"{path}.elsewhere")


def replace_wal(path: Path) -> None:
    delete_wal(path)
    Path(f"{path}.wal").write_bytes(b"another's")


def delete_file(path: Path) -> None:
    path.unlink()


def delete_both(path: Path) -> None:
    path.unlink()
    delete_wal(path)


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.long
@pytest.mark.parametrize(
    "lose", [delete_wal, move_wal, replace_wal, delete_file, delete_both, delete_folder]
)
def test_what_is_deleted_is_written_again_before_the_next_commit_counts(
    path, database, tmp_path, lose, caplog
):
    lose(path)
    fill(database, 2000)
    assert in_a_copy(path, tmp_path) == 3000
    assert database.file_trouble() is None
    assert "nothing was lost" in caplog.text
    fill(database, 3000)
    database.close()
    assert in_file(path) == 4000
    assert not list(path.parent.glob("*.rescued*"))


@pytest.mark.long
@pytest.mark.parametrize("lose", [delete_wal, delete_file, delete_both, delete_folder])
def test_what_is_deleted_is_written_again_at_the_stop(path, database, lose):
    lose(path)
    database.close()
    assert in_file(path) == 2000


@pytest.mark.long
def test_a_commit_that_a_deletion_overtakes_is_mended_before_it_counts(path, database, tmp_path):
    with database.transaction() as cursor:
        cursor.execute("insert into comments (id, text) values ('last', 'x')")
        delete_both(path)
    assert in_a_copy(path, tmp_path) == 2001


@pytest.mark.long
def test_a_deletion_right_after_a_checkpoint_is_mended(path, database, tmp_path):
    """There is no WAL then, and DuckDB would make the next one in a folder that is gone."""
    database.checkpoint(whatever_size=True)
    delete_folder(path)
    fill(database, 2000)
    assert in_a_copy(path, tmp_path) == 3000


@pytest.mark.long
def test_a_moved_file_stops_commits_until_it_is_back(path, database, tmp_path):
    elsewhere = tmp_path / "elsewhere.duckdb"
    path.rename(elsewhere)
    with pytest.raises(FileLost, match=r"x\.duckdb takes no more data: it was moved"):
        fill(database, 2000)
    assert "it was moved" in database.file_trouble()
    elsewhere.rename(path)
    assert database.file_trouble() is None
    fill(database, 2000)
    assert in_a_copy(path, tmp_path) == 3000


@pytest.mark.long
def test_a_moved_folder_keeps_all_of_it(path, database, tmp_path):
    moved = tmp_path / "moved"
    path.parent.rename(moved)
    with pytest.raises(FileLost, match="it was moved"):
        fill(database, 2000)
    database.close()
    assert in_file(moved / path.name) == 2000


def another(tmp_path: Path) -> Path:
    """A backup with ten comments."""
    other = tmp_path / "backup.duckdb"
    database = Database(str(other), memory_limit_bytes=MEMORY_BYTES)
    with database.transaction() as cursor:
        cursor.execute("insert into comments (id, text) select 'b' || i, 'x' from range(10) r(i)")
    database.close()
    return other


@pytest.mark.long
def test_a_file_in_whose_place_another_is_put_is_kept_beside_it(path, database, tmp_path):
    another(tmp_path).rename(path)
    for _ in range(2):
        with pytest.raises(FileLost, match=r"another file was put in its place.*rescued-1"):
            fill(database, 2000)
    database.close()
    assert in_file(path.with_name("x.duckdb.rescued-1")) == 2000
    assert in_file(path) == 10  # as it was put there: nothing of ours was replayed into it


@pytest.mark.long
def test_a_backup_that_is_copied_over_the_file_stays_as_it_is(path, database, tmp_path):
    shutil.copyfile(another(tmp_path), path)
    with pytest.raises(FileLost, match="another program wrote over it"):
        fill(database, 2000)
    copied = path.read_bytes()
    database.close()
    assert path.read_bytes() == copied
    assert in_file(path) == 10
    assert list(path.parent.glob("*.wal.rescued-1"))


@pytest.mark.long
@pytest.mark.parametrize("size_bytes", [0, 4096, 100_000])
def test_a_file_that_is_cut_takes_no_more(path, database, size_bytes):
    os.truncate(path, size_bytes)
    with pytest.raises(FileLost, match="another program wrote over it"):
        fill(database, 2000)


@pytest.mark.long
def test_the_log_hears_of_it_once_a_minute(path, database, caplog, monkeypatch):
    path.rename(f"{path}.away")
    for _ in range(20):
        assert database.file_trouble()
    assert caplog.text.count("takes no more data") == 1
    monkeypatch.setattr(file_watch, "LOG_EVERY_S", 0.0)
    assert database.file_trouble()
    assert caplog.text.count("takes no more data") == 2
    Path(f"{path}.away").rename(path)


@pytest.mark.long
def test_without_room_for_a_copy_nothing_is_acknowledged_and_nothing_closed(
    path, database, tmp_path, monkeypatch
):
    delete_both(path)
    full = shutil.disk_usage(tmp_path)._replace(free=0)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: full)
        with pytest.raises(StoreFailed, match="has no room for"):
            fill(database, 2000)
    fill(database, 2000)
    assert in_a_copy(path, tmp_path) == 3000


@pytest.mark.long
def test_a_new_wal_is_in_its_folder_before_a_commit_counts(path, database, monkeypatch):
    synced = []
    monkeypatch.setattr(durable, "sync_names", lambda folder: synced.append(Path(folder)))
    fill(database, 2000)
    assert synced == []  # the WAL of before
    database.checkpoint(whatever_size=True)
    assert synced  # the WAL's name is gone
    synced.clear()
    with database.transaction(checkpoint=False) as cursor:
        cursor.execute("insert into comments (id, text) values ('one more', 'x')")
    assert synced == [path.parent]


@pytest.mark.long
def test_a_folder_that_cannot_be_synced_does_not_count(path, database, monkeypatch):
    def fail(_: Path) -> None:
        raise OSError(5, "Input/output error")

    database.checkpoint(whatever_size=True)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync_names", fail)
        for first in (2000, 3000):
            with pytest.raises(StoreFailed, match="is not safe on disk: Input/output error"):
                fill(database, first)
        assert "not safe on disk" in database.file_trouble()
    fill(database, 4000)


@pytest.mark.parametrize("number", [13, 22])
def test_file_systems_that_do_not_sync_folders_are_borne(tmp_path, monkeypatch, number):
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    (tmp_path / "a").touch()
    durable.replace(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").exists()


def spans_after_a_kill(server: Server) -> int:
    server.kill()
    server.start()
    server.wait_derived()
    return server.get("/status")["spans"]


def test_a_server_whose_files_are_deleted_loses_nothing(make_server):
    server = make_server()
    assert server.post(a_request(a_chat("t-1", "hi", "ho"))).status_code == 200
    server.wait_derived()
    for file in server.folder.glob("otel-threads.duckdb*"):
        if "server.json" not in file.name:
            file.unlink()
    assert server.post(a_request(a_chat("t-2", "hi", "ho"))).status_code == 200
    assert "nothing was lost" in server.stderr()
    assert spans_after_a_kill(server) == 2
    server.database.unlink()
    assert server.stop() == 0
    server.start()
    assert server.get("/status")["spans"] == 2


def test_a_server_whose_file_is_moved_says_so_until_it_is_back(make_server):
    server = make_server()
    base = f"http://{server.addresses['http']}"
    assert server.post(a_request(a_chat("t-1", "hi", "ho"))).status_code == 200
    server.wait_derived()
    server.database.rename(server.folder / "away")
    refused = server.post(a_request(a_chat("t-2", "hi", "ho")))
    assert refused.status_code == 503
    assert b"otel-threads.duckdb takes no more data: it was moved" in refused.content
    ready = httpx.get(f"{base}/readyz")
    assert (ready.status_code, "it was moved" in ready.text) == (503, True)
    assert httpx.get(f"{base}/healthz").status_code == 200
    assert "it was moved" in server.get("/status")["store_error"]
    doctor = subprocess.run(
        [sys.executable, "-m", "otel_threads", "doctor", "--database", str(server.database)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "300"},
    )
    assert "nothing is stored" in doctor.stdout, doctor.stderr
    (server.folder / "away").rename(server.database)
    assert httpx.get(f"{base}/readyz").status_code == 200
    assert server.post(a_request(a_chat("t-2", "hi", "ho"))).status_code == 200
    assert spans_after_a_kill(server) == 2


def test_an_idle_server_writes_a_deleted_file_again(make_server):
    server = make_server()
    server.database.unlink()
    wait_until(server.database.exists, "the file is back", 30)
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(60) == 0
