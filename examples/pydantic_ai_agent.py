"""A Pydantic AI agent: `conversation_id` of a run is the conversation.

pip install 'pydantic-ai-slim[openai]' opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python pydantic_ai_agent.py
"""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
agent = Agent(OpenAIChatModel("gpt-4o-mini"), name="helper")
Agent.instrument_all(InstrumentationSettings(tracer_provider=provider))


@agent.tool_plain
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


for thread, texts in {
    "live-1": ["Hello there", "What is the weather in Paris?"],
    "live-2": ["Bonjour"],
}.items():
    history = None
    for text in texts:
        result = agent.run_sync(text, message_history=history, conversation_id=thread)
        history = result.all_messages()
provider.shutdown()
