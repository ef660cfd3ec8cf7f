"""Scorers of MLflow as ours. The package is imported only when one is used.

Source: mlflow, `mlflow.genai.scorers.Scorer.run`, `mlflow.entities.Feedback`.
"""

from collections.abc import Iterable
from typing import Any

from otel_threads.evaluate.conversation import Conversation
from otel_threads.evaluate.scoring import Score, Scorer

_YES_NO = {"yes": 1.0, "no": 0.0}


def from_mlflow(scorer: Any, *, name: str | None = None) -> Scorer:
    """Return a scorer of MLflow: it gets messages as inputs, the last answer as outputs.

    `inputs` are `{"messages": [...]}` up to the last user message; `expectations` what a data set
    expects. Feedback of yes and no is 1 and 0; one that failed is none, and the run notes why.
    Scorers that need a trace or a session of MLflow get none, and say so.
    """
    told = name or str(getattr(scorer, "name", None) or type(scorer).__name__)
    return Scorer(name=told, call=lambda conversation: _scores(scorer, told, conversation))


def _scores(scorer: Any, name: str, conversation: Conversation) -> list[Score]:
    said = [{"role": one.role, "content": one.text} for one in conversation.messages if one.text]
    answer = said.pop()["content"] if said and said[-1]["role"] == "assistant" else ""
    found = scorer.run(
        inputs={"messages": said},
        outputs=answer,
        expectations=_expectations(conversation.expected),
        trace=None,
    )
    several = found if isinstance(found, list) else [found]
    return [score for one in several for score in _score(one, name)]


def _expectations(expected: Any) -> dict[str, Any]:
    if expected is None:
        return {}
    return expected if isinstance(expected, dict) else {"expected_response": expected}


def _score(found: Any, name: str) -> Iterable[Score]:
    from mlflow.entities import Feedback

    if not isinstance(found, Feedback):
        found = Feedback(name=name, value=found)
    if found.error is not None:
        raise RuntimeError(str(getattr(found.error, "error_message", None) or found.error))
    own = found.name if found.name and found.name != "feedback" else name
    value = found.value
    if hasattr(value, "value"):  # MLflow's own enumeration of yes and no
        value = value.value
    if isinstance(value, str):
        number = _YES_NO.get(value.lower())
        category = None if number is not None else value
        return [Score(own, value=number, category=category, reason=found.rationale)]
    if value is None:
        return []
    return [Score(own, value=float(value), reason=found.rationale)]
