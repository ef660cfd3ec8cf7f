"""`otel-threads ask`, with a scripted model."""

import json
import subprocess
import sys

from builders import a_chat, a_request
from scripted_model import ScriptedModel


def test_what_a_model_proposes_is_shown_and_run_on_demand(make_server):
    proposal = {"filter": "builtin.unanswered = 1", "sql": None, "answer": "Those left alone."}
    model = ScriptedModel(lambda *_: json.dumps(proposal))
    server = make_server(judge_base_url=model.base_url, judge_model="gpt-4o-mini")
    server.post(a_request(a_chat("silent", "Hello?", None), a_chat("fine", "Hi", "Hi there")))
    server.wait_derived()

    def ask(*options: str, given: str = "") -> str:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "otel_threads",
                "ask",
                "who was left alone?",
                *options,
                "--database",
                str(server.database),
            ],
            capture_output=True,
            text=True,
            check=False,
            input=given,
            cwd=server.folder,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    shown = ask(given="n\n")
    assert "Those left alone.\nfilter: builtin.unanswered = 1\ncost: 0.0002 USD" in shown
    assert "silent" not in shown
    assert shown.endswith("cost: 0.0002 USD\n")
    ran = ask("--run")
    assert "silent" in ran
    assert "fine" not in ran
    proposal.update(filter=None, sql="select count(*) from threads")
    assert ask("--run").endswith("2\n")
    assert json.loads(ask("--json"))["sql"] == "select count(*) from threads"
    model.close()
