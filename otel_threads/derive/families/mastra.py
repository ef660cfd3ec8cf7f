"""Mastra: a step of a model with its texts around OpenTelemetry's request, which has the tokens.

Source: github.com/mastra-ai/mastra, observability/otel-exporter.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, KindBy, Messages, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank

TYPE = "mastra.span.type"
INPUT, OUTPUT = "mastra.model_step.input", "mastra.model_step.output"
# What a step's history has in place of tool calls and their results.
ELIDED = ("[tool: ", "[tool-result: ")


def inputs(span: Span) -> Messages:
    if span.attributes.get(TYPE) != "model_step":
        return []
    found = messages.read(span.attributes.get(INPUT), role="user")
    return [message for message in found if not _is_elided(message.parts)]


def _is_elided(parts: list[dict[str, Any]]) -> bool:
    words = [part.get("text", part.get("result")) for part in parts]
    return all(isinstance(text, str) and text.startswith(ELIDED) for text in words)


def outputs(span: Span) -> Messages:
    answer = (
        parse(span.attributes.get(OUTPUT)) if span.attributes.get(TYPE) == "model_step" else None
    )
    if not isinstance(answer, dict):
        return []
    calls = answer.get("toolCalls")
    parts: list[dict[str, Any]] = [{"type": "text", "text": answer.get("text")}]
    if isinstance(calls, list):
        parts += [{**call, "type": "tool-call"} for call in calls if isinstance(call, dict)]
    return messages.read({"role": "assistant", "content": parts})


def values(span: Span) -> Mapping[str, Any]:
    """Return the provider alone: Mastra writes the AI SDK's `openai.chat`."""
    named = span.attributes.get("gen_ai.provider.name")
    if TYPE not in span.attributes or not isinstance(named, str):
        return {}
    return {"provider": named.partition(".")[0]}


LIBRARY = Library(
    slug="mastra",
    title="Mastra",
    scopes=("@mastra/*",),
    packages=("@mastra/core", "@mastra/otel-exporter"),
    language="javascript",
    thread_id="""\
await agent.generate(messages, { tracingOptions: { metadata: { threadId: chatId } } });
""",
    arrives_as="gen_ai.conversation.id",
    content="on",
    note="With Mastra's memory its thread is the id, and nothing has to be written.",
)

FAMILY = Family(
    name="mastra",
    source="mastra-ai/mastra, observability/otel-exporter",
    marks=("mastra.",),
    kind=KindBy(
        TYPE,
        {
            "agent_run": "agent",
            "workflow_run": "chain",
            "workflow_step": "chain",
            "model_generation": "chain",
            "model_step": "llm",
            "model_chunk": "other",
            "tool_call": "tool",
            "mcp_tool_call": "tool",
        },
    ),
    inputs=inputs,
    outputs=outputs,
    values=values,
    names={"user_id": ("mastra.metadata.userId", "mastra.metadata.resourceId")},
    user_texts=(
        Text("mastra.agent_run.input", TextRank.STEP),
        Text("mastra.workflow_run.input", TextRank.STEP),
    ),
    assistant_texts=(
        Text("mastra.agent_run.output", TextRank.STEP),
        Text("mastra.workflow_run.output", TextRank.STEP),
    ),
    libraries=(LIBRARY,),
)
