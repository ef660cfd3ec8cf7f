"""AutoGen: OpenTelemetry's attributes, without texts.

Source: github.com/microsoft/autogen.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.library import Library

LIBRARY = Library(
    slug="autogen",
    title="AutoGen",
    scopes=("autogen*",),
    packages=("autogen-agentchat",),
    language="python",
    thread_id="""\
with trace.get_tracer("my-app").start_as_current_span("chat turn") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
    await team.run(task=question)
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
OpenAIInstrumentor().instrument()   # AutoGen itself sends no texts; an instrumentation of the model client does
""",
)

FAMILY = Family(
    name="autogen",
    source="microsoft/autogen",
    libraries=(LIBRARY,),
)
