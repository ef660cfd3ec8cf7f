"""Strands Agents (AWS): messages as span events, which otel_genai.py reads, and its own timings.

Source: github.com/strands-agents/sdk-python, strands/telemetry/tracer.py.
"""

from collections.abc import Mapping
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages, parts
from otel_threads.derive.family import Family, count
from otel_threads.derive.library import Library


def values(span: Span) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    first = count(span.attributes.get("gen_ai.server.time_to_first_token"))
    if first is not None:
        found["ttft_ms"] = first  # milliseconds here, seconds in OpenLIT
    if span.attributes.get("gen_ai.operation.name") == "execute_tool":
        for event in span.events:
            if event.name == "gen_ai.tool.message":
                found["tool_arguments"] = event.attributes.get("content")
            elif event.name == "gen_ai.choice":
                found["tool_result"] = parts.result_value(event.attributes.get("message"))
    return found


def system(span: Span) -> str | None:
    found = messages.read(span.attributes.get("system_prompt"), role="system")
    return "\n".join(text for message in found if (text := message.text)) or None


LIBRARY = Library(
    slug="strands",
    title="Strands Agents",
    scopes=("strands*",),
    packages=("strands-agents",),
    language="python",
    thread_id="""\
agent = Agent(model=model, trace_attributes={"session.id": chat_id, "user.id": user_id})
""",
    arrives_as="session.id",
    content="on",
)

FAMILY = Family(
    name="strands",
    source="strands-agents/sdk-python, telemetry/tracer.py",
    marks=("gen_ai.",),
    scopes=("strands",),
    system=system,
    values=values,
    libraries=(LIBRARY,),
)
