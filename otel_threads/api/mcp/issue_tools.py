"""The tool that finds failures which several threads have in common."""

from otel_threads.api.mcp import arguments
from otel_threads.api.mcp.answers import FoundIssues, IssueLine
from otel_threads.api.mcp.content import NAMES_MAX, Place
from otel_threads.api.mcp.desk import Desk
from otel_threads.api.mcp.tool import AnyTool, Tool
from otel_threads.core.issue import Issue


def find_issues(desk: Desk, given: arguments.FindIssues) -> FoundIssues:
    """Return the issues of a project."""
    page = desk.services.issues.issues(
        project=desk.project_of(given.project),
        state=given.state,
        from_time=given.from_time,
        limit=given.limit,
    )
    return FoundIssues(items=[_line(one) for one in page.items], total=page.total or 0)


def _line(issue: Issue) -> IssueLine:
    return IssueLine(
        issue_id=issue.issue_id,
        kind=issue.kind,
        title=Place().text(issue.title),
        name=Place().text(issue.name) if issue.name else None,
        state=issue.state,
        is_reopened=issue.is_reopened,
        first_seen_time=issue.first_seen_time,
        last_seen_time=issue.last_seen_time,
        thread_count=issue.thread_count,
        turn_count=issue.turn_count,
        thread_ids=issue.thread_ids[:NAMES_MAX],
        turns_by_day=[one.turn_count for one in issue.trend],
    )


TOOLS: tuple[AnyTool, ...] = (
    Tool(
        name="find_issues",
        title="Find recurring failures",
        description="Lists failures that several conversations have in common: the same error, the "
        "same failing tool, like questions without an answer; with their threads and their trend "
        "over the last 14 days.",
        takes=arguments.FindIssues,
        gives=FoundIssues,
        run=find_issues,
    ),
)
