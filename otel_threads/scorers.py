"""Scorers for `otel_threads.evaluate`: without a model, with one, and adapters of other packages.

Nothing of another package is imported before one of its metrics is used.
"""

import time
from typing import Any

from otel_threads.core.rule import Outcome, RuleOutput
from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.conversation import Conversation, Message, Ranges, ToolCall, Turn
from otel_threads.evaluate.scoring import Score, Scorer, scorer_of
from otel_threads.vendors.deepeval.scorer import from_deepeval
from otel_threads.vendors.mlflow.scorer import from_mlflow
from otel_threads.vendors.openevals.scorer import from_openevals
from otel_threads.vendors.opik.scorer import from_opik

__all__ = [
    "BUILTINS",
    "Conversation",
    "Message",
    "Ranges",
    "RuleOutput",
    "Score",
    "Scorer",
    "ToolCall",
    "Turn",
    "costly",
    "ended_in_error",
    "from_deepeval",
    "from_mlflow",
    "from_openevals",
    "from_opik",
    "judge",
    "language_changed",
    "repeated_answer",
    "repeated_question",
    "repeated_tool_call",
    "scorer_of",
    "slow",
    "unanswered",
    "unrecovered_tool",
]

repeated_question = scorer_of("repeated_question")
repeated_answer = scorer_of("repeated_answer")
repeated_tool_call = scorer_of("repeated_tool_call")
unrecovered_tool = scorer_of("unrecovered_tool")
ended_in_error = scorer_of("ended_in_error")
unanswered = scorer_of("unanswered")
language_changed = scorer_of("language_changed")
slow = scorer_of("slow")
costly = scorer_of("costly")


def judge(prompt: str, **options: Any) -> Scorer:
    """Return a scorer that asks a model what the prompt says: `otel_threads.evaluate.judge.judge`.

    By name, outputs (of `RuleOutput`), model, base_url, api_key, timeout_s; else the settings
    `judge_*`. Scores say what they cost.
    """
    from otel_threads.evaluate import judge as model_judge  # other scorers need nothing of it

    return model_judge.judge(prompt, cost_of=_cost_of, **options)


def _cost_of(outcome: Outcome) -> float | None:
    # Only a judge has a price; other scorers run where the price list is not installed.
    from otel_threads.derive.cost import estimate_usd
    from otel_threads.derive.family import Usage

    usage = Usage(input_tokens=outcome.input_tokens, output_tokens=outcome.output_tokens)
    return estimate_usd([outcome.model], None, usage, time.time_ns())
