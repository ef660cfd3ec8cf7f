"""A tracked OpenAI client: the thread id goes with each request.

pip install opik openai
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python openai_client.py
"""

import openai
import opik
from opik.integrations.openai import track_openai

client = track_openai(openai_client=openai.OpenAI())
for question in ("Hello there", "And again"):
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": question}],
        opik_args={"trace": {"thread_id": "live-1"}},
    )
opik.flush_tracker()
