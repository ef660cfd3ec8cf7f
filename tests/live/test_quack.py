"""DuckDB's own protocol on the running server, with the real extension in an environment of its own."""

import json
import subprocess
from pathlib import Path

import pytest
from builders import a_chat, a_request
from ports import free_port

from live import environments

ROOT = Path(__file__).parent.parent.parent
TOKEN = "a-token-of-sixteen-characters"
REFUSED = (
    "insert into otel_threads.main.settings values (1, 2)",
    "create table x (i int)",
    "drop view threads",
    "delete from otel_threads.main.spans",
    "set threads = 1",
    "begin",
    "attach '/tmp/x.duckdb'",
    "copy (select 1) to '/tmp/otel-threads-escape.csv'",
    "call checkpoint()",
    "select * from checkpoint()",
    "select * from query('select 1')",
    "select * from duckdb_settings()",
    "select * from quack_server_list()",
    "select * from quack_stop('x')",
    "select write_log('x')",
    "select * from READ_TEXT('/etc/passwd')",
    "select 1; select 2",
    "explain analyze delete from otel_threads.main.spans",
    "with a as (select * from force_checkpoint()) select * from a",
)


@pytest.fixture(scope="module")
def python():
    return str(environments.made("quack", [f"{ROOT}[quack]"]) / "bin/python")


def ask(python: str, port: int, *queries: str, token: str = TOKEN) -> list:
    ran = subprocess.run(
        [python, str(environments.HERE / "quack_client.py"), str(port), token, json.dumps(queries)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.live
def test_a_duckdb_client_reads_live_and_can_do_nothing_else(python, make_server):
    port = free_port()
    server = make_server(
        python=python,
        quack_endpoint=f"127.0.0.1:{port}",
        quack_token=TOKEN,
        env={"PYTHONPATH": str(ROOT)},
    )
    server.post(a_request(*[a_chat(f"chat-{i % 2}", "hi", "ho") for i in range(6)]))
    server.wait_derived()
    query = "select thread_id, turn_count from threads order by 1"
    found = ask(
        python,
        port,
        f"from quack_query(URI, '{query}')",
        "select count(*) from live.turns",
        "select customer, turn_count from customers join live.threads using (thread_id)",
        f"select customer, q.turn_count from customers join quack_query(URI, '{query}') q using (thread_id)",
    )
    assert found == [[["chat-0", "3"], ["chat-1", "3"]], [["6"]], [["Ada", "3"]], [["Ada", "3"]]]
    answers = ask(python, port, *(f"from quack_query(URI, $q${one}$q$)" for one in REFUSED))
    assert [
        one for one, answer in zip(REFUSED, answers, strict=True) if isinstance(answer, list)
    ] == []
    (written,) = ask(python, port, "insert into live.settings values ('a', 'b')")
    assert isinstance(written, str)
    (denied,) = ask(
        python, port, "from quack_query(URI, 'select 1')", token="another-token-of-16-chars"
    )
    assert "Authentication failed" in denied
    # The server is as it was.
    assert server.get("/status")["spans"] == 6
    server.post(a_request(a_chat("chat-9", "hi", "ho")))
    server.wait_derived()
    assert ask(python, port, "select count(*) from live.threads") == [[["3"]]]


@pytest.mark.live
def test_the_duckdb_shell_joins_a_local_file(python, make_server, tmp_path):
    folder = environments.made("duckdb-cli", ["duckdb-cli==1.5.5"])
    port = free_port()
    server = make_server(
        python=python,
        quack_endpoint=f"127.0.0.1:{port}",
        quack_token=TOKEN,
        env={"PYTHONPATH": str(ROOT)},
    )
    server.post(a_request(*[a_chat(f"chat-{i % 2}", "hi", "ho") for i in range(6)]))
    server.wait_derived()
    (tmp_path / "customers.csv").write_text("chat_id,customer\nchat-1,Ada\n")
    extensions = [
        next((Path(python).parent.parent / "lib").rglob(f"{name}.duckdb_extension"))
        for name in ("httpfs", "quack")
    ]
    query = f"""
        load '{extensions[0]}'; load '{extensions[1]}';
        create secret (type quack, token '{TOKEN}');
        select c.customer, t.turn_count from 'customers.csv' c
        join quack_query('quack:127.0.0.1:{port}', 'from threads') t on t.thread_id = c.chat_id;
    """
    ran = subprocess.run(
        [str(folder / "bin/duckdb"), "-csv", "-c", query],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-2:] == ["customer,turn_count", "Ada,3"]


@pytest.mark.live
def test_settings_that_would_open_it_to_everybody_are_refused(python, tmp_path):
    for settings, why in (
        (["OTEL_THREADS_QUACK_ENDPOINT=127.0.0.1:9494"], "quack_token"),
        (
            ["OTEL_THREADS_QUACK_ENDPOINT=0.0.0.0:9494", f"OTEL_THREADS_QUACK_TOKEN={TOKEN}"],
            "loopback",
        ),
    ):
        ran = subprocess.run(
            ["env", *settings, python, "-m", "otel_threads", "serve"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, why in ran.stderr) == (2, True)
