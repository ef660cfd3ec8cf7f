"""A chat loop with OpenAI's client: `otel_threads.thread` names the conversation once, for all spans.

    pip install otel-threads openai opentelemetry-instrumentation-genai-openai \
        opentelemetry-exporter-otlp-proto-http
    export OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only
    export OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python openai_chat.py
"""

from openai import OpenAI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import otel_threads

provider = TracerProvider()
provider.add_span_processor(otel_threads.ThreadSpanProcessor())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
client, tracer = OpenAI(), trace.get_tracer("my-app")


@otel_threads.thread(lambda chat_id, history: chat_id, tags=["example"])
def answer(chat_id, history):
    with tracer.start_as_current_span("chat turn"):
        reply = client.chat.completions.create(model="gpt-4o-mini", messages=history)
        otel_threads.score("answered", 1.0, as_event=True)
    return reply.choices[0].message.content


for thread, texts in {"live-1": ["Hello there", "And again"], "live-2": ["Bonjour"]}.items():
    history = []
    for text in texts:
        history.append({"role": "user", "content": text})
        history.append({"role": "assistant", "content": answer(thread, history)})
provider.shutdown()
