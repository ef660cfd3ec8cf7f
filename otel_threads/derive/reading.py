"""What one span says, by all families together: the first family that knows a thing wins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from otel_threads.derive.facts import (
    FACTS,
    READERS,
    Kind,
    Messages,
    Usage,
    count,
)
from otel_threads.derive.families import FAMILIES
from otel_threads.model import USAGE, Span

Value = Any
_KINDS = [(family.name, family.kind) for family in FAMILIES if family.kind]
_VALUES = [family.values for family in FAMILIES if family.values]
_USAGES = [family.usage for family in FAMILIES if family.usage]
_INPUTS = [family.inputs for family in FAMILIES if family.inputs]
_OUTPUTS = [family.outputs for family in FAMILIES if family.outputs]
_SYSTEMS = [family.system for family in FAMILIES if family.system]


def _names() -> Mapping[str, list[tuple[str, int]]]:
    """Return attribute → [(fact, rank)]: one look-up an attribute instead of one a name."""
    found: dict[str, list[tuple[str, int]]] = {}
    rank = 0
    for family in FAMILIES:
        for fact, attributes in family.names.items():
            if fact not in FACTS:
                raise ValueError(f"family {family.name} names an unknown fact: {fact}")
            for attribute in attributes:
                rank += 1
                known = found.setdefault(attribute, [])
                if fact not in (name for name, _ in known):
                    known.append((fact, rank))
    return found


NAMES = _names()
SHAPE_ATTRIBUTES_MAX = 200  # a span with more is read without remembering its shape
SHAPES_MAX = 2048  # an application has a few dozen
Names = tuple[str, ...]
Answer = TypeVar("Answer")


def remembered(of_names: Callable[[Names], Answer]) -> Callable[[Names], Answer]:
    """Remember the answer per set of attribute names: one instrumentation has few of them."""
    return lru_cache(SHAPES_MAX)(of_names)


def by_shape(of_names: Callable[[Names], Answer], span: Span) -> Answer:
    """Return what a remembered function says of a span's attribute names."""
    names = tuple(span.attributes)
    if len(names) > SHAPE_ATTRIBUTES_MAX:  # remembering these could cost more memory than time
        of_names = getattr(of_names, "__wrapped__", of_names)
    return of_names(names)


@remembered
def _plan(names: Names) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """Return (attribute, fact, reader), the best rank first."""
    found = [(rank, name, fact) for name in names for fact, rank in NAMES.get(name, ())]
    return [(name, fact, READERS[FACTS[fact]]) for _, name, fact in sorted(found)]


@dataclass(slots=True)
class Facts:
    """What is known of one span. Every fact may be missing."""

    kind: Kind | None
    family: str | None
    values: dict[str, Any] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    def get(self, fact: str) -> Any:
        """Return a fact of FACTS, None when no family knows it."""
        return self.values.get(fact)


def facts(span: Span) -> Facts:
    """Return what the families know of a span, apart from its messages."""
    kind, family = kind_of(span)
    values: dict[str, Any] = {}
    for read in _VALUES:
        for fact, value in read(span).items():
            if value is not None:
                values.setdefault(fact, value)
    for attribute, fact, reader in by_shape(_plan, span):
        if fact not in values:
            value = reader(span.attributes[attribute])
            if value is not None:
                values[fact] = value
    found = Facts(kind, family, values)
    if kind == "llm":
        found.usage = _usage(span, values)
    return found


def kind_of(span: Span) -> tuple[Kind | None, str | None]:
    """Return what a span is and the family that says so; None twice when none does."""
    for name, kind in _KINDS:
        found = kind(span)
        if found:
            return found, name
    return None, None


def _usage(span: Span, values: Mapping[str, Any]) -> Usage:
    usage = Usage(**{name: count(values.get(name)) for name in USAGE})
    if not usage:
        usage = next((found for read in _USAGES if (found := read(span))), Usage())
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


def inputs(span: Span) -> Messages:
    """Return the messages that a model request was sent, oldest first."""
    return next((found for read in _INPUTS if (found := read(span))), [])


def outputs(span: Span) -> Messages:
    """Return what the model answered: one message, or one a choice."""
    return next((found for read in _OUTPUTS if (found := read(span))), [])


def system(span: Span, messages: Messages) -> str | None:
    """Return the system prompt: set apart, else the first system message of the input."""
    apart = next((found for read in _SYSTEMS if (found := read(span))), None)
    if apart:
        return apart
    return next((message.text for message in messages if message.role == "system"), None)
