"""Where spans of OTLP belong that are part of a trace of an SDK's records. Pure.

A span may name the trace; what runs below it belongs there, too, whether it says so or not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from otel_threads.core.record import RecordPlace

Key = tuple[str, str]  # trace id, span id


@dataclass(frozen=True, slots=True)
class SentSpan:
    """A span as it was sent. `place` is where it says that it belongs; None: it does not say."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    place: RecordPlace | None

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.trace_id, self.span_id


def moves(spans: Iterable[SentSpan], moved: Mapping[Key, Key]) -> dict[Key, RecordPlace]:
    """Return the new places of those spans that are not where they belong.

    `moved` says where spans of these traces are that were moved before, or will be: one that comes
    again under the ids that it had goes to the same place.
    """
    found: dict[Key, RecordPlace] = {}
    below: dict[Key, list[SentSpan]] = {}
    for span in spans:
        if span.key in moved:
            found[span.key] = RecordPlace(*moved[span.key], _parent(span, moved))
        elif span.place is not None:
            if span.key != (span.place.trace_id, span.place.span_id):
                found[span.key] = span.place
        elif span.parent_span_id is not None:
            below.setdefault((span.trace_id, span.parent_span_id), []).append(span)
    stack = [*moved.items(), *((key, (one.trace_id, one.span_id)) for key, one in found.items())]
    while stack:
        key, (trace_id, parent) = stack.pop()
        for span in below.pop(key, ()):
            found[span.key] = RecordPlace(trace_id, span.span_id, parent)
            stack.append((span.key, (trace_id, span.span_id)))
    return found


def _parent(span: SentSpan, moved: Mapping[Key, Key]) -> str | None:
    if span.place is not None:
        return span.place.parent_span_id
    above = moved.get((span.trace_id, span.parent_span_id or ""))
    return above[1] if above else span.parent_span_id
