"""Lets a process read a DuckDB file that another process holds for writing.

DuckDB asks for a lock on each file that it opens, and is refused while a server has the file. Where
a file system has no locks (ENOTSUP), DuckDB reads without one. A seccomp filter gives this process
that answer for every lock on a file. Nothing here makes such reading safe: whoever starts the
process keeps the file unchanged meanwhile (`Database.file_snapshot`).
"""

import ctypes
import errno
import platform
import sys

from otel_threads.database import duckdb_versions

# From Linux's headers: prctl.h, seccomp.h, filter.h, audit.h, fcntl.h.
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ANSWER_ERRNO, ALLOW = 0x00050000, 0x7FFF0000
NUMBER_AT, ARCH_AT, SECOND_ARGUMENT_AT = 0, 4, 24  # in struct seccomp_data
F_SETLK = 6  # what DuckDB asks for
ARCHITECTURES = {"x86_64": (0xC000003E, 72), "aarch64": (0xC00000B7, 25)}  # and fcntl's number


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jump_true", ctypes.c_ubyte),
        ("jump_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def do_without() -> bool:
    """Have every lock that this process asks for answered with ENOTSUP; for good.

    Call it before there are threads: the filter holds for the calling thread and those it starts.
    Returns False where the system has no such filter (not Linux, or forbidden), and on a version of
    DuckDB that is not tested: locks are as ever.
    """
    if not duckdb_versions.is_tested():
        return False
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        return False
    architecture, fcntl_number = ARCHITECTURES[platform.machine()]
    instructions = [
        _Instruction(LOAD, 0, 0, ARCH_AT),
        _Instruction(JUMP_IF_EQUAL, 0, 5, architecture),
        _Instruction(LOAD, 0, 0, NUMBER_AT),
        _Instruction(JUMP_IF_EQUAL, 0, 3, fcntl_number),
        _Instruction(LOAD, 0, 0, SECOND_ARGUMENT_AT),
        _Instruction(JUMP_IF_EQUAL, 0, 1, F_SETLK),
        _Instruction(RETURN, 0, 0, ANSWER_ERRNO | errno.ENOTSUP),
        _Instruction(RETURN, 0, 0, ALLOW),
    ]
    filter_ = (_Instruction * len(instructions))(*instructions)
    program = _Program(len(instructions), filter_)
    prctl = ctypes.CDLL(None).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    done: int = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    return done == 0
