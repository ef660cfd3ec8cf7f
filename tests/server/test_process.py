"""What is changed in processes that are ours alone, and nowhere else."""

import gc
import os
import platform
import subprocess
import sys

import pytest

from otel_threads import process

pytestmark = pytest.mark.slow  # starts programs


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
        env={**env, **set_by_user},
        cwd=tmp_path,
        check=True,
    )
    assert (tmp_path / "heaps").read_text().count("<heap nr=") == most


def in_a_process_of_ours(code: str, tmp_path) -> str:
    start = "from otel_threads import process\nprocess.tune()\n"
    return subprocess.run(
        [sys.executable, "-c", start + code],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


ASKS_A_TABLE = """
import sys, duckdb, pyarrow as pa
rows = {"n": range(20_000), "s": [f"s{i}" for i in range(20_000)], "nothing": [None] * 20_000}
connection = duckdb.connect()
connection.register("lent", pa.table(rows))
for where in ("n = 7", "n between 5 and 9", "s in ('s3', 's4')", "s > 's9998'", "n < 4 or s = 's6'",
              "nothing is null and n < 3", "s like 's1999_'", "n in (select n + 1 from lent)"):
    counted = connection.execute(f"select count(*), min(n) from lent where {where}").fetchone()
    print(*counted)
assert "pyarrow._dataset" not in sys.modules
"""


def test_tables_are_read_without_the_library_that_chooses_their_rows(tmp_path):
    expected = "1 7\n5 5\n2 3\n1 9999\n5 0\n3 0\n10 19990\n19999 1\n"
    assert in_a_process_of_ours(ASKS_A_TABLE, tmp_path) == expected


LETS_GO = """
import ctypes, mmap
from otel_threads import server
def state():
    return {name: int(kb) for name, kb in (line.split()[:2] for line in open("/proc/self/status")
            if line.startswith("Rss"))}
libc = ctypes.CDLL(None)
libc.mprotect.argtypes = ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int
page = ctypes.cast(libc.lfind, ctypes.c_void_p).value // mmap.PAGESIZE * mmap.PAGESIZE
libc.mprotect(page, mmap.PAGESIZE, 7)
byte = ctypes.cast(page, ctypes.POINTER(ctypes.c_ubyte))
byte[0] = byte[0]  # as a debugger does that sets a mark
libc.mprotect(page, mmap.PAGESIZE, 5)
def written():
    maps = process.CODE.findall(open("/proc/self/smaps").read())
    return [kb for start, end, kb in maps if int(start, 16) <= page < int(end, 16)]
before, marked = state(), written()
process.release_code()
after = state()
assert marked == written() and marked != ["0"], (marked, written())
assert abs(after["RssAnon:"] - before["RssAnon:"]) < 2000, (before, after)
print(before["RssFile:"] - after["RssFile:"])
import duckdb, pyarrow.compute
assert duckdb.sql("select count(*) from range(1000) where range % 7 = 0").fetchone() == (143,)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a call of Linux")
def test_code_that_only_the_start_needed_is_released(tmp_path):
    assert int(in_a_process_of_ours(LETS_GO, tmp_path)) > 20_000  # kB


SERVES = """
import sys
from otel_threads.cli import cli
cli.get_command(None, "serve")
import otel_threads.server
print(sorted({"httpx", "rich", "prompt_toolkit"} & set(sys.modules)))
"""


def test_a_server_imports_nothing_that_only_commands_need(tmp_path):
    assert in_a_process_of_ours(SERVES, tmp_path) == "[]\n"


TUNED = """
import sys, gc, pyarrow
from otel_threads import process, server
from otel_threads.core.config import Config
class Stop(Exception): pass
def serve(config, **options):
    raise Stop
server.serve = serve
try:
    server.run(Config(tune_process=sys.argv[1] == "true"))
except Stop:
    tuned = gc.get_threshold() == process.GARBAGE_THRESHOLDS
    tuned_switch = abs(sys.getswitchinterval() - process.SWITCH_INTERVAL_S) < 1e-6
    tuned_memory = pyarrow.default_memory_pool().backend_name == "system"
    print(tuned, tuned_switch, tuned_memory)
"""


@pytest.mark.parametrize("tuned", ["true", "false"])
def test_a_setting_leaves_the_process_of_a_server_alone(tmp_path, tuned):
    env = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    found = subprocess.run(
        [sys.executable, "-c", TUNED, tuned],
        env=env,
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert found == " ".join([tuned.title()] * 3)
