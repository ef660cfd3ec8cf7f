"""Lets a process read a DuckDB file that another process holds for writing.

DuckDB asks for a lock on each file that it opens, and is refused while a server has the file. Where
a file system has no locks (ENOTSUP), DuckDB reads without one. A seccomp filter gives this process
that answer for every lock on a file. Nothing here makes such reading safe: whoever starts the
process keeps the file unchanged meanwhile (`Database.file_snapshot`).
"""

import errno

from otel_threads import seccomp
from otel_threads.database import duckdb_versions
from otel_threads.seccomp import ALLOW, ARCH_AT, JUMP_IF_EQUAL, LOAD, NUMBER_AT, RETURN

FCNTL = {"x86_64": 72, "aarch64": 25}
F_SETLK = 6  # what DuckDB asks for


def do_without() -> bool:
    """Have every lock that this process asks for answered with ENOTSUP; for good.

    Call it before there are threads: the filter holds for the calling thread and those it starts.
    Returns False where the system has no such filter (not Linux, or forbidden), and on a version of
    DuckDB that is not tested: locks are as ever.
    """
    machine = seccomp.machine()
    if machine is None or not duckdb_versions.is_tested():
        return False
    return seccomp.install(
        [
            (LOAD, 0, 0, ARCH_AT),
            (JUMP_IF_EQUAL, 0, 5, seccomp.ARCHITECTURES[machine]),
            (LOAD, 0, 0, NUMBER_AT),
            (JUMP_IF_EQUAL, 0, 3, FCNTL[machine]),
            (LOAD, 0, 0, seccomp.argument_at(1)),
            (JUMP_IF_EQUAL, 0, 1, F_SETLK),
            seccomp.refuse(errno.ENOTSUP),
            (RETURN, 0, 0, ALLOW),
        ]
    )
