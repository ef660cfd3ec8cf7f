"""The Python client, sync and async, against a real server and against one that fails."""

import asyncio
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from builders import a_chat, a_request
from conftest import Server, wait_until

from otel_threads import AsyncClient, Client
from otel_threads.core.errors import InvalidQuery, NotAllowed, NotFound, Unavailable
from otel_threads.sdk import client as module


@pytest.fixture(scope="module")
def loaded(server: Server) -> Server:
    spans = [a_chat(f"t-{n:04}", f"question {n}", "answer") for n in range(1200)]
    server.post(a_request(*spans), x_otel_threads_project="client")
    server.wait_derived()
    return server


@pytest.fixture
def client(loaded):
    with Client(f"http://{loaded.addresses['http']}") as found:
        yield found


def test_lists_page_by_themselves(client):
    threads = list(client.list_threads(project="client", sort="thread_id"))
    assert [t["thread_id"] for t in threads] == [f"t-{n:04}" for n in range(1200)]
    page = client.page_of_threads(project="client", limit=5, with_total=True)
    assert (len(page["items"]), page["total"]) == (5, 1200)


def test_every_verb(client):
    here = {"project": "client"}
    assert client.get_thread("t-0003", **here)["turn_count"] == 1
    assert [turn["user"] for turn in client.list_turns("t-0003", **here)] == ["question 3"]
    assert client.get_transcript("t-0003", **here)["messages"][0]["text"] == "question 3"
    assert "question 3" in client.get_transcript("t-0003", format="markdown", **here)
    assert client.get_thread_stats(**here, interval="day")["thread_count"] == 1200
    assert (
        client.put_scores([{**here, "thread_id": "t-0003", "name": "q", "value": 1}])["written"]
        == 1
    )
    assert [s["name"] for s in client.list_scores(thread_id="t-0003", **here)] == ["q"]
    assert [n["name"] for n in client.list_score_names(**here)] == ["q"]
    found = list(client.list_threads(filter="scores.q = 1", **here))
    assert [t["thread_id"] for t in found] == ["t-0003"]
    made = client.add_comment("nice", thread_id="t-0003", **here)
    assert client.update_comment(made["id"], "nicer")["text"] == "nicer"
    assert [c["text"] for c in client.list_comments(thread_id="t-0003", **here)] == ["nicer"]
    assert client.delete_comment(made["id"]) is None
    assert client.delete_scores([{**here, "thread_id": "t-0003", "name": "q"}])["deleted"] == 1
    assert client.update_thread_tags(["t-0003"], add=["x"], **here)["updated"] == 1
    assert client.close_threads(["t-0003"], **here)["updated"] == 1
    assert client.reopen_threads(["t-0003"], **here)["updated"] == 1
    trace = next(client.list_traces(thread_id="t-0003", **here))
    assert client.get_trace(trace["trace_id"])["turns"][0]["user"] == "question 3"
    assert client.get_trace_stats(**here)["trace_count"] == 1200
    assert client.put_view("v", filter="error_count > 0", **here)["name"] == "v"
    assert [v["name"] for v in client.list_views(**here)] == ["v"]
    assert client.delete_view("v", **here) is None
    assert client.delete_traces([trace["trace_id"]])["updated"] == 1
    assert client.delete_threads(["t-0004"], **here)["updated"] == 1
    assert "client" in [p["project"] for p in client.list_projects()]
    assert client.set_project_cooldown("client", None)["project"] == "client"
    assert client.status()["spans"] >= 1198
    assert client.doctor()["instrumentations"]
    exported = b"".join(client.export_threads(filter="thread_id < 't-0002'", **here))
    assert len(exported.splitlines()) == 2


def test_errors_are_ours(client):
    with pytest.raises(NotFound, match="no thread 'x'"):
        client.get_thread("x")
    with pytest.raises(InvalidQuery, match="position 0"):
        list(client.list_threads(filter="nope = 1"))
    with pytest.raises(InvalidQuery):
        list(client.export_threads(format="xml"))


def test_async_has_the_same_calls(loaded):
    async def run() -> None:
        async with AsyncClient(loaded.addresses["http"]) as client:
            ids = [
                t["thread_id"]
                async for t in client.list_threads(project="client", sort="thread_id")
            ]
            assert len(ids) > 1000
            assert (await client.get_thread(ids[0], project="client"))["thread_id"] == ids[0]
            with pytest.raises(NotFound):
                await client.get_thread("x")
            blocks = [
                p
                async for p in client.export_threads(
                    project="client", filter="thread_id < 't-0002'"
                )
            ]
            assert len(b"".join(blocks).splitlines()) == 2
            with pytest.raises(InvalidQuery):
                [p async for p in client.export_threads(format="xml")]
            assert (await client.sql("select 6 * 7")).fetchone() == (42,)
            loaded.post(a_request(a_chat("a-w", "hi", "ho")), x_otel_threads_project="async")

            async def tell() -> None:  # until it listens, nobody can be told
                while True:
                    await asyncio.to_thread(
                        loaded.post,
                        a_request(a_chat("a-w", "hi", "ho")),
                        x_otel_threads_project="async",
                    )
                    await asyncio.sleep(0.1)

            telling = asyncio.create_task(tell())
            async for kind, thread in client.watch_threads(project="async"):
                assert (kind, thread["thread_id"]) == ("thread", "a-w")
                break
            telling.cancel()

    asyncio.run(run())


def test_watch_follows_live(loaded, client):
    got = []

    def listen() -> None:
        for kind, thread in client.watch_threads(project="watched"):
            got.append((kind, thread["thread_id"]))
            return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()

    def told() -> bool:  # until it listens, nobody can be told
        loaded.post(a_request(a_chat("w", "hi", "ho")), x_otel_threads_project="watched")
        return bool(got)

    wait_until(told, "the change is told")
    assert got == [("thread", "w")]


class Flaky:
    """Answers from a list, then `{"items": [], "next_cursor": null}`."""

    def __init__(self, answers):
        flaky = self
        self.answers, self.requests = list(answers), []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                self.rfile.read(length)
                flaky.requests.append(self.command)
                status = flaky.answers.pop(0) if flaky.answers else 200
                body = json.dumps({"items": [], "next_cursor": None, "detail": "said so"}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def flaky(monkeypatch):
    monkeypatch.setattr(module, "BACKOFF_FIRST_S", 0.001)
    made = []

    def make(*answers):
        made.append(Flaky(answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.long
def test_what_may_be_sent_again_is(flaky):
    server = flaky(503, 429, 502)
    with Client(server.address) as client:
        assert list(client.list_threads()) == []
        assert len(server.requests) == 4
    server = flaky(*[503] * 9)
    with Client(server.address) as client, pytest.raises(Unavailable, match="said so"):
        client.put_scores([])
    assert len(server.requests) == module.ATTEMPTS_MAX


@pytest.mark.long
def test_what_must_not_be_sent_again_is_not(flaky):
    server = flaky(502)
    with Client(server.address) as client, pytest.raises(Unavailable):
        client.add_comment("once", thread_id="t")
    assert server.requests == ["POST"]
    server = flaky(400)
    with Client(server.address) as client, pytest.raises(InvalidQuery):
        client.get_thread("t")
    assert len(server.requests) == 1
    server = flaky(401)
    with Client(server.address) as client, pytest.raises(NotAllowed):
        client.get_thread("t")


def test_nobody_there_is_said(flaky):
    with Client("127.0.0.1:9") as client, pytest.raises(Unavailable, match="does not answer"):
        client.status()


def test_the_sdk_loads_nothing_heavy():
    program = (
        "import sys; import otel_threads, otel_threads.sdk.client; otel_threads.Client;"
        "print([n for n in ('duckdb','grpc','fastapi','starlette','uvicorn','pyarrow','pydantic') if n in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
