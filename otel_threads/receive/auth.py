"""Who may send: the bearer token, and which project a request names."""

import hmac
from collections.abc import Mapping

from otel_threads.receive.status import Unauthenticated

PROJECT_HEADER = "x-otel-threads-project"
VENDOR_PROJECT_HEADERS = ("projectname", "langsmith-project")  # Opik's and LangSmith's exporters
PROJECT_LENGTH_MAX = 200


def check_token(authorization: str | None, token: str | None) -> None:
    """Return when no token is set or the header carries it; compared in constant time.

    Raises:
        Unauthenticated: it is missing or another.
    """
    if token is None:
        return
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(
        given.strip().encode(), token.encode()
    ):
        raise Unauthenticated("a bearer token is needed: authorization: Bearer <ingest_token>")


def project(headers: Mapping[str, str]) -> str | None:
    """Return the project that our own header names, cut to its longest; None if none."""
    return _first(headers, (PROJECT_HEADER,))


def vendor_project(headers: Mapping[str, str]) -> str | None:
    """As `project`, from the headers of other products."""
    return _first(headers, VENDOR_PROJECT_HEADERS)


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = headers.get(name)
        if value and value.strip():
            return value.strip()[:PROJECT_LENGTH_MAX]
    return None
