"""What runs of rules cost, and whether one more fits."""

import datetime

import pytest

from otel_threads.core.rule import Outcome, Rule, RuleSpent
from otel_threads.services.rule_budget import Budget, cost_of

NOW = datetime.datetime.now(datetime.UTC)


def a_rule(rule_id: str = "r", budget: float | None = None) -> Rule:
    return Rule(
        rule_id=rule_id,
        version=1,
        name=rule_id,
        project="p",
        kind="llm_judge",
        target="thread",
        is_enabled=True,
        filter=None,
        filter_time="inactive",
        sampling_rate=1.0,
        budget_usd_per_day=budget,
        model=None,
        temperature=None,
        prompt="?",
        prompt_messages=None,
        context="messages",
        outputs=[],
        code=None,
        builtin=None,
        created_at=NOW,
        updated_at=NOW,
        author=None,
        judge_version="v",
        counts={},
        cost_usd=0.0,
        cost_usd_today=0.0,
        problem=None,
    )


def spent(rule_id: str, today: float, *, backfill_id=None, ever: float | None = None) -> RuleSpent:
    return RuleSpent(
        rule_id=rule_id,
        backfill_id=backfill_id,
        cost_usd=today if ever is None else ever,
        cost_usd_today=today,
        run_usd=None,
        output_tokens_max=None,
    )


def run(budget: Budget, run_id: str, rule: Rule, expected: float, cost: float, backfill=None):
    budget.reserve(run_id, rule.rule_id, backfill, expected)
    budget.spend(run_id, rule.rule_id, backfill, cost, None)


def test_a_run_costs_what_the_endpoint_says_else_what_its_tokens_cost():
    priced = Outcome(scores=[], model="gpt-4o-mini", input_tokens=1000, output_tokens=100)
    told = Outcome(scores=[], reported_cost_usd=0.5, input_tokens=1000, output_tokens=100)
    local = Outcome(scores=[], model="my-own-model", input_tokens=1000, output_tokens=100)

    assert cost_of(priced, None) == pytest.approx(0.00021)
    assert cost_of(told, "gpt-4o-mini") == 0.5
    assert cost_of(local, "my-own-model") is None


def test_a_rule_stops_before_its_budget_is_overspent():
    budget, rule = Budget(100.0), a_rule(budget=1.0)
    for number in range(10):
        verdict, _ = budget.verdict(rule, None, 0.15)
        if verdict != "fits":
            break
        run(budget, str(number), rule, 0.15, 0.15)

    assert number == 6
    assert verdict == "over"
    assert "budget_usd_per_day: 0.9000 of 1 USD" in budget.verdict(rule, None, 0.15)[1]
    assert budget.exhausted(rule, None)
    assert budget.exhausted(a_rule("other"), None) is None


def test_what_is_under_way_counts_and_is_waited_for():
    budget, rule = Budget(1.0), a_rule()
    budget.reserve("a", "r", None, 0.9)

    assert budget.verdict(rule, None, 0.2)[0] == "wait"
    budget.spend("a", "r", None, 0.1, None)
    assert budget.verdict(rule, None, 0.2)[0] == "fits"


def test_all_rules_together_keep_to_the_server_budget():
    budget = Budget(1.0)
    run(budget, "a", a_rule("one"), 0.6, 0.6)

    verdict, why = budget.verdict(a_rule("two"), None, 0.6)

    assert verdict == "over"
    assert "judge_budget_usd_per_day" in why


def test_a_backfill_spends_its_own_budget_and_the_server_one():
    budget, rule = Budget(1.0), a_rule(budget=0.1)
    budget.load([spent("r", 0.2, backfill_id="b", ever=0.4)], {"b": 0.5})

    assert budget.verdict(rule, "b", 0.05)[0] == "fits"
    assert budget.verdict(rule, "b", 0.2) == (
        "over",
        "the backfill's budget_usd: 0.4000 of 0.5 USD are spent, this run costs about 0.2000",
    )
    assert budget.verdict(rule, None, 0.05)[0] == "fits"
    assert budget.verdict(rule, "unknown yet", 0.05)[0] == "wait"


def test_a_run_is_expected_to_cost_what_runs_of_before_did():
    budget, rule = Budget(1.0), a_rule()
    first = budget.expected_usd(rule, "gpt-4o-mini", 3500)
    run(budget, "a", rule, first, 10 * first)

    assert budget.expected_usd(rule, "gpt-4o-mini", 3500) == pytest.approx(10 * first)
    assert budget.expected_usd(rule, "my-own-model", 3500) == pytest.approx(10 * first)
    assert budget.expected_usd(a_rule("other"), "my-own-model", 3500) == 0.0


def test_what_several_nodes_spent_counts_together():
    rule = a_rule(budget=1.0)
    budget = Budget(5.0)
    budget.load([spent("r", 0.4), spent("r", 0.5), spent("other", 1.0)], {})
    assert budget.verdict(rule, None, 0.05)[0] == "fits"
    assert budget.verdict(rule, None, 0.2)[0] == "over"
    budget.load([spent("r", 0.1), spent("r", 0.1, backfill_id="b")], {"b": 0.15})
    assert budget.verdict(rule, None, 0.2)[0] == "fits"
    assert budget.verdict(rule, "b", 0.1)[0] == "over"
