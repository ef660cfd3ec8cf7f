"""The process in which a rule's Python code runs: it computes, and can do nothing else.

A filter of system calls leaves it its memory, the clock and the pipe for its result: no files, no
network, no other process, no thread. What the code imports is loaded before, when files can be read
and nothing more. The kernel bounds memory and processor time, the parent time and output.
"""

import ast
import contextlib
import io
import json
import os
import resource
import sys
from collections.abc import Mapping
from typing import Any

from otel_threads import seccomp
from otel_threads.evaluate.conversation import Ranges, conversation_of_thread

MEMORY_BYTES_MAX = 512 << 20  # address space: about 40 MB are the interpreter's
CPU_S_MAX = 10
NICENESS = 10
# read, write, writev, close, fstat, lseek, mmap, mprotect, munmap, brk, mremap, madvise,
# rt_sigaction, rt_sigprocmask, rt_sigreturn, sigaltstack, restart_syscall, sched_yield, futex,
# getpid, gettid, getrusage, times, gettimeofday, clock_gettime, clock_getres, clock_nanosleep,
# nanosleep, getrandom, exit, exit_group
COMPUTING = {
    "x86_64": (
        *(0, 1, 20, 3, 5, 8, 9, 10, 11, 12, 25, 28),
        *(13, 14, 15, 131, 219, 24, 202),
        *(39, 186, 98, 100, 96, 228, 229, 230),
        *(35, 318, 60, 231),
    ),
    "aarch64": (
        *(63, 64, 66, 57, 80, 62, 222, 226, 215, 214, 216, 233),
        *(134, 135, 139, 132, 128, 124, 98),
        *(172, 178, 165, 153, 169, 113, 114, 115),
        *(101, 278, 93, 94),
    ),
}
# While modules are loaded, beside those: newfstatat, statx, getdents64, readlinkat, faccessat,
# faccessat2, fcntl, ioctl, pread64, getcwd, sysinfo, uname, sched_getaffinity, prlimit64, prctl,
# dup, getuid, geteuid, getgid, getegid, and on x86-64 stat, lstat, access, readlink.
LOADING = {
    "x86_64": (
        *(262, 332, 217, 267, 269, 439, 72, 16, 17, 79, 99, 63, 204, 302, 157),
        *(32, 102, 107, 104, 108, 4, 6, 21, 89),
    ),
    "aarch64": (
        *(79, 291, 61, 78, 48, 439, 25, 29, 67, 17, 179, 160, 123, 261, 167),
        *(23, 174, 175, 176, 177),
    ),
}
OPENING = {"x86_64": ((257, 2), (2, 1)), "aarch64": ((56, 2),)}  # openat, open; place of the flags


def main() -> None:
    """Read code and conversation from standard input, write scores or an error, and end."""
    result = os.fdopen(os.dup(1), "wb", buffering=0)
    given = json.loads(sys.stdin.buffer.read())
    machine = seccomp.machine()
    _bound()
    if machine is None or not seccomp.install(
        seccomp.allow_only(
            machine, (*COMPUTING[machine], *LOADING[machine]), read_only=OPENING[machine]
        )
    ):
        _answer(result, {"error": "this system has no seccomp filter: Python rules cannot run"})
        return
    sys.stdout = sys.stderr = io.StringIO()  # what the code prints has no reader
    try:
        tree = ast.parse(given["code"], "<rule>")
        _load(tree)
        if not seccomp.install(seccomp.allow_only(machine, COMPUTING[machine])):
            raise OSError("the second filter was refused")
        found = _scored(tree, given["conversation"], given["name"])
    except MemoryError:
        found = {"error": f"more than {MEMORY_BYTES_MAX >> 20} MiB of memory"}
    except BaseException as error:  # noqa: BLE001  # whatever the code raises is its answer
        found = {"error": f"{type(error).__name__}: {error}"}
    _answer(result, found)


def _answer(result: io.FileIO, found: Mapping[str, Any]) -> None:
    left = memoryview(json.dumps(found, default=repr).encode())
    while left:
        left = left[result.write(left) or 0 :]
    os._exit(0)  # no handler of the code runs any more


def _bound() -> None:
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_S_MAX),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def _load(tree: ast.Module) -> None:
    """Import what the code names anywhere; what is missing the code will find out itself."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
        for name in names:
            with contextlib.suppress(Exception):
                __import__(name)


def _scored(tree: ast.Module, conversation: Mapping[str, Any], name: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "rule"}
    exec(compile(tree, "<rule>", "exec"), space)  # noqa: S102  # what this process is for
    score = space.get("score")
    if not callable(score):
        return {"error": "the code defines no function score(conversation)"}
    found = score(conversation_of_thread(conversation, Ranges(**conversation["ranges"])))
    if found is None:
        return {"scores": []}
    if isinstance(found, dict) and not {"name", "value", "category", "reason"} & found.keys():
        found = [{"name": key, **_one(value)} for key, value in found.items()]
    rows = found if isinstance(found, list | tuple) else [found]
    return {"scores": [{"name": name, **_one(one)} for one in rows]}


def _one(found: Any) -> dict[str, Any]:
    """Return a score of what the code returned: a number, a truth, a category, or all its parts."""
    if isinstance(found, bool):
        return {"value": float(found)}
    if isinstance(found, int | float):
        return {"value": float(found)}
    if isinstance(found, str):
        return {"category": found}
    names = ("name", "value", "category", "reason")
    parts = found if isinstance(found, dict) else {n: getattr(found, n, None) for n in names}
    picked = {name: parts.get(name) for name in names if parts.get(name) is not None}
    value = picked.get("value")
    return {**picked, "value": float(value)} if isinstance(value, bool) else picked
