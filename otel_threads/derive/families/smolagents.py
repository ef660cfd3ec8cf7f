"""smolagents, through OpenInference: the template around a task, and the tool that ends a run.

Source: github.com/huggingface/smolagents, MultiStepAgent.
"""

from otel_threads.core.model import Span
from otel_threads.derive.family import Family

TASK = "New task:\n"  # before the person's words; a run that fails has no outer span


def unwrap(span: Span, prompt: str) -> str | None:
    if "smolagents" not in span.scope_name or not prompt.startswith(TASK):
        return None
    return prompt.removeprefix(TASK).strip()


FAMILY = Family(
    name="smolagents",
    source="huggingface/smolagents",
    unwrap=unwrap,
    final_tools=("final_answer",),
)
