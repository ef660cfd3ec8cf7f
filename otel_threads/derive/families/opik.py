"""Opik: traces and spans of its SDK, folded from records; and its names on spans of OpenTelemetry.

A field of a record is an attribute with the field's JSON text (core/record.py). The trace itself is
a span, which tells the whole turn: its input is what was asked, its output what was answered.

Source: comet.com/docs/opik, sections "OpenTelemetry" and "Log traces"; SDK 2.2.122.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from otel_threads.core import record
from otel_threads.core.model import Span
from otel_threads.derive import messages
from otel_threads.derive.family import TELLS_TURN, Family, Kind, Messages, Usage, count, number
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import ThreadId, ThreadIdRank
from otel_threads.derive.record_texts import value_of, words

INPUT, OUTPUT, THREAD_ID = (record.field(name) for name in ("input", "output", "thread_id"))
KINDS: Mapping[str, Kind] = {
    "llm": "llm",
    "tool": "tool",
    "guardrail": "guardrail",
    "general": "chain",
}
PROMPT_TEMPLATE = "PromptTemplate"  # LangChain's, which the SDK sends as tools
# The provider's own numbers, which the SDK sends again beside its own: they are not added to these.
ORIGINAL = "original_usage."
# Of a provider's numbers the first that is there.
CACHE_READ = (
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "cache_read_input_tokens",
    "cached_content_token_count",
)
CACHE_WRITE = ("cache_creation_input_tokens",)
REASONING = (
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "thoughts_token_count",
)
INPUT_TOKENS = ("prompt_tokens", "input_tokens", "prompt_token_count")
OUTPUT_TOKENS = ("completion_tokens", "output_tokens", "candidates_token_count")
TOTAL_TOKENS = ("total_tokens", "total_token_count")


def _is_record(span: Span) -> bool:
    return span.attributes.get(record.VENDOR) == "opik"


def _field(span: Span, name: str) -> Any:
    return value_of(span.attributes.get(record.field(name)))


def kind(span: Span) -> Kind | None:
    if not _is_record(span):
        return None
    if span.attributes.get(record.ENTITY) == "trace":
        return "chain"
    told = _field(span, "type")
    if told == "tool" and span.name.endswith(PROMPT_TEMPLATE):
        return "prompt"
    return KINDS.get(told.lower(), "chain") if isinstance(told, str) else "chain"


def inputs(span: Span) -> Messages:
    if not _is_record(span):
        return []
    value = _field(span, "input")
    return messages.read(value) or messages.read(value, role="user")


def outputs(span: Span) -> Messages:
    return messages.read(_field(span, "output"), role="assistant") if _is_record(span) else []


def usage(span: Span) -> Usage | None:
    told = _field(span, "usage") if _is_record(span) else None
    if not isinstance(told, dict):
        return None

    def first(names: Sequence[str]) -> int | None:
        keys = (*names, *(ORIGINAL + name for name in names))
        return next((found for key in keys if (found := count(told.get(key))) is not None), None)

    return Usage(
        input_tokens=first(INPUT_TOKENS),
        output_tokens=first(OUTPUT_TOKENS),
        total_tokens=first(TOTAL_TOKENS),
        cache_read_tokens=first(CACHE_READ),
        cache_write_tokens=first(CACHE_WRITE),
        reasoning_tokens=first(REASONING),
    )


def values(span: Span) -> Mapping[str, Any]:
    if not _is_record(span):
        return {}
    found: dict[str, Any] = {"environment": _text(span, "environment")}
    if span.attributes.get(record.ENTITY) == "trace":
        tags = _field(span, "tags")
        found["tags"] = [tag for tag in tags if _is_text(tag)] if isinstance(tags, list) else None
        found["metadata"] = _field(span, "metadata")
        return {**found, **_turn(span)}
    found["request_model"] = _text(span, "model")
    found["provider"] = _text(span, "provider")
    found["cost_usd"] = number(_field(span, "total_estimated_cost"))
    found["ttft_ms"] = number(_field(span, "ttft"))
    if kind(span) == "tool":
        found["tool_name"] = span.name or None
        found["tool_arguments"] = _field(span, "input")
        found["tool_result"] = _field(span, "output")
    return found


def _turn(span: Span) -> Mapping[str, Any]:
    asked = words(span.attributes.get(INPUT), "user")
    answered = words(span.attributes.get(OUTPUT), "assistant")
    failed = span.status_code == "error"
    tells = asked is not None or answered is not None or failed
    return {TELLS_TURN: tells or None, "turn_user": asked, "turn_assistant": answered}


def _text(span: Span, name: str) -> str | None:
    value = _field(span, name)
    return value if _is_text(value) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _thread_id(span: Span, is_root: bool) -> Sequence[object]:
    del is_root
    return [_field(span, "thread_id")] if _is_record(span) else []


def _thread_source(span: Span) -> str | None:
    return "opik.thread_id" if _is_record(span) else None


LIBRARY = Library(
    slug="opik",
    title="Opik's SDK",
    scopes=("opik",),
    packages=("opik",),
    language="python",
    thread_id="""\
@opik.track
def chat(question): ...

chat(question, opik_args={"trace": {"thread_id": chat_id}})
""",
    arrives_as="opik.thread_id",
    content="on",
    note=(
        "Set `OPIK_URL_OVERRIDE` to this server's REST address with `/api` after it. Each trace is a "
        "turn: its input is the user's message, its output the assistant's. `client.trace(thread_id=…)` "
        "and `opik_context.update_current_trace(thread_id=…)` do the same."
    ),
)

FAMILY = Family(
    name="opik",
    source="comet-ml/opik, SDK and OpenTelemetry attributes",
    marks=("opik.", record.PREFIX),
    kind_marks=(record.VENDOR,),
    kind=kind,
    inputs=inputs,
    outputs=outputs,
    usage=usage,
    values=values,
    names={"tags": ("opik.tags",)},
    project_headers=("projectname",),
    thread_ids=(
        ThreadId("opik.thread_id", ThreadIdRank.VENDOR),
        # What a trace was given counts more than what spans of others within it say.
        ThreadId(THREAD_ID, ThreadIdRank.REPLACES, _thread_id, _thread_source),
    ),
    metadata_prefixes=("opik.metadata.",),
    metadata_noise=("_OPIK_", "_opik_"),
    libraries=(LIBRARY,),
)
