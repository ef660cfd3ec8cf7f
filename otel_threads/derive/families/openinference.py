"""OpenInference (Arize): LangChain, LlamaIndex, DSPy and friends through `openinference-*`.

Source: github.com/Arize-ai/openinference, spec/semantic_conventions.md.
"""

from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import SPAN_KINDS, Family, KindBy, Messages, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank


def inputs(span: Span) -> Messages:
    found = messages.read_flattened(span.attributes, "llm.input_messages")
    whole: Messages = []
    if span.attributes.get("openinference.span.kind") == "LLM" and _lacks_some(span, found):
        whole = messages.read(_whole(span, "input.value"), role="user")
    return whole if len(whole) > len(found) else found


def _lacks_some(span: Span, found: Messages) -> bool:
    """Whether messages have no readable content here: LangChain.js leaves out what is no text."""
    return f"llm.input_messages.{len(found)}.message.role" in span.attributes or not found


def outputs(span: Span) -> Messages:
    found = messages.read_flattened(span.attributes, "llm.output_messages")
    whole: Messages = []
    may = span.attributes.get("openinference.span.kind") == "LLM" and span.status_code != "error"
    if may and (not found or _lacks_ids(found)):
        whole = messages.read(_whole(span, "output.value"), role="assistant")
    return whole if whole and len(whole) >= len(found) else found


def _lacks_ids(found: Messages) -> bool:
    """Whether calls have no id here: LangChain.js writes none, its whole answer has them."""
    return any(not call["id"] for message in found for call in message.of_type("tool_call"))


def _whole(span: Span, key: str) -> Any:
    """Return a JSON request or response; a text only when the span says that it is plain."""
    value = span.attributes.get(key)
    parsed = parse(value)
    if isinstance(parsed, str) and span.attributes.get(key.replace("value", "mime_type")) not in (
        None,
        "text/plain",
    ):
        return None
    return parsed


LIBRARY = Library(
    slug="openinference",
    title="OpenInference (Arize Phoenix)",
    scopes=("openinference.instrumentation*", "@arizeai/openinference-instrumentation*"),
    packages=(
        "openinference-instrumentation-openai",
        "openinference-instrumentation-anthropic",
        "openinference-instrumentation-llama-index",
        "openinference-instrumentation-openai-agents",
    ),
    language="python",
    thread_id="""\
from openinference.instrumentation import using_session

with using_session(chat_id):
    answer = client.chat.completions.create(model=model, messages=messages)
""",
    arrives_as="session.id",
    content="on",
    note=(
        "Spans that you open yourself do not get the id; one span of the trace with it "
        "is enough. `OPENINFERENCE_HIDE_INPUTS` and `OPENINFERENCE_HIDE_OUTPUTS` turn "
        "the texts off. `group_id` of OpenAI Agents is not exported."
    ),
)

FAMILY = Family(
    name="openinference",
    source="Arize-ai/openinference, spec/semantic_conventions.md",
    marks=("openinference.span.kind", "llm."),
    kind=KindBy("openinference.span.kind", SPAN_KINDS),
    inputs=inputs,
    outputs=outputs,
    names={
        "response_model": ("llm.model_name",),
        "provider": ("llm.provider", "llm.system"),
        "finish_reasons": ("llm.finish_reason",),
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "total_tokens": ("llm.token_count.total",),
        "cache_read_tokens": ("llm.token_count.prompt_details.cache_read",),
        "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
        "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
        "input_audio_tokens": ("llm.token_count.prompt_details.audio",),
        "output_audio_tokens": ("llm.token_count.completion_details.audio",),
        "cost_usd": ("llm.cost.total",),
        "tool_name": ("tool.name",),
        "tool_call_id": ("tool_call.id", "tool.id"),
        "span_input": ("input.value",),
        "span_output": ("output.value",),
        "user_id": ("user.id",),
        "tags": ("tag.tags",),
        "agent_name": ("agent.name",),
    },
    resource_projects=("openinference.project.name",),
    thread_ids=(ThreadId("session.id", ThreadIdRank.SESSION),),
    user_texts=(Text("input.value", TextRank.SPAN, mime_type="input.mime_type"),),
    assistant_texts=(Text("output.value", TextRank.SPAN, mime_type="output.mime_type"),),
    shown_inputs=(
        Text("input.value", TextRank.SPAN),
        Text("llm.input_messages.", TextRank.REQUEST),
    ),
    shown_outputs=(
        Text("output.value", TextRank.SPAN),
        Text("llm.output_messages.", TextRank.REQUEST),
    ),
    first_token_events=("First Token Stream Event",),
    libraries=(LIBRARY,),
)
