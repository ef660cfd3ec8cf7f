"""Writes the conversation that runs now on every span that starts, whoever makes the span."""

import logging
from typing import Any

from opentelemetry import baggage, context
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor

from otel_threads.sdk.context import CARRIED, KEY, Stamp

logger = logging.getLogger(__name__)


class ThreadSpanProcessor(SpanProcessor):
    """Add it to a tracer provider, before or after any other processor.

        provider.add_span_processor(otel_threads.ThreadSpanProcessor())

    Spans of any instrumentation that start inside `otel_threads.thread` get its id, user, project,
    tags and metadata; where none runs here, those that came in with W3C baggage. What a span has of
    its own is kept. Never raises.
    """

    is_in_use = False  # whether a program set one up itself

    def __init__(self, *, from_baggage: bool = True) -> None:
        """`from_baggage=False` ignores what other services say."""
        ThreadSpanProcessor.is_in_use = True
        self._from_baggage = from_baggage

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Stamp the span."""
        try:
            stamp = context.get_value(KEY, parent_context)
            if stamp is None:
                if self._from_baggage:
                    self._of_baggage(span, parent_context)
                return
            if isinstance(stamp, Stamp):
                self._write(span, stamp.attributes)
        except Exception:  # instrumentation must never break a program
            logger.debug("a span was not stamped", exc_info=True)

    def _of_baggage(self, span: Span, parent_context: Context | None) -> None:
        carried = baggage.get_all(parent_context)
        if carried:
            found = {name: value for name in CARRIED if isinstance(value := carried.get(name), str)}
            if found:
                self._write(span, found)

    def _write(self, span: Span, attributes: Any) -> None:
        own = span.attributes
        if own:
            attributes = {name: value for name, value in attributes.items() if name not in own}
        span.set_attributes(attributes)
