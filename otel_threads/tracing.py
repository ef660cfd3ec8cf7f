"""Our own spans, when an operator asks for them; nothing otherwise.

They go to another OTLP endpoint, never to this server: each of its spans would make new ones.
"""

import contextlib
import importlib.metadata
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from otel_threads.core.config import Config, ConfigError, endpoint

_tracer: Any = None


def start(config: Config) -> None:
    """Begin to send spans, if `self_traces_endpoint` is set.

    Raises:
        ConfigError: it is one of this server's own ports, or the extra is not installed.
    """
    global _tracer
    if not config.self_traces_endpoint:
        return
    _refuse_own_ports(config)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigError(
            "self_traces_endpoint needs `pip install 'otel-threads[tracing]'`"
        ) from None
    version = importlib.metadata.version("otel-threads")
    provider = TracerProvider(
        resource=Resource.create({"service.name": "otel-threads", "service.version": version})
    )
    url = config.self_traces_endpoint.rstrip("/")
    url = url if url.endswith("/v1/traces") else f"{url}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    _tracer = provider.get_tracer("otel_threads", version)


@contextlib.contextmanager
def span(name: str, **attributes: int | float | str) -> Iterator[None]:
    """Make what runs inside a span. Attributes are counts and sizes, nothing that was received."""
    if _tracer is None:
        yield
        return
    named = {f"otel_threads.{key}": value for key, value in attributes.items()}
    with _tracer.start_as_current_span(name, attributes=named):
        yield


def _refuse_own_ports(config: Config) -> None:
    parts = urlsplit(config.self_traces_endpoint or "")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"self_traces_endpoint={config.self_traces_endpoint!r} is not http://host:port"
        )
    port = parts.port or (443 if parts.scheme == "https" else 80)
    own = {
        endpoint(getattr(config, name), setting=name)[1]
        for name in ("otlp_http_endpoint", "otlp_grpc_endpoint")
    }
    here = ("localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname())  # noqa: S104  # compared, not bound
    if port in own and parts.hostname in here:
        raise ConfigError(
            "self_traces_endpoint is this server's own port: its spans would never end"
        )
