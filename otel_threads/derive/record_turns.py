"""What log records tell of the spans that they belong to, and the turns of those that stand alone.

Coding agents tell of a conversation in log records: a prompt, requests, tools, an answer. Records
with the ids of a span fill it. Those that stand alone are spans (decode/record_spans.py) without
parents: in their sender's order, all that comes after a person's prompt belongs to it.
"""

from collections.abc import Sequence
from typing import Any

from otel_threads.core.model import LogRecord, Span
from otel_threads.derive.conventions import Conventions
from otel_threads.derive.family import count

EVENT = "otel_threads.log_record"
BODY = "otel_threads.log_record.body"
APART_NS = 10**9  # records of one process that are this far apart are in the order of their times
SEQUENCES = ("event.sequence", "event_sequence")


def fill(spans: Sequence[Span], conventions: Conventions) -> None:
    """Add to spans what their log records tell, and put records that stand alone into turns.

    What a span says itself stays: a fact that comes twice counts once.
    """
    for span in spans:
        for record in sorted(span.logs, key=_order) if span.logs else ():
            _add(span, conventions.of_record(record))
    alone = [span for span in spans if EVENT in span.attributes]
    if alone:
        _put_into_turns(_in_order(alone), conventions)


def rank(spans: Sequence[Span], conventions: Conventions) -> int:
    """Return 0 for a trace of spans, 1 for records with a person's prompts, 2 for other records."""
    if EVENT not in spans[0].attributes or any(EVENT not in span.attributes for span in spans):
        return 0
    return 1 if any(span.name in conventions.turn_events for span in spans) else 2


def _put_into_turns(spans: Sequence[Span], conventions: Conventions) -> None:
    turn: Span | None = None
    for span in _gathered(spans, conventions):
        if span.name in conventions.turn_events:
            turn = span
            continue
        if turn is None:
            continue
        span.parent_span_id = turn.span_id
        added = conventions.of_record(_record(span))
        if added and turn is not span:
            _add(turn, added)
            turn.end_unix_nano = max(turn.end_unix_nano, span.end_unix_nano)


def _gathered(spans: Sequence[Span], conventions: Conventions) -> list[Span]:
    """Return spans without those that only ask: they are log records of the answer after them."""
    kept: list[Span] = []
    asking: list[Span] = []
    for span in spans:
        if span.name in conventions.asking_events:
            asking.append(span)
            continue
        kept.append(span)
        if span.name in conventions.answer_events:
            span.logs = [_record(one) for one in (*asking, span)]
            for one in asking:
                one.parent_span_id = span.span_id
            if asking:
                span.start_unix_nano = min(span.start_unix_nano, asking[-1].start_unix_nano)
            asking = []
        elif span.name in conventions.turn_events:
            asking = []
    return kept


def _add(span: Span, added: Any) -> None:
    """Add attributes; of those that a later record tells anew, the later stays."""
    told: set[str] = span.attributes.setdefault(_TOLD, set())
    for name, value in added.items():
        if name not in span.attributes or name in told:
            span.attributes[name] = value
            told.add(name)
    if not told:
        del span.attributes[_TOLD]


_TOLD = "otel_threads.told_by_records"


def _record(span: Span) -> LogRecord:
    return LogRecord(
        project=span.project,
        event_name=span.name,
        time_unix_nano=span.start_unix_nano,
        body=span.attributes.get(BODY),
        attributes=span.attributes,
    )


def _order(record: LogRecord) -> tuple[int, int, str]:
    return _sequence(record.attributes), record.time_unix_nano, str(record.attributes)


def _in_order(spans: Sequence[Span]) -> list[Span]:
    """Return records in their sender's order: by its numbers, which each process begins anew."""
    runs: list[list[Span]] = []
    numbers: set[int] = set()
    for span in sorted(spans, key=lambda one: (one.start_unix_nano, one.span_id)):
        number = _sequence(span.attributes)
        is_before = bool(numbers) and number < min(numbers)
        is_apart = is_before and span.start_unix_nano - runs[-1][-1].start_unix_nano > APART_NS
        if not runs or number in numbers or is_apart:
            runs.append([])
            numbers = set()
        runs[-1].append(span)
        numbers.add(number)
    return [span for run in runs for span in sorted(run, key=_own_order)]


def _own_order(span: Span) -> tuple[int, int, str]:
    return _sequence(span.attributes), span.start_unix_nano, span.span_id


def _sequence(attributes: Any) -> int:
    return next((n for key in SEQUENCES if (n := count(attributes.get(key))) is not None), 0)
