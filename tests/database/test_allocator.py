"""The allocators give back what was freed when they are told to."""

import platform
import subprocess
import sys

import pytest

# In a process of its own: what others freed there would be given back, too.
BEGINNING = """
import duckdb, pathlib
from otel_threads.database import allocator

def resident_mb():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

"""
OF_DUCKDB = """
given_back_mb = []
with duckdb.connect() as connection:
    connection.execute("set enable_progress_bar = false")
    for _ in range(5):  # by itself it gives back after a second; that may fall in between
        connection.execute("create table t as select range as n, random() from range(4_000_000)")
        connection.execute("drop table t")  # of 64 MB at least
        freed = resident_mb()
        assert allocator.give_back()
        given_back_mb.append(freed - resident_mb())
print(max(given_back_mb))
"""
OF_GLIBC = """
texts = [b"x" * 64 * 1024 for _ in range(1000)]
texts[1::2] = [None] * 500  # holes between what stays: 32 MB
freed = resident_mb()
allocator.give_back()
print(freed - resident_mb())
"""


def given_back_mb(script):
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="DuckDB has its own allocator on Linux")
def test_duckdb_gives_back_what_it_freed():
    assert given_back_mb(OF_DUCKDB) > 32


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's heap keeps holes")
def test_the_heap_gives_back_its_holes():
    assert given_back_mb(OF_GLIBC) > 24
