"""How a server takes over from one that was killed just now: its file, its ports.

A killed process is gone for its parent before the kernel has closed its files and sockets, and a
server that a supervisor starts anew is looked for where the last one was.
"""

import asyncio
import contextlib
import dataclasses
import errno
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from otel_threads import supervisor
from otel_threads.core.config import ENDPOINTS, Config, endpoint
from otel_threads.core.errors import DatabaseInUse

logger = logging.getLogger(__name__)
WAIT_S = 5.0  # for a process that is ending: the kernel frees a gigabyte in 0.2 s
PAUSE_S = 0.05
EXITING = 0x4  # PF_EXITING of Linux's process flags
Opened = TypeVar("Opened")


class ServerInfo(TypedDict, total=False):
    """What the server info file holds: who serves a database, and where."""

    pid: int
    supervisor_pid: int
    otlp_grpc: str
    otlp_http: str
    http: str
    grpc: str


def server_info(database: str) -> ServerInfo:
    """Return what the server that has a database open says of itself, or said before it died."""
    try:
        found: ServerInfo = json.loads(Path(f"{database}.server.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def identity() -> ServerInfo:
    """Return how the server info file names this process and, where there is one, its watcher."""
    watched = supervisor.child()
    if watched is None:
        return {"pid": os.getpid()}
    return {"pid": os.getpid(), "supervisor_pid": watched.supervisor_pid}


async def opened(make: Callable[[Config], Opened], config: Config) -> Opened:
    """Return what `make` opens; wait up to `WAIT_S` while a process that is ending holds the file.

    Raises:
        DatabaseRefused: it cannot be opened; at once where a server is at work on it.
    """
    until = time.monotonic() + WAIT_S
    is_told = False
    while True:
        try:
            return await asyncio.to_thread(make, config)
        except DatabaseInUse as error:
            info = server_info(config.database)
            if time.monotonic() >= until or is_serving(error.pid, info):
                raise
            if not is_told:
                logger.warning("%s Waiting up to %g s for it.", error, WAIT_S)
                is_told = True
        await asyncio.sleep(PAUSE_S)


def is_serving(pid: int, info: ServerInfo) -> bool:
    """Return whether a process is a server at work, by the server info file and the kernel.

    One that starts or stops has no such file: False, like one that was killed. Where the kernel
    does not tell (macOS), False as well.
    """
    if info.get("pid") != pid:
        return False
    try:
        # Fields after the name, which may hold blanks: state, ppid, and flags as the seventh.
        state, parent, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    pending = [line.split()[1] for line in status.splitlines() if line[:6] in ("SigPnd", "ShdPnd")]
    is_killed = any(int(mask, 16) >> (signal.SIGKILL - 1) & 1 for mask in pending)
    is_orphan = "supervisor_pid" in info and int(parent) != info["supervisor_pid"]
    return not (is_killed or is_orphan or state in "ZX" or int(rest[4]) & EXITING)


def with_ports_of(config: Config, before: ServerInfo) -> Config:
    """Return the settings with the ports of the crashed server in place of free ones (port 0).

    Only for a server that its supervisor started anew, and only ports that are free still.
    """
    watched = supervisor.child()
    if not watched or before.get("supervisor_pid") != watched.supervisor_pid:
        return config
    same: dict[str, Any] = {}
    for setting in ENDPOINTS:
        host, port = endpoint(getattr(config, setting), setting=setting)
        earlier = str(before.get(setting.removesuffix("_endpoint"), ""))
        if port == 0 and earlier.startswith(f"{host}:") and not _is_taken(earlier, setting):
            same[setting] = earlier
    return dataclasses.replace(config, **same)


async def wait_for_ports(config: Config, before: ServerInfo) -> None:
    """Wait up to `WAIT_S` until the ports of a killed server are free; who listens says why not.

    A server that stopped has removed its server info file: then there is nothing to wait for.
    """
    until = time.monotonic() + WAIT_S
    for setting in ENDPOINTS:
        address = getattr(config, setting)
        if before.get(setting.removesuffix("_endpoint")) != address:
            continue
        while _is_taken(address, setting) and time.monotonic() < until:
            await asyncio.sleep(PAUSE_S)


def _is_taken(address: str, setting: str) -> bool:
    host, port = endpoint(address, setting=setting)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.suppress(OSError):
        try:
            socket.create_server((host, port), family=family).close()
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
