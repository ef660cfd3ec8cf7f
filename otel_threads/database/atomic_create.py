"""A new DuckDB file comes into being whole, or not at all.

DuckDB writes three headers, one after the other. A process that is killed in between leaves a file
under the name that everybody looks for, and nobody can open it. So it is made under another name.
"""

import contextlib
import os
from pathlib import Path

import duckdb

from otel_threads import durable

HEADERS_BYTES = 3 * 4096  # all that an empty database takes: DuckDB's storage format


def make(path: str, connection: duckdb.DuckDBPyConnection, options: str) -> None:
    """Make an empty database where there is no file; `options` are those of ATTACH.

    Where that cannot be done it does nothing: whoever opens the file next hears why.
    """
    unfinished = Path(f"{path}.unfinished")
    quoted = str(unfinished).replace("'", "''")
    with contextlib.suppress(OSError, duckdb.Error):
        if unfinished.exists():  # of a process that was killed; with rows it is not, and stays
            if unfinished.stat().st_size > HEADERS_BYTES:
                return
            unfinished.unlink()
        connection.execute(f"attach '{quoted}' as new_file ({options})")
        connection.execute("detach new_file")
        try:
            durable.sync(unfinished)
            os.link(unfinished, path)  # never in place of a file that somebody else just made
            durable.sync_names(Path(path).parent)
        finally:
            unfinished.unlink()
