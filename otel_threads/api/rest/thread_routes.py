"""REST calls that read threads and traces."""

import datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from otel_threads.api import schemas
from otel_threads.api.rest.list_part import CursorQuery, LimitQuery, Part, TotalQuery
from otel_threads.api.rest.route import BASE, ERRORS, MISSING, json_response
from otel_threads.core.filters import FilterFields
from otel_threads.core.limits import (
    FILTER_LENGTH_MAX,
    PAGE_ITEMS_DEFAULT,
    PAGE_ITEMS_MAX,
    SEARCH_LENGTH_MAX,
)
from otel_threads.core.stats import ThreadStats, TraceStats
from otel_threads.core.thread import Thread
from otel_threads.core.trace import TraceDetail
from otel_threads.core.transcript import Transcript
from otel_threads.services import transcript
from otel_threads.services.span_lists import SpanListService
from otel_threads.services.threads import ThreadService

OneProjectQuery = Annotated[
    str | None, Query(description="Project; left out, the one that has the thread.")
]
ThreadIdQuery = Annotated[str, Query(description="Conversation id.", min_length=1)]


def _check_time(value: Any) -> Any:
    """Refuse numbers, which pydantic would read as seconds."""
    if isinstance(value, str) and "-" not in value[1:]:
        raise ValueError("write an RFC 3339 time, as in 2026-01-31T09:30:00Z")
    return value


TimeQuery = Annotated[datetime.datetime, BeforeValidator(_check_time)]


class _Selection(BaseModel):
    """What to list, and which page of it. A parameter that is none of these is an error."""

    model_config = ConfigDict(extra="forbid")

    project: str | None = Field(None, description="Project; all if left out, or *.")
    filter: str | None = Field(
        None,
        max_length=FILTER_LENGTH_MAX,
        description="Filter language, docs/filters.md.",
        examples=["duration_ms > 90s and error_count > 0"],
    )
    search: str | None = Field(
        None, max_length=SEARCH_LENGTH_MAX, description="Text in ids, names, messages."
    )
    from_: TimeQuery | None = Field(None, alias="from", description="Active at or after this time.")
    to: TimeQuery | None = Field(None, description="Begun before this time.")

    def given(self) -> dict[str, Any]:
        """Return the arguments of the service's method."""
        values = self.model_dump()
        times = {"from_time": values.pop("from_"), "to_time": values.pop("to")}
        return values | times


class _Paged(BaseModel):
    limit: int = Field(PAGE_ITEMS_DEFAULT, ge=1, le=PAGE_ITEMS_MAX, description="Items of a page.")
    cursor: str | None = Field(None, description="next_cursor of the page before.")
    with_total: bool = Field(False, description="Count the whole selection too.")


class _Interval(BaseModel):
    interval: Literal["hour", "day"] | None = Field(None, description="Adds a series.")


class WhichThreads(_Selection):
    """Which threads."""

    thread_id: str | None = Field(None, description="Exactly this conversation id.")
    status: Literal["active", "inactive"] | None = Field(None, description="Only such threads.")


class WhichTraces(_Selection):
    """Which traces."""

    thread_id: str | None = Field(None, description="Only traces of this thread.")
    without_thread: bool | None = Field(None, description="Only those without (with) a thread.")


class ThreadSelection(WhichThreads, _Paged):
    """Which threads, and which page of them."""

    sort: str = Field("-last_activity_time", description="Field; - before it for descending.")


class ThreadStatsSelection(WhichThreads, _Interval):
    """Which threads to sum up."""


class TraceSelection(WhichTraces, _Paged):
    """Which traces, and which page of them."""

    sort: str = Field("-start_time", description="Field; - before it for descending.")


class SpanSelection(_Selection, _Paged):
    """Which spans, and which page of them."""

    search: str | None = Field(
        None, max_length=SEARCH_LENGTH_MAX, description="Text in names, ids and status messages."
    )
    from_: TimeQuery | None = Field(None, alias="from", description="Begun at or after this time.")
    thread_id: str | None = Field(None, description="Only spans of this thread's traces.")
    trace_id: str | None = Field(None, description="Only spans of this trace.")
    sort: str = Field("-start_time", description="Field; - before it for descending.")


class TraceStatsSelection(WhichTraces, _Interval):
    """Which traces to sum up."""


class ThreadExport(WhichThreads):
    """Which threads to write, and how."""

    format: Literal["jsonl", "csv", "parquet", "otlp"] = Field("jsonl", description="Kind of file.")
    shape: Literal["thread", "openai"] = Field("thread", description="Of a line of JSON.")


def add_threads(api: FastAPI, service: ThreadService) -> None:
    """Add the calls that read threads and turns."""

    @api.get(f"{BASE}/threads", response_model=schemas.Threads, responses=ERRORS, tags=["threads"])
    def list_threads(selection: Annotated[ThreadSelection, Query()]) -> Response:
        """List threads, the most recently active first."""
        return json_response(service.threads(**selection.given()))

    @api.get(
        f"{BASE}/threads/stats", response_model=ThreadStats, responses=ERRORS, tags=["threads"]
    )
    def get_thread_stats(selection: Annotated[ThreadStatsSelection, Query()]) -> Response:
        """Get sums and percentiles over threads."""
        return json_response(service.thread_stats(**selection.given()))

    @api.get(
        f"{BASE}/threads/get", response_model=Thread, responses=ERRORS | MISSING, tags=["threads"]
    )
    def get_thread(thread_id: ThreadIdQuery, project: OneProjectQuery = None) -> Response:
        """Get one thread."""
        return json_response(service.thread(thread_id, project=project))


def add_turns(api: FastAPI, service: ThreadService) -> None:
    """Add the calls that read the turns of a thread."""

    @api.get(
        f"{BASE}/threads/turns",
        response_model=schemas.Turns,
        responses=ERRORS | MISSING,
        tags=["threads"],
    )
    def list_turns(
        thread_id: ThreadIdQuery,
        project: OneProjectQuery = None,
        limit: LimitQuery = PAGE_ITEMS_DEFAULT,
        cursor: CursorQuery = None,
        first_turn: Annotated[
            int, Query(ge=0, le=2**53, description="turn_index to begin with, without a cursor.")
        ] = 0,
        with_total: TotalQuery = False,
    ) -> Response:
        """List the turns of a thread, oldest first."""
        found = service.turns(
            thread_id,
            project=project,
            limit=limit,
            cursor=cursor,
            first_turn=first_turn,
            with_total=with_total,
        )
        return json_response(found)

    @api.get(
        f"{BASE}/threads/outline",
        response_model=schemas.TurnOutlines,
        responses=ERRORS | MISSING,
        tags=["threads"],
    )
    def get_outline(
        part: Part,
        thread_id: ThreadIdQuery,
        project: OneProjectQuery = None,
        search: Annotated[
            str | None,
            Query(max_length=SEARCH_LENGTH_MAX, description="Text in messages and tool calls."),
        ] = None,
    ) -> Response:
        """Get a line for each turn: what it took, and which messages hold a text."""
        return json_response(part.of(service.outline(thread_id, project=project, search=search)))


def add_fields(api: FastAPI, service: ThreadService, spans: SpanListService) -> None:
    """Add the call that tells what can be asked."""

    @api.get(f"{BASE}/fields", response_model=FilterFields, responses=ERRORS, tags=["server"])
    def list_fields(
        of: Annotated[
            Literal["threads", "traces", "spans"], Query(description="Of which items.")
        ] = "threads",
    ) -> Response:
        """List the fields that filters and sorts know, with their operators."""
        if of == "spans":
            return json_response(spans.fields())
        return json_response(service.fields(of_traces=of == "traces"))


def add_spans(api: FastAPI, service: SpanListService) -> None:
    """Add the call that lists spans of all traces."""

    @api.get(f"{BASE}/spans", response_model=schemas.SpanLines, responses=ERRORS, tags=["traces"])
    def list_spans(selection: Annotated[SpanSelection, Query()]) -> Response:
        """List spans of all traces, the latest first, without what their attributes hold."""
        return json_response(service.lines(**selection.given()))


def add_transcripts(api: FastAPI, service: ThreadService) -> None:
    """Add the transcript."""

    @api.get(
        f"{BASE}/threads/transcript",
        responses=ERRORS
        | MISSING
        | {
            200: {
                "content": {"text/markdown": {}, "text/plain": {}},
                "description": "In the format asked for.",
            }
        },
        response_model=Transcript | schemas.OpenAIMessages,
        tags=["threads"],
    )
    def get_transcript(
        thread_id: ThreadIdQuery,
        project: OneProjectQuery = None,
        format: Annotated[
            Literal["messages", "markdown", "openai", "text"], Query(description="Shape.")
        ] = "messages",
    ) -> Response:
        """Get a conversation once, history not repeated."""
        found = service.transcript(thread_id, project=project)
        match format:
            case "markdown":
                text = transcript.markdown(found.messages)
                return PlainTextResponse(text, media_type="text/markdown")
            case "text":
                return PlainTextResponse(transcript.text(found.messages))
            case "openai":
                return json_response({"messages": transcript.openai(found.messages)})
            case _:
                return json_response(found)


def add_traces(api: FastAPI, service: ThreadService) -> None:
    """Add the calls that read traces."""

    @api.get(f"{BASE}/traces", response_model=schemas.Traces, responses=ERRORS, tags=["traces"])
    def list_traces(selection: Annotated[TraceSelection, Query()]) -> Response:
        """List traces, the newest first."""
        return json_response(service.traces(**selection.given()))

    @api.get(f"{BASE}/traces/stats", response_model=TraceStats, responses=ERRORS, tags=["traces"])
    def get_trace_stats(selection: Annotated[TraceStatsSelection, Query()]) -> Response:
        """Get sums and percentiles over traces."""
        return json_response(service.trace_stats(**selection.given()))

    @api.get(
        f"{BASE}/traces/{{trace_id}}",
        response_model=TraceDetail,
        responses=ERRORS | MISSING,
        tags=["traces"],
    )
    def get_trace(
        trace_id: str,
        project: Annotated[
            str | None, Query(description="Project; whichever has the trace if left out.")
        ] = None,
    ) -> Response:
        """Get one trace with its spans and turns."""
        return json_response(service.trace(trace_id, project=project))
