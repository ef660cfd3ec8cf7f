"""Ports for servers that tests start where they say, and start again there."""

import contextlib
import random
import socket

PORTS = range(20_000, 30_000)  # of which no system gives one to a client's connection


def free_port() -> int:
    """Return a port that a server has for itself again after it was killed.

    One that the system gives (port 0) may be a connection's by then: other tests open thousands.
    """
    while True:
        port = random.choice(PORTS)
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def free_endpoint() -> str:
    """Return `127.0.0.1:port` with such a port."""
    return f"127.0.0.1:{free_port()}"
