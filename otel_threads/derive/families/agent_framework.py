"""Microsoft Agent Framework: OpenTelemetry's attributes.

Source: github.com/microsoft/agent-framework.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.library import Library

LIBRARY = Library(
    slug="agent-framework",
    title="Microsoft Agent Framework",
    scopes=("agent_framework*", "Experimental.Microsoft.Agents*"),
    packages=("agent-framework",),
    language="python",
    thread_id="""\
with trace.get_tracer("my-app").start_as_current_span("chat turn") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
    await agent.run(question, session=session)
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
export ENABLE_SENSITIVE_DATA=true
""",
    note="Only service-managed threads carry an id by themselves.",
)

FAMILY = Family(
    name="agent-framework",
    source="microsoft/agent-framework",
    libraries=(LIBRARY,),
)
