"""What a thread and a trace have in common: what their spans add up to, and what was said of them.

A line a field; `core/fields.py` says what follows from it.
"""

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal

from otel_threads.core.fields import Field
from otel_threads.core.score import Score
from otel_threads.core.usage import Usage

CostSource = Literal["reported", "estimated", "mixed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The fields that threads and traces share."""

    span_count: Annotated[int, Field("Spans.", proto=1, is_sortable=True, export=11)]
    error_count: Annotated[
        int,
        Field(
            "Failures, each once: tools and retries included.",
            proto=2,
            is_sortable=True,
            export=13,
            label="Errors",
        ),
    ]
    call_count: Annotated[
        int,
        Field("Model requests, each once.", proto=3, is_sortable=True, export=14),
    ]
    first_message: Annotated[
        str | None,
        Field("First user message.", proto=4, export=15, label="First message"),
    ]
    last_message: Annotated[
        str | None,
        Field("Last message.", proto=5, export=16, label="Last message"),
    ]
    models: Annotated[
        list[str],
        Field(
            "Models that answered, else those that were requested.",
            proto=6,
            export=17,
            label="Models",
        ),
    ]
    providers: Annotated[
        list[str],
        Field(
            "Providers as the instrumentation names them.", proto=7, export=18, label="Providers"
        ),
    ]
    services: Annotated[
        list[str],
        Field(
            "Services: the resource attribute service.name.", proto=8, export=19, label="Services"
        ),
    ]
    users: Annotated[
        list[str],
        Field("User ids found on spans.", proto=9, export=20, label="Users"),
    ]
    environments: Annotated[
        list[str],
        Field("Deployment environments.", proto=10, export=21, label="Environments"),
    ]
    usage: Annotated[
        Usage,
        Field("Tokens; each key is a field.", proto=11, unit="tokens"),
    ]
    cost_usd: Annotated[
        float | None,
        Field(
            "Cost in US dollars; null is unknown.",
            proto=12,
            is_sortable=True,
            export=31,
            unit="USD",
            label="Cost",
        ),
    ]
    cost_source: Annotated[
        CostSource | None,
        Field("Where the cost comes from; null without one.", proto=13, export=32),
    ]
    cost_is_partial: Annotated[
        bool,
        Field("Whether the cost of some call is unknown.", proto=14, export=33),
    ]
    tags: Annotated[
        list[str],
        Field(
            "Tags that came with spans, and those that people changed.",
            proto=15,
            export=22,
            label="Tags",
        ),
    ]
    metadata: Annotated[
        dict[str, str],
        Field("Metadata that came with spans.", proto=16, export=36),
    ]
    scores: Annotated[
        list[Score],
        Field("Current scores.", proto=17, export=37, label="Scores"),
    ]
    comment_count: Annotated[
        int,
        Field("Comments.", proto=18, is_sortable=True, export=34, label="Comments"),
    ]
    thread_id_source: Annotated[
        str | None,
        Field("The attribute that named the thread.", proto=19, export=35),
    ]
    created_at: Annotated[
        datetime.datetime,
        Field(
            "When its first span was received.",
            proto=20,
            is_sortable=True,
            export=6,
            label="Created",
        ),
    ]
    updated_at: Annotated[
        datetime.datetime,
        Field(
            "When its last span was received.",
            proto=21,
            is_sortable=True,
            export=7,
            label="Updated",
        ),
    ]
    duration_ms: Annotated[
        float,
        Field(
            "From the first start to the last end.",
            proto=22,
            is_sortable=True,
            export=8,
            unit="ms",
            label="Duration",
        ),
    ]
    turn_count: Annotated[
        int,
        Field("Turns.", proto=23, is_sortable=True, export=9, label="Turns"),
    ]
