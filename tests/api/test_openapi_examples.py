"""The examples of the OpenAPI document are what a real server answered; `--rewrite-golden` asks anew."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import of_now
from conftest import CAPTURES, request_files

FILE = Path(__file__).parents[2] / "otel_threads/api/rest/examples.json"
CAPTURE = "openinference-langgraph"
THREAD = {"project": "shop", "thread_id": "thread-alpha"}
SCORE = {**THREAD, "name": "quality", "value": 0.8, "reason": "answered at once", "author": "judge"}
RESULT = {"item_id": "thread-alpha", **THREAD, "scorer": "quality", "name": "quality", "value": 0.8}
ISSUES = {"project": "shop", "issue_ids": ["b1d9c0a4e7f23568"]}
REVIEWS = [
    (
        "PUT",
        "/score-definitions",
        {},
        {"project": "shop", "name": "stars", "kind": "numeric", "min": 1, "max": 5},
    ),
    ("GET", "/score-definitions", {"project": "shop"}, None),
    ("DELETE", "/score-definitions", {"project": "shop", "name": "stars"}, None),
    (
        "POST",
        "/review-queues",
        {},
        {
            "project": "shop",
            "name": "this week",
            "filter": "turn_count > 1",
            "score_names": ["quality"],
        },
    ),
    ("GET", "/review-queues", {"project": "shop"}, None),
    ("GET", "/review-queues/{queue_id}", {}, None),
    ("PATCH", "/review-queues/{queue_id}", {}, {"instructions": "Was the answer right?"}),
    ("GET", "/review-queues/{queue_id}/next", {"reviewer": "ann"}, None),
    (
        "POST",
        "/review-queues/{queue_id}/done",
        {},
        {"thread_id": "thread-alpha", "reviewer": "ann"},
    ),
    ("GET", "/review-queues/{queue_id}/agreement", {}, None),
    ("DELETE", "/review-queues/{queue_id}", {}, None),
]
EVALUATIONS = [
    (
        "POST",
        "/evaluation-datasets",
        {},
        {"name": "long-chats", "project": "shop", "filter": "turn_count > 2"},
    ),
    ("GET", "/evaluation-datasets", {}, None),
    ("GET", "/evaluation-datasets/{name}", {}, None),
    ("GET", "/evaluation-datasets/{name}/items", {"limit": 1}, None),
    ("DELETE", "/evaluation-datasets/{name}", {}, None),
    (
        "POST",
        "/evaluations",
        {},
        {"name": "nightly", "project": "shop", "scorers": [{"name": "quality", "version": "1"}]},
    ),
    ("POST", "/evaluations/{evaluation_id}/results", {}, {"results": [RESULT]}),
    ("PATCH", "/evaluations/{evaluation_id}", {}, {"finished": True, "item_count": 1}),
    ("GET", "/evaluations", {"project": "shop"}, None),
    ("GET", "/evaluations/{evaluation_id}", {}, None),
    ("GET", "/evaluations/{evaluation_id}/results", {"limit": 1}, None),
    ("GET", "/evaluations/compare", {}, None),
    ("DELETE", "/evaluations/{evaluation_id}", {}, None),
]
# Method, path, parameters (of path and query), body; asked in this order.
CALLS: list[tuple[str, str, dict[str, Any], Any]] = [
    ("PUT", "/scores", {}, {"scores": [SCORE]}),
    ("POST", "/comments", {}, {**THREAD, "text": "Look at the second turn.", "author": "ann"}),
    (
        "PATCH",
        "/threads/tags",
        {},
        {"project": "shop", "thread_ids": ["thread-alpha"], "add": ["vip"], "remove": ["new"]},
    ),
    (
        "PATCH",
        "/projects",
        {},
        {"project": "shop", "thread_cooldown_s": 3600, "input_path": "inputs.messages[-1].content"},
    ),
    (
        "POST",
        "/views",
        {},
        {
            "project": "shop",
            "name": "slow",
            "filter": "duration_ms > 90s",
            "sort": "-cost_usd",
            "columns": ["thread_id", "cost_usd"],
        },
    ),
    ("GET", "/status", {}, None),
    ("GET", "/projects", {}, None),
    ("GET", "/doctor", {}, None),
    ("GET", "/fields", {"of": "threads"}, None),
    (
        "GET",
        "/threads",
        {
            "project": "shop",
            "filter": 'turn_count > 2 and tags = "vip"',
            "sort": "-cost_usd",
            "limit": 1,
        },
        None,
    ),
    ("GET", "/threads/stats", {"project": "shop", "interval": "day"}, None),
    ("GET", "/threads/get", THREAD, None),
    ("GET", "/threads/outline", THREAD, None),
    ("GET", "/threads/turns", {**THREAD, "limit": 2}, None),
    ("GET", "/threads/transcript", {**THREAD, "format": "messages"}, None),
    ("GET", "/traces", {"project": "shop", "thread_id": "thread-alpha", "limit": 1}, None),
    ("GET", "/traces/stats", {"project": "shop"}, None),
    ("GET", "/spans", {"project": "shop", "filter": "model is_not_null", "limit": 1}, None),
    ("GET", "/traces/{trace_id}", {"project": "shop"}, None),
    ("GET", "/scores", {**THREAD}, None),
    ("GET", "/scores/names", {"project": "shop"}, None),
    ("GET", "/comments", {**THREAD}, None),
    ("PATCH", "/comments/{comment_id}", {}, {"text": "Look at turn 2."}),
    ("GET", "/views", {"project": "shop"}, None),
    (
        "POST",
        "/sql",
        {},
        {
            "sql": "select thread_id, turn_count from threads where turn_count > ? order by 1",
            "params": [2],
        },
    ),
    ("POST", "/prune", {}, {"older_than_days": 365, "dry_run": True}),
    (
        "POST",
        "/rules",
        {},
        {
            "project": "shop",
            "name": "asked-twice",
            "kind": "builtin",
            "builtin": "repeated_question",
            "filter": "turn_count > 1",
        },
    ),
    ("GET", "/rules", {"project": "shop"}, None),
    ("GET", "/rules/{rule_id}", {}, None),
    ("PATCH", "/rules/{rule_id}", {}, {"sampling_rate": 0.5}),
    ("POST", "/rules/{rule_id}/dry-run", {}, {"thread_id": "thread-alpha"}),
    ("POST", "/rules/{rule_id}/backfill", {}, {"limit": 100}),
    ("GET", "/rules/{rule_id}/decisions", {"thread_id": "thread-alpha"}, None),
    ("GET", "/rules/{rule_id}/log", {"limit": 10}, None),
    ("DELETE", "/rules/{rule_id}", {}, None),
    ("POST", "/threads/close", {}, {"project": "shop", "thread_ids": ["thread-alpha", "nobody"]}),
    ("POST", "/threads/reopen", {}, {"project": "shop", "thread_ids": ["thread-alpha"]}),
    ("GET", "/issues", {"project": "shop", "threads_min": 1}, None),
    ("POST", "/issues/close", {}, ISSUES),
    ("POST", "/issues/reopen", {}, ISSUES),
    *REVIEWS,
    *EVALUATIONS,
    ("POST", "/scores/delete", {}, {"scores": [{**THREAD, "name": "quality"}]}),
    ("DELETE", "/comments/{comment_id}", {}, None),
    ("DELETE", "/views", {"project": "shop", "name": "slow"}, None),
    ("POST", "/threads/delete", {}, {"project": "shop", "thread_ids": ["thread-beta"]}),
    ("POST", "/traces/delete", {}, {"project": "shop"}),
    ("POST", "/rebuild", {}, None),
    ("POST", "/demo", {}, None),
]
# They answer with no JSON, or need a model.
FILES = {"GET /export/threads", "GET /events", "GET /backup", "POST /ask"}
MADE = ("queue_id", "evaluation_id", "name")
LIST_MAX, TEXT_MAX = 2, 300  # of an example


@pytest.fixture(scope="module")
def answers(server):
    """Every call of the table, asked in turn: "GET /path" → {parameters, body, answer}."""
    for file in request_files(CAPTURES / CAPTURE):
        server.post(of_now(file.read_bytes()), x_otel_threads_project="shop")
    server.wait_derived()
    trace_id = server.get("/traces", **THREAD)["items"][0]["trace_id"]
    ids = {"trace_id": trace_id}
    found = {}
    for method, path, given, body in CALLS:
        if path == "/traces/delete":
            body = {**body, "trace_ids": [trace_id]}
        if path == "/evaluations/compare":
            given = {"base": ids["evaluation_id"], "candidate": ids["evaluation_id"]}
        in_path = {name: ids[name] for name in ids if f"{{{name}}}" in path}
        answer = httpx.request(
            method, server.api + path.format(**in_path), params=given, json=body, timeout=60
        )
        assert answer.is_success, (path, answer.text)
        content = answer.json() if answer.content else None
        if path == "/comments" and method == "POST":
            ids["comment_id"] = content["id"]
        if path in ("/review-queues", "/evaluations", "/evaluation-datasets") and method == "POST":
            ids |= {name: content[name] for name in MADE if name in content}
        if path == "/rules" and method == "POST":
            ids["rule_id"] = content["rule_id"]
        found[f"{method} {path}"] = {
            "parameters": {**in_path, **given},
            "body": body,
            "answer": _short(content),
        }
    return found


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(item) for item in value[:LIST_MAX]]
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    return value[:TEXT_MAX] if isinstance(value, str) else value


def _shape(value: Any, depth: int = 3) -> Any:
    """Return which fields an answer has: its values are another's every day."""
    if isinstance(value, dict) and depth:
        return {key: _shape(item, depth - 1) for key, item in sorted(value.items())}
    return _shape(value[0], depth) if isinstance(value, list) and value else None


def test_the_examples_are_what_a_server_answers(answers, request):
    if request.config.getoption("--rewrite-golden"):
        FILE.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    kept = json.loads(FILE.read_text())

    assert set(kept) == set(answers)
    for name, one in answers.items():
        assert one["parameters"].keys() == kept[name]["parameters"].keys(), name
        assert _shape(one["body"]) == _shape(kept[name]["body"]), name
        assert _shape(one["answer"], 2) == _shape(kept[name]["answer"], 2), name


def test_every_call_has_its_example_in_the_document(server):
    document = httpx.get(f"{server.api.removesuffix('/api/v1')}/openapi.json").json()
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            name = f"{method.upper()} {path.removeprefix('/api/v1')}"
            if name in FILES:
                continue
            good = next(
                call["responses"][code]
                for code in ("200", "202", "204")
                if code in call["responses"]
            )
            if "content" in good:
                assert "example" in good["content"]["application/json"], name
            if "requestBody" in call:
                assert "example" in call["requestBody"]["content"]["application/json"], name
            for parameter in call.get("parameters", ()):
                assert parameter["in"] == "query" or "example" in parameter, (
                    name,
                    parameter["name"],
                )
