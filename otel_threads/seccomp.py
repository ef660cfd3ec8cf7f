"""Filters of system calls for a process of ours (seccomp, Linux): built, and installed for good.

A filter holds for the calling thread and those it starts: install it before there are threads.
"""

import ctypes
import errno
import platform
import sys
from collections.abc import Iterable, Sequence

# From Linux's headers: prctl.h, seccomp.h, filter.h, audit.h.
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
ANSWER_ERRNO, ALLOW = 0x00050000, 0x7FFF0000
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
Step = tuple[int, int, int, int]  # code, jumps if true and if false, value


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jump_true", ctypes.c_ubyte),
        ("jump_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def machine() -> str | None:
    """Return the architecture, None where there are no such filters."""
    found = platform.machine()
    return found if sys.platform == "linux" and found in ARCHITECTURES else None


def refuse(error: int = errno.EPERM) -> Step:
    """Return the step that answers a call with an error."""
    return (RETURN, 0, 0, ANSWER_ERRNO | error)


def argument_at(index: int) -> int:
    """Return where the lower half of a call's argument is."""
    return ARGUMENTS_AT + 8 * index


def allow_only(
    architecture: str, numbers: Iterable[int], *, read_only: Sequence[tuple[int, int]] = ()
) -> list[Step]:
    """Return a filter that refuses all but some calls with EPERM.

    `read_only` are calls that open files, each with the place of its flags: only to read.
    """
    steps: list[Step] = [
        (LOAD, 0, 0, ARCH_AT),
        (JUMP_IF_EQUAL, 1, 0, ARCHITECTURES[architecture]),
        refuse(),
        (LOAD, 0, 0, NUMBER_AT),
    ]
    for number in numbers:
        steps += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    for number, place in read_only:
        steps += [
            (JUMP_IF_EQUAL, 0, 5, number),
            (LOAD, 0, 0, argument_at(place)),
            (AND, 0, 0, 0o3 | 0o100 | 0o1000),  # O_ACCMODE, O_CREAT, O_TRUNC
            (JUMP_IF_EQUAL, 0, 1, 0),
            (RETURN, 0, 0, ALLOW),
            refuse(errno.EACCES),
        ]
    return [*steps, refuse()]


def install(steps: Sequence[Step]) -> bool:
    """Install a filter in this process; return whether the system took it."""
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    prctl = ctypes.CDLL(None).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    done: int = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    return done == 0
