"""Tools that write annotations. They are there for callers with the write token alone."""

from collections.abc import Sequence

from otel_threads.api.mcp import arguments
from otel_threads.api.mcp.answers import Written
from otel_threads.api.mcp.desk import Desk
from otel_threads.api.mcp.tool import AnyTool, Tool
from otel_threads.core.score import NewComment, NewScore, Target, UnknownTarget

AUTHOR = "mcp"


def score(desk: Desk, given: arguments.Score) -> Written:
    """Write a score."""
    desk.check_trace(given.trace_id)
    new = NewScore(
        project=desk.project_of(given.project),
        thread_id=given.thread_id,
        trace_id=given.trace_id,
        span_id=given.span_id,
        name=given.name,
        value=given.value,
        category=given.category,
        reason=given.reason,
        author=AUTHOR,
    )
    done = desk.services.annotations.put_scores([new])
    return Written(written=done.written, unknown_ids=_ids(done.unknown))


def tag(desk: Desk, given: arguments.Tag) -> Written:
    """Change tags."""
    done = desk.services.annotations.change_tags(
        project=desk.project_of(given.project),
        thread_ids=given.thread_ids,
        add=given.add,
        remove=given.remove,
    )
    return Written(written=done.updated, unknown_ids=done.not_found)


def comment(desk: Desk, given: arguments.WriteComment) -> Written:
    """Write a comment."""
    desk.check_trace(given.trace_id)
    annotations = desk.services.annotations
    made = annotations.add_comment(
        NewComment(
            project=desk.project_of(given.project),
            thread_id=given.thread_id,
            trace_id=given.trace_id,
            span_id=given.span_id,
            text=given.text,
            author=AUTHOR,
        )
    )
    target = Target(
        project=made.project,
        thread_id=made.thread_id,
        trace_id=made.trace_id,
        span_id=made.span_id,
    )
    return Written(written=1, unknown_ids=_ids(annotations.unknown([target])))


def _ids(unknown: Sequence[UnknownTarget]) -> list[str]:
    """Return the ids that the call named and that are not here, without what else is known."""
    return [one.span_id or one.trace_id or one.thread_id or "" for one in unknown]


TOOLS: tuple[AnyTool, ...] = (
    Tool(
        name="score",
        title="Score",
        description="Writes a score (a number or a category) on a conversation, a trace or a span, "
        "in place of the last one of that name by this author.",
        takes=arguments.Score,
        gives=Written,
        run=score,
        writes=True,
    ),
    Tool(
        name="tag",
        title="Tag",
        description="Adds tags to conversations and removes tags from them.",
        takes=arguments.Tag,
        gives=Written,
        run=tag,
        writes=True,
    ),
    Tool(
        name="comment",
        title="Comment",
        description="Writes a comment on a conversation, a trace or a span.",
        takes=arguments.WriteComment,
        gives=Written,
        run=comment,
        writes=True,
        is_idempotent=False,
    ),
)
