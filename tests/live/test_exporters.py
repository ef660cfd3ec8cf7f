"""OpenTelemetry's exporters over gRPC as they come: Node's, Java's and Go's. Python's: test_otlp_grpc.py."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from live.environments import HERE, INSTALL_TIMEOUT_S, KEPT, made, missing

pytestmark = pytest.mark.live

EXPORTERS = HERE / "exporters"
SPANS = 1000  # each plain and gzip, in batches of 512
NODE = [
    "@opentelemetry/exporter-trace-otlp-grpc@0.203.0",
    "@opentelemetry/sdk-trace-base@2.0.1",
    "@opentelemetry/api@1.9.0",
    "@grpc/grpc-js@1.13.4",
]
ROOT = HERE.parent.parent
TELEMETRYGEN = ROOT / ".collector/bin/telemetrygen"
GO_TRACES = 100  # of each of four workers, with two spans each


def send(command: list[str | Path], server) -> None:
    env = {**os.environ, "ENDPOINT": f"http://{server.grpc}", "SPANS": str(SPANS)}
    ran = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]


def are_kept(server, project: str) -> None:
    server.wait_derived()
    thread = server.get("/threads/get", project=project, thread_id=f"{project}-chat")
    assert thread["span_count"] == 2 * SPANS


def test_node(server):
    folder = made("exporter-node", NODE, node=True)
    send(["node", shutil.copy(EXPORTERS / "exporter.mjs", folder)], server)
    are_kept(server, "node")


def test_java(server):
    if not shutil.which("mvn"):
        missing("Maven is not on this machine")
    folder = KEPT / "exporter-java"
    KEPT.mkdir(exist_ok=True)
    with FileLock(KEPT / "exporter-java.lock"):
        shutil.copytree(EXPORTERS / "java", folder, dirs_exist_ok=True)
        built = subprocess.run(
            [
                "mvn",
                "--quiet",
                "--batch-mode",
                "compile",
                "dependency:build-classpath",
                "-Dmdep.outputFile=classpath",
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        assert built.returncode == 0, built.stdout[-4000:]
    classes = f"{folder / 'target/classes'}:{(folder / 'classpath').read_text()}"
    send(["java", "-cp", classes, "Exporter"], server)
    are_kept(server, "java")


def test_go(server):
    if not shutil.which("go"):
        missing("Go is not on this machine")
    (ROOT / ".collector").mkdir(exist_ok=True)
    with FileLock(ROOT / ".collector/lock"):  # tests/collector builds there, too
        built = subprocess.run(
            ["make", ".collector/bin/telemetrygen"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    assert built.returncode == 0, built.stderr[-4000:]
    before = server.get("/status")["spans"]
    # Without batches, which drop what they have no room for.
    asked = ["--traces", str(GO_TRACES), "--workers", "4", "--child-spans", "1", "--batch=false"]
    target = ["--otlp-insecure", "--otlp-endpoint", server.grpc, "--rate", "0"]
    project = ["--otlp-header", 'x-otel-threads-project="go"']
    send([TELEMETRYGEN, "traces", *asked, *target, *project], server)
    assert server.get("/status")["spans"] == before + 2 * 4 * GO_TRACES
