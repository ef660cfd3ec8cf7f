"""Pipecat: a trace a call, turns as subtrees, texts in bare `input`, `output`, `transcript`.

Source: github.com/pipecat-ai/pipecat, src/pipecat/utils/tracing.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, number
from otel_threads.derive.library import Library

SCOPE = "pipecat"
KINDS: Mapping[str, Kind] = {
    "conversation": "chain",
    "turn": "chain",
    "llm": "llm",
    "stt": "other",
    "tts": "other",
}


def kind(span: Span) -> Kind | None:
    """Return what a span is by its name: speech to text has a model, too, and is no request."""
    return KINDS.get(span.name)


def inputs(span: Span) -> Messages:
    return messages.read(span.attributes.get("input"), role="user") if kind(span) == "llm" else []


def outputs(span: Span) -> Messages:
    if kind(span) != "llm":
        return []
    return messages.read(span.attributes.get("output"), role="assistant")


def values(span: Span) -> Mapping[str, Any]:
    return {"ttft_s": number(span.attributes.get("metrics.ttfb"))}


LIBRARY = Library(
    slug="pipecat",
    title="Pipecat",
    scopes=("pipecat*",),
    packages=("pipecat-ai",),
    language="python",
    thread_id="""\
task = PipelineTask(pipeline, enable_tracing=True, conversation_id=chat_id)
""",
    arrives_as="conversation.id",
    content="on",
)

FAMILY = Family(
    name="pipecat",
    source="pipecat-ai/pipecat, utils/tracing",
    marks=("input", "output", "metrics.ttfb"),
    scopes=(SCOPE,),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    values=values,
    libraries=(LIBRARY,),
)
