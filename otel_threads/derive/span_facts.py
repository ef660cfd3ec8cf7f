"""What one span says, by all families together: the first family that knows a thing wins."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from otel_threads.core.model import Span
from otel_threads.core.usage import USAGE
from otel_threads.derive import user_text
from otel_threads.derive.attribute_cache import Names, by_shape, remembered
from otel_threads.derive.families import FAMILIES
from otel_threads.derive.family import (
    FACTS,
    READERS,
    UNKNOWN,
    Family,
    Kind,
    KindBy,
    Messages,
    Role,
    Usage,
)


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
METADATA_PREFIXES = (
    "langfuse.trace.metadata.", "langsmith.metadata.", "lmnr.association.properties.metadata.",
    "traceloop.association.properties.", "ai.telemetry.metadata.", "otel_threads.metadata.",
    "metadata.",
)  # fmt: skip


class Plan(NamedTuple):
    """What to ask of spans with the same attribute names, the best first."""

    kinds: tuple[tuple[str, Callable[[Span], Kind | None]], ...]  # family, reader
    facts: tuple[tuple[str, str, Callable[[Any], Any]], ...]  # attribute, fact, reader
    values: tuple[Callable[[Span], Mapping[str, Any]], ...]
    usages: tuple[Callable[[Span], Usage | None], ...]
    inputs: tuple[Callable[[Span], Messages], ...]
    outputs: tuple[Callable[[Span], Messages], ...]
    systems: tuple[Callable[[Span], str | None], ...]
    metadata: tuple[tuple[str, str], ...]  # attribute, key of a thread's metadata; "": JSON of many
    words: Mapping[Role, tuple[str, ...]]  # attributes that may hold a person's or a model's words


@remembered
def _plan(names: Names) -> Plan:
    found = [(rank, name, fact) for name in names for fact, rank in NAMES.get(name, ())]
    asked = [family for family in FAMILIES if _is_marked(family, names)]
    return Plan(
        tuple((f.name, f.kind) for f in FAMILIES if f.kind and _may_tell(f.kind, names)),
        tuple((name, fact, READERS[FACTS[fact]]) for _, name, fact in sorted(found)),
        tuple(family.values for family in asked if family.values),
        tuple(family.usage for family in asked if family.usage),
        tuple(family.inputs for family in asked if family.inputs),
        tuple(family.outputs for family in asked if family.outputs),
        tuple(family.system for family in asked if family.system),
        tuple(_metadata(names)),
        {
            "user": tuple(name for name in user_text.INPUTS if name in names),
            "assistant": tuple(name for name in user_text.OUTPUTS if name in names),
        },
    )


def _may_tell(kind: Callable[[Span], Kind | None], names: Names) -> bool:
    return not isinstance(kind, KindBy) or kind.attribute in names


def _metadata(names: Names) -> Iterator[tuple[str, str]]:
    if "metadata" in names:
        yield "metadata", ""
    for name in names:
        prefix = next((p for p in METADATA_PREFIXES if name.startswith(p)), None)
        if prefix is not None:
            yield name, name[len(prefix) :]


def _is_marked(family: Family, names: Names) -> bool:
    return not family.marks or any(name.startswith(family.marks) for name in names)


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


def facts(span: Span) -> Facts:
    """Return what the families know of a span, apart from its messages."""
    plan = by_shape(_plan, span.attributes)
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


def kind_of(span: Span) -> tuple[Kind | None, str | None]:
    """Return what a span is and the family that says so; None twice when none does."""
    return _kind(span, by_shape(_plan, span.attributes))


def _kind(span: Span, plan: Plan) -> tuple[Kind | None, str | None]:
    for name, kind in plan.kinds:
        if found := kind(span):
            return found, name
    return None, None


def _usage(span: Span, plan: Plan, values: Mapping[str, Any]) -> Usage:
    usage = Usage(*map(values.get, USAGE))
    if not usage:
        usage = next((found for read in plan.usages if (found := read(span))), Usage())
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
