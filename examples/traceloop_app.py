"""An application that uses Traceloop, moved by one environment variable: where its spans go.

pip install traceloop-sdk openai
TRACELOOP_BASE_URL=http://127.0.0.1:4318 python traceloop_app.py
"""

from openai import OpenAI
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import workflow

Traceloop.init(app_name="chat", disable_batch=True, telemetry_enabled=False)
client = OpenAI()


@workflow(name="chat_turn")
def turn(history):
    return client.chat.completions.create(model="gpt-4o-mini", messages=history)


for thread, texts in {"live-1": ["Hello there", "And again"], "live-2": ["Bonjour"]}.items():
    Traceloop.set_association_properties({"session_id": thread})
    history = []
    for text in texts:
        history.append({"role": "user", "content": text})
        answer = turn(history).choices[0].message.content
        history.append({"role": "assistant", "content": answer})
