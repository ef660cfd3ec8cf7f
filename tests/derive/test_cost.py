"""Adding up what calls cost: one rule for calls, turns and parts of a trace."""

import pytest

from otel_threads.derive.cost import Cost, total_cost

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
