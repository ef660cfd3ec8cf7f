"""Who may call, by the key that an SDK sends; compared in constant time."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.datastructures import Headers

from otel_threads.vendors.call import Right

HEADERS = ("authorization", "x-api-key")


@dataclass(frozen=True, slots=True)
class Keys:
    """The tokens of one server, as keys of SDKs. One that is not set protects nothing.

    An SDK has one key for all that it does: the write token allows everything. With a read token
    alone nobody may write, as in the REST API.
    """

    ingest_token: str | None = None
    read_token: str | None = None
    write_token: str | None = None

    def refusal(self, headers: Headers, right: Right) -> str | None:
        """Return why a call is refused, None when it is allowed."""
        match right:
            case Right.OPEN:
                tokens: list[str | None] = []
            case Right.INGEST:
                tokens = [self.ingest_token, self.write_token]
            case Right.READ:
                tokens = [self.read_token, self.write_token] if self.read_token else []
            case Right.WRITE if self.write_token is None and self.read_token is not None:
                return "writing is off: this server has a read_token and no write_token"
            case _:
                tokens = [self.write_token]
        known = [token for token in tokens if token]
        if not known or any(_same(key, token) for key in _given(headers) for token in known):
            return None
        return f"the API key does not allow to {right.value}: it is none of this server's tokens"


def _given(headers: Headers) -> Iterator[str]:
    for name in HEADERS:
        value = (headers.get(name) or "").strip()
        scheme, _, rest = value.partition(" ")
        if value:
            yield rest.strip() if scheme.lower() == "bearer" else value


def _same(key: str, token: str) -> bool:
    return hmac.compare_digest(key.encode("utf-8", "replace"), token.encode())
