"""What SDKs wrote survives kills, a backup and an export, with what joined it."""

import contextlib
import functools
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
PER_ROUND = 100  # records that are acknowledged before the server is killed
P = "/api/v1/private"


class Writers:
    """Two SDKs that write without a pause, and what of it was acknowledged."""

    def __init__(self) -> None:
        self.outputs: dict[str, str] = {}  # what each record has to hold, by its id
        self._server: Server | None = None
        self._lock = threading.Lock()

    def have(self, count: int) -> bool:
        """Whether so many records were acknowledged."""
        return len(self.outputs) >= count

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
        return found | (
            {root["id"]: {"output": word}} if found and ended.status_code == 202 else {}
        )


def kept(server: Server) -> dict[str, object]:
    """Return what the records in the store hold as their output, by their id."""
    query = (
        "select record_id, coalesce(attributes['otel_threads.record.field.output'],"
        " attributes['otel_threads.record.field.outputs']) as output"
        " from spans where record_id is not null"
    )
    answer = httpx.post(f"{server.api}/sql", json={"sql": query, "rows_max": 100_000}, timeout=60)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    return {record_id: json.loads(output or "null") for record_id, output in rows}


@pytest.mark.slow
def test_kills_under_load_lose_nothing_that_was_acknowledged(make_server):
    server = make_server()
    writers = Writers()
    for _ in range(ROUNDS):
        enough = len(writers.outputs) + PER_ROUND
        with writers.writing(server):
            wait_until(functools.partial(writers.have, enough), "answers")
            server.kill()
        server.start()
        server.wait_derived()
        found = kept(server)
        assert {key: found.get(key) for key in writers.outputs} == writers.outputs


def seen(server: Server) -> list:
    """Return the traces of both SDKs, as the server tells them."""
    found = []
    for one in server.get("/traces", limit=100)["items"]:
        whole = server.get(f"/traces/{one['trace_id']}", project=one["project"])
        for span in whole["spans"]:
            span.pop("received_at")
        whole.pop("created_at"), whole.pop("updated_at")
        found.append(whole)
    return sorted(found, key=lambda one: one["trace_id"])


@pytest.fixture
def filled(make_server) -> Server:
    """A server with records of both SDKs, and a span that joined one of their traces."""
    server = make_server()
    trace, step, inner = (ids.new_uuid() for _ in range(3))
    times = {"start_time": "2026-11-28T16:00:00Z", "end_time": "2026-11-28T16:00:01Z"}
    whole = {"id": trace, "name": "turn", "thread_id": "t", "input": "q", "output": "a", **times}
    record = {"id": step, "trace_id": trace, "name": "step", "type": "general", **times}
    httpx.post(f"{server.http}{P}/traces/batch", json={"traces": [whole]}).raise_for_status()
    httpx.post(f"{server.http}{P}/spans/batch", json={"spans": [record]}).raise_for_status()
    told = {"opik.trace_id": trace, "opik.span_id": inner, "opik.parent_span_id": step}
    answer = server.post(a_request(a_chat("other", "q", "x" * 5000, attributes=told)))
    assert answer.status_code == 200
    root = a_run(
        "r", project="runs", inputs={"messages": [{"role": "user", "content": "y" * 3000}]}
    )
    child = a_run("r", project="runs", parent=root, run_type="tool")
    sent = httpx.post(f"{server.http}/runs/batch", json={"post": [root, child]})
    assert sent.status_code == 202
    server.wait_derived()
    return server


def command(*arguments: str, cwd) -> None:
    words = [sys.executable, "-m", "otel_threads", *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr


def test_a_backup_has_records_and_what_joined_them(filled, make_server, tmp_path):
    before = seen(filled)
    assert filled.get("/status")["sdk_records"] == 4
    assert [one["span_count"] for one in before] == [3, 2]
    target = tmp_path / "copy.duckdb"
    command("backup", str(target), "--database", str(filled.database), cwd=tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    database = other / filled.database.name
    command("restore", str(target), "--database", str(database), cwd=tmp_path)
    again = make_server(folder=other)
    assert seen(again) == before
    # What comes later of the same records goes on from there.
    (opik,) = [one for one in before if one["name"] == "turn" and one["thread_id"] == "t"]
    uuid = ids.trace_uuid_of(opik["trace_id"])
    httpx.patch(f"{again.http}{P}/traces/{uuid}", json={"output": "later"}).raise_for_status()
    again.wait_derived()
    assert (
        again.get("/threads/turns", thread_id="t", project=opik["project"])["items"][0]["assistant"]
        == "later"
    )


def test_an_export_of_records_is_read_as_the_same_conversations(filled, make_server):
    exported = httpx.get(f"{filled.api}/export/threads", params={"format": "otlp"}, timeout=60)
    assert exported.status_code == 200, exported.text
    again = make_server()
    for line in exported.text.splitlines():
        answer = httpx.post(
            f"{again.otlp}/v1/traces", content=line, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 200, answer.text
    again.wait_derived()

    def conversations(server: Server) -> list:
        found = [
            (
                *(one["thread_id"], one["span_count"], one["first_message"], one["last_message"]),
                one["usage"]["total_tokens"],
            )
            for one in server.get("/threads")["items"]
        ]
        return sorted(found)

    assert conversations(again) == conversations(filled)
    trees = [
        {(span["span_id"], span["parent_span_id"]) for one in seen(server) for span in one["spans"]}
        for server in (filled, again)
    ]
    assert trees[0] == trees[1]
