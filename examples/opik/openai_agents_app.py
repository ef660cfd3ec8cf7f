"""OpenAI Agents: the group_id of their trace is the thread.

pip install opik openai-agents
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python openai_agents_app.py
"""

import asyncio

import opik
from agents import Agent, Runner, set_default_openai_api, set_trace_processors, trace
from opik.integrations.openai.agents import OpikTracingProcessor

set_default_openai_api("chat_completions")  # what most servers of models speak
set_trace_processors([OpikTracingProcessor()])
agent = Agent(name="Assistant", instructions="Help.", model="gpt-4o-mini")


async def main():
    for question in ("Hello there", "And again"):
        with trace(workflow_name="Agent Conversation", group_id="live-1"):
            await Runner.run(agent, question)


asyncio.run(main())
opik.flush_tracker()
