"""`/mcp` on the REST port: streamable HTTP without sessions, each request by itself.

`/mcp?project=NAME` reads and writes that project alone. Tokens, names and origins are checked
before, as for every call of REST.
"""

import importlib
import importlib.util
from types import ModuleType

import anyio.to_thread
from starlette.datastructures import Headers, QueryParams
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from otel_threads.api import problems
from otel_threads.api.mcp.desk import Desk
from otel_threads.api.mcp.tools import tools_for
from otel_threads.api.rights import Rights
from otel_threads.services.services import Services

PATH = "/mcp"
BODY_BYTES_MAX = 1 << 20  # of a request: a filter, a query, a comment
MISSING = "MCP is not installed here: pip install 'otel-threads[mcp]', and start the server again"


class McpEndpoint:
    """The ASGI application of `/mcp`."""

    def __init__(self, services: Services, rights: Rights) -> None:
        self._services = services
        self._rights = rights
        self._protocol: tuple[ModuleType, ModuleType] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            # No session, so nothing to listen to and nothing to end.
            refusal = problems.problem(405, "MCP is a POST here", headers={"allow": "POST"})
            await refusal(scope, receive, send)
            return
        query = QueryParams(scope["query_string"])
        if set(query) - {"project"} or query.get("project") in ("", "*"):
            text = "the only parameter is project, the name of one; leave it out for all"
            await problems.problem(400, text)(scope, receive, send)
            return
        if importlib.util.find_spec("mcp") is None:
            await problems.problem(501, MISSING)(scope, receive, send)
            return
        server, manager = await self._modules()
        desk = Desk(services=self._services, project=query.get("project"))
        tools = tools_for(desk, writes=self._may_write(Headers(scope=scope)))
        sessions = manager.StreamableHTTPSessionManager(
            server.server_of(tools, desk),
            json_response=True,
            stateless=True,
            max_request_body_size=BODY_BYTES_MAX,
        )
        async with sessions.run():
            await sessions.handle_request(scope, receive, send)

    def _may_write(self, headers: Headers) -> bool:
        """Return whether a caller has the write token; where there is none, nobody has it."""
        if self._rights.write_token is None:
            return False
        return self._rights.refusal(headers.get("authorization"), writes=True) is None

    async def _modules(self) -> tuple[ModuleType, ModuleType]:
        if self._protocol is None:
            self._protocol = await anyio.to_thread.run_sync(_imported)
        return self._protocol


def _imported() -> tuple[ModuleType, ModuleType]:
    """Import what only this needs: not in the event loop, and not before somebody asks."""
    return (
        importlib.import_module("otel_threads.api.mcp.server"),
        importlib.import_module("mcp.server.streamable_http_manager"),
    )


def route(services: Services, rights: Rights) -> Route:
    """Return the route of `/mcp`."""
    return Route(PATH, McpEndpoint(services, rights), include_in_schema=False)
