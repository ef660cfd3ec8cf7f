"""Which thread a span belongs to: one ordered list of attributes, compared over the whole trace.

The attributes are the families', in the order of ranks.py; the user's own come first.

Source: docs/conventions.md, section "Which thread".
"""

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from otel_threads.characters import without_nul
from otel_threads.core.model import Span
from otel_threads.derive.attribute_cache import Names, by_shape, remembered
from otel_threads.derive.conventions import CONVENTIONS, Conventions
from otel_threads.derive.ranks import ThreadId
from otel_threads.derive.span_facts import Facts
from otel_threads.derive.tree import Tree

THREAD_ID_LENGTH_MAX = 1000  # an "id" longer than this is a text
CONVERSATION_ID = "gen_ai.conversation.id"
RESOURCE_SOURCE = f"resource.{CONVERSATION_ID}"


# Beginnings of attributes that real user monitoring writes.
BROWSER = ("browser.", "rum.", "faro.")
_NOTHING: Mapping[str, Facts] = MappingProxyType({})


class Found(NamedTuple):
    """The thread of a span and the attribute that decided; the id that it had for itself."""

    thread_id: str
    source: str
    inner: str | None = None  # of a sub-agent's own session, say


class Identity:
    """The precedence of one installation: the user's own attributes come first."""

    def __init__(
        self, thread_id_attributes: Sequence[str] = (), conventions: Conventions = CONVENTIONS
    ) -> None:
        self.conventions = conventions
        known = conventions.thread_ids
        ordered = dict.fromkeys((*thread_id_attributes, *known))
        rank = {name: (place, known.get(name)) for place, name in enumerate(ordered)}
        self._rank_max = len(rank)
        # Of a span's attribute names those that may hold an id, with their rank.
        self._may_hold = remembered(
            lambda names: tuple((name, *rank[name]) for name in names if name in rank)
        )

    def threads(self, tree: Tree, known: Mapping[str, Facts] = _NOTHING) -> dict[str, Found]:
        """Return the thread of each span that has one, by span id.

        One distinct value at the best rank holds for the whole trace. With several, a span takes
        that of its nearest ancestor-or-self, else of its first descendant that has one. What a
        tool or an agent of one conversation runs belongs to that conversation, whatever id it
        makes up for itself: such an id counts only where nothing outside of tools has one.

        `known` are the facts of the spans; without them nothing is a tool or an agent.
        """
        inside = inside_tools(tree, known)
        found = self._best(tree, (), inside) or (self._best(tree, (), ()) if inside else {})
        if found and _holds_own(tree, known, {one.thread_id for one in found.values()}):
            own = _own_ids(tree, known)
            found = self._best(tree, own, inside) or self._best(tree, own, ())
        if not found:
            return self._from_resource(tree) or self._from_responses(tree, known)
        inner = _inner_agents(tree, known, found)
        found = {span_id: one for span_id, one in found.items() if span_id not in inner}
        if inside:
            inner |= self._best(tree, (), tree.by_id.keys() - inside)
        values = {one.thread_id for one in found.values()}
        if len(values) > 1:
            return _with_inner(_spread(tree, found), inner)
        # Which attribute is the same for all; the id may come from any of them.
        only = found[min(found)]
        return _with_inner(dict.fromkeys((span.span_id for span in tree.spans), only), inner)

    def _best(self, tree: Tree, own: Collection[str], without: Collection[str]) -> dict[str, Found]:
        """Return the ids at the best rank of the trace, by the id of the span that carries them.

        `own` are ids that spans have of themselves; `without` are spans that are not asked.
        """
        best = 2 * self._rank_max
        found: dict[str, Found] = {}
        for span in tree.spans:
            if span.span_id in without:
                continue
            for name, rank, told in by_shape(self._may_hold, span.attributes):
                if "ession" in name and _is_browsers(span):
                    rank += self._rank_max  # after all others
                if rank > best:
                    continue
                value = self._value(tree, span, name, told)
                if value is None or (own and value.replace("-", "") in own):
                    continue
                if rank < best:
                    best, found = rank, {}
                source = told.source_of(span) if told else None
                found[span.span_id] = Found(value, source or name)
        return found

    def _value(self, tree: Tree, span: Span, name: str, told: ThreadId | None) -> str | None:
        placeholder = self.conventions.placeholder
        if told is None or told.read is None:
            return valid(span.attributes[name], placeholder)
        values = told.read(span, span.span_id not in tree.parent)
        return next((good for value in values if (good := valid(value, placeholder))), None)

    def _from_responses(self, tree: Tree, known: Mapping[str, Facts]) -> dict[str, Found]:
        """Return the id of a response as the last resort: where a chain of responses begins.

        A request with a previous response takes that one's thread (tool_result_links.py).
        """
        placeholder = self.conventions.placeholder
        facts = [known[span.span_id] for span in tree.spans if span.span_id in known]
        if any(one.get("previous_response_id") for one in facts):
            return {}
        responses = {one.get("response_id") for one in facts} - {None}
        told = (valid(span.attributes.get(CONVERSATION_ID), placeholder) for span in tree.spans)
        value = next((value for value in told if value in responses), None)
        if value is None:
            return {}
        return dict.fromkeys((span.span_id for span in tree.spans), Found(value, CONVERSATION_ID))

    def _from_resource(self, tree: Tree) -> dict[str, Found]:
        return {
            span.span_id: Found(value, RESOURCE_SOURCE)
            for span in tree.spans
            if (value := valid(span.resource.get(CONVERSATION_ID), self.conventions.placeholder))
        }


def _inner_agents(
    tree: Tree, known: Mapping[str, Facts], found: Mapping[str, Found]
) -> dict[str, Found]:
    """Return those ids that agents have which run within an agent of another conversation."""
    if len({one.thread_id for one in found.values()}) < 2:
        return {}
    return {
        span_id: one
        for span_id, one in found.items()
        if _runs_within_another(tree, known, found, span_id)
    }


def _with_inner(threads: dict[str, Found], inner: Mapping[str, Found]) -> dict[str, Found]:
    """Note the ids that spans have for themselves inside of another conversation."""
    for span_id, one in inner.items():
        outer = threads.get(span_id)
        if outer is not None and outer.thread_id != one.thread_id:
            threads[span_id] = outer._replace(inner=one.thread_id)
    return threads


def _holds_own(tree: Tree, known: Mapping[str, Facts], values: Collection[str]) -> bool:
    """Whether any of some ids is one that a span has of itself; quicker than to know them all."""
    if any(value.replace("-", "") in tree.by_id for value in values):
        return True
    if any(value.replace("-", "") == tree.spans[0].trace_id for value in values):
        return True
    return any(
        facts.values.get("response_id") in values or facts.values.get("request_id") in values
        for facts in known.values()
        if facts.values
    )


def _own_ids(tree: Tree, known: Mapping[str, Facts]) -> frozenset[str]:
    """Return the ids that a trace's spans have of themselves: none of them is a conversation's."""
    found = {tree.spans[0].trace_id, *tree.by_id}
    for facts in known.values():
        for name in ("response_id", "request_id"):
            if isinstance(value := facts.values.get(name), str):
                found.add(value.replace("-", ""))
    return frozenset(found)


def inside_tools(tree: Tree, known: Mapping[str, Facts]) -> frozenset[str]:
    """Return the spans that run below a tool."""
    found: set[str] = set()
    for span in tree.spans:  # parents come before children
        above = tree.parent.get(span.span_id)
        if above is None:
            continue
        if above in found or (above in known and known[above].kind == "tool"):
            found.add(span.span_id)
    return frozenset(found)


def _runs_within_another(
    tree: Tree, known: Mapping[str, Facts], found: Mapping[str, Found], span_id: str
) -> bool:
    """Whether a span's id is that of an agent that an agent of another conversation runs."""
    mine = found[span_id].thread_id
    for span in tree.ancestors(span_id):
        facts = known.get(span.span_id)
        other = found.get(span.span_id)
        if facts and facts.kind == "agent" and other and other.thread_id != mine:
            return True
    return False


def _is_browsers(span: Span) -> bool:
    """Whether a span is of a person's browser, whose session holds many conversations."""
    if span.resource.get("telemetry.sdk.language") == "webjs":
        return True
    return by_shape(_has_browsers_names, span.attributes)


@remembered
def _has_browsers_names(names: Names) -> bool:
    return any(name.startswith(BROWSER) for name in names)


def valid(value: object, placeholder: re.Pattern[str]) -> str | None:
    """Return a usable id: a string that is no placeholder, without one pair of JSON quotes."""
    if not isinstance(value, str):
        return None
    text = as_kept(value)
    if not text or len(text) > THREAD_ID_LENGTH_MAX or placeholder.fullmatch(text):
        return None
    return text


def as_kept(given: str) -> str:
    """Return the id as kept of a conversation that somebody names: no outer blanks, no NUL."""
    text = without_nul(given).strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    return text


def _spread(tree: Tree, found: dict[str, Found]) -> dict[str, Found]:
    """Give each span the id of its nearest ancestor-or-self, else of its first descendant."""
    spread = dict(found)
    for span in tree.spans:  # parents come before children
        if span.span_id not in spread:
            parent = tree.parent.get(span.span_id)
            if parent is not None and parent in spread:
                spread[span.span_id] = spread[parent]
    below: dict[str, Found] = {}
    for span in reversed(tree.spans):
        one = spread.get(span.span_id) or below.get(span.span_id)
        parent = tree.parent.get(span.span_id)
        if one and parent is not None:
            below[parent] = one  # reversed order: the earliest child is the last to write
    return {**below, **spread}
