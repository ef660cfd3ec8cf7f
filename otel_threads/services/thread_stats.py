"""Statistics in the contract's shape, from the rows that the store found. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from otel_threads.core.usage import USAGE

Row = dict[str, Any]


def shaped(found: Mapping[str, Sequence[Row]], *, of_threads: bool, with_series: bool) -> Row:
    """Return ThreadStats (or TraceStats); what nothing is known of is null."""
    items, turns = found["items"][0], found["turns"][0]
    counts: Row = {}
    if of_threads:
        active = found["active"][0]["active_count"]
        counts = {"thread_count": items["item_count"], "active_count": active}
    shape = {
        **counts,
        "turn_count": items["turn_count"],
        "trace_count": items["trace_count"],
        "span_count": items["span_count"],
        "error_count": items["error_count"],
        "error_rate": items["error_rate"],
        "duration_ms": _spread(items, "duration_ms"),
        "turn_duration_ms": _spread(turns, "duration_ms"),
        "time_to_first_token_ms": _spread(turns, "ttft_ms"),
        ("turns_per_thread" if of_threads else "turns_per_trace"): _spread(items, "turns"),
        "usage": {how: {name: items[f"{name}_{how}"] for name in USAGE} for how in ("sum", "avg")},
        "cost_usd": {how: items[f"cost_usd_{how}"] for how in ("sum", "avg")},
        "scores": {
            row["name"]: {key: row[key] for key in ("count", "avg", "min", "max")}
            for row in found["scores"]
        },
        "models": {
            row["model"]: {
                key: row[key] for key in ("call_count", "input_tokens", "output_tokens", "cost_usd")
            }
            for row in found["models"]
        },
    }
    if with_series:
        name = "thread_count" if of_threads else "trace_count"
        shape["series"] = [
            {("duration_ms_avg" if k == "duration_ms_avg" else name if k == "item_count" else k): v
             for k, v in row.items()}
            for row in reversed(found["series"])
        ]  # fmt: skip
    return shape


def _spread(row: Row, name: str) -> Row:
    p50, p90, p99 = row[name] or (None, None, None)
    return {
        "p50": p50,
        "p90": p90,
        "p99": p99,
        "avg": row[f"{name}_avg"],
        "max": row[f"{name}_max"],
    }
