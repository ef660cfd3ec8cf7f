"""A span as lists over all traces have it. A line a field; `core/fields.py` says what follows."""

import datetime
from dataclasses import dataclass
from typing import Annotated

from otel_threads.core.fields import Field
from otel_threads.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLine:
    """One span without what its attributes hold; `GET /traces/{trace_id}` has them.

    Model, usage and cost stand at the outermost span of a model request, and nowhere else.
    """

    project: Annotated[str, Field("Its project.", proto=1)]
    trace_id: Annotated[str, Field("Trace id, 32 lower-case hex digits.", proto=2)]
    span_id: Annotated[str, Field("Span id, 16 lower-case hex digits.", proto=3)]
    parent_span_id: Annotated[str | None, Field("Its parent; null for a root.", proto=4)]
    thread_id: Annotated[
        str | None, Field("The thread of its trace; null where that has none or several.", proto=5)
    ]
    name: Annotated[str, Field("Name of the operation.", proto=6, is_sortable=True)]
    kind: Annotated[
        str,
        Field("unspecified, internal, server, client, producer or consumer.", proto=7),
    ]
    type: Annotated[
        str | None,
        Field("llm, agent, tool and the like; null is unknown.", proto=8, is_filterable=False),
    ]
    status_code: Annotated[str, Field("unset, ok or error.", proto=9)]
    status_message: Annotated[str, Field("Text of the status.", proto=10)]
    service_name: Annotated[str | None, Field("Resource attribute service.name.", proto=11)]
    scope_name: Annotated[str, Field("Usually the library that made the span.", proto=12)]
    model: Annotated[
        str | None, Field("Model that answered, else the one that was requested.", proto=13)
    ]
    start_time: Annotated[datetime.datetime, Field("Start.", proto=14, is_sortable=True)]
    duration_ms: Annotated[float, Field("End minus start.", proto=15, unit="ms", is_sortable=True)]
    time_to_first_token_ms: Annotated[
        float | None,
        Field(
            "From the start to the first token of a streamed answer.",
            proto=16,
            unit="ms",
            is_sortable=True,
        ),
    ]
    usage: Annotated[Usage | None, Field("Tokens; null is no model request.", proto=17)]
    cost_usd: Annotated[
        float | None, Field("Cost; null is unknown.", proto=18, unit="USD", is_sortable=True)
    ]
