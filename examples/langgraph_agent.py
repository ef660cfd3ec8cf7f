"""A LangGraph agent: `configurable.thread_id`, which its memory needs anyway, is the conversation.

    pip install langgraph langchain-openai opentelemetry-sdk opentelemetry-exporter-otlp-proto-http \
        openinference-instrumentation-langchain
    OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 python langgraph_agent.py
"""

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt import create_react_agent
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)
agent = create_react_agent(
    ChatOpenAI(model="gpt-4o-mini"), [get_weather], checkpointer=InMemorySaver()
)
for thread, texts in {
    "live-1": ["Hello there", "What is the weather in Paris?"],
    "live-2": ["Bonjour"],
}.items():
    for text in texts:
        agent.invoke(
            {"messages": [{"role": "user", "content": text}]},
            config={"configurable": {"thread_id": thread}},
        )
provider.shutdown()
