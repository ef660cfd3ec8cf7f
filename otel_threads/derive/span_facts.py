"""What one span says, by all families together: the first family that knows a thing wins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otel_threads.core.model import Span
from otel_threads.core.usage import USAGE
from otel_threads.derive.conventions import CONVENTIONS, Conventions, Plan
from otel_threads.derive.family import UNKNOWN, Kind, Messages, Usage


@dataclass(slots=True)
class Facts:
    """What is known of one span. Every fact may be missing."""

    kind: Kind | None
    family: str | None
    plan: Plan
    values: dict[str, Any]
    usage: Usage

    def get(self, fact: str) -> Any:
        """Return a fact of FACTS, None when no family knows it."""
        return self.values.get(fact)


def facts(span: Span, conventions: Conventions) -> Facts:
    """Return what the families know of a span, apart from its messages."""
    plan = conventions.plan(span)
    kind, family = _kind(span, plan)
    values: dict[str, Any] = {}
    for read in plan.values:
        for fact, value in read(span).items():
            if value is not None:
                values.setdefault(fact, value)
    for attribute, fact, reader in plan.facts:
        if fact not in values:
            value = reader(span.attributes[attribute])
            if value is not None:
                values[fact] = value
    usage = _usage(span, plan, values) if kind == "llm" else UNKNOWN
    return Facts(kind, family, plan, values, usage)


def kind_of(span: Span, conventions: Conventions = CONVENTIONS) -> tuple[Kind | None, str | None]:
    """Return what a span is and the family that says so; None twice when none does."""
    return _kind(span, conventions.plan(span))


def _kind(span: Span, plan: Plan) -> tuple[Kind | None, str | None]:
    for name, kind in plan.kinds:
        if found := kind(span):
            return found, name
    return None, None


def usage_of(span: Span, known: Facts) -> Usage:
    """Return the tokens that a span counts, whatever it is."""
    return _usage(span, known.plan, known.values)


def _usage(span: Span, plan: Plan, values: Mapping[str, Any]) -> Usage:
    usage = Usage(*map(values.get, USAGE))
    if not usage:
        found = next((found for read in plan.usages if (found := read(span))), None)
        usage = found.completed(usage) if found else Usage()
    elif usage.cache_read_tokens is None or usage.reasoning_tokens is None:
        for read in plan.usages:
            if (bundle := read(span)) is not None:
                usage = usage.completed(bundle)
    usage.include_all()
    # A failed call counted as nothing was not counted.
    if span.status_code == "error" and not usage.input_tokens and not usage.output_tokens:
        return Usage()
    if (
        usage
        and usage.total_tokens is None
        and None not in (usage.input_tokens, usage.output_tokens)
    ):
        usage.total_tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    return usage


def inputs(span: Span, known: Facts) -> Messages:
    """Return the messages that a model request was sent, oldest first."""
    for read in known.plan.inputs:
        if found := read(span):
            return found
    return []


def outputs(span: Span, known: Facts) -> Messages:
    """Return what the model answered: one message, or one a choice."""
    for read in known.plan.outputs:
        if found := read(span):
            return found
    return []


def system(span: Span, known: Facts, messages: Messages) -> str | None:
    """Return the system prompt: set apart, else the first system message of the input."""
    for read in known.plan.systems:
        if apart := read(span):
            return apart
    return next((message.text for message in messages if message.role == "system"), None)
