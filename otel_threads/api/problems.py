"""Errors as REST callers get them: application/problem+json. Source: RFC 9457."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from otel_threads.api.schemas import Problem
from otel_threads.errors import (
    Conflict,
    InvalidFilter,
    InvalidQuery,
    NotFound,
    OtelThreadsError,
    QueryTimeout,
    Unavailable,
)

# The most specific class first; what is not here is the server's own fault.
ANSWERS: tuple[tuple[type[Exception], int], ...] = (
    (InvalidQuery, 400),
    (NotFound, 404),
    (Conflict, 409),
    (QueryTimeout, 503),
    (Unavailable, 503),
)


def problem(status: int, detail: str, *, position: int | None = None) -> JSONResponse:
    """Return an answer that says what is wrong, and where in a filter."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, position=position)
    headers = {"retry-after": "1"} if status == 503 else {}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status,
        media_type="application/problem+json",
        headers=headers,
    )


class TooMuch(HTTPException):
    """A body grew past the limit while it was read."""

    def __init__(self, detail: str) -> None:
        super().__init__(413, detail)


def install(app: FastAPI) -> None:
    """Make every failure of an application an answer of this shape."""

    @app.exception_handler(OtelThreadsError)
    async def _ours(_: Request, error: OtelThreadsError) -> JSONResponse:
        status = next((code for kind, code in ANSWERS if isinstance(error, kind)), 500)
        position = error.position if isinstance(error, InvalidFilter) else None
        text = str(error) if status != 500 else "the server failed"
        return problem(status, text, position=position)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"][1:]) or "request"
        return problem(400, f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(Exception)
    async def _unknown(_: Request, error: Exception) -> JSONResponse:
        return problem(500, f"the server failed: {type(error).__name__}")
