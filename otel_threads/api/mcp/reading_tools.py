"""Tools that read one thing: a thread, a turn, a trace, two threads beside each other."""

from collections.abc import Sequence

from otel_threads.api.mcp import arguments
from otel_threads.api.mcp.answers import (
    Attribute,
    ComparedThread,
    Comparison,
    Difference,
    MessageText,
    RequestedTool,
    SpanText,
    ThreadOutline,
    TraceOutline,
    TurnText,
)
from otel_threads.api.mcp.content import NAMES_MAX, Place, as_text, name, name_or_none, names
from otel_threads.api.mcp.desk import Desk
from otel_threads.api.mcp.outline import (
    comment_line,
    error_line,
    span_line,
    thread_line,
    turn_line,
)
from otel_threads.api.mcp.tool import AnyTool, Tool
from otel_threads.core.errors import NotFound
from otel_threads.core.message import Message
from otel_threads.core.span import Span
from otel_threads.core.thread import Thread
from otel_threads.core.turn import Turn

COMMENTS_MAX = 10
MESSAGES_MAX = 200  # of one answer, however short they are
REQUESTED_MAX = 20  # tool calls of a message
ATTRIBUTES_MAX = 300
COMPARED_TURNS_MAX = 200
NUMBERS = (
    "duration_ms",
    "turn_count",
    "trace_count",
    "message_count",
    "call_count",
    "error_count",
    "cost_usd",
)


def get_thread(desk: Desk, given: arguments.GetThread) -> ThreadOutline:
    """Return a thread with a page of its turns."""
    threads, project = desk.services.threads, desk.project_of(given.project)
    thread = threads.thread(given.thread_id, project=project)
    page = threads.turns(given.thread_id, project=project, limit=given.limit, cursor=given.cursor)
    comments = desk.services.annotations.comments(
        project=thread.project, thread_id=thread.thread_id, limit=COMMENTS_MAX
    )
    place = Place(thread_id=thread.thread_id)
    return ThreadOutline(
        thread=thread_line(thread),
        turns=[turn_line(turn) for turn in page.items],
        next_cursor=page.next_cursor,
        comments=[comment_line(one, place) for one in comments.items],
    )


def get_turn(desk: Desk, given: arguments.GetTurn) -> TurnText:
    """Return a turn's messages from one on, as many characters as were asked for."""
    turn = desk.services.threads.turn(
        given.thread_id, given.turn_index, project=desk.project_of(given.project)
    )
    place = Place(thread_id=turn.thread_id, turn_index=turn.turn_index)
    found: list[MessageText] = []
    left, at = given.chars_max, given.offset
    last = min(len(turn.messages), given.message_index + MESSAGES_MAX)
    for i in range(given.message_index, last):
        message = turn.messages[i]
        shown = place.text(message.text, role=message.role, chars=left, at=at)
        left -= len(shown.text) if shown else 0
        requested, left = _requested(message, place, left)
        found.append(
            MessageText(
                message_index=i, content=shown, requested_tools=requested, span_id=message.span_id
            )
        )
        if shown is not None and shown.next_offset is not None:
            return TurnText(
                turn=turn_line(turn),
                messages=found,
                next_message_index=i,
                next_offset=shown.next_offset,
            )
        at = 0
        if left <= 0:
            last = i + 1
            break
    more = last < len(turn.messages)
    return TurnText(
        turn=turn_line(turn),
        messages=found,
        next_message_index=last if more else None,
        next_offset=0 if more else None,
    )


def _requested(message: Message, place: Place, left: int) -> tuple[list[RequestedTool], int]:
    """Return the tool calls of a message, and how many characters are left after them."""
    found = []
    for call in message.tool_calls[:REQUESTED_MAX]:
        shown = place.text(as_text(call.arguments), role="assistant", chars=max(left, 0))
        left -= len(shown.text) if shown else 0
        found.append(
            RequestedTool(
                name=name_or_none(call.name), tool_call_id=name_or_none(call.id), arguments=shown
            )
        )
    return found, left


def get_trace(desk: Desk, given: arguments.GetTrace) -> TraceOutline:
    """Return a trace with a page of its spans; or with one of them whole."""
    trace = desk.services.threads.trace(given.trace_id, project=desk.project_of(given.project))
    whole = None
    page = trace.spans[given.offset : given.offset + given.limit]
    more = given.offset + given.limit < len(trace.spans)
    if given.span_id:
        span = next((one for one in trace.spans if one.span_id == given.span_id.lower()), None)
        if span is None:
            raise NotFound(f"no span {given.span_id!r} in trace {given.trace_id!r}")
        whole, page, more = _span_text(span, trace.thread_id, given.chars_max), [], False
    return TraceOutline(
        project=trace.project,
        trace_id=trace.trace_id,
        thread_ids=trace.thread_ids[:NAMES_MAX],
        name=name(trace.name),
        start_time=trace.start_time,
        duration_ms=trace.duration_ms,
        span_count=trace.span_count,
        error_count=trace.error_count,
        total_tokens=trace.usage.total_tokens,
        cost_usd=trace.cost_usd,
        spans=[span_line(one) for one in page],
        next_offset=given.offset + given.limit if more else None,
        span=whole,
    )


def _span_text(span: Span, thread_id: str | None, chars: int) -> SpanText:
    place = Place(thread_id=thread_id)
    left = chars
    is_cut = False
    own = list(span.attributes.items())
    of_events = [
        (f"{event.name}.{key}", value)
        for event in span.events
        for key, value in event.attributes.items()
    ]
    found: list[list[Attribute]] = []
    for pairs in (own, of_events):
        lines = []
        for key, value in pairs[:ATTRIBUTES_MAX]:
            shown = place.text(as_text(value), chars=max(left, 0))
            if shown is not None:
                left -= len(shown.text)
                is_cut |= shown.next_offset is not None
            lines.append(Attribute(key=name(key), value=shown))
        is_cut |= len(pairs) > ATTRIBUTES_MAX
        found.append(lines)
    return SpanText(span=span_line(span), attributes=found[0], events=found[1], is_truncated=is_cut)


def compare_threads(desk: Desk, given: arguments.CompareThreads) -> Comparison:
    """Return two threads of a project beside each other."""
    project = desk.project_of(given.project)
    first = _compared(desk, given.thread_id, project)
    second = _compared(desk, given.other_thread_id, project)
    return Comparison(
        first=first[0],
        second=second[0],
        differences=[
            _difference(number, first[0].thread, second[0].thread)
            for number in (*NUMBERS, "total_tokens")
        ],
        same_questions=_same_beginning(first[1], second[1]),
    )


def _compared(
    desk: Desk, thread_id: str, project: str | None
) -> tuple[ComparedThread, Sequence[Turn]]:
    threads = desk.services.threads
    thread: Thread = threads.thread(thread_id, project=project)
    turns = threads.turns(thread_id, project=project, limit=COMPARED_TURNS_MAX).items
    calls = [call for turn in turns for call in turn.tool_calls]
    error = next((turn for turn in turns if turn.error), None)
    place = Place(thread_id=thread_id, turn_index=error.turn_index if error else None)
    compared = ComparedThread(
        thread=thread_line(thread),
        tools=names(dict.fromkeys(call.name for call in calls if call.name)),
        failed_tool_call_count=sum(call.error is not None for call in calls),
        first_error=error_line(error.error, place) if error else None,
    )
    return compared, turns


def _difference(number: str, first: object, second: object) -> Difference:
    a: float | None = getattr(first, number)
    b: float | None = getattr(second, number)
    return Difference(
        field=number,
        first=a,
        second=b,
        difference=None if a is None or b is None else b - a,
    )


def _same_beginning(first: Sequence[Turn], second: Sequence[Turn]) -> int:
    count = 0
    for a, b in zip(first, second, strict=False):
        if a.user is None or a.user != b.user:
            break
        count += 1
    return count


TOOLS: tuple[AnyTool, ...] = (
    Tool(
        name="get_thread",
        title="Read a conversation",
        description="Returns one conversation in outline: its totals, scores and comments, and a "
        "page of its turns with the beginnings of what was asked and answered, tools and errors. "
        "Ask get_turn for the whole text of a turn.",
        takes=arguments.GetThread,
        gives=ThreadOutline,
        run=get_thread,
    ),
    Tool(
        name="get_turn",
        title="Read a turn",
        description="Returns the messages of one turn: system, user, assistant and tool texts with "
        "tool calls. Texts are cut at chars_max together; go on with next_message_index and "
        "next_offset.",
        takes=arguments.GetTurn,
        gives=TurnText,
        run=get_turn,
    ),
    Tool(
        name="get_trace",
        title="Read a trace",
        description="Returns one trace in outline: its spans, parents before children, with type, "
        "model, duration and status. With span_id it returns the attributes and events of that "
        "span.",
        takes=arguments.GetTrace,
        gives=TraceOutline,
        run=get_trace,
    ),
    Tool(
        name="compare_threads",
        title="Compare two conversations",
        description="Returns two conversations of a project beside each other: totals and their "
        "differences, tools, failed tool calls, the first error, and how many questions at the "
        "beginning are the same.",
        takes=arguments.CompareThreads,
        gives=Comparison,
        run=compare_threads,
    ),
)
