"""Objects of core/ in outline: what an agent reads before it asks for more."""

from collections.abc import Sequence

from otel_threads.api.mcp.answers import (
    CommentLine,
    ErrorLine,
    ScoreLine,
    SpanLine,
    ThreadLine,
    ToolLine,
    TurnLine,
)
from otel_threads.api.mcp.content import NAMES_MAX, Place, name, name_or_none, names
from otel_threads.core.message import Error
from otel_threads.core.score import Comment, Score
from otel_threads.core.span import Span
from otel_threads.core.thread import Thread
from otel_threads.core.turn import Turn

TOOLS_MAX = 20  # of a turn


def thread_line(thread: Thread) -> ThreadLine:
    """Return a thread with the beginnings of its first and last message."""
    place = Place(thread_id=thread.thread_id)
    return ThreadLine(
        project=thread.project,
        thread_id=thread.thread_id,
        status=thread.status,
        first_activity_time=thread.first_activity_time,
        last_activity_time=thread.last_activity_time,
        duration_ms=thread.duration_ms,
        turn_count=thread.turn_count,
        trace_count=thread.trace_count,
        message_count=thread.message_count,
        call_count=thread.call_count,
        error_count=thread.error_count,
        total_tokens=thread.usage.total_tokens,
        cost_usd=thread.cost_usd,
        models=names(thread.models),
        users=names(thread.users),
        services=names(thread.services),
        tags=names(thread.tags),
        scores=score_lines(thread.scores, place),
        comment_count=thread.comment_count,
        first_message=place.text(thread.first_message, role="user"),
        last_message=place.text(thread.last_message),
    )


def turn_line(turn: Turn) -> TurnLine:
    """Return a turn with the beginnings of its texts."""
    place = Place(thread_id=turn.thread_id, turn_index=turn.turn_index)
    return TurnLine(
        turn_index=turn.turn_index,
        start_time=turn.start_time,
        duration_ms=turn.duration_ms,
        user=place.text(turn.user, role="user"),
        assistant=place.text(turn.assistant, role="assistant"),
        error=error_line(turn.error, place),
        tools=[
            ToolLine(name=name_or_none(call.name), failed=call.error is not None)
            for call in turn.tool_calls[:TOOLS_MAX]
        ],
        tool_call_count=len(turn.tool_calls),
        message_count=turn.message_count,
        total_tokens=turn.usage.total_tokens,
        cost_usd=turn.cost_usd,
        models=names(turn.models),
        trace_ids=turn.trace_ids[:NAMES_MAX],
        scores=score_lines(turn.scores, place),
    )


def error_line(error: Error | None, place: Place) -> ErrorLine | None:
    """Return an error with the beginning of its message."""
    if error is None:
        return None
    return ErrorLine(type=name_or_none(error.type), message=place.text(error.message))


def score_lines(scores: Sequence[Score], place: Place) -> list[ScoreLine]:
    """Return the first scores, with the beginnings of their reasons."""
    return [
        ScoreLine(
            name=name(one.name),
            value=one.value,
            category=name_or_none(one.category),
            source=one.source,
            author=name_or_none(one.author),
            reason=place.text(one.reason),
        )
        for one in scores[:TOOLS_MAX]
    ]


def comment_line(comment: Comment, place: Place) -> CommentLine:
    """Return a comment with the beginning of its text."""
    return CommentLine(
        author=name_or_none(comment.author),
        created_at=comment.created_at,
        text=place.text(comment.text),
    )


def span_line(span: Span) -> SpanLine:
    """Return a span without its attributes."""
    return SpanLine(
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        depth=span.depth,
        name=name(span.name),
        type=span.type,
        service_name=name_or_none(span.service_name),
        model=name_or_none(span.model),
        start_time=span.start_time,
        duration_ms=span.duration_ms,
        status_code=span.status_code,
        status_message=name(span.status_message),
        total_tokens=span.usage.total_tokens if span.usage else None,
        cost_usd=span.cost_usd,
        attribute_count=len(span.attributes),
    )
