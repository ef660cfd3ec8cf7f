"""REST calls whose answer flows: exports, and server-sent events of changed threads."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from otel_threads.api import schemas
from otel_threads.api.rest.route import BASE, ERRORS
from otel_threads.api.rest.thread_routes import ThreadExport
from otel_threads.core.ports import ThreadKey
from otel_threads.core.thread import Thread
from otel_threads.services.events import Change, Dropped, Hub
from otel_threads.services.export import MEDIA_TYPES, ExportService
from otel_threads.services.export_slots import Export
from otel_threads.services.threads import ThreadService

HEARTBEAT_S = 15.0  # proxies close what is silent for long


def add_export(api: FastAPI, exporting: ExportService) -> None:
    """Add the export of threads."""

    @api.get(
        f"{BASE}/export/threads",
        response_class=StreamingResponse,
        responses=ERRORS
        | {200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}, "description": "A file."}},
        tags=["threads"],
    )
    def export_threads(selection: Annotated[ThreadExport, Query()]) -> StreamingResponse:
        """Write all selected threads as one file."""
        blocks = exporting.threads(**selection.given())
        suffix = "jsonl" if selection.format == "otlp" else selection.format
        return _ExportResponse(
            blocks,
            media_type=MEDIA_TYPES[selection.format],
            headers={"content-disposition": f'attachment; filename="threads.{suffix}"'},
        )


class _ExportResponse(StreamingResponse):
    """Closes the export at its end, also where the client goes away."""

    def __init__(self, blocks: Export, **more: Any) -> None:
        super().__init__(blocks, **more)
        self._blocks = blocks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._blocks:
            await super().__call__(scope, receive, send)


def add_events(api: FastAPI, service: ThreadService, hub: Hub) -> None:
    """Add the stream of changed threads."""

    @api.get(
        f"{BASE}/events",
        response_class=StreamingResponse,
        responses=ERRORS
        | {200: {"content": {"text/event-stream": {}}, "description": "Events, until closed."}},
        tags=["threads"],
    )
    async def watch_threads(
        project: Annotated[str | None, Query(description="Project; all if left out, or *.")] = None,
    ) -> StreamingResponse:
        """Follow threads live: an event `thread` with a Thread when one changes or is annotated,
        `deleted` with its id when one goes, `view` with the project and name of a saved view that
        changed or went, `dropped` with a reason before a slow client is disconnected."""
        hub.check_room()
        name = service.choice.of_list(project)
        return StreamingResponse(
            _events(service, hub, name),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )


async def _events(service: ThreadService, hub: Hub, project: str | None) -> AsyncIterator[bytes]:
    yield b": listening\n\n"
    try:
        async for changes in hub.changes(project, heartbeat_s=HEARTBEAT_S):
            if not changes:
                yield b": nothing new\n\n"
                continue
            keys = [(change.project, change.thread_id) for change in changes if change.thread_id]
            found = await run_in_threadpool(service.threads_by_key, keys)
            for change in changes:
                yield _event_of(change, found)
    except Dropped as error:
        yield _event("dropped", orjson.dumps({"reason": str(error)}))


def _event_of(change: Change, found: Mapping[ThreadKey, Thread]) -> bytes:
    if change.thread_id is None:
        return _event("view", orjson.dumps({"project": change.project, "name": change.view}))
    thread = found.get((change.project, change.thread_id))
    if thread is None:
        gone = {"project": change.project, "thread_id": change.thread_id}
        return _event("deleted", orjson.dumps(gone))
    return _event("thread", schemas.as_json(thread))


def _event(name: str, data: bytes) -> bytes:
    """Return one event; JSON holds no line break, so one data line is enough."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
