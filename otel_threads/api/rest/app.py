"""The REST port: /api/v1, health, metrics, OpenAPI. Calls threads/service.py and nothing else."""

import datetime
import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

import otel_threads
from otel_threads import metrics
from otel_threads.api import problems, schemas
from otel_threads.api.rest import pages
from otel_threads.threads import transcript
from otel_threads.threads.service import LIMIT_DEFAULT, LIMIT_MAX, ThreadService

BASE = "/api/v1"
OPEN_PATHS = frozenset({"/healthz", "/readyz"})  # probes carry no token
# Nothing from other hosts, no inline script: what a span holds can never run.
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
ERRORS: dict[int | str, dict[str, object]] = {
    400: {"model": schemas.Problem, "description": "The question cannot be answered as it stands."},
    401: {"model": schemas.Problem, "description": "A token is needed."},
    503: {"model": schemas.Problem, "description": "Not now; the same question may succeed later."},
}
MISSING: dict[int | str, dict[str, object]] = {
    404: {"model": schemas.Problem, "description": "There is none of that id."}
}

OneProjectQuery = Annotated[
    str | None, Query(description="Project; the default project if left out.")
]
ThreadIdQuery = Annotated[str, Query(description="Conversation id.", min_length=1)]
LimitQuery = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Items of a page.")]
CursorQuery = Annotated[str | None, Query(description="next_cursor of the page before.")]


class _Selection(BaseModel):
    """What to list, and which page of it. A parameter that is none of these is an error."""

    model_config = ConfigDict(extra="forbid")

    project: str | None = Field(None, description="Project; the default if left out, * for all.")
    search: str | None = Field(None, max_length=1000, description="Text in ids, names, messages.")
    from_: datetime.datetime | None = Field(None, alias="from", description="RFC 3339 time.")
    to: datetime.datetime | None = Field(None, description="RFC 3339 time.")
    limit: int = Field(LIMIT_DEFAULT, ge=1, le=LIMIT_MAX, description="Items of a page.")
    cursor: str | None = Field(None, description="next_cursor of the page before.")
    with_total: bool = Field(False, description="Count the whole selection too.")

    def given(self) -> dict[str, Any]:
        """Return the arguments of the service's verb."""
        values = self.model_dump()
        times = {"from_time": values.pop("from_"), "to_time": values.pop("to")}
        return values | times


class ThreadSelection(_Selection):
    """Which threads."""

    thread_id: str | None = Field(None, description="Exactly this conversation id.")
    status: str | None = Field(None, description="active or inactive.")
    sort: str = Field("-last_activity_time", description="Field; - before it for descending.")


class TraceSelection(_Selection):
    """Which traces."""

    thread_id: str | None = Field(None, description="Only traces of this thread.")
    without_thread: bool | None = Field(None, description="Only those without (with) a thread.")
    sort: str = Field("-start_time", description="Field; - before it for descending.")


def app(
    service: ThreadService,
    *,
    ready: Callable[[], str | None],
    rebuild: Callable[[], int],
    refresh_metrics: Callable[[], None],
    read_token: str | None = None,
    write_token: str | None = None,
) -> FastAPI:
    """Return the application. `ready` says what is wrong, None when nothing is."""
    api = FastAPI(
        title="otel-threads",
        version=otel_threads.__version__,
        description="Conversations from OpenTelemetry spans.",
        docs_url=None,  # FastAPI's page loads scripts from another host
        redoc_url=None,
    )
    problems.install(api)
    _guard(api, read_token, write_token)
    _threads(api, service)
    _transcripts(api, service)
    _traces(api, service)
    _server(api, service, ready, rebuild, refresh_metrics)
    return api


def _guard(api: FastAPI, read_token: str | None, write_token: str | None) -> None:
    @api.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        needed = (read_token, write_token) if request.method in ("GET", "HEAD") else (write_token,)
        allowed = (
            request.url.path in OPEN_PATHS
            or (read_token is None and request.method in ("GET", "HEAD"))
            or (write_token is None and request.method not in ("GET", "HEAD"))
            or _carries(request.headers.get("authorization"), needed)
        )
        response = (
            await call_next(request)
            if allowed
            else problems.problem(401, "a bearer token is needed: authorization: Bearer <token>")
        )
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _carries(authorization: str | None, tokens: tuple[str | None, ...]) -> bool:
    """Whether a header carries one of the tokens; every one is compared, in constant time."""
    scheme, _, given = (authorization or "").partition(" ")
    same = [
        hmac.compare_digest(given.strip().encode(), token.encode()) for token in tokens if token
    ]
    return scheme.lower() == "bearer" and any(same)


def _threads(api: FastAPI, service: ThreadService) -> None:
    @api.get(f"{BASE}/threads", responses=ERRORS, tags=["threads"])
    def list_threads(selection: Annotated[ThreadSelection, Query()]) -> schemas.Threads:
        """List threads, the most recently active first."""
        return schemas.Threads.model_validate(service.threads(**selection.given()))

    @api.get(f"{BASE}/threads/get", responses=ERRORS | MISSING, tags=["threads"])
    def get_thread(thread_id: ThreadIdQuery, project: OneProjectQuery = None) -> schemas.Thread:
        """Get one thread."""
        return schemas.Thread.model_validate(service.thread(thread_id, project=project))

    @api.get(f"{BASE}/threads/turns", responses=ERRORS | MISSING, tags=["threads"])
    def list_turns(
        thread_id: ThreadIdQuery,
        project: OneProjectQuery = None,
        limit: LimitQuery = LIMIT_DEFAULT,
        cursor: CursorQuery = None,
    ) -> schemas.Turns:
        """List the turns of a thread, oldest first."""
        return schemas.Turns.model_validate(
            service.turns(thread_id, project=project, limit=limit, cursor=cursor)
        )


def _transcripts(api: FastAPI, service: ThreadService) -> None:
    @api.get(
        f"{BASE}/threads/transcript",
        responses=ERRORS
        | MISSING
        | {
            200: {
                "content": {"text/markdown": {}, "text/plain": {}},
                "description": "In the format asked for.",
            }
        },
        response_model=schemas.Transcript | schemas.OpenAIMessages,
        tags=["threads"],
    )
    def get_transcript(
        thread_id: ThreadIdQuery,
        project: OneProjectQuery = None,
        format: Literal["messages", "markdown", "openai", "text"] = "messages",
    ) -> Response:
        """Get a conversation once, history not repeated."""
        found = service.transcript(thread_id, project=project)
        match format:
            case "markdown":
                return PlainTextResponse(
                    transcript.markdown(found["messages"]), media_type="text/markdown"
                )
            case "text":
                return PlainTextResponse(transcript.text(found["messages"]))
            case "openai":
                return JSONResponse({"messages": transcript.openai(found["messages"])})
            case _:
                return JSONResponse(
                    schemas.Transcript.model_validate(found).model_dump(mode="json")
                )


def _traces(api: FastAPI, service: ThreadService) -> None:
    @api.get(f"{BASE}/traces", responses=ERRORS, tags=["traces"])
    def list_traces(selection: Annotated[TraceSelection, Query()]) -> schemas.Traces:
        """List traces, the newest first."""
        return schemas.Traces.model_validate(service.traces(**selection.given()))

    @api.get(f"{BASE}/traces/{{trace_id}}", responses=ERRORS | MISSING, tags=["traces"])
    def get_trace(
        trace_id: str,
        project: Annotated[
            str | None, Query(description="Project; whichever has the trace if left out.")
        ] = None,
    ) -> schemas.TraceDetail:
        """Get one trace with its spans and turns."""
        return schemas.TraceDetail.model_validate(service.trace(trace_id, project=project))


def _server(
    api: FastAPI,
    service: ThreadService,
    ready: Callable[[], str | None],
    rebuild: Callable[[], int],
    refresh_metrics: Callable[[], None],
) -> None:
    @api.get(f"{BASE}/status", responses=ERRORS, tags=["server"])
    def get_status() -> schemas.Status:
        """Tell how far the server is."""
        return schemas.Status.model_validate(service.status())

    @api.get(f"{BASE}/projects", responses=ERRORS, tags=["server"])
    def list_projects() -> schemas.Projects:
        """List projects, the most recently active first."""
        return schemas.Projects.model_validate(service.projects())

    @api.get(f"{BASE}/instrumentations", responses=ERRORS, tags=["server"])
    def list_instrumentations() -> schemas.Instrumentations:
        """List the instrumentations that sent spans, and how their traces got a thread."""
        return schemas.Instrumentations.model_validate(
            {"items": service.instrumentations(), "next_cursor": None}
        )

    @api.post(f"{BASE}/rebuild", status_code=202, responses=ERRORS, tags=["server"])
    def post_rebuild() -> schemas.Rebuild:
        """Derive everything again from the stored spans."""
        return schemas.Rebuild(committed_sequence=rebuild())

    @api.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @api.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        wrong = ready()
        return problems.problem(503, wrong) if wrong else PlainTextResponse("ok\n")

    @api.get("/metrics", include_in_schema=False)
    def get_metrics() -> Response:
        refresh_metrics()
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @api.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(pages.docs(api.openapi()))

    @api.get("/", include_in_schema=False)
    async def home() -> Response:
        return HTMLResponse(pages.HOME)

    @api.get("/style.css", include_in_schema=False)
    async def style() -> Response:
        return Response(pages.STYLE, media_type="text/css")
