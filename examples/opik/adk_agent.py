"""Google's Agent Development Kit: its session is the thread.

pip install opik google-adk==1.4.2
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python adk_agent.py
"""

import asyncio

import opik
from google.adk.agents import LlmAgent
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types
from opik.integrations.adk import OpikTracer, track_adk_agent_recursive

agent = LlmAgent(name="helper", model="gemini-2.0-flash", instruction="Help.")
tracer = OpikTracer()
track_adk_agent_recursive(agent, tracer)


async def main():
    sessions = InMemorySessionService()
    await sessions.create_session(app_name="chat", user_id="ann", session_id="live-1")
    runner = Runner(agent=agent, app_name="chat", session_service=sessions)
    for question in ("Hello there", "And again"):
        said = types.Content(role="user", parts=[types.Part(text=question)])
        async for _ in runner.run_async(user_id="ann", session_id="live-1", new_message=said):
            pass


asyncio.run(main())
tracer.flush()
opik.flush_tracker()
