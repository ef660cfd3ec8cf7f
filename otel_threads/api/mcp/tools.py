"""All tools, and which of them a caller has."""

from otel_threads.api.mcp import (
    annotating_tools,
    finding_tools,
    issue_tools,
    reading_tools,
    sql_tool,
)
from otel_threads.api.mcp.desk import Desk
from otel_threads.api.mcp.tool import AnyTool

TOOLS: tuple[AnyTool, ...] = (
    *finding_tools.TOOLS,
    *issue_tools.TOOLS,
    *reading_tools.TOOLS,
    *sql_tool.TOOLS,
    *annotating_tools.TOOLS,
)


def tools_for(desk: Desk, *, writes: bool) -> dict[str, AnyTool]:
    """Return the tools of a caller by name.

    Those that write are there for callers who may; those that read all projects at once only where
    a connection is not bound to one.
    """
    return {
        tool.name: tool
        for tool in TOOLS
        if (writes or not tool.writes) and (desk.project is None or not tool.of_all_projects)
    }
