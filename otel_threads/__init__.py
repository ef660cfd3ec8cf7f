"""otel-threads: conversations from OpenTelemetry spans."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_threads.local import connect
    from otel_threads.sdk.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "__version__", "connect"]
__version__ = "0.1.0"


_HOMES = {
    "AsyncClient": "otel_threads.sdk.client",
    "Client": "otel_threads.sdk.client",
    "connect": "otel_threads.local",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for, and nothing else: this is imported by other people's programs."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
