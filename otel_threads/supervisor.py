"""Keeps a server running: a small process that starts it anew when a signal ended it.

`serve` forks before anything heavy is imported. The parent waits; the child becomes the server. Not
a service manager: a server that ends by itself, whatever its exit code, is not started again.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import NoReturn

logger = logging.getLogger(__name__)

# What ends a process that went wrong: the kernel without memory, a crash in a library. SIGTERM and
# the like are somebody's will, also when they reach the child alone.
CRASHES = frozenset(
    {
        signal.SIGKILL,
        signal.SIGSEGV,
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGILL,
        signal.SIGFPE,
        signal.SIGTRAP,
        signal.SIGSYS,
    }
)
RESTARTS_MAX, WINDOW_S = 10, 600.0  # more crashes than this in such a time: it will not get better
PAUSE_S, PAUSE_MAX_S = 0.25, 8.0  # before the second restart of a window; doubled each time
PR_SET_PDEATHSIG = 1  # of Linux's prctl


@dataclass(frozen=True, slots=True)
class Child:
    """What the server knows of the process that watches it."""

    supervisor_pid: int
    restarts: int  # how many servers crashed before this one


_child: Child | None = None


def child() -> Child | None:
    """Return what watches this process; None in a process that nobody watches."""
    return _child


def supervise() -> None:
    """Fork. Returns in the child, once for each start; the parent never returns.

    The parent ends as the child ended: with its exit code, or by its signal. To be called while
    the process has one thread and has imported little: what is loaded by now, the parent keeps.
    """
    passed_on: set[int] = {signal.SIGTERM, signal.SIGINT}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else it was started with nohup
        passed_on.add(signal.SIGHUP)
    # Blocked signals wait for `_next_signal`; none falls between two calls.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*passed_on, signal.SIGCHLD})
    pipe = os.pipe()  # its writing end stays open as long as the parent lives
    crashes: deque[float] = deque()
    while True:
        pid = _fork(before, pipe, restarts=len(crashes))
        if pid == 0:
            return
        stopping, status = _watch(pid, passed_on)
        code = os.waitstatus_to_exitcode(status)
        if stopping or -code not in CRASHES:
            _end_like(code)
        _pause_or_give_up(signal.Signals(-code).name, crashes, passed_on)


def _fork(mask: set[int], pipe: tuple[int, int], *, restarts: int) -> int:
    global _child
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    reading, writing = pipe
    os.close(writing)
    _child = Child(supervisor_pid=parent, restarts=restarts)
    die_with(parent, reading)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return 0


def die_with(parent: int, pipe: int, *, by_kernel: bool = sys.platform == "linux") -> None:
    """Have this process killed when its parent ends, in whatever way; `pipe` closes then.

    A killed supervisor must not leave a server behind that holds the database and the ports.
    """
    if by_kernel:
        import ctypes  # the parent does not need it

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.close(pipe)
    else:  # macOS has no such call
        threading.Thread(target=_die_at_end_of, args=(pipe,), name="parent", daemon=True).start()
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def _die_at_end_of(pipe: int) -> None:
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def _watch(pid: int, passed_on: set[int]) -> tuple[bool, int]:
    """Wait for the child's end; return whether it was asked to stop, and its status."""
    stopping = False
    while True:
        number, by_terminal = _next_signal({*passed_on, signal.SIGCHLD}, None)
        if number == signal.SIGCHLD:
            if (status := _reap(pid)) is not None:
                return stopping, status
            continue
        stopping = True
        if not by_terminal:  # Ctrl-C reaches the child as well
            os.kill(pid, number)


def _reap(pid: int) -> int | None:
    """Return the child's status once it ended. As process 1 of a container we get others', too."""
    found = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if ended == 0:
            return found
        if ended == pid:
            found = status


def _next_signal(numbers: set[int], timeout_s: float | None) -> tuple[int, bool]:
    """Return the next of these signals and whether the terminal sent it; 0 after the timeout."""
    if sys.platform == "linux":
        if timeout_s is None:
            found = signal.sigwaitinfo(numbers)
        else:
            within = signal.sigtimedwait(numbers, timeout_s)
            if within is None:
                return 0, False
            found = within
        return found.si_signo, found.si_pid == 0
    if timeout_s is not None:  # macOS cannot wait for a signal with a timeout
        until = time.monotonic() + timeout_s
        while not signal.sigpending() & numbers:
            if time.monotonic() >= until:
                return 0, False
            time.sleep(0.05)
    number = signal.sigwait(numbers)
    return number, number == signal.SIGINT and _is_in_foreground()


def _is_in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _pause_or_give_up(name: str, crashes: deque[float], passed_on: set[int]) -> None:
    now = time.monotonic()
    crashes.append(now)
    while crashes[0] < now - WINDOW_S:
        crashes.popleft()
    if len(crashes) > RESTARTS_MAX:
        logger.error(
            "the server died of %s, %d times within %.0f s: not started again",
            name,
            len(crashes),
            WINDOW_S,
        )
        os._exit(1)
    doublings = len(crashes) - 2
    pause_s = 0.0 if doublings < 0 else min(PAUSE_MAX_S, PAUSE_S * 2**doublings)
    logger.error(
        "the server died of %s; starting it again in %g s (%d of %d restarts within %.0f s)",
        name,
        pause_s,
        len(crashes),
        RESTARTS_MAX,
        WINDOW_S,
    )
    number, _ = _next_signal(passed_on, pause_s)
    if number:
        _end_like(-number)


def _end_like(code: int) -> NoReturn:
    """End with this exit code; below zero, by that signal."""
    if code < 0 and -code not in CRASHES:  # those would leave a core of a process that is well
        signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)  # does nothing to process 1 of a container
    os._exit(code if code >= 0 else 128 - code)
