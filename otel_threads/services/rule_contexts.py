"""A conversation as judges and code get it: JSON, cut to a bound in its middle. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from otel_threads.core.message import Json
from otel_threads.core.rule import RuleContext
from otel_threads.core.thread import Thread
from otel_threads.core.turn import Turn
from otel_threads.evaluate.conversation import Ranges
from otel_threads.services import transcript

LENGTH_MAX = 400_000  # characters of a context: about 100,000 tokens
TEXT_LENGTH_MAX = 50_000  # of one text in it
FIRST_SHARE = 0.25  # of what stays of a long conversation: how it began; the rest is how it ended
TURNS_MAX = 1000  # that Python code gets
ContextReader = Callable[[str, str], Sequence[Json]]  # of project and thread id


def context(kind: RuleContext, turns: Sequence[Turn]) -> list[Json]:
    """Return a conversation as objects of JSON, oldest first, cut to LENGTH_MAX.

    `messages` are those of OpenAI; `transcript` one object with the whole as a text; `pairs` the
    user's and the assistant's text of each turn; `first_and_last` the first of the user and the
    last of the assistant; `traces` the same as messages of two roles.
    """
    return bounded(_CONTEXTS[kind](turns))


def _messages(turns: Sequence[Turn]) -> list[Json]:
    return transcript.openai(transcript.messages_of(turns))


def _transcript(turns: Sequence[Turn]) -> list[Json]:
    return [{"transcript": line} for line in transcript.lines(transcript.messages_of(turns))]


def _pairs(turns: Sequence[Turn]) -> list[Json]:
    return [{"user": turn.user, "assistant": turn.assistant} for turn in turns]


def _first_and_last(turns: Sequence[Turn]) -> list[Json]:
    first = next((turn.user for turn in turns if turn.user), None)
    last = next((turn.assistant for turn in reversed(turns) if turn.assistant), None)
    return [{"first_user_message": first, "last_assistant_message": last}]


def _traces(turns: Sequence[Turn]) -> list[Json]:
    found: list[Json] = []
    for turn in turns:
        found += [
            {"role": "user", "content": turn.user},
            {"role": "assistant", "content": turn.assistant},
        ]
    return found


_CONTEXTS: Mapping[RuleContext, Callable[[Sequence[Turn]], list[Json]]] = {
    "messages": _messages,
    "transcript": _transcript,
    "pairs": _pairs,
    "first_and_last": _first_and_last,
    "traces": _traces,
}


def bounded(items: Sequence[Json], *, length_max: int = LENGTH_MAX) -> list[Json]:
    """Return items whose JSON has at most so many characters, but for a note of what is left out.

    Long texts are cut first; then whole items of the middle go.
    """
    short = [_shortened(item) for item in items]
    lengths = [len(orjson.dumps(item, default=str)) for item in short]
    if sum(lengths) <= length_max:
        return short
    first = _fitting(lengths, FIRST_SHARE * length_max)
    last = _fitting(lengths[first:][::-1], (1 - FIRST_SHARE) * length_max)
    left_out = len(short) - first - last
    note = {"note": f"{left_out} entries of the conversation are left out here: it is too long"}
    return [*short[:first], note, *short[len(short) - last :]]


def _fitting(lengths: Sequence[int], length_max: float) -> int:
    """Return how many from the first on fit together."""
    total = 0
    for count, length in enumerate(lengths):
        total += length
        if total > length_max:
            return count
    return len(lengths)


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        over = len(value) - TEXT_LENGTH_MAX
        return value if over <= 0 else f"{value[:TEXT_LENGTH_MAX]} […{over} characters left out]"
    if isinstance(value, dict):
        return {key: _shortened(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shortened(one) for one in value]
    return value


def argument(
    kind: RuleContext,
    thread: Thread,
    turns: Sequence[Turn],
    *,
    reader: ContextReader | None,
    is_judged: bool,
    ranges: Ranges | None,
) -> str:
    """Return what a judge or a scorer gets of a thread, as JSON.

    `reader` reads the context where it is one of another product's. `ranges` is what is usual in
    the thread's project, which judges do not get.
    """
    items = bounded(reader(thread.project, thread.thread_id)) if reader else context(kind, turns)
    found = items if is_judged else scorer_argument(thread, turns, items, ranges)
    return orjson.dumps(found, default=str).decode()


def scorer_argument(
    thread: Thread, turns: Sequence[Turn], context: Sequence[Json], ranges: Ranges | None
) -> Json:
    """Return what `evaluate/conversation.py` makes a Conversation of: the thread with its turns.

    `thread` of that has the rule's context, too, under its name.
    """
    whole: Json = orjson.loads(orjson.dumps(thread, default=str))
    kept = turns[-TURNS_MAX:]
    return {
        **whole,
        "context": list(context),
        "ranges": asdict(ranges) if ranges else {},
        "turns": bounded([orjson.loads(orjson.dumps(one, default=str)) for one in kept]),
    }
