"""What the tools take: each field bounded, none unknown."""

import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from otel_threads.core.limits import (
    FILTER_LENGTH_MAX,
    ID_LENGTH_MAX,
    NAME_LENGTH_MAX,
    SEARCH_LENGTH_MAX,
    TEXT_LENGTH_MAX,
)

ITEMS_MAX = 50  # of a page: an agent reads all of it
SPANS_MAX = 200
CHARS_DEFAULT, CHARS_MAX = 4_000, 40_000  # of stored text in one answer
SQL_CHARS_MAX = 20_000
ROWS_DEFAULT, ROWS_MAX = 50, 500
IDS_MAX = 100  # threads that one call tags


class Arguments(BaseModel):
    """What a tool takes."""

    model_config = ConfigDict(extra="forbid")


class InProject(Arguments):
    """Threads of one project."""

    project: str | None = Field(
        None, max_length=NAME_LENGTH_MAX, description="The one that has the thread if left out."
    )


class NoArguments(Arguments):
    """Nothing."""


class WhichThreads(InProject):
    """A selection of threads."""

    project: str | None = Field(
        None,
        max_length=NAME_LENGTH_MAX,
        description="All projects if left out.",
    )
    filter: str | None = Field(
        None,
        max_length=FILTER_LENGTH_MAX,
        description="field operator value, joined by and, or, not; filter_help lists the fields. "
        'Example: error_count > 0 and duration_ms > 90s and any_message contains "refund"',
    )
    search: str | None = Field(
        None, max_length=SEARCH_LENGTH_MAX, description="Words that a message has, or an id."
    )
    status: Literal["active", "inactive"] | None = None
    from_time: datetime.datetime | None = Field(None, description="Active at or after this time.")
    to_time: datetime.datetime | None = Field(None, description="Active before this time.")


class FindThreads(WhichThreads):
    """Which threads, in which order."""

    sort: str = Field(
        "-last_activity_time",
        max_length=100,
        description="A sortable field; - before it for the largest first.",
    )
    limit: int = Field(20, ge=1, le=ITEMS_MAX)
    cursor: str | None = Field(None, max_length=10_000, description="next_cursor of the last page.")


class Stats(WhichThreads):
    """Which threads, and by which time."""

    interval: Literal["hour", "day"] | None = Field(None, description="Adds sums by time.")


class FilterHelp(Arguments):
    """Of what the fields are."""

    of: Literal["threads", "traces"] = "threads"


class GetThread(InProject):
    """Which thread, and which of its turns."""

    thread_id: str = Field(min_length=1, max_length=ID_LENGTH_MAX)
    limit: int = Field(20, ge=1, le=ITEMS_MAX, description="Turns of this page.")
    cursor: str | None = Field(None, max_length=10_000, description="next_cursor of the last page.")


class GetTurn(InProject):
    """Which turn, and how much of its text from where on."""

    thread_id: str = Field(min_length=1, max_length=ID_LENGTH_MAX)
    turn_index: int = Field(ge=0, le=1 << 31)
    message_index: int = Field(0, ge=0, le=1 << 20, description="The message to begin with.")
    offset: int = Field(0, ge=0, le=1 << 31, description="The character of it to begin with.")
    chars_max: int = Field(
        CHARS_DEFAULT, ge=200, le=CHARS_MAX, description="Characters of text in the answer."
    )


class GetTrace(Arguments):
    """Which trace, and which of its spans whole."""

    trace_id: str = Field(pattern="^[0-9a-fA-F]{32}$", description="32 hex digits.")
    project: str | None = Field(None, max_length=NAME_LENGTH_MAX, description="Any if left out.")
    span_id: str | None = Field(
        None,
        pattern="^[0-9a-fA-F]{16}$",
        description="Shows this span's attributes and events in place of the outline.",
    )
    offset: int = Field(0, ge=0, le=1 << 31, description="The span of the outline to begin with.")
    limit: int = Field(50, ge=1, le=SPANS_MAX, description="Spans of the outline.")
    chars_max: int = Field(
        CHARS_DEFAULT, ge=200, le=CHARS_MAX, description="Characters of attributes in the answer."
    )


class CompareThreads(InProject):
    """Which two threads."""

    thread_id: str = Field(min_length=1, max_length=ID_LENGTH_MAX)
    other_thread_id: str = Field(min_length=1, max_length=ID_LENGTH_MAX)


class QuerySql(Arguments):
    """One query that only reads."""

    sql: str = Field(
        min_length=1,
        max_length=SQL_CHARS_MAX,
        description="One SELECT in DuckDB's SQL, over the views threads, turns, messages, traces, "
        "spans, calls, scores, comments, log_records. `describe threads` shows columns.",
    )
    rows_max: int = Field(ROWS_DEFAULT, ge=1, le=ROWS_MAX)
    cell_chars_max: int = Field(500, ge=20, le=CHARS_MAX, description="Characters of one value.")


class ExplainMissing(Arguments):
    """Of which trace, if of one."""

    trace_id: str | None = Field(
        None,
        pattern="^[0-9a-fA-F]{32}$",
        description="Says why this trace is in no thread; without it, what keeps traces out.",
    )


class FindIssues(Arguments):
    """Which issues."""

    project: str | None = Field(
        None, max_length=NAME_LENGTH_MAX, description="All projects if left out."
    )

    state: Literal["open", "closed"] | None = None
    from_time: datetime.datetime | None = Field(
        None, description="Failures since then; 30 days if left out."
    )
    limit: int = Field(20, ge=1, le=ITEMS_MAX)


class OneTarget(Arguments):
    """What an annotation is about: a thread, or a trace, or a span of a trace."""

    project: str | None = Field(
        None, max_length=NAME_LENGTH_MAX, description="The default project if left out."
    )

    thread_id: str | None = Field(None, min_length=1, max_length=ID_LENGTH_MAX)
    trace_id: str | None = Field(None, pattern="^[0-9a-fA-F]{32}$")
    span_id: str | None = Field(None, pattern="^[0-9a-fA-F]{16}$", description="With trace_id.")


class Score(OneTarget):
    """A score to write, in place of this author's last one of that name."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    value: float | None = Field(None, allow_inf_nan=False, description="Needed without category.")
    category: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    reason: str | None = Field(None, max_length=TEXT_LENGTH_MAX)


class Tag(InProject):
    """Tags to add to and to remove from threads."""

    thread_ids: list[str] = Field(min_length=1, max_length=IDS_MAX)
    add: list[str] = Field(default_factory=list, max_length=50)
    remove: list[str] = Field(default_factory=list, max_length=50)


class WriteComment(OneTarget):
    """A comment to write."""

    text: str = Field(min_length=1, max_length=TEXT_LENGTH_MAX)
