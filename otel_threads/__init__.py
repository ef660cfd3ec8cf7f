"""otel-threads: conversations from OpenTelemetry spans."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_threads.exporter import DuckDBSpanExporter
    from otel_threads.local import connect
    from otel_threads.sdk.client import AsyncClient, Client
    from otel_threads.sdk.context import current, thread
    from otel_threads.sdk.evaluation import Evaluation, evaluate
    from otel_threads.sdk.feedback import comment, score, tag
    from otel_threads.sdk.processor import ThreadSpanProcessor

__all__ = [
    "AsyncClient",
    "Client",
    "DuckDBSpanExporter",
    "Evaluation",
    "ThreadSpanProcessor",
    "__version__",
    "comment",
    "connect",
    "current",
    "evaluate",
    "score",
    "tag",
    "thread",
]
__version__ = "0.1.0"
_HOMES = {
    "AsyncClient": "otel_threads.sdk.client",
    "Client": "otel_threads.sdk.client",
    "DuckDBSpanExporter": "otel_threads.exporter",
    "Evaluation": "otel_threads.sdk.evaluation",
    "ThreadSpanProcessor": "otel_threads.sdk.processor",
    "comment": "otel_threads.sdk.feedback",
    "connect": "otel_threads.local",
    "current": "otel_threads.sdk.context",
    "evaluate": "otel_threads.sdk.evaluation",
    "score": "otel_threads.sdk.feedback",
    "tag": "otel_threads.sdk.feedback",
    "thread": "otel_threads.sdk.context",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for, and nothing else: this is imported by other people's programs."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
