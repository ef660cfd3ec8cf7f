"""Evaluation results that arrive as OpenTelemetry events. Pure.

Source: open-telemetry/semantic-conventions-genai, event `gen_ai.evaluation.result`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otel_threads.core.model import Span
from otel_threads.derive.calls import Call
from otel_threads.derive.family import parse, text
from otel_threads.derive.tree import Tree

RESULT = "gen_ai.evaluation.result"
NAME_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 10_000
VALUE_MAX = 1e300
Row = dict[str, Any]


def evaluations(tree: Tree, requests: Sequence[Call]) -> list[Row]:
    """Return one row per scored span and name; the latest event wins.

    An event scores the request whose `gen_ai.response.id` it names, else the span that it is on.
    A response of another trace stays in `response_id`, for the store to find.
    """
    events = [
        (time, span, attributes)
        for span in tree.spans
        if span.events or span.logs
        for time, attributes in _results(span)
    ]
    if not events:
        return []
    answered = {
        call.response_id: call.span.span_id for call in requests if call.response_id is not None
    }
    found: dict[tuple[str, str], Row] = {}
    for time, span, attributes in sorted(
        events, key=lambda event: (event[0], event[1].span_id, str(event[2]))
    ):
        name = text(attributes.get("gen_ai.evaluation.name"))
        value = _number(attributes.get("gen_ai.evaluation.score.value"))
        category = text(attributes.get("gen_ai.evaluation.score.label"))
        if not name or (value is None and category is None):
            continue
        response = text(attributes.get("gen_ai.response.id"))
        own = answered.get(response) if response else None
        target = own or span.span_id
        reason = text(attributes.get("gen_ai.evaluation.explanation"))
        found[(response if response and not own else target), name] = {
            "project": span.project,
            "trace_id": span.trace_id,
            "span_id": target,
            "evidence_trace_id": span.trace_id,
            "response_id": None if own else response,
            "start_time_unix_nano": span.start_unix_nano,
            "name": name[:NAME_LENGTH_MAX],
            "value": value,
            "category": category[:NAME_LENGTH_MAX] if category else None,
            "reason": reason[:TEXT_LENGTH_MAX] if reason else None,
            "author": None,
            "created_unix_nano": time,
        }
    return [found[key] for key in sorted(found)]


def _results(span: Span) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for event in span.events:
        if event.name == RESULT:
            yield event.time_unix_nano, event.attributes
    for record in span.logs:
        if record.event_name == RESULT:
            body = parse(record.body)
            extra = body if isinstance(body, dict) else {}
            yield record.time_unix_nano, {**extra, **record.attributes}


def _number(value: Any) -> float | None:
    """Return a finite number; a score may be negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -VALUE_MAX <= value <= VALUE_MAX else None
