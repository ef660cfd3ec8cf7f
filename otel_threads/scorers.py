"""Scorers for `otel_threads.evaluate`: without a model, with one, and adapters of other packages.

Nothing of another package is imported before one of its metrics is used.
"""

from otel_threads.evaluate.builtin import BUILTINS
from otel_threads.evaluate.conversation import Conversation, Message, Ranges, ToolCall, Turn
from otel_threads.evaluate.judge import judge
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
