"""Semantic Kernel: OpenTelemetry's attributes; texts come as log records.

Source: github.com/microsoft/semantic-kernel.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.library import Library

LIBRARY = Library(
    slug="semantic-kernel",
    title="Semantic Kernel",
    scopes=("semantic_kernel*", "Microsoft.SemanticKernel*"),
    packages=("semantic-kernel",),
    language="python",
    thread_id="""\
with trace.get_tracer("my-app").start_as_current_span("chat turn") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
    await agent.get_response(messages=question, thread=thread)
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
export SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE=true
""",
    note=("The user's texts come as log records: export logs too (`OTEL_LOGS_EXPORTER=otlp`)."),
)

FAMILY = Family(
    name="semantic-kernel",
    source="microsoft/semantic-kernel",
    libraries=(LIBRARY,),
)
