"""VoltAgent: an agent's run, its requests and tools, under names of its own.

Source: VoltAgent/voltagent, packages/core/src/agent/open-telemetry.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, parse

KINDS: Mapping[str, Kind] = {
    "llm": "llm",
    "summary": "llm",
    "tool": "tool",
    "agent": "agent",
    "retriever": "retriever",
    "vector": "retriever",
    "embedding": "embedding",
    "guardrail": "guardrail",
    "memory": "other",
    "middleware": "other",
    "workflow-step": "chain",
}
ENTITIES: Mapping[str, Kind] = {"agent": "agent", "workflow": "chain"}


def kind(span: Span) -> Kind | None:
    attributes = span.attributes
    if "entity.type" not in attributes:
        return None
    if "span.type" in attributes:
        return KINDS.get(str(attributes["span.type"]))
    return ENTITIES.get(str(attributes["entity.type"]))


def inputs(span: Span) -> Messages:
    if kind(span) != "llm":
        return []
    return messages.read(span.attributes.get("llm.messages"), role="user")


def outputs(span: Span) -> Messages:
    if kind(span) != "llm":
        return []
    return messages.read(span.attributes.get("output"), role="assistant")


def system(span: Span) -> str | None:
    told = span.attributes.get("agent.instructions") if kind(span) == "agent" else None
    return told if isinstance(told, str) and told else None


def values(span: Span) -> Mapping[str, Any]:
    if kind(span) != "tool":
        return {}
    attributes = span.attributes
    return {
        "tool_name": attributes.get("tool.name"),
        "tool_call_id": attributes.get("tool.call.id"),
        "tool_arguments": parse(attributes.get("tool.arguments", attributes.get("input"))),
        "tool_result": parse(attributes.get("tool.result", attributes.get("output"))),
    }


def _counts(name: str) -> tuple[str, str]:
    """Return where a count stands: on a request, and on the run of an agent."""
    return f"llm.usage.{name}", f"usage.{name}"


FAMILY = Family(
    name="voltagent",
    source="VoltAgent/voltagent, packages/core",
    marks=("entity.type",),
    kind_marks=("entity.type",),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    system=system,
    values=values,
    names={
        "request_model": ("llm.model", "ai.model.name"),
        "provider": ("llm.provider",),
        "finish_reasons": ("llm.finish_reason",),
        "input_tokens": _counts("prompt_tokens"),
        "output_tokens": _counts("completion_tokens"),
        "total_tokens": _counts("total_tokens"),
        "cache_read_tokens": _counts("cached_tokens"),
        "reasoning_tokens": _counts("reasoning_tokens"),
        "agent_name": ("entity.name",),
    },
)
