"""Environments of their own for other people's packages, kept in `.live/`.

They are made anew when a list of packages changes.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"
KEPT = HERE.parent.parent / ".live"
INSTALL_TIMEOUT_S = 900


def command(script: str, packages: list[str]) -> list[str]:
    """Return the command that runs a example where its packages are."""
    node = script.endswith(".mjs")
    folder = made(Path(script).stem, packages, node=node)
    if node:  # Node finds packages from where the script stands
        return ["node", str(shutil.copy(EXAMPLES / script, folder))]
    return [str(folder / "bin/python"), str(EXAMPLES / script)]


def made(name: str, packages: list[str], *, node: bool = False) -> Path:
    """Return the folder of an environment with these packages, Python's or Node's."""
    if node and not shutil.which("npm"):
        missing("Node.js with npm is not on this machine")
    digest = hashlib.blake2b(
        "\n".join([*packages, sys.version if not node else ""]).encode(), digest_size=6
    ).hexdigest()
    folder = KEPT / f"{name}-{digest}"
    done = folder / ".done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if node:
            install = ["npm", "install", "--silent", "--no-audit", "--no-fund", *packages]
        else:
            # pip takes a quarter of an hour to resolve Traceloop's dependencies, uv two seconds.
            uv = [sys.executable, "-m", "uv"]
            subprocess.run(
                [*uv, "venv", "--quiet", "--python", sys.executable, "."], cwd=folder, check=True
            )
            python = str(folder / "bin/python")
            install = [*uv, "pip", "install", "--quiet", "--python", python, *packages]
        ran = subprocess.run(
            install,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr[-4000:]
        done.touch()
    return folder


def missing(why: str) -> None:
    """Fail in CI, skip elsewhere: what a test needs is not on this machine."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
