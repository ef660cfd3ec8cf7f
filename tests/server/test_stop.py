"""The last resort of a stop: a process that hangs ends, whatever it hangs in, and says where."""

import signal
import subprocess
import sys

from conftest import wait_until

# PyDLL keeps the interpreter for itself: no Python code of any thread runs while it sleeps.
HANGING = """
import ctypes, sys
from otel_threads import server
from otel_threads.core.config import Config

server.STOP_S_MAX = 1.0
server.Engine.close = lambda engine: ctypes.PyDLL(None).sleep(60)
ports = ("otlp_grpc_endpoint", "otlp_http_endpoint", "http_endpoint", "grpc_endpoint")
config = Config(database=sys.argv[1], **dict.fromkeys(ports, "127.0.0.1:0"))
server.run(config, ready_file=sys.argv[2], announce=lambda line: None)
"""


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
