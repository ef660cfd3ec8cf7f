"""Errors as OTLP senders understand them: one table for gRPC and HTTP.

A sender drops its batch on a code that is not retryable, so what we do not know is UNAVAILABLE and
503, never INTERNAL: losing spans is worse than seeing them twice. Overload is UNAVAILABLE with
RetryInfo on gRPC, because Go Collectors drop data on a bare RESOURCE_EXHAUSTED.

Source: OTLP specification 1.11, "Failures" and "Throttling" for gRPC and for HTTP.
"""

import math

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_threads.core.errors import InvalidPayload, Overloaded, TooLarge, Unavailable
from otel_threads.core.model import Outcome, Signal
from otel_threads.grpc_port import refusal


class Unauthenticated(InvalidPayload):
    """The request carries no token, or not the one that is set."""


class UnsupportedType(InvalidPayload):
    """The content type or encoding is none that OTLP knows."""


class NoMessage(InvalidPayload):
    """A call brought no message that could be read: gRPC itself answers what it refuses."""


# The most specific class first.
ANSWERS: tuple[tuple[type[Exception], grpc.StatusCode, int], ...] = (
    (TooLarge, grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
    (Unauthenticated, grpc.StatusCode.UNAUTHENTICATED, 401),
    (UnsupportedType, grpc.StatusCode.INVALID_ARGUMENT, 415),
    (InvalidPayload, grpc.StatusCode.INVALID_ARGUMENT, 400),
    (Overloaded, grpc.StatusCode.UNAVAILABLE, 429),
    (Exception, grpc.StatusCode.UNAVAILABLE, 503),
)


def answer(error: Exception) -> tuple[grpc.StatusCode, int]:
    """Return the gRPC code and the HTTP status for an error."""
    return next((code, status) for kind, code, status in ANSWERS if isinstance(error, kind))


def retry_after_s(error: Exception) -> int | None:
    """Return the seconds to wait before sending again, rounded up; None if that is no use."""
    if isinstance(error, InvalidPayload):
        return None
    wait = error.retry_after_s if isinstance(error, Unavailable) else Unavailable.retry_after_s
    return math.ceil(wait)


def rpc_status(error: Exception) -> Status:
    """Return google.rpc.Status: the code, the text, and RetryInfo where sending again helps."""
    code, _ = answer(error)
    return refusal.rpc_status(code, text(error), retry_after_s=retry_after_s(error))


def text(error: Exception) -> str:
    """Return what the sender is told; of errors that are not ours, only the kind."""
    known = isinstance(error, InvalidPayload | Unavailable)
    return str(error) if known else f"the server failed: {type(error).__name__}"


def response(signal: Signal, outcome: Outcome) -> Message:
    """Return the Export response: empty on full success, else with partial_success."""
    match signal:
        case Signal.TRACES:
            traces = ExportTraceServiceResponse()
            if outcome.rejected or outcome.message:
                traces.partial_success.rejected_spans = outcome.rejected
                traces.partial_success.error_message = outcome.message
            return traces
        case Signal.LOGS:
            records = ExportLogsServiceResponse()
            if outcome.rejected or outcome.message:
                records.partial_success.rejected_log_records = outcome.rejected
                records.partial_success.error_message = outcome.message
            return records
        case Signal.METRICS:
            points = ExportMetricsServiceResponse()
            points.partial_success.error_message = outcome.message
            return points


def as_json(message: Message) -> bytes:
    """Return a message in protobuf's JSON mapping, camelCase as OTLP asks."""
    return json_format.MessageToJson(message, indent=None).encode()
