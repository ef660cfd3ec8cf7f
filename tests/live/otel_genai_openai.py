from openai import OpenAI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
client, tracer = OpenAI(), trace.get_tracer("my-app")
for thread, texts in {"live-1": ["Hello there", "And again"], "live-2": ["Bonjour"]}.items():
    history = []
    for text in texts:
        history.append({"role": "user", "content": text})
        with tracer.start_as_current_span("chat turn") as span:
            span.set_attribute("gen_ai.conversation.id", thread)
            answer = client.chat.completions.create(model="gpt-4o-mini", messages=history)
        history.append({"role": "assistant", "content": answer.choices[0].message.content})
provider.shutdown()
