"""Sums, percentiles, models, scores and series over a selection of threads or traces."""

from collections.abc import Mapping
from typing import Any

from otel_threads.store import sql
from otel_threads.store.database import Database, dictionaries
from otel_threads.store.selection import Listing

Row = dict[str, Any]
ITEMS_SQL = sql.query("stats_items")
TURNS_SQL = sql.query("stats_turns")
MODELS_SQL = sql.query("stats_models")
SCORES_SQL = sql.query("stats_scores")
SERIES_SQL = sql.query("stats_series")
# What `selected` needs beyond the item's own columns.
_MORE = {
    "threads": "status = 'active' as is_active, first_activity_time as began",
    "traces": "false as is_active, 1 as trace_count, start_time as began",
}


def stats(
    database: Database,
    listing: Listing,
    chosen: Mapping[str, Any],
    *,
    interval: str | None,
    timeout_s: float,
) -> dict[str, list[Row]]:
    """Return rows by the name of their query: items, turns, models, scores and series."""
    where, parameters = listing.where(chosen)
    key = listing.keys[1]
    # All of a project (or everything) needs no look at each item's id.
    whole = set(chosen) <= {"project"} or all(
        value is None for name, value in chosen.items() if name != "project"
    )
    project = "project = $project and " if chosen.get("project") is not None else ""
    selected = (
        f"with selected as materialized (select *, {_MORE[listing.item]}"  # noqa: S608  # our names, bound values
        f" from {listing.source} {listing.item} where {where}) "
    )
    found = {}
    with database.reading(timeout_s) as cursor:
        cursor.begin()  # one moment for all of them

        def ask(text: str, more: Mapping[str, Any] | None = None) -> list[Row]:
            needed = parameters if more is None else {**parameters, **more}
            cursor.execute(text, dict(needed))
            return dictionaries(cursor)

        found["items"] = ask(selected + ITEMS_SQL)
        for name, table, text in (("turns", "turns", TURNS_SQL), ("models", "calls", MODELS_SQL)):
            if whole:
                own = "trace_id is not null" if key == "trace_id" else "thread_id is not null"
                source = f"with chosen as (select * from {table} where {project}{own}) "  # noqa: S608
            else:
                source = selected + (  # noqa: S608  # our names, bound values
                    f", chosen as (select c.* from {table} c semi join selected s"  # noqa: S608
                    f" on c.{key} = s.{key} and c.project = s.project) "
                )
            found[name] = ask(source + text)
        ours = "r.trace_id is null" if key == "thread_id" else "r.span_id is null"
        project_too = " and r.project = s.project" if key == "thread_id" else ""
        scored = (
            f", chosen as (select r.* from scores r semi join selected s"  # noqa: S608  # our names
            f" on r.{key} = s.{key}{project_too} where {ours} and r.superseded_at is null) "
        )
        found["scores"] = ask(selected + scored + SCORES_SQL)
        found["series"] = ask(selected + SERIES_SQL, {"interval": interval}) if interval else []
    return found
