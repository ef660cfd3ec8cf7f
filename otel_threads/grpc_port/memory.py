"""How much memory this process takes."""

import os
import sys
from pathlib import Path


def resident_bytes() -> int | None:
    """Return the resident memory of this process; None where the system does not tell cheaply."""
    if sys.platform != "linux":
        return None
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[1]
    except OSError:  # /proc may be closed to us
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
