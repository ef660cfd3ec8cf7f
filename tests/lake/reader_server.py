"""A server of its own that reads a lake."""

import json
import os
import subprocess
import sys

from conftest import START_TIMEOUT_S, Server, wait_until


class Reader(Server):
    """`otel-threads serve --from-lake`."""

    def start(self) -> "Reader":
        self.ready_file.unlink(missing_ok=True)
        given = {f"OTEL_THREADS_{name.upper()}": str(v) for name, v in self._settings.items()}
        ports = {f"OTEL_THREADS_{name}_ENDPOINT": "127.0.0.1:0" for name in ("HTTP", "GRPC")}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "otel_threads",
                "serve",
                "--from-lake",
                "--no-supervise",
                "--ready-file",
                str(self.ready_file),
            ],
            env={**os.environ, **ports, **given, **self._env},
            text=True,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "stderr").open("a"),
            cwd=self.folder,
        )
        wait_until(
            lambda: self.ready_file.exists() or self.process.poll() is not None,
            "the reader starts",
            START_TIMEOUT_S,
        )
        assert self.ready_file.exists(), self.stderr()
        self.addresses = json.loads(self.ready_file.read_text())
        self.http = f"http://{self.addresses['http']}"
        self.api = f"{self.http}/api/v1"
        return self
