"""What DuckDB's errors mean, and what to do about them."""

import contextlib
import re
from collections.abc import Iterator

import duckdb

from otel_threads.core.errors import DatabaseInUse, DatabaseRefused, Unavailable

_LOCKED = re.compile(r"Conflicting lock is held in (.*?) ?\(PID (\d+)\)")


@contextlib.contextmanager
def classified(*, fatal_only: bool = False) -> Iterator[None]:
    """Turn what is no fault of a query into Unavailable: it may be retried."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        if fatal_only:
            raise
        raise Unavailable(
            "no memory left for this query just now (memory_limit_bytes); try again"
        ) from None
    except duckdb.Error as error:
        # A reopen that waited in vain closed the cursor.
        if not is_fatal(error) and not isinstance(error, duckdb.ConnectionException):
            raise
        raise Unavailable("the database is being opened again; try again") from None


def is_fatal(error: BaseException) -> bool:
    """Return whether DuckDB invalidated the database, so that only a reopen helps."""
    return isinstance(error, duckdb.FatalException | duckdb.InternalException) or (
        "has been invalidated" in str(error)
    )


def refused(path: str, error: duckdb.Error) -> DatabaseRefused:
    """Return what to raise of DuckDB's refusal to open a file, with the process that holds it."""
    held = _LOCKED.search(str(error))
    said = explain(path, error)
    return DatabaseInUse(said, int(held[2])) if held else DatabaseRefused(said)


def explain(path: str, error: duckdb.Error) -> str:
    """Return what DuckDB's refusal to open a file means, and what to do."""
    text = str(error)
    if held := _LOCKED.search(text):
        return (
            f"{path} is in use by process {held[2]} ({held[1] or 'unknown'}). Stop that process, "
            "or name another file with --database; a running server answers SQL and the commands "
            "of otel-threads itself."
        )
    if "Cannot open file" in text or "No such file or directory" in text:
        reason = text.removeprefix("IO Error: ").splitlines()[0]
        return f"{path} cannot be opened: {reason}. Check the folder and its rights."
    if "storage version" in text or "newer version of DuckDB" in text or "version number" in text:
        return (
            f"{path} was written by a newer DuckDB than {duckdb.__version__}, which this program "
            "uses. Upgrade otel-threads, or name another file with --database."
        )
    if "not a valid DuckDB database" in text:
        return f"{path} is not a DuckDB database. Name another file with --database."
    if "Corrupt database file" in text:
        return (
            f"{path} is damaged: {text.splitlines()[0]}. Go back to a backup; what can be"
            " read still can be saved with `otel-threads export` and `otel-threads sql -o`."
        )
    return f"{path} cannot be opened: {text.splitlines()[0]}"
