"""Evaluation results that arrive as OpenTelemetry events. Pure.

Source: open-telemetry/semantic-conventions-genai, event `gen_ai.evaluation.result`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otel_threads.core.model import Span
from otel_threads.core.score import fault
from otel_threads.core.trace_rows import EvaluationRow, GivenScore, ScoredItem
from otel_threads.derive.calls import Call
from otel_threads.derive.family import parse, text
from otel_threads.derive.thread_id import Found
from otel_threads.derive.tree import Tree

RESULT = "gen_ai.evaluation.result"
ALONE = "otel_threads.log_record"  # a span that is a record without a trace
# Who judged. The conventions have no name for it yet; these are proposed, or in use.
AUTHORS = (
    "gen_ai.evaluation.evaluator.name",
    "gen_ai.evaluator.name",
    "gen_ai.evaluation.evaluator.id",
    "gen_ai.evaluation.evaluator",
    "gen_ai.evaluation.evaluator_id",
    "gen_ai.evaluator.id",
)
NAME_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 10_000


def evaluations(
    tree: Tree, requests: Sequence[Call], threads: Mapping[str, Found]
) -> list[EvaluationRow]:
    """Return one row per scored item, name and author; the latest event wins.

    An event scores the request whose `gen_ai.response.id` it names, else the span that it is on. A
    response of another trace stays in `response_id`, for the store to find. One that stands alone
    and names no response scores its conversation: `thread_id` is set then.
    """
    events = [
        (time, span, attributes)
        for span in tree.spans
        if span.events or span.logs or span.name == RESULT
        for time, attributes in _results(span)
    ]
    if not events:
        return []
    answered = {
        call.response_id: call.span.span_id for call in requests if call.response_id is not None
    }
    found: dict[tuple[str, str, str], EvaluationRow] = {}
    for time, span, attributes in sorted(
        events, key=lambda event: (event[0], event[1].span_id, str(event[2]))
    ):
        score = _score(attributes)
        if score is None:
            continue
        target = _target(span, attributes, answered, threads)
        item = target["response_id"] or target["thread_id"] or target["span_id"]
        found[item, score["name"], score["author"] or ""] = {
            "project": span.project,
            "trace_id": span.trace_id,
            "evidence_trace_id": span.trace_id,
            "start_time_unix_nano": span.start_unix_nano,
            "created_unix_nano": time,
            **target,
            **score,
        }
    return [found[key] for key in sorted(found)]


def _score(attributes: Mapping[str, Any]) -> GivenScore | None:
    """Return what an event says of a score; None where it has no name, or no value at all."""
    name = text(attributes.get("gen_ai.evaluation.name"))
    value = _number(attributes.get("gen_ai.evaluation.score.value"))
    category = text(attributes.get("gen_ai.evaluation.score.label"))
    if not name or (value is None and category is None):
        return None
    reason = text(attributes.get("gen_ai.evaluation.explanation"))
    author = next((told for key in AUTHORS if (told := text(attributes.get(key)))), None)
    return {
        "name": name[:NAME_LENGTH_MAX],
        "value": value,
        "category": category[:NAME_LENGTH_MAX] if category else None,
        "reason": reason[:TEXT_LENGTH_MAX] if reason else None,
        "author": author[:NAME_LENGTH_MAX] if author else None,
    }


def _target(
    span: Span,
    attributes: Mapping[str, Any],
    answered: Mapping[str, str],
    threads: Mapping[str, Found],
) -> ScoredItem:
    response = text(attributes.get("gen_ai.response.id"))
    own = answered.get(response) if response else None
    thread = threads.get(span.span_id) if span.name == RESULT and not response else None
    return {
        "span_id": own or span.span_id,
        "response_id": None if own else response,
        "thread_id": thread.thread_id if thread else None,
    }


def _results(span: Span) -> Iterable[tuple[int, Mapping[str, Any]]]:
    if span.name == RESULT and ALONE in span.attributes:
        body = parse(span.attributes.get(f"{ALONE}.body"))
        yield span.start_unix_nano, {**(body if isinstance(body, dict) else {}), **span.attributes}
    for event in span.events:
        if event.name == RESULT:
            yield event.time_unix_nano, event.attributes
    for record in span.logs:
        if record.event_name == RESULT:
            body = parse(record.body)
            extra = body if isinstance(body, dict) else {}
            yield record.time_unix_nano, {**extra, **record.attributes}


def _number(value: Any) -> float | None:
    """Return a number that a score may have."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return None if fault(value) else float(value)
