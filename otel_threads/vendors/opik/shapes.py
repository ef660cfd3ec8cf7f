"""Traces, spans, threads, scores and comments in the shapes that Opik's SDK reads.

Each function returns a dictionary for `orjson.dumps`; what is null may be left out.
Source: comet-ml/opik, REST API reference, "Traces", "Spans".
"""

import datetime
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from otel_threads import unix_nano
from otel_threads.core import record
from otel_threads.core.content import SpanContent, ThreadContent, TraceContent
from otel_threads.core.score import Comment, ScoreRecord
from otel_threads.core.span import Span
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace
from otel_threads.core.usage import Usage
from otel_threads.derive.span_payload import Side
from otel_threads.vendors import ids
from otel_threads.vendors.opik import record_fields as fields
from otel_threads.vendors.opik.record_fields import Body
from otel_threads.vendors.opik.records import PARENT_ATTRIBUTE, SPAN_ATTRIBUTE

USER = "admin"  # who acts where nobody says: Opik without accounts has one user of this name
TRACE_NAMES = tuple(
    record.field(name)
    for name in ("usage", "type", "provider", "total_estimated_cost", "error_info")
)
_SOURCES = {"ui": "ui", "sdk": "sdk", "online": "online_scoring"}
_SPAN_TYPES = ("llm", "tool", "guardrail")
_USAGE = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "total_tokens": "total_tokens",
}


def time_text(time: datetime.datetime | None) -> str | None:
    """Return a time in RFC 3339, in UTC, to the microsecond."""
    if time is None:
        return None
    return time.astimezone(datetime.UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def nano_text(nanos: int | None) -> str | None:
    """As `time_text`, of nanoseconds since 1970."""
    if nanos is None:
        return None
    return time_text(unix_nano.time_of(nanos))


def trace(content: TraceContent, *, truncate: bool) -> Body:
    """Return a TracePublic."""
    one, root = content.trace, content.root
    spans = [span for span in content.spans if not fields.is_record(span, "trace")]
    own = root if fields.is_record(root, "trace") else None
    return {
        "id": ids.trace_uuid_of(one.trace_id),
        "project_id": ids.project_uuid_of(one.project),
        "name": one.name,
        **_times(one, own),
        **_sides(content, truncate=truncate),
        "metadata": fields.shown(_metadata(one, own), truncate=truncate),
        "tags": _tags(content, own) or None,
        "error_info": _trace_error(content.spans, own),
        "usage": _usage(one, spans) or None,
        **_stamps(one, own),
        **_said(content),
        "total_estimated_cost": _cost(one, spans) or None,
        **_counts(spans),
        "ttft": fields.number_of(own, "ttft") if own else None,
        "thread_id": one.thread_id or (one.thread_ids[0] if one.thread_ids else None),
        "visibility_mode": "default",
        "providers": _providers(one, spans),
        "source": (fields.string_of(own, "source") if own else None) or "sdk",
        "environment": _environment(one, own),
    }


def _said(content: TraceContent) -> Body:
    own = [score for score in content.scores if score.span_id is None]
    return {
        "feedback_scores": scores(own) or None,
        "span_feedback_scores": span_means(content.scores) or None,
        "comments": [comment(c) for c in content.comments if c.span_id is None] or None,
    }


def _counts(spans: Sequence[Span]) -> Body:
    types = [_span_type(span) for span in spans]
    return {
        "span_count": len(spans),
        "llm_span_count": types.count("llm"),
        "has_tool_spans": "tool" in types,
    }


def _times(one: Trace, own: Span | None) -> Body:
    start, end = one.start_time, one.end_time
    if own is None:
        return {
            "start_time": time_text(start),
            "end_time": time_text(end),
            "duration": one.duration_ms,
        }
    return _span_times(own)


def _span_times(span: Span) -> Body:
    running = span.attributes.get(record.IN_PROGRESS) is True
    return {
        "start_time": nano_text(span.start_time_unix_nano),
        "end_time": None if running else nano_text(span.end_time_unix_nano),
        "duration": None if running else _duration_ms(span),
    }


def _duration_ms(span: Span) -> float:
    # To the microsecond, as the SDK sent both.
    return (span.end_time_unix_nano // 1000 - span.start_time_unix_nano // 1000) / 1000


def sides(content: TraceContent) -> Mapping[str, str | None]:
    """Return input and output of a trace as JSON text."""
    one, root = content.trace, content.root
    said: Mapping[Side, str | None] = {"input": None, "output": None}
    if not fields.is_record(root, "trace"):
        said = {"input": _as_question(one.first_message), "output": _as_answer(one.last_message)}
    return {
        side: (fields.side_of(root, side) if root else None) or text for side, text in said.items()
    }


def _sides(content: TraceContent, *, truncate: bool) -> Body:
    return {side: fields.shown(text, truncate=truncate) for side, text in sides(content).items()}


def _as_question(text: str | None) -> str | None:
    """Return what a conversation of OTLP shows as its input, as JSON text."""
    if text is None:
        return None
    return orjson.dumps({"messages": [{"role": "user", "content": text}]}).decode()


def _as_answer(text: str | None) -> str | None:
    return None if text is None else orjson.dumps({"output": text}).decode()


def _metadata(one: Trace, own: Span | None) -> str | None:
    if own is not None:
        return fields.text_of(own, "metadata")
    return orjson.dumps(one.metadata).decode() if one.metadata else None


def _tags(content: TraceContent, own: Span | None) -> list[str]:
    """Return a trace's own tags in their order, as people changed them; not those of its spans."""
    if own is None:
        return content.trace.tags
    given = [*(fields.texts_of(own, "tags") or []), *content.tags.added]
    return [tag for tag in dict.fromkeys(given) if tag not in content.tags.removed]


def _trace_error(spans: Sequence[Span], own: Span | None) -> Any:
    if own is not None:
        return fields.shown(fields.text_of(own, "error_info"), truncate=False)
    failed = [span for span in spans if span.status_code == "error"]
    return _error(failed[-1]) if failed else None


def _error(span: Span) -> Body:
    raised = next((e.attributes for e in span.events if e.name == "exception"), {})
    return {
        "exception_type": str(raised.get("exception.type") or "Error"),
        "message": str(raised.get("exception.message") or span.status_message or ""),
        "traceback": str(raised.get("exception.stacktrace") or ""),
    }


def _usage(one: Trace, spans: Sequence[Span]) -> dict[str, int]:
    """Return tokens: of records the sum of each key that they name, of OTLP what was counted."""
    found: dict[str, int] = {}
    for span in spans:
        for name, count in fields.integers_of(span, "usage").items():
            found[name] = found.get(name, 0) + count
    return found or tokens(one.usage)


def tokens(usage: Usage) -> dict[str, int]:
    """Return counted tokens under Opik's names; what is unknown is left out."""
    counts = {name: getattr(usage, ours) for name, ours in _USAGE.items()}
    return {name: count for name, count in counts.items() if count is not None}


def _cost(one: Trace, spans: Sequence[Span]) -> float | None:
    given = [fields.number_of(span, "total_estimated_cost") for span in spans]
    known = [cost for cost in given if cost is not None]
    return sum(known) if known and len(known) == sum(map(_is_llm, spans)) else one.cost_usd


def _is_llm(span: Span) -> bool:
    return _span_type(span) == "llm"


def _providers(one: Trace, spans: Sequence[Span]) -> list[str]:
    named = {fields.string_of(span, "provider") for span in spans}
    return sorted(name for name in named if name) or sorted(one.providers)


def _environment(one: Trace, own: Span | None) -> str | None:
    named = fields.string_of(own, "environment") if own else None
    return named or (one.environments[0] if one.environments else None)


def _stamps(one: Trace | Thread, own: Span | None) -> Body:
    created = fields.unix_nano_of(own, record.CREATED) if own else None
    updated = fields.unix_nano_of(own, record.UPDATED) if own else None
    return {
        "created_at": nano_text(created) or time_text(one.created_at),
        "last_updated_at": nano_text(updated) or time_text(one.updated_at),
        "created_by": USER,
        "last_updated_by": USER,
    }


def _span_type(span: Span) -> str:
    if fields.is_record(span, "span"):
        named = fields.string_of(span, "type")
        return named if named in _SPAN_TYPES else "general"
    return span.type if span.type in _SPAN_TYPES else "general"


def span_uuid(span: Span) -> str:
    """Return a span's UUID: the one that an SDK gave it, else the one that its id makes."""
    for name in (record.ID, SPAN_ATTRIBUTE):
        if given := ids.uuid_text(span.attributes.get(name)):
            return given
    return ids.span_uuid_of(span.span_id)


def _parent_uuid(content: SpanContent) -> str | None:
    span, above = content.span, content.parent
    if fields.is_record(span, "span"):
        return fields.string_of(span, "parent_span_id")
    if given := ids.uuid_text(span.attributes.get(PARENT_ATTRIBUTE)):
        return given
    if above is not None and not fields.is_record(above, "trace"):
        return span_uuid(above)
    # The span of a whole trace of records is no span to Opik.
    is_root = span.parent_span_id in (None, "", span.trace_id[16:])
    return None if is_root else ids.span_uuid_of(span.parent_span_id or "")


def span(content: SpanContent, *, truncate: bool) -> Body:
    """Return a SpanPublic."""
    one = content.span
    more = _record_span(one) if fields.is_record(one, "span") else _otlp_span(one)
    metadata = more.pop("metadata")
    return {
        "id": span_uuid(one),
        "project_id": ids.project_uuid_of(one.project),
        "trace_id": ids.trace_uuid_of(one.trace_id),
        "parent_span_id": _parent_uuid(content),
        "name": one.name,
        "type": _span_type(one),
        **_span_times(one),
        "input": fields.shown(fields.side_of(one, "input"), truncate=truncate),
        "output": fields.shown(fields.side_of(one, "output"), truncate=truncate),
        "metadata": fields.shown(metadata, truncate=truncate),
        **more,
        "created_at": nano_text(fields.unix_nano_of(one, record.CREATED))
        or time_text(one.received_at),
        "last_updated_at": nano_text(fields.unix_nano_of(one, record.UPDATED))
        or time_text(one.received_at),
        "created_by": USER,
        "last_updated_by": USER,
        "feedback_scores": scores(content.scores) or None,
        "comments": [comment(c) for c in content.comments] or None,
    }


def _record_span(one: Span) -> Body:
    return {
        "metadata": fields.text_of(one, "metadata"),
        "model": fields.string_of(one, "model"),
        "provider": fields.string_of(one, "provider"),
        "tags": fields.texts_of(one, "tags"),
        "usage": fields.integers_of(one, "usage") or None,
        "error_info": fields.shown(fields.text_of(one, "error_info"), truncate=False),
        "total_estimated_cost": _number(one, "total_estimated_cost") or one.cost_usd,
        "total_estimated_cost_version": fields.string_of(one, "total_estimated_cost_version"),
        "ttft": fields.number_of(one, "ttft"),
        "source": fields.string_of(one, "source") or "sdk",
        "environment": fields.string_of(one, "environment"),
    }


def _number(one: Span, name: str) -> float | None:
    return fields.number_of(one, name)


def _otlp_span(one: Span) -> Body:
    return {
        "metadata": fields.attributes_json(one),
        "model": one.model,
        "usage": (tokens(one.usage) if one.usage else None) or None,
        "error_info": _error(one) if one.status_code == "error" else None,
        "total_estimated_cost": one.cost_usd,
        "ttft": one.time_to_first_token_ms,
        "source": "sdk",
    }


def thread(content: ThreadContent, *, truncate: bool) -> Body:
    """Return a TraceThread."""
    one = content.thread
    question, answer = _ends(content)
    return {
        "id": one.thread_id,
        "project_id": ids.project_uuid_of(one.project),
        "thread_model_id": ids.thread_uuid_of(one.project, one.thread_id),
        "start_time": time_text(one.first_activity_time),
        "end_time": time_text(one.last_activity_time),
        "duration": one.duration_ms,
        "first_message": fields.shown(question, truncate=truncate),
        "last_message": fields.shown(answer, truncate=truncate),
        "feedback_scores": scores(content.scores) or None,
        "status": one.status,
        "number_of_messages": 2 * one.trace_count,
        "total_estimated_cost": one.cost_usd,
        "usage": tokens(one.usage) or None,
        "comments": [comment(c) for c in content.comments] or None,
        "tags": content.tags.added or None,
        **_stamps(one, None),
        "environment": one.environments[0] if one.environments else None,
    }


def _ends(content: ThreadContent) -> tuple[str | None, str | None]:
    """Return JSON text of what a thread began with, and of what it ended with."""
    one, first, last = content.thread, content.first, content.last
    question, answer = _as_question(one.first_message), _as_answer(one.last_message)
    if any(fields.is_record(span, "trace") for span in (first, last)):
        question = answer = None  # what was sent says all: no words stand for what is not there
    return (
        (fields.side_of(first, "input") if first else None) or question,
        (fields.side_of(last, "output") if last else None) or answer,
    )


def scores(records: Iterable[ScoreRecord]) -> list[Body]:
    """Return FeedbackScores by name, each the mean over its authors, with what each one gave.

    Opik's scores are numbers: one that is only a category is left out.
    """
    by_name: dict[str, list[ScoreRecord]] = {}
    for one in records:
        if one.value is not None and one.superseded_at is None:
            by_name.setdefault(one.name, []).append(one)
    return [
        _score(name, sorted(some, key=lambda r: r.updated_at))
        for name, some in sorted(by_name.items())
    ]


def _score(name: str, given: Sequence[ScoreRecord]) -> Body:
    latest = given[-1]
    reasons = [one.reason for one in given]
    joined = ", ".join(reason or "<no reason>" for reason in reasons)
    return {
        "name": name,
        "value": statistics.fmean(one.value or 0.0 for one in given),
        "category_name": next((r.category for r in reversed(given) if r.category), None),
        "reason": joined if len(given) > 1 and any(reasons) else latest.reason,
        "source": _SOURCES.get(latest.source or "", "sdk"),
        "created_at": time_text(min(one.created_at for one in given)),
        "last_updated_at": time_text(latest.updated_at),
        "created_by": given[0].author or USER,
        "last_updated_by": latest.author or USER,
        "value_by_author": {
            one.author or USER: {
                "value": one.value,
                "reason": one.reason,
                "category_name": one.category,
                "source": _SOURCES.get(one.source or "", "sdk"),
                "last_updated_at": time_text(one.updated_at),
            }
            for one in given
        },
    }


def span_means(records: Iterable[ScoreRecord]) -> list[Body]:
    """Return, by name, the mean of the scores of a trace's spans."""
    by_span: dict[tuple[str, str], list[ScoreRecord]] = {}
    for one in records:
        if one.span_id is not None:
            by_span.setdefault((one.span_id, one.name), []).append(one)
    by_name: dict[str, list[Body]] = {}
    for some in by_span.values():
        for score in scores(some):
            by_name.setdefault(score["name"], []).append(score)
    return [
        {**some[-1], "value": statistics.fmean(s["value"] for s in some), "value_by_author": None}
        for _, some in sorted(by_name.items())
    ]


def comment(one: Comment) -> Body:
    """Return a Comment."""
    return {
        "id": one.id,
        "text": one.text,
        "created_at": time_text(one.created_at),
        "last_updated_at": time_text(one.updated_at),
        "created_by": one.author or USER,
        "last_updated_by": one.author or USER,
    }
