"""What every REST call has in common: where it is, and how it fails."""

from collections.abc import Iterator
from typing import Any, Protocol

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from otel_threads.api import schemas

BASE = "/api/v1"
ERRORS: dict[int | str, dict[str, object]] = {
    400: {"model": schemas.Problem, "description": "The question cannot be answered as it stands."},
    401: {"model": schemas.Problem, "description": "A token is needed."},
    503: {"model": schemas.Problem, "description": "Not now; the same question may succeed later."},
}
CONFLICT: dict[int | str, dict[str, object]] = {
    409: {"model": schemas.Problem, "description": "A limit of what is kept would be broken."}
}
MISSING: dict[int | str, dict[str, object]] = {
    404: {"model": schemas.Problem, "description": "There is none of that id."}
}


def json_response(found: object) -> Response:
    """Return objects of core/ as a response, made in the thread of the caller.

    FastAPI would validate them a second time and write them in the event loop, where everybody
    waits: `response_model` of each call is for OpenAPI alone.
    """
    return Response(schemas.as_json(found), media_type="application/json")


class Blocks(Protocol):
    """What is sent block by block, and closed at the end."""

    def __iter__(self) -> Iterator[bytes]:
        """Return the blocks."""
        ...

    def close(self) -> None:
        """Let go of what they hold; safe to call twice."""
        ...


class BlocksResponse(StreamingResponse):
    """A stream of blocks that are closed also when the caller has gone.

    Left to the garbage collector, an abandoned backup would hold its room on the disk, and its
    turn, for as long as nobody collects.
    """

    def __init__(self, blocks: Blocks, **options: Any) -> None:
        super().__init__(blocks, **options)
        self._blocks = blocks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(self._blocks.close)
