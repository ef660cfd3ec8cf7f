"""Metrics of Opik as scorers. The package is imported only when one is used.

Source: opik, `opik.evaluation.metrics`: `BaseMetric.score`, `ConversationThreadMetric`.
"""

from typing import Any

from otel_threads.evaluate.conversation import Conversation
from otel_threads.evaluate.scoring import Score, Scorer


def from_opik(metric: Any, *, name: str | None = None) -> Scorer:
    """Return a metric as a scorer: one of threads gets the conversation, another the last turn.

    Another gets `input`, `output`, `expected_output` and `reference`, as far as it takes them.
    A score that failed is none: the run notes why.
    """
    told = name or str(getattr(metric, "name", None) or type(metric).__name__)
    return Scorer(name=told, call=lambda conversation: _scores(metric, conversation))


def _scores(metric: Any, conversation: Conversation) -> list[Score]:
    from opik.evaluation.metrics.conversation.conversation_thread_metric import (
        ConversationThreadMetric,
    )

    if isinstance(metric, ConversationThreadMetric):
        said = [
            {"role": one.role, "content": one.text}
            for one in conversation.messages
            if one.role in ("user", "assistant")
        ]
        found = metric.score(conversation=said)
    else:
        found = metric.score(**_last_turn(conversation))
    return [_score(one) for one in (found if isinstance(found, list) else [found])]


def _last_turn(conversation: Conversation) -> dict[str, Any]:
    last = conversation.turns[-1] if conversation.turns else None
    return {
        "input": (last.user if last else None) or "",
        "output": (last.assistant if last else None) or "",
        "expected_output": conversation.expected,
        "reference": conversation.expected,
    }


def _score(found: Any) -> Score:
    if getattr(found, "scoring_failed", False):
        raise RuntimeError(found.reason or "the metric failed")
    return Score(str(found.name), value=float(found.value), reason=found.reason)
