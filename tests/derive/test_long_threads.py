"""Changes within long threads: what follows them is numbered anew and otherwise left alone."""

import datetime
import json
import random
import tempfile
import time
from collections.abc import Iterator

import pytest
from builders import a_chat, a_span
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import Store
from test_derive_property import dumped

from otel_threads.core.ports import Work
from otel_threads.derive import turn_updates
from otel_threads.derive.deriver import derive_all
from otel_threads.derive.merge import merge
from otel_threads.store import deletion
from otel_threads.store.derived.derived_store import replace

SECOND = 10**9
KINDS = ("answered", "answered", "failed", "mute", "tool")


def conversation(dice: random.Random, thread: str, now: int, turns: int) -> Iterator:
    """Yield spans, a trace each; at times two begin together, or one goes on beside the next."""
    told: list[dict] = []  # what the next request shows of what was said before
    start = now

    def span(kind: str, **attributes: str):
        known = {"gen_ai.operation.name": "chat", "gen_ai.conversation.id": thread}
        if kind == "failed":
            known["error.type"] = "BadRequestError"
        end = start + dice.choice((1, 1, 1, 40)) * SECOND // 10
        return a_span(attributes=known | attributes, start=start, end_time_unix_nano=end)

    def text(role: str, words: str) -> dict:
        return {"role": role, "parts": [{"type": "text", "content": words}]}

    for n in range(turns):
        start += dice.choice((0, 1, 1, 1, 3)) * SECOND
        kind = dice.choice(KINDS)
        question = text("user", f"{thread} asks {dice.randrange(3) if dice.random() < 0.2 else n}")
        if kind == "failed":  # its question is known from the next request alone
            told.append(question)
            yield span(kind)
            continue
        if kind == "mute":
            yield span(kind)
            continue
        told.append(question)
        shown = {"gen_ai.input.messages": json.dumps(told)}
        if kind == "answered":
            answer = text("assistant", f"answer {n}")
            yield span(kind, **shown, **{"gen_ai.output.messages": json.dumps([answer])})
            told.append(answer)
            continue
        call = {"type": "tool_call", "id": f"{thread}-{n}", "name": "look", "arguments": {"n": n}}
        told.append({"role": "assistant", "parts": [call]})
        yield span(kind, **shown, **{"gen_ai.output.messages": json.dumps([told[-1]])})
        start += dice.choice((0, 1)) * SECOND
        result = {"type": "tool_call_response", "id": call["id"], "response": "seen"}
        told.append({"role": "tool", "parts": [result]})
        shown = {"gen_ai.input.messages": json.dumps(told)}
        told.append(text("assistant", f"answer {n}"))
        yield span(kind, **shown, **{"gen_ai.output.messages": json.dumps([told[-1]])})


@pytest.mark.long
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_arrivals_and_deletions_anywhere_leave_what_a_rebuild_makes(seed):
    dice = random.Random(seed)
    now = time.time_ns() - 3600 * SECOND
    spans = [
        span
        for thread in ("one", "two", "three")[: dice.randrange(1, 4)]
        for span in conversation(dice, thread, now, dice.randrange(1, 30))
    ]
    if dice.random() < 0.7:
        dice.shuffle(spans)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        store = Store(folder)
        patch.setattr(turn_updates, "TURNS_AGAIN_MAX", dice.choice((0, 0, 20, 2000)))
        patch.setattr(turn_updates, "STARTS_MAX", dice.choice((1, 3, 500)))
        while spans:
            size = dice.choice((1, 2, 5, 30))
            some, spans = spans[:size], spans[size:]
            store.write(some)
            match dice.randrange(5):
                case 0:
                    store.retention.delete_slice(
                        datetime.datetime.now(datetime.UTC),
                        project=None,
                        traces_max=dice.randrange(1, 8),
                    )
                case 1:
                    patch.setattr(deletion, "TRACES_AT_ONCE", dice.choice((1, 3, 2000)))
                    gone = dice.sample(some, dice.randrange(1, len(some) + 1))
                    store.deletion.traces([span.trace_id.hex() for span in gone], project=None)
            derive_all(store.derived, store.writer.committed_sequence)  # what others had told
            if dice.random() < 0.3 or not spans:
                kept = dumped(store.database)
                store.derived.reset()
                derive_all(store.derived, store.writer.committed_sequence)
                assert dumped(store.database) == kept
        store.close()


@pytest.mark.long
@pytest.mark.parametrize("oldest", [True, False])
def test_the_turns_that_stay_are_not_made_again(tmp_path, monkeypatch, oldest):
    store = Store(str(tmp_path))
    now = time.time_ns() - 3600 * SECOND
    spans = [a_chat("long", f"q {n}", f"a {n}", start=now + n * SECOND) for n in range(3000)]
    store.write(spans)
    gone = spans[:10] if oldest else spans[1500:1510]
    made = []

    def counted(parts):
        made.append(parts := list(parts))
        return merge(parts)

    monkeypatch.setattr(turn_updates, "merge", counted)
    with store.database.transaction() as cursor:
        work = Work(store.derived.position(), [span.trace_id.hex() for span in gone])
        first, last = gone[0].start_time_unix_nano, gone[-1].end_time_unix_nano
        replace(cursor, work, [], first=first, last=last)
    assert sum(map(len, made)) < 10
    with store.database.cursor() as cursor:
        rows = cursor.execute('select turn_index, "user" from turns order by start_time').fetchall()
        words = cursor.execute("select first_message, last_message from threads").fetchone()
    left = [n for n in range(3000) if spans[n] not in gone]
    assert rows == [(i, f"q {n}") for i, n in enumerate(left)]
    assert words == (f"q {left[0]}", "a 2999")
    store.close()
