"""The tools for agents, through Python's official client."""

import json
import time

import httpx
import pytest
from agents import (
    GENERATIONS,
    OF_ALL_PROJECTS,
    READING,
    WRITING,
    call,
    failure,
    over_http,
    over_stdio,
    run,
)
from builders import a_chat, a_request, a_span
from conftest import Server, wait_until

TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
ELSEWHERE = bytes.fromhex("1af7651916cd43dd8448eb211c80319c")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A server with both tokens: a thread of three turns with a failed tool, another of one."""
    server = Server(tmp_path_factory.mktemp("mcp"), read_token="r", write_token="w").start()
    now = time.time_ns() - 60 * 10**9
    long = a_chat("refund-1", "x" * 9_000, "A long question.", start=now + 10**9, trace_id=TRACE)
    spans = [
        long,
        a_chat("refund-1", "Where is my order?", "Let me look.", start=now),
        a_span(
            trace_id=TRACE,
            parent_span_id=long.span_id,
            name="execute_tool lookup",
            start=now + 10**9 + 10**6,
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "lookup",
                "gen_ai.conversation.id": "refund-1",
                "error.type": "timeout",
            },
            status={"code": 2, "message": "no answer"},
        ),
        a_chat("refund-1", "Refund it.", "Done.", start=now + 2 * 10**9),
        a_chat("refund-2", "Where is my order?", "On its way.", start=now + 3 * 10**9),
    ]
    server.post(a_request(*spans))
    other = a_chat("secret-1", "A secret of somebody else", "Kept.", start=now, trace_id=ELSEWHERE)
    server.post(a_request(other), x_otel_threads_project="elsewhere")

    def derived() -> bool:
        status = httpx.get(f"{server.api}/status", headers=bearer("r")).json()
        return status["derived_sequence"] >= status["committed_sequence"]

    wait_until(derived, "the spans are derived")
    yield server
    assert server.stop() == 0


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("mode", GENERATIONS)
def test_both_generations_read_the_same_conversation(shop, mode):
    async def read() -> None:
        async with over_http(shop, mode, token="r") as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == READING
            assert all(tool.annotations.read_only_hint for tool in tools.values())
            found = await call(client, "find_threads", filter="turn_count > 1")
            assert [one["thread_id"] for one in found["items"]] == ["refund-1"]
            outline = await call(client, "get_thread", thread_id="refund-1")
            assert [turn["turn_index"] for turn in outline["turns"]] == [0, 1, 2]
            assert outline["turns"][0]["user"] == {
                "role": "user",
                "thread_id": "refund-1",
                "turn_index": 0,
                "text": "Where is my order?",
                "total_chars": 18,
                "next_offset": None,
                "untrusted": True,
            }
            long = outline["turns"][1]["user"]
            assert (len(long["text"]), long["total_chars"]) == (200, 9_000)

    run(read())


def test_a_long_text_is_read_to_its_end_in_parts(shop):
    async def read() -> str:
        async with over_http(shop, token="r") as client:
            text, at, index = "", 0, 0
            for _ in range(20):
                part = await call(
                    client,
                    "get_turn",
                    thread_id="refund-1",
                    turn_index=1,
                    message_index=index,
                    offset=at,
                    chars_max=2_000,
                )
                assert sum(len(m["content"]["text"]) for m in part["messages"]) <= 2_000
                text += "".join(m["content"]["text"] for m in part["messages"])
                index, at = part["next_message_index"], part["next_offset"]
                if index is None:
                    return text
            raise AssertionError("it does not end")

    assert run(read()) == "x" * 9_000 + "A long question."


def test_every_other_tool_answers(shop):
    async def read() -> None:
        async with over_http(shop, token="r") as client:
            trace = await call(client, "get_trace", trace_id=TRACE.hex())
            assert trace["span_count"] == 2
            [tool] = [one for one in trace["spans"] if one["name"] == "execute_tool lookup"]
            whole = await call(client, "get_trace", trace_id=TRACE.hex(), span_id=tool["span_id"])
            keys = {one["key"]: one["value"]["text"] for one in whole["span"]["attributes"]}
            assert keys["gen_ai.tool.name"] == "lookup"
            sums = await call(client, "stats", project="default", interval="day")
            assert (sums["thread_count"], sums["turn_count"]) == (2, 4)
            assert [one["model"] for one in sums["models"]] == ["gpt-4o-mini"]
            assert sum(one["thread_count"] for one in sums["series"]) == 2
            both = await call(
                client, "compare_threads", thread_id="refund-1", other_thread_id="refund-2"
            )
            assert both["same_questions"] == 1
            turns = next(one for one in both["differences"] if one["field"] == "turn_count")
            assert turns == {"field": "turn_count", "first": 3, "second": 1, "difference": -2}
            guide = await call(client, "filter_help")
            assert "thread_id" in {field["name"] for field in guide["fields"]}
            for example in guide["examples"]:
                await call(client, "find_threads", filter=example)
            rows = await call(
                client, "query_sql", sql="select thread_id, turn_count from threads order by 1"
            )
            assert rows["rows"] == [["refund-1", 3], ["refund-2", 1], ["secret-1", 1]]
            found = await call(client, "explain_missing", trace_id=TRACE.hex())
            assert found["trace"]["thread_ids"] == ["refund-1"]
            assert found["trace"]["scopes"] == ["test"]

    run(read())


def test_writing_takes_the_write_token(shop):
    async def write() -> None:
        async with over_http(shop, token="r") as client:
            assert "no such tool" in await no_tool(client, "score", thread_id="refund-1", name="q")
        async with over_http(shop, token="w") as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == READING | WRITING
            writing = {name for name, one in tools.items() if not one.annotations.read_only_hint}
            assert writing == WRITING
            await call(client, "score", thread_id="refund-1", name="tone", value=0.5, reason="dry")
            await call(client, "tag", thread_ids=["refund-1"], add=["seen"])
            await call(client, "comment", thread_id="refund-1", text="Look at turn 1.")
            thread = await call(client, "get_thread", thread_id="refund-1")
            [score] = thread["thread"]["scores"]
            assert (score["name"], score["value"], score["author"]) == ("tone", 0.5, "mcp")
            assert thread["thread"]["tags"] == ["seen"]
            assert [one["text"]["text"] for one in thread["comments"]] == ["Look at turn 1."]

    run(write())


async def no_tool(client, tool: str, **arguments) -> str:
    from mcp.shared.exceptions import MCPError

    with pytest.raises(MCPError) as raised:
        await client.call_tool(tool, arguments)
    return str(raised.value)


def test_a_connection_of_one_project_reaches_no_other(shop):
    async def read() -> None:
        async with over_http(shop, token="w", project="default") as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            assert names == (READING | WRITING) - OF_ALL_PROJECTS
            for project in ("elsewhere", "*"):
                said = await failure(client, "find_threads", project=project)
                assert said == "this connection reads the project 'default' alone"
            for tool, more in (
                ("get_thread", {}),
                ("get_turn", {"turn_index": 0}),
                ("compare_threads", {"other_thread_id": "refund-1"}),
            ):
                said = await failure(client, tool, thread_id="Secret-1", **more)
                assert said == "no thread 'Secret-1' in project 'default'"
            for trace_id in (ELSEWHERE.hex(), "2" * 32):
                for span in ({}, {"span_id": "3" * 16}):
                    target = {"trace_id": trace_id.upper(), **span}
                    for tool, more in (
                        ("score", {"name": "x", "value": 1}),
                        ("comment", {"text": "x"}),
                    ):
                        said = await failure(client, tool, **target, **more)
                        assert said == f"no trace '{trace_id.upper()}' in project 'default'"
            here = await call(client, "score", trace_id=TRACE.hex(), name="own", value=1)
            assert here == {"written": 1, "unknown_ids": []}
            for tool, more in (("score", {"name": "x", "value": 1}), ("comment", {"text": "x"})):
                found = await call(client, tool, thread_id="secret-1", **more)
                assert found == {"written": 1, "unknown_ids": ["secret-1"]}

    run(read())
    scores = httpx.get(
        f"{shop.api}/scores", params={"trace_id": ELSEWHERE.hex()}, headers=bearer("r")
    )
    assert scores.json()["items"] == []


def test_an_error_names_no_project_and_no_thread_that_is_stored(shop):
    """A name may be an order: what a person is told of alike ids, an agent is not."""

    async def ask() -> None:
        async with over_http(shop, token="w") as client:
            said = await failure(client, "get_thread", thread_id="Secret-1")
            assert said == "no thread 'Secret-1'"
            said = await failure(client, "get_turn", thread_id="secret-1", turn_index=7)
            assert said == "no turn 7 in thread 'secret-1'"
            unknown = await call(client, "score", trace_id="2" * 32, name="x", value=1)
            assert unknown == {"written": 1, "unknown_ids": ["2" * 32]}
            unknown = await call(client, "comment", trace_id="2" * 32, span_id="3" * 16, text="x")
            assert unknown["unknown_ids"] == ["3" * 16]

    run(ask())
    told = httpx.get(
        f"{shop.api}/threads/get", params={"thread_id": "Secret-1"}, headers=bearer("r")
    )
    assert told.json()["detail"] == "no thread 'Secret-1'; did you mean elsewhere/secret-1?"


def test_what_cannot_be_says_what_can(shop):
    async def ask() -> None:
        async with over_http(shop, token="r") as client:
            assert "position" in await failure(client, "find_threads", filter="turn_count >")
            assert "limit" in await failure(client, "find_threads", limit=51)
            assert "Extra inputs" in await failure(client, "find_threads", nosuch=1)
            assert "no turn 9" in await failure(
                client, "get_turn", thread_id="refund-1", turn_index=9
            )
            assert "no span" in await failure(
                client, "get_trace", trace_id=TRACE.hex(), span_id="0" * 16
            )
            said = await failure(client, "query_sql", sql="insert into scores values (1)")
            assert "SELECT" in said or "read" in said
            said = await failure(client, "query_sql", sql="select nosuch from threads")
            assert said.startswith("Binder Error")

    run(ask())


def test_an_answer_is_bounded_however_much_is_asked_for(shop):
    async def ask() -> None:
        async with over_http(shop, token="r") as client:
            rows = await call(
                client,
                "query_sql",
                sql="select repeat('x', 1000) from range(1000)",
                rows_max=500,
                cell_chars_max=40_000,
            )
            assert rows["truncated"]
            assert sum(len(row[0]) for row in rows["rows"]) <= 200_000

    run(ask())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (bearer("wrong"), 401),
        (bearer("r") | {"host": "evil.example"}, 421),
        (bearer("r") | {"origin": "https://evil.example"}, 403),
        (bearer("r") | {"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_strangers_are_refused_as_everywhere(shop, headers, status):
    url = shop.api.removesuffix("/api/v1") + "/mcp"
    accepted = {"accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert httpx.post(url, json=body, headers=headers | accepted).status_code == status


@pytest.mark.parametrize("query", ["?projcet=default", "?project=*", "?project="])
def test_a_typing_error_does_not_widen_what_is_read(shop, query):
    url = shop.api.removesuffix("/api/v1") + "/mcp" + query
    answer = httpx.post(url, json={}, headers=bearer("r"))
    assert answer.status_code == 400
    assert "project" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_are_no_sessions_to_listen_to_or_to_end(shop, method):
    url = shop.api.removesuffix("/api/v1") + "/mcp"
    answer = httpx.request(method, url, headers=bearer("w"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"jsonrpc": "2.0", "id": 1, "method": "nosuch"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}',
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": '
        b'{"name": "find_threads", "arguments": {"search": "\\ud83d"}}}',
        b'"' + b"x" * 2_000_000 + b'"',
    ],
)
def test_a_bad_request_is_an_answer_and_the_server_goes_on(shop, body):
    url = shop.api.removesuffix("/api/v1") + "/mcp"
    headers = bearer("r") | {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }
    answer = httpx.post(url, content=body, headers=headers, timeout=60)
    assert answer.status_code < 500, answer.text
    assert httpx.get(f"{shop.api}/status", headers=bearer("r")).status_code == 200


def test_a_body_past_the_limit_is_told_with_the_limit(shop):
    url = shop.api.removesuffix("/api/v1") + "/mcp"
    answer = httpx.post(url, content=b'"' + b"x" * (1 << 20) + b'"', headers=bearer("r"))

    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert "more than 1048576 bytes" in answer.json()["detail"]


def test_stdio_reads_a_running_server_with_its_token(shop):
    async def read(*arguments: str, env=None) -> set[str]:
        async with over_stdio(shop.database, *arguments, env=env) as client:
            found = await call(client, "find_threads", filter="turn_count > 1")
            assert [one["thread_id"] for one in found["items"]] == ["refund-1"]
            return {tool.name for tool in (await client.list_tools()).tools}

    assert run(read("--token", "r")) == READING
    assert (
        run(read(env={"OTEL_THREADS_READ_TOKEN": "r", "OTEL_THREADS_WRITE_TOKEN": "w"})) == READING
    )
    write = read("--allow-writes", env={"OTEL_THREADS_WRITE_TOKEN": "w"})
    assert run(write) == READING | WRITING
    assert run(read("--token", "w")) == READING

    async def try_to_write() -> str:
        async with over_stdio(shop.database, "--token", "w") as client:
            return await no_tool(client, "tag", thread_ids=["refund-1"], add=["x"])

    assert "needs --allow-writes" in run(try_to_write())


@pytest.mark.parametrize("mode", GENERATIONS)
def test_stdio_reads_a_file_without_a_server(tmp_path, make_server, mode):
    server = make_server(folder=tmp_path)
    server.post(a_request(a_chat("alone-1", "Hello", "Hi")))
    server.wait_derived()
    assert server.stop() == 0

    async def read() -> None:
        async with over_stdio(server.database, mode=mode) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == READING
            outline = await call(client, "get_thread", thread_id="alone-1")
            assert outline["turns"][0]["assistant"]["text"] == "Hi"
            rows = await call(client, "query_sql", sql="select count(*) from spans")
            assert rows["rows"] == [[1]]
            # Between two calls the file is free for a server.
            again = Server(tmp_path).start()
            again.post(a_request(a_chat("alone-1", "More?", "No.")))
            again.wait_derived()
            outline = await call(client, "get_thread", thread_id="alone-1")
            assert len(outline["turns"]) == 2
            assert again.stop() == 0

    run(read())


@pytest.mark.long
def test_stdio_without_a_file_or_a_server_says_so(tmp_path):
    async def ask() -> str:
        env = {"OTEL_THREADS_HTTP_ENDPOINT": "127.0.0.1:9"}
        async with over_stdio(tmp_path / "none.duckdb", env=env, mode="legacy") as client:
            return await failure(client, "stats")

    assert "otel-threads serve" in run(ask())


def test_the_text_of_an_answer_is_its_structure(shop):
    """Clients of before June 2025 read the text alone."""

    async def read() -> None:
        async with over_http(shop, "legacy", token="r") as client:
            result = await client.call_tool("stats", {})
            assert json.loads(result.content[0].text) == result.structured_content

    run(read())
