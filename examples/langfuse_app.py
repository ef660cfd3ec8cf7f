"""An application that uses Langfuse, moved by one environment variable: where its spans go.

    pip install langfuse openai
    LANGFUSE_BASE_URL=http://127.0.0.1:4318 python langfuse_app.py

The keys may be anything; with an ingest_token, the secret key is not it: Langfuse sends Basic
authentication, so leave the token off or put a Collector before the server.
"""

from langfuse import get_client, observe, propagate_attributes
from langfuse.openai import OpenAI

client = OpenAI()


@observe()
def turn(history):
    return client.chat.completions.create(model="gpt-4o-mini", messages=history)


for thread, texts in {"live-1": ["Hello there", "And again"], "live-2": ["Bonjour"]}.items():
    history = []
    for text in texts:
        history.append({"role": "user", "content": text})
        with propagate_attributes(session_id=thread):
            answer = turn(history).choices[0].message.content
        history.append({"role": "assistant", "content": answer})
get_client().flush()
