"""Rules on the command line and by the Python client, against a real server."""

import json
import subprocess
import sys

import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until
from scripted_model import ScriptedModel

from otel_threads.core.errors import NotFound
from otel_threads.sdk.client import Client

pytestmark = pytest.mark.served


@pytest.fixture(scope="module")
def model():
    model = ScriptedModel()
    yield model
    model.close()


@pytest.fixture(scope="module")
def judging(tmp_path_factory, model):
    folder = tmp_path_factory.mktemp("judging")
    settings = {"judge_base_url": model.base_url, "judge_model": "gpt-4o-mini"}
    server = Server(folder, thread_cooldown_s=1, **settings).start()
    server.post(a_request(*[a_chat(f"chat-{i}", "Where is it?", "Here.") for i in range(3)]))
    server.wait_derived()
    inactive = {"project": "*", "filter": 'status = "inactive"'}
    wait_until(lambda: len(server.get("/threads", **inactive)["items"]) == 3, "they are inactive")
    yield server
    server.stop()


def otel_threads(server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "otel_threads", *arguments, "--database", str(server.database)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=server.folder,
        check=False,
    )


def said(server, *arguments: str) -> str:
    done = otel_threads(server, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_rule_is_made_tried_changed_and_backfilled(judging, model):
    assert "No rules" in said(judging, "rules", "list")
    made = json.loads(
        said(judging, "rules", "put", "helpful", "--prompt", "Was it found?", "--off", "--json")
    )
    assert (made["kind"], made["version"], made["is_enabled"]) == ("llm_judge", 1, False)
    tried = said(judging, "rules", "dry-run", "helpful", "--limit", "2")
    assert "3 threads matching" in tried
    assert "helpful 0.5 (scripted)" in tried
    changed = json.loads(
        said(judging, "rules", "put", "helpful", "--filter", "turn_count = 1", "--json")
    )
    assert (changed["version"], changed["prompt"]) == (2, "Was it found?")
    assert "queued 3" in said(judging, "rules", "backfill", "helpful", "--budget-usd", "1")

    def scored() -> bool:
        return judging.get("/rules")["items"][0]["counts"] == {"scored": 3}

    wait_until(scored, "three are scored")
    shown = said(judging, "rules", "show", "helpful")
    assert "Was it found?" in shown
    assert shown.count("helpful 0.5") == 3
    assert "helpful" in said(judging, "rules", "list")
    assert "deleted 1" in said(judging, "rules", "delete", "helpful")
    missing = otel_threads(judging, "rules", "show", "helpful")
    assert (missing.returncode, "no rule 'helpful'" in missing.stderr) == (1, True)


def test_wrong_usage_says_what_is_needed(judging):
    needs = otel_threads(judging, "rules", "put", "new")
    wrong = otel_threads(
        judging, "rules", "put", "new", "--prompt", "?", "--filter", "turn_count >"
    )

    assert (needs.returncode, "--prompt" in needs.stderr) == (2, True)
    assert (wrong.returncode, "filter, at position" in wrong.stderr) == (1, True)


def test_a_rule_of_a_file_and_of_code(judging):
    (judging.folder / "rule.json").write_text(
        json.dumps({"kind": "builtin", "builtin": "unanswered", "is_enabled": False})
    )
    (judging.folder / "score.py").write_text("def score(conversation): return 1")
    built = json.loads(said(judging, "rules", "put", "b", "--file", "rule.json", "--json"))
    code = json.loads(said(judging, "rules", "put", "c", "--code", "score.py", "--off", "--json"))

    assert built["outputs"][0]["name"] == "unanswered"
    assert "python_scorers" in code["problem"]


def test_the_client_has_every_call(judging, model):
    with Client(judging.api.removesuffix("/api/v1")) as client:
        rule = client.put_rule("quick", kind="builtin", builtin="unanswered", is_enabled=False)
        rule_id = rule["rule_id"]

        assert client.get_rule(rule_id)["name"] == "quick"
        assert client.update_rule(rule_id, sampling_rate=0.5)["sampling_rate"] == 0.5
        assert "quick" in [one["name"] for one in client.list_rules()]
        tried = client.dry_run_rule(rule_id, thread_id="chat-1")
        assert tried["scored"][0]["scores"][0]["value"] == 0
        assert client.backfill_rule(rule_id, limit=2) == {"queued": 2}

        def scored() -> bool:
            return len(list(client.list_rule_decisions(rule_id, state="scored"))) == 2

        wait_until(scored, "two are scored")
        assert client.page_of_rule_decisions(rule_id, limit=1)["next_cursor"]
        client.delete_rule(rule_id)
        with pytest.raises(NotFound):
            client.get_rule(rule_id)
