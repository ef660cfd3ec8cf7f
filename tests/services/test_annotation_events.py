"""Whoever listens hears of every annotation: over REST and over gRPC, whatever it stands on."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import orjson
import pytest
from builders import a_chat, a_request
from conftest import Server

from otel_threads.v1 import threads_pb2 as pb
from otel_threads.v1 import threads_pb2_grpc as stubs

PROJECT = "annotated"
EVENT_TIMEOUT_S = 30.0


class Listener:
    """Events of the project, over REST and gRPC at once, as `(kind, id, Thread)`."""

    def __init__(self, server: Server) -> None:
        self._rest: queue.Queue[tuple[str, dict]] = queue.Queue()
        self._grpc: queue.Queue[Any] = queue.Queue()
        ready = threading.Event()
        self._channel = grpc.insecure_channel(server.addresses["grpc"])
        stub = stubs.ThreadServiceStub(self._channel)
        self._stream = stub.WatchThreads(pb.WatchThreadsRequest(project=PROJECT))
        self._stream.initial_metadata()
        self._client = httpx.Client(timeout=httpx.Timeout(10, read=None))
        threading.Thread(target=self._read_rest, args=(server, ready), daemon=True).start()
        threading.Thread(target=self._read_grpc, daemon=True).start()
        assert ready.wait(EVENT_TIMEOUT_S)

    def _read_rest(self, server: Server, ready: threading.Event) -> None:
        try:
            with self._client.stream("GET", f"{server.api}/events?project={PROJECT}") as answer:
                name = ""
                for line in answer.iter_lines():
                    ready.set()
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        self._rest.put((name, orjson.loads(line.removeprefix("data: "))))
        except httpx.HTTPError:
            pass  # closed

    def _read_grpc(self) -> None:
        try:
            for event in self._stream:
                self._grpc.put(event)
        except grpc.RpcError:
            pass  # cancelled

    def thread(self) -> tuple[dict, Any]:
        """Return the next thread that changed, as both interfaces say it."""
        name, data = self._rest.get(timeout=EVENT_TIMEOUT_S)
        assert name == "thread"
        event = self._grpc.get(timeout=EVENT_TIMEOUT_S)
        assert (event.project, event.thread_id) == (data["project"], data["thread_id"])
        assert event.thread.comment_count == data["comment_count"]
        assert list(event.thread.tags) == data["tags"]
        assert event.thread.status == data["status"]
        return data, event.thread

    def view(self) -> str:
        """Return the name of the next saved view that changed."""
        name, data = self._rest.get(timeout=EVENT_TIMEOUT_S)
        assert (name, data["project"]) == ("view", PROJECT)
        event = self._grpc.get(timeout=EVENT_TIMEOUT_S)
        assert (event.project, event.view, event.thread_id) == (PROJECT, data["name"], "")
        return data["name"]

    def close(self) -> None:
        self._stream.cancel()
        self._channel.close()
        self._client.close()


@pytest.fixture
def chat(server: Server) -> Callable[[str], dict]:
    """Make a thread of one trace; return its ids."""

    def make(thread_id: str) -> dict:
        span = a_chat(thread_id, "hello", "hi")
        server.post(a_request(span), x_otel_threads_project=PROJECT)
        server.wait_derived()
        ids = {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex()}
        return {"thread_id": thread_id, **ids}

    return make


@pytest.fixture
def listener(server: Server) -> Iterator[Callable[[], Listener]]:
    made: list[Listener] = []

    def listen() -> Listener:
        made.append(Listener(server))
        return made[-1]

    yield listen
    for one in made:
        one.close()


def send(server: Server, method: str, path: str, body: dict | None = None) -> dict:
    answer = httpx.request(method, f"{server.api}{path}", json=body, timeout=60)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else {}


def test_scores_comments_tags_and_lifecycle_reach_who_listens(server, chat, listener):
    thread_id = chat("heard")["thread_id"]
    heard = listener()
    named = {"project": PROJECT, "thread_ids": [thread_id]}
    score = {"project": PROJECT, "thread_id": thread_id, "name": "quality"}

    send(server, "PUT", "/scores", {"scores": [{**score, "value": 0.5}]})
    assert heard.thread()[0]["scores"][0]["value"] == 0.5
    send(server, "POST", "/scores/delete", {"scores": [score]})
    assert heard.thread()[0]["scores"] == []
    made = send(
        server, "POST", "/comments", {"project": PROJECT, "thread_id": thread_id, "text": "so"}
    )
    assert heard.thread()[0]["comment_count"] == 1
    send(server, "PATCH", f"/comments/{made['id']}", {"text": "so so"})
    assert heard.thread()[0]["comment_count"] == 1
    send(server, "DELETE", f"/comments/{made['id']}")
    assert heard.thread()[0]["comment_count"] == 0
    send(server, "PATCH", "/threads/tags", {**named, "add": ["good"]})
    assert heard.thread()[0]["tags"] == ["good"]
    send(server, "POST", "/threads/close", named)
    assert heard.thread()[0]["status"] == "inactive"
    send(server, "POST", "/threads/reopen", named)
    assert heard.thread()[0]["status"] == "active"


@pytest.mark.parametrize("level", ["trace", "span"])
def test_annotations_of_traces_and_spans_reach_who_listens_to_their_thread(
    server, chat, listener, level
):
    ids = chat(f"heard-{level}")
    heard = listener()
    target = {"project": PROJECT, "trace_id": ids["trace_id"]}
    if level == "span":
        target["span_id"] = ids["span_id"]

    send(server, "PUT", "/scores", {"scores": [{**target, "name": "thumb", "value": 0}]})
    assert heard.thread()[0]["thread_id"] == ids["thread_id"]
    made = send(server, "POST", "/comments", {**target, "text": "why?"})
    assert heard.thread()[0]["thread_id"] == ids["thread_id"]
    send(server, "DELETE", f"/comments/{made['id']}")
    assert heard.thread()[0]["thread_id"] == ids["thread_id"]


def test_a_saved_view_that_changes_or_goes_reaches_who_listens(server, chat, listener):
    chat("seen")
    heard = listener()

    send(
        server,
        "POST",
        "/views",
        {"project": PROJECT, "name": "failed", "filter": "error_count > 0"},
    )
    assert heard.view() == "failed"
    send(server, "DELETE", f"/views?project={PROJECT}&name=failed")
    assert heard.view() == "failed"
