"""Opik's rules of threads, run by our engine: what the judge is asked, what becomes of the answer."""

import json
import uuid

import httpx
import pytest
from builders import a_chat, a_request
from conftest import wait_until
from scripted_model import ScriptedModel

from otel_threads.vendors import ids

PATH = "/automations/evaluators"


@pytest.fixture
def model():
    model = ScriptedModel()
    yield model
    model.close()


def test_a_rule_judges_what_the_thread_holds_and_its_log_tells(model, make_server):
    server = make_server(
        judge_base_url=model.base_url, judge_model="gpt-4o-mini", thread_cooldown_s=2
    )
    project = f"p-{uuid.uuid4().hex[:8]}"
    base = f"{server.http}/api/v1/private"

    def send(thread: str) -> None:
        payload = a_request(a_chat(thread, "What is Opik?", "A tool"))
        assert server.post(payload, x_otel_threads_project=project).status_code == 200
        server.wait_derived()

    def thread() -> dict:
        body = {"project_name": project, "thread_id": "judged"}
        return httpx.post(f"{base}/traces/threads/retrieve", json=body).json()

    send("before")
    code = {
        "model": {"name": "gpt-4o-mini", "temperature": 0.0},
        "messages": [
            {"role": "SYSTEM", "content": "You rate."},
            {"role": "USER", "content": "Rate this conversation: {{context}}"},
        ],
        "schema": [{"name": "Coherence", "type": "DOUBLE", "description": "0 to 1"}],
    }
    rule = {
        "name": "coherence",
        "type": "trace_thread_llm_as_judge",
        "code": code,
        "project_ids": [ids.project_uuid_of(project)],
        "filters": [{"field": "id", "operator": "starts_with", "value": "judged"}],
    }
    made = httpx.post(f"{base}{PATH}", json=rule)
    assert made.status_code == 201, made.text
    rule_id = made.headers["location"].rpartition("/")[2]
    send("judged")
    wait_until(lambda: "feedback_scores" in thread(), "the rule has scored")
    (score,) = thread()["feedback_scores"]
    assert (score["name"], score["source"]) == ("Coherence", "online_scoring")
    asked = json.dumps(model.requests)
    assert "Rate this conversation" in asked
    assert "What is Opik?" in asked
    log = httpx.get(f"{base}{PATH}/{rule_id}/logs").json()
    assert log["total"] == len(log["content"]) > 0
    assert {line["rule_id"] for line in log["content"]} == {rule_id}
    # By hand it judges what its filter leaves out.
    body = {"project_name": project, "thread_id": "before"}
    before = httpx.post(f"{base}/traces/threads/retrieve", json=body).json()
    assert "feedback_scores" not in before
    wanted = {
        "project_id": ids.project_uuid_of(project),
        "entity_ids": [before["thread_model_id"]],
        "rule_ids": [rule_id],
        "entity_type": "thread",
    }
    queued = httpx.post(f"{base}/manual-evaluation/threads", json=wanted)
    assert (queued.status_code, queued.json()["entities_queued"]) == (202, 1)
    wait_until(
        lambda: (
            "feedback_scores"
            in httpx.post(f"{base}/traces/threads/retrieve", json=body, timeout=60).json()
        ),
        "it has scored by hand",
    )
    # A rule that is off, or gone, judges no more.
    off = httpx.patch(f"{base}{PATH}/{rule_id}", json={**rule, "enabled": False})
    assert off.status_code == 204, off.text
    (ours,) = httpx.get(f"{server.api}/rules", params={"project": project}).json()["items"]
    assert ours["is_enabled"] is False
    httpx.post(f"{base}{PATH}/delete", json={"ids": [rule_id]})
    assert httpx.get(f"{server.api}/rules", params={"project": project}).json()["items"] == []


def test_a_rule_that_is_not_run_says_so(server):
    base = f"{server.http}/api/v1/private"
    rule = {
        "name": "count",
        "type": "trace_thread_user_defined_metric_python",
        "code": {"metric": "class Count: pass"},
        "project_ids": [str(uuid.uuid4())],
    }
    made = httpx.post(f"{base}{PATH}", json=rule)
    rule_id = made.headers["location"].rpartition("/")[2]
    (line,) = httpx.get(f"{base}{PATH}/{rule_id}/logs").json()["content"]
    assert line["level"] == "WARN"
    assert "does not run them" in line["message"]
