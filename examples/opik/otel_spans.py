"""A library with spans of OpenTelemetry inside of a tracked function: both are one trace.

pip install opik opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python otel_spans.py
"""

import os

import opik
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opik import opik_context
from opik.integrations.otel import OpikSpanProcessor

base = os.environ.get("OPIK_URL_OVERRIDE", "http://127.0.0.1:4320/api")
provider = TracerProvider()
provider.add_span_processor(OpikSpanProcessor())
provider.add_span_processor(
    BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/v1/private/otel/v1/traces"))
)
tracer = provider.get_tracer("a library")


@opik.track
def chat(question: str) -> str:
    """Answer as a library does that knows of OpenTelemetry alone."""
    opik_context.update_current_trace(thread_id="live-1")
    with tracer.start_as_current_span("chat gpt-4o-mini") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
        span.set_attribute("gen_ai.conversation.id", "the library's own")
        span.set_attribute("gen_ai.usage.input_tokens", 17)
        span.set_attribute("gen_ai.usage.output_tokens", 11)
    return f"You said: {question}"


for text in ("Hello there", "And again"):
    print(chat(text))
provider.force_flush()
opik.flush_tracker()
