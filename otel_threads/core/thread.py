"""A thread: one conversation. A line a field; `core/fields.py` says what follows from it."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal

from otel_threads.core.fields import Field
from otel_threads.core.score import TurnScores
from otel_threads.core.totals import Totals

ThreadStatus = Literal["active", "inactive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread(Totals):
    """One conversation. `error_count` counts failures, each once, tools and retries included."""

    project: Annotated[
        str,
        Field("Its project.", proto=24, is_sortable=True, export=1, label="Project"),
    ]
    thread_id: Annotated[
        str,
        Field(
            "The conversation's id, unique within the project.",
            proto=25,
            is_sortable=True,
            export=2,
            label="Thread",
        ),
    ]
    status: Annotated[
        ThreadStatus,
        Field(
            "inactive once it was closed, or no span came for the cooldown.",
            proto=26,
            export=3,
            label="Status",
        ),
    ]
    first_activity_time: Annotated[
        datetime.datetime,
        Field(
            "Start of its earliest span.",
            proto=27,
            is_sortable=True,
            export=4,
            label="First activity",
        ),
    ]
    last_activity_time: Annotated[
        datetime.datetime,
        Field(
            "End of its latest span.", proto=28, is_sortable=True, export=5, label="Last activity"
        ),
    ]
    trace_count: Annotated[
        int,
        Field("Traces.", proto=29, is_sortable=True, export=10, label="Traces"),
    ]
    message_count: Annotated[
        int,
        Field("Messages.", proto=30, is_sortable=True, export=12, label="Messages"),
    ]
    turn_scores: Annotated[
        dict[str, TurnScores],
        Field(
            "Current scores on its turns, traces and spans, by name.",
            proto=31,
            export=38,
            label="Turn scores",
        ),
    ]
    last_error: Annotated[
        str | None,
        Field(
            "What failed last in a turn or a tool call of it, cut at 300 characters; null where "
            "neither did.",
            proto=32,
            is_filterable=False,
            label="Last error",
        ),
    ]
