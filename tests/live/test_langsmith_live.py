"""LangSmith's SDKs of today and of before, each in an environment of its own, against a real server."""

import os
import subprocess
from pathlib import Path

import pytest

from live import environments
from live.fake_model import FakeModel

RUN_TIMEOUT_S = 180
EXAMPLES = environments.EXAMPLES / "langsmith"
PYTHON = ["langsmith", "openai"]
CASES = [
    ("history.py", PYTHON, "project-with-threads", 3),
    ("history.py", ["langsmith>=0.4,<0.5", "openai"], "project-with-threads", 3),
    ("history.mjs", ["langsmith", "openai"], "project-with-threads", 3),
    ("langgraph_threads.py", ["langgraph", "langchain-core", "langsmith"], "graph", 2),
    (
        "langgraph_threads.mjs",
        ["@langchain/langgraph", "@langchain/core", "@langchain/openai", "langsmith"],
        "graph",
        2,
    ),
    ("vercel_ai.mjs", ["ai", "@ai-sdk/openai", "langsmith"], "vercel", 2),
    ("dual_write.py", PYTHON, "dual", 1),
]


@pytest.mark.live
@pytest.mark.parametrize(
    ("script", "packages", "project", "turn_count"), CASES, ids=lambda one: str(one)[:40]
)
def test_a_program_of_langsmith_runs_unchanged(make_server, script, packages, project, turn_count):
    server = make_server()
    node = script.endswith(".mjs")
    folder = environments.made(f"langsmith-{Path(script).stem}", packages, node=node)
    model = FakeModel()
    try:
        base = f"http://{server.addresses['http']}"
        env = os.environ | {
            "LANGSMITH_ENDPOINT": base,
            "OTEL_THREADS_URL": base,
            "THREAD_ID": "live",
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "none",
        }
        command = [str(folder / "bin/python"), str(EXAMPLES / script)]
        if node:
            copied = folder / script
            copied.write_text((EXAMPLES / script).read_text())
            command = ["node", str(copied)]
        ran = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False
        )
    finally:
        model.close()
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    server.wait_derived()
    (thread,) = server.get("/threads", project=project)["items"]
    assert thread["turn_count"] == turn_count
    turns = server.get("/threads/turns", project=project, thread_id=thread["thread_id"])["items"]
    assert all(turn["user"] and turn["assistant"] for turn in turns)
