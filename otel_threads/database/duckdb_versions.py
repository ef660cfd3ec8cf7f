"""On which versions of DuckDB this program acts on DuckDB's insides.

The layout of its file, the checksums of its blocks, the calls of its allocator and the lock that it
takes on a file are no interfaces of DuckDB: a release may change them. On a version that nobody
tested, this program does without them.
"""

import functools
import logging

import duckdb

logger = logging.getLogger(__name__)
# On which tests/database and tests/store passed. To add one, run them with it.
TESTED = frozenset({"1.5.5", "1.5.6"})
LEFT_OUT = (
    "no copies of what a checkpoint overwrites (a kill during a checkpoint may damage the file)",
    "no look for other programs that write over the file",
    "backups are checked by reading every value (slow)",
    "external SQL reads a copy of the file (slow)",
    "DuckDB's allocator keeps freed memory for a second",
)


@functools.cache
def is_tested() -> bool:
    """Return whether the insides of the DuckDB that is loaded are known; safe in any thread.

    The first time that they are not, a warning says what is left out.
    """
    if duckdb.__version__ in TESTED:
        return True
    logger.warning(
        "DuckDB %s is none of the tested versions (%s). Left out: %s. Install a tested version.",
        duckdb.__version__,
        ", ".join(sorted(TESTED)),
        "; ".join(LEFT_OUT),
    )
    return False
