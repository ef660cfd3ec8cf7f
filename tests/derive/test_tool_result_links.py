"""A trace without an id that brings a tool's result joins the thread that asked for it."""

import json
import time

import httpx
import pytest
from builders import a_request, a_span
from conftest import wait_until
from hypothesis import given, settings
from hypothesis import strategies as st
from test_derive_property import derive

from otel_threads.core.model import Request, Signal
from otel_threads.derive.tool_result_links import WAIT_MAX_NS

SECOND = 10**9
NOW = 1_795_300_000 * SECOND


def user(text: str) -> dict:
    return {"role": "user", "parts": [{"type": "text", "content": text}]}


def asks(*ids: str) -> dict:
    call = {"type": "tool_call", "name": "weather", "arguments": {"city": "Rome"}}
    return {"role": "assistant", "parts": [{**call, "id": one} for one in ids]}


def result(tool_call_id: str) -> dict:
    part = {"type": "tool_call_response", "id": tool_call_id, "response": "sunny"}
    return {"role": "tool", "parts": [part]}


def says(text: str) -> dict:
    return {"role": "assistant", "parts": [{"type": "text", "content": text}]}


def a_step(thread: str | None, at: int, said: list[dict], answer: dict, **fields):
    """A model request that is a trace of its own."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.input.messages": json.dumps(said),
        "gen_ai.output.messages": json.dumps([answer]),
    }
    if thread:
        attributes["gen_ai.conversation.id"] = thread
    return a_span(attributes=attributes, start=at, **fields)


def a_tool_loop(thread: str, call: str, at: int) -> list:
    """Three requests of one turn, two tools; the id stands on the first alone."""
    asked = user(f"weather for {thread}?")
    first, second = f"{call}-1", f"{call}-2"
    known = [asked, asks(first), result(first)]
    return [
        a_step(thread, at, [asked], asks(first)),
        a_step(None, at + 2 * SECOND, known, asks(second)),
        a_step(None, at + 4 * SECOND, [*known, asks(second), result(second)], says("sunny")),
    ]


def told(server, thread: str) -> list[dict]:
    return server.get("/threads/turns", thread_id=thread)["items"]


def send(server, *spans) -> None:
    assert server.post(a_request(*spans)).status_code == 200
    server.wait_derived()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_turn_is_whole_whatever_came_first(server, order):
    thread = f"join-{order}"
    spans = a_tool_loop(thread, thread, time.time_ns())
    for place in order:
        send(server, spans[place])
    [turn] = told(server, thread)
    assert turn["user"] == f"weather for {thread}?"
    assert turn["assistant"] == "sunny"
    assert [(call["id"], call["result"]) for call in turn["tool_calls"]] == [
        (f"{thread}-1", "sunny"),
        (f"{thread}-2", "sunny"),
    ]
    assert [m["role"] for m in turn["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    assert turn["usage"]["input_tokens"] == 30
    assert turn["trace_ids"] == [span.trace_id.hex() for span in spans]
    trace = server.get(f"/traces/{spans[2].trace_id.hex()}")
    assert (trace["thread_id"], trace["thread_id_source"]) == (thread, "gen_ai.tool.call.id")
    assert server.get("/threads/get", thread_id=thread)["trace_count"] == 3


def test_a_history_that_the_provider_keeps_is_followed_from_request_to_request(server):
    """Only the result is sent then: the third knows the second, and that one the first."""
    asked = user("weather?")
    at = time.time_ns()
    spans = [
        a_step("join-kept", at, [asked], asks("kept-1")),
        a_step(None, at + 2 * SECOND, [result("kept-1")], asks("kept-2")),
        a_step(None, at + 4 * SECOND, [result("kept-2")], says("sunny")),
    ]
    for span in reversed(spans):
        send(server, span)
    [turn] = told(server, "join-kept")
    assert (turn["user"], turn["assistant"]) == ("weather?", "sunny")
    assert turn["trace_ids"] == [span.trace_id.hex() for span in spans]


def test_what_told_the_thread_is_gone_with_its_trace(server):
    """As a rebuild would have it."""
    spans = a_tool_loop("join-delete", "delete", time.time_ns())
    send(server, *spans)
    assert server.get("/threads/get", thread_id="join-delete")["trace_count"] == 3
    gone = [spans[0].trace_id.hex()]
    httpx.post(f"{server.api}/traces/delete", json={"trace_ids": gone}, timeout=60)
    server.wait_derived()

    def left() -> list[tuple]:
        found = [server.get(f"/traces/{span.trace_id.hex()}") for span in spans[1:]]
        return [(trace["thread_id"], trace["thread_id_source"]) for trace in found]

    wait_until(lambda: left() == [(None, None), (None, None)], "they have no thread")
    httpx.post(f"{server.api}/rebuild", timeout=60)
    server.wait_derived()
    assert left() == [(None, None), (None, None)]
    send(server, spans[0])
    assert left() == [("join-delete", "gen_ai.tool.call.id")] * 2


def test_a_thread_is_deleted_with_what_joined_it(server):
    spans = a_tool_loop("join-all", "all", time.time_ns())
    send(server, *spans)
    answer = httpx.post(
        f"{server.api}/threads/delete", json={"thread_ids": ["join-all"]}, timeout=60
    )
    assert answer.json()["updated"] == 1
    for span in spans:
        path = f"{server.api}/traces/{span.trace_id.hex()}"
        assert httpx.get(path, timeout=60).status_code == 404


LATER = 2 * SECOND
HISTORY = [user("weather?"), asks("one"), result("one")]


@pytest.mark.long
@pytest.mark.parametrize(
    "asking",
    [
        [("a", NOW, "weather?"), ("b", NOW + SECOND, "weather?")],  # two conversations asked
        [("a", NOW, "something else?")],  # the same id by chance: another question
        [("a", NOW + 2 * LATER, "weather?")],  # asked after it was answered
        [("a", NOW + LATER - WAIT_MAX_NS - 1, "weather?")],  # too long ago
        [(None, NOW, "weather?")],  # no thread there either
    ],
)
def test_no_links_are_invented(asking):
    spans = [a_step(thread, at, [user(text)], asks("one")) for thread, at, text in asking]
    spans.append(a_step(None, NOW + LATER, HISTORY, says("sunny")))
    for order in (spans, spans[::-1]):
        rows = derive([[a_trace(span)] for span in order], at_once=False)["traces"]
        [mine] = [row for row in rows if spans[-1].trace_id.hex() in row]
        assert "gen_ai.tool.call.id" not in mine


@pytest.mark.long
def test_each_result_knows_what_was_asked_before_it():
    """Also where a later one, which does know, is looked at together with it."""
    asking = a_step("a", NOW + SECOND, [user("weather?")], asks("one"))
    early, late = (a_step(None, at, HISTORY, says("sunny")) for at in (NOW, NOW + LATER))
    for commits in ([[a_trace(asking)], [a_trace(early, late)]], [[a_trace(asking, early, late)]]):
        rows = derive(commits, at_once=False)["traces"]
        joined = [
            span
            for span in (early, late)
            if any(span.trace_id.hex() in row and "gen_ai.tool.call.id" in row for row in rows)
        ]
        assert joined == [late]


def test_an_id_of_its_own_wins():
    spans = [
        a_step("a", NOW, [user("weather?")], asks("one")),
        a_step("b", NOW + LATER, HISTORY, says("sunny")),
    ]
    rows = derive([[a_trace(*spans)]], at_once=True)
    assert len(rows["x_thread_facts"]) == 2
    assert not any("gen_ai.tool.call.id" in row for row in rows["traces"])


def test_projects_are_worlds_apart():
    first = a_trace(a_step("a", NOW, [user("weather?")], asks("one")))
    second = a_trace(a_step(None, NOW + LATER, HISTORY, says("sunny")), project="other")
    rows = derive([[first], [second]], at_once=False)
    assert not any("gen_ai.tool.call.id" in row for row in rows["traces"])


def a_trace(*spans, project: str = "default") -> Request:
    return Request(
        signal=Signal.TRACES,
        payload=a_request(*spans),
        project=project,
        received_unix_nano=NOW + 100 * SECOND,
    )


# Ids that repeat, askings that come back, threads that come late: every knot that senders can tie.
STEPS = st.lists(
    st.tuples(
        st.sampled_from([None, None, "a", "b"]),  # thread
        st.sampled_from(["1", "2", "3"]),  # the result that it brings
        st.sampled_from(["1", "2", "3"]),  # what it asks for
        st.booleans(),  # whether the history comes with it
    ),
    min_size=2,
    max_size=6,
)


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(STEPS, st.randoms(use_true_random=False))
def test_the_threads_hang_on_which_spans_arrived_alone(steps, dice):
    commits = []
    for i, (thread, brings, wants, whole) in enumerate(steps):
        said = [user("weather?"), asks(brings), result(brings)] if whole else [result(brings)]
        fields = {"trace_id": bytes([i + 1] * 16), "span_id": bytes([i + 1] * 8)}
        commits.append([a_trace(a_step(thread, NOW + i * SECOND, said, asks(wants), **fields))])
    expected = derive([[one for commit in commits for one in commit]], at_once=True)
    dice.shuffle(commits)
    while len(commits) > 1 and dice.random() < 0.5:  # some come together
        commits[0] = commits[0] + commits.pop()
    assert derive(commits, at_once=False) == expected


@pytest.mark.slow
def test_a_chain_of_traces_is_followed_whatever_its_length():
    """Backwards, each commit changes all that came before it: that ends, and ends the same."""
    count = 40
    spans = [a_step("a", NOW, [user("weather?")], asks("0"))] + [
        a_step(None, NOW + i * SECOND, [result(str(i - 1))], asks(str(i))) for i in range(1, count)
    ]
    commits = [[a_trace(span)] for span in reversed(spans)]
    rows = derive(commits, at_once=False)
    assert len(rows["x_thread_facts"]) == 1
    assert all('"a"' in row for row in rows["traces"])
    assert rows == derive([[a_trace(*spans)]], at_once=True)
