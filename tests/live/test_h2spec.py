"""The port of OTLP/gRPC as h2spec sees it: each of its tests of RFC 9113 and RFC 7541."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from live.environments import INSTALL_TIMEOUT_S, KEPT, missing

VERSION = "v2.2.1+incompatible"
# h2spec sends five headers of this length to exceed a frame, of which we take 32,768 bytes.
HEADER_LENGTH = 6800


@pytest.fixture(scope="module")
def h2spec() -> Path:
    """The tool; built once."""
    folder = KEPT / f"h2spec-{VERSION}"
    if not shutil.which("go") and not (folder / "h2spec").exists():
        missing("Go is not on this machine")
    KEPT.mkdir(exist_ok=True)
    with FileLock(KEPT / "h2spec.lock"):
        if not (folder / "h2spec").exists():
            built = subprocess.run(
                ["go", "install", f"github.com/summerwind/h2spec/cmd/h2spec@{VERSION}"],
                env={**os.environ, "GOBIN": str(folder)}, capture_output=True, text=True,
                timeout=INSTALL_TIMEOUT_S, check=False,
            )  # fmt: skip
            assert built.returncode == 0, built.stderr
    return folder / "h2spec"


def test_every_test_of_h2spec_passes(server, h2spec):
    host, _, port = server.grpc.rpartition(":")
    ran = subprocess.run(
        [h2spec, "--strict", "-h", host, "-p", port, "-o", "10",
         "--max-header-length", str(HEADER_LENGTH)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    passed = re.search(r"(\d+) tests, (\d+) passed, 0 skipped, 0 failed", ran.stdout)
    assert passed, ran.stdout[ran.stdout.find("Failures:") :]
    assert int(passed[1]) > 140
    assert server.stderr() == ""
