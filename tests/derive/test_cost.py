"""Adding up what calls cost: one rule for calls, turns and parts of a trace."""

import random

import pytest
from genai_prices.data_snapshot import get_snapshot

from otel_threads.derive import cost
from otel_threads.derive.cost import Cost, total_cost
from otel_threads.derive.family import Usage

KNOWN, UNKNOWN = Cost(0.5, "estimated"), Cost(None, None)
NOTHING = Cost(None, None, is_nothing=True)


@pytest.mark.parametrize(
    ("costs", "total"),
    [
        ([], Cost(None, None)),
        ([KNOWN, KNOWN], Cost(1.0, "estimated")),
        ([KNOWN, Cost(0.25, "reported")], Cost(0.75, "mixed")),
        ([UNKNOWN, UNKNOWN], Cost(None, None)),  # nothing is known: not partly
        ([KNOWN, UNKNOWN], Cost(0.5, "estimated", is_partial=True)),
        ([KNOWN, NOTHING], Cost(0.5, "estimated")),
        ([KNOWN, KNOWN._replace(is_partial=True)], Cost(1.0, "estimated", is_partial=True)),
        ([Cost(0.0, "reported"), UNKNOWN], Cost(0.0, "reported", is_partial=True)),
    ],
)
def test_what_several_cost_together(costs, total):
    assert total_cost(costs) == total


def test_the_rates_of_a_model_give_the_price_that_genai_prices_calculates():
    """To the last digit, of every provider; models with tiers are left to genai-prices."""
    dice, by_rates = random.Random(1), 0
    for provider in get_snapshot().providers:
        for model in dice.sample(list(provider.models), min(len(provider.models), 4)):
            tokens = dice.choice((0, 7, dice.randrange(10**6), 10**12)), dice.randrange(10**5)
            found = cost._plain_price(model.id, provider.id, Usage(*tokens), step=988_000)
            if found is not None:
                by_rates += 1
                calculated = cost._price(
                    model.id, provider.id, *tokens, None, None, None, None, 988_000
                )
                assert found == calculated
    assert by_rates > 30
