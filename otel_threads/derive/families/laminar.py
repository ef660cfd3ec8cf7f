"""Laminar (lmnr): its own span types and inputs; messages are OpenTelemetry's attributes.

Source: github.com/lmnr-ai/lmnr-python.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive.family import Family, KindBy, parse


def values(span: Span) -> Mapping[str, Any]:
    if str(span.attributes.get("lmnr.span.type", "")).upper() != "TOOL":
        return {}
    return {
        "tool_name": span.name,
        "tool_arguments": parse(span.attributes.get("lmnr.span.input")),
        "tool_result": span.attributes.get("lmnr.span.output"),
    }


FAMILY = Family(
    name="laminar",
    source="lmnr-ai/lmnr-python",
    marks=("lmnr.span.",),
    kind=KindBy(
        "lmnr.span.type",
        {"llm": "llm", "tool": "tool", "default": "chain", "evaluator": "evaluator"},
    ),
    values=values,
    names={"user_id": ("lmnr.association.properties.user_id",)},
)
