"""The question of a request that failed without its input, from the history of the next request."""

import json
import random
import time

import httpx
import pytest
from builders import a_chat, a_request, a_span

from otel_threads.derive.merge import merge
from otel_threads.derive.turns import UNANSWERED_MAX

SECOND = 10**9


def history(*messages: tuple[str, str]) -> str:
    return json.dumps(
        [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in messages]
    )


def failed(thread: str, start: int, **attributes):
    """A model request that failed, as libraries report it that write no input then."""
    known = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.conversation.id": thread,
        "error.type": "BadRequestError",
    }
    return a_span(attributes=known | attributes, start=start)


def answered(thread: str, start: int, *said: tuple[str, str]):
    return a_chat(
        thread, "", "fine", start=start, attributes={"gen_ai.input.messages": history(*said)}
    )


def users(server, thread: str) -> list[str | None]:
    found = server.get("/threads/turns", thread_id=thread)["items"]
    for turn in found:
        told = [m["text"] for m in turn["messages"] if m["role"] == "user"]
        assert told == ([turn["user"]] if turn["user"] else [])
        assert all(m["span_id"] == turn["span_id"] for m in turn["messages"])
    return [turn["user"] for turn in found]


def conversation(thread: str) -> list:
    now = time.time_ns() - 60 * SECOND
    return [
        answered(thread, now, ("user", "one")),
        failed(thread, now + 2 * SECOND),
        failed(thread, now + 4 * SECOND),
        answered(
            thread,
            now + 6 * SECOND,
            ("user", "one"),
            ("assistant", "fine"),
            ("user", "two"),
            ("user", "three"),
            ("user", "four"),
        ),
    ]


def test_failed_turns_get_the_questions_that_the_next_history_leaves_open(server):
    """In whatever order they come, a request each."""
    spans = conversation("q-order")
    random.Random(4).shuffle(spans)
    for span in spans:
        assert server.post(a_request(span)).status_code == 200
        server.wait_derived()
    assert users(server, "q-order") == ["one", "two", "three", "four"]
    thread = server.get("/threads/get", thread_id="q-order")
    assert thread["message_count"] == 6
    assert thread["error_count"] == 2


def test_what_the_next_trace_showed_is_gone_with_it(server):
    """Also where the failed turns themselves did not change, and as a rebuild would have it."""
    spans = conversation("q-delete")
    server.post(a_request(*spans))
    server.wait_derived()
    answer = httpx.post(
        f"{server.api}/traces/delete", json={"trace_ids": [spans[-1].trace_id.hex()]}, timeout=60
    )
    assert answer.json() == {"updated": 1, "not_found": []}
    assert users(server, "q-delete") == ["one", None, None]
    httpx.post(f"{server.api}/rebuild", timeout=60)
    server.wait_derived()
    assert users(server, "q-delete") == ["one", None, None]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({"user": "my own", "error": {"type": "x", "message": None}}, "my own"),
        ({"user": None, "error": None}, None),  # content is off: it did not fail
    ],
)
def test_only_a_failed_turn_without_words_is_told(before, expected):
    def part(i: int, **said):
        return {
            "start_time_unix_nano": i,
            "trace_id": str(i),
            "part_index": 0,
            "continues": False,
            "messages": [],
            "tool_calls": [],
            "span_id": str(i),
            "unanswered": [],
        } | said

    turns = merge([part(1, **before), part(2, user="b", error=None, unanswered=["a"])])
    assert [turn["user"] for turn in turns] == [expected, "b"]


def test_a_thousand_questions_in_a_row_are_no_work(server):
    said = [("user", f"q{n}") for n in range(1000)]
    server.post(a_request(answered("q-many", time.time_ns(), *said)))
    server.wait_derived()
    assert users(server, "q-many")[-1] == "q999"
    assert UNANSWERED_MAX < 100
