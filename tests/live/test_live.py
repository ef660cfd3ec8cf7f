"""The examples: real libraries of today, each in an environment of its own, against a model server on loopback."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from live import environments
from live.fake_model import FakeModel

ROOT = Path(__file__).parent.parent.parent
RUN_TIMEOUT_S = 180
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
    Case(
        "openai_chat.py",
        [
            str(ROOT),
            "openai",
            HTTP,
            "opentelemetry-instrumentation-genai-openai",
            "opentelemetry-distro",
        ],
        "otel_threads.thread_id",
    ),
    Case(
        "langgraph_agent.py",
        [
            "langgraph",
            "langchain-openai",
            "opentelemetry-sdk",
            HTTP,
            "openinference-instrumentation-langchain",
        ],
        "session.id",
        tool=True,
    ),
    Case(
        "openai_agents.py",
        ["openai-agents", "opentelemetry-sdk", HTTP, "openinference-instrumentation-openai-agents"],
        "session.id",
        tool=True,
    ),
    Case(
        "traceloop_app.py",
        ["openai", "httpx", "traceloop-sdk"],
        "traceloop.association.properties.session_id",
    ),
    Case("langfuse_app.py", ["langfuse>=3.10", "openai"], "session.id"),
    Case(
        "pydantic_ai_agent.py",
        ["pydantic-ai-slim[openai]>=2", "opentelemetry-sdk", HTTP],
        "gen_ai.conversation.id",
        tool=True,
    ),
    Case(
        "vercel_ai.mjs",
        [
            "ai@6",
            "@ai-sdk/openai@3",
            "zod@4",
            "@opentelemetry/api@1",
            "@opentelemetry/sdk-trace-node@2",
            "@opentelemetry/exporter-trace-otlp-http@0",
        ],
        "ai.telemetry.metadata.sessionId",
        tool=True,
    ),
]


@pytest.fixture
def model():
    model = FakeModel()
    yield model
    model.close()


@pytest.mark.live
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.script)
def test_a_real_library_gives_its_conversations(case, model, make_server):
    command = environments.command(case.script, case.packages)
    server = make_server()
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTEST_"))},
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.otlp,
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
        "TRACELOOP_BASE_URL": server.otlp,
        "LANGFUSE_BASE_URL": server.otlp,
        "LANGFUSE_PUBLIC_KEY": "any",
        "LANGFUSE_SECRET_KEY": "any",
        "OPENAI_AGENTS_DISABLE_TRACING": "0",
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
