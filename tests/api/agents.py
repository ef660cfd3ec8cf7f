"""Python's official MCP client, in both generations of the protocol, over HTTP and stdio."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

GENERATIONS = ("legacy", "2026-07-28")
READING = {
    "find_threads",
    "find_issues",
    "filter_help",
    "stats",
    "explain_missing",
    "get_thread",
    "get_turn",
    "get_trace",
    "compare_threads",
    "query_sql",
}
WRITING = {"score", "tag", "comment"}
OF_ALL_PROJECTS = {"explain_missing", "query_sql"}


@contextlib.asynccontextmanager
async def over_http(server, mode="2026-07-28", token=None, project=None) -> AsyncIterator[Client]:
    base = server.api.removesuffix("/api/v1")
    url = f"{base}/mcp" + (f"?project={project}" if project else "")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def over_stdio(database, *arguments: str, mode="auto", env=None) -> AsyncIterator[Client]:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "otel_threads", "mcp", "--database", str(database), *arguments],
        env={**os.environ, **(env or {})},
    )
    async with Client(command, mode=mode) as client:
        yield client


def run(work):
    """Run a coroutine; the client's own warnings are its own."""
    return asyncio.run(work)


async def call(client: Client, tool: str, **arguments) -> dict:
    """Return what a tool answers; fail where it fails."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def failure(client: Client, tool: str, **arguments) -> str:
    """Return why a tool fails."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    assert result.structured_content is None
    return result.content[0].text
