"""Metrics of DeepEval as scorers. The package is imported only when one is used.

Source: deepeval, `ConversationalTestCase` and `LLMTestCase` of `deepeval.test_case`.
"""

import copy
from typing import Any

from otel_threads.evaluate.conversation import Conversation
from otel_threads.evaluate.scoring import Score, Scorer

ROLES = ("user", "assistant")


def from_deepeval(metric: Any, *, name: str | None = None) -> Scorer:
    """Return a metric as a scorer: a conversational one gets all turns, another the last.

    The score has the metric's reason, and its cost where the metric knows it.
    """
    told = name or str(getattr(metric, "__name__", None) or type(metric).__name__)
    return Scorer(name=told, call=lambda conversation: _score(metric, told, conversation))


def _score(metric: Any, name: str, conversation: Conversation) -> Score:
    from deepeval.metrics import BaseConversationalMetric

    measuring = copy.copy(
        metric
    )  # a metric keeps its last score; several conversations run at once
    is_conversational = isinstance(metric, BaseConversationalMetric)
    case = (
        _conversational_case(conversation) if is_conversational else _last_turn_case(conversation)
    )
    measuring.measure(case, **_quiet(measuring))
    cost = getattr(measuring, "evaluation_cost", None)
    return Score(
        name,
        value=None if measuring.score is None else float(measuring.score),
        reason=getattr(measuring, "reason", None),
        cost_usd=cost if isinstance(cost, float) and cost > 0 else None,
    )


def _quiet(metric: Any) -> dict[str, Any]:
    import inspect

    known = inspect.signature(metric.measure).parameters
    return {"_show_indicator": False} if "_show_indicator" in known else {}


def _conversational_case(conversation: Conversation) -> Any:
    from deepeval.test_case import ConversationalTestCase, Turn

    turns = [
        Turn(role=one.role, content=one.text)
        for one in conversation.messages
        if one.role in ROLES and one.text
    ]
    return ConversationalTestCase(
        turns=turns,
        scenario=conversation.scenario,
        expected_outcome=_text(conversation.expected),
    )


def _last_turn_case(conversation: Conversation) -> Any:
    from deepeval.test_case import LLMTestCase

    last = conversation.turns[-1] if conversation.turns else None
    return LLMTestCase(
        input=(last.user if last else None) or "",
        actual_output=(last.assistant if last else None) or "",
        expected_output=_text(conversation.expected),
    )


def _text(given: Any) -> str | None:
    return None if given is None else given if isinstance(given, str) else str(given)
