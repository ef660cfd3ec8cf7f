"""SQL over REST: one query that only reads, answered as JSON, CSV or an Arrow stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from otel_threads.api import store_schemas as schemas
from otel_threads.api.rest.route import BASE, ERRORS
from otel_threads.services.sql_results import MEDIA_TYPES, Asked, Question, SqlService

PATH = f"{BASE}/sql"
HANGUP_POLL_S = 0.1
Result = TypeVar("Result")


def add_sql(api: FastAPI, service: SqlService) -> None:
    """Add the call."""

    @api.post(
        PATH,
        response_model=schemas.SqlAnswer,
        responses=ERRORS
        | {
            200: {
                "content": {kind: {} for kind in MEDIA_TYPES.values() if "json" not in kind},
                "description": "The rows, in the format asked for.",
            }
        },
        tags=["sql"],
    )
    async def post_sql(request: Request, asked: schemas.SqlQuery) -> Response:
        """Run one SELECT on the tables of docs/sql.md; nothing can be written through it.

        CSV and Arrow are streamed; an error after the first rows breaks the connection, so that a
        part is never taken for the whole. A caller that hangs up stops the query.
        """
        running = contextlib.ExitStack()
        question = running.enter_context(service.outside.asking())
        query = Asked(
            sql=asked.sql, params=asked.params, format=asked.format, rows_max=asked.rows_max
        )
        try:
            blocks = await _unless_hung_up(
                request, question, lambda: service.answer(question, query)
            )
            first = await _unless_hung_up(request, question, lambda: next(blocks, b""))
            if asked.format == "json":  # all of it is here
                await run_in_threadpool(running.close)
        except BaseException:
            await run_in_threadpool(running.close)
            raise
        return StreamingResponse(
            _rest(request, question, first, blocks, running),
            media_type=MEDIA_TYPES[asked.format],
        )


async def _rest(
    request: Request,
    question: Question,
    first: bytes,
    blocks: Iterator[bytes],
    running: contextlib.ExitStack,
) -> AsyncIterator[bytes]:
    try:
        yield first
        while block := await _unless_hung_up(request, question, lambda: next(blocks, b"")):
            yield block
    finally:
        running.close()


async def _unless_hung_up(
    request: Request, question: Question, work: Callable[[], Result]
) -> Result:
    """Return what the work returns, in a thread; stop the query when its caller goes."""
    task: asyncio.Task[Any] = asyncio.ensure_future(run_in_threadpool(work))
    try:
        while not task.done():
            await asyncio.wait([task], timeout=HANGUP_POLL_S)
            if not task.done() and await request.is_disconnected():
                question.stop()
        return task.result()  # type: ignore[no-any-return]
    except asyncio.CancelledError:
        question.stop()
        raise
