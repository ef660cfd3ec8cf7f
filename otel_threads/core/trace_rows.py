"""What the deriver makes of one trace, row by row: the seam between deriving and the store.

Rows are dictionaries, because they become columns of Arrow tables as they are: a class a row took
a tenth of the deriver's time. Their keys and types are checked all the same.
"""

from typing import Any, NotRequired, TypedDict


class UsageRow(TypedDict):
    """Tokens; None is unknown. Input includes cached ones, output includes reasoning."""

    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    input_audio_tokens: int | None
    output_audio_tokens: int | None


class CostRow(TypedDict):
    """US dollars; None is unknown."""

    cost_usd: float | None
    cost_source: str | None
    cost_is_partial: bool


class SpentRow(UsageRow, CostRow):
    """What model requests spent, and who answered them."""

    models: list[str]
    providers: list[str]


class ErrorRow(TypedDict):
    """What ended a turn or a tool call."""

    type: str | None
    message: str | None


class RequestedCallRow(TypedDict):
    """A tool call as it stands in an assistant's message."""

    id: str | None
    name: str | None
    arguments: Any


class ToolCallRow(RequestedCallRow):
    """A tool that the assistant asked for, and what came of it."""

    result: Any
    error: ErrorRow | None


class MessageRow(TypedDict):
    """A message; a plain text, which most are, has only the first three."""

    role: str
    text: str | None
    span_id: str
    parts: NotRequired[list[dict[str, Any]]]  # as they came, any fields
    tool_calls: NotRequired[list[RequestedCallRow]]
    tool_call_id: NotRequired[str | None]


class NamedRow(TypedDict):
    """Who and what spans name; each once, in order."""

    services: list[str]
    users: list[str]
    environments: list[str]
    tags: list[str]


class SpansRow(NamedRow):
    """What spans say together. `error_count` counts failures, each once."""

    start_time_unix_nano: int
    end_time_unix_nano: int
    received_unix_nano: int
    created_unix_nano: int
    first_sequence: int
    last_sequence: int
    span_count: int
    error_count: int
    metadata: dict[str, str]


class SumsRow(SpansRow, SpentRow):
    """What spans and model requests add up to."""

    call_count: int


class SliceRow(SumsRow):
    """What a thread has of a trace; `thread_id` is None for spans without one."""

    project: str
    trace_id: str
    thread_id: str | None
    thread_id_source: str | None
    trace_sequence: int  # of the commit with which the trace joined the thread


class TraceRow(SumsRow):
    """A trace as a whole."""

    project: str
    trace_id: str
    thread_id: str | None  # None also where several threads share it
    thread_ids: list[str]
    thread_id_source: str | None
    is_copy: bool  # of spans that were sent to several projects
    root_span_id: str | None
    name: str
    turn_count: int
    first_message: str | None
    last_message: str | None


class CallRow(UsageRow):
    """A model request."""

    project: str
    thread_id: str | None
    trace_id: str
    span_id: str
    name: str
    start_time_unix_nano: int
    end_time_unix_nano: int
    request_model: str | None
    response_model: str | None
    provider: str | None
    response_id: str | None
    reported_by: list[str]
    finish_reasons: list[str]
    cost_usd: float | None
    cost_source: str | None
    time_to_first_token_ms: float | None
    error_type: str | None
    error_message: str | None


class PartPlace(TypedDict):
    """Where in its thread a part of a turn stands, and whether it may belong to one before."""

    project: str
    thread_id: str | None
    trace_id: str
    part_index: int
    start_time_unix_nano: int
    continues: bool


class DerivedPart(PartPlace, SpentRow):
    """A turn, or what one trace has of it, by that trace alone."""

    end_time_unix_nano: int
    user_message_count: int
    user_text: str | None
    brings_results: bool
    is_truncated: bool
    unanswered: list[str]
    span_id: str
    name: str
    user: str | None
    assistant: str | None
    system: str | None
    error: ErrorRow | None
    messages: list[MessageRow]
    tool_calls: list[ToolCallRow]
    time_to_first_token_ms: float | None
    response_ids: list[str]
    call_count: int
    span_count: int


class PartRow(DerivedPart):
    """A turn, or what one trace has of it, with what other traces tell of it, too."""

    record_rank: NotRequired[int]  # of parts that log records tell (derive/retold.py)
    retold_by: NotRequired[list[str]]  # trace ids
    told: NotRequired[dict[str, Any]]  # its numbers before those of other parts were taken off


class TurnRow(PartRow):
    """A turn, with the traces that its parts are of, the first first."""

    trace_ids: list[str]
    repeated: NotRequired[str | None]  # the older question that a cut history showed
    turn_index: NotRequired[int]


class GivenScore(TypedDict):
    """What an evaluation event says."""

    name: str
    value: float | None
    category: str | None
    reason: str | None
    author: str | None


class ScoredItem(TypedDict):
    """What an evaluation event scores: a span, a response of another trace, or a thread."""

    span_id: str
    response_id: str | None
    thread_id: str | None


class EvaluationRow(GivenScore, ScoredItem):
    """A score that came as an event."""

    project: str
    trace_id: str
    evidence_trace_id: str
    start_time_unix_nano: int
    created_unix_nano: int


class LinkedTurn(TypedDict):
    """The turn that a link is about."""

    project: str
    trace_id: str
    start_time_unix_nano: int
    thread_id: str | None
    turn_key: str | None


class LinkRow(LinkedTurn):
    """A tool call that a trace leaves open, or a result that it brings."""

    tool_call_id: str
    is_answer: bool
