"""OpenLIT: OpenTelemetry's attributes with costs and a few of its own.

Source: github.com/openlit/openlit, sdk/python semantic conventions.
"""

from otel_threads.derive.family import Family
from otel_threads.derive.library import Library

LIBRARY = Library(
    slug="openlit",
    title="OpenLIT",
    scopes=("openlit*",),
    packages=("openlit",),
    language="python",
    thread_id="""\
with openlit.using_attributes({"session.id": chat_id, "user.id": user_id}):
    answer = client.chat.completions.create(model=model, messages=messages)
""",
    arrives_as="session.id",
    content="""\
openlit.init(capture_message_content=True)   # the default
""",
    note=(
        "OpenLIT's own `start_trace` span gets nothing; one span of the trace with the "
        "id is enough."
    ),
)

FAMILY = Family(
    name="openlit",
    source="openlit/openlit, sdk/python",
    names={
        "total_tokens": ("gen_ai.client.token.usage",),
        "cost_usd": ("gen_ai.usage.cost",),
        "ttft_s": ("gen_ai.server.time_to_first_token",),
    },
    libraries=(LIBRARY,),
)
