"""A short run of chaos.py: one part of each kind dies once. Run by hand, it goes on for minutes."""

import shutil

import pytest
from chaos import KINDS, run
from collector.conftest import binary  # noqa: F401  # a fixture
from lakes import needs_extra
from live import environments

pytestmark = needs_extra


@pytest.mark.slow
@pytest.mark.usefixtures("binary")
def test_each_kind_of_part_dies_and_nothing_is_lost_or_twice(tmp_path):
    if not shutil.which("initdb"):
        environments.missing("PostgreSQL is not on this machine")
    found = run(tmp_path, seed=1, names=KINDS)
    assert found["kills"] == len(KINDS)
    assert found["requests"] > len(KINDS)
    assert found["sent_again"] > 0
