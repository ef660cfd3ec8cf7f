"""`serve` starts its server anew when a signal ended it, and never leaves one behind."""

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until
from ports import free_endpoint

from otel_threads import handover, supervisor

pytestmark = pytest.mark.slow  # starts programs

PORTS = ("otlp_grpc_endpoint", "otlp_http_endpoint", "http_endpoint", "grpc_endpoint")
BACK_S = 60.0  # ten are promised; a busy machine takes longer


@pytest.fixture
def make_server(make_server):
    """Start servers as anybody does: what is watched is a process that has imported little."""
    return partial(make_server, is_fresh=True)


def is_gone(pid: int) -> bool:
    """Return whether a process has ended; nobody may be there to take note of an orphan's end."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_healthy(server: Server) -> bool:
    try:
        return httpx.get(f"http://{server.addresses['http']}/healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def wait_for_another(server: Server, pid: int) -> None:
    def is_back() -> bool:
        try:
            return server.pid != pid and is_healthy(server)
        except (FileNotFoundError, json.JSONDecodeError):
            return False

    wait_until(is_back, "another server", BACK_S)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_server_that_a_signal_ended_is_back_with_what_it_acknowledged(make_server, number):
    same = {} if number == signal.SIGKILL else {name: free_endpoint() for name in PORTS}
    server = make_server(**same)
    assert server.post(a_request(a_chat("t-1", "hi", "ho"))).status_code == 200
    first = server.pid
    os.kill(first, number)
    wait_for_another(server, first)  # on the ports of the first, which were any free ones
    assert server.post(a_request(a_chat("t-2", "hi", "ho"))).status_code == 200
    server.wait_derived()
    assert server.get("/status")["spans"] == 2
    assert f"the server died of {number.name}" in server.stderr()
    assert server.stop() == 0


def test_a_command_waits_for_a_server_that_is_started_anew(make_server):
    """Else it would open the file itself, and the server could not."""
    server = make_server()
    assert server.post(a_request(a_chat("t", "a", "b"))).status_code == 200
    child = server.pid
    os.kill(child, signal.SIGKILL)

    asked = subprocess.run(
        [
            sys.executable,
            "-m",
            "otel_threads",
            "sql",
            "--json",
            "select count(*) as n from spans",
            "--database",
            str(server.database),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout) == {"n": 1}
    assert server.pid != child
    assert server.get("/status")["spans"] == 1


def test_after_many_crashes_it_gives_up_with_one_line(tmp_path):
    """The real supervisor around a child that dies at once, without its pauses."""
    code = """
    import os, signal, sys
    from otel_threads import logs, supervisor
    logs.install("text", level=30)
    supervisor.PAUSE_S = 0.0
    supervisor.supervise()
    print(supervisor.child().restarts, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    starts = [int(line) for line in ran.stdout.splitlines()]
    assert starts == list(range(supervisor.RESTARTS_MAX + 1))
    assert "11 times within 600 s: not started again" in ran.stderr.splitlines()[-1]


def test_a_start_that_fails_is_not_tried_again(tmp_path):
    (tmp_path / "x.duckdb").write_bytes(b"no database, but as long as one would be" * 1000)
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "otel_threads",
            "serve",
            "--database",
            "x.duckdb",
            *(f"--{name.replace('_', '-')}=127.0.0.1:0" for name in PORTS),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    assert ran.returncode == 1
    assert "is not a DuckDB database" in ran.stderr
    assert "starting it again" not in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_either_process_stops_both(make_server, number):
    for to_child in (False, True):
        server = make_server()
        child = server.pid
        os.kill(child if to_child else server.process.pid, number)
        assert server.process.wait(60) == 0
        assert is_gone(child)


def test_hangup_ends_it_as_without_a_supervisor(make_server):
    server = make_server()
    child = server.pid
    server.process.send_signal(signal.SIGHUP)
    assert server.process.wait(60) == -signal.SIGHUP
    wait_until(lambda: is_gone(child), "the server ends with its supervisor")


def test_ctrl_c_on_a_terminal_ends_with_code_0(tmp_path):
    """The terminal sends SIGINT to both; the child must not get it twice, or it would not finish."""
    main, other = pty.openpty()
    env = {**os.environ, **{f"OTEL_THREADS_{name.upper()}": "127.0.0.1:0" for name in PORTS}}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "otel_threads",
            "serve",
            "--database",
            "x.duckdb",
            "--ready-file",
            "ready",
        ],
        env=env,
        cwd=tmp_path,
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )
    os.close(other)
    wait_until((tmp_path / "ready").exists, "the server starts")
    os.write(main, b"\x03")
    said = b""
    while True:
        try:
            chunk = os.read(main, 4096)
        except OSError:  # the last process that had the terminal has ended
            break
        said += chunk
    os.close(main)
    assert process.wait(60) == 0
    assert said.count(b"stopping") == 1
    assert b"Traceback" not in said


def test_a_killed_supervisor_takes_its_server_along_and_the_next_one_starts_at_once(tmp_path):
    """Ten times: the next one finds the file locked and the ports taken for a moment."""
    server = Server(tmp_path, is_fresh=True, **{name: free_endpoint() for name in PORTS}).start()
    for stored in range(1, 11):
        child = server.pid
        assert server.post(a_request(a_chat(f"t-{stored}", "hi", "ho"))).status_code == 200
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()
        server.start()
        assert is_gone(child)
        assert server.get("/status")["spans"] == stored
    assert server.stop() == 0


def test_a_server_at_work_refuses_another_at_once(make_server):
    server = make_server()
    started = time.monotonic()
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "otel_threads",
            "serve",
            "--database",
            str(server.database),
            *(f"--{name.replace('_', '-')}=127.0.0.1:0" for name in PORTS),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 1
    assert f"in use by process {server.pid}" in ran.stderr
    assert "Waiting up to" not in ran.stderr, time.monotonic() - started


def test_without_a_supervisor_the_server_is_the_process_that_was_started(make_server):
    server = make_server(supervise="false")
    assert server.pid == server.process.pid
    os.kill(server.pid, signal.SIGKILL)
    assert server.process.wait(60) == -signal.SIGKILL


def test_the_flag_turns_it_off(tmp_path):
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "otel_threads",
            "demo",
            "--no-supervise",
            "--exit",
            "--database",
            "x.duckdb",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
        env={**os.environ, **{f"OTEL_THREADS_{name.upper()}": "127.0.0.1:0" for name in PORTS}},
    )
    assert ran.returncode == 0, ran.stderr


def test_the_supervisor_is_small(make_server):
    """Nothing heavy was imported before the fork."""
    server = make_server()
    maps = Path(f"/proc/{server.process.pid}/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    loaded = maps.read_text()
    assert not [name for name in ("duckdb", "arrow", "grpc", "numpy", "uvloop") if name in loaded]
    assert psutil.Process(server.process.pid).memory_full_info().uss < 16e6


def test_where_the_kernel_does_not_tell_a_pipe_does(tmp_path):
    """The way of macOS: the child watches a pipe that its parent holds."""
    code = """
    import os, signal, sys, threading
    from otel_threads import supervisor
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(writing)
        supervisor.die_with(parent, reading, by_kernel=False)
        print(os.getpid(), flush=True)
        threading.Event().wait(60)
        os._exit(0)
    os.close(reading)
    threading.Event().wait(60)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()

    wait_until(lambda: is_gone(child), "the child ends", 10)


def test_what_the_kernel_says_of_a_process_decides_whether_it_serves():
    ours = {"pid": os.getpid()}
    assert handover.is_serving(os.getpid(), ours) == Path("/proc/self/stat").exists()
    assert not handover.is_serving(os.getpid(), {"pid": 1})
    assert not handover.is_serving(os.getpid(), {**ours, "supervisor_pid": os.getpid()})
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, not yet taken: a zombie
    assert not handover.is_serving(process.pid, {"pid": process.pid})
    process.wait()
