"""LiteLLM's otel callback, v1 and v2: costs beside OpenTelemetry's attributes.

Source: github.com/BerriAI/litellm, litellm/integrations/opentelemetry.py.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive.family import Family, Kind, number, parse
from otel_threads.derive.library import Library


def kind(span: Span) -> Kind | None:
    # The child repeats the request as Python reprs: not a second request.
    return "other" if span.name == "raw_gen_ai_request" else None


def values(span: Span) -> Mapping[str, Any]:
    hidden = parse(span.attributes.get("hidden_params"))
    cost = number(hidden.get("response_cost")) if isinstance(hidden, dict) else None
    return {"cost_usd": cost} if cost is not None else {}


LIBRARY = Library(
    slug="litellm",
    title="LiteLLM",
    scopes=("litellm*",),
    packages=("litellm",),
    language="python",
    thread_id="""\
litellm.completion(model=model, messages=messages, litellm_session_id=chat_id)   # callback "otel", version 2
""",
    arrives_as="gen_ai.conversation.id",
    content="on",
    note=(
        "The first `otel` callback drops the id. With it, open a span around the call "
        "and set `gen_ai.conversation.id` on it."
    ),
)

FAMILY = Family(
    name="litellm",
    source="BerriAI/litellm, integrations/opentelemetry.py",
    marks=("hidden_params",),
    kind=kind,
    values=values,
    names={
        "cost_usd": ("gen_ai.cost.total_cost", "litellm.cost.total"),
        "user_id": ("llm.user",),
        "error_type": ("error.code",),
    },
    libraries=(LIBRARY,),
)
