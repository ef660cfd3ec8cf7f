"""A server on the lake answers as the node that shipped it, and a plain DuckDB reads it."""

import json
import os
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import grpc
import httpx
import pytest
from builders import a_chat, a_request, a_span, new_trace_id
from conftest import CAPTURES, Server, request_files, wait_until
from google.protobuf import json_format
from lakes import PASSWORD, needs_extra, reading
from reader_server import Reader

from otel_threads.v1 import threads_pb2 as pb
from otel_threads.v1 import threads_pb2_grpc as stubs

pytest_plugins = ["lake_fixtures"]
pytestmark = needs_extra
SAME = (
    "/threads?limit=5&project=*",
    "/threads?project=*&sort=-total_tokens",
    "/threads?project=*&search=question",
    "/threads?project=*&filter=turn_count > 1&with_total=true",
    "/threads?project=*&filter=scores.quality > 0.5",
    "/threads?project=*&sort=-scores.quality",
    "/threads?project=*&status=active",
    "/threads/get?thread_id=chat-1",
    "/threads/turns?thread_id=chat-1",
    "/threads/outline?thread_id=chat-1",
    "/threads/transcript?thread_id=chat-1",
    "/threads/stats?project=*",
    "/threads/stats?project=*&interval=day",
    "/traces?project=*",
    "/traces/stats?project=*",
    "/scores?thread_id=chat-1",
    "/scores/names?project=*",
    "/comments?thread_id=chat-1",
    "/views?project=default",
    "/projects",
    "/fields",
    "/issues?project=default",
    "/export/threads?project=*",
    "/rules",
    "/evaluations",
)


@pytest.fixture
def pair(make_server, where, tmp_path):
    """A node that ships five times a second, and a reader."""
    settings = {"lake_catalog": where.catalog, "lake_data": where.data}
    node = make_server(**settings, lake_ship_every_s=0.2, folder=tmp_path / "node")
    for scenario in ("traceloop-openai-assoc", "plain-many-in-one-trace"):
        for file in request_files(CAPTURES / scenario):
            if file.suffix == ".pb":
                node.post(file.read_bytes(), "logs" if "logs" in file.name else "traces")
    long = "the history of an agent " * 300
    for i in range(6):
        node.post(a_request(a_chat(f"chat-{i % 3}", f"{long} question {i}", f"answer {i}")))
    node.post(a_request(a_span(name="alone")))
    node.wait_derived()
    scores = [{"thread_id": "chat-1", "name": "quality", "value": 0.75, "author": "ada"}]
    assert httpx.put(f"{node.api}/scores", json={"scores": scores}).status_code == 200
    said = {"thread_id": "chat-1", "text": "well done", "author": "ada"}
    assert httpx.post(f"{node.api}/comments", json=said).is_success
    wait_shipped(node)
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder, **settings).start()
    yield node, reader
    assert reader.stop() == 0


def wait_shipped(node: Server) -> None:
    def shipped() -> bool:
        found = node.get("/status")
        lake = found["lake"]
        return lake["shipped_sequence"] >= found["derived_sequence"] and (
            lake["waiting_changes"] == 0 and lake["behind_s"] == 0
        )

    wait_until(shipped, "all is in the lake", 120)
    ran = subprocess.run(
        [sys.executable, "-m", "otel_threads", "lake", "ship", "--database", str(node.database)],
        env={
            **os.environ,
            **{f"OTEL_THREADS_{k.upper()}": str(v) for k, v in node._settings.items()},
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.returncode, ran.stdout) == (0, "shipped\n"), ran.stderr


def answered(server: Server, path: str):
    answer = httpx.get(f"{server.api}{path}", timeout=60)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    if "export" in path:
        return rounded(sorted(map(json.loads, answer.text.splitlines()), key=json.dumps))
    found = answer.json()
    for name in ("next_cursor", "now"):
        if isinstance(found, dict):
            found.pop(name, None)
    return rounded(found)


def has_what_was_said(server: Server) -> bool:
    scores = answered(server, "/scores?thread_id=chat-1&name=quality")["items"]
    comments = answered(server, "/comments?thread_id=chat-1")["items"]
    return [one["value"] for one in scores] == [0.1] and "mine" in [one["text"] for one in comments]


def rounded(value):
    """Leave out what the order of a sum decides."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


@pytest.mark.slow
def test_a_reader_answers_as_the_node_and_writes_annotations_alone(pair):
    node, reader = pair
    # Scores are shipped some time after they were said; the status does not count them.
    wait_until(
        lambda: (
            answered(reader, SAME[15]) == answered(node, SAME[15])
            and answered(reader, SAME[17]) == answered(node, SAME[17])
        ),
        "what was said is in the lake",
    )
    for path in SAME:
        assert answered(reader, path) == answered(node, path), path
    trace_id = answered(node, "/traces?project=*&limit=1")["items"][0]["trace_id"]
    for path in (f"/traces/{trace_id}", f"/traces/{trace_id}/otlp", f"/traces/{trace_id}/spans"):
        answers = [httpx.get(f"{one.api}{path}", timeout=60) for one in (node, reader)]
        assert answers[0].status_code == answers[1].status_code, path
        assert answers[0].content == answers[1].content, path
    # Pages go on where they ended.
    first = reader.get("/threads", project="*", limit=2)
    second = reader.get("/threads", project="*", limit=2, cursor=first["next_cursor"])
    assert not {one["thread_id"] for one in first["items"]} & {
        one["thread_id"] for one in second["items"]
    }
    # The page, SQL, gRPC, freshness.
    assert httpx.get(reader.http).status_code == 200
    assert httpx.get(f"{reader.http}/readyz").status_code == 200
    asked = {"sql": "select thread_id, turn_count from threads order by all"}
    found = [httpx.post(f"{one.api}/sql", json=asked, timeout=60).json() for one in pair]
    assert found[0]["rows"] == found[1]["rows"] != []
    with grpc.insecure_channel(reader.addresses["grpc"]) as channel:
        page = stubs.ThreadServiceStub(channel).ListThreads(pb.ListThreadsRequest())
    listed = json_format.MessageToDict(page, preserving_proto_field_name=True)[
        "threads" if hasattr(page, "threads") else "items"
    ]
    assert {one["thread_id"] for one in listed} == {
        one["thread_id"] for one in answered(node, "/threads")["items"]
    }
    status = reader.get("/status")
    assert status["lake"]["shipped_at"] is not None
    assert status["spans"] == node.get("/status")["spans"]
    # What reaches out of the lake is refused, and so is writing what are no annotations.
    for sql in (
        "select * from read_text('/etc/passwd')",
        "from duckdb_databases()",
        "from threads at (version => 1)",
        "from stored.messages",
        "from __ducklake_metadata_otel_threads.ducklake_table",
        "from postgres_query('__ducklake_metadata_otel_threads', 'select 1')",
        "create table x (i int)",
    ):
        refused = httpx.post(f"{reader.api}/sql", json={"sql": sql}, timeout=60)
        assert refused.status_code == 400, sql
        assert PASSWORD not in refused.text
    for call in (
        lambda: httpx.post(f"{reader.api}/traces/delete", json={"trace_ids": [trace_id]}),
        lambda: httpx.post(f"{reader.api}/rebuild"),
    ):
        answer = call()
        assert (answer.status_code, "reads a lake" in answer.text) == (501, True), answer.text
    # Annotations are checked as on a node, are here at once, and reach it.
    scores = [{"thread_id": "chat-1", "name": "quality", "value": 0.1, "author": "ada"}]
    bad = [{"thread_id": "chat-1", "name": "", "value": 0.1}]
    refused = [httpx.put(f"{one.api}/scores", json={"scores": bad}) for one in pair]
    assert refused[0].status_code == refused[1].status_code == 400
    assert refused[0].json()["detail"] == refused[1].json()["detail"]
    assert httpx.put(f"{reader.api}/scores", json={"scores": scores}).status_code == 200
    assert httpx.post(
        f"{reader.api}/comments", json={"thread_id": "chat-1", "text": "mine"}
    ).is_success
    for server in (reader, node):
        wait_until(partial(has_what_was_said, server), "what was said is there")
    # Rules are the lake's: one that is made at a reader is on the node, and the other way round.
    rule = {"name": "polite", "kind": "builtin", "builtin": "unanswered"}
    refused = [httpx.post(f"{one.api}/rules", json={**rule, "builtin": "x"}) for one in pair]
    assert [one.status_code for one in refused] == [400, 400]
    made = httpx.post(f"{reader.api}/rules", json=rule)
    assert made.is_success, made.text
    assert [one["name"] for one in reader.get("/rules")["items"]] == ["polite"]
    wait_until(lambda: node.get("/rules")["items"] != [], "the rule is on the node")
    assert httpx.delete(f"{node.api}/rules/{made.json()['rule_id']}").is_success
    wait_until(lambda: reader.get("/rules")["items"] == [], "the rule is gone")
    # Issues are counted over the whole lake, for SQL too, and closed from a reader.
    for i in range(2):
        failed = a_chat(f"failing-{i}", "hi", None, trace_id=new_trace_id(), start=time.time_ns())
        failed.status.code, failed.status.message = 2, "the kitchen is on fire"
        node.post(a_request(failed))
    asked = {"sql": "select title, thread_count, state from issues"}
    wait_until(
        lambda: [one["thread_count"] for one in reader.get("/issues")["items"]] == [2],
        "the issue is at the reader",
    )
    (issue,) = reader.get("/issues")["items"]
    found = httpx.post(f"{reader.api}/sql", json=asked, timeout=60).json()
    assert found["rows"] == [[issue["title"], 2, "open"]]
    closed = {"issue_ids": [issue["issue_id"]], "project": "default"}
    assert httpx.post(f"{reader.api}/issues/close", json=closed).is_success
    found = httpx.post(f"{reader.api}/sql", json=asked, timeout=60).json()
    assert found["rows"] == [[issue["title"], 2, "closed"]]
    wait_until(
        lambda: [one["state"] for one in node.get("/issues")["items"]] == ["closed"],
        "it is closed on the node",
    )
    # What comes later, and what goes, is seen without a restart.
    node.post(a_request(a_chat("later", "hi", "ho")))
    wait_until(lambda: "later" in httpx.get(f"{reader.api}/threads").text, "what is new is here")
    for server, thread_id in ((node, "chat-2"), (reader, "chat-0")):
        body = {"thread_ids": [thread_id]}
        deleted = httpx.post(f"{server.api}/threads/delete", json=body, timeout=60)
        assert deleted.status_code == 200, deleted.text
    wait_until(
        lambda: httpx.get(f"{node.api}/threads/get?thread_id=chat-0").status_code == 404,
        "what was deleted at the reader is gone on the node",
    )
    wait_until(
        lambda: httpx.get(f"{reader.api}/threads/get?thread_id=chat-2").status_code == 404,
        "what is deleted is gone",
    )


@pytest.mark.slow
def test_a_thread_as_late_as_a_column_holds_stops_nothing(pair):
    node, reader = pair
    times = {"start": 2**63 - 1, "end_time_unix_nano": 2**63 - 1}
    far = a_chat("far", "hi", "ho", **times)
    node.post(a_request(far, scope="langsmith"))
    node.wait_derived()
    node.post(a_request(a_chat("far", "more", "ho"), a_chat("near", "hi", "ho")))
    node.wait_derived()
    wait_shipped(node)
    wait_until(
        lambda: "far" in httpx.get(f"{reader.api}/threads").text, "the thread is at the reader"
    )
    for server in pair:
        for path in SAME:
            assert answered(server, path.replace("chat-1", "far")) is not None
    body = {"thread_ids": ["far"]}
    assert httpx.post(f"{node.api}/threads/delete", json=body, timeout=60).status_code == 200
    for server in pair:
        wait_until(
            lambda api=server.api: httpx.get(f"{api}/threads/get?thread_id=far").status_code == 404,
            "it is deleted",
        )
    assert node.get("/status")["derive_error"] is None


@pytest.mark.slow
def test_a_reader_outlives_its_catalog_and_tells_no_secret(pair, postgres):
    node, reader = pair
    before = answered(reader, "/threads?project=*")
    postgres.stop()
    try:
        answer = httpx.get(f"{reader.api}/threads", timeout=60)
        assert (answer.status_code, PASSWORD in answer.text) == (503, False), answer.text
        for _ in range(2):  # at first, and once what is attached is known to be gone
            assert httpx.get(f"{reader.http}/readyz", timeout=60).status_code == 503
            answers = [
                httpx.get(f"{reader.api}/threads", timeout=60),
                httpx.post(f"{reader.api}/sql", json={"sql": "from threads"}, timeout=60),
            ]
            for answer in answers:
                assert (answer.status_code, "the lake" in answer.text) == (503, True), answer.text
                assert str(postgres.port) not in answer.text
        assert node.post(a_request(a_chat("meanwhile", "hi", "ho"))).status_code == 200
    finally:
        postgres.start()
    wait_until(
        lambda: httpx.get(f"{reader.api}/threads", timeout=60).status_code == 200,
        "the reader answers again",
    )
    wait_until(lambda: "meanwhile" in httpx.get(f"{reader.api}/threads").text, "the node ships on")
    after = answered(reader, "/threads?project=*")
    assert len(after["items"]) == len(before["items"]) + 1
    for server in pair:
        for secret in (PASSWORD, f"port {postgres.port}", '"127.0.0.1"', 'user "lake"'):
            assert secret not in server.stderr()


@pytest.mark.slow
def test_a_plain_duckdb_runs_the_recipes_of_the_docs(pair, where):
    text = (Path(__file__).parent.parent.parent / "docs/sql.md").read_text()
    recipes = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(recipes) >= 20
    with reading(where) as lake:
        for recipe in recipes:
            lake.execute(recipe).fetchall()
