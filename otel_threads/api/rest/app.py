"""The REST port: /api/v1, health, metrics, OpenAPI. Calls services/, nothing else."""

import functools
import itertools
from collections.abc import Callable

import orjson
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import otel_threads
from otel_threads import metrics, ui
from otel_threads.api import hints, problems, schemas, server_schemas
from otel_threads.api.mcp import endpoint
from otel_threads.api.rest import (
    annotation_routes,
    ask_routes,
    docs_page,
    evaluation_routes,
    issue_routes,
    maintenance_routes,
    openapi,
    review_routes,
    rule_routes,
    sql_routes,
    stream_routes,
    thread_routes,
)
from otel_threads.api.rest.body_limits import BODY_BYTES_MAX, BodyLimits
from otel_threads.api.rest.list_part import Part
from otel_threads.api.rest.route import BASE, ERRORS, json_response
from otel_threads.api.rest.whole_texts import WholeTexts
from otel_threads.api.rights import Rights
from otel_threads.core.changes import LoadedDemo
from otel_threads.core.errors import InvalidQuery
from otel_threads.core.status import Doctor, Status
from otel_threads.core.suggestions import did_you_mean
from otel_threads.services.project_choice import ProjectChoice
from otel_threads.services.services import Services
from otel_threads.services.threads import ThreadService

OPEN_PATHS = frozenset({"/healthz", "/readyz"})  # probes carry no token
# They look at the token themselves where a call of theirs writes.
READING_POSTS = (sql_routes.PATH, ask_routes.PATH, endpoint.PATH)
# A GET that costs as much as a write, or gives as much: no page of another site may start one.
GUARDED_PATHS = (f"{BASE}/backup", f"{BASE}/export/")
# Lists and sums of what spans brought: of a project that is not here they are empty, and say so.
HINTED_PATHS = {
    f"{BASE}/{name}" for name in ("threads", "traces", "spans", "issues", "export/threads")
} | {f"{BASE}/{name}/stats" for name in ("threads", "traces")}
# Nothing from other hosts, no inline script: what a span holds can never run.
SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    # Our own page names itself where a browser without TLS says nothing else of who asks.
    "referrer-policy": "same-origin",
}


def app(
    services: Services,
    *,
    ready: Callable[[], str | None],
    rebuild: Callable[[], int],
    load_samples: Callable[[], LoadedDemo],
    refresh_metrics: Callable[[], None],
    rights: Rights,
) -> FastAPI:
    """Return the application. `ready` says what is wrong, None when nothing is."""
    api = FastAPI(
        title="otel-threads",
        version=otel_threads.__version__,
        description="Conversations from OpenTelemetry spans.",
        docs_url=None,  # FastAPI's page loads scripts from another host
        redoc_url=None,
        openapi_url=None,  # FastAPI's own route writes 300 kB anew at each call, in the event loop
        dependencies=[Depends(_parameters(services.threads.choice))],
    )
    problems.install(api, headers=SECURITY_HEADERS)
    openapi.install(api)
    api.add_middleware(WholeTexts)
    api.add_middleware(BodyLimits)
    api.add_middleware(_Guard, rights=rights)
    _add_calls(api, services)
    _server(api, services.threads, rebuild, load_samples)
    ui.add_page(api)
    api.router.routes.append(endpoint.route(services, rights))
    _probes(api, ready, refresh_metrics)
    return api


def _add_calls(api: FastAPI, services: Services) -> None:
    """Add every call of the services; those about the server itself are `_server`'s."""
    _add_lists(api, services)
    annotation_routes.add_scores(api, services.annotations)
    annotation_routes.add_score_list(api, services.annotations)
    annotation_routes.add_comments(api, services.annotations)
    annotation_routes.add_lifecycle(api, services.annotations)
    annotation_routes.add_deletion(api, services.deletion.threads, services.deletion.traces)
    annotation_routes.add_views(api, services.annotations)
    review_routes.add_definitions(api, services.reviews)
    review_routes.add_queues(api, services.reviews)
    review_routes.add_reviewing(api, services.reviews)
    evaluation_routes.add_datasets(api, services.evaluations)
    evaluation_routes.add_items(api, services.evaluations)
    evaluation_routes.add_runs(api, services.evaluations)
    evaluation_routes.add_run(api, services.evaluations)
    evaluation_routes.add_results(api, services.evaluations)
    rule_routes.add_rules(api, services.rules)
    rule_routes.add_rule_log(api, services.rules)
    rule_routes.add_rule_runs(api, services.rules)
    ask_routes.add_ask(api, services.asking)
    issue_routes.add_issues(api, services.issues)
    stream_routes.add_export(api, services.export)
    stream_routes.add_events(api, services.threads, services.hub)
    sql_routes.add_sql(api, services.sql)
    maintenance_routes.add_store(api, services.backups, services.pruning)


def _add_lists(api: FastAPI, services: Services) -> None:
    thread_routes.add_fields(api, services.threads, services.spans.lists)
    thread_routes.add_threads(api, services.threads)
    thread_routes.add_turns(api, services.threads)
    thread_routes.add_transcripts(api, services.threads)
    thread_routes.add_traces(api, services.threads)
    thread_routes.add_spans(api, services.spans.lists)


def refusal(status: int, detail: str, _: Headers) -> Response:
    """Return the response to a request that the port refused before this application."""
    return problems.problem(status, detail)


def _parameters(choice: ProjectChoice) -> Callable[[Request], None]:
    def look(request: Request) -> None:
        _only_known_parameters(request)
        if request.url.path in HINTED_PATHS:
            request.state.hint = choice.unknown(request.query_params.get("project"))

    return look


def _only_known_parameters(request: Request) -> None:
    """Refuse a parameter that a call does not have: a typing error must not widen a selection."""
    if not request.url.path.startswith(BASE):
        return  # probes and pages take what a proxy may add
    known: set[str] = set()
    call = request.scope["route"].dependant
    parameters = [one.query_params for one in (call, *call.dependencies)]
    for parameter in itertools.chain.from_iterable(parameters):
        fields = getattr(parameter.field_info.annotation, "model_fields", None)
        if fields is None:
            known.add(parameter.alias)
        else:
            known |= {field.alias or name for name, field in fields.items()}
    for name in request.query_params:
        if name not in known:
            hint = did_you_mean(name, known)
            names = f"known: {', '.join(sorted(known))}" if known else "this call has none"
            raise InvalidQuery(f"{name}: no such parameter{hint}; {names}")


class _Guard:
    """Checks tokens and the size of a body; adds the headers that keep content from running."""

    def __init__(self, app: ASGIApp, *, rights: Rights) -> None:
        self._app = app
        self._rights = rights

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if hint := scope.get("state", {}).get("hint"):
                    headers[hints.HEADER] = hints.header_value(hint)
            await send(message)

        headers = Headers(scope=scope)
        reads = scope["method"] in ("GET", "HEAD", "OPTIONS") or scope["path"] in READING_POSTS
        reads = reads and not review_routes.locks(scope["path"])
        refusal = (
            None
            if scope["path"] in OPEN_PATHS or ui.is_page(scope["path"])
            else self._rights.refusal(headers.get("authorization"), writes=not reads)
        )
        if refusal:
            await problems.problem(401, refusal)(scope, receive, guarded)
            return
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            too_large = f"a body of {length[:20]} bytes; at most {BODY_BYTES_MAX} are taken"
            await problems.problem(413, too_large)(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _server(
    api: FastAPI,
    service: ThreadService,
    rebuild: Callable[[], int],
    load_samples: Callable[[], LoadedDemo],
) -> None:
    @api.get(f"{BASE}/status", response_model=Status, responses=ERRORS, tags=["server"])
    def get_status() -> Response:
        """Tell how far the server is."""
        return json_response(service.status())

    @api.get(f"{BASE}/projects", response_model=schemas.Projects, responses=ERRORS, tags=["server"])
    def list_projects(part: Part) -> Response:
        """List projects, the most recently active first."""
        return json_response(part.of(service.projects()))

    @api.get(f"{BASE}/doctor", response_model=Doctor, responses=ERRORS, tags=["server"])
    def get_doctor() -> Response:
        """Tell which instrumentations sent spans, and what keeps their traces out of threads."""
        return json_response(service.doctor())

    @api.post(f"{BASE}/rebuild", status_code=202, responses=ERRORS, tags=["server"])
    def post_rebuild() -> server_schemas.Rebuild:
        """Derive everything again from the stored spans."""
        return server_schemas.Rebuild(committed_sequence=rebuild())

    @api.post(f"{BASE}/demo", response_model=LoadedDemo, responses=ERRORS, tags=["server"])
    def post_demo() -> Response:
        """Store the recorded conversations that come with the package, as if they were sent."""
        return json_response(load_samples())


def _probes(
    api: FastAPI, ready: Callable[[], str | None], refresh_metrics: Callable[[], None]
) -> None:
    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        wrong = ready()
        return problems.problem(503, wrong) if wrong else PlainTextResponse("ok\n")

    # Plain routes, and the first ones: a probe must be answered also where requests are many.
    api.router.routes[:0] = [Route("/healthz", healthz), Route("/readyz", readyz)]

    @api.get("/metrics", include_in_schema=False)
    def get_metrics() -> Response:
        refresh_metrics()
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    # Written once: both are long, and cost the event loop milliseconds.
    document = functools.cache(lambda: orjson.dumps(api.openapi()))
    html = functools.cache(lambda: docs_page.docs(api.openapi()))

    @api.get("/openapi.json", include_in_schema=False)
    async def openapi_document() -> Response:
        return Response(document(), media_type="application/json")

    @api.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(html())

    @api.get("/style.css", include_in_schema=False)
    async def style() -> Response:
        return Response(docs_page.STYLE, media_type="text/css")
