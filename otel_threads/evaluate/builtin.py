"""Scorers that need no model: what can be counted in a conversation. Pure.

Each has its definition in its docstring; `docs/evaluation.md` shows them. They never raise,
whatever a conversation holds, and take time linear in its size but for the questions, which are
compared in pairs, of the latest QUESTIONS_MAX.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from otel_threads.evaluate.conversation import Conversation, ToolCall, Turn
from otel_threads.evaluate.words import (
    content_words,
    language_of,
    likeness,
    normalized,
    overlap,
)

QUESTIONS_MAX = 200
QUESTION_WORDS_MIN = 2  # a shorter question ("and then?") says too little to be the same
QUESTION_LIKENESS_MIN, QUESTION_OVERLAP_MIN = 0.75, 0.5
ANSWER_LENGTH_MIN = 20  # characters; "You are welcome." may be said twice
ANSWER_OVERLAP_MIN = 0.9
PLACES_TOLD = 5  # in a reason
Kind = Literal["numeric", "boolean", "categorical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltinScore:
    """What a scorer found: `value` is a count, or 1 and 0 for yes and no."""

    name: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin:
    """A scorer. `better` says which values are good; `version` changes with its definition.

    `uses_ranges`: what it says depends on what is usual in the project, too.
    """

    name: str
    kind: Kind
    description: str
    score: Callable[[Conversation], list[BuiltinScore]]
    better: Literal["lower"] = "lower"
    version: str = "1"
    uses_ranges: bool = False


def repeated_question(conversation: Conversation) -> list[BuiltinScore]:
    """How many turns ask what an earlier turn asked, in the same or in other words.

    Two questions are the same when three quarters of the telling words of the shorter one stand
    in the other, and half of all telling words in both. Words count by their first five letters;
    function words of seven languages are left out. Questions of fewer than two telling words are
    not compared.
    """
    asked = [(turn.index, content_words(turn.user)) for turn in conversation.turns if turn.user]
    telling = [(place, words) for place, words in asked if len(words) >= QUESTION_WORDS_MIN]
    telling = telling[-QUESTIONS_MAX:]
    found = []
    for i, (place, words) in enumerate(telling):
        for before, other in telling[:i]:
            alike = likeness(words, other) >= QUESTION_LIKENESS_MIN
            if alike and overlap(words, other) >= QUESTION_OVERLAP_MIN:
                found.append(f"turn {place + 1} asks what turn {before + 1} asked")
                break
    return _count("repeated_question", found, "no question is asked twice")


def repeated_answer(conversation: Conversation) -> list[BuiltinScore]:
    """How many turns give an answer that an earlier turn gave.

    Case, punctuation and blanks do not count. Answers under 20 characters are not compared; nine
    tenths of the telling words in both make it the same.
    """
    found = []
    seen: list[tuple[int, str, frozenset[str]]] = []
    for turn in conversation.turns:
        plain = normalized(turn.assistant or "")
        if len(plain) < ANSWER_LENGTH_MIN:
            continue
        words = content_words(plain)
        for before, other, other_words in seen[-QUESTIONS_MAX:]:
            if plain == other or overlap(words, other_words) >= ANSWER_OVERLAP_MIN:
                found.append(f"turn {turn.index + 1} answers as turn {before + 1} did")
                break
        seen.append((turn.index, plain, words))
    return _count("repeated_answer", found, "no answer is given twice")


def repeated_tool_call(conversation: Conversation) -> list[BuiltinScore]:
    """How many tool calls repeat one of the same turn: the same tool with the same arguments."""
    found = []
    for turn in conversation.turns:
        seen: dict[str, int] = {}
        for call in turn.tool_calls:
            key = _key(call)
            if key is None:
                continue
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > 1:
                found.append(
                    f"turn {turn.index + 1} calls {_tool(call)} again with the same arguments"
                )
    return _count("repeated_tool_call", found, "no tool call is repeated")


def unrecovered_tool(conversation: Conversation) -> list[BuiltinScore]:
    """How many tools failed and did not succeed later in the conversation."""
    failed: dict[str, int] = {}
    for turn in conversation.turns:
        for call in turn.tool_calls:
            if call.error is None:
                failed.pop(call.name or "", None)
            else:
                failed.setdefault(call.name or "", turn.index)
    found = [
        f"{name or 'a tool'} failed in turn {place + 1} and did not succeed later"
        for name, place in failed.items()
    ]
    return _count("unrecovered_tool", found, "no tool failed for good")


def ended_in_error(conversation: Conversation) -> list[BuiltinScore]:
    """Whether the last turn ended in an error."""
    last = _last(conversation)
    is_so = last is not None and last.error is not None
    reason = (
        f"the last turn failed: {last.error}" if last and is_so else "the last turn did not fail"
    )
    return _yes("ended_in_error", is_so, reason)


def unanswered(conversation: Conversation) -> list[BuiltinScore]:
    """Whether the conversation ended on the user's words: the last turn has no answer."""
    last = _last(conversation)
    is_so = last is not None and last.user is not None and last.assistant is None
    return _yes(
        "unanswered",
        is_so,
        "the last turn has no answer" if is_so else "the last turn has an answer",
    )


def language_changed(conversation: Conversation) -> list[BuiltinScore]:
    """How many answers are in another language than the user's words of their turn.

    Languages are told by script, and in Latin letters by function words (English, German, French,
    Spanish, Italian, Portuguese, Dutch); a text that tells too little is left out, and the user's
    last language that was told holds for it.
    """
    found = []
    spoken: str | None = None
    for turn in conversation.turns:
        spoken = (language_of(turn.user) if turn.user else None) or spoken
        answered = language_of(turn.assistant) if turn.assistant else None
        if spoken and answered and spoken != answered:
            found.append(f"turn {turn.index + 1} is asked in {spoken} and answered in {answered}")
    return _count("language_changed", found, "answers are in the user's language")


def slow(conversation: Conversation) -> list[BuiltinScore]:
    """Whether a turn took longer than is usual in the project.

    Usual is up to the third quartile of the project's turns and three times the range between the
    quartiles. No score where the project has fewer than 20 turns.
    """
    bound = conversation.ranges.turn_duration_ms_max
    timed = [
        (one.duration_ms, one.index) for one in conversation.turns if one.duration_ms is not None
    ]
    if bound is None or not timed:
        return []
    longest, place = max(timed)
    told = f"turn {place + 1} took {longest:.0f} ms; usual are up to {bound:.0f} ms"
    return _yes("slow", longest > bound, told)


def costly(conversation: Conversation) -> list[BuiltinScore]:
    """Whether the conversation cost more than is usual in the project, as in `slow`.

    No score where the cost is unknown or fewer than 20 threads of the project have one.
    """
    bound, cost = conversation.ranges.cost_usd_max, conversation.cost_usd
    if bound is None or cost is None:
        return []
    return _yes("costly", cost > bound, f"it cost ${cost:.6f}; usual is up to ${bound:.6f}")


def _all() -> Iterable[Builtin]:
    for score, kind in (
        (repeated_question, "numeric"),
        (repeated_answer, "numeric"),
        (repeated_tool_call, "numeric"),
        (unrecovered_tool, "numeric"),
        (ended_in_error, "boolean"),
        (unanswered, "boolean"),
        (language_changed, "numeric"),
        (slow, "boolean"),
        (costly, "boolean"),
    ):
        told = " ".join((score.__doc__ or "").split())
        yield Builtin(
            name=score.__name__,
            kind=kind,  # type: ignore[arg-type]  # one of Kind
            description=told,
            score=score,
            uses_ranges=score in (slow, costly),
        )


BUILTINS: Mapping[str, Builtin] = {one.name: one for one in _all()}


def _count(name: str, found: Sequence[str], none: str) -> list[BuiltinScore]:
    told = "; ".join(found[:PLACES_TOLD])
    more = f"; and {len(found) - PLACES_TOLD} more" if len(found) > PLACES_TOLD else ""
    return [BuiltinScore(name=name, value=float(len(found)), reason=f"{told}{more}" or none)]


def _yes(name: str, is_so: bool, reason: str) -> list[BuiltinScore]:
    return [BuiltinScore(name=name, value=1.0 if is_so else 0.0, reason=reason)]


def _last(conversation: Conversation) -> Turn | None:
    return conversation.turns[-1] if conversation.turns else None


def _tool(call: ToolCall) -> str:
    return call.name or "a tool"


def _key(call: ToolCall) -> str | None:
    try:
        return json.dumps([call.name, _arguments(call.arguments)], sort_keys=True, default=str)
    except (ValueError, TypeError, RecursionError):  # nested too deep to compare
        return None


def _arguments(given: Any) -> Any:
    """Return arguments as values, also where they came as JSON text."""
    if isinstance(given, str):
        try:
            return json.loads(given)
        except (ValueError, RecursionError):
            return given
    return given
