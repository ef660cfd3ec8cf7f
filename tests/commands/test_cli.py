"""The command line as people use it: on a running server, on a file, and in the wrong way."""

import json
import os
import subprocess
import sys

import duckdb
import pytest
from builders import a_chat, a_request
from conftest import CAPTURES

pytestmark = pytest.mark.slow  # starts programs


def run(
    *arguments: str, cwd, code: int = 0, env: dict | None = None
) -> subprocess.CompletedProcess:
    found = subprocess.run(
        [sys.executable, "-m", "otel_threads", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        env={**os.environ, "COLUMNS": "80", **(env or {})},
    )
    assert found.returncode == code, found.stderr
    return found


@pytest.fixture
def used(make_server):
    server = make_server()
    for file in sorted((CAPTURES / "openinference-langgraph").glob("0*.pb")):
        server.post(file.read_bytes(), x_otel_threads_project="p")
    server.post(
        a_request(a_chat("hostile\x1b[31m", "[red]markup[/red] \x1b]0;title\x07", "ok")),
        x_otel_threads_project="p",
    )
    server.wait_derived()
    return server


def test_commands_read_the_server_and_then_the_file_alike(used):
    database = str(used.database)
    reading = [
        ("threads", "list", "--project", "p"),
        ("threads", "show", "thread-alpha", "--project", "p"),
        ("traces", "list", "--project", "p"),
        ("doctor",),
    ]
    served = [run(*c, "--database", database, "--json", cwd=used.folder).stdout for c in reading]
    assert used.stop() == 0
    local = [run(*c, "--database", database, "--json", cwd=used.folder).stdout for c in reading]
    for one, other in zip(served[:3], local[:3], strict=True):
        assert json.loads(one) == json.loads(other)
    assert json.loads(served[3])["instrumentations"] == json.loads(local[3])["instrumentations"]

    trace_id = json.loads(local[2])["items"][0]["trace_id"]
    assert json.loads(
        run("traces", "show", trace_id, "--database", database, "--json", cwd=used.folder).stdout
    )["spans"]


def test_a_command_with_a_server_imports_no_server(used):
    """Its start would take a second more: the file's engine and REST come where none answers."""
    asked = f"['threads', 'list', '--project', 'p', '--database', {str(used.database)!r}]"
    heavy = "{'fastapi', 'duckdb', 'pyarrow', 'pydantic', 'grpc', 'lark'}"
    script = (
        "import sys; from otel_threads.cli import cli;"
        f"cli({asked}, standalone_mode=False); print(sorted({heavy} & sys.modules.keys()))"
    )
    for imported in ([], ["duckdb", "fastapi", "lark", "pyarrow", "pydantic"]):
        ran = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, cwd=used.folder
        )
        assert "thread-alpha" in ran.stdout, ran.stderr
        assert ran.stdout.splitlines()[-1] == str(imported)
        used.stop()


def test_tables_are_pleasant_in_eighty_columns(used):
    listed = run(
        "threads", "list", "--project", "p", "--database", str(used.database), cwd=used.folder
    ).stdout
    assert "thread-alpha" in listed
    assert all(len(line) <= 80 for line in listed.splitlines())
    shown = run(
        "threads",
        "show",
        "thread-alpha",
        "--project",
        "p",
        "--database",
        str(used.database),
        cwd=used.folder,
    ).stdout
    assert "What is the weather in Paris?" in shown
    assert "get_weather" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_an_empty_list_says_why(used):
    narrow = ("threads", "list", "--filter", "turn_count > 99", "--database", str(used.database))
    assert run(*narrow, cwd=used.folder).stdout.strip() == "No thread matches."
    wide = ("sql", "from threads where turn_count > 99", "--database", str(used.database))
    assert run(*wide, cwd=used.folder).stdout.startswith("no rows of project, thread_id, ")


def test_hostile_text_neither_steers_the_terminal_nor_is_markup(used):
    listed = run(
        "threads", "list", "--project", "p", "--database", str(used.database), cwd=used.folder
    ).stdout
    assert "\x1b]0" not in listed
    assert "\x07" not in listed
    assert "[red]markup" in listed


def test_wrong_usage_and_failures_have_their_exit_codes(tmp_path):
    assert "No such option" in run("threads", "list", "--nope", cwd=tmp_path, code=2).stderr
    wrong = run("serve", cwd=tmp_path, code=2, env={"OTEL_THREADS_DATABSE": "x"})
    assert "no such setting: OTEL_THREADS_DATABSE" in wrong.stderr
    missing = run(
        "threads",
        "list",
        "--database",
        "none.duckdb",
        "--http-endpoint",
        "127.0.0.1:1",
        cwd=tmp_path,
        code=1,
    )
    assert missing.stderr.startswith(
        "otel-threads: no server answers and there is no file none.duckdb."
    )
    assert len(missing.stderr.splitlines()) == 1


def test_config_prints_every_setting_and_where_it_came_from(tmp_path):
    (tmp_path / "otel-threads.toml").write_text(
        'default_project = "from-file"\nread_token = "hush"\n'
    )
    found = run(
        "config", "--json", cwd=tmp_path, env={"OTEL_THREADS_THREAD_COOLDOWN_S": "60"}
    ).stdout
    rows = {row["name"]: row for row in json.loads(found)["settings"]}
    assert rows["default_project"] == {
        "name": "default_project",
        "value": "from-file",
        "source": "otel-threads.toml",
    }
    assert rows["thread_cooldown_s"]["source"] == "OTEL_THREADS_THREAD_COOLDOWN_S"
    assert rows["database"]["source"] == "default"
    assert "hush" not in found


def test_a_database_that_cannot_be_used_is_refused_with_what_to_do(tmp_path, make_server):
    server = make_server()
    locked = run("serve", "--database", str(server.database), cwd=tmp_path, code=1).stderr
    assert f"is in use by process {server.pid}" in locked
    assert "Stop that process" in locked

    newer = tmp_path / "newer.duckdb"
    with duckdb.connect(str(newer)) as connection:
        connection.execute(
            "create table schema_version (number bigint, name varchar, applied_at timestamptz)"
        )
        connection.execute("insert into schema_version values (999, 'later', now())")
    assert (
        "has schema 999, this program knows up to"
        in run("serve", "--database", str(newer), cwd=tmp_path, code=1).stderr
    )

    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("create table mine (a int)")
    assert (
        "holds other tables (mine)"
        in run("serve", "--database", str(other), cwd=tmp_path, code=1).stderr
    )

    for name in ("text.duckdb", "rows.csv", "rows.json", "rows.parquet"):  # DuckDB would read these
        text = tmp_path / name
        text.write_text("not a database at all, " * 500)
        assert (
            "not a DuckDB database"
            in run("serve", "--database", str(text), cwd=tmp_path, code=1).stderr
        )

    assert (
        "cannot be opened"
        in run("serve", "--database", "/nonexistent/x.duckdb", cwd=tmp_path, code=1).stderr
    )


def test_a_port_that_is_taken_is_named(tmp_path, make_server):
    server = make_server()
    for setting, address in (("otlp-grpc", server.grpc), ("http", server.addresses["http"])):
        free = [
            f"--{name}-endpoint=127.0.0.1:0"
            for name in ("otlp-grpc", "otlp-http", "http", "grpc")
            if name != setting
        ]
        found = run("serve", *free, f"--{setting}-endpoint={address}", cwd=tmp_path, code=1)
        assert f"cannot listen on {setting.replace('-', '_')}_endpoint {address}" in found.stderr


def test_the_demo_shows_real_conversations(tmp_path):
    endpoints = ("OTLP_GRPC", "OTLP_HTTP", "HTTP", "GRPC")
    env = {f"OTEL_THREADS_{name}_ENDPOINT": "127.0.0.1:0" for name in endpoints}
    found = run("demo", "--exit", cwd=tmp_path, env=env).stdout
    assert "12 of 12 threads" in found
    assert "What is the weather in Paris?" in found
    assert "Where to look" in found


def test_doctor_says_what_an_empty_server_needs_and_what_is_missing(make_server):
    server = make_server()
    where = ("--database", str(server.database))
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in run("doctor", *where, cwd=server.folder).stdout
    server.post(a_request(a_chat(None, "hello", "hi")))
    server.wait_derived()
    assert "carry no conversation id" in " ".join(
        run("doctor", *where, cwd=server.folder).stdout.split()
    )


def test_help_names_the_fields_of_filters(tmp_path):
    for command in (("threads", "list"), ("threads", "stats"), ("export",)):
        told = " ".join(run(*command, "--help", cwd=tmp_path).stdout.split())
        for name in ("builtin.unanswered", "turn_scores.NAME", "usage.total_tokens", "any_message"):
            assert name in told
