"""Scores one conversation with metrics of another package through its adapter; prints JSON.

No metric asks a real model: they count, compare, or ask a client that answers by itself.
"""

import json
import sys
from types import SimpleNamespace

from otel_threads.evaluate.conversation import conversation_of_messages
from otel_threads.evaluate.scoring import Scorer, scores_of

CONVERSATION = conversation_of_messages(
    [
        {"role": "user", "content": "Where is order 4711?"},
        {"role": "assistant", "content": "It arrives on Monday."},
        {"role": "user", "content": "Thanks"},
        {"role": "assistant", "content": "You are welcome."},
    ],
    item_id="1",
    expected="You are welcome.",
    scenario="a late parcel",
)


def deepeval() -> list[Scorer]:
    from deepeval.metrics import BaseConversationalMetric, BaseMetric

    from otel_threads.scorers import from_deepeval

    class Turns(BaseConversationalMetric):
        threshold = 0.5

        def measure(self, case, *given, **named):
            self.score, self.reason = len(case.turns) / 10, case.scenario
            return self.score

        async def a_measure(self, case, *given, **named):
            return self.measure(case)

        def is_successful(self):
            return True

        @property
        def __name__(self):
            return "turns"

    class Last(BaseMetric):
        threshold = 0.5

        def measure(self, case, *given, **named):
            self.score, self.reason = float(case.actual_output == case.expected_output), case.input
            return self.score

        async def a_measure(self, case, *given, **named):
            return self.measure(case)

        def is_successful(self):
            return True

        @property
        def __name__(self):
            return "last"

    return [from_deepeval(Turns()), from_deepeval(Last())]


def opik() -> list[Scorer]:
    from opik.evaluation.metrics import Equals, score_result
    from opik.evaluation.metrics.conversation.conversation_thread_metric import (
        ConversationThreadMetric,
    )

    from otel_threads.scorers import from_opik

    class Turns(ConversationThreadMetric):
        def score(self, conversation, **ignored):
            said = conversation[0]["content"]
            return score_result.ScoreResult(
                name=self.name, value=len(conversation) / 10, reason=said
            )

    return [from_opik(Turns(name="turns", track=False)), from_opik(Equals(track=False))]


def mlflow() -> list[Scorer]:
    from mlflow.entities import Feedback
    from mlflow.genai.scorers import scorer

    from otel_threads.scorers import from_mlflow

    @scorer
    def exact(outputs, expectations):
        return outputs == expectations["expected_response"]

    @scorer
    def count(inputs):
        return Feedback(value=len(inputs["messages"]), rationale="so many")

    @scorer
    def verdict(outputs):
        return Feedback(value="yes", rationale="polite")

    return [from_mlflow(exact), from_mlflow(count), from_mlflow(verdict)]


def openevals() -> list[Scorer]:
    from openevals.exact import exact_match
    from openevals.llm import create_llm_as_judge

    from otel_threads.scorers import from_openevals

    class Model:
        """OpenAI's client, as far as openevals uses it: it says yes to whoever names a day."""

        class chat:
            class completions:
                @staticmethod
                def create(**given):
                    told = {"reasoning": "it names a day", "score": "Monday" in str(given)}
                    message = SimpleNamespace(content=json.dumps(told))
                    return SimpleNamespace(choices=[SimpleNamespace(message=message)])

    judge = create_llm_as_judge(
        prompt="Does it name a day? {outputs}", feedback_key="day", judge=Model(), model="fake"
    )
    return [from_openevals(exact_match, outputs="last"), from_openevals(judge, name="day")]


PACKAGES = {one.__name__: one for one in (deepeval, opik, mlflow, openevals)}

if __name__ == "__main__":
    found = {
        score.name: [score.value, score.category, score.reason]
        for scorer in PACKAGES[sys.argv[1]]()
        for score in scores_of(scorer(CONVERSATION), scorer.name)
    }
    print(json.dumps(found))
