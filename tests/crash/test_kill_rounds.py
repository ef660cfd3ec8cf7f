"""A short run of kill_rounds.py: each round kills at another kind of moment."""

import pytest
from kill_rounds import run
from moments import MOMENTS

ROUNDS = len(MOMENTS)
SEED = 1


@pytest.mark.slow
def test_kills_at_each_kind_of_moment_lose_nothing_and_double_nothing(tmp_path):
    found = run(tmp_path, ROUNDS, SEED)
    assert found.losses == []
    assert dict(found.kills) == dict.fromkeys(MOMENTS, 1)
    assert found.ledger.acknowledged_count() >= ROUNDS
