"""Services for rules: make, change, list, try and backfill; what they decided, and why."""

import ast
import dataclasses
import datetime
import math
import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import get_args

from otel_threads import names
from otel_threads.core import filters
from otel_threads.core.errors import Conflict, InvalidQuery, NotFound, Overloaded, Unavailable
from otel_threads.core.limits import (
    BACKFILL_THREADS_MAX,
    BUDGET_USD_MAX,
    CATEGORIES_MAX,
    CODE_LENGTH_MAX,
    DESCRIPTION_LENGTH_MAX,
    DRY_RUN_THREADS_MAX,
    FILTER_LENGTH_MAX,
    ITEMS_MAX,
    MODEL_LENGTH_MAX,
    OUTPUTS_MAX,
    PAGE_ITEMS_DEFAULT,
    PROMPT_LENGTH_MAX,
    RULES_MAX,
)
from otel_threads.core.message import Json
from otel_threads.core.page import Page
from otel_threads.core.ports import ThreadKey
from otel_threads.core.rule import (
    Decision,
    DecisionState,
    DryRun,
    DryScored,
    FilterTime,
    Job,
    NewRule,
    Outcome,
    PromptMessage,
    Queued,
    Rule,
    RuleChanges,
    RuleContext,
    RuleKind,
    RuleLogEntry,
    RuleOutput,
)
from otel_threads.core.rule_wire import Done
from otel_threads.core.thread import Thread
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.services.checks import check_value
from otel_threads.services.pagination import digest_of, make_cursor, open_offset, part_of
from otel_threads.services.project_choice import ALL_PROJECTS
from otel_threads.services.rule_contexts import ContextReader
from otel_threads.services.rule_conversations import form_of
from otel_threads.services.rule_jobs import JudgeSettings, check_templates, make_job, run_of
from otel_threads.services.rule_runner import RuleRunner
from otel_threads.services.threads import ThreadService, check_limit
from otel_threads.store.rules.rule_rows import RuleRows

DRY_RUNS_AT_ONCE_MAX, DRY_RUN_S_MAX = 2, 120.0
PACE_DAYS = 7
WAITS = "waits until the thread is inactive and its turn comes"
NEVER_SEEN = (
    "the rule has not seen this thread: it was inactive before the rule was made, or has not been"
    " looked at yet; a backfill judges it"
)


class RuleService:
    """Rules of one database. Any thread may call."""

    def __init__(
        self,
        rows: RuleRows,
        threads: ThreadService,
        runner: RuleRunner,
        *,
        settings: JudgeSettings,
        contexts: dict[str, ContextReader],
    ) -> None:
        self._rows = rows
        self._threads = threads
        self.runner = runner
        self._settings = settings
        self._contexts = contexts
        self._lock = threading.Lock()  # names are unique
        self._dry_runs = threading.BoundedSemaphore(DRY_RUNS_AT_ONCE_MAX)

    def start(self) -> None:
        """Begin to judge threads that become inactive."""
        self.runner.start()

    def close(self) -> None:
        """Stop; what has begun is finished by the worker, and found at the next start."""
        self.runner.close()

    def add_context(self, name: RuleContext, reader: ContextReader) -> None:
        """Let a product's own form of a conversation stand behind the name of a context."""
        self._contexts[name] = reader

    def rules(self, *, project: str | None = None) -> Page[Rule]:
        """Return the rules of a project, by name; `*` returns those of all."""
        wanted = self._threads.choice.of_list(project)
        found = self._rows.rules(project=wanted)
        return Page(items=[self._shown(one) for one in found], next_cursor=None)

    def rule(self, rule_id: str) -> Rule:
        """Return one rule.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._rows.rules(rule_id=rule_id)
        if not found:
            raise NotFound(f"no rule {rule_id!r}")
        return self._shown(found[0])

    def _shown(self, rule: Rule) -> Rule:
        return replace(
            rule,
            problem=self._settings.problem(rule) or self.runner.endpoint_problem(rule),
            judge_version=self._settings.version(rule),
        )

    def put(self, given: NewRule) -> Rule:
        """Make a rule, or write over the one of its project and name; return it.

        Raises:
            InvalidQuery: it cannot be; the text names the field. Conflict: there are too many.
        """
        with self._lock:
            project = self._project(given.project)
            checked = self._checked(replace(given, project=project))
            here = self._rows.rules(project=project, name=checked.name)
            if not here and len(self._rows.rules()) >= RULES_MAX:
                raise Conflict(f"there are {RULES_MAX} rules already")
            return self._put(checked, here[0] if here else None)

    def update(self, rule_id: str, changes: RuleChanges) -> Rule:
        """Change some fields of a rule; return it, with its next version where one is another.

        Raises:
            NotFound: there is none of that id. InvalidQuery: it cannot be so. Conflict: another
            has that name.
        """
        with self._lock:
            rule = self.rule(rule_id)
            checked = self._checked(_changed(rule, changes))
            same = self._rows.rules(project=rule.project, name=checked.name)
            if any(one.rule_id != rule_id for one in same):
                raise Conflict(f"project {rule.project!r} has a rule {checked.name!r} already")
            return self._put(checked, rule)

    def _put(self, given: NewRule, here: Rule | None) -> Rule:
        now = datetime.datetime.now(datetime.UTC)
        fields = {one.name: getattr(given, one.name) for one in dataclasses.fields(given)}
        if here and all(getattr(here, name) == value for name, value in fields.items()):
            return self.rule(here.rule_id)
        made = Rule(
            **fields,
            rule_id=here.rule_id if here else secrets.token_hex(8),
            version=here.version + 1 if here else 1,
            created_at=here.created_at if here else now,
            updated_at=now,
            judge_version="",
            counts={},
            cost_usd=0.0,
            cost_usd_today=0.0,
            problem=None,
        )
        made = replace(made, judge_version=self._settings.version(made))
        begins = made.is_enabled and (here is None or not here.is_enabled)
        self._rows.put(made, sees_active=begins)
        self.runner.notice()
        return self.rule(made.rule_id)

    def delete(self, rule_id: str) -> None:
        """Delete a rule with its decisions; its scores stay.

        Raises:
            NotFound: there is none of that id.
        """
        if not self._rows.delete(rule_id):
            raise NotFound(f"no rule {rule_id!r}")
        self.runner.notice()

    def decisions(
        self,
        rule_id: str,
        *,
        state: str | None = None,
        thread_id: str | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Page[Decision]:
        """Return what a rule decided, the latest first; of a thread that it never saw, why.

        Raises:
            NotFound: there is no such rule. InvalidQuery: state, limit or cursor cannot be.
        """
        check_limit(limit)
        if state is not None and state not in get_args(DecisionState):
            raise InvalidQuery(f"state {state!r} is none of {', '.join(get_args(DecisionState))}")
        rule = self.rule(rule_id)
        digest = digest_of({"decisions": [rule_id, state, thread_id]})
        offset = open_offset(cursor, digest)
        found = self._rows.decisions(
            rule_id, state=state, thread_id=thread_id, limit=limit + 1, offset=offset
        )
        items = [self._explained(one, rule) for one in found[:limit]]
        if not items and thread_id is not None and state is None:
            items = self._never_seen(rule, thread_id)
        more = len(found) > limit
        total = None
        if with_total:
            total = self._rows.count_decisions(rule_id, state=state, thread_id=thread_id)
            total = total or len(items)
        return Page(
            items=items,
            next_cursor=make_cursor(digest, [offset + limit]) if more else None,
            total=total,
        )

    def _explained(self, decision: Decision, rule: Rule) -> Decision:
        if decision.state != "waiting" or (decision.reason and not self._settings.problem(rule)):
            return decision
        off = None if rule.is_enabled else "the rule is off"
        return replace(
            decision, reason=self._settings.problem(rule) or off or rule.problem or WAITS
        )

    def _never_seen(self, rule: Rule, thread_id: str) -> list[Decision]:
        if rule.project == ALL_PROJECTS:
            return []
        key = (rule.project, thread_id)
        thread = self._threads.threads_by_key([key]).get(key)
        if thread is None:
            return []
        return [
            Decision(
                project=rule.project,
                thread_id=thread_id,
                state="not_matched",
                reason=NEVER_SEEN,
                scores=[],
                cost_usd=None,
                judge_version=None,
                decided_at=thread.updated_at,
                attempt_count=0,
            )
        ]

    def log(
        self,
        rule_id: str,
        *,
        limit: int = PAGE_ITEMS_DEFAULT,
        cursor: str | None = None,
        with_total: bool = False,
    ) -> Page[RuleLogEntry]:
        """Return lines of a rule's log, the latest first.

        Raises:
            NotFound: there is no such rule. InvalidQuery: limit or cursor cannot be.
        """
        check_limit(limit)
        self.rule(rule_id)
        return part_of(
            self._rows.log(rule_id),
            digest_of({"log": rule_id}),
            limit=limit,
            cursor=cursor,
            with_total=with_total,
        )

    def dry_run(
        self,
        rule_id: str,
        *,
        limit: int = 3,
        thread_id: str | None = None,
        changes: RuleChanges | None = None,
    ) -> DryRun:
        """Run a rule on the latest matching inactive threads, or on one thread; write no score.

        `changes` are tried, not kept. What it costs counts.

        Raises:
            NotFound: there is no such rule or thread. InvalidQuery: it cannot run, or limit cannot
            be. Conflict: the budget of the day is spent. Overloaded: others are tried just now.
        """
        if not 1 <= limit <= DRY_RUN_THREADS_MAX:
            raise InvalidQuery(f"limit {limit} is not between 1 and {DRY_RUN_THREADS_MAX}")
        rule = self.rule(rule_id)
        if changes:
            checked = self._checked(_changed(rule, changes))
            fields = {one.name: getattr(checked, one.name) for one in dataclasses.fields(checked)}
            rule = replace(rule, **{**fields, "project": rule.project})
        if problem := self._settings.problem(rule):
            raise InvalidQuery(problem)
        if rule.kind == "llm_judge" and (why := self.runner.budget.exhausted(rule, None)):
            raise Conflict(why)
        if not self._dry_runs.acquire(blocking=False):
            raise Overloaded(f"{DRY_RUNS_AT_ONCE_MAX} rules are tried just now")
        try:
            return self._dry_run(rule, limit, thread_id)
        finally:
            self._dry_runs.release()

    def _dry_run(self, rule: Rule, limit: int, thread_id: str | None) -> DryRun:
        if thread_id is None:
            page = self._threads.threads(
                project=rule.project,
                filter=rule.filter,
                status="inactive",
                limit=limit,
                with_total=True,
            )
            threads, matched_count = page.items, page.total or 0
        else:
            project = None if rule.project == ALL_PROJECTS else rule.project
            threads, matched_count = [self._threads.thread(thread_id, project=project)], 1
        conversations, form = self.runner.conversations, form_of(rule)
        jobs = [
            make_job(
                rule,
                (thread.project, thread.thread_id),
                conversations.text(form, thread, turns),
                settings=self._settings,
            )
            for thread, turns in self._threads.turns_of(threads)
        ]
        scored = self._tried(jobs, threads)
        costs = [one.cost_usd for one in scored if one.cost_usd is not None]
        return DryRun(
            matched_count=matched_count,
            scored=scored,
            cost_usd=math.fsum(costs) if costs else None,
            estimated_cost_usd_per_day=self._per_day(rule, costs),
            judge_version=self._settings.version(rule),
        )

    def _tried(self, jobs: Sequence[Job], threads: Sequence[Thread]) -> list[DryScored]:
        asked: list[tuple[Job, Future[Done]]] = []
        until_s = min(DRY_RUN_S_MAX, 2 * self._settings.timeout_s + 10)
        found = []
        try:
            for job in jobs:
                asked.append((job, self.runner.ask(job)))
            for (_, future), thread in zip(asked, threads, strict=True):
                found.append(self._dry_scored(future.result(until_s), thread))
        except TimeoutError:
            raise Unavailable(f"the judge did not answer within {until_s:g} s") from None
        finally:
            for job, _ in asked:
                self.runner.forget(job)
        return found

    def _dry_scored(self, done: Done, thread: Thread) -> DryScored:
        run = run_of(done)
        self._rows.settle([], [run])
        self.runner.count(run)
        outcome = done.outcome
        told = f"; it answered: {outcome.response_text}" if outcome.response_text else ""
        return DryScored(
            project=thread.project,
            thread_id=thread.thread_id,
            scores=outcome.scores,
            error=None if outcome.error is None else outcome.error + told,
            cost_usd=run.cost_usd,
        )

    def _per_day(self, rule: Rule, costs: Sequence[float]) -> float | None:
        """Return what a rule will cost a day, at the pace of the last week."""
        if not costs:
            return None
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=PACE_DAYS)
        recent = self._threads.threads(
            project=rule.project, filter=rule.filter, from_time=since, limit=1, with_total=True
        )
        threads_a_day = (recent.total or 0) / PACE_DAYS * rule.sampling_rate
        expected = threads_a_day * math.fsum(costs) / len(costs)
        limit = rule.budget_usd_per_day
        return expected if limit is None else min(expected, limit)

    def backfill(
        self,
        rule_id: str,
        *,
        budget_usd: float | None = None,
        from_time: datetime.datetime | None = None,
        to_time: datetime.datetime | None = None,
        limit: int | None = None,
    ) -> Queued:
        """Queue threads that match a rule and that its judge has not scored, the latest first.

        Sampling does not count. Those that are active are judged once they are inactive.

        Raises:
            NotFound: there is no such rule. InvalidQuery: it cannot run, or budget or limit cannot
            be.
        """
        rule = self.rule(rule_id)
        if problem := self._settings.problem(rule):
            raise InvalidQuery(problem)
        if rule.kind == "llm_judge" and budget_usd is None:
            raise InvalidQuery("budget_usd is missing: what the backfill may cost in US dollars")
        if budget_usd is not None and not (math.isfinite(budget_usd) and budget_usd >= 0):
            raise InvalidQuery(f"budget_usd {budget_usd} is not a number of at least 0")
        most = BACKFILL_THREADS_MAX if limit is None else limit
        if not 1 <= most <= BACKFILL_THREADS_MAX:
            raise InvalidQuery(f"limit {limit} is not between 1 and {BACKFILL_THREADS_MAX}")
        keys: list[ThreadKey] = []
        cursor = None
        while len(keys) < most:
            page = self._threads.threads(
                project=rule.project,
                filter=rule.filter,
                from_time=from_time,
                to_time=to_time,
                limit=min(ITEMS_MAX, most - len(keys)),
                cursor=cursor,
            )
            keys += [(one.project, one.thread_id) for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        return self.run_on(rule_id, keys, budget_usd=budget_usd)

    def run_on(
        self, rule_id: str, keys: Sequence[ThreadKey], *, budget_usd: float | None = None
    ) -> Queued:
        """Queue some threads for a rule, whatever sample and filter say of them.

        Raises:
            NotFound: there is no such rule.
        """
        rule = self.rule(rule_id)
        queued = 0
        if keys:
            queued = self._rows.queue(
                rule, keys, backfill_id=secrets.token_hex(8), budget_usd=budget_usd
            )
        self.runner.load_budgets()
        self.runner.notice()
        return Queued(queued=queued)

    def ask_model(
        self,
        messages: Sequence[PromptMessage],
        *,
        schema: Json | None = None,
        model: str | None = None,
    ) -> Outcome:
        """Return what the model of the settings answers to messages, in `response_text`.

        The worker asks, so that the server holds no client. The caller bounds what it asks for.

        Raises:
            InvalidQuery: no model is set. Unavailable: it did not answer in time.
        """
        if problem := self._settings.model_problem(model):
            raise InvalidQuery(problem)
        job = Job(
            run_id=secrets.token_hex(8),
            kind="llm_judge",
            outputs=[],
            conversation="",
            model=model or self._settings.model,
            prompt_messages=list(messages),
            schema=schema,
        )
        try:
            return self.runner.ask(job).result(self._settings.timeout_s + 5).outcome
        except TimeoutError:
            raise Unavailable("the model did not answer in time (judge_timeout_s)") from None
        finally:
            self.runner.forget(job)

    def _project(self, project: str | None) -> str:
        if project == ALL_PROJECTS:
            return ALL_PROJECTS
        return self._threads.choice.of_writing(project)

    def _checked(self, given: NewRule) -> NewRule:
        """Return a rule with what its kind adds.

        Raises:
            InvalidQuery: it cannot be; the text names the field.
        """
        _check_name("name", given.name)
        if given.project != ALL_PROJECTS:
            _check_name("project", given.project or "")
        if given.author is not None:
            _check_name("author", given.author)
        for name, kind in (
            ("kind", RuleKind),
            ("context", RuleContext),
            ("filter_time", FilterTime),
        ):
            if getattr(given, name) not in get_args(kind):
                allowed = ", ".join(get_args(kind))
                raise InvalidQuery(f"{name} {getattr(given, name)!r} is none of {allowed}")
        if given.filter:
            _check_length("filter", given.filter, FILTER_LENGTH_MAX)
            filters.parse(given.filter, filters.THREAD_FIELDS)
        _check_range("sampling_rate", given.sampling_rate, 0, 1)
        _check_range("budget_usd_per_day", given.budget_usd_per_day, 0, BUDGET_USD_MAX)
        _check_range("temperature", given.temperature, 0, 2)
        given = replace(given, filter=given.filter or None)
        if given.kind == "python":
            return _checked_python(given)
        if given.kind == "builtin":
            return _checked_builtin(given)
        return _checked_judge(given)


def _changed(rule: Rule, changes: RuleChanges) -> NewRule:
    """Return a rule as it is written, with some fields changed."""
    if "project" in changes and changes["project"] not in (None, rule.project):
        raise InvalidQuery("the project of a rule stays: make another rule there")
    fields = {one.name: getattr(rule, one.name) for one in dataclasses.fields(NewRule)}
    return NewRule(**{**fields, **changes, "project": rule.project})


def _checked_judge(given: NewRule) -> NewRule:
    if given.model is not None:
        _check_length("model", given.model, MODEL_LENGTH_MAX)
    if not (given.prompt or given.prompt_messages):
        raise InvalidQuery("prompt is missing: say in a few sentences what to judge")
    if given.prompt:
        _check_length("prompt", given.prompt, PROMPT_LENGTH_MAX)
    for i, one in enumerate(given.prompt_messages or ()):
        _check_length(f"prompt_messages[{i}].content", one.content, PROMPT_LENGTH_MAX)
    if given.prompt_messages:
        check_templates(given.prompt_messages)
    outputs = given.outputs or [
        RuleOutput(
            name=given.name, description=f"From 0, bad, to 1, good: {given.name}", min=0, max=1
        )
    ]
    _check_outputs(outputs)
    return replace(given, outputs=outputs, code=None, builtin=None)


def _checked_python(given: NewRule) -> NewRule:
    if not given.code:
        raise InvalidQuery("code is missing: it defines score(conversation)")
    _check_length("code", given.code, CODE_LENGTH_MAX)
    try:
        ast.parse(given.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidQuery(f"code is not Python: {error}") from None
    _check_outputs(given.outputs or [])
    return replace(
        given,
        outputs=given.outputs or [],
        model=None,
        prompt=None,
        prompt_messages=None,
        builtin=None,
    )


def _checked_builtin(given: NewRule) -> NewRule:
    known = BUILTINS.get(given.builtin or "")
    if known is None:
        raise InvalidQuery(f"builtin {given.builtin!r} is none of {', '.join(sorted(BUILTINS))}")
    output = RuleOutput(name=known.name, kind=known.kind, description=known.description)
    return replace(
        given, outputs=[output], model=None, prompt=None, prompt_messages=None, code=None
    )


def _check_outputs(outputs: Sequence[RuleOutput]) -> None:
    if len(outputs) > OUTPUTS_MAX:
        raise InvalidQuery(f"{len(outputs)} outputs; at most {OUTPUTS_MAX} are taken")
    seen: set[str] = set()
    for i, one in enumerate(outputs):
        where = f"outputs[{i}]"
        _check_name(f"{where}.name", one.name)
        if one.name in seen:
            raise InvalidQuery(f"{where}.name {one.name!r} is there twice")
        seen.add(one.name)
        if one.description:
            _check_length(f"{where}.description", one.description, DESCRIPTION_LENGTH_MAX)
        _check_kind(where, one)


def _check_kind(where: str, one: RuleOutput) -> None:
    _check_categories(where, one)
    if one.kind != "numeric" and (one.min is not None or one.max is not None):
        raise InvalidQuery(f"{where}.min and max are for the kind numeric alone")
    for what, bound in (("min", one.min), ("max", one.max)):
        if bound is not None:
            check_value(f"{where}.{what}", bound)
    if one.min is not None and one.max is not None and one.min >= one.max:
        raise InvalidQuery(f"{where}.min {one.min:g} is not below max {one.max:g}")


def _check_categories(where: str, one: RuleOutput) -> None:
    labels = one.categories or []
    if one.kind != "categorical":
        if labels:
            raise InvalidQuery(f"{where}.categories is for the kind categorical alone")
        return
    if not 2 <= len(labels) <= CATEGORIES_MAX or len(set(labels)) < len(labels):
        raise InvalidQuery(f"{where}.categories needs 2 to {CATEGORIES_MAX} different labels")
    for label in labels:
        _check_name(f"{where}.categories", label)


def _check_name(what: str, value: str) -> None:
    if fault := names.fault(value):
        raise InvalidQuery(f"{what} {fault}")


def _check_length(what: str, value: str, length_max: int) -> None:
    if len(value) > length_max:
        raise InvalidQuery(f"{what} has {len(value)} characters; at most {length_max} are taken")


def _check_range(what: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise InvalidQuery(f"{what} {value} is not between {low:g} and {high:g}")
