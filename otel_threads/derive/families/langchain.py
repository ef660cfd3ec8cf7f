"""LangChain and LangGraph: what they add of their own to what others send for them.

Their messages come through instrumentations of others, which have families of their own.

Source: github.com/langchain-ai/langchain, github.com/langchain-ai/langgraph.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.library import Library

LIBRARY = Library(
    slug="langgraph",
    title="LangChain and LangGraph with OpenInference",
    scopes=(
        "openinference.instrumentation.langchain*",
        "@arizeai/openinference-instrumentation-langchain*",
    ),
    packages=(
        "openinference-instrumentation-langchain",
        "@arizeai/openinference-instrumentation-langchain",
    ),
    language="python",
    thread_id="""\
graph.invoke({"messages": messages}, config={"configurable": {"thread_id": chat_id}})
""",
    arrives_as="session.id",
    content="on",
    note=(
        'Without a checkpointer pass it as metadata: `config={"metadata": {"thread_id": chat_id}}`.'
    ),
)

FAMILY = Family(
    name="langchain",
    source="langchain-ai/langchain, langchain-ai/langgraph",
    metadata_noise=("langgraph_", "lc_", "checkpoint_ns"),
    tag_noise=("seq:step:", "graph:step:"),
    libraries=(LIBRARY,),
)
