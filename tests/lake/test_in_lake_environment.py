"""Runs the tests of this folder where `otel-threads[lake]` is installed: it pins DuckDB."""

import os
import subprocess
from pathlib import Path

import pytest
from live import environments

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = sorted(
    path.name
    for path in HERE.glob("test_*.py")
    if path.name not in ("test_in_lake_environment.py", "test_lake_settings.py")
)
# Each run starts a PostgreSQL of its own: a few runs, of several files each.
GROUPS = {" ".join(FILES[n::4]): FILES[n::4] for n in range(4)}
NEEDED = ["pytest>=8.3", "hypothesis>=6.122", "psutil>=6.1", "filelock>=3.16"]


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("files", GROUPS.values(), ids=GROUPS)
def test_in_an_environment_with_the_extra(files, tmp_path):
    python = environments.made("lake", [f"{ROOT}[lake]", *NEEDED]) / "bin/python"
    ran = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-x", f"--basetemp={tmp_path}/inner"),
            *(str(HERE / file) for file in files),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert " passed" in ran.stdout
