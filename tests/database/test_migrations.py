"""Files of every released schema open, are brought up to date and keep their data; interrupted too."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import zstandard
from builders import a_chat, a_request

from otel_threads.core.errors import DatabaseRefused
from otel_threads.database import migrations
from otel_threads.database.database import Database

FILES = sorted((Path(__file__).parents[1] / "files").glob("schema-*.duckdb.zst"))
ANSWERED = sorted((Path(__file__).parents[1] / "files").glob("schema-*.json.zst"))


def unpack(file: Path, target: Path) -> Path:
    with file.open("rb") as packed, target.open("wb") as out:
        zstandard.ZstdDecompressor().copy_stream(packed, out)
    return target


def test_there_is_a_file_of_the_schemas_before_this_one():
    assert [int(file.name[7:11]) for file in FILES] == [3, 8]  # 0.1.0 was developed up to 3


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_old_file_is_brought_up_to_date_with_its_data(file, tmp_path, make_server):
    folder = tmp_path / "old"
    folder.mkdir()
    path = unpack(file, folder / "otel-threads.duckdb")
    with pytest.raises(DatabaseRefused, match="serve"):
        Database(str(path), memory_limit_bytes=128 << 20, read_only=True)
    server = make_server(folder=folder)
    before = server.get("/threads", project="*", limit=1000)["items"]
    assert len(before) >= 6
    stats = server.get("/threads/stats", project="*")
    server.post(a_request(a_chat("new", "hi", "ho")))
    server.wait_derived()
    subprocess.run(
        [sys.executable, "-m", "otel_threads", "rebuild", "--database", str(path)],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    server.wait_derived()
    after = [
        t
        for t in server.get("/threads", project="*", limit=1000)["items"]
        if t["thread_id"] != "new"
    ]
    assert [facts(t) for t in after] == [facts(t) for t in before]
    assert server.get("/threads/stats", project="*")["turn_count"] == stats["turn_count"] + 1


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize("file", ANSWERED, ids=lambda file: file.name)
def test_an_old_file_gives_the_answers_that_the_old_program_gave(
    file, is_shared, tmp_path, make_server
):
    """Through REST; fields may have come since. tests/files/record_schema.py made both."""
    path = unpack(
        file.with_name(file.name.replace(".json.", ".duckdb.")), tmp_path / "otel-threads.duckdb"
    )
    if is_shared:
        command = [sys.executable, "-m", "otel_threads", "compact", "--dedup"]
        subprocess.run([*command, "--database", str(path)], check=True, cwd=tmp_path)
    said = json.loads(unpack(file, tmp_path / "said.json").read_text())
    server = make_server(folder=tmp_path, thread_cooldown_s=0.001)
    assert len(said) > 50
    for path, text in said.items():
        answer = httpx.get(f"{server.api}{path}", timeout=60)
        if text.startswith("{"):
            assert (path, as_before(answer.json(), json.loads(text))) == (path, json.loads(text))
        else:
            assert (path, answer.text) == (path, text)


def as_before(found, said):
    """Return what was found without the fields that nobody knew when it was said before."""
    if isinstance(found, dict) and isinstance(said, dict):
        return {name: as_before(value, said[name]) for name, value in found.items() if name in said}
    if isinstance(found, list) and isinstance(said, list) and len(found) == len(said):
        return [as_before(one, other) for one, other in zip(found, said, strict=True)]
    return found


@pytest.mark.long
def test_the_names_of_a_file_that_was_migrated_are_those_of_a_new_one(tmp_path):
    """Columns, their types and what is said of them, too; SQL for people lists its own first."""
    paths = [unpack(file, tmp_path / file.name) for file in FILES]
    described = [_described(path) for path in [*paths, tmp_path / "new.duckdb"]]
    assert all(found == described[-1] for found in described)
    listed = [name for name, *_ in described[-1] if not name.startswith("schema_")]
    internal = [name.startswith("x_") for name in listed]
    assert internal == sorted(internal)
    assert {"turn_pieces", "log_pieces", "span_content"} <= set(
        listed
    )  # people's queries name them


@pytest.mark.long
def test_scores_from_before_they_had_a_bound_are_bounded(tmp_path):
    path = tmp_path / "x.duckdb"
    database = Database(str(path), memory_limit_bytes=128 << 20)
    with database.transaction() as cursor:
        cursor.execute("insert into x_score_records (name, value) values ('a', 1.7e308), ('a', 2)")
        cursor.execute("insert into evaluation_results (name, value) values ('a', -1.7e308)")
        cursor.execute("delete from schema_version where number >= 28")
    database.close()
    database = Database(str(path), memory_limit_bytes=128 << 20)
    with database.cursor() as cursor:
        found = cursor.execute(
            "select value from x_score_records union all select value from evaluation_results"
        ).fetchall()
    database.close()
    assert sorted(found) == [(-1e300,), (2.0,), (1e300,)]


def _described(path: Path) -> list[tuple]:
    database = Database(str(path), memory_limit_bytes=128 << 20)
    with database.cursor() as cursor:
        found = cursor.execute(
            "select table_name, column_name, data_type, c.comment, t.comment"
            " from duckdb_columns() c"
            " left join (select table_name, comment from duckdb_tables() union all"
            " select view_name, comment from duckdb_views()) t using (table_name)"
            " where database_name = 'otel_threads' order by 1, 2"
        ).fetchall()
    database.close()
    return found


def facts(thread: dict) -> str:
    # A rebuild reads metadata by the rules of today: what LangGraph itself notes was left out since.
    changing = ("updated_at", "status", "metadata")
    kept = {k: v for k, v in thread.items() if k not in changing}
    if kept["cost_usd"] is not None:  # summed exactly today: 6.54e-05, not 6.539999999999999e-05
        kept["cost_usd"] = round(kept["cost_usd"], 12)
    return json.dumps(kept, sort_keys=True)


OPEN = """
import sys
from otel_threads.database.database import Database
print("opening", flush=True)
Database(sys.argv[1], memory_limit_bytes=128 << 20).close()
print("done", flush=True)
"""


@pytest.mark.long
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_migration_that_is_killed_goes_on_at_the_next_start(file, tmp_path):
    """At any moment: the steps take milliseconds, so the moments are drawn."""
    draw = random.Random(1)
    killed = 0
    for i in range(12):
        path = unpack(file, tmp_path / f"{i}.duckdb")
        process = subprocess.Popen(
            [sys.executable, "-c", OPEN, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "opening\n"
        try:
            process.wait(draw.uniform(0.0, 0.12))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.communicate()
        database = Database(str(path), memory_limit_bytes=128 << 20)
        with database.cursor() as cursor:
            assert migrations.version(cursor) == migrations.NEWEST
            assert cursor.execute("select count(*) from x_thread_facts").fetchone()[0] >= 6
            cursor.execute("from tool_stats").fetchall()
        database.close()
    assert killed >= 3


@pytest.mark.long
def test_a_file_from_the_future_is_refused(tmp_path):
    path = tmp_path / "x.duckdb"
    database = Database(str(path), memory_limit_bytes=128 << 20)
    with database.transaction() as cursor:
        cursor.execute("insert into schema_version values (999, 'x', now())")
    database.close()
    with pytest.raises(DatabaseRefused, match="999"):
        Database(str(path), memory_limit_bytes=128 << 20)
