"""OpenInference (Arize): LangChain, LlamaIndex, DSPy and friends through `openinference-*`.

Source: github.com/Arize-ai/openinference, spec/semantic_conventions.md.
"""

from typing import Any

from otel_threads.derive import messages
from otel_threads.derive.facts import Family, KindBy, Messages, parse
from otel_threads.model import Span


def inputs(span: Span) -> Messages:
    found = _flattened(span, "llm.input_messages")
    if any(message.parts for message in found):
        return found
    if span.attributes.get("openinference.span.kind") == "LLM":
        return messages.read(_whole(span, "input.value"), role="user")
    return []


def outputs(span: Span) -> Messages:
    found = _flattened(span, "llm.output_messages")
    if any(message.parts for message in found):
        return found
    if span.attributes.get("openinference.span.kind") == "LLM" and span.status_code != "error":
        return messages.read(_whole(span, "output.value"), role="assistant")
    return []


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


def _flattened(span: Span, prefix: str) -> Messages:
    found: Messages = []
    for item in messages.flattened(span.attributes, prefix):
        message = item.get("message")
        if not isinstance(message, dict):
            continue
        content: Any = message.get("content")
        if isinstance(message.get("contents"), dict):
            content = [
                part["message_content"]
                for part in messages.indexed(message["contents"])
                if isinstance(part, dict) and isinstance(part.get("message_content"), dict)
            ] or content
        calls = []
        if isinstance(message.get("tool_calls"), dict):
            for call in messages.indexed(message["tool_calls"]):
                if isinstance(call, dict) and isinstance(call.get("tool_call"), dict):
                    calls.append(call["tool_call"])
        found += messages.read(
            {
                "role": message.get("role") or "assistant",
                "content": content,
                "tool_calls": calls,
                "tool_call_id": message.get("tool_call_id"),
                "name": message.get("name"),
            }
        )
    return found


FAMILY = Family(
    name="openinference",
    source="Arize-ai/openinference, spec/semantic_conventions.md",
    marks=("openinference.span.kind", "llm."),
    kind=KindBy(
        "openinference.span.kind",
        {
            "llm": "llm",
            "embedding": "embedding",
            "chain": "chain",
            "retriever": "retriever",
            "reranker": "reranker",
            "tool": "tool",
            "agent": "agent",
            "guardrail": "guardrail",
            "evaluator": "evaluator",
            "prompt": "prompt",
        },
    ),
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
        "user_id": ("user.id",),
        "tags": ("tag.tags",),
        "agent_name": ("agent.name",),
    },
)
