"""The low-level client: a trace a turn, its thread id beside it; then what was stored, and a thumb.

pip install opik
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python client.py
"""

import opik

client = opik.Opik()
for question in ("Hello there", "And again"):
    trace = client.trace(name="chat", input={"user": question}, thread_id="live-1")
    span = trace.span(name="model", type="llm", model="gpt-4o-mini", provider="openai")
    span.end(usage={"prompt_tokens": 17, "completion_tokens": 11, "total_tokens": 28})
    trace.end(output={"assistant": f"You said: {question}"})
client.flush()

for found in client.search_traces(filter_string='thread_id starts_with "live"'):
    found = client.get_trace_content(found.id)
    print(found.thread_id, found.input, found.output)
client.log_threads_feedback_scores(
    [{"id": "live-1", "name": "quality", "value": 0.8, "reason": "short"}],
    project_name="Default Project",
)
client.flush()
