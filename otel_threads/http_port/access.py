"""Refuses requests under a foreign name and from foreign pages, before a port's application.

Only the port's own requests are looked at. What a token protects it protects beside this.
"""

from typing import Protocol

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from otel_threads.http_port.cors import AllowedOrigins
from otel_threads.http_port.hosts import AllowedHosts, authority
from otel_threads.http_port.limits import Reason
from otel_threads.http_port.origins import SAFE_METHODS, foreign, from_browser
from otel_threads.http_port.responses import PROBE_PATHS
from otel_threads.refusals import Refusals


class Refuse(Protocol):
    """Makes a port's kind of error response."""

    def __call__(self, status: int, detail: str, headers: Headers) -> ASGIApp:
        """Return the response."""
        ...


class Access:
    """An ASGI application before another one, which lets through who may call it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: AllowedHosts,
        origins: AllowedOrigins,
        refuse: Refuse,
        refusals: Refusals,
        browsers_only: bool = False,
        guarded_paths: tuple[str, ...] = (),
    ) -> None:
        """Guard an application.

        `browsers_only` asks for the name of this server of browsers alone: programs may use any.
        `guarded_paths` are beginnings of paths where a GET costs or gives as much as a write.
        """
        self._app = origins.answering(app)
        self._origins = origins
        self._hosts = hosts
        self._refuse = refuse
        self._refusals = refusals
        self._browsers_only = browsers_only
        self._guarded_paths = guarded_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._wrong_host(scope, headers) or self._wrong_origin(scope, headers)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, reason, detail = refusal
        self._refusals.add(reason, f"{detail} ({status})")
        await self._refuse(status, detail, headers)(scope, receive, send)

    def _wrong_host(self, scope: Scope, headers: Headers) -> tuple[int, Reason, str] | None:
        if self._browsers_only and not from_browser(headers):
            return None
        given = headers.getlist("host")
        if not given and scope["http_version"] == "1.0":
            return None  # no browser's
        host = authority(given[0]) if len(given) == 1 else None
        if host is None:
            return 400, Reason.HOST, "a request needs one header Host: a name or an address"
        if self._hosts.allows(host.host):
            return None
        return (
            421,
            Reason.HOST,
            "the header Host names another server: use a loopback address or this server's, or "
            "add the name to allowed_hosts",
        )

    def _wrong_origin(self, scope: Scope, headers: Headers) -> tuple[int, Reason, str] | None:
        if self._origins.allow(headers.get("origin")):
            return None
        safe = scope["method"] in SAFE_METHODS
        if safe and not scope["path"].startswith(self._guarded_paths):
            return None
        shown = foreign(headers, safe=safe, named=self._hosts.configured)
        if shown is None:
            return None
        return (
            403,
            Reason.ORIGIN,
            f"another site's page sent this request: {shown}; behind a proxy, send its name as "
            "Host or add it to allowed_hosts; a page of yours elsewhere goes into "
            "cors_allowed_origins",
        )
