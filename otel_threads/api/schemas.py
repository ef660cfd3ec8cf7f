"""The shapes of responses beyond core/: pages and errors under their names in OpenAPI; JSON.

Times are RFC 3339 in UTC, durations milliseconds; null is unknown.
"""

import orjson
from pydantic import BaseModel, Field

from otel_threads.core.issue import Issue
from otel_threads.core.message import Json
from otel_threads.core.project import Project, View
from otel_threads.core.score import Comment, Score, ScoreName
from otel_threads.core.span_line import SpanLine
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace
from otel_threads.core.turn import Turn, TurnOutline


def as_json(found: object) -> bytes:
    """Return what a service found, objects of core/, as JSON text: a key a field, in their order.

    The types of core/ are what is sent: nothing is validated anew. A test compares every response
    of REST with what pydantic makes of the same shape.
    """
    return orjson.dumps(found, option=orjson.OPT_UTC_Z)


class PageModel(BaseModel):
    """How OpenAPI calls a `core.page.Page`; a test compares the two."""

    next_cursor: str | None
    total: int | None = None


class Threads(PageModel):
    """A page of threads."""

    items: list[Thread]


class Turns(PageModel):
    """A page of turns, oldest first."""

    items: list[Turn]


class TurnOutlines(PageModel):
    """The turns of a thread, a line each."""

    items: list[TurnOutline]


class Traces(PageModel):
    """A page of traces."""

    items: list[Trace]


class SpanLines(PageModel):
    """A page of spans."""

    items: list[SpanLine]


class Projects(PageModel):
    """All projects."""

    items: list[Project]


class Scores(PageModel):
    """Scores, the latest first."""

    items: list[Score]


class ScoreNames(PageModel):
    """Names in use, in their order."""

    items: list[ScoreName]


class Issues(PageModel):
    """Issues, those with the most threads first."""

    items: list[Issue]


class Comments(PageModel):
    """Comments, oldest first."""

    items: list[Comment]


class Views(PageModel):
    """Saved selections, by name."""

    items: list[View]


class OpenAIMessages(BaseModel):
    """A conversation as OpenAI chat messages."""

    messages: list[Json]


class Problem(BaseModel):
    """An error as RFC 9457 describes it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    position: int | None = Field(None, description="Where in a filter, from 0.")
