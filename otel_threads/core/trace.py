"""A trace with what its spans add up to. A line a field; `core/fields.py` says what follows."""

import datetime
from dataclasses import dataclass
from typing import Annotated

from otel_threads.core.fields import Field
from otel_threads.core.span import Span
from otel_threads.core.totals import Totals
from otel_threads.core.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace(Totals):
    """One trace with what its spans add up to."""

    project: Annotated[str, Field("Its project.", proto=24, is_sortable=True)]
    trace_id: Annotated[
        str,
        Field("Trace id, 32 lower-case hex digits.", proto=25, is_sortable=True),
    ]
    thread_id: Annotated[
        str | None,
        Field("The thread when the trace has exactly one; else null.", proto=26),
    ]
    thread_ids: Annotated[
        list[str],
        Field(
            "All of its threads, in the order of their first span.", proto=27, is_filterable=False
        ),
    ]
    root_span_id: Annotated[
        str | None,
        Field("Span id of the root; null while it is missing.", proto=28, is_filterable=False),
    ]
    name: Annotated[
        str,
        Field("Name of the root, else of the earliest span.", proto=29, is_sortable=True),
    ]
    start_time: Annotated[
        datetime.datetime,
        Field("Start of the earliest span.", proto=30, is_sortable=True),
    ]
    end_time: Annotated[
        datetime.datetime,
        Field("End of the latest span.", proto=31, is_sortable=True),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceDetail(Trace):
    """A trace with its spans, parents before children, and its turns."""

    spans: list[Span]
    turns: list[Turn]
