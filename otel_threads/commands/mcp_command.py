"""`otel-threads mcp`: the tools for agents over stdin and stdout.

Each call goes to the running server; without one the file is opened for that call alone, to read,
so that an agent that waits for days keeps no server from starting.
"""

import functools
import importlib.util
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
import click
import httpx

from otel_threads import local
from otel_threads.api.mcp import endpoint
from otel_threads.api.mcp.desk import Desk
from otel_threads.api.mcp.tools import TOOLS, tools_for
from otel_threads.commands.base import failing, load, setting_options
from otel_threads.core.config import Config
from otel_threads.core.errors import InvalidQuery, OtelThreadsError
from otel_threads.engine import FileEngine

if TYPE_CHECKING:
    from mcp import types

VERSION = "2025-11-25"  # of the protocol between this command and the server
TIMEOUT_MORE_S = 10.0  # beyond query_timeout_s, within which a server answers
WRITING = frozenset(tool.name for tool in TOOLS if tool.writes)
Found = TypeVar("Found")


@click.command()
@setting_options("database", "http_endpoint")
@click.option("--project", help="Read this project alone, without SQL.")
@click.option("--token", help="The server's token, where it has one (setting read_token).")
@click.option(
    "--allow-writes",
    is_flag=True,
    help="Offer the tools that score, tag and comment, and send the setting write_token.",
)
def mcp(
    config_file: str | None,
    project: str | None,
    token: str | None,
    allow_writes: bool,
    **given: str | None,
) -> None:
    """Serve conversations to an agent as tools, over stdin and stdout."""
    config = load(config_file, **given).config
    with failing():
        if importlib.util.find_spec("mcp") is None:
            raise InvalidQuery("MCP is not installed: pip install 'otel-threads[mcp]'")
        if project in ("", "*"):
            raise InvalidQuery("--project names one project; leave it out for all")
        own = config.write_token if allow_writes else config.read_token
        anyio.run(_serve, Source(config, project, token or own), allow_writes)


class Source:
    """Where the tools are: in the running server, else over the file in this process."""

    def __init__(self, config: Config, project: str | None, token: str | None) -> None:
        self._config = config
        self._project = project
        self._token = token

    def ask(self, method: str, params: dict[str, Any], on_file: Callable[[Desk], Found]) -> Any:
        """Return the result of a method from the server, else what `on_file` returns.

        Raises:
            OtelThreadsError: neither a server nor the file answers; the text says why.
        """
        address = local.find_server(self._config)
        if address:
            return self._of_server(address, method, params)
        engine = FileEngine(self._config, writes=False)
        try:
            return on_file(Desk(services=engine.services, project=self._project))
        finally:
            engine.close()

    def _of_server(self, address: str, method: str, params: dict[str, Any]) -> Any:
        scheme = "https" if self._config.tls_cert_file else "http"
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": VERSION,
        }
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        try:
            response = httpx.post(
                f"{scheme}://{address}{endpoint.PATH}",
                params={"project": self._project} if self._project else None,
                json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
                headers=headers,
                timeout=self._config.query_timeout_s + TIMEOUT_MORE_S,
                verify=local.verify(self._config),
            )
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise InvalidQuery(f"the server at {address}: {type(error).__name__}") from None
        if "result" not in answer:
            wrong = answer.get("detail") or answer.get("error", {}).get("message")
            raise InvalidQuery(f"the server at {address}: {wrong}")
        return answer["result"]


async def _serve(source: Source, allows_writes: bool) -> None:
    from mcp import types
    from mcp.server.stdio import stdio_server
    from mcp.shared.exceptions import MCPError

    from otel_threads.api.mcp import server

    async def list_tools(
        _: server.Context, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        try:
            found = await anyio.to_thread.run_sync(source.ask, "tools/list", {}, _listed)
        except OtelThreadsError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None
        listed = types.ListToolsResult.model_validate(found)
        return listed if allows_writes else _reading(listed)

    async def call_tool(
        _: server.Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        if params.name in WRITING and not allows_writes:
            raise MCPError(types.INVALID_PARAMS, f"{params.name} writes: it needs --allow-writes")
        asked = {"name": params.name, "arguments": params.arguments or {}}
        on_file = functools.partial(_called, params.name, params.arguments)
        try:
            found = await anyio.to_thread.run_sync(source.ask, "tools/call", asked, on_file)
        except OtelThreadsError as error:
            return server.failed(str(error))
        return types.CallToolResult.model_validate(found)

    serving = server.serving(list_tools, call_tool)
    async with stdio_server() as (reading, writing):
        await serving.run(reading, writing, serving.create_initialization_options())


def _reading(listed: "types.ListToolsResult") -> "types.ListToolsResult":
    """Return the tools that write nothing."""
    tools = [one for one in listed.tools if one.name not in WRITING]
    return listed.model_copy(update={"tools": tools})


def _listed(desk: Desk) -> "types.ListToolsResult":
    """Return the tools over a file."""
    from mcp import types

    from otel_threads.api.mcp import server

    tools = tools_for(desk, writes=False).values()
    return types.ListToolsResult(tools=[server.described(tool) for tool in tools])


def _called(name: str, arguments: Mapping[str, Any] | None, desk: Desk) -> "types.CallToolResult":
    """Return what a tool answers over a file."""
    from otel_threads.api.mcp import server

    tools = tools_for(desk, writes=False)
    if name not in tools:
        raise InvalidQuery(f"no such tool; known: {', '.join(tools)}")
    return server.called(tools[name], desk, arguments)
