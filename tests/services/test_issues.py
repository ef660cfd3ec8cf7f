"""Issues: what is the same failure, and what becomes of one that was closed."""

import datetime
import json
import time

import httpx
import pytest
from builders import a_chat, a_request, a_span

from otel_threads.core import filters
from otel_threads.core.issue import FailedTurn
from otel_threads.services.issue_groups import error_signature, grouped, tool_signature
from otel_threads.services.issues import _filter_of

NOW = datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC)


def a_turn(n: int, **fields) -> FailedTurn:
    values = {
        "project": "p",
        "thread_id": f"t-{n}",
        "turn_index": 0,
        "start_time": NOW + datetime.timedelta(minutes=n),
        "user": "hello",
        "has_answer": True,
        "error_type": None,
        "error_message": None,
        "failed_tools": [],
    }
    return FailedTurn(**(values | fields))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no row 17", "no row 4711"),
        ("timeout after 30.5 s", "timeout after 2 s"),
        ("no user 'anna'", "no user 'bob'"),
        ('no key "a b"', 'no key ""'),
        (
            "request 0f8fad5b-d9cb-469f-a165-70867728950e",
            "request 7c9e6679-7425-40de-944b-e07fc1f90ae7",
        ),
        ("GET https://a.example/x?y=1 failed", "GET http://b.example failed"),
        ("no file /tmp/a/b.txt", "no file /var/c.txt"),
        ("commit deadbeef01 lost", "commit 0badc0de99 lost"),
        ("a  b\n c", "a b c"),
    ],
)
def test_what_differs_from_one_time_to_the_next_is_left_out(one, other):
    assert error_signature("E", one) == error_signature("E", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("no row", "no column"), ("timeout", "refused"), ("no user 'a'", "no group 'a'")],
)
def test_other_errors_are_other_issues(one, other):
    assert error_signature("E", one) != error_signature("E", other)
    assert error_signature("E", one) != error_signature("F", one)


def test_a_tool_is_known_by_the_shape_of_its_arguments():
    def call(arguments, error="timeout 5") -> str:
        return json.dumps({"name": "lookup", "arguments": arguments, "error": {"message": error}})

    assert tool_signature(call({"id": 1})) == tool_signature(call({"id": 2}, "timeout 7"))
    assert tool_signature(call({"id": 1})) == tool_signature(call('{"id": 3}'))
    assert tool_signature(call({"id": 1})) != tool_signature(call({"id": "1"}))
    assert tool_signature(call({"id": 1})) != tool_signature(call({"id": 1, "all": True}))


@pytest.mark.parametrize(
    "call", ["", "[]", "null", "{", '{"name": 5, "error": 7}', '{"arguments": []}']
)
def test_a_call_that_is_none_is_no_failure_of_ours(call):
    assert isinstance(tool_signature(call), str)


def test_like_questions_without_an_answer_are_one_issue():
    asked = [
        "How can I cancel my subscription?",
        "how do I cancel the subscription",
        "Please cancel my subscription!",
        "What is the weather in Berlin today?",
    ]
    turns = [a_turn(n, user=text, has_answer=False) for n, text in enumerate(asked)]

    found = {group.title: len(group.turns) for group in grouped(turns)}

    assert found == {asked[0]: 3, asked[3]: 1}


def test_a_question_that_failed_is_no_unanswered_one():
    turn = a_turn(1, has_answer=False, error_message="refused")
    assert [group.kind for group in grouped([turn])] == ["error"]


def test_the_order_in_which_failures_come_changes_nothing():
    turns = [a_turn(n, error_type="E", error_message=f"row {n}") for n in range(5)]
    one, other = grouped(turns), grouped(turns[::-1])
    assert [group.issue_id for group in one] == [group.issue_id for group in other]
    assert one[0].turns == other[0].turns


def a_failure(thread: str, message: str, start: int):
    chat = a_chat(thread, "Do it.", None, start=start, status={"code": 2, "message": message})
    chat.attributes.add(key="error.type").value.string_value = "RateLimit"
    return chat


def test_an_issue_is_found_closed_and_opened_again(server):
    project = {"x_otel_threads_project": "issues"}
    now = time.time_ns() - 3600 * 10**9
    server.post(
        a_request(
            a_failure("i-1", "limit of 10 reached", now),
            a_failure("i-2", "limit of 20 reached", now + 10**9),
            a_failure("i-3", "something else", now + 2 * 10**9),
            a_chat("i-4", "Fine?", "Fine.", start=now),
        ),
        **project,
    )
    server.wait_derived()

    [issue] = server.get("/issues", project="issues")["items"]
    assert (issue["kind"], issue["thread_count"], issue["state"]) == ("error", 2, "open")
    assert "RateLimit" in issue["title"]
    assert sum(day["turn_count"] for day in issue["trend"]) == 2
    threads = server.get("/threads", project="issues", filter=issue["filter"])["items"]
    assert {one["thread_id"] for one in threads} == {"i-1", "i-2"}
    assert server.get("/issues", project="issues", threads_min=1)["total"] == 2
    assert server.get("/issues", project="elsewhere")["items"] == []

    body = {"project": "issues", "issue_ids": [issue["issue_id"]]}
    assert httpx.post(f"{server.api}/issues/close", json=body).json()["updated"] == 1
    [closed] = server.get("/issues", project="issues")["items"]
    assert (closed["state"], closed["is_reopened"]) == ("closed", False)
    assert server.get("/issues", project="issues", state="open")["items"] == []

    again = a_failure("i-5", "limit of 30 reached", time.time_ns())
    server.post(a_request(again), **project)
    server.wait_derived()
    [reopened] = server.get("/issues", project="issues")["items"]
    assert (reopened["state"], reopened["is_reopened"]) == ("open", True)
    assert (reopened["issue_id"], reopened["thread_count"]) == (issue["issue_id"], 3)


def test_a_tool_that_fails_in_several_threads_is_an_issue(server):
    now = time.time_ns() - 3600 * 10**9
    spans = []
    for n in range(2):
        chat = a_chat(f"tool-{n}", "Look.", "I could not.", start=now + n * 10**9)
        spans += [
            chat,
            a_span(
                trace_id=chat.trace_id,
                parent_span_id=chat.span_id,
                name="execute_tool lookup",
                start=chat.start_time_unix_nano + 1000,
                attributes={
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "lookup",
                    "gen_ai.tool.call.arguments": json.dumps({"id": n}),
                    "error.type": "timeout",
                },
                status={"code": 2, "message": f"no answer after {n} s"},
            ),
        ]
    server.post(a_request(*spans), x_otel_threads_project="tools")
    server.wait_derived()

    issues = server.get("/issues", project="tools")["items"]

    assert [(one["kind"], one["thread_count"]) for one in issues if one["kind"] == "tool"] == [
        ("tool", 2)
    ]
    assert any(one["title"].startswith("lookup(id: int): timeout") for one in issues)


def test_those_of_all_projects_are_told_apart(server):
    now = time.time_ns() - 3600 * 10**9
    for project in ("one", "other"):
        spans = [a_failure(f"{project}-{n}", "no disk", now + n) for n in range(2)]
        server.post(a_request(*spans), x_otel_threads_project=project)
    server.wait_derived()

    found = server.get("/issues", project="*")["items"]

    full = {one["project"]: one for one in found if "no disk" in one["title"]}
    assert set(full) == {"one", "other"}
    assert full["one"]["issue_id"] != full["other"]["issue_id"]
    assert full["one"]["thread_count"] == 2


def test_a_filter_of_long_ids_can_be_asked():
    turns = [a_turn(n, thread_id=f'"{n}"' * 120, error_message="full") for n in range(50)]
    text = _filter_of([turn.thread_id for turn in turns])
    found = filters.parse(text)
    assert isinstance(found, filters.Comparison)
    assert 1 < len(found.values) < 50
    assert found.values[0] == turns[0].thread_id
