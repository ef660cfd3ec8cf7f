"""Kills of a server and of its worker while rules judge: once each, and every cent is known."""

import pytest
import rules

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("victims", "kills"), [(("server",), 3), (("server", "worker"), 5)])
def test_each_thread_is_judged_once_and_its_cost_is_known(tmp_path, victims, kills):
    found = rules.run(tmp_path, thread_count=300, kills=kills, at_once=4, victims=victims)

    counts = found["counts"]
    assert counts["scored"] + counts["over_budget"] == 300
    assert 140 <= counts["scored"] <= 150
    assert found["scores"] == found["scored"] == found["runs"] == counts["scored"]
    assert found["judged_twice"] == 0
    assert found["cost_usd"] == pytest.approx(counts["scored"] * rules.RUN_USD, abs=1e-9)
    assert found["cost_usd"] <= found["budget_usd"]
    # What a killed worker had asked for is answered to nobody; a killed server loses no answer.
    lost = found["answers"] - found["runs"]
    assert 0 <= lost <= 4 * found["killed"].get("worker", 0)
