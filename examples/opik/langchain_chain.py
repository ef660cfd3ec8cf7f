"""LangChain: the thread id at the tracer, or by metadata of a call.

pip install opik langchain-core langchain-openai
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python langchain_chain.py
"""

from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from opik.integrations.langchain import OpikTracer

chain = ChatPromptTemplate.from_messages([("user", "{input}")]) | ChatOpenAI(model="gpt-4o-mini")
tracer = OpikTracer(thread_id="live-1")
chain.invoke({"input": "Hello there"}, config={"callbacks": [tracer]})
other = OpikTracer()
metadata = {"thread_id": "live-1"}
chain.invoke({"input": "And again"}, config={"callbacks": [other], "metadata": metadata})
tracer.flush()
other.flush()
