"""Fields of a run made of the attributes of an OTLP span, as LangSmith's own exporter writes them.

What other instrumentations write is shown by what every family knows of the span: its messages.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from otel_threads.core import record
from otel_threads.core.model import Span
from otel_threads.core.span import ListedSpan
from otel_threads.derive.conventions import CONVENTIONS
from otel_threads.derive.family import Message
from otel_threads.vendors.langsmith import texts

METADATA = "langsmith.metadata."
TAGS = "langsmith.span.tags"
# Where a whole input or output stands: of this exporter, of others, of other products' records.
INPUTS = (
    "gen_ai.prompt",
    "input.value",
    "traceloop.entity.input",
    "langfuse.observation.input",
    record.field("input"),
    "input",
)
OUTPUTS = (
    "gen_ai.completion",
    "output.value",
    "traceloop.entity.output",
    "langfuse.observation.output",
    record.field("output"),
    "output",
)


def span_of(span: ListedSpan) -> Span:
    """Return a listed span as the families read it."""
    return Span(
        project=span.project,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=span.name,
        start_unix_nano=span.start_time_unix_nano,
        end_unix_nano=span.end_time_unix_nano,
        status_code=span.status_code,
        status_message=span.status_message,
        service_name=None,
        scope_name=span.scope_name,
        scope_version="",
        attributes=span.attributes,
        resource={},
    )


def otlp_fields(span: ListedSpan) -> Mapping[str, str]:
    """Return the fields of a run, each as JSON text."""
    attributes = span.attributes
    metadata = _text(_metadata(attributes))
    found = {"extra": f'{{"metadata":{metadata}}}', "metadata": metadata}
    kind = attributes.get("langsmith.span.kind")
    if isinstance(kind, str):
        found["run_type"] = _text(kind)
    tags = attributes.get(TAGS)
    if isinstance(tags, str) and tags:
        found["tags"] = _text([tag.strip() for tag in tags.split(",")])
    inputs = _told(attributes, INPUTS, "input") or _messages(span, "inputs")
    outputs = _told(attributes, OUTPUTS, "output") or _messages(span, "outputs")
    if inputs is not None:
        found["inputs"] = inputs
    if outputs is not None:
        found["outputs"] = outputs
    return found


def _told(attributes: Mapping[str, Any], names: Sequence[str], key: str) -> str | None:
    """Return an attribute as the JSON text of an object: one that is none stands under `key`."""
    for name in names:
        told = attributes.get(name)
        if told is None:
            continue
        text = texts.sound(told) if isinstance(told, str) else _text(told)
        if text is not None and text.lstrip()[:1] == "{":
            return text
        return _text({key: told if text is None else orjson.loads(text)})
    return None


def _messages(span: ListedSpan, side: str) -> str | None:
    """Return what a model was sent, or its response, in OpenAI's shape; None of none."""
    bare = span_of(span)
    plan = CONVENTIONS.plan(bare)
    for read in getattr(plan, side):
        messages = [_message(one) for one in read(bare)]
        if not messages:
            continue
        if side == "inputs":
            return _text({"messages": messages})
        return _text({"choices": [{"index": i, "message": m} for i, m in enumerate(messages)]})
    return None


def _message(message: Message) -> Mapping[str, Any]:
    calls = [
        {
            "id": part.get("id"),
            "type": "function",
            "function": {"name": part.get("name"), "arguments": part.get("arguments")},
        }
        for part in message.of_type("tool_call")
    ]
    return {"role": message.role, "content": message.text} | (
        {"tool_calls": calls} if calls else {}
    )


def _metadata(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    found = {}
    for name, told in attributes.items():
        if name.startswith(METADATA):
            text = told if isinstance(told, str) else None
            parsed = texts.sound(text) if text and text[:1] in "{[" else None
            found[name.removeprefix(METADATA)] = orjson.loads(parsed) if parsed else told
    return found


_text = texts.written
