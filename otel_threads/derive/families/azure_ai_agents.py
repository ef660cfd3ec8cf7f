"""Azure AI Agents: OpenTelemetry's attributes, and the service's own thread.

Source: learn.microsoft.com, tracing of Azure AI Foundry agents.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.ranks import ThreadId, ThreadIdRank

FAMILY = Family(
    name="azure-ai-agents",
    source="Azure AI Foundry, tracing of agents",
    thread_ids=(ThreadId("gen_ai.thread.id", ThreadIdRank.VENDOR),),
)
