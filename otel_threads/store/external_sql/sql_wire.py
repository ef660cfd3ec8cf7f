"""What the server and a process of external SQL say to each other over two pipes.

A request is a line of JSON. An answer is frames: what it is (one byte), its length, its bytes.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from otel_threads.core.errors import (
    DatabaseRefused,
    InvalidQuery,
    OtelThreadsError,
    QueryTimeout,
    StoreFailed,
    Unavailable,
)

STARTED, DATA, END, FAILED = b"S", b"D", b"E", b"F"
SPENT = b"L"  # before the end of an answer: no other query is to be asked of the process
HEADER = struct.Struct("<cQ")
BLOCK_BYTES_MAX = 1 << 20  # read at once, however long the frame
Params = Sequence[Any] | Mapping[str, Any] | None
KINDS: Mapping[str, type[OtelThreadsError]] = {
    kind.__name__: kind
    for kind in (DatabaseRefused, InvalidQuery, QueryTimeout, StoreFailed, Unavailable)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One query, and the snapshot of the database that it is asked of."""

    sql: str
    params: Params
    format: str
    rows_max: int | None  # JSON is cut there
    sql_rows_max: int  # the setting: more rows are an error
    snapshot: str  # differs when the database does

    def line(self) -> bytes:
        """Return the request as it is sent.

        Raises:
            InvalidQuery: a parameter is nothing that JSON has.
        """
        try:
            return orjson.dumps(asdict(self)) + b"\n"
        except orjson.JSONEncodeError as error:
            raise InvalidQuery(f"a parameter cannot be sent: {error}") from None


def failure(error: OtelThreadsError) -> bytes:
    """Return an error as a frame has it."""
    return orjson.dumps([type(error).__name__, str(error)])


def error_of(payload: bytes) -> OtelThreadsError:
    """Return the error that a frame has."""
    kind, text = orjson.loads(payload)
    return KINDS.get(kind, InvalidQuery)(text)
