"""Statistics in Opik's shape: a list of names, types and values, in its order."""

from collections.abc import Mapping

from otel_threads.core.stats import (
    ItemMeans,
    SpanStats,
    Spread,
    Stats,
    ThreadStats,
    TraceStats,
)
from otel_threads.vendors.opik.record_fields import Body

_TOKENS = {
    "completion_tokens": "output_tokens",
    "prompt_tokens": "input_tokens",
    "total_tokens": "total_tokens",
}


def of_traces(known: TraceStats, means: ItemMeans, counts: Mapping[str, int]) -> list[Body]:
    """Return statistics of traces; `counts` are how many have an input, output and metadata."""
    return [
        _count("trace_count", known.trace_count),
        *_duration(known.duration_ms),
        *(_count(name, count) for name, count in counts.items()),
        _avg("tags", means.tag_count),
        _avg("llm_span_count", means.call_count),
        _avg("span_count", means.span_count),
        *_shared(known),
        _count("guardrails_failed_count", 0),
        _count("error_count", known.error_count),
    ]


def of_threads(known: ThreadStats) -> list[Body]:
    """Return statistics of threads."""
    return [
        _count("thread_count", known.thread_count),
        *_duration(known.duration_ms),
        *(_count(name, 0) for name in ("input", "output", "metadata")),
        _avg("tags", 0.0),
        *_shared(known),
        _count("guardrails_failed_count", 0),
        _count("error_count", 0),
    ]


def of_spans(known: SpanStats, counts: Mapping[str, int]) -> list[Body]:
    """Return statistics of spans; `counts` are how many have an input, output and metadata."""
    found = [
        _count("span_count", known.span_count),
        *_duration(known.duration_ms),
        *(_count(name, count) for name, count in counts.items()),
        _avg("total_estimated_cost", known.cost_usd.avg),
        _avg("total_estimated_cost_sum", known.cost_usd.sum),
    ]
    for prefix, tokens in (("usage", known.usage_avg), ("usage_sum", known.usage_sum)):
        found += [
            _avg(f"{prefix}.{name}", tokens[ours])
            for name, ours in _TOKENS.items()
            if ours in tokens
        ]
    found += [_avg(f"feedback_scores.{name}", value) for name, value in known.scores.items()]
    if known.time_to_first_token_ms_avg is not None:
        found.append(_avg("ttft", known.time_to_first_token_ms_avg))
    return [*found, _count("guardrails_failed_count", 0), _count("error_count", known.error_count)]


def _shared(known: Stats) -> list[Body]:
    found = [
        _avg("total_estimated_cost", known.cost_usd.avg),
        _avg("total_estimated_cost_sum", known.cost_usd.sum),
    ]
    for prefix, tokens in (("usage", known.usage.avg), ("usage_sum", known.usage.sum)):
        found += [
            _avg(f"{prefix}.{name}", value)
            for name, ours in _TOKENS.items()
            if (value := getattr(tokens, ours)) is not None
        ]
    found += [
        _avg(f"feedback_scores.{name}", score.avg)
        for name, score in known.scores.items()
        if score.avg is not None
    ]
    return found


def _duration(spread: Spread) -> list[Body]:
    if spread.p50 is None:
        return []
    value = {"p50": spread.p50, "p90": spread.p90, "p99": spread.p99}
    return [{"name": "duration", "type": "PERCENTAGE", "value": value}]


def _count(name: str, value: int) -> Body:
    return {"name": name, "type": "COUNT", "value": value}


def _avg(name: str, value: float | None) -> Body:
    return {"name": name, "type": "AVG", "value": value or 0.0}
