"""What a Python metric of Opik needs around it, inside of the sandbox that rules' code runs in.

The package itself is not there: its base classes are, under their names. Standard library alone,
because a filter of system calls lets nothing be loaded later.

Source: opik 2.2.122, `opik.evaluation.metrics`; the Python backend of comet-ml/opik.
"""

import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class ScoreResult:
    """A score as a metric returns it."""

    name: str
    value: Any
    reason: str | None = None
    category_name: str | None = None
    metadata: Any = None
    scoring_failed: bool = False


class BaseMetric:
    """The base of metrics: it has a name, and a subclass scores."""

    def __init__(
        self, name: str | None = None, track: bool = True, project_name: str | None = None
    ) -> None:
        """Take a name; the class's where none is given."""
        del track, project_name
        self.name = name or type(self).__name__

    def score(self, *args: Any, **kwargs: Any) -> Any:
        """Score; a subclass says how."""
        raise NotImplementedError("the metric has no method score")


class ConversationThreadMetric(BaseMetric):
    """The base of metrics of whole conversations."""


class MetricComputationError(Exception):
    """A metric could not be computed."""


def scored(source: str, conversation: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the scores that a metric's source gives a conversation.

    `conversation` is a list of `{"role", "content"}`, a user's and an assistant's for each trace.

    Raises:
        ValueError: the source defines no metric, or one of its scores failed.
        whatever else the source raises.
    """
    _stand_in()
    module = types.ModuleType("metric")
    exec(compile(source, "<metric>", "exec"), module.__dict__)  # noqa: S102  # what this is for
    found = _metric(module)().score(list(conversation))
    return [_score(one) for one in (found if isinstance(found, list | tuple) else [found])]


def _metric(module: types.ModuleType) -> Any:
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, BaseMetric) and one.__module__ == "metric":
            return one
    raise ValueError("the code defines no class that derives from BaseMetric")


def _score(found: Any) -> dict[str, Any]:
    if getattr(found, "scoring_failed", False):
        raise ValueError(f"the metric failed: {found.reason}")
    names = {"name": "name", "value": "value", "reason": "reason", "category": "category_name"}
    told = {ours: getattr(found, theirs, None) for ours, theirs in names.items()}
    return {name: one for name, one in told.items() if one is not None}


def _stand_in() -> None:
    """Put modules of the package's names where imports look for them."""
    base = _module("opik.evaluation.metrics.base_metric", BaseMetric=BaseMetric)
    result = _module("opik.evaluation.metrics.score_result", ScoreResult=ScoreResult)
    thread = _module(
        "opik.evaluation.metrics.conversation.conversation_thread_metric",
        ConversationThreadMetric=ConversationThreadMetric,
    )
    kinds = _module("opik.evaluation.metrics.conversation.types", Conversation=list)
    _module(
        "opik.evaluation.metrics.conversation",
        conversation_thread_metric=thread,
        types=kinds,
        ConversationThreadMetric=ConversationThreadMetric,
    )
    metrics = _module(
        "opik.evaluation.metrics",
        base_metric=base,
        score_result=result,
        conversation_types=kinds,
        BaseMetric=BaseMetric,
        ConversationThreadMetric=ConversationThreadMetric,
        MetricComputationError=MetricComputationError,
    )
    errors = _module("opik.exceptions", MetricComputationError=MetricComputationError)
    evaluation = _module("opik.evaluation", metrics=metrics)
    _module("opik", evaluation=evaluation, exceptions=errors)


def _module(name: str, **members: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    made.__path__ = []  # a package: what is below it is among the modules already
    vars(made).update(members)
    sys.modules[name] = made
    return made
