"""Evaluators of openevals as scorers: functions of `inputs`, `outputs`, `reference_outputs`.

Source: openevals, `EvaluatorResult`: `{"key", "score", "comment", "metadata"}`.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from otel_threads.evaluate.conversation import Conversation
from otel_threads.evaluate.scoring import Score, Scorer


def from_openevals(
    evaluator: Callable[..., Any], *, name: str | None = None, outputs: str = "messages"
) -> Scorer:
    """Return an evaluator as a scorer.

    `outputs` says what it judges: `messages` (all of them, OpenAI's shape), `text` (the whole
    conversation) or `last` (the last answer, with the last question as `inputs`). Its score has the
    key that it gives, else `name`.

    Raises:
        ValueError: `outputs` is none of these.
    """
    if outputs not in ("messages", "text", "last"):
        raise ValueError(f"outputs {outputs!r} is none of messages, text, last")
    told = name or str(getattr(evaluator, "__name__", None) or type(evaluator).__name__)

    def call(conversation: Conversation) -> Any:
        found = evaluator(**_given(evaluator, conversation, outputs))
        if inspect.isawaitable(found):
            return _awaited(found, name or told)
        return list(_scores(found, name or told))

    return Scorer(name=told, call=call)


async def _awaited(found: Any, name: str) -> list[Score]:
    return list(_scores(await found, name))


def _given(
    evaluator: Callable[..., Any], conversation: Conversation, outputs: str
) -> dict[str, Any]:
    last = conversation.turns[-1] if conversation.turns else None
    judged: dict[str, Any] = {
        "messages": [{"role": one.role, "content": one.text} for one in conversation.messages],
        "text": conversation.text,
        "last": (last.assistant if last else None) or "",
    }
    values = {
        "inputs": (last.user if last else None) or ""
        if outputs == "last"
        else conversation.scenario,
        "outputs": judged[outputs],
        "reference_outputs": conversation.expected,
    }
    parameters = inspect.signature(evaluator).parameters
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return values
    return {key: value for key, value in values.items() if key in parameters}


def _scores(found: Any, name: str) -> Iterable[Score]:
    for one in found if isinstance(found, list) else [found]:
        if not isinstance(one, Mapping):
            raise TypeError(f"{name} returned {type(one).__name__}, not a result of openevals")
        score = one["score"]
        key = str(one.get("key") or name)
        if isinstance(score, str):
            yield Score(key, category=score, reason=one.get("comment"))
        elif score is not None:
            yield Score(key, value=float(score), reason=one.get("comment"))
