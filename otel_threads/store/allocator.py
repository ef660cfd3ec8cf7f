"""Has DuckDB's own allocator (jemalloc) give back what was freed, before and after a fold.

It keeps that for a second by itself. A fold frees what the rows took and takes as much to compress
them: at full speed, with one a second, 40 MB that nobody used. Nothing where DuckDB has no
allocator of its own (it has one on Linux), or no longer shows it.
"""

import ctypes
import functools
import sys
from collections.abc import Callable

import duckdb

PURGE = b"arena.4096.purge"  # 4096: all arenas (MALLCTL_ARENAS_ALL of jemalloc's manual)


def give_back() -> bool:
    """Return whether there was an allocator to do so; safe in any thread."""
    control = _control()
    return control is not None and control(PURGE, None, None, None, 0) == 0


@functools.cache
def _control() -> Callable[..., int] | None:
    module = sys.modules[duckdb.DuckDBPyConnection.__module__]
    try:
        control = ctypes.CDLL(module.__file__).duckdb_je_mallctl
    except (OSError, AttributeError):
        return None
    pointer = ctypes.c_void_p
    control.argtypes = (ctypes.c_char_p, pointer, pointer, pointer, ctypes.c_size_t)
    return control
