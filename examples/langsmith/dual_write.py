"""Sends every run to LangSmith and to this server: the road for trying one beside the other.

    pip install langsmith
    LANGSMITH_API_KEY=... python dual_write.py

The first of the replicas is the SDK's own endpoint; the second is this server. Or by the environment:
LANGSMITH_RUNS_ENDPOINTS='[{"api_url": "https://api.smith.langchain.com", "api_key": "..."},
{"api_url": "http://127.0.0.1:4320", "api_key": "any"}]'.
"""

import os

os.environ.setdefault("LANGSMITH_TRACING", "true")
HERE = os.environ.get("OTEL_THREADS_URL", "http://127.0.0.1:4320")
THEIRS = os.environ.get("LANGSMITH_ENDPOINT", "https://api.smith.langchain.com")

from langsmith import Client, traceable, tracing_context

client = Client(api_url=THEIRS, api_key=os.environ.get("LANGSMITH_API_KEY", "any"))
REPLICAS = [
    {"api_url": THEIRS, "api_key": os.environ.get("LANGSMITH_API_KEY", "any")},
    {"api_url": HERE, "api_key": "any", "project_name": "dual"},
]


@traceable(name="turn", client=client)
def turn(question: str) -> str:
    return f"Answer to: {question}"


with tracing_context(enabled=True, client=client, replicas=REPLICAS):
    print(turn("Is it there twice?", langsmith_extra={"metadata": {"thread_id": "dual-1"}}))
client.flush()
