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


METRIC = """
from __future__ import annotations
import json
import statistics
from typing import Any

from opik.evaluation.metrics import base_metric, score_result
from opik.evaluation.metrics.conversation.conversation_thread_metric import (
    ConversationThreadMetric,
)


class Count(base_metric.BaseMetric):
    def __init__(self, name: str = "entries") -> None:
        super().__init__(name=name, track=False)

    def score(self, conversation: list[dict[str, Any]], **ignored: Any):
        asked = json.dumps([one["content"] for one in conversation if one["role"] == "user"])
        count = score_result.ScoreResult(name=self.name, value=len(conversation), reason=asked)
        mean = statistics.fmean(len(json.dumps(one)) for one in conversation)
        return [count, score_result.ScoreResult(name="long", value=mean > 1)]
"""


class Rules:
    """Opik's calls about rules of a project of its own."""

    def __init__(self, server) -> None:
        self.server = server
        self.project = f"p-{uuid.uuid4().hex[:8]}"
        self.base = f"{server.http}/api/v1/private"

    def make(self, kind: str, code: dict, **given) -> httpx.Response:
        project_ids = [ids.project_uuid_of(self.project)]
        rule = {"name": "a rule", "type": kind, "code": code, "project_ids": project_ids, **given}
        return httpx.post(f"{self.base}{PATH}", json=rule)

    def log(self, rule_id: str) -> list[dict]:
        return httpx.get(f"{self.base}{PATH}/{rule_id}/logs").json()["content"]

    def send(self, thread: str) -> None:
        payload = a_request(a_chat(thread, "What is Opik?", "A tool"))
        answer = self.server.post(payload, x_otel_threads_project=self.project)
        assert answer.status_code == 200
        self.server.wait_derived()

    def scores(self, thread: str) -> dict[str, dict]:
        body = {"project_name": self.project, "thread_id": thread}
        found = httpx.post(f"{self.base}/traces/threads/retrieve", json=body).json()
        return {one["name"]: one for one in found.get("feedback_scores", ())}


def test_a_python_metric_scores_what_the_thread_holds(make_server):
    rules = Rules(make_server(python_scorers=True, thread_cooldown_s=1))
    rules.send("before")
    made = rules.make("trace_thread_user_defined_metric_python", {"metric": METRIC})
    assert made.status_code == 201, made.text
    rules.send("counted")
    wait_until(lambda: rules.scores("counted"), "the metric has scored")
    scores = rules.scores("counted")
    assert {name: one["value"] for name, one in scores.items()} == {"entries": 2.0, "long": 1.0}
    assert "What is Opik?" in scores["entries"]["reason"]
    # A metric that fails says so in the log.
    bad = "from opik.evaluation.metrics import BaseMetric\nclass M(BaseMetric): pass\n"
    made = rules.make("trace_thread_user_defined_metric_python", {"metric": bad}, name="bad")
    rule_id = made.headers["location"].rpartition("/")[2]
    rules.send("failing")
    wait_until(
        lambda: any("no method score" in line["message"] for line in rules.log(rule_id)),
        "the log names the failure",
    )


def test_a_rule_that_cannot_run_is_refused_or_says_so(server):
    rules = Rules(server)
    for kind in ("llm_as_judge", "span_llm_as_judge", "span_user_defined_metric_python"):
        refused = rules.make(kind, {"metric": METRIC})
        assert refused.status_code == 422
        assert kind in refused.json()["errors"][0]
    for code, status in (({"metric": " "}, 422), ({}, 422), ({"metric": "def"}, 400)):
        assert rules.make("trace_thread_user_defined_metric_python", code).status_code == status
    listed = httpx.get(f"{rules.base}{PATH}").json()["content"]
    assert rules.project not in {one["project_name"] for one in listed}
    # Python is off here: the rule is kept, and its log says what turns it on.
    rules.send("t")
    made = rules.make("trace_thread_user_defined_metric_python", {"metric": METRIC})
    assert made.status_code == 201
    (line,) = rules.log(made.headers["location"].rpartition("/")[2])
    assert line["level"] == "WARN"
    assert "python_scorers" in line["message"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"code": {"model": "gpt-4o"}}, "code.model must be an object"),
        ({"code": {"model": [1]}}, "code.model must be an object"),
        ({"code": {"model": {"name": -(2**63) - 1}}}, "name must be a text"),
        ({"code": {"model": {"temperature": "hot"}}}, "code.model.temperature must be a number"),
        ({"code": {"messages": "hi"}}, "code.messages must be a list of objects"),
        ({"code": {"messages": ["hi"]}}, "code.messages must be a list of objects"),
        (
            {"code": {"messages": [{"content_array": [1]}]}},
            "code.messages.content_array must be a list of objects",
        ),
        ({"code": {"schema": [None]}}, "code.schema must be a list of objects"),
        ({"code": {"schema": [{"name": "n", "description": 5}]}}, "description must be a text"),
        ({"enabled": -(2**63) - 1}, "enabled must be true or false"),
        ({"enabled": "yes"}, "enabled must be true or false"),
    ],
)
def test_a_rule_with_a_field_of_another_type_is_refused_by_its_name(server, given, says):
    rule = {
        "name": "odd",
        "type": "trace_thread_llm_as_judge",
        "project_ids": [ids.project_uuid_of("odd")],
        **given,
    }
    rule.setdefault("code", {})
    refused = httpx.post(f"{server.http}/api/v1/private{PATH}", json=rule)

    assert (refused.status_code, refused.json()) == (422, {"errors": [says]})


@pytest.mark.parametrize("value", [-(2**63) - 1, 10**30, None, True])
def test_a_filter_of_a_rule_may_have_any_plain_value(server, value):
    rule = {
        "name": "odd",
        "type": "trace_thread_llm_as_judge",
        "project_ids": [ids.project_uuid_of("odd")],
        "code": {"messages": [{"role": "USER", "content": "{{context}}"}]},
        "filters": {"field": "id", "operator": "=", "value": value},
    }
    made = httpx.post(f"{server.http}/api/v1/private{PATH}", json=rule)

    assert made.status_code == 201, made.text
