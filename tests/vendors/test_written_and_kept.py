"""What SDKs wrote survives kills, a backup and an export, with what joined it."""

import contextlib
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until
from langsmith_requests import a_run

from otel_threads.vendors import ids

ROUNDS = 4
PER_ROUND = 25  # answers of each road before the server is killed
P = "/api/v1/private"


class Writers:
    """Two SDKs that write without a pause, and what of it was acknowledged."""

    def __init__(self) -> None:
        self.outputs: dict[str, str] = {}  # what each record has to hold, by its id
        self._server: Server | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def writing(self, server: Server) -> Iterator[None]:
        """Write until the block ends, which may have killed the server."""
        done = threading.Event()
        roads = (self._opik, self._langsmith)
        threads = [threading.Thread(target=self._run, args=(road, server, done)) for road in roads]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _run(self, road, server: Server, done: threading.Event) -> None:
        with httpx.Client(base_url=server.http, timeout=30) as http:
            for number in itertools.count():
                if done.is_set():
                    return
                try:
                    found = road(http, str(number))
                except httpx.HTTPError:
                    return
                with self._lock:
                    self.outputs |= found

    def _opik(self, http: httpx.Client, word: str) -> dict[str, str]:
        """Return what is kept of two traces: one that is whole, one that a patch ends."""
        whole, early = ids.new_uuid(), ids.new_uuid()
        start = {"start_time": "2026-11-28T16:00:00Z", "thread_id": "killed", "input": "q"}
        traces = [{"id": whole, "output": word, **start}, {"id": early, **start}]
        sent = http.post(f"{P}/traces/batch", json={"traces": traces})
        found = {whole: word} if sent.status_code == 204 else {}
        ended = http.patch(f"{P}/traces/{early}", json={"output": word})
        return found | ({early: word} if found and ended.status_code == 204 else {})

    def _langsmith(self, http: httpx.Client, word: str) -> dict[str, str]:
        """Return what is kept of a run that a patch ends, and of one below it."""
        root = a_run("killed", project="killed", outputs={})
        child = a_run("killed", project="killed", parent=root, outputs={"output": word})
        sent = http.post("/runs/batch", json={"post": [root, child]})
        found = {child["id"]: {"output": word}} if sent.status_code == 202 else {}
        ended = http.patch(f"/runs/{root['id']}", json={"outputs": {"output": word}})
        return found | ({root["id"]: {"output": word}} if found and ended.status_code == 202 else {})


def kept(server: Server) -> dict[str, object]:
    """Return what the records in the store hold as their output, by their id."""
    query = (
        "select record_id, coalesce(attributes['otel_threads.record.field.output'],"
        " attributes['otel_threads.record.field.outputs']) as output"
        " from spans where record_id is not null"
    )
    answer = httpx.post(f"{server.api}/sql", json={"query": query, "limit": 100_000}, timeout=60)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    return {record_id: json.loads(output or "null") for record_id, output in rows}


@pytest.mark.slow
def test_kills_under_load_lose_nothing_that_was_acknowledged(make_server):
    server = make_server()
    writers = Writers()
    for _ in range(ROUNDS):
        before = len(writers.outputs)
        with writers.writing(server):
            wait_until(lambda: len(writers.outputs) > before + 4 * PER_ROUND, "answers")
            server.kill()
        server.start()
        server.wait_derived()
        found = kept(server)
        assert {key: found.get(key) for key in writers.outputs} == writers.outputs
