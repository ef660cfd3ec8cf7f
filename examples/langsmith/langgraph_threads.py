"""LangGraph with a checkpointer: its `thread_id` is the thread.

pip install langgraph langchain-core langsmith
LANGSMITH_ENDPOINT=http://127.0.0.1:4320 LANGSMITH_API_KEY=any python langgraph_threads.py
"""

import os

os.environ.setdefault("LANGSMITH_ENDPOINT", "http://127.0.0.1:4320")
os.environ.setdefault("LANGSMITH_TRACING", "true")
os.environ.setdefault("LANGSMITH_API_KEY", "any")
os.environ.setdefault("LANGSMITH_PROJECT", "graph")

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.tracers.langchain import wait_for_all_tracers
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langsmith import Client

model = FakeListChatModel(responses=["It learns from examples.", "Spam filters."])
graph = StateGraph(MessagesState)
graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
graph.add_edge(START, "model")
bot = graph.compile(checkpointer=InMemorySaver())
config = {"configurable": {"thread_id": os.environ.get("THREAD_ID", "graph-1")}}

for question in ("What is machine learning?", "Can you give me an example?"):
    said = bot.invoke({"messages": [{"role": "user", "content": question}]}, config)
    print(f"{question}\n  {said['messages'][-1].content}")
wait_for_all_tracers()
for thread in Client().list_threads(project_name=os.environ["LANGSMITH_PROJECT"]):
    print(f"{thread['thread_id']}: {thread['count']} turns")
