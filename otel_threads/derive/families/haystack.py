"""Haystack's own tracing: components with JSON input and output.

Source: github.com/deepset-ai/haystack, haystack/tracing.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import api_usage, messages
from otel_threads.derive.family import Family, Kind, Messages, Usage, parse, total
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank

# Version 3: an agent's requests and tools are steps, with names of their own.
STEP = "haystack.agent.step."
STEP_KINDS: Mapping[str, Kind] = {f"{STEP}llm": "llm", f"{STEP}tool": "tool"}


def kind(span: Span) -> Kind | None:
    component = span.attributes.get("haystack.component.type")
    if isinstance(component, str):
        if component.endswith("Generator"):
            return "llm"
        return "retriever" if component.endswith("Retriever") else "chain"
    if found := STEP_KINDS.get(span.name):
        return found
    return "chain" if span.name.startswith("haystack.") else None


def _said(span: Span, side: str) -> Any:
    """Return a request's input or output, of a component or of an agent's step."""
    if not _generates(span):
        return None
    attributes = span.attributes
    return attributes.get(f"haystack.component.{side}", attributes.get(f"{STEP}llm.{side}"))


def inputs(span: Span) -> Messages:
    return messages.read(_said(span, "input"), role="user")


def outputs(span: Span) -> Messages:
    return messages.read(_said(span, "output"), role="assistant")


def usage(span: Span) -> Usage | None:
    output = parse(_said(span, "output"))
    replies = output.get("replies") if isinstance(output, dict) else None
    found = []
    for reply in replies if isinstance(replies, list) else []:
        meta = reply.get("meta", reply.get("_meta")) if isinstance(reply, dict) else None
        details = meta.get("usage") if isinstance(meta, dict) else None
        if (counted := api_usage.read(details)) is not None:
            found.append(counted)
    return total(found) or None


def _generates(span: Span) -> bool:
    return kind(span) == "llm"


def values(span: Span) -> Mapping[str, Any]:
    output = parse(_said(span, "output"))
    replies = output.get("replies") if isinstance(output, dict) else None
    first = replies[0] if isinstance(replies, list) and replies else None
    meta = first.get("meta", first.get("_meta")) if isinstance(first, dict) else None
    model = meta.get("model") if isinstance(meta, dict) else None
    return {"response_model": model} if isinstance(model, str) else {}


LIBRARY = Library(
    slug="haystack",
    title="Haystack",
    scopes=("haystack*",),
    packages=("haystack-ai",),
    language="python",
    thread_id="""\
with trace.get_tracer("my-app").start_as_current_span("chat turn") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
    pipeline.run({"messages": messages})
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
export HAYSTACK_CONTENT_TRACING_ENABLED=true
""",
)

FAMILY = Family(
    name="haystack",
    source="deepset-ai/haystack, haystack/tracing",
    marks=("haystack.component.", STEP),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={
        "tool_name": ("haystack.tool.name",),
        "tool_arguments": (f"{STEP}tool.input",),
        "tool_result": (f"{STEP}tool.output",),
    },
    user_texts=(Text("haystack.agent.input", TextRank.REQUEST),),
    assistant_texts=(Text("haystack.agent.output", TextRank.STATE),),
    shown_inputs=(Text("haystack.component.input", TextRank.STEP),),
    shown_outputs=(Text("haystack.component.output", TextRank.STEP),),
    libraries=(LIBRARY,),
)
