"""The Anthropic SDK's own spans: OpenTelemetry's attributes, without texts.

Source: github.com/anthropics/anthropic-sdk-python.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.library import Library

LIBRARY = Library(
    slug="anthropic-sdk",
    title="Anthropic SDK's own spans",
    scopes=("com.anthropic.sdk*",),
    packages=("anthropic",),
    language="python",
    thread_id="""\
with trace.get_tracer("my-app").start_as_current_span("chat turn") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
    client.messages.create(model=model, max_tokens=1024, messages=messages)
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
AnthropicInstrumentor().instrument()   # the SDK sends no texts; OpenInference's or OpenTelemetry's instrumentation does
""",
    note=(
        "Beside another instrumentation each request is reported twice. It is counted once here."
    ),
)

FAMILY = Family(
    name="anthropic-sdk",
    source="anthropics/anthropic-sdk-python",
    libraries=(LIBRARY,),
)
