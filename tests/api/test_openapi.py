"""The OpenAPI document: complete, and true by what schemathesis asks of the server."""

import subprocess
import sys

import httpx
import pytest
from builders import a_chat, a_request
from conftest import CAPTURES, request_files


@pytest.fixture(scope="module")
def loaded(server):
    for name in ("openinference-langgraph", "langfuse-openai"):
        for file in request_files(CAPTURES / name):
            server.post(file.read_bytes())
    server.post(a_request(a_chat("t", "hello", "hi")))
    server.wait_derived()
    return server


def test_every_call_says_what_it_answers_and_how_it_fails(loaded):
    document = httpx.get(f"{loaded.api.removesuffix('/api/v1')}/openapi.json").json()
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            where = f"{method} {path}"
            assert call.get("summary"), where
            assert call.get("tags"), where
            codes = set(call["responses"])
            assert {"400", "401", "503"} <= codes, where
            assert "422" not in codes, where
            for parameter in call.get("parameters", ()):
                assert parameter.get("description") or parameter["name"].endswith("_id"), (
                    where,
                    parameter["name"],
                )
            for status in ("400", "401"):
                assert "application/problem+json" in call["responses"][status]["content"], where


@pytest.mark.slow
def test_schemathesis_finds_nothing(loaded, tmp_path):
    """Endless streams are left out; everything else is asked with generated and broken input."""
    base = loaded.api.removesuffix("/api/v1")
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{base}/openapi.json",
            "--exclude-path",
            "/api/v1/events",
            "--exclude-path",
            "/api/v1/rebuild",
            "--exclude-path",
            "/api/v1/ask",  # 501 while no model is set; it has tests of its own
            "--exclude-path",
            "/api/v1/evaluation-datasets",  # too many items are 413 before a schema is asked
            "--max-examples",
            "10",
            "--phases",
            "examples,coverage,fuzzing",
            "--request-timeout",
            "30",
            # A schema cannot say what a filter, a sort or a target is: valid by it, refused by us.
            "--exclude-checks",
            "positive_data_acceptance",
            "--suppress-health-check",
            "all",
            "--seed",
            "1",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=900,
    )
    assert ran.returncode == 0, ran.stdout[-6000:]
