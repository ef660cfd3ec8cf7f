"""What a list of spans with the filter language selects from: only as wide as it is asked.

Most lists ask for the latest spans, or for those of a name: they read narrow columns of `spans`
alone. Model requests and threads are joined where a filter or sort looks at them.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from otel_threads.core import record
from otel_threads.core.fields import sortable
from otel_threads.core.span_line import SpanLine
from otel_threads.core.usage import USAGE
from otel_threads.store.read import list_query
from otel_threads.store.read.filter_sql import fields as fields_asked
from otel_threads.store.read.list_query import SPANS, Listing, Parameters, Selection
from otel_threads.store.read.stored_items import Place

_CALLS: Mapping[str, str] = {
    "model": "coalesce(c.response_model, c.request_model)",
    "time_to_first_token_ms": "c.time_to_first_token_ms",
    "cost_usd": "c.cost_usd",
    **{name: f"c.{name}" for name in USAGE},
}
_OWN = (
    "project",
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "kind",
    "status_code",
    "status_message",
    "service_name",
    "scope_name",
    "start_time",
    "start_time_unix_nano",
    "duration_ms",
)
_SAME = "{0}.project = s.project and {0}.trace_id = s.trace_id"
# The span that stands for a whole trace of records is none to those who list spans.
_NO_TRACE_RECORD = f" where s.attributes['{record.ENTITY}'] is distinct from 'trace'"
LINES = Listing(
    item="spans",
    source="spans",
    annotated="spans",
    added=(),
    keys=("project", "trace_id", "span_id"),
    sorts=(*sortable(SpanLine), *USAGE),
    conditions={
        **SPANS.conditions,
        "thread_id": "(project, trace_id) in (select (project, trace_id) from traces"
        " where list_contains(thread_ids, $thread_id))",
        "search": "(starts_with(span_id, lower($search)) or starts_with(trace_id, lower($search))"
        " or contains(lower(name), lower($search))"
        " or contains(lower(status_message), lower($search)))",
    },
)


def _listing(selection: Selection, sort: str, has_records: bool) -> Listing:
    """Return the listing over what a selection and a sort look at."""
    asked = {sort.removeprefix("-").removeprefix("usage.")}
    if selection.filter is not None:
        asked |= fields_asked(selection.filter)
    columns, joins = [f"s.{name}" for name in _OWN], ""
    if asked & {*_CALLS, "usage"}:
        columns += [f"{sql} as {name}" for name, sql in _CALLS.items()]
        joins += f" left join calls c on {_SAME.format('c')} and c.span_id = s.span_id"
    if "thread_id" in asked:
        columns.append("t.thread_id")
        joins += f" left join traces t on {_SAME.format('t')}"
    records = _NO_TRACE_RECORD if has_records else ""
    source = f"(select {', '.join(columns)} from spans s{joins}{records})"  # noqa: S608  # our names
    return dataclasses.replace(LINES, source=source)


def keys(
    selection: Selection, *, sort: str, after: Sequence[Place] | None, has_records: bool
) -> tuple[str, Parameters]:
    """Return the query of the keys of a page, each with its start and the value it is sorted by.

    `$limit` and `$offset` are left to bind. `has_records` says that SDK records may be here.

    Raises:
        InvalidQuery: there is no such field to sort by.
    """
    listing = _listing(selection, sort, has_records)
    page, parameters = list_query.page(listing, selection, sort=sort, after=after)
    column, _ = listing.order(sort)
    chosen = f"project, trace_id, span_id, start_time_unix_nano, {column} as sort_value"
    return f"select {chosen} from ({page})", parameters  # noqa: S608  # as in list_query


def count(selection: Selection, *, has_records: bool) -> tuple[str, Parameters]:
    """Return the query that counts a selection."""
    return list_query.count(_listing(selection, "", has_records), selection)
