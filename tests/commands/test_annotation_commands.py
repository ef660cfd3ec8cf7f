"""Commands that change and follow threads, with a server and without one; 80 columns; completion."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from builders import a_chat, a_request
from conftest import wait_until

pytestmark = pytest.mark.slow  # starts programs


def run(*arguments, cwd, status=0, env=None):
    ran = subprocess.run(
        [sys.executable, "-m", "otel_threads", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
        timeout=120,
    )
    assert ran.returncode == status, ran.stderr
    return ran


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    from conftest import Server

    server = Server(tmp_path_factory.mktemp("cli")).start()
    for n in range(30):
        long = f"a rather long question that goes on and on, number {n} " * 3
        server.post(a_request(a_chat(f"conversation-with-a-long-name-{n:03}", long, "answer")))
    server.post(a_request(a_chat("t", "hi", "ho")))
    server.wait_derived()
    yield server
    server.stop()


@pytest.mark.parametrize("running", [True, False], ids=["server", "file"])
def test_every_command_works_with_a_server_and_on_the_file(filled, running):
    server = filled
    if running is (server.process.poll() is not None):
        server.start() if running else server.stop()
    at = ("--database", str(server.database))
    cwd = server.folder
    assert (
        run("threads", "score", "t", "quality", "0.5", "--author", "ann", *at, cwd=cwd).stdout
        == "scored 1\n"
    )
    assert (
        run("threads", "tag", "t", "--add", "vip", "--add", "x", *at, cwd=cwd).stdout
        == "tagged 1\n"
    )
    assert run("threads", "close", "t", *at, cwd=cwd).stdout == "closed 1\n"
    found = json.loads(
        run(
            "threads",
            "list",
            "--filter",
            'tag = "vip" and scores.quality = 0.5',
            "--status",
            "inactive",
            "--json",
            *at,
            cwd=cwd,
        ).stdout
    )
    assert [t["thread_id"] for t in found["items"]] == ["t"]
    assert run("threads", "reopen", "t", *at, cwd=cwd).stdout == "reopened 1\n"
    missing = run("threads", "close", "t", "nobody", *at, cwd=cwd, status=1)
    assert "not found: nobody" in missing.stderr
    stats = json.loads(run("threads", "stats", "--json", *at, cwd=cwd).stdout)
    assert stats["thread_count"] == 31
    assert "31 threads" in run("threads", "stats", *at, cwd=cwd).stdout
    lines = run("export", "--filter", "thread_id = 't'", *at, cwd=cwd).stdout.splitlines()
    assert json.loads(lines[0])["thread_id"] == "t"
    run("export", "--format", "parquet", "-o", "out.parquet", *at, cwd=cwd)
    assert (cwd / "out.parquet").read_bytes()[:4] == b"PAR1"
    assert len(run("export", "--shape", "openai", *at, cwd=cwd).stdout.splitlines()) == 31
    bad = run("threads", "list", "--filter", "nope = 1", *at, cwd=cwd, status=1)
    assert bad.stderr.startswith("otel-threads: filter, at position 0")
    one_thread = ("--filter", "thread_id = 't'")
    series = run("threads", "stats", "--interval", "day", *one_thread, *at, cwd=cwd).stdout
    assert series.startswith("1 thread (0 active), 1 turn, 1 trace, 1 span, 0 errors\n")
    head, day = series.splitlines()[-2:]
    assert head.split() == ["from", "(UTC)", "threads", "turns", "errors", "tokens", "cost", "took"]
    assert day.split()[1:5] == ["00:00", "1", "1", "0"]
    assert "1 turn · 1 trace ·" in run("threads", "show", "t", *at, cwd=cwd).stdout
    asked = run("threads", "delete", "t", *at, cwd=cwd, status=1)  # nobody answers
    assert asked.stdout.startswith("Delete 1 thread for ever?")
    if not running:
        assert run("threads", "delete", "t", "--yes", *at, cwd=cwd).stdout == "deleted 1\n"
        assert (
            run("threads", "show", "t", *at, cwd=cwd, status=1).stderr
            == "otel-threads: no thread 't'\n"
        )


def test_a_list_is_pleasant_in_80_columns(filled):
    if filled.process.poll() is not None:
        filled.start()
    shown = run(
        "threads",
        "list",
        "--limit",
        "5",
        "--database",
        str(filled.database),
        cwd=filled.folder,
        env={"COLUMNS": "80", "NO_COLOR": "1"},
    ).stdout
    lines = shown.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert len(lines) == 7  # a heading, five threads of a line each, and how many there are
    for line in run(
        "threads",
        "stats",
        "--interval",
        "hour",
        "--database",
        str(filled.database),
        cwd=filled.folder,
        env={"COLUMNS": "80"},
    ).stdout.splitlines():
        assert len(line) <= 80


def test_watch_follows_live(filled):
    if filled.process.poll() is not None:
        filled.start()
    command = [
        sys.executable,
        "-m",
        "otel_threads",
        "threads",
        "list",
        "--watch",
        "--json",
        "--database",
        str(filled.database),
    ]
    watching = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        cwd=filled.folder,
        # A shell that runs the tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    told = threading.Event()

    def read() -> None:
        if '"event": "thread"' in (watching.stdout.readline() + watching.stdout.readline()):
            told.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def sent() -> bool:  # until it listens, nobody can be told
        filled.post(a_request(a_chat("live", "hi", "ho")))
        return told.wait(0.2)

    wait_until(sent, "the change is printed")
    watching.send_signal(signal.SIGINT)
    assert watching.wait(30) in (0, 1, 130, -2)
    watching.stdout.close()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(shell, tmp_path):
    assert "_OTEL_THREADS_COMPLETE" in run("completion", shell, cwd=tmp_path).stdout
