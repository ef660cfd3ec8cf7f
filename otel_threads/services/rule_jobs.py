"""Runs of rules: which rules can run, what is sent to the worker, what an outcome decides. Pure,
but for the ids of runs and the clock."""

import datetime
import importlib.util
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from otel_threads import seccomp
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.ports import ThreadKey
from otel_threads.core.rule import (
    Job,
    JudgedScore,
    Outcome,
    PromptMessage,
    Rule,
    RunKind,
    judge_version,
)
from otel_threads.core.rule_wire import Done
from otel_threads.core.score import NewScore
from otel_threads.evaluate.judge import around_context
from otel_threads.services.rule_budget import cost_of
from otel_threads.store.rules.rule_rows import DueThread, RuleRun, SettledThread

ATTEMPTS_MAX = 12
BACKOFF_FIRST_S, BACKOFF_FACTOR, BACKOFF_MAX_S = 1.0, 3.0, 3600.0
REASON_LENGTH_MAX = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """What the settings of a server say about judges, without its keys."""

    has_endpoint: bool
    model: str | None
    allows_python: bool
    budget_usd_per_day: float
    concurrent_max: int
    timeout_s: float

    def problem(self, rule: Rule) -> str | None:
        """Return why a rule cannot run on this server; None when it can."""
        if rule.kind == "llm_judge":
            return self.model_problem(rule.model)
        if rule.kind == "python":
            if not self.allows_python:
                return "Python rules are off: the setting python_scorers=true turns them on"
            if seccomp.machine() is None:
                return "Python rules need Linux on x86-64 or arm64: there is no sandbox elsewhere"
        return None

    def model_problem(self, model: str | None) -> str | None:
        """Return why no model can be asked; None when one can."""
        if not self.has_endpoint:
            return (
                "no model is set: judge_base_url and judge_model name any OpenAI-compatible"
                " endpoint, such as http://127.0.0.1:11434/v1 of Ollama"
            )
        if not (model or self.model):
            return "no model is named: set judge_model, or the model of the rule"
        if importlib.util.find_spec("openai") is None:
            return "the extra [judge] is not installed: pip install 'otel-threads[judge]'"
        return None

    def version(self, rule: Rule) -> str:
        """Return the version of the judge that a rule is on this server."""
        return judge_version(rule, model=self.model)


def make_job(
    rule: Rule,
    key: ThreadKey,
    conversation: str,
    *,
    settings: JudgeSettings,
    due: DueThread | None = None,
) -> Job:
    """Return the run of a rule on a thread; a dry run where the thread is not due.

    `conversation` is what the rule gets of it.
    """
    kind: RunKind = "dry_run" if due is None else "backfill" if due.backfill_id else "online"
    return Job(
        run_id=secrets.token_hex(8),
        kind=rule.kind,
        outputs=rule.outputs,
        conversation=conversation,
        model=rule.model or settings.model,
        temperature=rule.temperature,
        prompt=rule.prompt,
        prompt_messages=rule.prompt_messages,
        code=rule.code,
        builtin=rule.builtin,
        about={
            "kind": kind,
            "rule_id": rule.rule_id,
            "rule_name": rule.name,
            "project": key[0],
            "thread_id": key[1],
            "judge_version": settings.version(rule),
            "model": rule.model or settings.model,
            "trace_sequence": due.trace_sequence if due else None,
            "attempt_count": due.attempt_count if due else 0,
            "backfill_id": due.backfill_id if due else None,
        },
    )


def run_of(done: Done) -> RuleRun:
    """Return what is kept of a run that came to an end.

    Raises:
        KeyError: the server's note is none.
    """
    about, outcome = done.note, done.outcome
    ended = "scored" if outcome.error is None else "retry" if outcome.is_retryable else "failed"
    return RuleRun(
        run_id=done.run_id,
        rule_id=about["rule_id"],
        kind=about["kind"],
        project=about["project"],
        thread_id=about["thread_id"],
        judge_version=about["judge_version"],
        outcome=ended,
        model=outcome.model or about["model"],
        input_tokens=outcome.input_tokens,
        output_tokens=outcome.output_tokens,
        cost_usd=cost_of(outcome, about["model"]),
        backfill_id=about["backfill_id"],
        finished_at=datetime.datetime.now(datetime.UTC),
    )


def settled(done: Done, run: RuleRun) -> SettledThread:
    """Return what a run decides about its thread."""
    about, outcome = done.note, done.outcome
    attempts = about["attempt_count"] + 1
    same: dict[str, Any] = {
        "rule_id": run.rule_id,
        "project": run.project,
        "thread_id": run.thread_id,
        "trace_sequence": about["trace_sequence"],
        "cost_usd": run.cost_usd,
        "is_matched": True,
        "run": run,
    }
    if outcome.error is None:
        return SettledThread(
            **same,
            state="scored",
            reason=None if outcome.scores else "the rule gave no score",
            scores=outcome.scores,
            judge_version=run.judge_version,
            new_scores=[_new_score(one, done) for one in outcome.scores],
        )
    if outcome.is_retryable and attempts < ATTEMPTS_MAX:
        pause_s = backoff_s(attempts, outcome.retry_after_s)
        return SettledThread(
            **same,
            state="waiting",
            reason=f"attempt {attempts} of {ATTEMPTS_MAX} failed, retried in {pause_s:.0f} s: "
            f"{outcome.error}"[:REASON_LENGTH_MAX],
            attempt_count=attempts,
            retry_at=run.finished_at + datetime.timedelta(seconds=pause_s),
        )
    after = f" after {attempts} attempts" if attempts > 1 else ""
    told = f"; it answered: {outcome.response_text}" if outcome.response_text else ""
    return SettledThread(
        **same,
        state="failed",
        reason=f"{outcome.error}{after}{told}"[:REASON_LENGTH_MAX],
        judge_version=run.judge_version,
        attempt_count=attempts,
    )


def backoff_s(attempts: int, retry_after_s: float | None) -> float:
    """Return how long to wait after so many attempts, at least as long as the endpoint says."""
    pause = BACKOFF_FIRST_S * BACKOFF_FACTOR ** (attempts - 1)
    return min(BACKOFF_MAX_S, max(pause, retry_after_s or 0.0))


def _new_score(score: JudgedScore, done: Done) -> NewScore:
    about = done.note
    return NewScore(
        project=about["project"],
        thread_id=about["thread_id"],
        name=score.name,
        value=score.value,
        category=score.category,
        reason=score.reason,
        source="online",
        author=f"rule:{about['rule_name']}",
        metadata={"judge_version": about["judge_version"], "rule_id": about["rule_id"]},
    )


def interrupted(job: Job) -> Done:
    """Return the end of a run whose worker ended before it: it is retried."""
    error = "the worker ended before the run did"
    return Done(
        run_id=job.run_id,
        outcome=Outcome(scores=[], error=error, is_retryable=True),
        about=job.about,
    )


def check_templates(messages: Sequence[PromptMessage]) -> None:
    """Return when templates say where the conversation stands, and have no other variable.

    Raises:
        InvalidQuery: none has `{{context}}`, or one has another variable, which the text names.
    """
    has_context = False
    for i, one in enumerate(messages):
        parts = around_context(one.content)
        has_context |= len(parts) > 1
        for part in parts:
            _, begins, rest = part.partition("{{")
            if begins:
                name = rest.partition("}}")[0][:50]
                raise InvalidQuery(
                    f"prompt_messages[{i}].content has {{{{{name}}}}}:"
                    " {{context}} is the one variable"
                )
    if not has_context:
        raise InvalidQuery(
            "prompt_messages have no {{context}}: the judge would not see the conversation"
        )
