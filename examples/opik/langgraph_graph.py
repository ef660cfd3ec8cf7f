"""LangGraph: its own thread_id is the thread.

pip install opik langgraph langchain-openai
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python langgraph_graph.py
"""

from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from opik.integrations.langchain import OpikTracer


def model(state):
    return {"messages": [ChatOpenAI(model="gpt-4o-mini").invoke(state["messages"])]}


graph = StateGraph(MessagesState)
graph.add_node("model", model)
graph.add_edge(START, "model")
tracer = OpikTracer()
config = {"callbacks": [tracer], "configurable": {"thread_id": "live-1"}}
for question in ("Hello there", "And again"):
    graph.compile().invoke({"messages": [{"role": "user", "content": question}]}, config=config)
tracer.flush()
