"""Backups, restoring, snapshots and compacting: consistent while spans arrive, checked, atomic."""

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import httpx
import pytest
from builders import a_chat, a_request
from conftest import wait_until

from otel_threads.core.errors import DatabaseRefused, StoreFailed
from otel_threads.database import backup, checksums
from otel_threads.database.database import BLOCK_BYTES, Database

COPIES = ".otel-threads.duckdb.backup-*"  # while they are sent


def run(*arguments: str, cwd: Path, env=None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "otel_threads", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=env,
    )


@contextlib.contextmanager
def sending(server):
    """Send spans without a pause; yield the list of trace ids that were acknowledged."""
    acknowledged: list[str] = []
    done = threading.Event()

    def send() -> None:
        while not done.is_set():
            spans = [
                a_chat(f"c-{len(acknowledged) % 7}", "x" * 3000, "y" * 3000) for _ in range(100)
            ]
            if server.post(a_request(*spans)).status_code == 200:
                acknowledged.extend(span.trace_id.hex() for span in spans)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: acknowledged, "the first answer")
        yield acknowledged
    finally:
        done.set()
        for thread in threads:
            thread.join()


def trace_ids(file: Path) -> set[str]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return {row[0] for row in connection.execute("select trace_id from spans").fetchall()}


def test_backups_while_spans_arrive_hold_all_that_was_acknowledged(make_server, tmp_path):
    server = make_server()
    with sending(server) as acknowledged:
        for i in range(5):
            target = tmp_path / f"copy-{i}.duckdb"
            before = set(acknowledged)
            found = run("backup", str(target), "--database", str(server.database), cwd=tmp_path)
            assert found.returncode == 0, found.stderr
            assert before <= trace_ids(target)
            assert not Path(f"{target}.wal").exists()
    server.wait_derived()
    assert sorted(p.name for p in tmp_path.glob("*.duckdb")) == [
        f"copy-{i}.duckdb" for i in range(5)
    ]
    assert not list(server.folder.glob(COPIES))
    assert server.stderr() == ""


def test_a_backup_is_restored_and_goes_on(make_server, tmp_path):
    server = make_server()
    server.post(a_request(*[a_chat(f"c-{i}", "hi", "ho") for i in range(10)]))
    server.wait_derived()
    httpx.put(
        f"{server.api}/scores", json={"scores": [{"thread_id": "c-1", "name": "q", "value": 1}]}
    )
    target = tmp_path / "copy.duckdb"
    assert (
        run("backup", str(target), "--database", str(server.database), cwd=tmp_path).returncode == 0
    )
    taken = run("backup", str(target), "--database", str(server.database), cwd=tmp_path)
    assert (taken.returncode, "--force" in taken.stderr) == (2, True)
    held = run("restore", str(target), "--database", str(server.database), "--force", cwd=tmp_path)
    assert (held.returncode, "in use by process" in held.stderr) == (1, True)
    server.post(a_request(a_chat("after", "hi", "ho")))
    server.kill()  # with a log that a restored file must not be mixed with
    refused = run("restore", str(target), "--database", str(server.database), cwd=tmp_path)
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    restored = run(
        "restore", str(target), "--database", str(server.database), "--force", cwd=tmp_path
    )
    assert restored.returncode == 0, restored.stderr
    kept = next(server.folder.glob("*.before-restore-1"))
    assert len(trace_ids(kept)) == 11
    server.start()
    assert server.get("/threads", with_total="true")["total"] == 10
    assert server.get("/scores")["items"][0]["value"] == 1.0
    server.post(a_request(a_chat("again", "hi", "ho")))
    server.wait_derived()
    assert server.get("/threads", with_total="true")["total"] == 11


def test_a_backup_without_a_server(make_server, tmp_path):
    server = make_server()
    server.post(a_request(a_chat("c", "hi", "ho")))
    server.wait_derived()
    server.kill()  # the last commits are in the log alone
    target = tmp_path / "copy.duckdb"
    assert (
        run("backup", str(target), "--database", str(server.database), cwd=tmp_path).returncode == 0
    )
    assert len(trace_ids(target)) == 1


@pytest.mark.long
def test_files_that_are_no_backup_are_refused(tmp_path):
    target = tmp_path / "x.duckdb"
    (tmp_path / "text").write_text("no database")
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as other:
        other.execute("create table mine as select 1")
    Database(str(tmp_path / "whole.duckdb"), memory_limit_bytes=128 << 20).close()
    whole = (tmp_path / "whole.duckdb").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "damaged").write_bytes(whole[:8192] + bytes(4096) + whole[12288:])
    for name in ("missing", "text", "rows.csv", "other.duckdb", "cut", "damaged"):
        with pytest.raises(DatabaseRefused):
            backup.restore(tmp_path / name, target, force=False)
        assert not target.exists()


def test_a_byte_that_changed_anywhere_is_found(make_server, tmp_path):
    server = make_server()
    for n in range(20):
        texts = [random.Random(f"{n}/{i}").randbytes(3000).hex() for i in range(50)]
        server.post(a_request(*[a_chat(f"c-{n}", text, "ho") for text in texts]))
    server.wait_derived()
    server.stop()
    file = tmp_path / "copy.duckdb"
    with contextlib.closing(Database(str(server.database), memory_limit_bytes=128 << 20)) as opened:
        backup.copy(opened, file)
    whole = file.read_bytes()
    assert checksums.differing(file, BLOCK_BYTES) == []
    with duckdb.connect(str(file), read_only=True) as connection:
        used = connection.execute(
            "select unnest(additional_block_ids || [block_id])"
            " from pragma_storage_info('x_content_chunks') where block_id >= 0"
        ).fetchall()
    assert len(set(used)) > 10
    for (block,) in random.Random(1).sample(sorted(set(used)), 5):
        at = checksums.HEADERS_BYTES + block * BLOCK_BYTES
        damaged = bytearray(whole)
        damaged[at + 100] ^= 1
        file.write_bytes(damaged)
        assert checksums.differing(file, BLOCK_BYTES) == [at]
        with pytest.raises(DatabaseRefused, match=f"is damaged.*location {at}"):
            backup.restore(file, tmp_path / "restored.duckdb", force=False)
        with (
            contextlib.closing(Database(str(file), memory_limit_bytes=128 << 20)) as opened,
            pytest.raises(StoreFailed, match="is damaged"),
        ):
            backup.copy(opened, tmp_path / "again.duckdb")
    file.write_bytes(whole[: -3 * BLOCK_BYTES])
    with pytest.raises(DatabaseRefused):
        backup.check(file)
    assert not (tmp_path / "restored.duckdb").exists()
    assert not (tmp_path / "again.duckdb").exists()


def test_what_a_killed_server_had_begun_is_gone_after_the_next_start(make_server):
    server = make_server()
    dice = random.Random(1)
    for _ in range(4):  # more than a connection's buffers hold: the answer waits for its reader
        texts = [dice.randbytes(100_000).hex() for _ in range(100)]
        assert server.post(a_request(*[a_chat("c", text, "ho") for text in texts])).is_success
    other = server.folder / ".other.duckdb.backup-1"  # of another server's database
    other.mkdir()
    with httpx.stream("GET", f"{server.api}/backup") as answer:
        assert next(answer.iter_bytes())
        assert list(server.folder.glob(COPIES))
        server.kill()
    assert list(server.folder.glob(COPIES))
    server.start()
    assert not list(server.folder.glob(COPIES))
    assert other.exists()


@pytest.mark.long
def test_what_a_free_block_holds_does_not_matter(tmp_path):
    file = tmp_path / "x.duckdb"
    Database(str(file), memory_limit_bytes=128 << 20).close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table gone as select range i, hash(range) h from range(200_000)")
        connection.execute("checkpoint")
        used = connection.execute(
            "select max(block_id) from pragma_storage_info('gone') where block_id >= 0"
        ).fetchone()[0]
        connection.execute("create table kept as select 'x' as text from range(100_000)")
        connection.execute("drop table gone")
        connection.execute("checkpoint")
    at = checksums.HEADERS_BYTES + used * BLOCK_BYTES
    with file.open("r+b") as writing:
        writing.seek(at)
        writing.write(bytes(BLOCK_BYTES))
    assert checksums.differing(file, BLOCK_BYTES) == [at]
    assert backup.check(file) == 0


def test_a_target_that_cannot_be_written_is_one_line(make_server, tmp_path):
    server = make_server()
    server.post(a_request(a_chat("c", "hi", "ho")))
    server.wait_derived()
    target = tmp_path / "nowhere" / "x"
    for command in (
        ["backup", f"{target}.duckdb"],
        ["export", "-o", f"{target}.jsonl"],
        *(["sql", "select 1", "-o", f"{target}.{end}"] for end in ("parquet", "json")),
    ):
        failed = run(*command, "--database", str(server.database), cwd=tmp_path)
        assert failed.returncode == 1
        assert failed.stderr.splitlines()[-1].endswith(
            " cannot be written: No such file or directory"
        )
        assert "Traceback" not in failed.stderr
    # What comes before the file is whole does not stay.
    target.parent.mkdir()
    done = run("backup", f"{target}.duckdb", "--database", str(server.database), cwd=tmp_path)
    assert done.returncode == 0
    assert [path.name for path in target.parent.iterdir()] == ["x.duckdb"]


@pytest.mark.long
def test_a_full_disk_fails_the_backup_and_nothing_else(tmp_path, monkeypatch):
    database = Database(str(tmp_path / "x.duckdb"), memory_limit_bytes=128 << 20)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: type("U", (), {"free": 10})())
    with pytest.raises(StoreFailed, match="10 bytes free"):
        backup.copy(database, tmp_path / "copy.duckdb")
    monkeypatch.undo()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed):
        backup.copy(database, tmp_path / "file" / "copy.duckdb")
    assert backup.copy(database, tmp_path / "copy.duckdb") == 0
    database.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.duckdb", "file", "x.duckdb"]


def test_one_backup_at_a_time_and_a_caller_who_leaves_frees_it(make_server):
    server = make_server()
    server.post(a_request(*[a_chat("c", "x" * 50_000, "y" * 50_000) for _ in range(100)]))
    with httpx.stream("GET", f"{server.api}/backup") as first:
        assert first.status_code == 200
        size = int(first.headers["content-length"])
        assert int(first.headers["x-otel-threads-sequence"]) >= 1
        blocks = first.iter_bytes()
        assert next(blocks)
    wait_until(
        lambda: httpx.get(f"{server.api}/backup", timeout=60).status_code == 200, "the next backup"
    )
    assert size > 0
    wait_until(lambda: not list(server.folder.glob(COPIES)), "it is cleaned up")


def test_a_backup_needs_the_read_token(make_server):
    server = make_server(read_token="secret")
    assert httpx.get(f"{server.api}/backup").status_code == 401
    given = {"authorization": "Bearer secret"}
    assert httpx.get(f"{server.api}/backup", headers=given).status_code == 200


READER = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as c:
    print(c.execute("select count(*) from threads").fetchone()[0], flush=True)
    sys.stdin.readline()
    print(c.execute("select count(*) from threads").fetchone()[0], flush=True)
"""


def test_snapshots_are_open_to_many_processes_and_replaced_under_them(make_server):
    server = make_server(snapshot_every_s=0.5)
    file = server.folder / "otel-threads.snapshot.duckdb"
    server.post(a_request(a_chat("first", "hi", "ho")))
    server.wait_derived()
    wait_until(file.exists, "the first snapshot")

    def threads_in_snapshot() -> int:
        with duckdb.connect(str(file), read_only=True) as connection:
            return connection.execute("select count(*) from threads").fetchone()[0]

    wait_until(lambda: threads_in_snapshot() == 1, "the thread in a snapshot")
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(file)],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    assert [reader.stdout.readline() for reader in readers] == ["1\n"] * 3
    server.post(a_request(a_chat("second", "hi", "ho")))
    server.wait_derived()
    wait_until(lambda: threads_in_snapshot() == 2, "the second thread in a snapshot")
    for reader in readers:
        out, _ = reader.communicate("\n", timeout=30)
        assert (out, reader.returncode) == ("1\n", 0)
    assert server.stop() == 0
    assert not list(server.folder.glob(".*partial*"))


def block_bytes(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        (found,) = connection.execute("select block_size from pragma_database_size()").fetchone()
    return found


@pytest.mark.long
def test_a_file_with_larger_blocks_opens_and_compacting_makes_them_small(tmp_path):
    """Files made before blocks were smaller hold DuckDB's default of 256 KiB."""
    old = tmp_path / "old.duckdb"
    duckdb.connect(str(old)).close()
    Database(str(old), memory_limit_bytes=128 << 20).close()
    assert block_bytes(old) == 256 * 1024
    done = run("compact", "--database", str(old), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert block_bytes(old) == BLOCK_BYTES < 256 * 1024


def test_compacting_gives_room_back_and_changes_nothing(make_server, tmp_path):
    server = make_server()
    for _ in range(8):
        server.post(a_request(*[a_chat(f"c-{i}", os.urandom(9000).hex(), "a") for i in range(50)]))
    server.wait_derived()
    gone = [f"c-{i}" for i in range(45)]
    httpx.post(f"{server.api}/threads/delete", json={"thread_ids": gone}, timeout=60)
    held = run("compact", "--database", str(server.database), cwd=tmp_path)
    assert (held.returncode, "in use" in held.stderr) == (1, True)
    before = server.get("/threads")
    server.stop()
    size = server.database.stat().st_size
    done = run("compact", "--database", str(server.database), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert server.database.stat().st_size < size
    server.start()
    assert json.dumps(server.get("/threads")) == json.dumps(before)
    server.post(a_request(a_chat("again", "hi", "ho")))
    server.wait_derived()
    assert server.get("/threads", with_total="true")["total"] == 6
