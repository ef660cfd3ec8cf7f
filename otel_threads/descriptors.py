"""How many file descriptors the process may hold, and how many of them each port may use.

A server out of descriptors accepts nobody, and DuckDB cannot open its temporary files. So the ports
share what is left over, each with a share of its own: a flood on one port leaves the others theirs.
"""

import logging
import os
import resource
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

# Kept back beside what is open at start (27 on Linux, idle): DuckDB's temporary files, a snapshot,
# a backup's pipes and its copy, a query process, sockets of our own exporter. An estimate, not a
# measure.
HEADROOM = 36
# With fewer, a port would refuse what one browser and one Collector open.
PORT_MIN = 4
LIMIT_MAX = 1 << 16  # more is never used, and some tools walk over all that may be open
SHARES = {"otlp_grpc": 0.3, "otlp_http": 0.3, "http": 0.3, "grpc": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptorBudget:
    """How many connections each port may hold open, by descriptors alone."""

    limit: int  # RLIMIT_NOFILE, the soft one
    otlp_grpc: int
    otlp_http: int
    http: int
    grpc: int


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one, and return it.

    Systems start services with a soft limit of 1,024, or 256, for programs that use `select`; this
    process does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = LIMIT_MAX if hard == resource.RLIM_INFINITY else min(hard, LIMIT_MAX)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return LIMIT_MAX if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS refuses more than kern.maxfilesperproc
        return soft
    return wanted


def open_count() -> int:
    """Return how many descriptors the process holds now; a guess where there is no `/dev/fd`."""
    for folder in (Path("/proc/self/fd"), Path("/dev/fd")):
        if folder.is_dir():
            return len(os.listdir(folder)) - 1  # without the one that lists  # noqa: PTH208
    return 32


def descriptor_budget(limit: int, *, opened: int) -> DescriptorBudget:
    """Split what is left of `limit` after the `opened` ones and the headroom among the ports.

    A limit that is too small for all is split all the same, `PORT_MIN` at least for each, and
    logged.
    """
    free = limit - opened - HEADROOM
    if free < PORT_MIN / min(SHARES.values()):
        # Half of what is there: a server that answers a few beats one that refuses to start.
        logger.warning(
            "%d files may be open and %d are: the ports share few connections; "
            "raise the limit (ulimit -n) to 1024 or more",
            limit,
            opened,
        )
        free = max(free, (limit - opened) // 2)
    split = {name: max(PORT_MIN, int(free * share)) for name, share in SHARES.items()}
    return DescriptorBudget(limit=limit, **split)
