"""The official MCP client of Node, over HTTP and over stdin and stdout."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import a_chat, a_request

from live.environments import made

PACKAGES = ["@modelcontextprotocol/sdk@1.32.2"]
CLIENT = Path(__file__).with_name("mcp_client.mjs")
pytest.importorskip("mcp", reason="the extra [mcp] is not installed")


def test_nodes_client_reads_over_http_and_stdio(server):
    folder = made("mcp-node", PACKAGES, node=True)
    server.post(a_request(a_chat("node-1", "Where is it?", "Here.")), x_otel_threads_project="node")
    server.wait_derived()
    program = [sys.executable, "-m", "otel_threads", "mcp", "--database", str(server.database)]

    done = subprocess.run(
        [
            "node",
            str(shutil.copy(CLIENT, folder)),
            server.api.removesuffix("api/v1") + "mcp",
            *program,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-4000:]
    for way, answer in json.loads(done.stdout).items():
        names = {one["name"] for one in answer["tools"]}
        assert {"find_threads", "get_thread", "query_sql"} <= names, way
        reading = {one["name"] for one in answer["tools"] if one["readOnly"]}
        assert {"find_threads", "get_turn"} <= reading, way
        assert "node-1" in json.dumps(answer["threads"]["found"]), way
        assert not answer["threads"]["isError"], way
        assert answer["missing"]["isError"], way
