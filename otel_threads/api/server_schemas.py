"""What the calls about the server itself answer: doctor, rebuild, fields, demo."""

from typing import Literal

from pydantic import BaseModel

from otel_threads.api.schemas import Status


class Rebuild(BaseModel):
    """A rebuild has begun; `/status` tells how far it is."""

    committed_sequence: int


class Instrumentation(BaseModel):
    """One instrumentation scope among the latest 200,000 spans."""

    scope_name: str
    scope_version: str
    span_count: int
    trace_count: int
    traces_with_thread: int
    thread_id_sources: list[str] | None
    traces_with_calls: int
    calls_without_thread: int
    examples_without_thread: list[str] | None
    traces_without_content: int
    examples_without_content: list[str] | None
    spans_from_the_future: int
    spans_ending_before_start: int
    spans_a_day_late: int
    spans_scrubbed: int


class Finding(BaseModel):
    """Something that keeps spans out of threads, and what to write against it."""

    kind: Literal[
        "nothing_arrived", "scrubbed_id", "no_thread_id", "no_content", "double_instrumentation",
        "clock",
    ]  # fmt: skip
    library: str | None
    summary: str
    fix: str
    note: str
    trace_ids: list[str]


class Doctor(BaseModel):
    """What arrived, and what is missing."""

    status: Status
    instrumentations: list[Instrumentation]
    findings: list[Finding]


class FilterField(BaseModel):
    """A field that filters know. `name` ends with a dot where a key follows, as in `scores.`."""

    name: str
    type: Literal[
        "text", "number", "duration", "time", "boolean", "list", "map", "score", "message"
    ]
    operators: list[str]
    sortable: bool


class FilterFields(BaseModel):
    """All fields of threads or of traces, by name."""

    items: list[FilterField]
    next_cursor: None = None


class Demo(BaseModel):
    """The recorded conversations are stored; soon they are in the threads."""

    request_count: int
    span_count: int
    projects: list[str]
