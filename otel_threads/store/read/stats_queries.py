"""Sums, percentiles, models, scores and series over a selection of threads or traces."""

from collections.abc import Mapping
from typing import Any

import duckdb

from otel_threads.core.usage import USAGE
from otel_threads.database import sql_files
from otel_threads.database.database import Database, dictionaries
from otel_threads.store.read.list_query import Listing

Row = dict[str, Any]
ITEMS_SQL = sql_files.query("stats_items")
ACTIVE_SQL = sql_files.query("stats_active")
TURNS_SQL = sql_files.query("stats_turns")
MODELS_SQL = sql_files.query("stats_models")
SCORES_SQL = sql_files.query("stats_scores")
SERIES_SQL = sql_files.query("stats_series")
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
_MORE = {
    "threads": ("thread_id", "trace_count", "first_activity_time as began"),
    "traces": ("trace_id", "1 as trace_count", "start_time as began"),
}


def stats(
    database: Database,
    listing: Listing,
    chosen: Mapping[str, Any],
    *,
    interval: str | None,
    timeout_s: float,
) -> dict[str, list[Row]]:
    """Return rows by the name of their query: items, active, turns, models, scores and series."""
    with database.reading(timeout_s) as cursor:
        asking = _Asking(cursor, listing, chosen)
        items = asking.items(ITEMS_SQL, _COLUMNS + _MORE[listing.item])
        turns = TURNS_SQL
        if items[0]["turn_count"] > EXACT_TURNS_MAX:
            turns = turns.replace("quantile_cont", "approx_quantile")
        active: list[Row] = []
        if listing.item == "threads":
            active = asking.items(ACTIVE_SQL, ("status",), source=listing.annotated)
        series: list[Row] = []
        if interval:
            columns = _COLUMNS + _MORE[listing.item]
            series = asking.items(SERIES_SQL, columns, more={"interval": interval})
        return {
            "items": items,
            "active": active,
            "turns": asking.inside(turns, "turns"),
            "models": asking.inside(MODELS_SQL, "calls"),
            "scores": asking.scores(),
            "series": series,
        }


class _Asking:
    """Puts the queries together: our own names, and conditions with bound values."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, listing: Listing, chosen: Mapping[str, Any]
    ) -> None:
        self._cursor = cursor
        self._listing = listing
        self._where, self._parameters = listing.where(chosen)
        self._key = listing.keys[1]
        needed = listing.needs_annotated(chosen)
        self._source = listing.annotated if needed else listing.source
        # All of a project (or everything) needs no look at each item's id.
        self._whole = all(value is None for name, value in chosen.items() if name != "project")
        self._project = "project = $project" if chosen.get("project") is not None else "true"

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

    def inside(self, text: str, table: str) -> list[Row]:
        """Ask about rows of a table that belong to the items."""
        if self._whole:
            return self._ask(
                f"with chosen as (select * from {table}"  # noqa: S608
                f" where {self._project} and {self._key} is not null) {text}"
            )
        return self._ask(
            f"{self._selected(self._listing.keys)}, chosen as (select c.* from {table} c"  # noqa: S608
            f" semi join selected s on c.{self._key} = s.{self._key} and c.project = s.project)"
            f" {text}"
        )

    def scores(self) -> list[Row]:
        """Ask about the current scores of the items."""
        same, ours = "r.thread_id = s.thread_id and r.project = s.project", "r.trace_id is null"
        if self._key == "trace_id":
            same, ours = "r.trace_id = s.trace_id", "r.span_id is null"
        return self._ask(
            f"{self._selected(self._listing.keys)}, chosen as (select r.* from scores r"  # noqa: S608
            f" semi join selected s on {same} where {ours} and r.superseded_at is null)"
            f" {SCORES_SQL}"
        )

    def _ask(self, text: str, more: Mapping[str, Any] | None = None) -> list[Row]:
        self._cursor.execute(text, {**self._parameters, **(more or {})})
        return dictionaries(self._cursor)
