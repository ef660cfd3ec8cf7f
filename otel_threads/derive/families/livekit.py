"""LiveKit Agents: a trace a session, turns as subtrees, texts in `lk.*` (now `lk.pii.*`).

Source: github.com/livekit/agents, livekit/agents/telemetry/trace_types.py.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, number, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

# Speech to speech: the model hears and speaks, and no text goes in.
REALTIME = "realtime_assistant_turn"


def kind(span: Span) -> Kind | None:
    if not span.scope_name.startswith("livekit"):
        return None
    return {"function_tool": "tool", "agent_session": "chain", "agent_turn": "chain"}.get(span.name)  # type: ignore[return-value]


def inputs(span: Span) -> Messages:
    context = span.attributes.get("lk.pii.chat_ctx", span.attributes.get("lk.chat_ctx"))
    return messages.read(context)


def outputs(span: Span) -> Messages:
    has_context = "lk.pii.chat_ctx" in span.attributes or "lk.chat_ctx" in span.attributes
    if not has_context and span.name != REALTIME:
        return []
    text = span.attributes.get("lk.pii.response.text", span.attributes.get("lk.response.text"))
    return messages.read_text(text, "assistant") if isinstance(text, str) else []


def values(span: Span) -> Mapping[str, Any]:
    metrics = parse(span.attributes.get("lk.llm_metrics"))
    if isinstance(metrics, dict) and number(metrics.get("ttft")) is not None:
        return {"ttft_s": metrics["ttft"]}
    return {}


LIBRARY = Library(
    slug="livekit",
    title="LiveKit Agents",
    scopes=("livekit*",),
    packages=("livekit-agents",),
    language="python",
    thread_id="""\
with trace.get_tracer("my-app").start_as_current_span("conversation") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
    await session.start(agent)
""",
    arrives_as="gen_ai.conversation.id",
    content="on",
    note=(
        "A job with a room sends the room's id by itself. One trace is the whole "
        "session; its turns are its subtrees."
    ),
)

FAMILY = Family(
    name="livekit",
    source="livekit/agents, telemetry/trace_types.py",
    marks=("lk.",),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    values=values,
    names={
        "ttft_s": ("lk.response.ttft",),
        "tool_name": ("lk.function_tool.name",),
        "tool_arguments": ("lk.pii.function_tool.arguments", "lk.function_tool.arguments"),
        "tool_result": ("lk.pii.function_tool.output", "lk.function_tool.output"),
        "error_type": ("exception.type",),
        "error_message": ("exception.message",),
    },
    thread_ids=(ThreadId("livekit.session.id", ThreadIdRank.VENDOR),),
    user_texts=(
        Text("lk.pii.user_input", TextRank.RUN),
        Text("lk.user_input", TextRank.RUN),
        Text("lk.user_transcript", TextRank.RUN),
    ),
    assistant_texts=(
        Text("lk.pii.response.text", TextRank.RUN),
        Text("lk.response.text", TextRank.RUN),
    ),
    libraries=(LIBRARY,),
)
