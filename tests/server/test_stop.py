"""How a server stops: cleanly from its first sign of life on, and by force where it hangs."""

import signal
import subprocess
import sys

import pytest
from conftest import wait_until

pytestmark = pytest.mark.slow  # starts programs

SETTINGS = """
ports = ("otlp_grpc_endpoint", "otlp_http_endpoint", "http_endpoint", "grpc_endpoint")
config = Config(database=sys.argv[1], **dict.fromkeys(ports, "127.0.0.1:0"))
"""

STOPPED_AT_ONCE = f"""
import os, signal, sys
from otel_threads import server
from otel_threads.core.config import Config
{SETTINGS}
said = []
def announce(line):
    if not said:
        os.kill(os.getpid(), signal.SIGTERM)
    said.append(line)
server.run(config, announce=announce)
assert said[-1] == "stopping", said
"""

# PyDLL keeps the interpreter for itself: no Python code of any thread runs while it sleeps.
HANGING = f"""
import ctypes, sys
from otel_threads import server
from otel_threads.core.config import Config

server.STOP_S_MAX = 1.0
server.Engine.close = lambda engine: ctypes.PyDLL(None).sleep(60)
{SETTINGS}
server.run(config, ready_file=sys.argv[2], announce=lambda line: None)
"""


def test_a_stop_asked_for_at_the_first_line_is_a_clean_one(tmp_path):
    """Whoever reads that a port listens may stop the server before it does anything else."""
    database = tmp_path / "x.duckdb"

    done = subprocess.run(
        [sys.executable, "-c", STOPPED_AT_ONCE, str(database)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.duckdb"]


def test_a_stop_that_hangs_without_the_interpreter_ends_and_says_where(tmp_path):
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(tmp_path / "x.duckdb"), str(ready)],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: ready.exists() or process.poll() is not None, "the server starts")

    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=50)

    assert process.returncode == -signal.SIGALRM
    assert "most recent call first" in said
    assert "in <lambda>" in said
