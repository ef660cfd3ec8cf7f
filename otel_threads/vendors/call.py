"""One call of an SDK, as its handler sees it, and the ways in which it is refused."""

import json
import math
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response

from otel_threads.core.errors import InvalidPayload
from otel_threads.core.model import Outcome
from otel_threads.json_repair import repaired


class Right(StrEnum):
    """What a call needs: the key is compared with the tokens that are set for it."""

    OPEN = "open"  # nothing: whether the server is there
    INGEST = "ingest"  # to send traces: ingest_token or write_token
    READ = "read"
    WRITE = "write"  # to change what is stored: scores, comments, deletions


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose path, key and body were checked.

    `params` are the parts of the path that the route names, percent-decoded one by one, so that an
    id may hold a slash. `path` is as it was sent, without the query. `body` is decompressed, and
    within the limits of a request; it is not parsed. `received_unix_nano` is our clock's.
    """

    method: str
    path: str
    base_url: str  # scheme, host and the prefix that the SDK has as its base
    params: dict[str, str]
    query: QueryParams
    headers: Headers
    body: bytes
    received_unix_nano: int

    @property
    def text(self) -> str:
        """Return the body as text; what SDKs write and is no JSON, NaN say, is mended in it.

        Raises:
            InvalidPayload: it is no UTF-8.
        """
        try:
            return repaired(self.body.decode())
        except UnicodeDecodeError as error:
            raise InvalidPayload(f"the body is not UTF-8: {error.reason}") from None

    def json(self) -> Any:
        """Return the parsed body; None for an empty one.

        Whole numbers beyond 64 bits are floats, those beyond a double None.

        Raises:
            InvalidPayload: it is no JSON.
        """
        if not self.body.strip():
            return None
        try:
            return json.loads(self.text, parse_int=_integer, parse_float=_number)
        except (ValueError, RecursionError) as error:
            raise InvalidPayload(f"the body is not JSON: {error}") from None


@dataclass(frozen=True, slots=True)
class Written:
    """A response that is given once what was sent is committed."""

    future: "Future[Outcome]"
    response: Response


Handler = Callable[[Call], Response | Written]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path with `{name}` for one segment of it, and who answers.

    `is_json` False takes bytes of any kind as a body.
    """

    method: str
    path: str
    right: Right
    handler: Handler
    is_json: bool = True


class Answered(Exception):
    """A handler ends with a response of its vendor's own shape."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def json_response(content: object, status_code: int = 200) -> Response:
    """Return a JSON response, in UTF-8."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "replace"), status_code, media_type="application/json")


def _integer(text: str) -> int | float | None:
    found = int(text) if len(text) <= _INTEGER_DIGITS else None
    return found if found is not None and -(2**63) <= found < 2**63 else _number(text)


def _number(text: str) -> float | None:
    found = float(text)
    return found if math.isfinite(found) else None


_INTEGER_DIGITS = len(str(-(2**63)))
