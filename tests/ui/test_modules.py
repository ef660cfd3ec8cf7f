"""The page's JavaScript modules, by node's own test runner: no browser, no server.

Modules are copied beside a package.json that says what they are, so that every node takes them.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STATIC = HERE.parent.parent / "otel_threads/ui/static"


@pytest.mark.long
def test_the_modules_of_the_page(tmp_path):
    node = shutil.which("node")
    if node is None:
        reason = "no node on the path"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    shutil.copytree(STATIC, tmp_path / "static")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for file in HERE.glob("*.test.mjs"):
        shutil.copy(file, tmp_path)

    found = subprocess.run(
        [node, "--test", *sorted(str(file) for file in tmp_path.glob("*.test.mjs"))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "TZ": "UTC"},
    )

    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
    assert "# pass " in found.stdout or "ℹ pass " in found.stdout
