"""What is changed in processes that are ours alone, and nowhere else."""

import gc
import os
import platform
import subprocess
import sys

import pytest

from otel_threads import process


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_it_rests_and_goes_on_also_after_an_error():
    gc.set_threshold(*process.GARBAGE_THRESHOLDS)
    with process.without_garbage():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), process.without_garbage():
        raise KeyError
    assert gc.isenabled()


def test_nothing_changes_in_the_process_of_somebody_else():
    gc.set_threshold(700, 10, 10)
    with process.without_garbage():
        assert gc.isenabled()


THREADS_THAT_ALLOCATE = """
import ctypes, threading
from otel_threads import process
process.tune()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def allocate():
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(b"heaps", b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc")
@pytest.mark.parametrize(("set_by_user", "most"), [({}, 2), ({"MALLOC_ARENA_MAX": "5"}, 5)])
def test_threads_share_two_heaps_unless_the_user_says_otherwise(tmp_path, set_by_user, most):
    env = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    subprocess.run(
        [sys.executable, "-c", THREADS_THAT_ALLOCATE],
        env={**env, **set_by_user}, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert (tmp_path / "heaps").read_text().count("<heap nr=") == most
