"""Whether a request comes from a page of another site, by what browsers say of themselves.

A page may send a form, an image's or a script's request to any server, and the browser adds what it
keeps for that server. Programs send none of these headers and are no browsers: they pass.

Source: Fetch standard, `Origin`; Fetch Metadata Request Headers, `Sec-Fetch-Site`.
"""

from collections.abc import Mapping

from otel_threads.http_port.hosts import authority

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# `none` is a person: an address typed, a bookmark. `same-site` is another port of this machine.
OWN_SITES = frozenset({"same-origin", "none"})


def foreign(headers: Mapping[str, str], *, safe: bool, named: frozenset[str]) -> str | None:
    """Return what shows that another site's page sent a request, None when nothing does.

    `safe` is whether the method is; browsers send `Origin` with all others.

    `named` are the hosts of `allowed_hosts` without a wildcard: a proxy that has one of these names
    and sends its own `Host` may be the page's origin.
    """
    origin = headers.get("origin")
    if origin is not None:
        return None if _is_own(origin, headers.get("host", ""), named) else "its Origin"
    site = headers.get("sec-fetch-site")
    if site is not None:
        return None if site in OWN_SITES else f"Sec-Fetch-Site: {_known(site)}"
    if not safe or not headers.get("user-agent", "").startswith("Mozilla/"):
        return None
    # A browser says neither of a GET to a server without TLS that is not on its machine. Our page's
    # referrer policy has it name this server, and other pages cannot make it.
    referrer = headers.get("referer", "")
    if _is_own(referrer, headers.get("host", ""), named):
        return None
    return "a browser that names no page of this server as its Referer"


def from_browser(headers: Mapping[str, str]) -> bool:
    """Return whether a browser made the request. It says so with each POST."""
    return "origin" in headers or "sec-fetch-site" in headers


def _is_own(url: str, host: str, named: frozenset[str]) -> bool:
    """Return whether a URL's origin is the server that was asked, or a proxy before it."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("http", "https"):
        return False  # `null`: a page without an origin, such as a file or a sandboxed frame
    origin, asked = authority(rest.partition("/")[0]), authority(host)
    if origin is None or asked is None:
        return False
    # A browser leaves out the port of its scheme in both; a proxy may change http to https.
    return origin == asked or (origin.port is None and origin.host in named)


def _known(site: str) -> str:
    return site if site in ("cross-site", "same-site") else "another site"
