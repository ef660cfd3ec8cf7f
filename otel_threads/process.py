"""What is changed in the interpreter of a process that is ours alone: a server, a rebuild.

Never in a library: these hold for everything that runs in the process.
"""

import contextlib
import ctypes
import gc
import importlib.util
import os
import sys
from collections.abc import Iterator

import pyarrow

SWITCH_INTERVAL_S = 0.0005
GARBAGE_THRESHOLDS = (20_000, 20, 100)  # of Python's three generations; its own are 700, 10, 10
# Of glibc's allocator, by the numbers of its malloc.h.
MALLOC_SETTINGS = {
    -8: 2,  # M_ARENA_MAX: of the up to eight heaps a core, each kept what its own threads freed
    -3: 4 << 20,  # M_MMAP_THRESHOLD: larger ones have pages of their own, given back at once
    -1: 8 << 20,  # M_TRIM_THRESHOLD: what may stay free at a heap's end; both grow if left alone
}


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
    """Spare this process DuckDB's search for pandas: eight times a commit, 0.4 ms each.

    Where pandas is not installed, importing it fails just as it did, only at once.
    """
    pyarrow.array([])  # looks for pandas too, once, and must have done so before
    if importlib.util.find_spec("pandas") is None:
        sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]


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
