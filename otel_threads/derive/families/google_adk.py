"""Google ADK: its legacy schema (`gcp.vertex.agent.*`); the new one is OpenTelemetry's.

Source: github.com/google/adk-python, src/google/adk/telemetry.
"""

from otel_threads.derive import messages
from otel_threads.derive.facts import Family, Kind, Messages
from otel_threads.model import Span

REQUEST, RESPONSE = "gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"


def kind(span: Span) -> Kind | None:
    return (
        "llm"
        if span.name == "call_llm"
        or (REQUEST in span.attributes and span.attributes[REQUEST] not in ("", "{}"))
        else None
    )


def inputs(span: Span) -> Messages:
    return messages.read(span.attributes.get(REQUEST), role="user")


def outputs(span: Span) -> Messages:
    return messages.read(span.attributes.get(RESPONSE), role="assistant")


FAMILY = Family(
    name="google-adk",
    source="google/adk-python, src/google/adk/telemetry",
    marks=("gcp.vertex.agent.",),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    names={
        "tool_arguments": ("gcp.vertex.agent.tool_call_args",),
        "tool_result": ("gcp.vertex.agent.tool_response",),
    },
)
