"""Every moment at which the process may die, beyond those of test_crash.py: checkpoint, backup,
prune, a torn log, a folder that cannot be written. What was acknowledged is there afterwards."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until
from test_crash import Load, derived, rows

from otel_threads.database.database import Database

pytestmark = pytest.mark.slow  # starts programs

ABORTS = (
    "BEFORE_TRUNCATE",
    "BEFORE_HEADER",
    "AFTER_FREE_LIST_WRITE",
    "BEFORE_WAL_FINISH",
    "BEFORE_MOVING_RECOVERY",
    "BEFORE_DELETING_CHECKPOINT_WAL",
    "BEFORE_HEADER_NON_FATAL",
)
DAY_NS = 86_400 * 10**9
DIE_IN_CHECKPOINT = """
import os, sys
import duckdb
from otel_threads.database import database as d
d.Database._open, opened = None, d.Database._open

def opening(self):
    execute = duckdb.DuckDBPyConnection.execute
    connection = duckdb.connect(":memory:")
    connection.execute(f"attach '{self.path}' as {d.CATALOG} (ROW_GROUP_SIZE {d.ROW_GROUP_SIZE}, STORAGE_VERSION '{d.STORAGE_VERSION}')")
    connection.execute("set global TimeZone = 'UTC'")
    connection.execute("set checkpoint_threshold = '1TB'")
    connection.execute(f"set debug_checkpoint_abort = '{sys.argv[2]}'")
    return connection

d.Database._open = opening
database = d.Database(sys.argv[1], memory_limit_bytes=128 << 20)
with database.transaction() as cursor:
    cursor.execute("insert into saved_views (project, name) select 'p', range::varchar from range(20000)")
    cursor.execute("delete from saved_views where name::int % 2 = 0 and project = 'before'")
print("committed", flush=True)
database.checkpoint(whatever_size=True)
os._exit(9)
"""


@pytest.mark.parametrize("moment", ABORTS)
def test_a_checkpoint_that_dies_loses_nothing(tmp_path, moment):
    path = tmp_path / "x.duckdb"
    database = Database(str(path), memory_limit_bytes=128 << 20)
    with database.transaction() as cursor:
        cursor.execute(
            "insert into saved_views (project, name) select 'before', range::varchar from range(20000)"
        )
    database.close()
    ran = subprocess.run(
        [sys.executable, "-c", DIE_IN_CHECKPOINT, str(path), moment],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == "committed\n", ran.stderr
    assert "could not be folded" in ran.stderr or ran.returncode != 0
    for _ in range(2):  # and what was recovered is recovered for good
        database = Database(str(path), memory_limit_bytes=128 << 20)
        with database.cursor() as cursor:
            found = cursor.execute(
                "select project, count(*) from saved_views group by 1 order by 1"
            ).fetchall()
        database.close()
        assert found == [("before", 10_000), ("p", 20_000)]


def rebuilt(server: Server) -> dict[str, list[str]]:
    subprocess.run(
        [sys.executable, "-m", "otel_threads", "rebuild", "--database", str(server.database)],
        check=True,
        cwd=server.folder,
        capture_output=True,
    )
    return derived(server.database)


def test_kills_while_backups_are_made_leave_whole_files_or_none(tmp_path):
    dice = random.Random(5)
    server = Server(tmp_path)
    acknowledged: set[str] = set()
    target = tmp_path / "copy.duckdb"
    for _ in range(6):
        server.start()
        load = Load(server.grpc, dice, senders=2)
        wait_until(lambda load=load: len(load.acknowledged) > 0, "the first acknowledgement")
        command = [
            sys.executable,
            "-m",
            "otel_threads",
            "backup",
            str(target),
            "--force",
            "--database",
            str(server.database),
        ]
        backup = subprocess.Popen(
            command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        threading.Event().wait(dice.random() * 3)
        server.kill()
        acknowledged |= load.stop()
        backup.wait(60)
        if target.exists():
            rows(target, "select count(*) from threads")
    server.start()
    server.wait_derived()
    server.stop()
    stored = {span_id for (span_id,) in rows(server.database, "select span_id from spans")}
    assert acknowledged <= stored


def test_kills_in_the_middle_of_pruning_leave_traces_whole(tmp_path):
    dice = random.Random(6)
    server = Server(tmp_path).start()
    start = time.time_ns() - 40 * DAY_NS
    for batch in range(10):
        server.post(
            a_request(
                *[a_chat(f"c-{i}", "q " * 300, "a " * 300, start=start + batch) for i in range(100)]
            )
        )
    new = [a_chat(f"c-{i}", "new", "one") for i in range(20)]
    server.post(a_request(*new))
    server.wait_derived()
    for _ in range(5):
        done = threading.Event()

        def prune(address=server.api, done=done) -> None:
            try:
                while httpx.post(
                    f"{address}/prune", json={"older_than_days": 30, "traces_max": 60}, timeout=60
                ).json()["remaining"]:
                    pass
            except (httpx.HTTPError, ValueError, KeyError):
                pass
            done.set()

        thread = threading.Thread(target=prune)
        thread.start()
        threading.Event().wait(dice.random() * 0.8)
        server.kill()
        thread.join()
        # What is left is whole: every span is in a trace, and every trace has its spans.
        server.start()
        server.wait_derived()
        answer = httpx.post(
            f"{server.api}/sql",
            json={
                "sql": "select (select count(*) from spans) - (select sum(span_count) from traces),"
                " (select count(*) from spans s anti join traces t using (trace_id)),"
                " (select count(*) from spans s anti join span_content c using (trace_id))"
            },
        ).json()
        assert answer["rows"][0][:2] == [0, 0]
        assert answer["rows"][0][2] == 20  # only the new ones have no long value
    server.stop()
    before = derived(server.database)
    assert rebuilt(server) == before
    stored = {span_id for (span_id,) in rows(server.database, "select span_id from spans")}
    assert {span.span_id.hex() for span in new} <= stored


@pytest.mark.parametrize("damage", ["cut", "zeroed", "garbage"])
def test_a_log_that_is_torn_at_its_end_costs_no_more_than_its_end(tmp_path, damage):
    """What a power cut may leave: the server starts, with everything before the torn place."""
    server = Server(tmp_path).start()
    acknowledged = []
    for n in range(40):
        span = a_chat(f"t-{n}", "question " * 20, "answer " * 20)
        assert server.post(a_request(span)).status_code == 200
        acknowledged.append(span.span_id.hex())
    server.wait_derived()
    server.kill()
    wal = Path(f"{server.database}.wal")
    whole = wal.read_bytes()
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path, kept, ignore=lambda *_: {"stderr", "kept"})
    for share in (0.999, 0.5, 0.1):
        at = int(len(whole) * share)
        rest = {
            "cut": b"",
            "zeroed": bytes(len(whole) - at),
            "garbage": os.urandom(len(whole) - at),
        }[damage]
        shutil.copy(kept / server.database.name, server.database)
        wal.write_bytes(whole[:at] + rest)
        server.start()
        server.wait_derived()
        server.post(a_request(a_chat("after", "hi", "ho")))
        server.wait_derived()
        assert server.stop() == 0
        stored = [
            span_id
            for (span_id,) in rows(server.database, "select span_id from spans order by ingest_seq")
        ]
        *found, _ = stored
        assert found == acknowledged[: len(found)]
        if share > 0.95:
            assert len(found) >= 35
        damaged = list(tmp_path.glob("*.wal.damaged-*"))
        assert bool(damaged) == ("is damaged at byte" in server.stderr())
        for file in damaged:
            file.unlink()
        before = derived(server.database)
        assert rebuilt(server) == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    server = Server(tmp_path).start()
    server.post(a_request(a_chat("t", "hi", "ho")))
    server.wait_derived()
    server.stop()
    if os.geteuid() == 0:
        # root may write anywhere: another user stands for everybody else
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        if not shutil.which("setpriv"):
            pytest.skip("root without setpriv cannot be refused a folder")
    else:
        prefix = []
    folder = tmp_path / "closed"
    folder.mkdir()
    shutil.copy(server.database, folder / "x.duckdb")
    folder.chmod(0o555)
    (folder / "x.duckdb").chmod(0o444)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o055)
    ran = subprocess.run(
        [
            *prefix,
            sys.executable,
            "-m",
            "otel_threads",
            "serve",
            "--database",
            str(folder / "x.duckdb"),
            "--otlp-grpc-endpoint",
            ":0",
            "--otlp-http-endpoint",
            ":0",
            "--http-endpoint",
            ":0",
            "--grpc-endpoint",
            ":0",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=60,
    )
    folder.chmod(0o755)
    assert ran.returncode == 1, ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert "x.duckdb" in ran.stderr


def test_stop_and_go_by_signals_while_paused(tmp_path):
    """A machine that sleeps: the process stands still for a while and then goes on."""
    server = Server(tmp_path).start()
    load = Load(server.grpc, random.Random(1), senders=2)
    wait_until(lambda: len(load.acknowledged) > 50, "fifty acknowledgements")
    os.kill(server.pid, signal.SIGSTOP)
    threading.Event().wait(1.5)
    os.kill(server.pid, signal.SIGCONT)
    before = len(load.acknowledged)
    wait_until(lambda: len(load.acknowledged) > before + 50, "it goes on")
    acknowledged = load.stop()
    server.wait_derived()
    server.stop()
    stored = {span_id for (span_id,) in rows(server.database, "select span_id from spans")}
    assert acknowledged <= stored
