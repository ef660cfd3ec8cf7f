"""Who may send: the bearer token, and which project a request names."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from otel_threads import names
from otel_threads.core.errors import InvalidPayload
from otel_threads.receive.status import Unauthenticated

PROJECT_HEADER = "x-otel-threads-project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """Who may send: who has the token, where one is set.

    `project_headers` are headers of other products' exporters that name the project, best first.
    """

    token: str | None = None
    project_headers: tuple[str, ...] = ()

    def check(self, authorization: str | None) -> None:
        """As `check_token`, with the token that is set."""
        check_token(authorization, self.token)

    def vendor_project(self, headers: Mapping[str, str]) -> str | None:
        """As `project`, from the headers of other products."""
        return _first(headers, self.project_headers)


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
    """Return the project that our own header names, None if none.

    Raises:
        InvalidPayload: it is no name; the message names the header.
    """
    return _first(headers, (PROJECT_HEADER,))


def _first(headers: Mapping[str, str], candidates: tuple[str, ...]) -> str | None:
    for name in candidates:
        value = _text(name, headers.get(name) or "").strip()
        if not value:
            continue
        if fault := names.fault(value):
            raise InvalidPayload(f"header {name} {fault}")
        return value
    return None


def _text(header: str, value: str) -> str:
    """Return a header's value as UTF-8; HTTP's own library reads it byte by byte, as Latin-1."""
    try:
        raw = value.encode("latin-1")
    except UnicodeEncodeError:
        return value
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidPayload(f"header {header} is not UTF-8") from None
