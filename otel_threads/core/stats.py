"""Statistics over selected threads or traces. Null is unknown."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from otel_threads.core.fields import Described
from otel_threads.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a number is spread; null where nothing is known."""

    p50: float | None
    p90: float | None
    p99: float | None
    avg: float | None
    max: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanUsage:
    """Tokens of an average item; null where none is known."""

    input_tokens: float | None
    output_tokens: float | None
    total_tokens: float | None
    cache_read_tokens: float | None
    cache_write_tokens: float | None
    reasoning_tokens: float | None
    input_audio_tokens: float | None
    output_audio_tokens: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageStats:
    """Tokens of the whole selection and of an average item."""

    sum: Usage
    avg: MeanUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class CostStats:
    """US dollars of the whole selection and of an average item whose cost is known."""

    sum: float | None
    avg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStats:
    """One score over the selection: how many items have it, and how often each category."""

    count: int
    avg: float | None
    min: float | None
    max: float | None
    categories: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStats:
    """What one model was asked for."""

    call_count: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What threads and traces have in common of one hour or day.

    Turns and model requests count where they themselves began; errors, tokens and cost where their
    trace began; the mean duration and scores where their thread or trace began.
    """

    time: datetime.datetime
    turn_count: int | None
    error_count: int | None
    total_tokens: int | None
    cost_usd: float | None
    duration_ms_avg: float | None
    input_tokens: int | None
    output_tokens: int | None
    turn_duration_ms: Spread
    time_to_first_token_ms: Spread
    models: dict[str, ModelStats]
    scores: dict[str, ScoreStats]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadBucket(Bucket):
    """What threads did in one hour or day."""

    thread_count: Annotated[int, Described("Threads that began then.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceBucket(Bucket):
    """What traces did in one hour or day."""

    trace_count: Annotated[int, Described("Traces that began then.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What statistics over threads and over traces have in common."""

    turn_count: int
    trace_count: int
    span_count: int
    error_count: int
    error_rate: Annotated[float | None, Described("Share of items with an error.")]
    duration_ms: Spread
    turn_duration_ms: Spread
    time_to_first_token_ms: Spread
    usage: UsageStats
    cost_usd: CostStats
    scores: dict[str, ScoreStats]
    models: dict[str, ModelStats]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStats(Stats):
    """Sums and percentiles over selected threads."""

    thread_count: int
    active_count: int
    turns_per_thread: Spread
    turn_scores: Annotated[
        dict[str, ScoreStats],
        Described("Scores on the turns, traces and spans of the threads; counted by these."),
    ]
    series: list[ThreadBucket] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStats(Stats):
    """Sums and percentiles over selected traces."""

    turns_per_trace: Spread
    series: list[TraceBucket] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemMeans:
    """What an item of a selection has on the mean; null without any item."""

    tag_count: float | None
    call_count: float | None
    span_count: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanStats:
    """Sums and percentiles over selected spans; `scores` is the mean of each by name."""

    span_count: int
    error_count: int
    duration_ms: Spread
    time_to_first_token_ms_avg: float | None
    usage_sum: Mapping[str, int]
    usage_avg: Mapping[str, float]
    cost_usd: CostStats
    scores: Mapping[str, float]
