"""Google ADK: its legacy schema (`gcp.vertex.agent.*`); the new one is OpenTelemetry's.

Source: github.com/google/adk-python, src/google/adk/telemetry.
"""

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Messages, Usage, count, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

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


def usage(span: Span) -> Usage | None:
    """Read the answer's own counts: before 2.0 the attributes have neither cached nor thoughts."""
    answer = parse(span.attributes.get(RESPONSE))
    counts = answer.get("usage_metadata") if isinstance(answer, dict) else None
    if not isinstance(counts, dict):
        return None
    return Usage(
        input_tokens=count(counts.get("prompt_token_count")),
        output_tokens=count(counts.get("candidates_token_count")),
        total_tokens=count(counts.get("total_token_count")),
        cache_read_tokens=count(counts.get("cached_content_token_count")),
        reasoning_tokens=count(counts.get("thoughts_token_count")),
    )


LIBRARY = Library(
    slug="google-adk",
    title="Google Agent Development Kit",
    scopes=("gcp.vertex.agent*",),
    packages=("google-adk",),
    language="python",
    thread_id="""\
async for event in runner.run_async(user_id=user_id, session_id=chat_id, new_message=message):
    ...
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
export OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_AND_EVENT
""",
    note=("The older telemetry schema writes `gcp.vertex.agent.session_id`, which is read too."),
)

FAMILY = Family(
    name="google-adk",
    source="google/adk-python, src/google/adk/telemetry",
    marks=("gcp.vertex.agent.",),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    names={
        "tool_arguments": ("gcp.vertex.agent.tool_call_args",),
        "tool_result": ("gcp.vertex.agent.tool_response",),
    },
    thread_ids=(ThreadId("gcp.vertex.agent.session_id", ThreadIdRank.VENDOR),),
    shown_inputs=(
        Text(REQUEST, TextRank.REQUEST),
        Text("gcp.vertex.agent.tool_call_args", TextRank.REQUEST),
    ),
    shown_outputs=(
        Text(RESPONSE, TextRank.REQUEST),
        Text("gcp.vertex.agent.tool_response", TextRank.REQUEST),
    ),
    libraries=(LIBRARY,),
)
