"""All families together: what each of them knows, as tables to look things up in.

Nothing is known here that no family says; where two say the same, the order of families decides.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from otel_threads.core.model import LogRecord, Span
from otel_threads.derive.attribute_cache import NameMarks, Names, by_shape, remembered
from otel_threads.derive.families import FAMILIES, TIES
from otel_threads.derive.family import (
    FACTS,
    READERS,
    Family,
    Kind,
    KindBy,
    Messages,
    Role,
    Usage,
)
from otel_threads.derive.library import Library
from otel_threads.derive.ranks import Text, ThreadId, precedence

# No id whoever writes it: what programs put where they have none.
_NO_VALUE = r"\[redacted\]|null|none|undefined|nil|n/a|\*+"
NO_ID = (
    r"\[redacted\]|null|none|undefined|unknown|nil|n/a|nan|\*+|-+|\{\s*\}|\[\s*\]|<(?:none|null|unknown)>"
    r"|0{8}-0{4}-0{4}-0{4}-0{12}|0{16}|0{32}"
)
# Ids that programs choose, and that are mostly the same for everybody.
SHARED_IDS = r"anonymous|default|test"


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
    texts: Mapping[Role, tuple[Text, ...]]  # where an outer span may hold words


class Conventions:
    """What some families know together. Immutable but for what it remembers."""

    def __init__(self, families: Sequence[Family], *, ties: Sequence[str] = TIES) -> None:
        """Put tables together from families in the order in which they are asked.

        `ties` names families in the order in which their attributes count at one rank; others
        come after these, in the order in which they are asked.

        Raises:
            ValueError: a family names a fact that there is none of, or two have one name.
        """
        self.families = tuple(families)
        _refuse_doubles(family.name for family in families)
        place = {name: i for i, name in enumerate(ties)}
        tied = sorted(families, key=lambda family: place.get(family.name, len(place)))
        self._facts = _facts(families)
        self._know_attributes(tied)
        self.final_tools = frozenset(_each(families, lambda family: family.final_tools))
        self.first_token_events = frozenset(
            _each(families, lambda family: family.first_token_events)
        )
        self._know_metadata(families)
        self._know_placeholders(families)
        self._know_records(families)
        self.libraries: tuple[Library, ...] = tuple(
            library for family in families for library in family.libraries
        )
        _refuse_doubles(library.slug for library in self.libraries)
        self._unwraps = tuple(family.unwrap for family in families if family.unwrap)
        self._marks = NameMarks(
            marks for family in families for marks in (family.marks, family.kind_marks)
        )
        self._plans = remembered(lambda names: self._plan(names[0], names[1:]))

    def _know_attributes(self, tied: Sequence[Family]) -> None:
        """Know which attributes hold ids, words, environments and projects, the best first."""
        self.thread_ids = _thread_ids(tied)
        self.texts: Mapping[Role, tuple[Text, ...]] = {
            "user": _texts(family.user_texts for family in tied),
            "assistant": _texts(family.assistant_texts for family in tied),
        }
        self.shown_inputs = _texts(family.shown_inputs for family in tied)
        self.shown_outputs = _texts(family.shown_outputs for family in tied)
        self.resource_environments = _each(tied, lambda family: family.resource_environments)
        self.resource_projects = _each(tied, lambda family: family.resource_projects)
        self.span_projects = _each(tied, lambda family: family.span_projects)
        self.project_headers = _each(tied, lambda family: family.project_headers)

    def _know_placeholders(self, families: Sequence[Family]) -> None:
        """Know what stands in place of words, of an id, and of any value."""
        self.elided = frozenset(_each(families, lambda family: family.elided))
        self.placeholder = _placeholder(families, NO_ID)
        self.no_value = _placeholder(families, _NO_VALUE)  # of metadata

    def _know_metadata(self, families: Sequence[Family]) -> None:
        """Know what is a thread's metadata, and what of it a framework adds of its own."""
        # The longest first: of two prefixes that fit, it says more.
        self.metadata_prefixes = tuple(
            sorted(_each(families, lambda family: family.metadata_prefixes), key=len, reverse=True)
        )
        self.metadata_bags = frozenset(_each(families, lambda family: family.metadata_bags))
        self.metadata_noise = _each(families, lambda family: family.metadata_noise)
        self.tag_noise = _each(families, lambda family: family.tag_noise)

    def _know_records(self, families: Sequence[Family]) -> None:
        """Know which log records are read, and what those are that stand alone."""
        self.log_events = _each(families, lambda family: family.log_events)
        self.alone_events = {
            event: ids for family in families for event, ids in family.alone_events.items()
        }
        self.turn_events = frozenset(_each(families, lambda family: family.turn_events))
        self.asking_events = frozenset(_each(families, lambda family: family.asking_events))
        self.answer_events = frozenset(_each(families, lambda family: family.answer_events))
        self._fetches = tuple(family.fetches for family in families if family.fetches)
        self._records = tuple(family.record for family in families if family.record)

    def plan(self, span: Span) -> Plan:
        """Return what to ask of a span, by its scope and the names of its attributes."""
        return by_shape(self._plans, (span.scope_name, *span.attributes))

    def unwrapped(self, span: Span, prompt: str) -> str | None:
        """Return a person's words out of a prompt that a family puts around them, else None."""
        return next((found for unwrap in self._unwraps if (found := unwrap(span, prompt))), None)

    def of_record(self, record: LogRecord) -> Mapping[str, Any]:
        """Return the attributes that a log record adds to its span; none that no family reads."""
        return next((found for read in self._records if (found := read(record))), {})

    def is_fetch(self, span: Span) -> bool:
        """Whether a request only fetches an answer that another one asked for."""
        return any(fetches(span) for fetches in self._fetches)

    def is_noise(self, key: str) -> bool:
        """Whether a key of metadata is a framework's own."""
        return key.startswith(self.metadata_noise)

    def _plan(self, scope: str, names: Names) -> Plan:
        found = [(rank, name, fact) for name in names for fact, rank in self._facts.get(name, ())]
        mine = [f for f in self.families if not f.scopes or scope.startswith(f.scopes)]
        marks = self._marks.of(names)
        asked = [family for family in mine if family.marks in marks]
        return Plan(
            tuple(
                (f.name, f.kind)
                for f in mine
                if f.kind and (_attribute(f) in names if _attribute(f) else f.kind_marks in marks)
            ),
            tuple((name, fact, READERS[FACTS[fact]]) for _, name, fact in sorted(found)),
            tuple(family.values for family in asked if family.values),
            tuple(family.usage for family in asked if family.usage),
            tuple(family.inputs for family in asked if family.inputs),
            tuple(family.outputs for family in asked if family.outputs),
            tuple(family.system for family in asked if family.system),
            tuple(self._metadata(names)),
            {
                role: tuple(text for text in texts if text.attribute in names)
                for role, texts in self.texts.items()
            },
        )

    def _metadata(self, names: Names) -> Iterator[tuple[str, str]]:
        for name in names:
            if name in self.metadata_bags:
                yield name, ""
        for name in names:
            prefix = next((p for p in self.metadata_prefixes if name.startswith(p)), None)
            if prefix is not None and not self.is_noise(key := name[len(prefix) :]):
                yield name, key


def _each(families: Iterable[Family], told: Callable[[Family], Iterable[str]]) -> tuple[str, ...]:
    """Return what all families say of one thing, each once, in their order."""
    return tuple(dict.fromkeys(one for family in families for one in told(family)))


def _refuse_doubles(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two families or libraries are named {name}: a name stands for one")
        seen.add(name)


def _facts(families: Iterable[Family]) -> Mapping[str, list[tuple[str, int]]]:
    """Return attribute → [(fact, rank)]: one look-up an attribute instead of one a name."""
    found: dict[str, list[tuple[str, int]]] = {}
    rank = 0
    for family in families:
        for fact, attributes in family.names.items():
            if fact not in FACTS:
                raise ValueError(f"family {family.name} names an unknown fact: {fact}")
            for attribute in attributes:
                rank += 1
                known = found.setdefault(attribute, [])
                if fact not in (name for name, _ in known):
                    known.append((fact, rank))
    return found


def _thread_ids(families: Iterable[Family]) -> Mapping[str, ThreadId]:
    """Return the attributes that may hold a conversation's id, the best first."""
    told = [one for family in families for one in family.thread_ids]
    found: dict[str, ThreadId] = {}
    for one in sorted(told, key=precedence):
        known = found.get(one.attribute)
        found[one.attribute] = known.either(one) if known else one
    return found


def _texts(told: Iterable[Iterable[Text]]) -> tuple[Text, ...]:
    """Return the attributes that may hold words, the best first, each once."""
    found: dict[str, Text] = {}
    for one in sorted((one for some in told for one in some), key=lambda one: one.rank):
        found.setdefault(one.attribute, one)
    return tuple(found.values())


def _placeholder(families: Sequence[Family], none: str) -> re.Pattern[str]:
    """Return what matches a value that stands where an id was, or where there is none."""
    elided = _each(families, lambda family: family.elided)
    scrubbed = _each(families, lambda family: family.scrubbed)
    ways = [*map(re.escape, elided), *(f"{re.escape(one)}.*" for one in scrubbed), none]
    return re.compile("|".join(ways), re.IGNORECASE | re.DOTALL)


def _attribute(family: Family) -> str | None:
    """Return the one attribute that tells what a span is, where there is such a one."""
    return family.kind.attribute if isinstance(family.kind, KindBy) else None


CONVENTIONS = Conventions(FAMILIES)
