"""Azure AI Agents: OpenTelemetry's attributes, and the service's own thread.

Source: learn.microsoft.com, tracing of Azure AI Foundry agents.
"""

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, parse
from otel_threads.derive.ranks import ThreadId, ThreadIdRank

# A run of the service asks the model and its tools; the message that it answers was created before.
KINDS: dict[str, Kind] = {
    "create_message": "prompt",
    "process_thread_run": "llm",
    "list_messages": "other",
    "start_thread_run": "other",
    "get_thread_run": "other",
    "submit_tool_outputs": "other",
    "create_thread": "other",
}


def kind(span: Span) -> Kind | None:
    """Return what an operation of the service is: its runs are the requests."""
    if not str(span.attributes.get("gen_ai.system", "")).startswith("az.ai"):
        return None
    return KINDS.get(str(span.attributes.get("gen_ai.operation.name")))


def outputs(span: Span) -> Messages:
    """Return what a run's assistant wrote: events, as the history of other requests is."""
    if kind(span) != "llm":
        return []
    found: Messages = []
    for event in span.events:
        if event.name == "gen_ai.assistant.message":
            content = parse(event.attributes.get("gen_ai.event.content"))
            found += messages.read(content, role="assistant")
    return found


FAMILY = Family(
    name="azure-ai-agents",
    source="Azure AI Foundry, tracing of agents",
    marks=("gen_ai.thread.",),
    kind_marks=("gen_ai.system",),
    kind=kind,
    outputs=outputs,
    thread_ids=(ThreadId("gen_ai.thread.id", ThreadIdRank.VENDOR),),
)
