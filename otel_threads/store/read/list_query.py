"""What the list calls select from: conditions, sorts and keys of threads and of traces."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from otel_threads.core.errors import InvalidQuery
from otel_threads.core.fields import sortable
from otel_threads.core.filters import Node, ScoreSort, score_sort
from otel_threads.core.suggestions import did_you_mean
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace
from otel_threads.core.usage import USAGE
from otel_threads.database import sql_files
from otel_threads.database.list_parameters import json_list
from otel_threads.store.read.filter_sql import compiled
from otel_threads.store.read.filter_sql import fields as fields_asked
from otel_threads.store.read.stored_items import Place

Parameters = dict[str, Any]
# Where scores on turns, traces and spans are, of which many databases have none.
SCORED_BELOW_THREADS = (
    "x_score_records where trace_id is not null or turn_index is not null",
    "x_evaluations",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which items; None everywhere selects all. Each part has a condition in `Listing`."""

    project: str | None = None
    thread_id: str | None = None
    thread_ids: Sequence[str] | None = None
    trace_id: str | None = None
    status: str | None = None
    without_thread: bool | None = None
    filter: Node | None = None
    search: str | None = None
    from_time: datetime.datetime | None = None  # active at or after
    to_time: datetime.datetime | None = None  # begun before
    first: int | None = None  # bounds of the times of a thread's traces, for zone maps
    last: int | None = None
    changed_after: int | None = None  # a commit, as in pagination.py
    known_by: int | None = None

    def given(self) -> Iterator[tuple[str, object]]:
        """Yield the parts that are not None, but for the filter."""
        for name in _PARTS:
            value: object = getattr(self, name)
            if value is not None:
                yield name, value

    def bound(self) -> Parameters:
        """Return the parts that are not None, but for the filter, as they are bound."""
        found = dict(self.given())
        if self.thread_ids is not None:
            found["thread_ids"] = json_list(self.thread_ids)
        return found


SORT_VALUE = "sort_value"
CALLED_SPANS_SQL = sql_files.query("called_spans")
_PARTS = tuple(field.name for field in fields(Selection) if field.name != "filter")


@dataclass(frozen=True, slots=True)
class Listing:
    """One kind of item that can be listed. `conditions` are by the name of their parameter."""

    item: str  # the name that conditions and filters call the rows by
    source: str  # the table that holds them
    annotated: str  # the view that adds annotations and the time of day
    added: tuple[str, ...]  # the columns that it adds or changes
    keys: tuple[str, ...]
    sorts: tuple[str, ...]
    conditions: Mapping[str, str]
    score_sorts: tuple[str, ...] = ()  # fields of which a name sorts
    more_sorts: tuple[str, ...] = ()  # that interfaces of other products offer
    # Likewise, with what they look up; `metadata.KEY` has its key as $sort_name.
    value_sorts: Mapping[str, str] = field(default_factory=dict)
    row: str = "rowid"  # what tells the rows of `source` apart

    def where(self, selection: Selection) -> tuple[str, Parameters]:
        """Return the condition of a selection, of the parts that are not None."""
        parts: list[str] = []
        parameters: Parameters = {}
        for name, value in selection.bound().items():
            part = self.conditions[name]
            if f"${name}" in part:
                parameters[name] = value
            parts.append(part)
        if selection.filter is not None:
            part, bound = compiled(selection.filter, self.item)
            parameters |= bound
            parts.append(part)
        return " and ".join(parts) or "true", parameters

    def needs_annotated(self, selection: Selection, sort: str | None = None) -> bool:
        """Return whether a selection or sort looks at what the view adds."""
        asked = fields_asked(selection.filter) if selection.filter is not None else set()
        asked |= {name for name, _ in selection.given()}
        return bool(asked.union([self.order(sort)[0]] if sort else []) & set(self.added))

    def order(self, sort: str) -> tuple[str, bool]:
        """Return the column of a sort such as `-cost_usd`, and whether it descends.

        Raises:
            InvalidQuery: there is no such field to sort by.
        """
        name = sort.removeprefix("-")
        by_score = score_sort(name)
        if by_score and by_score.field in self.score_sorts:
            return SORT_VALUE, sort.startswith("-")
        if self.value_sort(name) is not None:
            return SORT_VALUE, sort.startswith("-")
        column = name.removeprefix("usage.") if name.startswith("usage.") else name
        if column not in (*self.sorts, *self.more_sorts):
            scores = ", scores.NAME" if self.score_sorts else ""
            raise InvalidQuery(
                f"cannot sort by {name!r}{did_you_mean(name, self.sorts)}: one of "
                f"{', '.join(sorted(self.sorts))}{scores}; - before it, or desc after it, for "
                "descending"
            )
        return column, sort.startswith("-")

    def value_sort(self, name: str) -> tuple[str, Parameters] | None:
        """Return the expression that a sort looks up, and its parameters; None of other sorts."""
        head, _, key = name.partition(".")
        expression = self.value_sorts.get(head)
        if expression is None or bool(key) != ("$sort_name" in expression):
            return None
        return expression, {"sort_name": key} if key else {}


# Ids are compared whole or by their beginning; words are looked for everywhere.
THREADS = Listing(
    item="threads",
    score_sorts=("scores", "turn_scores"),
    source="x_thread_facts",
    annotated="x_annotated_threads",
    added=("tags", "comment_count", "status"),
    keys=("project", "thread_id"),
    sorts=(*sortable(Thread), *USAGE),
    more_sorts=("status", "tags"),
    conditions={
        "project": "project = $project",
        "thread_id": "thread_id = $thread_id",
        "thread_ids": "thread_id in (select unnest(from_json($thread_ids, '[\"varchar\"]')))",
        "status": "status = $status",
        "from_time": "last_activity_time >= $from_time",
        "to_time": "first_activity_time < $to_time",
        "search": "(contains(lower(thread_id), lower($search))"
        " or contains(lower(first_message), lower($search))"
        " or contains(lower(last_message), lower($search))"
        " or (project, thread_id) in (select (m.project, m.thread_id) from message_texts m"
        " where m.thread_id is not null and contains(lower(m.text), lower($search))))",
        "changed_after": "last_sequence > $changed_after",
        "known_by": "first_sequence <= $known_by",
    },
)
TRACES = Listing(
    item="traces",
    score_sorts=("scores",),
    source="traces",
    annotated="x_annotated_traces",
    added=("tags", "comment_count"),
    keys=("project", "trace_id"),
    sorts=(*sortable(Trace), *USAGE),
    more_sorts=("thread_id", "tags", "first_message", "last_message"),
    value_sorts={
        "metadata": "i.metadata[$sort_name]",
        "ttft": "(select try_cast(s.attributes['otel_threads.record.field.ttft'] as double)"
        " from spans s where s.trace_id = i.trace_id and s.span_id = i.root_span_id"
        " and s.project = i.project limit 1)",
    },
    conditions={
        "project": "project = $project",
        "thread_id": "list_contains(thread_ids, $thread_id)",
        "first": "end_time_unix_nano >= $first",  # of the thread's activity, for zone maps
        "last": "start_time_unix_nano <= $last",
        "without_thread": "(len(thread_ids) = 0) = $without_thread",
        "from_time": "end_time >= $from_time",
        "to_time": "start_time < $to_time",
        "search": "(starts_with(trace_id, lower($search))"
        " or contains(lower(name), lower($search))"
        " or contains(lower(first_message), lower($search))"
        " or contains(lower(last_message), lower($search))"
        " or (project, trace_id) in (select (t.project, unnest(t.trace_ids)) from turns t"
        " semi join (select * from message_texts m where contains(lower(m.text), lower($search))) m"
        " on m.project = t.project and m.trace_id = t.trace_id and m.turn_index = t.turn_index"
        " and m.thread_id is not distinct from t.thread_id))",
        "changed_after": "last_sequence > $changed_after",
        "known_by": "first_sequence <= $known_by",
    },
)


# The span that stands for a whole trace of records is none to those who list spans.
_CALLED = (
    *("model", "provider", "type", "cost_usd", "time_to_first_token_ms"),
    *("input_tokens", "output_tokens", "total_tokens"),
)
SPANS = Listing(
    item="spans",
    score_sorts=("scores",),
    source="(select *, rowid as fact_row, make_timestamptz(end_time_unix_nano // 1000) as end_time"
    " from spans where attributes['otel_threads.record.entity'] is distinct from 'trace')",
    annotated=f"({CALLED_SPANS_SQL})",
    added=(*_CALLED, "span_id_uuid", "parent_span_id_uuid"),
    keys=("trace_id", "span_id"),
    sorts=(
        *("start_time", "end_time", "duration_ms", "name", "trace_id", "parent_span_id"),
        *("received_at", "status_code"),
        *_CALLED,
    ),
    conditions={
        "project": "project = $project",
        "trace_id": "trace_id = $trace_id",
        "first": "start_time_unix_nano >= $first",
        "last": "start_time_unix_nano <= $last",
        "from_time": "start_time >= $from_time",
        "to_time": "start_time < $to_time",
        "search": "(starts_with(span_id, lower($search)) or contains(lower(name), lower($search)))",
    },
    row="fact_row",
)


BOUNDS = " limit $limit offset $offset"


def page(
    listing: Listing,
    selection: Selection,
    *,
    sort: str | None,
    after: Sequence[Place] | None,
) -> tuple[str, Parameters]:
    """Return the query of a page; `sort` None orders by the keys. `$limit` is left to bind.

    So is `$offset`: how many items of it are left out first.

    Rows lack the added columns unless the selection looked at them: a plain scan of the table is
    twenty times as fast as the view, and a page's own are soon looked up.

    The fragments come from the tables above; all that a reader wrote is a bound parameter.
    """
    where, parameters = listing.where(selection)
    keys = ", ".join(listing.keys)
    order = keys
    if sort is not None:
        column, descending = listing.order(sort)
        order = f"{column} {'desc' if descending else 'asc'} nulls last, {keys}"
        if after is not None:
            condition, bound = _after(column, listing.keys, descending, after)
            where, parameters = f"{where} and {condition}", parameters | bound
    elif after is not None:
        where += f" and ({keys}) > ($after_0, $after_1)"
        parameters |= {"after_0": after[0], "after_1": after[1]}
    annotated = listing.needs_annotated(selection, sort)
    source = listing.annotated if annotated else listing.source
    names = listing.added if annotated else ()
    if sort is not None and listing.order(sort)[0] == SORT_VALUE:
        # Joined rows are sorted narrow, and read whole by their place: texts would be sorted, too.
        bare = f"(select rowid as fact_row, * from {source})" if listing.row == "rowid" else source  # noqa: S608  # see above
        source, bound = _valued(source if annotated else bare, listing, sort.removeprefix("-"))
        names, parameters = (*names, SORT_VALUE), parameters | bound
    rest = f"from {source} {listing.item} where {where} order by {order}{BOUNDS}"
    if not names:
        return f"select * {rest}", parameters
    place = f"select fact_row, row_number() over (order by {order}) as place, {', '.join(names)}"
    return _whole_rows(listing, f"{place} {rest}", names), parameters


def _whole_rows(listing: Listing, chosen: str, names: Sequence[str]) -> str:
    """Return a query of the rows that another has chosen and put in order, with what it added."""
    more = ", ".join(f"k.{name}" for name in names if name != "tags")
    whole = "f.* replace (k.tags as tags)" if "tags" in names else "f.*"
    return (
        f"select {whole}, {more} from {listing.source} f"  # noqa: S608  # see `page`
        f" join ({chosen}) k on f.{listing.row} = k.fact_row order by k.place"
    )


def _valued(source: str, listing: Listing, name: str) -> tuple[str, Parameters]:
    """Return a source with one more column, what a sort looks up, and its parameters."""
    if by_score := score_sort(name):
        return _with_sort_value(source, listing, by_score), {"sort_name": by_score.name}
    expression, bound = listing.value_sort(name) or ("null", {})
    return f"(select i.*, {expression} as {SORT_VALUE} from {source} i)", bound  # noqa: S608  # our names


def _with_sort_value(source: str, listing: Listing, by: ScoreSort) -> str:
    """Return a source with one more column: the number of a score that is sorted by, or null."""
    keys, scored = ", ".join(listing.keys), ", ".join(_SCORED[listing.item])
    if by.field == "turn_scores":
        values = (
            f"select {keys}, {by.part} as {SORT_VALUE} from turn_scores where name = $sort_name"  # noqa: S608  # our names
        )
    else:
        own = "trace_id is null and turn_index is null and " if listing.item == "threads" else ""
        # A score of a trace counts whatever project it was written under.
        values = (
            f"select {scored}, {_PROJECT[listing.item]} as project,"  # noqa: S608  # our names
            f" round(avg(value), 12) as {SORT_VALUE} from scores"
            f" where {own}name = $sort_name and superseded_at is null"
            f" and {listing.keys[1]} is not null"
            " group by all"
        )
    same = " and ".join(f"v.{key} = i.{key}" for key in _SCORED[listing.item])
    return (
        f"(select i.*, v.{SORT_VALUE} from {source} i left join ({values}) v"  # noqa: S608  # our names
        f" on {same} and coalesce(v.project, i.project) = i.project)"
    )


_PROJECT = {"threads": "project", "traces": "null::varchar", "spans": "null::varchar"}
_SCORED = {"threads": ("thread_id",), "traces": ("trace_id",), "spans": ("trace_id", "span_id")}


def count(listing: Listing, selection: Selection) -> tuple[str, Parameters]:
    """Return the query that counts a selection."""
    where, parameters = listing.where(selection)
    source = listing.annotated if listing.needs_annotated(selection) else listing.source
    return (
        f"select count(*) as found from {source} {listing.item} where {where}",  # noqa: S608  # as in page
        parameters,
    )


def ids(listing: Listing, selection: Selection, column: str) -> tuple[str, Parameters]:
    """Return the query of the ids of a selection, by a column; `$limit` is left to bind."""
    where, parameters = listing.where(selection)
    source = listing.annotated if listing.needs_annotated(selection) else listing.source
    key = listing.keys[1]
    return (
        f"select {key} as id from {source} {listing.item} where {where}"  # noqa: S608  # as in page
        f" order by {column}, {key} limit $limit",
        parameters,
    )


def _after(
    column: str, keys: Sequence[str], descending: bool, after: Sequence[Place]
) -> tuple[str, Parameters]:
    """Return the condition for rows behind a position, and its parameters."""
    bound = {f"after_{i}": value for i, value in enumerate(after)}
    names = ", ".join(f"$after_{i + 1}" for i in range(len(keys)))
    later_key = f"({', '.join(keys)}) > ({names})"
    if after[0] is None:  # among the nulls, which come last
        del bound["after_0"]
        return f"({column} is null and {later_key})", bound
    beyond = "<" if descending else ">"
    return (
        f"({column} {beyond} $after_0 or {column} is null"
        f" or ({column} = $after_0 and {later_key}))",
        bound,
    )
