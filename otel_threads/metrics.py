"""What the server counts of itself, for `GET /metrics` in Prometheus' text format.

No label ever holds anything that a sender wrote.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)  # process_resident_memory_bytes and the like, on Linux
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

REQUESTS = Counter(
    "otel_threads_requests",
    "OTLP requests by transport, signal and answer.",
    ["transport", "signal", "answer"],
    registry=REGISTRY,
)
SDK_REQUESTS = Counter(
    "otel_threads_sdk_requests",
    "Calls of other products' SDKs, by product and status.",
    ["vendor", "answer"],
    registry=REGISTRY,
)
REQUEST_BYTES = Counter(
    "otel_threads_request_bytes",
    "Bytes of OTLP requests after decompression.",
    ["signal"],
    registry=REGISTRY,
)
ACCEPTED = Counter(
    "otel_threads_accepted",
    "Spans, log records and records of SDKs accepted, resent ones included.",
    ["signal"],
    registry=REGISTRY,
)
REJECTED = Counter(
    "otel_threads_rejected",
    "Spans and log records refused one by one; otel_threads_requests counts whole requests.",
    ["signal", "reason"],
    registry=REGISTRY,
)
REFUSED = Counter(
    "otel_threads_refused",
    "Connections and requests that a port refused or closed for a limit.",
    ["port", "reason"],
    registry=REGISTRY,
)
RESENT_SPANS = Counter(
    "otel_threads_resent_spans", "Spans that were stored already.", registry=REGISTRY
)
LAKE_BEHIND_SECONDS = Gauge(
    "otel_threads_lake_behind_seconds",
    "How long the oldest change has waited for the lake; 0 without a lake.",
    registry=REGISTRY,
)
LAKE_WAITING_CHANGES = Gauge(
    "otel_threads_lake_waiting_changes",
    "Traces and threads that changed and wait to be shipped to the lake again.",
    registry=REGISTRY,
)
LAKE_ROWS = Counter(
    "otel_threads_lake_rows", "Rows shipped to the lake, by table.", ["table"], registry=REGISTRY
)
LAKE_EDITS = Counter(
    "otel_threads_lake_edits",
    "Changes of annotations at readers that were applied here.",
    registry=REGISTRY,
)
LAKE_BATCHES = Counter(
    "otel_threads_lake_batches", "Batches shipped to the lake.", registry=REGISTRY
)
INFLIGHT_BYTES = Gauge(
    "otel_threads_inflight_bytes", "Bytes accepted and not yet answered.", registry=REGISTRY
)
UNANSWERED_REQUESTS = Gauge(
    "otel_threads_unanswered_requests",
    "Requests that wait, are decoded or are written.",
    registry=REGISTRY,
)
RULE_RUNS = Counter(
    "otel_threads_rule_runs",
    "Runs of rules that came to an end, by kind and outcome.",
    ["kind", "outcome"],
    registry=REGISTRY,
)
RULE_COST_USD = Counter(
    "otel_threads_rule_cost_usd", "What runs of rules cost, in US dollars.", registry=REGISTRY
)
COMMITS = Counter("otel_threads_commits", "Commits of received data.", registry=REGISTRY)
COMMIT_SECONDS = Histogram(
    "otel_threads_commit_seconds", "Time of one commit.", buckets=_SECONDS, registry=REGISTRY
)
DERIVE_SECONDS = Histogram(
    "otel_threads_derive_seconds",
    "Time of one pass of the deriver.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
DERIVED_SPANS = Counter(
    "otel_threads_derived_spans", "Spans read by the deriver.", registry=REGISTRY
)
DERIVE_FAILURES = Counter(
    "otel_threads_derive_failures",
    "Traces that could not be read and are stored raw only.",
    registry=REGISTRY,
)
DERIVE_LAG_SECONDS = Gauge(
    "otel_threads_derive_lag_seconds",
    "Age of the oldest commit that is not derived yet.",
    registry=REGISTRY,
)
SQL_QUERIES = Counter("otel_threads_sql_queries", "Queries from outside.", registry=REGISTRY)
PRUNED_TRACES = Counter(
    "otel_threads_pruned_traces", "Traces deleted for their age or the size.", registry=REGISTRY
)
WAL_BYTES = Gauge("otel_threads_log_bytes", "Size of the write-ahead log.", registry=REGISTRY)
DATABASE_BYTES = Gauge(
    "otel_threads_database_bytes", "Size of the file and its write-ahead log.", registry=REGISTRY
)
DUCKDB_MEMORY_BYTES = Gauge(
    "otel_threads_duckdb_memory_bytes",
    "What DuckDB holds of its memory_limit_bytes.",
    registry=REGISTRY,
)


def text() -> bytes:
    """Return all of it in Prometheus' text format."""
    return generate_latest(REGISTRY)
