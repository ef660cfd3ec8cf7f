"""What scorers are and what they return: any callable of a `Conversation`."""

import inspect
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otel_threads.core.score import fault
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Score:
    """A score: a value, a category, or both; with a reason and what it cost in US dollars."""

    name: str
    value: float | None = None
    category: str | None = None
    reason: str | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A scorer with its name and version; call it with a conversation."""

    name: str
    call: Callable[[Conversation], Any]
    version: str | None = None

    def __call__(self, conversation: Conversation) -> Any:
        """Return what the scorer returns: a number, a yes or no, a text, or scores."""
        return self.call(conversation)


class NoScore(TypeError):
    """A scorer returned what is no score; the message says what."""


def scorer_of(given: Any) -> Scorer:
    """Return a scorer: one that is named (`repeated_question`), or any callable.

    Raises:
        TypeError: it is neither. ValueError: there is no scorer of that name.
    """
    if isinstance(given, Scorer):
        return given
    if isinstance(given, str):
        if given not in BUILTINS:
            raise ValueError(f"no scorer {given!r}; there are {', '.join(BUILTINS)}")
        known = BUILTINS[given]
        return Scorer(name=known.name, call=_scores_of(given), version=known.version)
    if not callable(given):
        raise TypeError(f"{given!r} is no scorer: a scorer is a callable or a name")
    name = getattr(given, "name", None) or getattr(given, "__name__", None)
    version = getattr(given, "version", None)
    return Scorer(
        name=name if isinstance(name, str) else type(given).__name__,
        call=given,
        version=str(version) if isinstance(version, str | int) else None,
    )


def _scores_of(name: str) -> Callable[[Conversation], list[Score]]:
    score = BUILTINS[name].score
    return lambda conversation: [
        Score(one.name, one.value, reason=one.reason) for one in score(conversation)
    ]


def scores_of(returned: Any, scorer: str) -> list[Score]:
    """Return what a scorer returned as scores; a number, yes or no or text is under its name.

    None is no score. A yes is 1, a no 0. A mapping names several: `{"tone": 0.8, "topic": "bill"}`.

    Raises:
        NoScore: it is something else, or a value that no score has.
    """
    if returned is None:
        return []
    if _is_score(returned):
        return [_checked(_score(returned))]
    if isinstance(returned, str):
        return [Score(scorer, category=returned)]
    if isinstance(returned, numbers.Real) or _is_yes_no(returned):
        return [_checked(Score(scorer, float(returned)))]
    if isinstance(returned, Mapping):
        return [one for name, value in returned.items() for one in scores_of(value, str(name))]
    if isinstance(returned, Iterable):
        return [one for value in returned for one in scores_of(value, scorer)]
    raise NoScore(f"{scorer} returned {type(returned).__name__}, which is no score")


def _is_score(value: Any) -> bool:
    """Return whether a value is a `Score`, or has what makes one: a judge has its own class."""
    return isinstance(value, Score) or all(
        hasattr(value, name) for name in ("name", "value", "category", "reason")
    )


def _score(value: Any) -> Score:
    if isinstance(value, Score):
        return value
    number = None if value.value is None else float(value.value)
    cost = getattr(value, "cost_usd", None)
    return Score(str(value.name), number, value.category, value.reason, cost)


def _is_yes_no(value: Any) -> bool:
    return type(value).__name__ in ("bool_", "bool")  # numpy's, without importing it


def _checked(score: Score) -> Score:
    if score.value is None and score.category is None:
        raise NoScore(f"{score.name} has neither value nor category")
    for what, number in (("", score.value), ("cost_usd ", score.cost_usd)):
        if number is not None and (why := fault(number)):
            raise NoScore(f"{score.name} {what}{number:g} {why}")
    return score


def scorers_of(given: Sequence[Any]) -> list[Scorer]:
    """Return several scorers, each with a name of its own.

    Raises:
        TypeError, ValueError: as `scorer_of`; there is none, or two have one name.
    """
    scorers = [scorer_of(one) for one in given]
    names = [one.name for one in scorers]
    if not names:
        raise ValueError("no scorers are given")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two scorers are called {name!r}: give one of them another name")
    return scorers


def is_async(call: Callable[..., Any]) -> bool:
    """Return whether a call gives a coroutine."""
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004  # the method, not whether there is one
    )
