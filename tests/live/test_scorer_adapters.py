"""Metrics of other packages, the real ones, as scorers of ours."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from live import environments

ROOT = Path(__file__).parent.parent.parent
EXPECTED = {
    "deepeval": {"turns": [0.4, None, "a late parcel"], "last": [1.0, None, "Thanks"]},
    "opik": {"turns": [0.4, None, "Where is order 4711?"], "equals_metric": [1.0, None, None]},
    "mlflow": {
        "exact": [1.0, None, None],
        "count": [3.0, None, "so many"],
        "verdict": [1.0, None, "polite"],
    },
    "openevals": {"exact_match": [1.0, None, None], "day": [1.0, None, "it names a day"]},
}


@pytest.mark.live
@pytest.mark.parametrize("package", EXPECTED)
def test_its_metrics_score_a_conversation(package, tmp_path):
    folder = environments.made(f"scorers-{package}", [package])
    ran = subprocess.run(
        [str(folder / "bin/python"), str(environments.HERE / "scorer_adapters.py"), package],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HOME": str(tmp_path),
            "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
        },
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert json.loads(ran.stdout.splitlines()[-1]) == EXPECTED[package]
