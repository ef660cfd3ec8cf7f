"""An engine whose rules ask a scripted model."""

import time
import uuid
from pathlib import Path

from builders import a_chat, a_request
from conftest import wait_until
from scripted_model import ScriptedModel

from otel_threads.core.config import Config
from otel_threads.core.model import Request, Signal
from otel_threads.core.rule import Decision, NewRule, Rule
from otel_threads.engine import Engine


class Judged:
    """A database with rules, in this process; the worker is a process of its own."""

    def __init__(self, folder: Path, model: ScriptedModel, **settings) -> None:
        self.model = model
        self.project = "default"
        self.config = Config(
            **{
                "database": str(folder / "x.duckdb"),
                "judge_base_url": model.base_url,
                "judge_model": "gpt-4o-mini",
                "thread_cooldown_s": 0.2,
                **settings,
            }
        )
        self.start()

    def start(self) -> None:
        self.engine = Engine(self.config)
        self.rules = self.engine.services.rules

    def begin(self) -> None:
        """Begin anew: in a project of its own, without rules, with a model that says 0.5."""
        for rule in self.rules.rules(project="*").items:
            self.rules.delete(rule.rule_id)
        self.project = f"p-{uuid.uuid4().hex[:8]}"
        self.model.reset()

    def put(self, name: str = "helpful", **fields) -> Rule:
        fields.setdefault("kind", "llm_judge")
        fields.setdefault("project", self.project)
        if fields["kind"] == "llm_judge":
            fields.setdefault("prompt", "Did it help?")
        return self.rules.put(NewRule(name=name, **fields))

    def send(self, *spans, project: str | None = None) -> None:
        request = Request(
            signal=Signal.TRACES,
            payload=a_request(*spans),
            project=project or self.project,
            received_unix_nano=time.time_ns(),
        )
        self.engine.intake.submit(request).result(60)
        assert self.engine.deriver.wait(self.engine.writer.committed_sequence, 60)

    def chat(self, *thread_ids: str, text: str = "hello", **fields) -> None:
        self.send(*[a_chat(one, text, f"re: {text}", **fields) for one in thread_ids])

    def counts(self, rule: Rule) -> dict[str, int]:
        return self.rules.rule(rule.rule_id).counts

    def decision(self, rule: Rule, thread_id: str) -> Decision | None:
        items = self.rules.decisions(rule.rule_id, thread_id=thread_id).items
        return items[0] if items else None

    def wait(self, rule: Rule, **counts: int) -> None:
        wait_until(
            lambda: all(self.counts(rule).get(state, 0) == n for state, n in counts.items()),
            f"{counts}, not {self.counts(rule)}",
        )

    def thread(self, thread_id: str, project: str | None = None):
        return self.engine.services.threads.thread(thread_id, project=project or self.project)

    def scores(self, thread_id: str, project: str | None = None):
        return self.thread(thread_id, project).scores

    def wait_inactive(self, thread_id: str) -> None:
        wait_until(lambda: self.thread(thread_id).status == "inactive", "it is inactive")

    def close(self) -> None:
        self.engine.close()
