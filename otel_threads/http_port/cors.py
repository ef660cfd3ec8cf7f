"""Which pages of other origins may call this server, and what their browsers are told of it.

Source: Fetch standard, "HTTP-network-or-cache fetch" and "CORS protocol"; Private Network Access.
"""

import re
from collections.abc import Iterable

# Of the web framework that both HTTP ports have anyway: preflights are its to answer.
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

ANY = "*"
_HOST = r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What a page's script may read of an answer beside what every one may.
EXPOSED = (
    "Retry-After",
    "WWW-Authenticate",
    "Content-Disposition",
    "Location",
    "X-OTel-Threads-Hint",
)
PREFLIGHT_S = 600  # a browser need not ask again so soon


class AllowedOrigins:
    """The origins of `cors_allowed_origins`: each as it is; `https://*.a.example`; `*` is any."""

    def __init__(self, configured: Iterable[str]) -> None:
        """Take origins that `Config` has checked."""
        ways = [".*" if one == ANY else re.escape(one).replace(r"\*", _HOST) for one in configured]
        self._pattern = re.compile(f"(?i:{'|'.join(ways)})") if ways else None

    def allow(self, origin: str | None) -> bool:
        """Return whether a page of an origin may call; `null` is one that only `*` allows."""
        return bool(self._pattern and origin and self._pattern.fullmatch(origin))

    def answering(self, app: ASGIApp) -> ASGIApp:
        """Return an application that tells browsers which pages may call it; `app` if none may."""
        if self._pattern is None:
            return app
        return CORSMiddleware(
            app,
            allow_origin_regex=self._pattern.pattern,
            allow_methods=METHODS,
            allow_headers=(ANY,),
            allow_private_network=True,  # a page of the internet and a server on this machine
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_S,
        )
