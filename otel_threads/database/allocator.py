"""Has the allocators give back what was freed, before and after a checkpoint.

DuckDB's own (jemalloc) keeps that for a second by itself. A checkpoint frees what the rows took and
takes as much to compress them: at full speed, with one a second, 40 MB that nobody used. glibc's,
which all the rest has, keeps the holes that requests left in its heaps: 10 to 20 MB. Nothing where
there are no such allocators; DuckDB's is left alone on versions that are not tested.
"""

import ctypes
import functools
import sys
from collections.abc import Callable

import duckdb

from otel_threads.database import duckdb_versions

PURGE = b"arena.4096.purge"  # 4096: all arenas (MALLCTL_ARENAS_ALL of jemalloc's manual)


def give_back() -> bool:
    """Return whether DuckDB's allocator was there to do so; safe in any thread."""
    if trim := _trim():
        trim(0)
    control = _control()
    return control is not None and control(PURGE, None, None, None, 0) == 0


@functools.cache
def _control() -> Callable[..., int] | None:
    if not duckdb_versions.is_tested():
        return None
    module = sys.modules[duckdb.DuckDBPyConnection.__module__]
    try:
        control = ctypes.CDLL(module.__file__).duckdb_je_mallctl
    except (OSError, AttributeError):
        return None
    pointer = ctypes.c_void_p
    control.argtypes = (ctypes.c_char_p, pointer, pointer, pointer, ctypes.c_size_t)
    return control


@functools.cache
def _trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim  # musl has none
    except AttributeError:
        return None
    trim.argtypes = (ctypes.c_size_t,)
    return trim
