"""The analysis of examples/ on real conversations; the libraries' examples run in tests/live."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CAPTURES, request_files

ANALYSIS = Path(__file__).parents[2] / "examples/analysis.py"


@pytest.mark.parametrize("served", [True, False])
def test_the_analysis_prints_and_plots(make_server, served):
    server = make_server()
    for scenario in ("openinference-langgraph", "otel-genai-openai-span-stream"):
        for file in request_files(CAPTURES / scenario):
            server.post(file.read_bytes())
    server.wait_derived()
    if not served:
        server.stop()
    ran = subprocess.run(
        [sys.executable, str(ANALYSIS), str(server.database)],
        cwd=server.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "gpt-4o-mini" in ran.stdout
    assert (server.folder / "analysis.png").read_bytes().startswith(b"\x89PNG")
