"""New databases for tests that need many: in a process their schema is made once, and copied."""

import tempfile
from functools import cache
from pathlib import Path

from otel_threads.database.database import Database

MEMORY_BYTES = 128 << 20


def a_database(path: str | Path) -> Database:
    """Return an open database; where there is no file, in a new one, as `Database` makes it."""
    if not Path(path).exists():
        Path(path).write_bytes(new_file())
    return Database(str(path), memory_limit_bytes=MEMORY_BYTES)


@cache
def new_file() -> bytes:
    """Return a file as `Database` makes it: all schema steps took a fifth of a server's start."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "new.duckdb")
        Database(str(path), memory_limit_bytes=MEMORY_BYTES).close()
        return path.read_bytes()
