"""A chat bot that reads its history back from the server: LangSmith's own program of its threads page.

pip install langsmith openai
LANGSMITH_ENDPOINT=http://127.0.0.1:4320 LANGSMITH_TRACING=true LANGSMITH_API_KEY=any python history.py
"""

import os

os.environ.setdefault("LANGSMITH_ENDPOINT", "http://127.0.0.1:4320")
os.environ.setdefault("LANGSMITH_TRACING", "true")
os.environ.setdefault("LANGSMITH_API_KEY", "any")

import langsmith as ls
import openai
from langsmith import Client, traceable
from langsmith.wrappers import wrap_openai

PROJECT = "project-with-threads"
THREAD_ID = os.environ.get("THREAD_ID", "thread-id-1")
MODEL = os.environ.get("MODEL", "gpt-4o-mini")

model = wrap_openai(openai.Client())
client = Client()
extra = {"project_name": PROJECT, "metadata": {"session_id": THREAD_ID}}


def history(thread_id: str, project: str) -> list:
    """Return what was said in a thread: the latest request, and its answer."""
    of_thread = (
        'and(in(metadata_key, ["session_id","conversation_id","thread_id"]),'
        f' eq(metadata_value, "{thread_id}"))'
    )
    runs = client.list_runs(project_name=project, filter=of_thread, run_type="llm")
    latest = max(runs, key=lambda run: run.start_time)
    return latest.inputs["messages"] + [latest.outputs["choices"][0]["message"]]


@traceable(name="Chat Bot", client=client)
def chat(messages: list, get_chat_history: bool = False) -> dict:
    if get_chat_history:
        run = ls.get_current_run_tree()
        messages = history(run.extra["metadata"]["session_id"], run.session_name) + messages
    answer = model.chat.completions.create(model=MODEL, messages=messages).choices[0].message
    return {"messages": [*messages, answer]}


def say(text: str, get_chat_history: bool) -> None:
    said = chat([{"role": "user", "content": text}], get_chat_history, langsmith_extra=extra)
    client.flush()
    print(f"{text}\n  {said['messages'][-1].content}")


say("Hi, my name is Sally", False)
say("What is my name?", True)
say("What was the first message I sent you?", True)
turns = list(client.list_runs(project_name=PROJECT, is_root=True))
print(f"{len(turns)} turns in {PROJECT}")
