"""otel-threads: conversations from OpenTelemetry spans."""

__version__ = "0.1.0"
