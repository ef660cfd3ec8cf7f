"""A short run of chaos.py: each part of a lake dies once. Run by hand, it goes on for minutes."""

import os
import shutil

import pytest
from chaos import PARTS, run
from collector.conftest import BINARY
from lakes import needs_extra

pytestmark = needs_extra


@pytest.mark.slow
def test_each_part_dies_and_nothing_is_lost_or_twice(tmp_path):
    if not shutil.which("initdb") or not BINARY.exists():
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL or the Collector of `make collector` is not on this machine")
        pytest.skip("PostgreSQL or the Collector is not on this machine")
    found = run(tmp_path, seed=1, goes_on=lambda kills: kills < PARTS)
    assert found["kills"] == PARTS
    assert found["requests"] > PARTS
    assert found["sent_again"] > 0
