"""Spans that applications write by hand, with the names that people choose.

Also the last resort for a model request that no other family recognises: it names a model and
counts tokens, and is no agent.
"""

from otel_threads.core.model import Span
from otel_threads.derive.family import Family, Kind


def kind(span: Span) -> Kind | None:
    attributes = span.attributes
    if "gen_ai.request.model" in attributes and "gen_ai.agent.name" not in attributes:
        named = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "error.type")
        if span.status_code == "error" or any(key in attributes for key in named):
            return "llm"
    return None


FAMILY = Family(
    name="plain",
    source="hand-written spans",
    kind=kind,
    names={
        "user_id": ("user.id", "user_id", "userId"),
        "tags": ("otel_threads.tags", "tags"),
    },
)
