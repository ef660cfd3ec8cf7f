"""OpenTelemetry GenAI semantic conventions, every generation: attributes, span events, log records.

Source: open-telemetry/semantic-conventions-genai (2026), and open-telemetry/semantic-conventions
up to 1.36 for the older names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from otel_threads.core.model import LogRecord, Span
from otel_threads.derive import messages
from otel_threads.derive.family import Family, Kind, Message, Messages, Role, Usage, count, parse
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, TextRank, ThreadId, ThreadIdRank

OPERATIONS: Mapping[str, Kind] = {
    "chat": "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "completion": "llm",
    "generate_text": "llm",
    "fetch_response": "llm",
    "retrieve_response": "llm",
    "get_response": "llm",
    "embeddings": "embedding",
    "execute_tool": "tool",
    "retrieval": "retriever",
    "invoke_agent": "agent",
    "invoke_workflow": "chain",
    "chain": "chain",
    "agent_step": "chain",
    "execute_task": "chain",
    "execute_event_loop_cycle": "chain",
    "create_agent": "other",
    "plan": "other",
}
DETAILS = "gen_ai.client.inference.operation.details"
# Deprecated events, one a message, still the default of older packages.
MESSAGE_EVENTS: Mapping[str, Role] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE = "gen_ai.choice"
# Older still, one for the whole request and one for the answer: the event, and its attribute.
CONTENT_EVENTS: Mapping[str, tuple[str, Role]] = {
    "gen_ai.content.prompt": ("gen_ai.prompt", "user"),
    "gen_ai.content.completion": ("gen_ai.completion", "assistant"),
}
# Log records without a trace. A request is told in one, or in several that its answer ends.
ASKING = (*MESSAGE_EVENTS, "gen_ai.content.prompt")
ANSWERS = (CHOICE, "gen_ai.content.completion")
RESULT = "gen_ai.evaluation.result"
RECORDS: Mapping[str, Kind] = {
    DETAILS: "llm",
    **dict.fromkeys(ANSWERS, "llm"),
    **dict.fromkeys((*ASKING, RESULT), "event"),
}
ALONE = "otel_threads.log_record"  # the attribute of a span that is such a record
# Asking for the answer of a request that runs in the background; polling, mostly.
FETCHES = frozenset({"fetch_response", "retrieve_response", "get_response"})
MODALITIES = ("text", "image", "audio", "video", "document")
BY_MODALITY = [
    [f"gen_ai.usage.{modality}.{side}_tokens" for modality in MODALITIES]
    for side in ("input", "output")
]
ELIDED = "<elided>"  # what some libraries write where capture is off


def kind(span: Span) -> Kind | None:
    operation = span.attributes.get("gen_ai.operation.name")
    if not isinstance(operation, str):
        return RECORDS.get(span.name) if ALONE in span.attributes else None
    operation = operation.lower()
    return "other" if "memory" in operation else OPERATIONS.get(operation)


def inputs(span: Span) -> Messages:
    found = messages.read(span.attributes.get("gen_ai.input.messages"), role="user")
    found = found or _from_events(span, "gen_ai.input.messages", MESSAGE_EVENTS)
    found = found or messages.read(span.attributes.get("gen_ai.prompt"), role="user")
    return found or _referred(span, "gen_ai.input.messages_ref", "user")


def outputs(span: Span) -> Messages:
    found = messages.read(span.attributes.get("gen_ai.output.messages"), role="assistant")
    found = found or _from_events(span, "gen_ai.output.messages", {CHOICE: "assistant"})
    found = found or messages.read(span.attributes.get("gen_ai.completion"), role="assistant")
    # Whatever a sender calls it: what a model answered is the assistant's.
    found = [replace(one, role="assistant") if one.role == "system" else one for one in found]
    return found or _referred(span, "gen_ai.output.messages_ref", "assistant")


def _referred(span: Span, attribute: str, role: Role) -> Messages:
    """Return the address of messages that were uploaded elsewhere, in their place."""
    address = span.attributes.get(attribute)
    return messages.read_text(f"[messages at {address}]", role) if isinstance(address, str) else []


def record(told: LogRecord) -> Mapping[str, Any]:
    """Return the messages of a record whose body holds a whole request, whatever its event.

    AWS' distribution takes what was said off the spans, and puts it into records of theirs.
    """
    body = parse(told.body)
    if not isinstance(body, dict):
        return {}
    found = {}
    for side in ("input", "output"):
        said = body.get(side)
        if isinstance(said, dict) and isinstance(said.get("messages"), list):
            found[f"gen_ai.{side}.messages"] = said["messages"]
    return found


def system(span: Span) -> str | None:
    value = span.attributes.get("gen_ai.system_instructions")
    if value is None:
        value = next(
            (
                attributes["gen_ai.system_instructions"]
                for name, attributes, _ in _events(span)
                if name == DETAILS and "gen_ai.system_instructions" in attributes
            ),
            None,
        )
    if value is None:
        return None
    found = messages.read(value, role="system")
    return "\n".join(text for message in found if (text := message.text)) or None


def fetches(span: Span) -> bool:
    return span.attributes.get("gen_ai.operation.name") in FETCHES


def usage(span: Span) -> Usage | None:
    """Return the sums of tokens that are told by what they stand for: text, images, sound."""
    told = span.attributes
    sums = [
        [n for name in names if name in told and (n := count(told[name])) is not None]
        for names in BY_MODALITY
    ]
    if not any(sums):
        return None
    input_tokens, output_tokens = (sum(counts) if counts else None for counts in sums)
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens)


def _events(span: Span) -> Iterable[tuple[str, Mapping[str, Any], Any]]:
    """Yield name, attributes and body of the span's events and log records, oldest first."""
    records = span.logs
    if len(records) > 1:
        records = sorted(
            records, key=lambda record: (record.time_unix_nano, messages.as_json(record.body))
        )
    for event in span.events:
        if event.name.startswith("gen_ai."):
            yield event.name, event.attributes, None
    for record in records:
        yield record.event_name, record.attributes, record.body


def _from_events(span: Span, details_key: str, roles: Mapping[str, Role]) -> Messages:
    found: Messages = []
    for name, attributes, body in _events(span):
        if name == DETAILS:
            whole = messages.read(
                attributes.get(details_key), role="user" if "input" in details_key else "assistant"
            )
            if whole:
                return whole
        elif name in CONTENT_EVENTS:
            key, role = CONTENT_EVENTS[name]
            if (role == "user") == ("input" in details_key):
                found += messages.read(attributes.get(key), role=role)
        elif name in roles:
            found += _event_message(roles[name], attributes, parse(body))
    return found


def _event_message(role: Role, attributes: Mapping[str, Any], body: Any) -> list[Message]:
    if body is None:  # Azure's SDKs write what would be the body as JSON into an attribute
        body = parse(attributes.get("gen_ai.event.content"))
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if value != ELIDED}
        inner = body.get("message")
        if isinstance(inner, dict):
            return messages.read({"role": role, **inner})
        if isinstance(inner, str):
            return messages.read_text(inner, role)
        if not body.keys() & {"content", "tool_calls", "parts", "function_call"}:
            return []
        fields = {key: value for key, value in body.items() if key != "role"}
        if role == "tool" and "id" in fields:
            fields["tool_call_id"] = fields["id"]
        return messages.read({"role": role, **fields})
    if isinstance(body, str) and body and body != ELIDED:
        return messages.read_text(body, role)
    content = attributes.get("message", attributes.get("content"))
    if content is None or content == ELIDED:
        return []
    fields = {"role": role, "content": parse(content)}
    if "id" in attributes:
        fields["tool_call_id"] = attributes["id"]
    if "tool_calls" in attributes:
        fields["tool_calls"] = parse(attributes["tool_calls"])
    return messages.read(fields)


LIBRARY = Library(
    slug="otel-genai",
    title="OpenTelemetry GenAI instrumentation",
    scopes=(
        "opentelemetry.instrumentation.genai*",
        "opentelemetry.util.genai*",
        "opentelemetry.instrumentation.openai_v2*",
        "opentelemetry.instrumentation.google_genai*",
        "opentelemetry.instrumentation.vertexai*",
        "opentelemetry.instrumentation.openai_agents_v2*",
    ),
    packages=(
        "opentelemetry-instrumentation-genai-openai",
        "opentelemetry-instrumentation-genai-openai-agents",
        "opentelemetry-instrumentation-openai-v2",
    ),
    language="python",
    thread_id="""\
from opentelemetry import trace

with trace.get_tracer("my-app").start_as_current_span("chat turn") as span:
    span.set_attribute("gen_ai.conversation.id", chat_id)
    answer = client.chat.completions.create(model=model, messages=messages)
""",
    arrives_as="gen_ai.conversation.id",
    content="""\
export OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental
export OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only   # older packages: true
""",
    note=(
        "With `conversation=` of the OpenAI Responses API the id arrives by itself. "
        "`group_id` of OpenAI Agents is read by the genai packages and dropped by "
        "`-v2`."
    ),
)

FAMILY = Family(
    name="otel-genai",
    source="open-telemetry/semantic-conventions-genai, 2026; older names up to semconv 1.36",
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    system=system,
    usage=usage,
    fetches=fetches,
    names={
        "request_model": ("gen_ai.request.model",),
        "response_model": ("gen_ai.response.model",),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "response_id": ("gen_ai.response.id",),
        "request_id": ("gen_ai.request.id", "request_id"),
        "previous_response_id": (
            "gen_ai.request.previous_response.id",
            "gen_ai.request.previous_response_id",
            "openai.request.previous_response_id",
        ),
        "finish_reasons": ("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"),
        "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "total_tokens": ("gen_ai.usage.total_tokens",),
        "cache_read_tokens": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.input_cached_tokens",
            "gen_ai.usage.cache_read_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "gen_ai.usage.details.cache_read_input_tokens",
            "gen_ai.usage.details.cached_content_tokens",
            "gen_ai.usage.details.cached_tokens",
            "gen_ai.usage.cached_tokens",
            "gen_ai.usage.cached_input_tokens",
        ),
        "cache_write_tokens": (
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_write_input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache_write_tokens",
            "gen_ai.usage.cache_creation_tokens",
            "gen_ai.usage.input_cache_creation",
            "gen_ai.usage.details.cache_write_tokens",
            "gen_ai.usage.details.cache_creation_input_tokens",
        ),
        "reasoning_tokens": (
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.reasoning_output_tokens",
            "gen_ai.usage.output_reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "gen_ai.usage.details.thoughts_tokens",
        ),
        "input_audio_tokens": (
            "gen_ai.usage.audio.input_tokens",
            "gen_ai.usage.input_audio_tokens",
            "gen_ai.usage.details.input_audio_tokens",
            "gen_ai.usage.details.audio_prompt_tokens",
        ),
        "output_audio_tokens": (
            "gen_ai.usage.audio.output_tokens",
            "gen_ai.usage.output_audio_tokens",
            "gen_ai.usage.details.output_audio_tokens",
            "gen_ai.usage.details.audio_candidates_tokens",
        ),
        "ttft_s": (
            "gen_ai.response.time_to_first_chunk",
            "gen_ai.client.operation.time_to_first_chunk",
        ),
        "tool_name": ("gen_ai.tool.name",),
        "tool_call_id": ("gen_ai.tool.call.id",),
        "tool_arguments": ("gen_ai.tool.call.arguments",),
        "tool_result": ("gen_ai.tool.call.result",),
        "user_id": ("user.id", "enduser.id", "gen_ai.request.user", "gen_ai.user.id"),
        "error_type": ("error.type",),
        "error_message": ("error.message",),
        "agent_name": ("gen_ai.agent.name",),
        "environment": ("deployment.environment.name", "deployment.environment"),
    },
    thread_ids=(
        ThreadId("gen_ai.conversation.id", ThreadIdRank.CONVERSATION),
        ThreadId("gen_ai.session.id", ThreadIdRank.SESSION),  # proposed, never adopted; in use
    ),
    not_thread_ids={"thread.id": "OpenTelemetry means an operating-system thread by it"},
    user_texts=(
        Text("gen_ai.input.messages", TextRank.REQUEST),
        Text("gen_ai.prompt", TextRank.REQUEST),
    ),
    assistant_texts=(
        Text("gen_ai.output.messages", TextRank.REQUEST),
        Text("gen_ai.completion", TextRank.REQUEST),
    ),
    shown_inputs=(
        Text("gen_ai.input.messages", TextRank.REQUEST),
        Text("gen_ai.tool.call.arguments", TextRank.REQUEST),
        Text("gen_ai.prompt", TextRank.PLAIN),
    ),
    shown_outputs=(
        Text("gen_ai.output.messages", TextRank.REQUEST),
        Text("gen_ai.tool.call.result", TextRank.REQUEST),
        Text("gen_ai.completion", TextRank.PLAIN),
    ),
    resource_environments=("deployment.environment.name", "deployment.environment"),
    elided=(ELIDED,),
    log_events=("gen_ai.*",),
    record=record,
    alone_events=dict.fromkeys(RECORDS, ("gen_ai.conversation.id", "session.id")),
    asking_events=ASKING,
    answer_events=ANSWERS,
    libraries=(LIBRARY,),
)
