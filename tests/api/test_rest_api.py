"""REST on a real server: every call, its shapes, and bad questions."""

import json
from itertools import pairwise

import httpx
import pytest
from builders import a_chat, a_request, a_span
from conftest import CAPTURES, Server


@pytest.fixture(scope="module")
def loaded(server: Server) -> Server:
    for n in range(25):
        for turn in range(1 + n % 3):
            span = a_chat(f"chat-{n:02}", f"question {turn} of {n}", f"answer {turn}")
            server.post(a_request(span), x_otel_threads_project="many")
    server.post(a_request(a_span(name="no conversation")), x_otel_threads_project="many")
    for file in sorted((CAPTURES / "otel-genai-openai-span-stream").glob("0*.pb")):
        server.post(file.read_bytes(), x_otel_threads_project="stream")
    server.wait_derived()
    return server


def test_status_tells_how_far_the_server_is(loaded):
    status = loaded.get("/status")
    assert status["derived_sequence"] == status["committed_sequence"] > 0
    assert status["derive_lag_ms"] == 0
    assert status["spans"] > 0
    assert status["database_bytes"] > 0
    assert status["uptime_s"] > 0
    assert status["version"]


def test_projects_are_listed_with_their_counts(loaded):
    projects = {p["project"]: p for p in loaded.get("/projects")["items"]}
    assert projects["many"]["thread_count"] == 25
    assert projects["many"]["trace_count"] == sum(1 + n % 3 for n in range(25)) + 1
    assert projects["many"]["last_activity_time"].endswith("Z")


def test_a_walk_over_pages_meets_every_thread_once(loaded):
    for sort in ("-last_activity_time", "thread_id", "-turn_count", "cost_usd", "-duration_ms"):
        met, cursor = [], None
        while True:
            query = {"project": "many", "limit": 7, "sort": sort}
            page = loaded.get("/threads", **query, **({"cursor": cursor} if cursor else {}))
            met += [thread["thread_id"] for thread in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert sorted(met) == [f"chat-{n:02}" for n in range(25)], sort
    assert loaded.get("/threads", project="many", limit=7, with_total="true")["total"] == 25


def test_threads_are_selected_by_id_status_search_and_time(loaded):
    def ids(**query) -> list[str]:
        found = loaded.get("/threads", project="many", sort="thread_id", **query)["items"]
        return [thread["thread_id"] for thread in found]

    assert ids(thread_id="chat-07") == ["chat-07"]
    assert ids(search="CHAT-1") == [f"chat-1{n}" for n in range(10)]
    assert ids(search="question 0 of 24") == ["chat-24"]
    assert ids(search="100%_'\"\\") == []
    assert len(ids(status="active")) == 25
    assert ids(status="inactive") == []
    assert ids(to="2001-01-01T00:00:00Z") == []
    assert len(ids(**{"from": "2001-01-01T00:00:00Z"})) == 25


def test_a_thread_says_what_its_turns_add_up_to(loaded):
    thread = loaded.get("/threads/get", project="many", thread_id="chat-05")
    assert thread["turn_count"] == thread["trace_count"] == 3
    assert thread["message_count"] == 6
    assert thread["usage"] == {
        "input_tokens": 30,
        "output_tokens": 15,
        "total_tokens": 45,
        "cache_read_tokens": None,
        "cache_write_tokens": None,
        "reasoning_tokens": None,
        "input_audio_tokens": None,
        "output_audio_tokens": None,
    }
    assert thread["models"] == ["gpt-4o-mini"]
    assert (thread["first_message"], thread["last_message"]) == ("question 0 of 5", "answer 2")
    assert thread["status"] == "active"
    assert thread["cost_usd"] > 0
    assert thread["cost_source"] == "estimated"


def test_turns_come_oldest_first_with_their_messages(loaded):
    first = loaded.get("/threads/turns", project="many", thread_id="chat-05", limit=2)
    assert [turn["turn_index"] for turn in first["items"]] == [0, 1]
    rest = loaded.get(
        "/threads/turns", project="many", thread_id="chat-05", limit=2, cursor=first["next_cursor"]
    )
    assert [turn["user"] for turn in rest["items"]] == ["question 2 of 5"]
    assert rest["next_cursor"] is None
    roles = [(m["role"], m["text"]) for m in rest["items"][0]["messages"]]
    assert roles == [("user", "question 2 of 5"), ("assistant", "answer 2")]


def test_time_to_first_token_is_read_from_streams(loaded):
    turns = loaded.get("/threads/turns", project="stream", thread_id="thread-alpha")["items"]
    assert all(turn["time_to_first_token_ms"] > 0 for turn in turns)


def test_a_transcript_has_each_message_once_in_every_format(loaded):
    query = {"project": "stream", "thread_id": "thread-alpha"}
    found = loaded.get("/threads/transcript", **query)["messages"]
    assert [m["role"] for m in found] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    openai = loaded.get("/threads/transcript", format="openai", **query)["messages"]
    call = openai[4]["tool_calls"][0]
    assert call["function"] == {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    assert openai[5]["tool_call_id"] == call["id"]
    plain = httpx.get(f"{loaded.api}/threads/transcript", params={**query, "format": "text"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert "User: What is the weather in Paris?" in plain.text
    markdown = httpx.get(f"{loaded.api}/threads/transcript", params={**query, "format": "markdown"})
    assert markdown.headers["content-type"].startswith("text/markdown")
    assert markdown.text.count("What is the weather in Paris?") == 1


def test_a_trace_has_its_spans_in_tree_order_and_its_turns(loaded):
    trace = loaded.get("/traces", project="stream", sort="start_time", limit=1)["items"][0]
    found = loaded.get(f"/traces/{trace['trace_id'].upper()}")
    depths = [span["depth"] for span in found["spans"]]
    assert depths[0] == 0
    assert all(b <= a + 1 for a, b in pairwise(depths))
    assert len(found["turns"]) == 1
    assert found["turns"][0]["trace_ids"] == [trace["trace_id"]]


def test_traces_without_a_thread_can_be_asked_for(loaded):
    found = loaded.get("/traces", project="many", without_thread="true")["items"]
    assert [trace["name"] for trace in found] == ["no conversation"]


@pytest.mark.parametrize(
    ("path", "query", "code", "detail"),
    [
        ("/threads", {"limit": 0}, 400, "limit: Input should be greater than or equal to 1"),
        ("/threads", {"limit": 1001}, 400, "limit: Input should be less than or equal to 1000"),
        ("/threads", {"sort": "nope"}, 400, "cannot sort by 'nope': one of "),
        (
            "/spans",
            {"sort": "-name desc"},
            400,
            "sort '-name desc' says twice which way: write -name",
        ),
        ("/threads", {"status": "open"}, 400, "status: Input should be 'active' or 'inactive'"),
        ("/threads", {"filter": "x"}, 400, "filter, at position 1: ends too early"),
        ("/threads", {"cursor": "garbage"}, 400, "cursor is not one that this server gave"),
        ("/threads", {"from": "yesterday"}, 400, "from: "),
        ("/threads/get", {}, 400, "thread_id: Field required"),
        ("/threads/get", {"thread_id": "x", "project": "*"}, 404, "no thread 'x'"),
        ("/threads/get", {"thread_id": "none"}, 404, "no thread 'none'"),
        ("/threads/turns", {"thread_id": "none"}, 404, "no thread 'none'"),
        ("/threads/transcript", {"thread_id": "x", "format": "pdf"}, 400, "format: "),
        ("/traces/0123", {}, 404, "no trace '0123'"),
        ("/nothing", {}, 404, "Not Found"),
    ],
)
def test_a_bad_question_gets_a_problem_that_says_what_is_wrong(loaded, path, query, code, detail):
    answer = httpx.get(f"{loaded.api}{path}", params=query)
    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == code
    assert answer.json()["detail"].startswith(detail)


def pages(server: Server, path: str, **query) -> list[dict]:
    """Return the pages of one item each that a list has, by its cursors."""
    found = [server.get(path, limit=1, with_total="true", **query)]
    while cursor := found[-1]["next_cursor"]:
        found.append(server.get(path, limit=1, with_total="true", cursor=cursor, **query))
    return found


def a_run(server: Server) -> str:
    """Write what lists show; return a run with two results. A data set has two versions."""
    here = {"project": "many"}
    said = {"project": "many", "thread_id": "chat-05"}

    def send(verb: str, path: str, **body) -> dict:
        answer = httpx.request(verb, f"{server.api}{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    for name in ("a", "b"):
        send("POST", "/views", name=name, **here)
        send("PUT", "/score-definitions", name=name, kind="numeric", **here)
        send("POST", "/review-queues", name=name, thread_ids=["chat-05"], score_names=["a"], **here)
        send("POST", "/evaluation-datasets", name="set", items=[{"messages": []}] * 2)
        send("POST", "/comments", text=name, **said)
        send("POST", "/rules", name=name, kind="builtin", builtin="unanswered", **here)
        for author in ("x", "y"):  # the score of two authors is one
            send("PUT", "/scores", scores=[{**said, "name": name, "value": 1, "author": author}])
        run = send("POST", "/evaluations", name=name, scorers=[{"name": "s"}], **here)
    results = [{"item_id": name, "scorer": "s", "name": "s", "value": 1} for name in ("a", "b")]
    send("POST", f"/evaluations/{run['evaluation_id']}/results", results=results)
    return str(run["evaluation_id"])


def test_every_list_has_pages_and_a_total(loaded):
    """Those that are made whole come whole where no limit is given."""
    run = a_run(loaded)
    said = {"project": "many", "thread_id": "chat-05"}
    projects = len(loaded.get("/projects")["items"])
    for path, query, count in (
        ("/projects", {}, projects),
        ("/views", {"project": "many"}, 2),
        ("/score-definitions", {"project": "many"}, 2),
        ("/review-queues", {"project": "many"}, 2),
        ("/rules", {"project": "many"}, 2),
        ("/scores/names", {"project": "many"}, 2),
        ("/evaluation-datasets", {"name": "set"}, 2),
        ("/evaluation-datasets/set/items", {}, 2),
        ("/evaluations", {"project": "many"}, 2),
        (f"/evaluations/{run}/results", {}, 2),
        ("/threads/outline", said, 3),
        ("/threads/turns", said, 3),
        ("/comments", said, 2),
    ):
        found = pages(loaded, path, **query)
        items = [item for page in found for item in page["items"]]
        assert [len(page["items"]) for page in found] == [1] * count, path
        assert {page["total"] for page in found} == {count}, path
        assert items == loaded.get(path, **query)["items"], path
    assert loaded.get("/scores", with_total="true", **said)["total"] == 2
    for path in ("/issues", f"/rules/{loaded.get('/rules')['items'][0]['rule_id']}/log"):
        assert loaded.get(path, limit=1, with_total="true")["total"] == 0
    refused = httpx.get(f"{loaded.api}/status", params={"limit": 1})
    assert refused.json()["detail"] == "limit: no such parameter; this call has none"


def test_a_cursor_of_another_query_is_refused(loaded):
    page = loaded.get("/threads", project="many", limit=2)
    answer = httpx.get(
        f"{loaded.api}/threads",
        params={"project": "stream", "limit": 2, "cursor": page["next_cursor"]},
    )
    assert answer.status_code == 400
    assert "another query" in answer.json()["detail"]


@pytest.mark.parametrize(
    "text", ["it's", '"', "100%", "a_b", "\\", "emoji 🎈", "‮rtl", "a\tb", "; drop table spans; --"]
)
def test_any_text_is_a_thread_id(loaded, text):
    loaded.post(a_request(a_chat(text, text, text)), x_otel_threads_project="texts")
    loaded.wait_derived()
    thread = loaded.get("/threads/get", project="texts", thread_id=text)
    assert (thread["thread_id"], thread["first_message"]) == (text, text)
    assert text in [
        t["thread_id"] for t in loaded.get("/threads", project="texts", search=text)["items"]
    ]


def test_health_readiness_and_metrics(loaded):
    base = loaded.api.removesuffix("/api/v1")
    assert httpx.get(f"{base}/healthz").text == "ok\n"
    assert httpx.get(f"{base}/readyz").status_code == 200
    metrics = httpx.get(f"{base}/metrics").text
    for name in ("accepted_total", "commit_seconds_count", "derived_spans_total", "database_bytes"):
        assert f"otel_threads_{name}" in metrics


def test_the_openapi_document_and_its_page_need_no_other_host(loaded):
    base = loaded.api.removesuffix("/api/v1")
    document = httpx.get(f"{base}/openapi.json").json()
    assert "/api/v1/threads/turns" in document["paths"]
    for path in ("/", "/docs"):
        page = httpx.get(f"{base}{path}")
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "http" not in page.text.replace("http-equiv", "")
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_reading_and_writing_need_their_tokens(make_server):
    server = make_server(read_token="r", write_token="w")

    def code(method: str, path: str, token: str | None) -> int:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.request(method, f"{server.api}{path}", headers=headers).status_code

    assert [code("GET", "/status", token) for token in (None, "x", "r", "w")] == [
        401,
        401,
        200,
        200,
    ]
    assert [code("POST", "/rebuild", token) for token in (None, "r", "w")] == [401, 401, 202]
    base = server.api.removesuffix("/api/v1")
    assert httpx.get(f"{base}/healthz").status_code == 200


def test_a_rebuild_on_the_running_server_gives_the_same_threads(loaded):
    before = loaded.get("/threads", project="*", sort="thread_id", limit=1000)
    assert httpx.post(f"{loaded.api}/rebuild").status_code == 202
    loaded.wait_derived()
    after = loaded.get("/threads", project="*", sort="thread_id", limit=1000)
    assert json.dumps(after, sort_keys=True) == json.dumps(before, sort_keys=True)


def test_tls_is_served_on_every_port(make_server, certificate):
    import grpc

    key, cert = certificate
    server = make_server(tls_cert_file=cert, tls_key_file=key)
    import ssl

    context = ssl.create_default_context(cafile=str(cert))
    assert httpx.get(f"{server.api}/status", verify=context).status_code == 200
    answer = httpx.post(
        f"{server.otlp}/v1/traces",
        content=a_request(a_span()),
        headers={"content-type": "application/x-protobuf"},
        verify=context,
    )
    assert answer.status_code == 200
    credentials = grpc.ssl_channel_credentials(cert.read_bytes())
    options = (("grpc.ssl_target_name_override", "localhost"),)
    with grpc.secure_channel(server.grpc, credentials, options=options) as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        assert call(a_request(a_span()), timeout=20) == b""


def test_a_nul_is_asked_for_as_it_is_kept(server):
    server.post(a_request(a_chat("th\0nul", "hi", "ho")))
    server.wait_derived()
    kept = "th\N{REPLACEMENT CHARACTER}nul"
    for path in ("/threads/get", "/threads/turns", "/threads/outline"):
        assert httpx.get(f"{server.api}{path}?thread_id=th%00nul").status_code == 200
    said = {"thread_id": "th\0nul", "text": r"\u0000 and \0"}
    assert httpx.post(f"{server.api}/comments", json=said).is_success
    (comment,) = server.get("/comments", thread_id=kept)["items"]
    assert (comment["thread_id"], comment["text"]) == (kept, said["text"])
    gone = httpx.post(f"{server.api}/threads/delete", json={"thread_ids": ["th\0nul"]})
    assert gone.is_success, gone.text
    assert httpx.get(f"{server.api}/threads/get?thread_id=th%00nul").status_code == 404
