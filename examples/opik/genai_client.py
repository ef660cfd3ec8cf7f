"""A tracked Gemini client: the thread id goes with each request.

pip install opik google-genai
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python genai_client.py
"""

import opik
from google import genai
from opik.integrations.genai import track_genai

client = track_genai(genai.Client())
for question in ("Hello there", "And again"):
    client.models.generate_content(
        model="gemini-2.0-flash",
        contents=question,
        opik_args={"trace": {"thread_id": "live-1"}},
    )
opik.flush_tracker()
