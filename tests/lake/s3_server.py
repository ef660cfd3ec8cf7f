"""A real server of S3's protocol, built by Go, whose bucket outlives it."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from conftest import wait_until
from live import environments

PROGRAM = "github.com/johannesboyne/gofakes3/cmd/gofakes3@v1.2.0"
SECRET = "the-secret-of-the-bucket"
BUILD_TIMEOUT_S = 600


def built() -> Path | None:
    """Return the program, None where it is not there and cannot be built."""
    folder = environments.KEPT / "s3"
    program = folder / "gofakes3"
    if not program.exists():
        if not shutil.which("go"):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        ran = subprocess.run(
            ["go", "install", PROGRAM],
            env={**os.environ, "GOBIN": str(folder)},
            capture_output=True,
            timeout=BUILD_TIMEOUT_S,
        )
        if ran.returncode:
            return None
    return program


class S3Server:
    """One process with one bucket, `lake`, in a file."""

    def __init__(self, program: Path, folder: Path, port: int) -> None:
        self._command = [program, "-backend", "bolt", "-bolt.db", folder / "bucket.bolt", "-quiet"]
        self._command += ["-host", f"127.0.0.1:{port}", "-initialbucket", "lake"]
        self._port = port
        self.env = {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }

    def start(self) -> "S3Server":
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._listens, "the storage answers")
        return self

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
