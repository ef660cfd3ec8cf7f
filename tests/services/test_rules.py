"""Rules on threads that have become inactive: over a real database, worker and scripted model."""

import datetime
import os
import signal
import threading
import uuid

import pytest
from builders import a_chat
from conftest import wait_until
from judged import Judged
from scripted_model import Fault, ScriptedModel, conversation, scores

from otel_threads import metrics
from otel_threads.core.errors import Conflict, InvalidQuery, NotFound, StoreFailed
from otel_threads.core.rule import Homed, PromptMessage, RuleOutput
from otel_threads.core.score import NewScore
from otel_threads.services import rule_conversations, rule_jobs
from otel_threads.store.rules.rule_rows import RuleRun, SettledThread


@pytest.fixture
def model():
    model = ScriptedModel()
    yield model
    model.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One engine for the tests that need no other settings."""
    model = ScriptedModel()
    judged = Judged(tmp_path_factory.mktemp("rules"), model, python_scorers=True)
    yield judged
    judged.close()
    model.close()


@pytest.fixture
def judged(shared):
    shared.begin()
    return shared


@pytest.mark.long
def test_a_finished_thread_is_judged_once_and_says_by_whom(judged):
    model = judged.model
    rule = judged.put()
    judged.chat("a", "b")
    judged.wait(rule, scored=2)

    (score,) = judged.scores("a")
    assert (score.name, score.value, score.reason) == ("helpful", 0.5, "scripted")
    assert (score.source, score.author) == ("online", "rule:helpful")
    assert score.metadata["judge_version"] == rule.judge_version
    decision = judged.decision(rule, "a")
    assert (decision.state, decision.judge_version) == ("scored", rule.judge_version)
    assert decision.cost_usd == pytest.approx(0.00021)
    assert judged.rules.rule(rule.rule_id).cost_usd_today == pytest.approx(0.00042)
    assert 'otel_threads_rule_runs_total{kind="online",outcome="scored"}' in metrics.text().decode()
    assert len(model.requests) == 2
    assert conversation(model.requests[0])[0] == {"role": "user", "content": "hello"}


@pytest.mark.long
def test_a_new_trace_makes_it_judged_again_after_the_cooldown(judged):
    model = judged.model
    rule = judged.put()
    judged.chat("a")
    judged.wait(rule, scored=1)
    model.script = lambda request, number: scores(request, 1)

    judged.chat("a", text="more")
    wait_until(lambda: [s.value for s in judged.scores("a")] == [1.0], "the second score")

    assert len(conversation(model.requests[1])) == 4
    assert len(model.requests) == 2
    assert judged.counts(rule) == {"scored": 1}


@pytest.mark.long
def test_a_trace_that_comes_while_a_thread_is_judged_makes_that_score_history(judged):
    model = judged.model
    arrived = threading.Event()

    def script(request, number):
        if number == 0:
            arrived.wait(30)
        return scores(request, number)

    model.script = script
    rule = judged.put()
    judged.chat("a")
    wait_until(lambda: len(model.requests) == 1, "the first request")
    judged.chat("a", text="more")
    arrived.set()
    wait_until(lambda: [s.value for s in judged.scores("a")] == [1.0], "the second score")

    assert judged.counts(rule) == {"scored": 1}
    assert judged.rules.rule(rule.rule_id).cost_usd == pytest.approx(0.00042)


@pytest.mark.long
def test_an_outcome_that_comes_after_another_stores_its_cost_alone_and_once(judged):
    """Another owner of a lake has judged the thread meanwhile; or a commit was in doubt."""
    rule = judged.put()
    judged.chat("a")
    judged.wait(rule, scored=1)
    run = RuleRun(
        run_id=uuid.uuid4().hex,
        rule_id=rule.rule_id,
        kind="online",
        project=judged.project,
        thread_id="a",
        judge_version=rule.judge_version,
        outcome="scored",
        model=None,
        input_tokens=None,
        output_tokens=None,
        cost_usd=0.5,
        backfill_id=None,
        finished_at=datetime.datetime.now(datetime.UTC),
    )
    late = SettledThread(
        rule_id=rule.rule_id,
        project=judged.project,
        thread_id="a",
        state="scored",
        reason=None,
        trace_sequence=0,
        run=run,
        new_scores=[NewScore(project=judged.project, thread_id="a", name="helpful", value=1.0)],
    )
    for _ in range(2):
        judged.rules._rows.settle([late])
    assert [score.value for score in judged.scores("a")] == [0.5]
    assert judged.rules.rule(rule.rule_id).cost_usd == pytest.approx(0.50021)
    assert judged.counts(rule) == {"scored": 1}


class Homes:
    """Says where threads are whole, as a lake does."""

    def __init__(self) -> None:
        self.is_away = True
        self.elsewhere: set[str] = set()

    def of(self, threads):
        if self.is_away:
            raise StoreFailed("the lake does not answer")
        joined = frozenset(key for key in threads if key[1] in self.elsewhere)
        return Homed(here=frozenset(threads) - joined, elsewhere=joined)

    def spent(self, since):
        assert since.tzinfo
        return []


@pytest.mark.long
def test_a_thread_is_judged_once_it_is_known_to_be_whole_here(tmp_path, model):
    judged = Judged(tmp_path, model)
    judged.rules.runner._homes = homes = Homes()
    try:
        rule = judged.put()
        judged.chat("whole", "split")
        judged.wait(rule, waiting=2)
        judged.wait_inactive("whole")
        homes.elsewhere.add("split")
        assert model.requests == []
        homes.is_away = False
        judged.wait(rule, scored=1)
        wait_until(lambda: judged.counts(rule) == {"scored": 1}, "the other is forgotten")
        assert judged.scores("split") == []
        assert len(model.requests) == 1
    finally:
        judged.close()


@pytest.mark.long
def test_an_active_thread_waits_and_says_so(tmp_path, model):
    judged = Judged(tmp_path, model, thread_cooldown_s=3600)
    try:
        rule = judged.put()
        judged.chat("a")
        judged.wait(rule, waiting=1)

        assert "inactive" in judged.decision(rule, "a").reason
        judged.engine.services.annotations.close_threads(["a"], closed=True)
        judged.wait(rule, scored=1)
    finally:
        judged.close()


@pytest.mark.long
def test_a_thread_that_is_active_when_the_rule_is_made_is_judged(tmp_path, model):
    judged = Judged(tmp_path, model, thread_cooldown_s=2)
    try:
        judged.chat("a")
        rule = judged.put()
        judged.wait(rule, scored=1)
    finally:
        judged.close()


@pytest.mark.long
def test_threads_of_before_are_judged_by_a_backfill(judged):
    model = judged.model
    judged.chat("a", "b", "c")
    judged.wait_inactive("a")
    rule = judged.put(filter='thread_id != "c"', is_enabled=False)
    why = judged.decision(rule, "a")
    assert "backfill" in why.reason
    assert judged.decision(rule, "nobody") is None
    with pytest.raises(InvalidQuery, match="budget_usd"):
        judged.rules.backfill(rule.rule_id)

    assert judged.rules.backfill(rule.rule_id, budget_usd=1).queued == 2
    judged.wait(rule, scored=2)

    assert judged.rules.backfill(rule.rule_id, budget_usd=1).queued == 0
    assert judged.rules.rule(rule.rule_id).cost_usd_today == 0
    assert judged.rules.rule(rule.rule_id).cost_usd == pytest.approx(0.00042)
    changed = judged.rules.update(rule.rule_id, {"prompt": "Was it polite?"})
    assert changed.judge_version != rule.judge_version
    assert judged.rules.backfill(rule.rule_id, budget_usd=0.0003).queued == 2
    judged.wait(rule, scored=1, over_budget=1)
    assert len(model.requests) == 3


@pytest.mark.long
def test_the_sample_is_of_the_thread_and_is_kept(judged):
    model = judged.model
    rule = judged.put(sampling_rate=0.5)
    other = judged.put("other", kind="python", code="def score(c): return 1", sampling_rate=0.5)
    ids = [f"t{i}" for i in range(60)]
    judged.chat(*ids)
    wait_until(lambda: sum(judged.counts(rule).values()) == 60, "all are seen")
    judged.wait(rule, waiting=0)

    found = {one: judged.decision(rule, one).state for one in ids}
    taken = [one for one, state in found.items() if state == "scored"]
    assert 15 <= len(taken) <= 45
    assert len(model.requests) == len(taken)
    left = next(one for one, state in found.items() if state == "sampled_out")
    assert "sampling_rate 0.5" in judged.decision(rule, left).reason
    assert {one: judged.decision(other, one).state == "sampled_out" for one in ids} == {
        one: state == "sampled_out" for one, state in found.items()
    }
    judged.rules.update(rule.rule_id, {"sampling_rate": 1.0})
    judged.chat(left, taken[0], text="more")
    wait_until(lambda: len(model.requests) == len(taken) + 1, "the sampled one again")
    judged.wait(rule, waiting=0)
    assert judged.decision(rule, left).state == "sampled_out"


@pytest.mark.long
def test_the_filter_is_looked_at_when_the_thread_is_inactive(judged):
    rule = judged.put(filter="turn_count > 1")
    judged.chat("a", "b")
    judged.wait(rule, not_matched=2)
    assert "filter" in judged.decision(rule, "a").reason

    judged.chat("a", text="more")
    judged.wait(rule, not_matched=1, scored=1)


@pytest.mark.long
def test_a_filter_at_first_sight_is_kept(judged):
    model = judged.model
    early = judged.put("early", filter="turn_count > 1", filter_time="first_sight")
    late = judged.put("late", filter="turn_count = 1", filter_time="first_sight")
    judged.chat("a")
    judged.wait(early, not_matched=1)
    judged.wait(late, scored=1)

    judged.chat("a", text="more")
    wait_until(lambda: len(model.requests) == 2, "judged again")
    judged.wait(late, scored=1)
    assert judged.counts(early) == {"not_matched": 1}


@pytest.mark.long
def test_a_day_budget_ends_in_the_middle(tmp_path, model):
    judged = Judged(tmp_path, model, judge_concurrent_max=3)
    try:
        rule = judged.put(budget_usd_per_day=0.0021)
        judged.chat(*[f"t{i}" for i in range(30)])
        wait_until(lambda: sum(judged.counts(rule).values()) == 30, "all are seen")
        judged.wait(rule, waiting=0)

        counts = judged.counts(rule)
        assert 8 <= counts["scored"] <= 10
        assert counts["over_budget"] == 30 - counts["scored"]
        assert len(model.requests) == counts["scored"]
        shown = judged.rules.rule(rule.rule_id)
        assert shown.cost_usd == pytest.approx(counts["scored"] * 0.00021)
        (over,) = judged.rules.decisions(rule.rule_id, state="over_budget", limit=1).items
        assert "budget_usd_per_day" in over.reason
        judged.rules.update(rule.rule_id, {"budget_usd_per_day": 0.001})
        with pytest.raises(Conflict, match="spent"):
            judged.rules.dry_run(rule.rule_id)
        judged.rules.update(rule.rule_id, {"budget_usd_per_day": 1.0})
        assert judged.rules.backfill(rule.rule_id, budget_usd=1).queued == counts["over_budget"]
        judged.wait(rule, scored=30)
    finally:
        judged.close()


@pytest.mark.long
def test_what_may_succeed_later_is_retried_and_the_others_go_on(judged, monkeypatch):
    model = judged.model
    monkeypatch.setattr(rule_jobs, "BACKOFF_FIRST_S", 0.1)
    bad = {"again": 0}

    def script(request, number):
        if "poison" in str(conversation(request)):
            bad["again"] += 1
            if bad["again"] < 4:
                return Fault(status=500)
        return scores(request, 1)

    model.script = script
    rule = judged.put()
    judged.chat("bad", text="poison")
    judged.chat(*[f"good{i}" for i in range(5)])
    judged.wait(rule, scored=6)

    assert bad["again"] == 4
    assert len(model.requests) == 9
    messages = [line.message for line in judged.rules.log(rule.rule_id).items]
    assert any("attempt 1 of 12 failed" in one for one in messages)


@pytest.mark.long
def test_a_thread_that_cannot_be_read_fails_alone(judged):
    def reader(project, thread_id):
        if thread_id == "bad":
            raise ValueError("secret words of a conversation")
        return [{"role": "user", "content": thread_id}]

    judged.rules.add_context("traces", reader)
    rule = judged.put(context="traces")
    judged.chat("a", "bad", "b")
    judged.wait(rule, scored=2, failed=1)

    assert "cannot be read: ValueError at" in judged.decision(rule, "bad").reason
    assert "secret" not in judged.decision(rule, "bad").reason
    assert sorted(conversation(one)[0]["content"] for one in judged.model.requests) == ["a", "b"]


def reads_of(judged, monkeypatch) -> list[str]:
    """Return a list that grows by each conversation that is read."""
    threads = judged.engine.services.threads
    read, found = threads.turns_of, []

    def turns_of(given):
        found.extend(one.thread_id for one in given)
        return read(given)

    monkeypatch.setattr(threads, "turns_of", turns_of)
    return found


@pytest.mark.long
def test_a_conversation_is_read_once_for_all_rules_that_are_due(judged, monkeypatch):
    reads = reads_of(judged, monkeypatch)
    rules = [
        judged.put("asks"),
        judged.put("asks with a filter", filter="turn_count = 1", context="pairs"),
        judged.put("counts", kind="builtin", builtin="unanswered"),
        judged.put("counts more", kind="builtin", builtin="repeated_question"),
    ]
    judged.chat("a", "b", "c", "d", "e", "f", "g")  # more than judges take at once
    for rule in rules:
        judged.wait(rule, scored=7)

    assert sorted(reads) == ["a", "b", "c", "d", "e", "f", "g"]
    assert {len(judged.scores(one)) for one in "abcdefg"} == {4}


@pytest.mark.long
def test_what_is_kept_of_conversations_is_bounded(judged, monkeypatch):
    """What does not fit is read again."""
    monkeypatch.setattr(rule_conversations, "KEPT_LENGTH_MAX", 1)
    reads = reads_of(judged, monkeypatch)
    rules = [judged.put("one"), judged.put("two", kind="builtin", builtin="unanswered")]
    judged.chat("a", "b", "c")
    for rule in rules:
        judged.wait(rule, scored=3)

    assert not judged.rules.runner.conversations._kept
    assert len(reads) > 3


@pytest.mark.long
def test_a_conversation_that_one_form_cannot_have_is_judged_in_the_others(judged):
    def reader(project, thread_id):
        raise ValueError(thread_id)

    judged.rules.add_context("traces", reader)
    bad, good = judged.put("bad", context="traces"), judged.put("good")
    judged.chat("a", "b")
    judged.wait(bad, failed=2)
    judged.wait(good, scored=2)


@pytest.mark.long
def test_what_cannot_succeed_fails_with_its_reason(judged):
    model = judged.model
    model.script = lambda *_: "I will not."
    rule = judged.put()
    judged.chat("a")
    judged.wait(rule, failed=1)

    decision = judged.decision(rule, "a")
    assert "did not fit, twice" in decision.reason
    assert "I will not." in decision.reason
    assert decision.cost_usd == pytest.approx(0.00042)
    assert judged.scores("a") == []


@pytest.mark.long
def test_attempts_have_an_end(judged, monkeypatch):
    model = judged.model
    monkeypatch.setattr(rule_jobs, "BACKOFF_FIRST_S", 0.01)
    monkeypatch.setattr(rule_jobs, "BACKOFF_FACTOR", 1.0)
    monkeypatch.setattr(rule_jobs, "ATTEMPTS_MAX", 3)
    model.script = lambda *_: Fault(status=500)
    rule = judged.put()
    judged.chat("a")
    judged.wait(rule, failed=1)

    assert "after 3 attempts" in judged.decision(rule, "a").reason
    assert len(model.requests) == 3


@pytest.mark.long
def test_an_unreachable_model_delays_no_other_rule_and_loses_nothing(tmp_path, model):
    model.close()
    judged = Judged(tmp_path, model, python_scorers=True)
    try:
        asking = judged.put()
        code = judged.put("code", kind="python", code="def score(c): return len(c.messages)")
        judged.chat(*[f"t{i}" for i in range(10)])
        judged.wait(code, scored=10)

        assert [(one.name, one.value) for one in judged.scores("t1")] == [("code", 2.0)]
        assert judged.counts(asking) == {"waiting": 10}
        wait_until(lambda: judged.rules.rule(asking.rule_id).problem, "the rule says so")
        assert "cannot be reached" in judged.rules.rule(asking.rule_id).problem
        reasons = [one.reason for one in judged.rules.decisions(asking.rule_id).items]
        assert ["cannot be reached" in one for one in reasons] == [True] * 10
        assert judged.rules.rule(code.rule_id).problem is None
    finally:
        judged.close()


@pytest.mark.long
def test_without_an_endpoint_rules_wait_and_say_why(tmp_path, model):
    judged = Judged(tmp_path, model, judge_base_url=None)
    try:
        rule = judged.put()
        judged.chat("a")
        judged.wait(rule, waiting=1)

        assert "judge_base_url" in rule.problem
        assert "judge_base_url" in judged.decision(rule, "a").reason
        for call in (judged.rules.dry_run, judged.rules.backfill):
            with pytest.raises(InvalidQuery, match="judge_base_url"):
                call(rule.rule_id)
        code = judged.put("code", kind="python", code="def score(c): return 1")
        assert "python_scorers" in code.problem
    finally:
        judged.close()


@pytest.mark.long
def test_a_dry_run_writes_no_score_and_its_cost_counts(judged):
    model = judged.model
    rule = judged.put(is_enabled=False)
    judged.chat("a", "b", "c")
    judged.wait_inactive("c")

    found = judged.rules.dry_run(rule.rule_id, limit=2)

    assert found.matched_count == 3
    assert [one.scores[0].value for one in found.scored] == [0.5, 0.5]
    assert found.cost_usd == pytest.approx(0.00042)
    assert found.estimated_cost_usd_per_day == pytest.approx(3 / 7 * 0.00021)
    assert judged.scores("a") == []
    assert judged.counts(rule) == {}
    assert judged.rules.rule(rule.rule_id).cost_usd == pytest.approx(0.00042)
    changes = {"outputs": [RuleOutput(name="tone", kind="boolean")], "prompt": "Polite?"}
    model.script = lambda request, number: scores(request, True)
    (one,) = judged.rules.dry_run(rule.rule_id, thread_id="b", changes=changes).scored
    assert (one.thread_id, one.scores[0].name, one.scores[0].value) == ("b", "tone", 1.0)
    assert judged.rules.rule(rule.rule_id).version == 1
    with pytest.raises(NotFound):
        judged.rules.dry_run(rule.rule_id, thread_id="nobody")


@pytest.mark.long
def test_a_restart_loses_nothing_and_judges_nothing_twice(judged):
    model = judged.model
    model.latency_s = 0.05
    rule = judged.put()
    judged.chat(*[f"t{i}" for i in range(20)])
    wait_until(lambda: judged.counts(rule).get("scored", 0) >= 3, "some are scored")

    judged.close()
    judged.start()
    judged.wait(rule, scored=20)

    assert len(model.answered) == 20
    assert judged.rules.rule(rule.rule_id).cost_usd == pytest.approx(20 * 0.00021)


@pytest.mark.long
def test_a_worker_that_is_killed_is_started_anew(judged, monkeypatch):
    model = judged.model
    monkeypatch.setattr(rule_jobs, "BACKOFF_FIRST_S", 0.1)
    model.latency_s = 0.1
    rule = judged.put()
    judged.chat(*[f"t{i}" for i in range(10)])
    wait_until(lambda: len(model.requests) >= 3, "some are under way")
    worker = judged.rules.runner._worker

    os.kill(worker.pid, signal.SIGKILL)
    judged.wait(rule, scored=10)

    assert all(len(judged.scores(f"t{i}")) == 1 for i in range(10))
    expected = len(judged.rules.decisions(rule.rule_id, state="scored").items) * 0.00021
    assert judged.rules.rule(rule.rule_id).cost_usd == pytest.approx(expected)


@pytest.mark.long
def test_requests_to_the_model_are_as_many_at_once_as_the_setting_says(tmp_path, model):
    model.latency_s = 0.05
    judged = Judged(tmp_path, model, judge_concurrent_max=3)
    try:
        rule = judged.put()
        judged.chat(*[f"t{i}" for i in range(20)])
        judged.wait(rule, scored=20)
        assert model.at_once_max == 3
    finally:
        judged.close()


@pytest.mark.long
def test_what_can_be_counted_needs_no_model(judged):
    counted = judged.put("counted", kind="builtin", builtin="unanswered")
    slow = judged.put("slow", kind="builtin", builtin="slow")
    judged.chat("a")
    judged.wait(counted, scored=1)
    judged.wait(slow, scored=1)

    assert [(one.name, one.value) for one in judged.scores("a")] == [("unanswered", 0.0)]
    assert judged.decision(slow, "a").reason == "the rule gave no score"
    assert judged.model.requests == []
    assert judged.rules.rule(counted.rule_id).cost_usd == 0


def test_rules_are_checked_and_say_what_is_wrong(judged):
    nothing = {"prompt": "?"}
    for fields, words in (
        ({"kind": "llm_judge", "prompt": None}, "prompt is missing"),
        ({**nothing, "filter": "turn_count >"}, "filter, at position"),
        ({**nothing, "sampling_rate": 1.5}, "sampling_rate 1.5"),
        ({**nothing, "budget_usd_per_day": -1}, "budget_usd_per_day -1"),
        ({**nothing, "context": "all"}, "context 'all'"),
        ({**nothing, "outputs": [RuleOutput(name="a"), RuleOutput(name="a")]}, "twice"),
        ({**nothing, "outputs": [RuleOutput(name="a", kind="categorical")]}, "categories"),
        ({**nothing, "outputs": [RuleOutput(name="a", min=1, max=0)]}, "not below"),
        ({**nothing, "outputs": [RuleOutput(name="a\n")]}, "U+000A"),
        ({"prompt_messages": [PromptMessage(role="user", content="{{thread}}")]}, "{{thread}}"),
        ({"prompt_messages": [PromptMessage(role="user", content="score it")]}, "no {{context}}"),
        ({"kind": "python"}, "code is missing"),
        ({"kind": "python", "code": "def score(:"}, "not Python"),
        ({"kind": "builtin", "builtin": "nothing"}, "builtin 'nothing'"),
        ({**nothing, "name": " "}, "name is empty"),
    ):
        fields = {"kind": "llm_judge", "name": "r", **fields}
        with pytest.raises(InvalidQuery) as error:
            judged.put(**fields)
        assert words in str(error.value), fields


@pytest.mark.long
def test_rules_are_written_over_by_name_and_renamed_to_free_names(judged):
    first = judged.put("one")
    again = judged.put("one", prompt="Other?")
    other = judged.put("two")

    assert (again.rule_id, again.version, again.created_at) == (first.rule_id, 2, first.created_at)
    with pytest.raises(Conflict, match="'two'"):
        judged.rules.update(first.rule_id, {"name": "two"})
    assert judged.rules.update(other.rule_id, {"name": "three"}).name == "three"
    for changes in ({}, {"name": "three"}):
        assert judged.rules.update(other.rule_id, changes).version == 2
    assert judged.put("one", prompt="Other?").version == 2
    assert [one.name for one in judged.rules.rules(project=judged.project).items] == [
        "one",
        "three",
    ]
    judged.rules.delete(other.rule_id)
    for call in (judged.rules.rule, judged.rules.delete, judged.rules.decisions):
        with pytest.raises(NotFound):
            call(other.rule_id)


@pytest.mark.long
def test_a_rule_of_all_projects_judges_each_in_its_own(judged):
    rule = judged.put(project="*")
    for project in ("one", "two"):
        judged.send(a_chat("t", "hello", "hi"), project=project)
    judged.wait(rule, scored=2)

    assert len(judged.scores("t", project="one")) == 1
    assert judged.rules.rules(project="one").items == []
    assert len(judged.rules.rules(project="*").items) == 1


@pytest.mark.long
def test_what_was_decided_goes_with_the_thread_and_its_cost_stays(judged):
    rule = judged.put()
    judged.chat("a")
    judged.wait(rule, scored=1)

    judged.engine.services.deletion.threads(["a"], project=judged.project)

    assert judged.counts(rule) == {}
    assert judged.rules.log(rule.rule_id).items == []
    assert judged.rules.rule(rule.rule_id).cost_usd == pytest.approx(0.00021)


@pytest.mark.long
def test_a_model_can_be_asked_a_question(judged):
    model = judged.model
    model.script = lambda *_: '{"answer": 42}'
    found = judged.rules.ask_model(
        [PromptMessage(role="user", content="How much?")], schema={"type": "object"}
    )

    assert (found.response_text, found.error) == ('{"answer": 42}', None)
    assert model.requests[0]["messages"] == [{"role": "user", "content": "How much?"}]
