"""Judges threads that have become inactive: decides, sends runs to the worker, stores outcomes.

One thread, which looks once a second and whenever a run has ended. Nothing is remembered that a
restart would need: what waits stands in `rule_decisions`, what a worker has finished in its
journal. A run is stored with its scores in one transaction, and known by its id, so that none
counts twice.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from otel_threads import metrics
from otel_threads.core.errors import OtelThreadsError, StoreClosed, Unavailable, describe
from otel_threads.core.ports import ThreadKey
from otel_threads.core.rule import Homes, Job, Outcome, Rule
from otel_threads.core.rule_wire import Done
from otel_threads.services.events import Hub
from otel_threads.services.rule_budget import Budget
from otel_threads.services.rule_conversations import RuleConversations
from otel_threads.services.rule_jobs import (
    JudgeSettings,
    interrupted,
    make_job,
    run_of,
    settled,
)
from otel_threads.services.rule_worker import JOURNAL_BYTES_MAX, RuleWorker
from otel_threads.services.threads import ThreadService
from otel_threads.store.rules.rule_rows import (
    DueThread,
    RuleRows,
    RuleRun,
    SettledThread,
    day_start,
)

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0
IDLE_SHARE = 20  # a look at what waits takes a twentieth of the time at most
GROUP_S = 0.05  # outcomes that come so close together are stored in one transaction
REST_FACTOR = 2.0  # it rests as many times as long as a step took: who sends and reads goes first
DUE_PER_RULE = 256
UNLOOKED_AT_ONCE = 500
LANE_PAUSE_MAX_S = 300.0  # between probes of an endpoint that fails
PYTHON_RUNS_MAX = 8
BUILTIN_RUNS_MAX = 32  # each takes a millisecond: the more are stored together, the better
HANG_GRACE_S = 30.0
LOG_TRIM_EVERY_S = 3600.0
SPENT_ELSEWHERE_EVERY_S = 10.0


class Lane:
    """The runs of one kind of rule: how many may be under way, and until when none may begin."""

    def __init__(self, runs_max: int) -> None:
        self.runs_max = runs_max
        self.failures = 0  # in a row
        self.error: str | None = None  # of the last of them
        self.paused_until = 0.0

    def heard(self, outcome: Outcome) -> None:
        """Pause after failures that other runs would share: longer each time."""
        if not outcome.is_endpoint_error:
            self.failures, self.error = 0, None
            return
        self.error = outcome.error
        now = time.monotonic()
        if now < self.paused_until:  # of those that were under way together
            return
        self.failures += 1
        pause_s = outcome.retry_after_s or 0.0
        if self.failures > 1:
            pause_s = max(pause_s, 2.0 ** (self.failures - 1))
        self.paused_until = now + min(LANE_PAUSE_MAX_S, pause_s)


def _lanes(settings: JudgeSettings) -> dict[str, Lane]:
    runs_max = 2 * settings.concurrent_max  # as many again wait in the worker
    return {
        "llm_judge": Lane(runs_max),
        "python": Lane(PYTHON_RUNS_MAX),
        "builtin": Lane(BUILTIN_RUNS_MAX),
    }


class Begun(NamedTuple):
    """A run that is under way, without its conversation: the process that has it, since when."""

    job: Job
    process: int
    at: float


# Of what hears of outcomes, and of a worker's end by the number of its process.
MakesWorker = Callable[[Callable[[Done], None], Callable[[int], None]], RuleWorker]


class RuleRunner:
    """Runs the rules of one database, in a thread of its own."""

    def __init__(
        self,
        rows: RuleRows,
        threads: ThreadService,
        *,
        settings: JudgeSettings,
        make_worker: MakesWorker,
        derived_sequence: Callable[[], int],
        conversations: RuleConversations,
        hub: Hub,
        homes: Homes | None = None,
    ) -> None:
        """Start nothing yet: `start` does.

        `homes` knows which threads are judged here; None: all of them.
        """
        self._rows = rows
        self._threads = threads
        self._settings = settings
        self._worker = make_worker(self._hear, self._hear_end)
        self._derived_sequence = derived_sequence
        self.conversations = conversations
        self._hub = hub
        self._homes = homes
        self._homes_error = ""  # that was logged last
        self._next_spent_elsewhere = 0.0
        self._is_draining = False
        self.budget = Budget(settings.budget_usd_per_day)
        self._lanes = _lanes(settings)
        self._rules: dict[str, Rule] = {}
        self._generation = -1
        self._day = day_start()
        self._under_way: dict[str, Begun] = {}  # by run
        # Runs that somebody waits for, with the process that has them; 0 before it is known.
        self._asked: dict[str, tuple[Future[Done], int]] = {}
        self._due: list[DueThread] = []
        self._next_look = 0.0
        self._next_trim = time.monotonic() + LOG_TRIM_EVERY_S
        self._sighted = -1
        self._spent_is_old = True
        self._done: list[Done] = []
        self._ended = 0  # the last process that is gone
        self._ended_known = 0  # and whose runs were given back
        self._lock = threading.Lock()  # guards _done, _ended, _asked
        self._awake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; runs that have begun are finished by the worker and found at the next start."""
        self._stopped.set()
        self._awake.set()
        if self._thread:
            self._thread.join()
        self._worker.close()
        try:
            self._store(self._done)
            if len(self._under_way) == 0 and self._worker.pid is None:
                self._worker.remove_journal()
        except OtelThreadsError as error:  # the next start finds it in the journal
            logger.warning("outcomes of rules were not stored: %s", error)

    def drain(self, timeout_s: float) -> bool:
        """Begin nothing more; return whether all that runs has ended and is stored by then."""
        self._is_draining = True
        until = time.monotonic() + timeout_s
        while time.monotonic() < until and not self._stopped.is_set():
            if not self._under_way:
                return True
            self._stopped.wait(GROUP_S)
        return not self._under_way

    def notice(self) -> None:
        """Look at once: a rule has changed, or threads were queued."""
        self._next_look = 0.0
        self._awake.set()

    def ask(self, job: Job) -> "Future[Done]":
        """Run a job now, whose outcome somebody waits for; it decides nothing.

        Raises:
            StoreFailed, StoreClosed: there is no worker.
        """
        found: Future[Done] = Future()
        with self._lock:
            self._asked[job.run_id] = (found, 0)
        try:
            process = self._worker.submit(job)
        except Unavailable:
            self.forget(job)
            raise
        with self._lock:
            if job.run_id in self._asked:
                self._asked[job.run_id] = (found, process)
            is_gone = process <= self._ended
        if is_gone:
            self._hear_end(process)
        return found

    def forget(self, job: Job) -> None:
        """Wait for a job no more."""
        with self._lock:
            self._asked.pop(job.run_id, None)

    def _hear(self, done: Done) -> None:
        with self._lock:
            asked = self._asked.pop(done.run_id, None)
            if asked is None:
                self._done.append(done)
        if asked is not None:
            asked[0].set_result(done)
        else:
            self._awake.set()

    def _hear_end(self, process: int) -> None:
        with self._lock:
            self._ended = max(process, self._ended)
            gone = [run_id for run_id, (_, one) in self._asked.items() if 0 < one <= process]
            futures = [self._asked.pop(run_id)[0] for run_id in gone]
        for one in futures:
            one.set_exception(Unavailable("the worker ended before the run did; try again"))
        self._awake.set()

    def _run(self) -> None:
        while not self._stopped.is_set() and not self._recovered():
            self._stopped.wait(INTERVAL_S)
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                self.step()
            except StoreClosed:
                return
            except Exception as error:  # noqa: BLE001  # a full disk must not end it
                logger.error("rules failed, and will be tried again: %s", describe(error))
                self._stopped.wait(INTERVAL_S)
            took_s = time.monotonic() - began
            if self._awake.wait(INTERVAL_S):
                self._stopped.wait(min(INTERVAL_S, max(GROUP_S, REST_FACTOR * took_s)))
            self._awake.clear()

    def _recovered(self) -> bool:
        """Store what the worker of a server before has finished; False while it still works."""
        try:
            if self._worker.is_held():
                return False
            self._store(one for one in self._worker.journal() if not self._rows.has_run(one.run_id))
            self._worker.empty_journal()
            self._load_spent()
        except StoreClosed:
            return True
        except OtelThreadsError as error:
            logger.warning("rules wait for their store: %s", error)
            return False
        return True

    def step(self) -> None:
        """Store outcomes, look at new threads, and begin runs."""
        with self._lock:
            done, self._done = self._done, []
            ended = self._ended
        try:
            self._store(done)
        except BaseException:
            with self._lock:  # what is not stored comes again
                self._done = [*done, *self._done]
            raise
        if ended > self._ended_known:
            self._give_back(ended)
            self._ended_known = ended
        if self._worker.journal_bytes() and not self._under_way and not self._asked:
            self._worker.empty_journal()
        if not self._rows.holds_rules():
            return
        self._refresh()
        self._end_hanging()
        if time.monotonic() >= self._next_look:
            self._look()
        if self._worker.journal_bytes() < JOURNAL_BYTES_MAX and not self._is_draining:
            self._begin()

    def _give_back(self, process: int) -> None:
        """After the end of a process: store what it had finished, retry the rest."""
        lost = {
            run_id: begun.job
            for run_id, begun in self._under_way.items()
            if begun.process <= process
        }
        finished = [one for one in self._worker.journal() if one.run_id in lost]
        self._store(finished)
        for one in finished:
            lost.pop(one.run_id, None)
        self._store([interrupted(job) for job in lost.values()])

    def _refresh_rules(self) -> None:
        if self._rows.generation != self._generation:
            self._generation = self._rows.generation
            self._rules = {rule.rule_id: rule for rule in self._rows.rules()}
            self._due = []
            self._next_look = 0.0
            self._load_spent()

    def _refresh(self) -> None:
        self._refresh_rules()
        if self._homes and time.monotonic() >= self._next_spent_elsewhere:
            self._next_spent_elsewhere = time.monotonic() + SPENT_ELSEWHERE_EVERY_S
            self._spent_is_old = True
        if self._spent_is_old or day_start() != self._day:
            self._day = day_start()
            self._load_spent()
        if time.monotonic() >= self._next_trim:
            self._next_trim = time.monotonic() + LOG_TRIM_EVERY_S
            self._rows.trim_log()

    def load_budgets(self) -> None:
        """Take the budgets anew: there is a new backfill."""
        self._spent_is_old = True

    def _load_spent(self) -> None:
        self._spent_is_old = False
        spent = self._rows.spent()
        if self._homes:
            try:
                spent += self._homes.spent(self._day)
            except OtelThreadsError:
                self._spent_is_old = True  # nothing begins before it is known: see `_here`
        self.budget.load(spent, self._rows.budgets())

    def _end_hanging(self) -> None:
        """End a worker whose runs take longer than any may."""
        longest_s = 4 * self._settings.timeout_s + HANG_GRACE_S  # two answers, behind two others
        oldest = min((begun.at for begun in self._under_way.values()), default=None)
        if oldest is not None and time.monotonic() - oldest > longest_s:
            logger.warning("a run of a rule hangs for %g s: its worker is ended", longest_s)
            self._worker.kill()

    def _look(self) -> None:
        """Look at threads that changed and at those that wait; rest in proportion."""
        began = time.monotonic()
        derived = self._derived_sequence()
        if derived > self._sighted:
            self._rows.sight(derived)
            self._sighted = derived
        self._look_at_first_sight()
        able = [r.rule_id for r in self._rules.values() if self._settings.problem(r) is None]
        found = self._rows.due(able, per_rule=DUE_PER_RULE) if able else []
        taken = self._taken()
        self._due = [due for due in found if (due.rule_id, *due.key) not in taken]
        took_s = time.monotonic() - began
        self._next_look = time.monotonic() + max(INTERVAL_S, IDLE_SHARE * took_s)

    def _look_at_first_sight(self) -> None:
        waiting: dict[str, list[ThreadKey]] = {}
        for rule_id, key in self._rows.unlooked(UNLOOKED_AT_ONCE):
            waiting.setdefault(rule_id, []).append(key)
        for rule_id, keys in waiting.items():
            rule = self._rules.get(rule_id)
            if rule is None:
                continue
            matched = self._matching_or_none(rule, keys)
            for is_matched in (True, False):
                some = [key for key in keys if (key in matched) == is_matched]
                if some:
                    self._rows.set_matched(rule_id, some, matched=is_matched)

    def _matching_or_none(self, rule: Rule, keys: Sequence[ThreadKey]) -> set[ThreadKey]:
        """Return which of some threads a rule's filter matches; none where it cannot be asked."""
        try:
            return self._matching(rule, keys)
        except Unavailable:
            raise
        except OtelThreadsError as error:
            self._rows.put_log(rule.rule_id, "ERROR", f"the filter cannot be asked: {error}")
            return set()

    def _matching(self, rule: Rule, keys: Sequence[ThreadKey]) -> set[ThreadKey]:
        """Return those of some threads that are here and that a rule's filter matches."""
        found: set[ThreadKey] = set()
        for project in {project for project, _ in keys}:
            ids = [thread_id for p, thread_id in keys if p == project]
            matched = self._threads.thread_ids(
                project=project, thread_ids=ids, filter=rule.filter, limit=len(ids)
            )
            found |= {(project, thread_id) for thread_id in matched}
        return found

    def _taken(self) -> set[tuple[str, str, str]]:
        """Return rules and threads of runs that are under way."""
        busy = [begun.job.about for begun in self._under_way.values() if begun.job.about]
        return {(one["rule_id"], one["project"], one["thread_id"]) for one in busy}

    def endpoint_problem(self, rule: Rule) -> str | None:
        """Return how the endpoint of a rule failed last; None where it answered since."""
        error = self._lanes[rule.kind].error
        return f"the endpoint fails, and is tried again: {error}" if error else None

    def _room(self) -> dict[str, int]:
        """Return how many runs of each kind may begin now."""
        now = time.monotonic()
        kinds: list[str] = [begun.job.kind for begun in self._under_way.values()]
        return {
            kind: 0 if now < lane.paused_until else lane.runs_max - kinds.count(kind)
            for kind, lane in self._lanes.items()
        }

    def _begin(self) -> None:
        """Begin as many runs as there is room for."""
        room = self._room()
        self.conversations.expect(self._due, self._rules)
        chosen: dict[str, list[DueThread]] = {}
        left: list[DueThread] = []
        over: list[tuple[DueThread, str]] = []
        exhausted = cache(lambda rule_id, of: self.budget.exhausted(self._rules[rule_id], of))
        for due in self._due:
            rule = self._rules.get(due.rule_id)
            if rule is None:
                continue
            if rule.kind == "llm_judge" and (why := exhausted(due.rule_id, due.backfill_id)):
                over.append((due, why))
            elif room[rule.kind] <= 0:
                left.append(due)
            else:
                room[rule.kind] -= 1
                chosen.setdefault(due.rule_id, []).append(due)
        self._due = left
        self._begin_here(chosen, over)
        if (chosen or over) and not left:
            self._next_look = 0.0  # there may be more than were read

    def _begin_here(
        self, chosen: dict[str, list[DueThread]], over: Sequence[tuple[DueThread, str]]
    ) -> None:
        """Begin runs of threads that are judged here, and decide about those without a budget."""
        here = self._here([*(due for some in chosen.values() for due in some), *dict(over)])
        self._settle([_settled(due, "over_budget", why) for due, why in over if due.key in here])
        for rule_id, some in chosen.items():
            if judged := [due for due in some if due.key in here]:
                self._begin_apart(self._rules[rule_id], judged)

    def _here(self, due: Sequence[DueThread]) -> set[ThreadKey]:
        """Return which of some threads are judged here; forget those that others judge now."""
        keys = {one.key: one.trace_sequence for one in due}
        if self._homes is None or not keys:
            return set(keys)
        try:
            homed = self._homes.of(keys)
            if self._spent_is_old:
                self._load_spent()
        except OtelThreadsError as error:
            if str(error) != self._homes_error:
                logger.warning("rules wait until it is known which threads are whole: %s", error)
                self._homes_error = str(error)
            return set()
        self._homes_error = ""
        if homed.elsewhere:
            self._rows.forget(sorted(homed.elsewhere))
        return set() if self._spent_is_old else set(homed.here)

    def _begin_apart(self, rule: Rule, due: Sequence[DueThread]) -> None:
        """Begin runs of threads that are judged here; one that cannot be read fails alone."""
        try:
            self._begin_some(rule, due)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  # one thread must not keep the others
            if len(due) > 1:
                for one in due:
                    self._begin_apart(rule, [one])
                return
            told = str(error) if isinstance(error, OtelThreadsError) else describe(error)
            self._settle([_settled(due[0], "failed", f"the thread cannot be read: {told}")])

    def _begin_some(self, rule: Rule, due: Sequence[DueThread]) -> None:
        looked = rule.filter is None or rule.filter_time == "first_sight"
        keys = [one.key for one in due]
        matched = set(keys) if looked else self._matching(rule, keys)
        missed = [
            _settled(one, "not_matched", "the filter did not match when the thread was inactive")
            for one in due
            if one.key not in matched
        ]
        found = self.conversations.read(rule, (one for one in due if one.key in matched))
        # All are made before the first begins: where one fails, none has begun.
        jobs = [
            (one, make_job(rule, one.key, text, settings=self._settings, due=one))
            for one, text in found
        ]
        over = [settled for one, job in jobs for settled in self._begin_one(rule, job, one)]
        self._settle([*missed, *over])

    def _begin_one(self, rule: Rule, job: Job, due: DueThread) -> list[SettledThread]:
        """Begin a run; return what is decided instead where no budget has room for it."""
        usd = 0.0
        if rule.kind == "llm_judge":
            length = len(job.conversation) + len(rule.prompt or "")
            usd = self.budget.expected_usd(rule, job.model, length)
            verdict, why = self.budget.verdict(rule, due.backfill_id, usd)
            if verdict == "over":
                return [_settled(due, "over_budget", why)]
            if verdict == "wait":
                self._due.append(due)
                return []
        process = self._worker.submit(job)
        self.budget.reserve(job.run_id, rule.rule_id, due.backfill_id, usd)
        begun = Begun(replace(job, conversation=""), process, time.monotonic())
        self._under_way[job.run_id] = begun
        return []

    def _store(self, done: Iterable[Done]) -> None:
        """Store outcomes of runs, and what they decide; of rules that are gone only the cost."""
        self._refresh_rules()
        found: list[tuple[Done, RuleRun]] = []
        decided, bare = [], []
        for one in done:
            try:
                run = run_of(one)
            except KeyError:  # a question, whose cost its asker stores
                continue
            found.append((one, run))
            if one.note["trace_sequence"] is None or run.rule_id not in self._rules:
                bare.append(run)
            else:
                decided.append(settled(one, run))
        self._settle(decided, bare)
        for one, run in found:
            self.count(run)
            begun = self._under_way.pop(run.run_id, None)
            if begun:
                self._lanes[begun.job.kind].heard(one.outcome)

    def count(self, run: RuleRun) -> None:
        """Count a run, and what it has cost."""
        metrics.RULE_RUNS.labels(run.kind, run.outcome).inc()
        metrics.RULE_COST_USD.inc(run.cost_usd or 0.0)
        self.budget.spend(run.run_id, run.rule_id, run.backfill_id, run.cost_usd, run.output_tokens)

    def _settle(self, decided: Sequence[SettledThread], runs: Sequence[RuleRun] = ()) -> None:
        if decided or runs:
            self._rows.settle(decided, runs)
            self._hub.publish({(one.project, one.thread_id) for one in decided})


def _settled(due: DueThread, state: str, reason: str) -> SettledThread:
    return SettledThread(
        rule_id=due.rule_id,
        project=due.project,
        thread_id=due.thread_id,
        state=state,  # type: ignore[arg-type]  # one of the states
        reason=reason,
        trace_sequence=due.trace_sequence,
        attempt_count=due.attempt_count,
        is_matched=state != "not_matched",
    )
