"""Sums, percentiles, models, scores and series over a selection of threads or traces."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import duckdb

from otel_threads.core.stats import (
    CostStats,
    MeanUsage,
    ModelStats,
    ScoreStats,
    Spread,
    ThreadBucket,
    ThreadStats,
    TraceBucket,
    TraceStats,
    UsageStats,
)
from otel_threads.core.usage import USAGE, Usage
from otel_threads.database import sql_files
from otel_threads.database.database import Database, dictionaries
from otel_threads.store.read.list_query import (
    SCORED_BELOW_THREADS,
    THREADS,
    TRACES,
    Listing,
    Selection,
)

Row = dict[str, Any]
Bucket = TypeVar("Bucket", ThreadBucket, TraceBucket)
Named = TypeVar("Named", ModelStats, ScoreStats)
ITEMS_SQL = sql_files.query("stats_items")
ACTIVE_SQL = sql_files.query("stats_active")
TURNS_SQL = sql_files.query("stats_turns")
MODELS_SQL = sql_files.query("stats_models")
SCORES_SQL = sql_files.query("stats_scores")
SERIES_SQL = sql_files.query("stats_series")
SERIES_SLICES_SQL = sql_files.query("stats_series_slices")
SERIES_TURNS_SQL = sql_files.query("stats_series_turns")
SERIES_MODELS_SQL = sql_files.query("stats_series_models")
SERIES_SCORES_SQL = sql_files.query("stats_series_scores")
BUCKETS_MAX = 2000
# Of an hour in which no item began, but turns of one did.
_NO_ITEMS: dict[str, Any] = {"item_count": 0, "duration_ms_avg": None}
_NOTHING_TAKEN: dict[str, Any] = {
    "error_count": 0,
    "total_tokens": None,
    "input_tokens": None,
    "output_tokens": None,
    "cost_usd": None,
}
# Percentiles of more turns than this are estimated, within a thousandth of their rank: t-digests
# take a third of the time.
EXACT_TURNS_MAX = 200_000
# Only what is summed up: texts of a hundred thousand threads would be read for nothing.
_COLUMNS = (
    "project",
    "turn_count",
    "span_count",
    "error_count",
    "duration_ms",
    "cost_usd",
    *USAGE,
)
_COUNTS = ("turn_count", "trace_count", "span_count", "error_count", "error_rate")
_MORE = {
    "threads": ("thread_id", "trace_count", "first_activity_time as began"),
    "traces": ("trace_id", "1 as trace_count", "start_time as began"),
}


def thread_stats(
    database: Database, selection: Selection, *, interval: str | None, timeout_s: float
) -> ThreadStats:
    """Return statistics over threads, with a series where an interval is named."""
    with database.reading(timeout_s) as cursor:
        asking = _Asking(cursor, THREADS, selection)
        items, rest = asking.both()
        active = asking.items(ACTIVE_SQL, ("status",), source=THREADS.annotated)
        series = asking.series(interval) if interval else None
        is_scored = any(database.holds_rows(cursor, table) for table in SCORED_BELOW_THREADS)
        turn_scores = asking.turn_scores() if is_scored else {}
    return ThreadStats(
        **rest,
        thread_count=items["item_count"],
        active_count=active[0]["active_count"],
        turns_per_thread=_spread(items, "turns"),
        turn_scores=turn_scores,
        series=_buckets(selection, series, ThreadBucket, "thread_count"),
    )


def trace_stats(
    database: Database, selection: Selection, *, interval: str | None, timeout_s: float
) -> TraceStats:
    """Return statistics over traces, with a series where an interval is named."""
    with database.reading(timeout_s) as cursor:
        asking = _Asking(cursor, TRACES, selection)
        items, rest = asking.both()
        series = asking.series(interval) if interval else None
    return TraceStats(
        **rest,
        turns_per_trace=_spread(items, "turns"),
        series=_buckets(selection, series, TraceBucket, "trace_count"),
    )


def _buckets(
    selection: Selection, series: "_Series | None", bucket: type[Bucket], count: str
) -> list[Bucket] | None:
    """Return an item for each time of any of the rows, oldest first; `count` names its items."""
    if series is None:
        return None
    items = {row["time"]: row for row in series.items}
    taken = {row["time"]: row for row in series.taken}
    turns = {row["time"]: row for row in series.turns}
    models = _by_time(series.models, "model", ModelStats)
    scores = _by_time(series.scores, "name", ScoreStats)
    times = items.keys() | taken.keys() | turns.keys() | models.keys() | scores.keys()
    found = []
    for time in sorted(filter(_within(selection, series.interval), times))[-BUCKETS_MAX:]:
        item = items.get(time, _NO_ITEMS)
        spread = turns.get(time, {})
        found.append(
            bucket(
                **{"time": time, count: item["item_count"]},
                turn_count=spread.get("turn_count", 0),
                duration_ms_avg=item["duration_ms_avg"],
                **_without(taken.get(time, _NOTHING_TAKEN), "time"),
                turn_duration_ms=_spread(spread, "duration_ms"),
                time_to_first_token_ms=_spread(spread, "ttft_ms"),
                models=models.get(time, {}),
                scores=scores.get(time, {}),
            )
        )
    return found


def _within(selection: Selection, interval: str) -> Callable[[datetime.datetime], bool]:
    """Return what tells whether a bucket has some of the time that is selected.

    A thread is selected that went on in this time; what it did before is none of the series.
    """
    first, end = selection.from_time, selection.to_time
    length = datetime.timedelta(**{f"{interval}s": 1})

    def is_within(time: datetime.datetime) -> bool:
        return (first is None or time + length > first) and (end is None or time < end)

    return is_within


def _by_time(
    rows: list[Row], name: str, made: Callable[..., Named]
) -> dict[datetime.datetime, dict[str, Named]]:
    """Return what is known of each name, by time."""
    found: dict[datetime.datetime, dict[str, Named]] = {}
    for row in rows:
        found.setdefault(row["time"], {})[row[name]] = made(**_without(row, name, "time"))
    return found


def _spread(row: Row, name: str) -> Spread:
    p50, p90, p99 = row.get(name) or (None, None, None)
    return Spread(p50=p50, p90=p90, p99=p99, avg=row.get(f"{name}_avg"), max=row.get(f"{name}_max"))


def _tokens(items: Row) -> UsageStats:
    return UsageStats(
        sum=Usage(**{name: items[f"{name}_sum"] for name in USAGE}),
        avg=MeanUsage(**{name: items[f"{name}_avg"] for name in USAGE}),
    )


def _without(row: Row, *names: str) -> Row:
    return {key: value for key, value in row.items() if key not in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """Rows by the hour or day: of items, of what they took, of turns, models and scores."""

    interval: str
    items: list[Row]
    taken: list[Row]
    turns: list[Row]
    models: list[Row]
    scores: list[Row]


def _score_stats(rows: list[Row]) -> dict[str, ScoreStats]:
    return {row["name"]: ScoreStats(**_without(row, "name")) for row in rows}


class _Asking:
    """Puts the queries together: our own names, and conditions with bound values."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, listing: Listing, selection: Selection
    ) -> None:
        self._cursor = cursor
        self._listing = listing
        self._where, self._parameters = listing.where(selection)
        self._key = listing.keys[1]
        needed = listing.needs_annotated(selection)
        self._source = listing.annotated if needed else listing.source
        # All of a project (or everything) needs no look at each item's id.
        self._whole = selection == Selection(project=selection.project)
        self._project = "project = $project" if selection.project is not None else "true"
        self._estimates = False

    def both(self) -> tuple[Row, Row]:
        """Return the row of the items, and the fields that both kinds of statistics have."""
        items = self.items(ITEMS_SQL, _COLUMNS + _MORE[self._listing.item])[0]
        self._estimates = items["turn_count"] > EXACT_TURNS_MAX
        turns = self._turns(TURNS_SQL)[0]
        models = {
            row["model"]: ModelStats(**_without(row, "model"))
            for row in self.inside(MODELS_SQL, "calls")
        }
        scores = _score_stats(self.scores())
        return items, {
            **{name: items[name] for name in _COUNTS},
            "duration_ms": _spread(items, "duration_ms"),
            "turn_duration_ms": _spread(turns, "duration_ms"),
            "time_to_first_token_ms": _spread(turns, "ttft_ms"),
            "usage": _tokens(items),
            "cost_usd": CostStats(sum=items["cost_usd_sum"], avg=items["cost_usd_avg"]),
            "scores": scores,
            "models": models,
        }

    def series(self, interval: str) -> _Series:
        """Ask by the hour or day, once `both` has been asked."""
        columns = _COLUMNS + _MORE[self._listing.item]
        by = {"interval": interval}
        items = self.items(SERIES_SQL, columns, more=by)
        is_of_threads = self._key == THREADS.keys[1]
        slices = self.inside(SERIES_SLICES_SQL, "x_trace_slices", by) if is_of_threads else items
        return _Series(
            interval=interval,
            items=items,
            taken=[{name: row[name] for name in ("time", *_NOTHING_TAKEN)} for row in slices],
            turns=self._turns(SERIES_TURNS_SQL, by),
            models=self.inside(SERIES_MODELS_SQL, "calls", by),
            scores=self.scores(SERIES_SCORES_SQL, began=True, more=by),
        )

    def _turns(self, text: str, more: Mapping[str, Any] | None = None) -> list[Row]:
        if self._estimates:
            text = text.replace("quantile_cont", "approx_quantile")
        return self.inside(text, "turns", more)

    def _selected(self, columns: tuple[str, ...], source: str | None = None) -> str:
        names = ", ".join(columns)
        return (
            f"with selected as (select {names} from {source or self._source} {self._listing.item}"  # noqa: S608
            f" where {self._where})"
        )

    def items(
        self,
        text: str,
        columns: tuple[str, ...],
        *,
        source: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        """Ask about the items themselves."""
        return self._ask(f"{self._selected(columns, source)} {text}", more)

    def inside(self, text: str, table: str, more: Mapping[str, Any] | None = None) -> list[Row]:
        """Ask about rows of a table that belong to the items."""
        if self._whole:
            return self._ask(
                f"with chosen as (select * from {table}"  # noqa: S608
                f" where {self._project} and {self._key} is not null) {text}",
                more,
            )
        return self._ask(
            f"{self._selected(self._listing.keys)}, chosen as (select c.* from {table} c"  # noqa: S608
            f" semi join selected s on c.{self._key} = s.{self._key} and c.project = s.project)"
            f" {text}",
            more,
        )

    def scores(
        self, text: str = SCORES_SQL, *, began: bool = False, more: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Ask about the current scores of the items; with the time at which each item `began`."""
        columns = self._listing.keys + ((_MORE[self._listing.item][-1],) if began else ())
        which, join = ("r.*, s.began", "join") if began else ("r.*", "semi join")
        same = "r.thread_id = s.thread_id and r.project = s.project"
        ours = "r.trace_id is null and r.turn_index is null"
        if self._key == "trace_id":
            same, ours = "r.trace_id = s.trace_id", "r.span_id is null"
        return self._ask(
            f"{self._selected(columns)}, chosen as (select {which} from scores r"  # noqa: S608
            f" {join} selected s on {same} where {ours} and r.superseded_at is null)"
            f" {text}",
            more,
        )

    def turn_scores(self) -> dict[str, ScoreStats]:
        """Ask about the current scores of the turns, traces and spans of the threads."""
        return _score_stats(
            self._ask(
                f"{self._selected(self._listing.keys)}, chosen as (select r.*"  # noqa: S608
                " from x_turn_score_records r semi join selected s"
                f" on r.thread_id = s.thread_id and r.project = s.project) {SCORES_SQL}"
            )
        )

    def _ask(self, text: str, more: Mapping[str, Any] | None = None) -> list[Row]:
        self._cursor.execute(text, {**self._parameters, **(more or {})})
        return dictionaries(self._cursor)
