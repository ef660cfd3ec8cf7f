"""SQL from outside: every way in, every layer that keeps it from doing harm, each alone."""

import contextlib
import csv
import io
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import a_chat, a_request
from conftest import wait_until
from databases import a_database

import otel_threads
from otel_threads.core.errors import (
    InvalidQuery,
    Overloaded,
    QueryTimeout,
    StoreClosed,
    Unavailable,
)
from otel_threads.database.database import Database
from otel_threads.store.external_sql import sql_allowlist
from otel_threads.store.external_sql.external_sql import Asked, Outside
from otel_threads.store.external_sql.sql_process import CATALOG, Place, Runner

ENDLESS = "select count(*) from range(1000000000000) a"
WRITES = (
    "insert into x_settings values ('a', 'b')",
    "update x_settings set value = 'x'",
    "delete from spans",
    "drop table spans",
    "create table mine (i int)",
    "merge into x_settings using x_settings s on s.name = x_settings.name when matched then delete",
    "create or replace view threads as select 1",
    "alter table spans add column x int",
    "comment on table spans is 'x'",
)
OUTSIDE = (
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_parquet('/tmp/x.parquet')",
    "select * from glob('/*')",
    "select * from sniff_csv('/etc/passwd')",
    "copy (select 1) to '/tmp/otel-threads-escape.csv'",
    "attach '/tmp/otel-threads-escape.duckdb' as x",
    "export database '/tmp/otel-threads-escape'",
    "install httpfs",
    "load httpfs",
)
ACTS = (
    "select * from checkpoint()",
    "select * from force_checkpoint()",
    "select * from query('select 1')",
    "select * from query_table('spans')",
    "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select * from enable_logging()",
    "select * from truncate_duckdb_logs()",
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select write_log('x')",
    "select * from spans where span_id = (select count(*)::varchar from checkpoint())",
    "with a as (select 1 union all select * from checkpoint()) select * from a",
    "select list_transform([1], lambda x: sleep_ms(1000))",
    "from range(1), lateral (select * from system.main.checkpoint())",
    "select * from unnest([nextval('x')])",
    "explain analyze select * from checkpoint()",
)


def chats() -> list:
    return [a_chat(f"chat-{i % 5}", f"Question {i}", f"Answer {i}") for i in range(20)]


@pytest.fixture
def database(tmp_path):
    database = a_database(tmp_path / "x.duckdb")
    yield database
    database.close()


@pytest.fixture
def make_outside(database):
    """What lets external SQL in; its processes are ended before the database is closed."""
    with contextlib.ExitStack() as stack:

        def make(**settings) -> Outside:
            given = {"timeout_s": 60, "rows_max": 1000, "concurrent_max": 2} | settings
            outside = Outside(database, **given)
            stack.callback(outside.close)
            return outside

        yield make


@pytest.fixture
def outside(make_outside):
    return make_outside()


def ask(outside: Outside, sql: str, params=None) -> list[dict]:
    with outside.asking() as question:
        stream = b"".join(question.blocks(Asked(sql=sql, params=params, format="arrow")))
        return pa.ipc.open_stream(stream).read_all().to_pylist()


@pytest.fixture(scope="module")
def filled(server):
    spans = chats()
    assert server.post(a_request(*spans)).status_code == 200
    server.wait_derived()
    return server


def post(server, sql: str, **more) -> httpx.Response:
    return httpx.post(f"{server.api}/sql", json={"sql": sql, **more}, timeout=60)


# The layers, each alone


@pytest.mark.parametrize(
    "sql",
    [
        *WRITES,
        "select 1; select 2",
        "",
        " ; ",
        "begin",
        "set threads = 1",
        "call checkpoint()",
        "pragma enable_profiling",
        "vacuum",
        "prepare x as select 1",
        "copy spans to 'x'",
        "selec 1",
    ],
)
def test_layer_statement_type(sql):
    with pytest.raises(InvalidQuery):
        sql_allowlist.check_type(sql)


@pytest.mark.parametrize(
    "sql",
    [
        *WRITES,
        *ACTS,
        "select 1; select 2",
        "",
        "explain insert into spans (name) values ('x')",
        "explain analyze delete from spans",
        "pragma table_info('spans')",
        "select 'a\0b'",
        "with x as (from messages at (version => 50)) from x",
        "select * from threads at (timestamp => now())",
        "from ducklake_table_changes('lake', 'main', 'threads', 1, 2)",
        "summarize stored.messages",
        'select * from threads, otel_threads."STORED".messages',
        "from __ducklake_metadata_otel_threads.main.ducklake_table",
        *(s for s in OUTSIDE if s.startswith("select")),
    ],
)
def test_layer_parsed_query(database, sql):
    with database.cursor() as cursor, pytest.raises(InvalidQuery):
        sql_allowlist.check(cursor, sql)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """The connection of a process of external SQL, here in the process of the tests."""
    folder = tmp_path_factory.mktemp("snapshot")
    database = folder / "x.duckdb"
    Database(str(database), memory_limit_bytes=128 << 20).close()
    place = Place(database=database, folder=folder, memory_limit_bytes=128 << 20, is_written=False)
    connection = Runner(place, io.BytesIO(), is_unlocked=False).attach()
    connection.execute(f"use {CATALOG}")
    yield connection
    connection.close()


@pytest.mark.long
@pytest.mark.parametrize("sql", WRITES)
def test_layer_read_only_file(snapshot, sql):
    with pytest.raises(duckdb.Error, match="read-only"):
        snapshot.execute(sql)


@pytest.mark.parametrize("sql", OUTSIDE)
def test_layer_no_file_and_no_network(database, snapshot, sql):
    with database.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(sql)
    with pytest.raises(duckdb.Error):
        snapshot.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set allowed_configs = ['memory_limit']",
        "set global memory_limit = '100GB'",
        "reset memory_limit",
        "set allowed_paths = ['/etc/passwd']",
    ],
)
def test_layer_locked_configuration(database, snapshot, sql):
    with database.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(sql)
    with pytest.raises(duckdb.Error):
        snapshot.execute(sql)


@pytest.mark.long
def test_layer_time(make_outside):
    outside = make_outside(timeout_s=2, rows_max=1 << 40, concurrent_max=1)
    with pytest.raises(QueryTimeout, match="query_timeout_s"):
        ask(outside, ENDLESS)


@pytest.mark.long
def test_the_time_of_a_caller_who_reads_slowly_is_up_too(make_outside):
    """Neither the place nor the file is kept for a caller who does not take the answer."""
    outside = make_outside(timeout_s=5, rows_max=1 << 40, concurrent_max=1)
    with outside.asking() as question:
        blocks = question.blocks(Asked(sql="from range(1000000000)", format="arrow"))
        next(blocks)
        wait_until(lambda: not outside.stop_running(), "the query is let go of")
        with outside.asking():
            pass
        with pytest.raises((QueryTimeout, Unavailable)):
            list(blocks)


@pytest.mark.long
def test_layer_rows(outside):
    assert len(ask(outside, "from range(1000)")) == 1000
    with pytest.raises(InvalidQuery, match="more than 1000 rows"):
        ask(outside, "from range(1001)")


@pytest.mark.long
def test_layer_number_at_once(outside):
    with outside.asking(), outside.asking(), pytest.raises(Overloaded, match="2 queries"):
        ask(outside, "select 1")
    assert ask(outside, "select 1 as x") == [{"x": 1}]


@pytest.mark.long
def test_layer_memory(outside):
    """What needs more than the limit fails alone; the next question is answered."""
    hungry = "select list(a.range::varchar || repeat('x', 200)) as l from range(3000000) a"
    with pytest.raises((InvalidQuery, Unavailable)):
        ask(outside, hungry)
    assert ask(outside, "select 1 as x") == [{"x": 1}]


def failing_in_thread(outside: Outside, sql: str) -> tuple[threading.Thread, list]:
    """Return a thread that runs a query and what the query failed with, once it runs."""
    failed: list[BaseException] = []
    entered = threading.Event()

    def run() -> None:
        try:
            with outside.asking() as question:
                entered.set()
                list(question.blocks(Asked(sql=sql)))
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert entered.wait(30)
    return thread, failed


def test_a_checkpoint_that_cannot_wait_stops_queries(database, outside):
    thread, failed = failing_in_thread(outside, ENDLESS)

    database.checkpoint(whatever_size=True)

    thread.join(30)
    assert isinstance(failed[0], Unavailable)
    assert not outside.stop_running()


def test_a_checkpoint_waits_for_queries_while_the_log_is_short(database, outside, monkeypatch):
    """The file must not change under a process that reads it; the log may grow for a while."""
    thread, failed = failing_in_thread(outside, ENDLESS)
    wait_until(lambda: database._checkpoint_lock._readers == 1, "the query reads")
    monkeypatch.setattr(database, "_checkpoint_at_bytes", 1)

    database.put_settings({"a": "b"})
    assert database.wal_bytes() > 0
    assert thread.is_alive()

    monkeypatch.setattr("otel_threads.database.database.WAL_HELD_BYTES_MAX", 1)
    database.put_settings({"a": "c"})
    thread.join(30)
    assert isinstance(failed[0], Unavailable)
    database.put_settings({"a": "d"})
    assert database.wal_bytes() == 0


@pytest.mark.long
def test_a_query_sees_what_was_committed_before_it(database, outside):
    for value in ("1", "2", "3"):
        database.put_settings({"name": value})
        assert ask(outside, "select value from x_settings") == [{"value": value}]
    database.checkpoint(whatever_size=True)
    assert ask(outside, "select value from x_settings") == [{"value": "3"}]


@pytest.mark.long
def test_a_commit_that_is_being_written_is_not_seen(database, outside):
    """The log may end in the middle of an entry while it is copied for a query."""
    database.put_settings({"name": "whole"})
    with Path(f"{database.path}.wal").open("ab") as log:
        log.write(b"\x40\0\0\0\0\0\0\0torn")
    assert ask(outside, "select value from x_settings") == [{"value": "whole"}]


def test_a_database_that_closes_ends_queries(tmp_path):
    database = a_database(tmp_path / "x.duckdb")
    outside = Outside(database, timeout_s=60, rows_max=1000, concurrent_max=2)
    thread, failed = failing_in_thread(
        outside, "select levenshtein(repeat('a', 1000000), repeat('b', 1000000))"
    )
    outside.close()
    database.close()
    thread.join(30)
    assert isinstance(failed[0], StoreClosed)
    with pytest.raises(StoreClosed), outside.asking():
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["x.duckdb"]


def test_folders_of_a_server_that_was_killed_are_removed(database, make_outside, tmp_path):
    left = tmp_path / "x.duckdb.sql-left"
    left.mkdir()
    (left / "spill").write_bytes(b"x")
    make_outside()
    assert not left.exists()


@pytest.mark.long
def test_no_error_and_no_function_shows_where_the_database_is(outside, tmp_path):
    for sql in (
        "select current_setting('temp_directory')",
        "from duckdb_databases()",
        "from duckdb_databases",
        "from pragma_database_list",
        "from pg_catalog.pg_settings",
        "from duckdb_settings()",
        "select getvariable('x')",
        "from read_text('x.duckdb')",
        "from 'x.duckdb'",
        "show databases",
        "describe duckdb_databases",
        "select * from duckdb_temporary_files()",
        "select reservoir_quantile(range, 0.5, 900000000) from range(1000)",
        "with x as (from duckdb_databases) from x",
        "explain analyze from pragma_database_size()",
    ):
        try:
            shown = str(ask(outside, sql))
        except InvalidQuery as error:
            shown = str(error)
        assert str(tmp_path) not in shown, sql
        assert ".sql-" not in shown, sql
        assert "site-packages" not in shown, sql


@pytest.mark.long
@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "from threads",
        "table turns",
        "values (1), (2)",
        "show tables",
        "describe spans",
        "summarize x_settings",
        "with x as (select 1 as i) select * from x",
        "explain select 1",
        "explain analyze from spans",
        "explain (format json) select 1",
        "select 1;",
        "-- why\nselect 1",
        "unpivot (select 1 as a, 2 as b) on a, b",
        "select unnest([1, 2])",
        "from generate_series(1, 3)",
        "select * from duckdb_columns() where table_name = 'spans'",
        "from pragma_database_size()",
        "select * from json_each('[1]')",
        "select attributes['gen_ai.system'] from spans",
    ],
)
def test_what_is_allowed(outside, sql):
    assert isinstance(ask(outside, sql), list)


# Over REST


def test_json(filled):
    found = post(
        filled,
        "select thread_id, turn_count, first_activity_time, tags, cost_usd, 1e999 as inf, null as n,"
        " map {'a': 1} as m, 170141183460469231731687303715884105727::hugeint as huge, 1.50::decimal(9, 2) as d,"
        " '\\xAB'::blob as b, true as t from threads where thread_id = ?",
        params=["chat-3"],
    ).json()
    types = [column["type"] for column in found["columns"]]
    assert types[:4] == ["VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE", "VARCHAR[]"]
    (row,) = found["rows"]
    assert row[:2] == ["chat-3", 4]
    assert row[2].endswith("Z")
    assert row[5:] == [
        None,
        None,
        {"a": 1},
        "170141183460469231731687303715884105727",
        1.5,
        "ab",
        True,
    ]
    assert found["truncated"] is False


def test_params_never_become_sql(filled):
    hostile = "x' or 1=1; drop table spans; --"
    found = post(filled, "select $id as id", params={"id": hostile}).json()
    assert found["rows"] == [[hostile]]


def test_rows_max_truncates_and_says_so(filled):
    found = post(filled, "from range(100)", rows_max=7).json()
    assert (len(found["rows"]), found["truncated"]) == (7, True)
    assert post(filled, "from range(7)", rows_max=7).json()["truncated"] is False
    assert post(filled, "from range(7)", rows_max=0).json() == {
        "columns": [{"name": "range", "type": "BIGINT"}],
        "rows": [],
        "truncated": True,
    }


def test_csv_and_arrow_stream(filled):
    text = post(filled, "select thread_id, [1, 2] as l from threads order by 1", format="csv").text
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[:2] == [["thread_id", "l"], ["chat-0", "[1,2]"]]
    answer = post(filled, "select range as i, 'x' as s from range(300000)", format="arrow")
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.num_rows == 300000
    assert table.column_names == ["i", "s"]
    empty = post(filled, "from threads where false", format="arrow")
    assert pa.ipc.open_stream(empty.content).read_all().num_rows == 0


@pytest.mark.parametrize("sql", [*WRITES, *ACTS, *OUTSIDE, "selec 1", "select nope from threads"])
def test_refusals_are_problems(filled, sql):
    answer = post(filled, sql)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert filled.get("/status")["spans"] == 20


def test_bodies_that_are_none(filled):
    for body in (
        {},
        {"sql": ""},
        {"sql": 1},
        {"sql": "select 1", "format": "xml"},
        {"sql": "select 1", "x": 1},
        {"sql": "select ?", "params": "x"},
        {"sql": "select ?"},
        {"sql": "select 1", "params": [1]},
    ):
        assert httpx.post(f"{filled.api}/sql", json=body).status_code == 400, body


def test_a_caller_that_hangs_up_stops_its_query(make_server):
    server = make_server(sql_concurrent_max=1)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.api}/sql", json={"sql": ENDLESS}, timeout=1)
    # The one place is free again long before the query's own time limit of 30 s.
    wait_until(lambda: post(server, "select 1").status_code == 200, "the query stops", 20)


def test_a_stream_that_fails_breaks_off(make_server):
    server = make_server(sql_rows_max=100_000)
    for format in ("csv", "arrow"):
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, "from range(1000000)", format=format)
    assert post(server, "from range(1000000)").json()["truncated"] is True
    with (
        otel_threads.Client(server.api.removesuffix("/api/v1")) as client,
        pytest.raises(InvalidQuery, match="broke off"),
    ):
        client.sql("from range(1000000)")


def test_reading_needs_only_the_read_token(make_server):
    server = make_server(read_token="r", write_token="w")
    for token, status in (("r", 200), ("w", 200), ("x", 401)):
        answer = httpx.post(
            f"{server.api}/sql",
            json={"sql": "select 1"},
            headers={"authorization": f"Bearer {token}"},
        )
        assert answer.status_code == status


def test_questions_and_spans_at_once(make_server):
    server = make_server()
    errors: list[str] = []
    done = threading.Event()

    def asking() -> None:
        while not done.is_set():
            answer = post(server, "select count(*), sum(turn_count) from threads")
            if answer.status_code != 200:
                errors.append(answer.text)

    threads = [threading.Thread(target=asking) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(30):
        assert server.post(a_request(a_chat(f"c-{i}", "Hi", "Ho"))).status_code == 200
    server.wait_derived()
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert post(server, "select count(*) from threads").json()["rows"] == [[30]]


# The Python ways in, with a server and without


def check_connection(connection) -> None:
    found = connection.sql(
        "select thread_id, turn_count from threads order by thread_id limit $n", {"n": 2}
    )
    assert found.columns == ["thread_id", "turn_count"]
    assert found.fetchall() == [("chat-0", 4), ("chat-1", 4)]
    assert found.arrow().to_pydict() == {"thread_id": ["chat-0", "chat-1"], "turn_count": [4, 4]}
    assert found.fetchone() == ("chat-0", 4)
    assert len(found) == 2
    with pytest.raises(InvalidQuery, match="INSERT"):
        connection.sql("insert into x_settings values ('a', 'b')")


def test_connect_finds_the_server_or_opens_the_file(make_server):
    server = make_server()
    server.post(a_request(*chats()))
    server.wait_derived()
    with otel_threads.connect(server.database) as connection:
        check_connection(connection)
    with otel_threads.Client(server.api.removesuffix("/api/v1")) as client:
        check_connection(client)
    server.stop()
    with (
        otel_threads.connect(server.database) as first,
        otel_threads.connect(server.database) as second,
    ):
        check_connection(first)
        check_connection(second)
    with pytest.raises(otel_threads.core.errors.DatabaseRefused, match="no file"):
        otel_threads.connect(server.folder / "nothing.duckdb")


def run(server, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "otel_threads",
            "sql",
            "--database",
            str(server.database),
            *arguments,
        ],
        capture_output=True,
        text=True,
        input=text,
        check=False,
        cwd=server.folder,
    )


@pytest.mark.parametrize("served", [True, False])
def test_the_command(make_server, served, tmp_path):
    server = make_server()
    server.post(a_request(*chats()))
    server.wait_derived()
    if not served:
        server.stop()
    query = "select thread_id, turn_count, tags from threads order by 1"
    assert "chat-4" in run(server, query).stdout
    lines = [json.loads(line) for line in run(server, query, "--json").stdout.splitlines()]
    assert lines[0] == {"thread_id": "chat-0", "turn_count": 4, "tags": []}
    assert run(server, "--csv", text=query).stdout.splitlines()[1] == "chat-0,4,[]"
    for suffix in ("parquet", "csv", "json", "arrow"):
        assert run(server, query, "-o", str(tmp_path / f"x.{suffix}")).returncode == 0
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 5
    assert len(json.loads((tmp_path / "x.json").read_text())) == 5
    failed = run(server, "delete from spans")
    assert (failed.returncode, len(failed.stderr.splitlines())) == (1, 1)
    assert run(server, query, "-o", "x.xls").returncode == 2


def test_rows_that_are_too_wide_for_the_terminal_are_shown_a_line_a_column(make_server):
    server = make_server()
    names = [f"column_{n}" for n in range(12)]
    values = ", ".join(f"'value of {name} 27m' as {name}" for name in names)
    lines = run(server, f"select {values} union all select {values}").stdout.splitlines()
    assert [line.strip() for line in lines if line.startswith("row")] == ["row 1", "row 2"]
    assert [re.sub(" +", " ", line).strip() for line in lines[1:13]] == [
        f"{name} │ value of {name} 27m" for name in names
    ]
    assert "\x1b" not in run(server, f"select {values}, chr(27) || '[31mred' as x").stdout
    side_by_side = run(server, "select 1 as a, 2 as b").stdout.splitlines()
    assert [line.split() for line in (side_by_side[0], side_by_side[2])] == [
        ["a", "┃", "b"],
        ["1", "│", "2"],
    ]


def test_hostile_text_does_not_reach_the_terminal(make_server):
    server = make_server()
    assert (
        "\x1b" not in run(server, "select chr(27) || '[31mred' as x, '[bold]b[/bold]' as y").stdout
    )
    assert "[bold]b[/bold]" in run(server, "select '[bold]b[/bold]' as y").stdout


def test_the_prompt(make_server, tmp_path):
    """The real prompt in a real terminal: history is kept, a query over two lines, an error, leave."""
    import os
    import pty

    server = make_server()
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "otel_threads", "sql", "--database", str(server.database)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=server.folder,
        env={**os.environ, "HOME": str(tmp_path), "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(slave)
    seen = bytearray()

    def read() -> None:
        while True:
            try:
                block = os.read(master, 4096)
            except OSError:
                return
            if b"\x1b[6n" in block:  # where is the cursor? a terminal answers
                os.write(master, b"\x1b[1;1R")
            seen.extend(block)

    reader = threading.Thread(target=read)
    reader.start()
    wait_until(lambda: b"sql>" in seen, "the prompt")
    os.write(master, b"select 6 *\r")
    wait_until(lambda: b"...>" in seen, "the second line")
    os.write(master, b"7 as answer;\r")
    wait_until(lambda: b"42" in seen and b"1 row" in seen, "the answer")
    os.write(master, b"drop table spans;\r")
    wait_until(lambda: b"DROP" in seen, "the refusal")
    os.write(master, b"\x04")
    assert process.wait(30) == 0
    os.close(master)
    reader.join()
    assert "select 6 *" in (tmp_path / ".local/state/otel-threads/sql_history").read_text()
