"""Decorated functions: each call is a turn of the thread that it names.

pip install opik
OPIK_URL_OVERRIDE=http://127.0.0.1:4320/api python decorator.py
"""

import opik
from opik import opik_context


@opik.track
def answer(question):
    return f"You said: {question}"


@opik.track
def answer_in(question, thread_id):
    opik_context.update_current_trace(thread_id=thread_id)
    return f"You said: {question}"


answer("Hello there", opik_args={"trace": {"thread_id": "live-1"}})
answer_in("And again", "live-1")
opik.flush_tracker()
