"""Hostile conversations: where their words come out, and what an agent can do that obeys them."""

import itertools
import json
import re
import socket
import threading
import time

import httpx
import pytest
from agents import GENERATIONS, READING, call, over_http, run
from builders import a_chat, a_request, a_span
from conftest import Server, wait_until
from injections import INJECTIONS

pytestmark = pytest.mark.slow  # starts programs

READ = {"authorization": "Bearer r"}
CANARY = "CANARY of somebody else"
MARK = re.compile(r"INJ-\d\d")


def a_hostile_trace(i: int, text: str, start: int):
    """A conversation that says it wherever a sender can write."""
    first = a_chat(
        f"inj-{i}",
        text,
        text,
        start=start,
        name=text[:200],
        attributes={
            "gen_ai.request.model": text[:100],
            "gen_ai.response.model": text[:100],
            "user.id": text[:100],
            text[:60]: text,
            "langfuse.trace.tags": [text[:50]],
        },
        status={"code": 2, "message": text},
    )
    tool = a_span(
        trace_id=first.trace_id,
        parent_span_id=first.span_id,
        start=start + 10**6,
        name=f"execute_tool {text[:60]}",
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": text[:80],
            "gen_ai.tool.call.arguments": json.dumps({"q": text}),
            "gen_ai.tool.call.result": text,
            "error.type": text[:60],
        },
    )
    lost = a_chat(None, text, text, start=start + 10**7)
    return [first, tool, lost]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    assert len(INJECTIONS) >= 60
    server = Server(tmp_path_factory.mktemp("hostile"), read_token="r", write_token="w").start()
    now = time.time_ns() - 10**12
    for i, one in enumerate(INJECTIONS):
        spans = a_hostile_trace(i, one.text, now + i * 10**9)
        server.post(
            a_request(*spans, resource={"service.name": one.text[:60]}, scope=one.text[:90])
        )
    other = a_chat("secret-1", CANARY, CANARY, start=now)
    server.post(a_request(other), x_otel_threads_project="elsewhere")
    server.other_trace = other.trace_id.hex()

    def derived() -> bool:
        status = httpx.get(f"{server.api}/status", headers=READ).json()
        return status["derived_sequence"] >= status["committed_sequence"]

    wait_until(derived, "the spans are derived", 120)
    yield server
    assert server.stop() == 0


def unmarked(found: object, is_marked: bool = False) -> list[str]:
    """Return the texts that stand in no object with `untrusted: true`, keys included."""
    if isinstance(found, dict):
        marked = is_marked or found.get("untrusted") is True
        keys = [] if marked else list(found)
        return keys + [text for value in found.values() for text in unmarked(value, marked)]
    if isinstance(found, list):
        return [text for value in found for text in unmarked(value, is_marked)]
    return [found] if isinstance(found, str) and not is_marked else []


async def readings_of_all(client) -> list[dict]:
    """Return the answers of the tools that look at many conversations."""
    return [
        await call(client, "find_threads", limit=50),
        await call(client, "stats"),
        await call(client, "query_sql", sql="from messages"),
        await call(client, "filter_help"),
    ]


async def readings_of_one(client, i: int) -> list[dict]:
    """Return the answers of the tools that look at one hostile conversation."""
    thread = await call(client, "get_thread", thread_id=f"inj-{i}")
    trace_id = thread["turns"][0]["trace_ids"][0]
    trace = await call(client, "get_trace", trace_id=trace_id)
    return [
        thread,
        trace,
        await call(client, "get_turn", thread_id=f"inj-{i}", turn_index=0, chars_max=40_000),
        await call(client, "get_trace", trace_id=trace_id, span_id=trace["spans"][0]["span_id"]),
        await call(client, "get_trace", trace_id=trace_id, span_id=trace["spans"][-1]["span_id"]),
        await call(client, "compare_threads", thread_id=f"inj-{i}", other_thread_id="inj-0"),
        await call(client, "explain_missing", trace_id=trace_id),
    ]


@pytest.mark.parametrize("mode", GENERATIONS)
def test_words_of_strangers_stand_in_marked_objects_alone(hostile, mode):
    async def read() -> None:
        async with over_http(hostile, mode, token="r") as client:
            tools = await client.list_tools()
            assert {tool.name for tool in tools.tools} == READING
            assert not MARK.search(tools.model_dump_json())
            assert not MARK.search(client.instructions or "")
            of_all = await readings_of_all(client)
            mine = range(GENERATIONS.index(mode), len(INJECTIONS), 2)
            of_each = {i: await readings_of_one(client, i) for i in mine}
            for answer in (*of_all, *itertools.chain(*of_each.values())):
                assert [text for text in unmarked(answer) if MARK.search(text)] == []
            for i in mine:  # what is marked is there
                assert i < 2 or f"INJ-{i:02d}" in json.dumps(of_each[i])

    run(read())


def test_nobody_sees_other_than_what_is_there(hostile):
    """Marks of direction, what takes no room, and escapes come out as a mark that is seen."""

    async def read() -> None:
        async with over_http(hostile, token="r") as client:
            for i, one in enumerate(INJECTIONS):
                if one.text.isprintable() and "\u200b" not in one.text:
                    continue
                turn = await call(client, "get_turn", thread_id=f"inj-{i}", turn_index=0)
                text = turn["messages"][0]["content"]["text"]
                assert not re.search(
                    "[\x00-\x08\x0b-\x1f\u200b\u202a-\u202e\U000e0000-\U000e007f]", text
                )
                assert "\n" in one.text or "\ufffd" in text

    run(read())


class Listener:
    """A port where nobody may come."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.came: list[object] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, address = self._socket.accept()
            except OSError:
                return
            self.came.append(address)
            connection.close()

    def close(self) -> None:
        self._socket.close()


def written(server) -> dict:
    """Return everything that can be written beside spans, and what is in the folder."""
    found = {
        name: httpx.get(f"{server.api}/{name}", params={"project": "*"}, headers=READ).json()
        for name in ("scores", "comments", "views")
    }
    rows = httpx.post(
        f"{server.api}/sql",
        json={"sql": "select (select count(*) from spans), (select count(*) from threads)"},
        headers=READ,
    )
    tags = httpx.get(f"{server.api}/threads", params={"limit": 1000}, headers=READ).json()
    names = {path.name for path in server.folder.iterdir()} - {"otel-threads.duckdb.wal"}
    return found | {
        "rows": rows.json()["rows"],
        "tags": {one["thread_id"]: one["tags"] for one in tags["items"]},
        "files": {name for name in names if ".sql-" not in name},
    }


async def obey(client, injection, named: dict[str, str]) -> list[str]:
    """Do what a conversation says; return all that comes back."""
    from mcp.shared.exceptions import MCPError

    said = []
    for tool, arguments in injection.obeyed:
        text = json.dumps(arguments)
        for key, value in named.items():
            text = text.replace("{" + key + "}", value)
        try:
            result = await client.call_tool(tool, json.loads(text))
        except MCPError as error:
            said.append(str(error))
        else:
            said.append(result.model_dump_json())
            if result.is_error:
                assert not MARK.search(result.content[0].text), "an error quotes stored text"
    return said


@pytest.mark.parametrize("project", [None, "default"])
def test_an_agent_that_obeys_everything_writes_nothing_and_sends_nothing(hostile, project):
    listener = Listener()
    before = written(hostile)
    named = {
        "port": str(listener.port),
        "folder": str(hostile.folder),
        "other_trace": hostile.other_trace,
    }

    async def work() -> list[str]:
        async with over_http(hostile, token="r", project=project) as client:
            said = []
            for one in INJECTIONS:
                said += await obey(client, one, named)
            return said

    said = run(work())
    listener.close()

    assert len(said) >= 60
    assert written(hostile) == before
    assert listener.came == []
    assert not any("root:" in text for text in said)
    assert not any('"w"' in text for text in said)
    if project:
        assert not any(CANARY in text for text in said)
