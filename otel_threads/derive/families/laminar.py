"""Laminar (lmnr): its own span types and inputs; messages are OpenTelemetry's attributes.

Source: github.com/lmnr-ai/lmnr-python.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive.family import Family, KindBy, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank


def values(span: Span) -> Mapping[str, Any]:
    if str(span.attributes.get("lmnr.span.type", "")).upper() != "TOOL":
        return {}
    return {
        "tool_name": span.name,
        "tool_arguments": parse(span.attributes.get("lmnr.span.input")),
        "tool_result": span.attributes.get("lmnr.span.output"),
    }


LIBRARY = Library(
    slug="laminar",
    title="Laminar",
    scopes=("lmnr*",),
    packages=("lmnr",),
    language="python",
    thread_id="""\
Laminar.set_trace_session_id(chat_id)   # inside a span
""",
    arrives_as="lmnr.association.properties.session_id",
    content="on",
)

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
    thread_ids=(ThreadId("lmnr.association.properties.session_id", ThreadIdRank.ASSOCIATED),),
    user_texts=(Text("lmnr.span.input", TextRank.SPAN),),
    assistant_texts=(Text("lmnr.span.output", TextRank.SPAN),),
    shown_inputs=(Text("lmnr.span.input", TextRank.SPAN),),
    shown_outputs=(Text("lmnr.span.output", TextRank.SPAN),),
    metadata_prefixes=("lmnr.association.properties.metadata.",),
    libraries=(LIBRARY,),
)
