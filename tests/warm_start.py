"""Starts servers from a process that has imported all of theirs: that was most of a start's time.

One such process for each process of tests. It runs nothing of a server itself: it forks, and the
child runs the program as `python -m otel_threads` does, with the arguments, settings and files that
a test gives. What a test measures of memory or does to an interpreter needs a start of its own.
"""

import array
import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import IO

REQUEST_BYTES_MAX = 1 << 20
FILES = 3  # that a child gets: standard output, standard error, where its end is told


class Started:
    """A forked server: of `subprocess.Popen`, what tests use."""

    def __init__(self, pid: int, stdout: IO[str], told: int) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._told = told
        self._lock = threading.Lock()

    def __del__(self) -> None:
        os.close(self._told)

    def poll(self) -> int | None:
        """Return the exit code once it ended, negative for a signal."""
        return self._end(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code."""
        code = self._end(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("otel-threads", timeout or 0.0)
        return code

    def _end(self, timeout_s: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._told, selectors.EVENT_READ)
                if not selector.select(timeout_s):
                    return None
        with self._lock:  # another thread may wait as well
            if self.returncode is None:
                told = os.read(self._told, 100)
                self.returncode = int(told) if told else -signal.SIGKILL  # who forked it is gone
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)


class Warm:
    """The process that forks. Any thread may call."""

    def __init__(self) -> None:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__)), str(there.fileno())],
                pass_fds=[there.fileno()],
            )
        self._socket = here
        self._lock = threading.Lock()

    def start(
        self, arguments: list[str], *, env: dict[str, str], folder: Path, stderr: IO[str]
    ) -> Started:
        """Run `otel-threads` with these arguments and this environment in a folder."""
        request = json.dumps({"arguments": arguments, "env": env, "folder": str(folder)})
        stdout, stdout_given = os.pipe()
        told, told_given = os.pipe()
        files = array.array("i", [stdout_given, stderr.fileno(), told_given])
        with self._lock:
            self._socket.sendmsg(
                [request.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)]
            )
            pid = int(self._socket.recv(100))
        os.close(stdout_given)
        os.close(told_given)
        return Started(pid, os.fdopen(stdout), told)

    def close(self) -> None:
        """End the process; what it has forked goes on."""
        self._socket.close()
        self._process.wait()


@cache
def warm() -> Warm:
    """Return the process of this process of tests, which ends with it."""
    found = Warm()
    atexit.register(found.close)
    return found


def can_run(env: dict[str, str]) -> bool:
    """Return whether a server of this environment may be forked: it changes nothing but settings.

    What an interpreter or a library reads as it starts, it has read already. On Linux alone: macOS
    has no such sockets, and its libraries do not bear a fork.
    """
    changed = {name for name, _ in env.items() ^ os.environ.items()}
    return sys.platform == "linux" and all(name.startswith("OTEL_THREADS_") for name in changed)


def _fork_for_all(asked: socket.socket) -> list[str]:
    """Fork for each request; return in a child, with the program's arguments."""
    ended, wakes = socket.socketpair()
    ended.setblocking(False)
    wakes.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno())
    ends: dict[int, int] = {}  # where the end of a child is told, by its process
    with selectors.DefaultSelector() as selector:
        selector.register(asked, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is ended:
                    ended.recv(4096)
                    _tell_ends(ends)
                    continue
                request, files, *_ = socket.recv_fds(asked, REQUEST_BYTES_MAX, FILES)
                if not request:
                    os._exit(0)
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    for one in (asked, ended, wakes):
                        one.close()
                    for told in (*ends.values(), files[2]):
                        os.close(told)
                    return _become(json.loads(request), *files[:2])
                os.close(files[0])
                os.close(files[1])
                ends[pid] = files[2]
                asked.send(str(pid).encode())


def _tell_ends(ends: dict[int, int]) -> None:
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with os.fdopen(ends.pop(pid), "wb") as told:
            told.write(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict, stdout: int, stderr: int) -> list[str]:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for given, number in ((stdout, 1), (stderr, 2)):
        os.dup2(given, number)
        os.close(given)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["folder"])
    return request["arguments"]


if __name__ == "__main__":
    import gc

    import duckdb

    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # as the program does before it imports
    gc.disable()
    from otel_threads import cli, server, tracing  # noqa: F401
    from otel_threads.commands import serving  # noqa: F401

    gc.enable()
    duckdb.close()  # the connection that its import opens has a thread, which no child would have
    sys.path.remove(str(Path(__file__).parent))  # nothing of the tests is the program's
    sys.argv[1:] = _fork_for_all(socket.socket(fileno=int(sys.argv[1])))
    cli.main()
