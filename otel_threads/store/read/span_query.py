"""What a list of spans selects from: conditions and the place behind which a page begins."""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.span import SpanPlace, SpanSelection
from otel_threads.database.list_parameters import json_list

Parameters = dict[str, Any]
CONDITIONS: Mapping[str, str] = {
    "projects": "s.project in (select unnest(from_json($projects, '[\"varchar\"]')))",
    "trace_ids": "s.trace_id in (select unnest(from_json($trace_ids, '[\"varchar\"]')))",
    "span_ids": "s.span_id in (select unnest(from_json($span_ids, '[\"varchar\"]')))",
    "is_root": "(s.parent_span_id is null) = $is_root",
    "has_error": "(s.status_code = 'error') = $has_error",
    "from_unix_nano": "s.start_time_unix_nano >= $from_unix_nano",
    "to_unix_nano": "s.start_time_unix_nano < $to_unix_nano",
    "attribute": "coalesce(s.attributes[$attribute] = $attribute_value, true)",
}
_LISTS = ("projects", "trace_ids", "span_ids")
_COLUMNS = (
    "s.project, s.trace_id, s.span_id, s.parent_span_id, s.name, s.start_time_unix_nano,"
    " s.end_time_unix_nano, s.status_code, s.status_message, s.scope_name, s.received_at,"
    " s.ingest_seq, s.attributes, s.attribute_types"
)


def page(
    selection: SpanSelection, *, after: SpanPlace | None, newest_first: bool
) -> tuple[str, Parameters]:
    """Return the query of a page by start, trace id, root first, and span id; `$limit` is to bind.

    The rows come in no order: sorting rows this wide is the reader's, who has them all. The
    fragments come from the table above; all that a reader wrote is a bound parameter.
    """
    parts: list[str] = []
    parameters: Parameters = {}
    rank = f"(s.parent_span_id is {'' if newest_first else 'not '}null)::integer"
    for name, condition in CONDITIONS.items():
        value = getattr(selection, name)
        if value is not None:
            parts.append(condition)
            parameters[name] = json_list(value) if name in _LISTS else value
    if selection.attribute is not None:
        parameters["attribute_value"] = selection.attribute_value
    if after is not None:
        beyond = "<" if newest_first else ">"
        # The first part alone is what zone maps prune by.
        parts.append(
            f"s.start_time_unix_nano {beyond}= $after_start"
            f" and (s.start_time_unix_nano, s.trace_id, {rank}, s.span_id)"
            f" {beyond} ($after_start, $after_trace, $after_rank, $after_span)"
        )
        parameters |= {
            "after_start": after.start_time_unix_nano,
            "after_trace": after.trace_id,
            "after_rank": root_rank(after.is_root, newest_first=newest_first),
            "after_span": after.span_id,
        }
    direction = "desc" if newest_first else "asc"
    keys = ("s.start_time_unix_nano", "s.trace_id", rank, "s.span_id")
    order = ", ".join(f"{key} {direction}" for key in keys)
    where = " and ".join(parts) or "true"
    return (
        f"select {_COLUMNS} from spans s where s.rowid in ("  # noqa: S608  # see above
        f"select s.rowid from spans s where {where} order by {order} limit $limit)",
        parameters,
    )


def root_rank(is_root: bool, *, newest_first: bool) -> int:
    """Return what puts the root of a trace before spans of its start, in either direction."""
    return int(is_root == newest_first)
