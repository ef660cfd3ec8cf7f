"""What runs of rules cost, and whether one more fits into the budgets of today. Pure.

Days are those of UTC. What has been spent comes from real usage; a run that is under way counts
with what it is expected to cost, so that several at once do not overshoot together.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Literal

from otel_threads.core.rule import Outcome, Rule, RuleSpent
from otel_threads.derive.cost import estimate_usd
from otel_threads.derive.family import Usage

OUTPUT_TOKENS_EXPECTED = 300  # of an answer, before one was seen
BYTES_PER_TOKEN = 3.5  # of English, a bit less than models have: an estimate rather too high
Verdict = Literal["fits", "wait", "over"]


def cost_of(outcome: Outcome, model: str | None) -> float | None:
    """Return what a run cost in US dollars: as the endpoint says, else by tokens and price list.

    None where nobody knows, as with models that run on machines of one's own.
    """
    if outcome.reported_cost_usd is not None:
        return outcome.reported_cost_usd
    usage = Usage(input_tokens=outcome.input_tokens, output_tokens=outcome.output_tokens)
    return estimate_usd([outcome.model, model], None, usage, time.time_ns())


class Budget:
    """What was spent today, by rule, by backfill, and together; and what is under way."""

    def __init__(self, usd_per_day: float) -> None:
        self._usd_per_day = usd_per_day
        self._spent: dict[str, float] = {}  # today, by rule, without backfills
        self._backfills: dict[str, float] = {}  # ever, by backfill
        self._limits: Mapping[str, float | None] = {}  # of backfills
        self._total = 0.0  # today
        self._reserved: dict[str, tuple[str, str | None, float]] = {}  # by run
        self._output_tokens: dict[str, int] = {}  # the most of an answer, by rule
        self._run_usd: dict[str, float] = {}  # a run of before, by rule
        self._factor: dict[str, float] = {}  # by which runs cost more than expected, by rule
        self._cheapest: dict[str, float] = {}  # run that was expected today, by rule

    def load(self, spent: Iterable[RuleSpent], limits: Mapping[str, float | None]) -> None:
        """Take what is stored, and what each backfill may cost."""
        self._spent, self._backfills, self._total = {}, {}, 0.0
        self._cheapest = {}
        for one in spent:
            self._total += one.cost_usd_today
            if one.backfill_id is None:  # several nodes may have runs of one rule
                self._spent[one.rule_id] = self._spent.get(one.rule_id, 0.0) + one.cost_usd_today
            else:
                before = self._backfills.get(one.backfill_id, 0.0)
                self._backfills[one.backfill_id] = before + one.cost_usd
            self._saw(one.rule_id, one.output_tokens_max)
            if one.run_usd:
                self._run_usd[one.rule_id] = one.run_usd
        self._limits = limits

    def expected_usd(self, rule: Rule, model: str | None, length: int) -> float:
        """Return what a run on so many bytes will cost about; 0 where nothing is known.

        By the price list, as much higher as runs of the rule were; at least what one of before
        cost.
        """
        usage = Usage(
            input_tokens=int(length / BYTES_PER_TOKEN),
            output_tokens=self._output_tokens.get(rule.rule_id, OUTPUT_TOKENS_EXPECTED),
        )
        priced = estimate_usd([model], None, usage, time.time_ns()) if model else None
        factor = self._factor.get(rule.rule_id, 1.0)
        return max((priced or 0.0) * factor, self._run_usd.get(rule.rule_id, 0.0))

    def verdict(self, rule: Rule, backfill_id: str | None, usd: float) -> tuple[Verdict, str]:
        """Return whether a run of this cost fits, and the budget that it does not fit into."""
        if backfill_id is not None and backfill_id not in self._limits:
            return "wait", "the backfill's budget_usd"  # it was queued just now
        self._cheapest[rule.rule_id] = min(usd, self._cheapest.get(rule.rule_id, usd))
        worst: tuple[Verdict, str] = ("fits", "")
        for limit, spent, reserved, name in self._budgets(rule, backfill_id):
            if limit is None:
                continue
            if spent >= limit or spent + usd > limit:
                left = f"{spent:.4f} of {limit:g} USD are spent, this run costs about {usd:.4f}"
                return "over", f"{name}: {left}"
            if reserved and spent + reserved + usd > limit:
                worst = ("wait", name)
        return worst

    def exhausted(self, rule: Rule, backfill_id: str | None) -> str | None:
        """Return which budget has no room for even the cheapest run of a rule so far, if any."""
        cheapest = self._cheapest.get(rule.rule_id, 0.0)
        for limit, spent, _, name in self._budgets(rule, backfill_id):
            if limit is not None and (spent >= limit or spent + cheapest > limit):
                return f"{name}: {spent:.4f} of {limit:g} USD are spent"
        return None

    def _budgets(
        self, rule: Rule, backfill_id: str | None
    ) -> Iterable[tuple[float | None, float, float, str]]:
        """Yield limit, spent, reserved and name of each budget that a run has to fit into."""
        under_way = list(self._reserved.values())
        together = sum(usd for _, _, usd in under_way)
        yield self._usd_per_day, self._total, together, "judge_budget_usd_per_day"
        if backfill_id is None:
            own = sum(u for r, b, u in under_way if r == rule.rule_id and b is None)
            spent = self._spent.get(rule.rule_id, 0.0)
            yield rule.budget_usd_per_day, spent, own, "the rule's budget_usd_per_day"
        else:
            own = sum(u for _, b, u in under_way if b == backfill_id)
            spent = self._backfills.get(backfill_id, 0.0)
            yield self._limits.get(backfill_id), spent, own, "the backfill's budget_usd"

    def reserve(self, run_id: str, rule_id: str, backfill_id: str | None, usd: float) -> None:
        """Count a run that begins."""
        self._reserved[run_id] = (rule_id, backfill_id, usd)

    def spend(
        self,
        run_id: str,
        rule_id: str,
        backfill_id: str | None,
        usd: float | None,
        output_tokens: int | None,
    ) -> None:
        """Count what a run has cost that came to an end."""
        self._saw(rule_id, output_tokens)
        expected = self._reserved.pop(run_id, ("", None, 0.0))[2]
        if not usd:
            return
        if expected:
            factor = self._factor.get(rule_id, 1.0)
            self._factor[rule_id] = max(factor, factor * usd / expected)
        self._run_usd[rule_id] = usd
        self._total += usd
        if backfill_id is None:
            self._spent[rule_id] = self._spent.get(rule_id, 0.0) + usd
        else:
            self._backfills[backfill_id] = self._backfills.get(backfill_id, 0.0) + usd

    def _saw(self, rule_id: str, output_tokens: int | None) -> None:
        if output_tokens:
            known = self._output_tokens.get(rule_id, 0)
            self._output_tokens[rule_id] = max(output_tokens, known)
