"""Errors as REST callers get them: application/problem+json. Source: RFC 9457."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from otel_threads.api.schemas import Problem
from otel_threads.core.errors import (
    Conflict,
    InvalidFilter,
    InvalidQuery,
    NotConfigured,
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
    (NotConfigured, 501),
    (QueryTimeout, 503),
    (Unavailable, 503),
)


def problem(
    status: int,
    detail: str,
    *,
    position: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an answer that says what is wrong, and where in a filter."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, position=position)
    more = dict(headers or {})
    if status == 503:
        more["retry-after"] = "1"
    if status == 401:
        more["www-authenticate"] = "Bearer"
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status,
        media_type="application/problem+json",
        headers=more,
    )


def install(app: FastAPI, *, headers: Mapping[str, str]) -> None:
    """Make every failure of an application an answer of this shape.

    `headers` are those of what no middleware sees: the answer to an error that nobody expects.
    """
    _install_last(app, {**headers, "connection": "close"})

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
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        if error.status_code == 405:  # the router names the methods of its first route alone
            headers["allow"] = ", ".join(sorted(_allowed(app, request)))
        return problem(error.status_code, str(error.detail), headers=headers)


def _install_last(app: FastAPI, headers: Mapping[str, str]) -> None:
    """Answer an error that nobody expects. The server then ends the connection."""

    @app.exception_handler(Exception)
    async def _unknown(_: Request, error: Exception) -> JSONResponse:
        return problem(500, f"the server failed: {type(error).__name__}", headers=headers)


def _allowed(app: FastAPI, request: Request) -> set[str]:
    here = [
        route
        for route in app.routes
        if isinstance(route, Route | APIRoute) and route.matches(request.scope)[0] is not Match.NONE
    ]
    exact = [route for route in here if route.path == request.url.path]
    return {method for route in exact or here for method in route.methods or ()}
