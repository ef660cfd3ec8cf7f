"""A conversation as judges get it, cut to its bound."""

import dataclasses
import datetime

import orjson

from otel_threads.core.message import Message, RequestedCall
from otel_threads.core.turn import Turn
from otel_threads.core.usage import Usage
from otel_threads.services import rule_contexts
from otel_threads.services.rule_contexts import bounded, context

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def a_message(role, text, calls=()):
    return Message(
        role=role, text=text, parts=[], tool_calls=list(calls), tool_call_id=None, span_id=None
    )


def a_turn(index, user, assistant, messages=None):
    usage = Usage(**{field.name: None for field in dataclasses.fields(Usage)})
    return Turn(
        project="p",
        thread_id="t",
        turn_index=index,
        trace_ids=["a"],
        span_id="b",
        name="n",
        start_time=NOW,
        end_time=NOW,
        duration_ms=1.0,
        time_to_first_token_ms=None,
        user=user,
        assistant=assistant,
        system=None,
        error=None,
        messages=messages or [a_message("user", user), a_message("assistant", assistant)],
        tool_calls=[],
        models=[],
        providers=[],
        usage=usage,
        cost_usd=None,
        cost_source=None,
        cost_is_partial=False,
        call_count=1,
        span_count=1,
        message_count=2,
        is_truncated=False,
        scores=[],
    )


TURNS = [a_turn(0, "hello", "hi"), a_turn(1, "and?", "well")]


def test_each_context_has_its_form():
    assert context("messages", TURNS) == [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": "well"},
    ]
    assert context("pairs", TURNS)[1] == {"user": "and?", "assistant": "well"}
    assert context("first_and_last", TURNS) == [
        {"first_user_message": "hello", "last_assistant_message": "well"}
    ]
    assert context("transcript", TURNS)[0] == {"transcript": "User: hello"}
    assert context("traces", TURNS)[:2] == [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi"},
    ]


def test_tool_calls_are_among_the_messages():
    call = RequestedCall(id="1", name="weather", arguments={"city": "Bern"})
    turn = a_turn(0, "?", "!", [a_message("assistant", None, [call])])

    (message,) = context("messages", [turn])

    assert message["tool_calls"][0]["function"]["name"] == "weather"


def test_a_long_conversation_loses_its_middle_and_says_so():
    items = [{"role": "user", "content": f"{i:04} " + "x" * 95} for i in range(1000)]

    found = bounded(items, length_max=10_000)

    assert len(orjson.dumps(found)) <= 10_200
    assert found[0] == items[0]
    assert found[-1] == items[-1]
    (note,) = [one for one in found if "note" in one]
    assert note["note"].startswith(f"{1000 - len(found) + 1} entries")


def test_a_long_text_is_cut_and_says_so():
    (found,) = bounded([{"content": {"deep": ["x" * 60_000]}}])

    assert found["content"]["deep"][0].endswith("[…10000 characters left out]")


def test_one_entry_that_is_too_long_leaves_a_note():
    found = bounded([{"content": ["x" * 50_000] * 20}], length_max=1000)

    assert [*found[0]] == ["note"]


def test_a_bound_is_what_judges_have():
    assert rule_contexts.LENGTH_MAX == 400_000
