"""OpenAI Agents with a session: `trace(group_id=…)`, or here `using_session`, is the conversation.

    pip install openai-agents openinference-instrumentation-openai-agents \
        opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python openai_agents.py
"""

from agents import Agent, OpenAIChatCompletionsModel, Runner, SQLiteSession, function_tool
from openai import AsyncOpenAI
from openinference.instrumentation import using_session
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


@function_tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
model = OpenAIChatCompletionsModel(model="gpt-4o-mini", openai_client=AsyncOpenAI())
agent = Agent(name="helper", model=model, tools=[get_weather])
for thread, texts in {
    "live-1": ["Hello there", "What is the weather in Paris?"],
    "live-2": ["Bonjour"],
}.items():
    memory = SQLiteSession(thread)
    for text in texts:
        with using_session(thread):
            Runner.run_sync(agent, text, session=memory)
provider.shutdown()
