"""Spans of all traces with the filter language: REST, Python and the command line."""

import json
import os
import subprocess
import sys
import time

import httpx
import pytest
from builders import a_chat, a_request, a_span
from conftest import Server

from otel_threads import Client
from otel_threads.core import filters
from otel_threads.core.errors import InvalidFilter

LONG = "a long prompt " * 100
NOW = time.time_ns() - 3600 * 10**9
TRACE = "0192f0aa-0000-7000-8000-000000000001"
SPAN = "0192f0aa-0000-7000-8000-000000000002"


@pytest.fixture(scope="module")
def spans(tmp_path_factory):
    """A server with a thread of two traces, a trace without a thread, and an SDK's records."""
    server = Server(tmp_path_factory.mktemp("spans")).start()
    chat = a_chat(
        "s-1",
        LONG,
        "Yes.",
        start=NOW,
        end_time_unix_nano=NOW + 5 * 10**9,
        attributes={"gen_ai.request.model": "gpt-4o"},
    )
    tool = a_span(
        trace_id=chat.trace_id,
        parent_span_id=chat.span_id,
        name="execute_tool search",
        kind=1,
        start=NOW + 10**9,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "gen_ai.tool.call.arguments": json.dumps({"text": LONG}),
        },
        status={"code": 2, "message": "no route to host"},
    )
    more = [a_chat("s-1", "Again?", "No.", start=NOW + (10 + n) * 10**9) for n in range(5)]
    server.post(a_request(chat, tool, *more), x_otel_threads_project="spans")
    lone = a_span(name="GET /health", kind=3, start=NOW + 2 * 10**9)
    server.post(a_request(lone, resource={"service.name": "web"}), x_otel_threads_project="spans")
    start = {"start_time": "2026-11-28T16:00:00Z", "end_time": "2026-11-28T16:00:01Z"}
    home = server.api.removesuffix("/api/v1")
    for path, body in (
        ("traces", {"traces": [{"id": TRACE, "name": "record", "project_name": "sdk", **start}]}),
        (
            "spans",
            {
                "spans": [
                    {
                        "id": SPAN,
                        "trace_id": TRACE,
                        "name": "inside",
                        "project_name": "sdk",
                        **start,
                    }
                ]
            },
        ),
    ):
        httpx.post(f"{home}/api/v1/private/{path}/batch", json=body).raise_for_status()
    server.wait_derived()
    yield server
    server.stop()


def names(server: Server, **query: str) -> list[str]:
    page = server.get("/spans", project="spans", with_total="true", **query)
    assert page["total"] == len(page["items"])
    return [one["name"] for one in page["items"]]


@pytest.mark.long
@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ('status_code = "error"', ["execute_tool search"]),
        ('status_code != "error" and name != "chat"', ["GET /health"]),
        ('status_message contains "ROUTE"', ["execute_tool search"]),
        ('name starts_with "execute"', ["execute_tool search"]),
        ('kind = "client"', ["GET /health"]),
        ('kind in ("internal", "client") and not name contains "tool"', ["GET /health"]),
        ('service_name = "web"', ["GET /health"]),
        ('model = "gpt-4o"', ["chat"]),
        ('model contains "mini"', ["chat"] * 5),
        ("model is_null", ["GET /health", "execute_tool search"]),
        ("duration_ms > 4s", ["chat"]),
        ("usage.total_tokens >= 15 and cost_usd > 0.00001", ["chat"]),
        ("usage.total_tokens is_null", ["GET /health", "execute_tool search"]),
        ('thread_id = "s-1" and model is_null', ["execute_tool search"]),
        ("thread_id is_null", ["GET /health"]),
        ("parent_span_id is_not_null", ["execute_tool search"]),
        ('attributes.gen_ai.tool.name = "search"', ["execute_tool search"]),
        ('attributes."gen_ai.tool.call.arguments" contains "long prompt"', ["execute_tool search"]),
        ("attributes.gen_ai.usage.input_tokens > 9", ["chat"] * 6),
        ("attributes.gen_ai.operation.name is_null", ["GET /health"]),
        ("start_time < 2020-01-01", []),
    ],
)
def test_filters_select_spans(spans, filter, found):
    assert names(spans, filter=filter) == found


def test_a_line_says_what_a_span_is_and_where_it_belongs(spans):
    [line] = spans.get("/spans", project="spans", filter='model = "gpt-4o"')["items"]
    assert (line["thread_id"], line["type"], line["duration_ms"]) == ("s-1", "llm", 5000)
    assert (line["usage"]["input_tokens"], line["service_name"]) == (10, "tests")
    assert line["cost_usd"] > 0
    [tool] = spans.get("/spans", project="spans", search="execute")["items"]
    assert (tool["type"], tool["usage"], tool["cost_usd"]) == ("tool", None, None)
    assert tool["parent_span_id"] == line["span_id"]
    trace = spans.get(f"/traces/{line['trace_id']}")
    assert {one["span_id"] for one in trace["spans"]} == {line["span_id"], tool["span_id"]}


def test_spans_are_selected_by_trace_thread_search_and_time(spans):
    [line] = spans.get("/spans", project="spans", filter='model = "gpt-4o"')["items"]
    assert names(spans, trace_id=line["trace_id"].upper()) == ["execute_tool search", "chat"]
    assert len(names(spans, thread_id="s-1")) == 7
    assert names(spans, search="HEALTH") == ["GET /health"]
    assert names(spans, search=line["span_id"].upper()) == ["chat"]
    assert names(spans, to=line["start_time"]) == []
    assert len(names(spans, **{"from": line["start_time"]})) == 8


@pytest.mark.parametrize(
    "sort", ["-start_time", "start_time", "-duration_ms", "-cost_usd", "usage.total_tokens", "name"]
)
def test_pages_have_each_span_once_whatever_the_order(spans, sort):
    whole = spans.get("/spans", project="spans", sort=sort)["items"]
    found, cursor = [], None
    while True:
        given = {"cursor": cursor} if cursor else {}
        page = spans.get("/spans", project="spans", sort=sort, limit="3", **given)
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == whole
    assert len({one["span_id"] for one in found}) == 8


def test_the_span_that_stands_for_an_sdks_trace_is_none(spans):
    assert [one["name"] for one in spans.get("/spans", project="sdk")["items"]] == ["inside"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"filter": "nme = 1"}, "did you mean"),
        ({"filter": "attributes = 1"}, "attributes.NAME"),
        ({"filter": 'scores.x = "1"'}, "unknown field"),
        ({"sort": "colour"}, "cannot sort by"),
        ({"sort": "scores.x"}, "cannot sort by"),
        ({"limit": "1001"}, "1000"),
        ({"cursor": "bm9uZQ"}, "cursor"),
        ({"from": "5"}, "RFC 3339"),
    ],
)
def test_what_cannot_be_is_told(spans, query, told):
    answer = httpx.get(f"{spans.api}/spans", params=query)
    assert answer.status_code in (400, 422)
    assert told in answer.text


def test_a_cursor_is_of_its_own_query_and_types(spans):
    cursor = spans.get("/spans", project="spans", limit="2")["next_cursor"]
    for query in ({"project": "other"}, {"project": "spans", "sort": "name"}):
        answer = httpx.get(f"{spans.api}/spans", params={**query, "limit": 2, "cursor": cursor})
        assert answer.status_code == 400
        assert "another query" in answer.text


@pytest.mark.long
def test_fields_of_spans_are_listed(spans):
    fields = {one["name"]: one for one in spans.get("/fields", of="spans")["items"]}
    assert fields["attributes."]["description"] == "An attribute, as it was sent."
    assert fields["duration_ms"]["sortable"]
    assert "any_message" not in fields
    assert "usage.total_tokens" in fields
    with pytest.raises(InvalidFilter, match="unknown field"):
        filters.parse("attributes.x = 1", filters.THREAD_FIELDS)


@pytest.mark.long
def test_python_and_the_command_line_list_them_too(spans):
    with Client(f"http://{spans.addresses['http']}") as client:
        assert len(list(client.list_spans(project="spans"))) == 8
        page = client.page_of_spans(project="spans", filter='status_code = "error"')
    assert [one["name"] for one in page["items"]] == ["execute_tool search"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "otel_threads", "spans", "list", "--project", "spans"),
            *("--filter", 'status_code = "error"', "--database", str(spans.database)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    assert "execute_tool search" in done.stdout
    assert "1 of 1 span\n" in done.stdout
