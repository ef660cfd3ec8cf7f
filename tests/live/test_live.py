"""Real libraries of today, each in an environment of its own, against a model server on loopback.

The environments are kept in `.live/` and made anew when a library's list of packages changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from live.fake_model import FakeModel

HERE = Path(__file__).parent
KEPT = HERE.parent.parent / ".live"
INSTALL_TIMEOUT_S, RUN_TIMEOUT_S = 900, 180
WEATHER = ("What is the weather in Paris?", "The tool says: sunny in Paris")
AGAIN = ("And again", "You said: And again")


@dataclass
class Case:
    """A script, what it needs, and whether its second turn calls a tool."""

    script: str
    packages: list[str]
    source: str
    tool: bool = False


HTTP = "opentelemetry-exporter-otlp-proto-http"
CASES = [
    Case("otel_genai_openai.py",
         ["openai", "opentelemetry-sdk", HTTP, "opentelemetry-instrumentation-genai-openai"],
         "gen_ai.conversation.id"),
    Case("openinference_langgraph.py",
         ["langgraph", "langchain-openai", "opentelemetry-sdk", HTTP,
          "openinference-instrumentation-langchain"], "session.id", tool=True),
    Case("traceloop_openai.py", ["openai", "httpx", "traceloop-sdk"],
         "traceloop.association.properties.session_id"),
    Case("pydantic_ai_agent.py", ["pydantic-ai-slim[openai]>=2", "opentelemetry-sdk", HTTP],
         "gen_ai.conversation.id", tool=True),
    Case("vercel_ai.mjs",
         ["ai@6", "@ai-sdk/openai@3", "zod@4", "@opentelemetry/api@1",
          "@opentelemetry/sdk-trace-node@2", "@opentelemetry/exporter-trace-otlp-http@0"],
         "ai.telemetry.metadata.sessionId", tool=True),
]  # fmt: skip


@pytest.fixture
def model():
    model = FakeModel()
    yield model
    model.close()


@pytest.mark.live
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.script)
def test_a_real_library_gives_its_conversations(case, model, make_server):
    command = _installed(case)
    server = make_server()
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTEST_"))},
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.otlp,
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_API_KEY": "none",
        "NO_PROXY": "127.0.0.1",
    }
    ran = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    server.wait_derived()
    threads = {t["thread_id"]: t for t in server.get("/threads")["items"]}
    assert set(threads) == {"live-1", "live-2"}
    turns = {
        thread_id: [
            (turn["user"], turn["assistant"])
            for turn in server.get("/threads/turns", thread_id=thread_id)["items"]
        ]
        for thread_id in threads
    }
    assert turns == {
        "live-1": [("Hello there", "You said: Hello there"), WEATHER if case.tool else AGAIN],
        "live-2": [("Bonjour", "You said: Bonjour")],
    }
    for field in ("input_tokens", "output_tokens"):
        counted = sum(thread["usage"][field] for thread in threads.values())
        assert counted == getattr(model, field), field
    assert {thread["thread_id_source"] for thread in threads.values()} == {case.source}
    if case.tool:
        (call,) = server.get("/threads/turns", thread_id="live-1")["items"][1]["tool_calls"]
        assert call["arguments"] == {"city": "Paris"}
        assert "sunny in Paris" in str(call["result"])


def _installed(case: Case) -> list[str]:
    """Return the command that runs a script where its packages are."""
    node = case.script.endswith(".mjs")
    if node and not shutil.which("npm"):
        _missing("Node.js with npm is not on this machine")
    digest = hashlib.blake2b(
        "\n".join([*case.packages, sys.version if not node else ""]).encode(), digest_size=6
    ).hexdigest()
    folder = KEPT / f"{Path(case.script).stem}-{digest}"
    done = folder / ".done"
    python = folder / "bin/python"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if node:
            install = ["npm", "install", "--silent", "--no-audit", "--no-fund", *case.packages]
        else:
            # pip takes a quarter of an hour to resolve Traceloop's dependencies, uv two seconds.
            uv = [sys.executable, "-m", "uv"]
            subprocess.run(
                [*uv, "venv", "--quiet", "--python", sys.executable, "."], cwd=folder, check=True
            )
            install = [*uv, "pip", "install", "--quiet", "--python", str(python), *case.packages]
        made = subprocess.run(
            install, cwd=folder, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S,
            check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr[-4000:]
        done.touch()
    if node:  # Node finds packages from where the script stands
        return ["node", str(shutil.copy(HERE / case.script, folder))]
    return [str(python), str(HERE / case.script)]


def _missing(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
