"""otel-threads: conversations from OpenTelemetry spans."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_threads.sdk.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load what is asked for, and nothing else: this is imported by other people's programs."""
    if name in ("AsyncClient", "Client"):
        from otel_threads.sdk import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
