"""Opik's SDKs against a server: what their users write, read back as they do; and refusals."""

import gzip
import json
import os
import subprocess
import uuid
from dataclasses import dataclass, field

import httpx
import pytest

from live import environments
from live.fake_model import FakeModel

RUN_TIMEOUT_S = 180
SAID = [("Hello there", "You said: Hello there"), ("And again", "You said: And again")]
PROJECT = "Default Project"


@dataclass
class Case:
    """A script of examples/opik and what it needs."""

    script: str
    packages: list[str]
    score: dict = field(default_factory=dict)
    tokens: tuple[int, int] | None = None  # that it counts without a model


OTEL = ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"]
CASES = [
    Case("decorator.py", ["opik"]),
    Case("client.py", ["opik"], {"quality": 0.8}),
    Case("langchain_chain.py", ["opik", "langchain-core", "langchain-openai"]),
    Case("langgraph_graph.py", ["opik", "langgraph", "langchain-openai"]),
    Case("openai_client.py", ["opik", "openai"]),
    Case("openai_agents_app.py", ["opik", "openai-agents"]),
    Case("genai_client.py", ["opik", "google-genai"]),
    Case("adk_agent.py", ["opik", "google-adk==1.4.2"]),
    Case("otel_spans.py", ["opik", *OTEL], tokens=(34, 22)),
    Case("evaluate_threads.py", ["opik"], {"length": 4.0}),
    Case("chat.mjs", ["opik"]),
]


@pytest.fixture
def model():
    model = FakeModel()
    yield model
    model.close()


def environment(server, model: FakeModel) -> dict[str, str]:
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTEST_", "OPIK_"))},
        "OPIK_URL_OVERRIDE": f"{server.http}/api",
        "OPIK_ANALYTICS_ENABLE": "false",
        "OPIK_SENTRY_ENABLE": "false",
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_API_KEY": "none",
        "GOOGLE_GEMINI_BASE_URL": model.base_url.removesuffix("/v1"),
        "GOOGLE_API_KEY": "none",
        "NO_PROXY": "127.0.0.1",
    }


@pytest.mark.live
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.script)
def test_an_sdks_threads_are_conversations(case, model, make_server):
    command = environments.command(f"opik/{case.script}", case.packages)
    server = make_server()
    ran = subprocess.run(
        command,
        env=environment(server, model),
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    server.wait_derived()
    threads = {t["thread_id"]: t for t in server.get("/threads", project=PROJECT)["items"]}
    assert set(threads) == {"live-1"}, ran.stderr[-2000:]
    turns = server.get("/threads/turns", thread_id="live-1", project=PROJECT)["items"]
    assert [(turn["user"], turn["assistant"]) for turn in turns] == SAID
    assert {s["name"]: s["value"] for s in threads["live-1"]["scores"]} == case.score
    read = httpx.post(
        f"{server.http}/api/v1/private/traces/threads/retrieve",
        json={"project_name": PROJECT.upper(), "thread_id": "live-1"},
    ).json()
    assert read["number_of_messages"] == 4
    assert "Hello there" in json.dumps(read["first_message"])
    assert "You said: And again" in json.dumps(read["last_message"])
    used = case.tokens or (model.requests and (model.input_tokens, model.output_tokens))
    if used:
        assert read["usage"]["prompt_tokens"] == used[0]
        assert read["usage"]["completion_tokens"] == used[1]


def a_trace(**changes) -> dict:
    return {
        "id": str(uuid.uuid4()),
        "project_name": "refusals",
        "start_time": "2026-01-01T00:00:00Z",
        "input": {"user": "hi"},
        **changes,
    }


def test_requests_that_cannot_be_are_refused_as_opik_does(server):
    base = f"{server.http}/api/v1/private"
    bad = [
        (422, "/traces/batch", {"traces": []}),
        (422, "/traces/batch", {"traces": [a_trace(), a_trace(start_time=None)]}),
        (400, "/traces/batch", {"traces": [a_trace(id="no-uuid")]}),
        (422, "/traces/batch", {"traces": [a_trace() for _ in range(1001)]}),
        (400, "/traces/search", {}),
        (422, "/traces/search", {"project_name": "refusals", "limit": 2001}),
        (422, "/traces/threads/retrieve", {"project_name": "refusals"}),
    ]
    for status, path, body in bad:
        answer = httpx.post(f"{base}{path}", json=body)
        assert answer.status_code == status, (path, answer.text)
        assert answer.json().get("errors") or answer.json().get("message")
    broken = httpx.post(
        f"{base}/traces/batch", content=b"{", headers={"content-type": "application/json"}
    )
    assert broken.status_code == 400
    assert httpx.get(f"{base}/datasets").status_code == 404
    # Nothing of a refused batch is stored.
    found = httpx.post(f"{base}/traces/search", json={"project_name": "refusals"})
    assert found.content == b""


def test_a_body_that_is_too_large_costs_nothing(make_server):
    server = make_server(request_bytes_max=1 << 20)
    url = f"{server.http}/api/v1/private/traces/batch"
    plain = json.dumps({"traces": [a_trace(input="x" * (2 << 20))]}).encode()
    headers = {"content-type": "application/json"}
    assert httpx.post(url, content=plain, headers=headers).status_code == 413
    bomb = gzip.compress(b"[" + b" " * (64 << 20))
    zipped = {**headers, "content-encoding": "gzip"}
    assert httpx.post(url, content=bomb, headers=zipped).status_code == 413
    good = json.dumps({"traces": [a_trace()]}).encode()
    assert httpx.post(url, content=gzip.compress(good), headers=zipped).status_code == 204


def test_keys_are_the_servers_tokens(make_server):
    server = make_server(read_token="r", write_token="w", ingest_token="i")
    base = f"{server.http}/api/v1/private"
    search = {"project_name": "p"}
    assert httpx.get(f"{server.http}/api/is-alive/ping").status_code == 200
    for key, path, body, status in [
        (None, "/traces/search", search, 401),
        ("x", "/traces/search", search, 401),
        ("r", "/traces/search", search, 200),
        ("Bearer w", "/traces/search", search, 200),
        ("r", "/traces/batch", {"traces": [a_trace()]}, 401),
        ("i", "/traces/batch", {"traces": [a_trace()]}, 204),
        ("w", "/traces/batch", {"traces": [a_trace()]}, 204),
        ("r", "/traces/threads/delete", {**search, "thread_ids": ["t"]}, 401),
    ]:
        headers = {"authorization": key} if key else {}
        answer = httpx.post(f"{base}{path}", json=body, headers=headers)
        assert answer.status_code == status, (key, path, answer.text)
