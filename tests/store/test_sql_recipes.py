"""The recipes of docs/sql.md run, and the views that they use say what is true."""

import re
from pathlib import Path

import httpx
import pytest
from builders import a_chat, a_request
from conftest import CAPTURES, request_files

TEXT = (Path(__file__).parents[2] / "docs/sql.md").read_text()
RECIPES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
# Those for which the recordings below hold nothing that could be found.
MAY_BE_EMPTY = ("services) > 1", "status = 'inactive'")


@pytest.fixture(scope="module")
def filled(server):
    for scenario in ("openinference-langgraph", "otel-genai-openai-span-stream", "plain-no-ids"):
        for file in request_files(CAPTURES / scenario):
            if ".logs" not in file.name:
                assert server.post(file.read_bytes()).status_code == 200
    chats = [
        a_chat(
            "chat-1",
            f"What is the weather {i}",
            "Sunny",
            attributes={"user.id": "ada", "gen_ai.usage.cache_read.input_tokens": 5},
        )
        for i in range(3)
    ]
    failed = a_chat("chat-2", "Hi", None, attributes={"error.type": "timeout"})
    failed.status.code = 2
    failed.status.message = "too slow"
    server.post(a_request(*chats, failed))
    import json

    tool = a_chat("chat-3", "Tool?", None)
    for attribute in tool.attributes:
        if attribute.key == "gen_ai.input.messages":
            attribute.value.string_value = json.dumps(
                [
                    {"role": "user", "parts": [{"type": "text", "content": "Tool?"}]},
                    {
                        "role": "assistant",
                        "parts": [
                            {
                                "type": "tool_call",
                                "id": "c1",
                                "name": "lookup",
                                "arguments": {"city": "Rome"},
                            }
                        ],
                    },
                    {
                        "role": "tool",
                        "parts": [{"type": "tool_call_response", "id": "c1", "response": "42"}],
                    },
                ]
            )
    call = a_chat(
        "chat-3",
        "x",
        None,
        trace_id=tool.trace_id,
        parent_span_id=tool.span_id,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "lookup",
            "gen_ai.tool.call.id": "c1",
            "gen_ai.tool.call.arguments": "{}",
            "error.type": "KeyError",
        },
    )
    call.status.code = 2
    call.status.message = "no such key"
    server.post(a_request(tool, call))
    server.wait_derived()
    scores = [
        {"thread_id": "chat-1", "name": "quality", "value": value, "author": author, "reason": "so"}
        for author, value in (("ada", 0.0), ("bob", 0.6))
    ]
    httpx.put(f"{server.api}/scores", json={"scores": scores})
    return server


def ask(server, query: str) -> list[dict]:
    answer = httpx.post(f"{server.api}/sql", json={"sql": query}, timeout=60)
    assert answer.status_code == 200, f"{query}\n{answer.text}"
    found = answer.json()
    return [
        dict(zip([c["name"] for c in found["columns"]], row, strict=True)) for row in found["rows"]
    ]


def test_there_are_twenty():
    assert len(RECIPES) >= 20


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: " ".join(recipe.split())[:50])
def test_a_recipe_finds_something(filled, recipe):
    rows = ask(filled, recipe)
    assert rows or any(part in recipe for part in MAY_BE_EMPTY)


def test_scored_threads(filled):
    (row,) = ask(filled, "from scored_threads")
    assert (row["thread_id"], row["name"], row["value"], row["score_count"]) == (
        "chat-1",
        "quality",
        0.3,
        2,
    )
    assert sorted(row["authors"]) == ["ada", "bob"]
    assert row["turn_count"] == 3


def test_daily_usage_adds_up(filled):
    (total,) = ask(
        filled,
        "select sum(call_count) as n, sum(input_tokens) as i, sum(error_count) as e from daily_usage",
    )
    (calls,) = ask(
        filled,
        "select count(*) as n, sum(input_tokens) as i, count(*) filter (error_type is not null or error_message is not null) as e from calls",
    )
    assert total == calls
    assert total["e"] >= 1


def test_tools(filled):
    calls = {row["name"]: row for row in ask(filled, "from tool_calls where thread_id = 'chat-3'")}
    assert calls["lookup"]["arguments"] == '{"city":"Rome"}'
    (broken,) = ask(filled, "from tool_stats where name = 'lookup'")
    assert (broken["call_count"], broken["error_count"], broken["error_rate"]) == (1, 1, 1.0)
    assert "no such key" in broken["last_error"] or "KeyError" in broken["last_error"]


def test_slow_turns_are_the_slowest(filled):
    slow = ask(filled, "select min(duration_ms) as least from slow_turns")[0]["least"]
    rest = ask(
        filled,
        "select max(t.duration_ms) as most from turns t anti join slow_turns s using (project, thread_id, turn_index, start_time)",
    )
    assert rest[0]["most"] <= slow
