"""Which thread a span belongs to: one ordered list of attributes, compared over the whole trace.

The attributes are the families', in the order of ranks.py; the user's own come first.

Source: docs/conventions.md, section "Which thread".
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from otel_threads.core.model import Span
from otel_threads.derive.attribute_cache import by_shape, remembered
from otel_threads.derive.conventions import CONVENTIONS, Conventions
from otel_threads.derive.ranks import ThreadId
from otel_threads.derive.tree import Tree

THREAD_ID_LENGTH_MAX = 1000  # an "id" longer than this is a text
CONVERSATION_ID = "gen_ai.conversation.id"
RESOURCE_SOURCE = f"resource.{CONVERSATION_ID}"


class Found(NamedTuple):
    """The thread of a span and the attribute that decided."""

    thread_id: str
    source: str


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

    def threads(self, tree: Tree) -> dict[str, Found]:
        """Return the thread of each span that has one, by span id.

        One distinct value at the best rank holds for the whole trace. With several, a span takes
        that of its nearest ancestor-or-self, else of its first descendant that has one.
        """
        found = self._best(tree)
        if not found:
            return self._from_resource(tree)
        values = {one.thread_id for one in found.values()}
        if len(values) == 1:
            # Which attribute is the same for all; the id may come from any of them.
            only = found[min(found)]
            return dict.fromkeys((span.span_id for span in tree.spans), only)
        return _spread(tree, found)

    def _best(self, tree: Tree) -> dict[str, Found]:
        """Return the ids at the best rank of the trace, by the id of the span that carries them."""
        best = self._rank_max
        found: dict[str, Found] = {}
        for span in tree.spans:
            for name, rank, told in by_shape(self._may_hold, span.attributes):
                if rank > best:
                    continue
                value = self._value(tree, span, name, told)
                if value is None:
                    continue
                if rank < best:
                    best, found = rank, {}
                found[span.span_id] = Found(value, name)
        return found

    def _value(self, tree: Tree, span: Span, name: str, told: ThreadId | None) -> str | None:
        placeholder = self.conventions.placeholder
        if told is None or told.read is None:
            return valid(span.attributes[name], placeholder)
        values = told.read(span, span.span_id not in tree.parent)
        return next((good for value in values if (good := valid(value, placeholder))), None)

    def _from_resource(self, tree: Tree) -> dict[str, Found]:
        return {
            span.span_id: Found(value, RESOURCE_SOURCE)
            for span in tree.spans
            if (value := valid(span.resource.get(CONVERSATION_ID), self.conventions.placeholder))
        }


def valid(value: object, placeholder: re.Pattern[str]) -> str | None:
    """Return a usable id: a string that is no placeholder, without one pair of JSON quotes."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    if not text or len(text) > THREAD_ID_LENGTH_MAX or placeholder.fullmatch(text):
        return None
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
