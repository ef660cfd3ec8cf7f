"""What is changed in the interpreter of a process that is ours alone: a server, a rebuild.

Never in a library: these hold for everything that runs in the process. With
`tune_process = false` they are left out in a server, too.
"""

import contextlib
import ctypes
import gc
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow

SWITCH_INTERVAL_S = 0.0005
GARBAGE_THRESHOLDS = (20_000, 20, 100)  # of Python's three generations; its own are 700, 10, 10
# Of glibc's allocator, by the numbers of its malloc.h.
MALLOC_SETTINGS = {
    -8: 2,  # M_ARENA_MAX: of the up to eight heaps a core, each kept what its own threads freed
    -3: 2 << 20,  # M_MMAP_THRESHOLD: larger ones have pages of their own, given back at once
    -1: 8 << 20,  # M_TRIM_THRESHOLD: what may stay free at a heap's end; both grow if left alone
}

MADV_DONTNEED = 4  # of Linux's madvise
# A mapping of /proc/self/smaps that is a file's code, and what of it this process wrote over.
CODE = re.compile(
    r"^(\w+)-(\w+) r-xp [^/\n]*/(?:.*\n)(?:\w+:.*\n)*?Anonymous: +(\d+) kB", re.MULTILINE
)


def tune() -> None:
    """Settle the interpreter for deriving beside requests. To be called once, before the work."""
    # Requests wait for the interpreter behind the deriver: hand it over ten times as often.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _settle_missing_imports()
    _settle_heaps()
    # Arrow's own pool asks for huge pages and keeps what was freed: the system's allocator takes
    # 35 MB less while 4 kB spans come in, and the deriver is 1.03 times as fast.
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    # Spans become very many small objects, none of them in a cycle: looking for cycles at Python's
    # own pace took a fifth of the deriver's time. What the imports left is not looked at again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def release_code() -> None:
    """Give back what only the start needed of libraries' code; what is needed again comes back.

    Around each page that loading touches, Linux maps fifteen more: 55 MB in the end.
    """
    if sys.platform != "linux":
        return
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)
    with contextlib.suppress(OSError):  # /proc may be closed to us
        for start, end, written_kb in CODE.findall(Path("/proc/self/smaps").read_text()):
            if written_kb == "0":  # else a debugger's changes would be lost
                madvise(int(start, 16), int(end, 16) - int(start, 16), MADV_DONTNEED)


@contextlib.contextmanager
def without_garbage() -> Iterator[None]:
    """Look for no cycles meanwhile, in a process of ours; for work of a second or two without any.

    All that is alive would be looked through again and again: a tenth of the deriver's time.
    """
    if gc.get_threshold() != GARBAGE_THRESHOLDS:  # not tuned: somebody else's process
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _settle_missing_imports() -> None:
    """Spare this process what DuckDB looks for and can do without.

    Where pandas is not installed, importing it fails just as it did, only at once: that is 0.4 ms,
    eight times a commit. pyarrow.dataset would choose rows and columns of registered tables before
    DuckDB does: 0.4 ms a table, more than it spares our short ones, and 20 MB of libraries.
    """
    pyarrow.array([])  # looks for pandas too, once, and must have done so before
    missing = ["pyarrow.dataset"]
    if importlib.util.find_spec("pandas") is None:
        missing.append("pandas")
    for name in missing:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def _settle_heaps() -> None:
    """Let the C heap stay whole where it is glibc's; whoever sets its variables means it.

    Ten minutes at half speed left 130 MB of holes in it; with these settings 15.
    """
    if sys.platform != "linux" or any(
        name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ
    ):
        return
    with contextlib.suppress(AttributeError):  # musl has no such settings
        mallopt = ctypes.CDLL(None).mallopt
        for setting, value in MALLOC_SETTINGS.items():
            mallopt(setting, value)
