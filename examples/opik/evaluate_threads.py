"""A metric of one's own scores threads that are stored: `evaluate_threads` of the SDK.

pip install opik
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python evaluate_threads.py
"""

import opik
from opik.evaluation import evaluate_threads
from opik.evaluation.metrics import score_result
from opik.evaluation.metrics.conversation.conversation_thread_metric import (
    ConversationThreadMetric,
)

PROJECT = "Default Project"


class Length(ConversationThreadMetric):
    """How many messages a conversation has."""

    def __init__(self) -> None:
        super().__init__(name="length", track=False)

    def score(self, conversation: list, **_: object) -> score_result.ScoreResult:
        """Count them."""
        return score_result.ScoreResult(name=self.name, value=len(conversation))


client = opik.Opik()
for question in ("Hello there", "And again"):
    client.trace(
        name="chat",
        input={"user": question},
        output={"assistant": f"You said: {question}"},
        thread_id="live-1",
    ).end()
client.flush()

evaluate_threads(
    project_name=PROJECT,
    filter_string='id = "live-1"',
    eval_project_name="evaluations",
    metrics=[Length()],
    trace_input_transform=lambda given: given["user"],
    trace_output_transform=lambda given: given["assistant"],
)
client.flush()
