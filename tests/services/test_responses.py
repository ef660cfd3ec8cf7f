"""What REST sends is what its OpenAPI document promises, byte for byte as pydantic would write it."""

import asyncio
import dataclasses
import typing

import httpx
import pytest
from conftest import CAPTURES, request_files
from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter

from otel_threads import on_file
from otel_threads.api import schemas
from otel_threads.api.rest import app as rest
from otel_threads.api.rights import Rights
from otel_threads.core.config import Config
from otel_threads.core.model import Request, Signal
from otel_threads.core.page import Page
from otel_threads.engine import Engine

CAPTURE = "openinference-langgraph"
THREAD = {"project": "default", "thread_id": "thread-alpha"}
SCORE = {**THREAD, "name": "quality", "value": 0.5, "author": "ann"}
WRITES = [
    ("PUT", "/scores", {"scores": [SCORE, {**SCORE, "author": "bob", "value": 1}]}),
    ("POST", "/comments", {**THREAD, "text": "hm", "author": "ann"}),
    ("PATCH", "/threads/tags", {"thread_ids": ["thread-alpha"], "add": ["vip"]}),
    ("PATCH", "/projects", {"project": "default", "thread_cooldown_s": 60}),
    ("POST", "/views", {"name": "slow", "filter": "duration_ms > 90s"}),
    ("POST", "/threads/close", {"thread_ids": ["thread-alpha", "nobody"]}),
    ("POST", "/threads/reopen", {"thread_ids": ["thread-beta"]}),
    ("POST", "/prune", {"older_than_days": 36500, "dry_run": True}),
    ("POST", "/rules", {"name": "quick", "kind": "builtin", "builtin": "unanswered"}),
    ("PATCH", "/rules/{rule_id}", {"filter": "turn_count > 0"}),
    ("POST", "/rules/{rule_id}/dry-run", {"thread_id": "thread-alpha"}),
    ("POST", "/rules/{rule_id}/backfill", {}),
    ("POST", "/scores/delete", {"scores": [{**THREAD, "name": "nothing"}]}),
]
READS = [
    ("/status", {}),
    ("/projects", {}),
    ("/doctor", {}),
    ("/fields", {"of": "threads"}),
    ("/fields", {"of": "traces"}),
    ("/threads", {"with_total": True}),
    ("/threads", {"filter": 'status = "inactive" or tags = "vip"'}),
    ("/threads/stats", {"interval": "day"}),
    ("/threads/get", THREAD),
    ("/threads/turns", THREAD),
    ("/threads/transcript", THREAD),
    ("/traces", {"limit": 1000}),
    ("/traces", {"filter": "comment_count >= 0"}),
    ("/traces/stats", {}),
    ("/scores", THREAD),
    ("/scores/names", {}),
    ("/comments", THREAD),
    ("/views", {}),
    ("/rules", {}),
    ("/rules/{rule_id}", {}),
    ("/rules/{rule_id}/decisions", {"thread_id": "thread-beta"}),
    ("/rules/{rule_id}/log", {}),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    path = tmp_path_factory.mktemp("responses") / "x.duckdb"
    engine = Engine(Config(database=str(path)))
    for file in request_files(CAPTURES / CAPTURE):
        request = Request(
            signal=Signal.TRACES, payload=file.read_bytes(), project="default", received_unix_nano=1
        )
        engine.intake.submit(request).result(60)
    assert engine.deriver.wait(engine.writer.committed_sequence, 60)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def client(engine):
    with on_file.in_process(engine.services) as found:
        client = found._http
        for method, path, body in WRITES:
            answer = client.request(method, path_of(client, path), json=body)
            assert answer.is_success, (path, answer.text)
        yield client


def path_of(client, path: str) -> str:
    """Return a path with the id of the one rule."""
    if "{" not in path:
        return path
    return path.format(rule_id=client.get("/rules").json()["items"][0]["rule_id"])


@pytest.fixture(scope="module")
def models(engine) -> dict[tuple[str, str], typing.Any]:
    """The type that OpenAPI has for each call, by method and path."""
    api: FastAPI = rest.app(
        engine.services,
        ready=lambda: None,
        rebuild=lambda: 0,
        load_samples=dict,
        refresh_metrics=lambda: None,
        rights=Rights(),
    )
    return {
        (method, route.path.removeprefix("/api/v1")): getattr(route, "response_model", None)
        for route in api.routes
        for method in getattr(route, "methods", None) or ()
    }


def check(models, method: str, path: str, answer: httpx.Response) -> None:
    """Raise unless pydantic reads the response as the call's type, and writes the same bytes."""
    assert answer.is_success, (path, answer.text)
    adapter = TypeAdapter(models[method, path])
    assert adapter.dump_json(adapter.validate_json(answer.content)) == answer.content, path


@pytest.mark.long
@pytest.mark.parametrize(("path", "parameters"), READS)
def test_reads_send_what_openapi_promises(client, models, path, parameters):
    check(models, "GET", path, client.get(path_of(client, path), params=parameters))


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_writes_send_what_openapi_promises(client, models, method, path, body):
    check(models, method, path, client.request(method, path_of(client, path), json=body))


@pytest.mark.long
def test_every_trace_sends_what_openapi_promises(client, models):
    traces = client.get("/traces", params={"limit": 1000}).json()["items"]
    assert traces
    for trace in traces:
        check(models, "GET", "/traces/{trace_id}", client.get(f"/traces/{trace['trace_id']}"))


def test_every_call_that_answers_json_has_a_type_in_openapi(models):
    """Else nothing compares it."""
    other = {"/export/threads", "/events", "/backup"}
    bare = {
        path
        for (method, path), model in models.items()
        if model is None and path.startswith("/") and method in ("GET", "PUT", "POST", "PATCH")
    }
    ours = {path for path in bare if not path.startswith(("/ui", "/healthz", "/readyz"))}
    assert other <= ours
    assert not ours & {path for path, _ in READS}


@pytest.mark.parametrize(
    "shape",
    [
        one
        for one in vars(schemas).values()
        if isinstance(one, type) and issubclass(one, BaseModel) and "items" in one.model_fields
    ],
)
def test_pages_of_openapi_have_the_fields_of_a_page(shape):
    assert [*shape.model_fields] == [field.name for field in dataclasses.fields(Page)]


def test_an_unexpected_failure_has_every_header_and_says_that_the_connection_ends(engine):
    def fails() -> str | None:
        raise RuntimeError("nobody expects this")

    application = rest.app(
        engine.services,
        ready=fails,
        rebuild=lambda: 0,
        load_samples=lambda: None,
        refresh_metrics=lambda: None,
        rights=Rights(),
    )

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/readyz")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.headers["connection"]) == (500, "close")
    assert rest.SECURITY_HEADERS.items() <= answer.headers.items()
    assert answer.json()["detail"] == "the server failed: RuntimeError"
