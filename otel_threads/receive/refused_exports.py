"""Why OTLP requests are refused for good: a word for each, and what the sender has to change.

What a sender may repeat (overload, a full disk) is not among them: `otel_threads_requests` has it.
"""

from otel_threads.core.errors import InvalidPayload, TooLarge
from otel_threads.receive.status import NoMessage, Unauthenticated, UnsupportedType
from otel_threads.refusals import Refusals

AUTHENTICATE = (
    "requests without the ingest_token, or with another: the sender needs "
    "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20<ingest_token>, a Collector of "
    "collector-config/ INGEST_TOKEN"
)
SIZE = (
    "requests over request_bytes_max or another bound of docs/receiving.md: the sender has to "
    "send smaller batches"
)
ENCODING = (
    "requests in a type or compression that this port does not read: gRPC takes gzip and deflate; "
    "HTTP protobuf or JSON, with gzip, deflate or zstd"
)
METHOD = "requests that are no POST: OTLP over HTTP is POST /v1/traces, /v1/logs, /v1/metrics"
PATH = "requests to other paths than /v1/traces, /v1/logs, /v1/metrics: see the exporter's endpoint"
PORT = "exports of OTLP to the port of queries: OTLP over gRPC belongs on otlp_grpc_endpoint (4317)"
MESSAGE = (
    "calls whose message gRPC could not read: it is over request_bytes_max, its compression is "
    "neither gzip nor deflate (zstd is for OTLP over HTTP), or its sender hung up"
)
PAYLOAD = "requests that are no OTLP, or name a project that is no name"

# The most specific class first.
_REASONS: tuple[tuple[type[Exception], str, str], ...] = (
    (TooLarge, "size", SIZE),
    (Unauthenticated, "token", AUTHENTICATE),
    (UnsupportedType, "encoding", ENCODING),
    (NoMessage, "message", MESSAGE),
    (InvalidPayload, "payload", PAYLOAD),
)


def note(refusals: Refusals, error: Exception) -> None:
    """Count a request that failed by this error, unless its sender may send it again."""
    for kind, reason, explanation in _REASONS:
        if isinstance(error, kind):
            refusals.add(reason, explanation)
            return
