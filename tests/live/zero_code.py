"""A program without a line of OpenTelemetry; run by `opentelemetry-instrument`."""

from openai import OpenAI

import otel_threads

client = OpenAI()
for chat, texts in {"live-1": ["Hello there", "And again"], "live-2": ["Bonjour"]}.items():
    history = []
    for text in texts:
        history.append({"role": "user", "content": text})
        with otel_threads.thread(chat):
            reply = client.chat.completions.create(model="gpt-4o-mini", messages=history)
        history.append({"role": "assistant", "content": reply.choices[0].message.content})
