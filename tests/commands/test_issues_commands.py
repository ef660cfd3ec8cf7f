"""`otel-threads issues`, against a running server."""

import json
import subprocess
import sys
import time

import pytest
from builders import a_chat, a_request
from conftest import Server


@pytest.fixture(scope="module")
def failed(server: Server) -> Server:
    now = time.time_ns() - 60 * 10**9
    status = {"code": 2, "message": "no disk \x1b[31mred"}
    spans = [a_chat(f"i-{n}", "Do it.", None, start=now + n, status=status) for n in range(3)]
    server.post(a_request(*spans), x_otel_threads_project="issue commands")
    server.wait_derived()
    return server


def run(server: Server, *arguments: str, code: int = 0) -> subprocess.CompletedProcess:
    where = ("--database", str(server.database), "--project", "issue commands")
    done = subprocess.run(
        [sys.executable, "-m", "otel_threads", "issues", arguments[0], *where, *arguments[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=server.folder,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_issues_are_listed_closed_and_opened_from_a_shell(failed):
    (one,) = json.loads(run(failed, "list", "--json").stdout)["items"]
    shown = run(failed, "list", "--state", "open").stdout
    assert one["issue_id"] in shown
    assert "no disk" in shown
    assert "\x1b" not in shown
    assert run(failed, "close", one["issue_id"]).stdout == "closed 1\n"
    assert "No issues." in run(failed, "list", "--state", "open").stdout
    other = run(failed, "reopen", one["issue_id"], "--project", "default", code=1)
    assert (other.stdout, "not found: " + one["issue_id"] in other.stderr) == ("reopened 0\n", True)
    unknown = run(failed, "close", "nope", one["issue_id"], code=1)
    assert unknown.stdout == "closed 1\n"
    assert unknown.stderr == "otel-threads: not found: nope\n"
    assert "closed" in run(failed, "list").stdout
    assert run(failed, "reopen", one["issue_id"]).stdout == "reopened 1\n"
    later = run(failed, "list", "--from", "2099-01-01T00:00:00Z").stdout
    assert "No issues." in later
    assert run(failed, "list", "--threads-min", "4").stdout.startswith("No issues.")
