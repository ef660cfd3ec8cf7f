"""Which thread a span belongs to: one ordered list of attributes, compared over the whole trace.

Source: docs/conventions.md, sections "Precedence", "Values to refuse" and "Scope".
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from otel_threads.core.model import Span
from otel_threads.derive.attribute_cache import by_shape, remembered
from otel_threads.derive.family import parse
from otel_threads.derive.tree import Tree

THREAD_ID_LENGTH_MAX = 1000  # an "id" longer than this is a text
CONVERSATION_ID = "gen_ai.conversation.id"
_VENDOR_WORDS = ("conversation_id", "thread_id", "chat_id", "session_id")
_CAMEL_WORDS = ("threadId", "conversationId", "chatId", "sessionId")
_SNAKE_WORDS = ("thread_id", "conversation_id", "chat_id", "session_id")
BARE = (
    "thread_id", "threadId", "conversation_id", "conversationId", "conversation.id", "chat_id",
    "chatId", "session_id", "sessionId",
)  # fmt: skip
GROUP_ID = "group_id"  # only on the root of a trace that logfire made of OpenAI Agents
METADATA = "metadata"  # a JSON text with one of BARE inside

# The first that a trace has decides. `thread.id` is missing on purpose: it is the OS thread.
# langsmith.trace.session_* is missing too: LangSmith calls a project a session.
PRECEDENCE: tuple[str, ...] = (
    "otel_threads.thread_id",
    CONVERSATION_ID,
    "langfuse.session.id",
    "session.id",
    *(f"traceloop.association.properties.{word}" for word in _VENDOR_WORDS),
    "lmnr.association.properties.session_id",
    *(f"langsmith.metadata.{word}" for word in ("thread_id", "conversation_id", "session_id")),
    *(
        f"{prefix}.{word}"
        for prefix in ("ai.telemetry.metadata", "ai.settings.context")
        for word in (*_CAMEL_WORDS, *_SNAKE_WORDS)
    ),
    "gcp.vertex.agent.session_id",
    "livekit.session.id",
    "mlflow.trace.session",
    "spring.ai.chat.client.conversation.id",
    "langwatch.thread.id",
    "langwatch.thread_id",
    "gen_ai.thread.id",  # Azure AI Agents
    "wandb.thread_id",
    *(f"genkit:metadata:{word}" for word in (*_CAMEL_WORDS, *_SNAKE_WORDS, "agent:sessionId")),
    GROUP_ID,
    *BARE,
    METADATA,
    *(f"metadata.{word}" for word in BARE),
    *(
        f"langfuse.{level}.metadata.{word}"
        for level in ("trace", "observation")
        for word in ("langfuse_session_id", *BARE)
    ),
)
RESOURCE_SOURCE = f"resource.{CONVERSATION_ID}"
_PLACEHOLDER = re.compile(
    r"\[scrubbed due to .*|<elided>|<redacted>|\[redacted\]|null|none|undefined|nil|n/a|\*+",
    re.IGNORECASE | re.DOTALL,
)


class Found(NamedTuple):
    """The thread of a span and the attribute that decided."""

    thread_id: str
    source: str


class Identity:
    """The precedence of one installation: the user's own attributes come first."""

    def __init__(self, thread_id_attributes: Sequence[str] = ()) -> None:
        ordered = dict.fromkeys((*thread_id_attributes, *PRECEDENCE))
        rank: Mapping[str, int] = {name: place for place, name in enumerate(ordered)}
        self._rank_max = len(rank)
        # Of a span's attribute names those that may hold an id, with their rank.
        self._may_hold = remembered(
            lambda names: tuple((name, rank[name]) for name in names if name in rank)
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
        roots = {span.span_id for span in tree.roots}
        found: dict[str, Found] = {}
        for span in tree.spans:
            for name, rank in by_shape(self._may_hold, span.attributes):
                if rank > best:
                    continue
                value = self._value(span, name, is_root=span.span_id in roots)
                if value is None:
                    continue
                if rank < best:
                    best, found = rank, {}
                found[span.span_id] = Found(value, name)
        return found

    def _value(self, span: Span, name: str, *, is_root: bool) -> str | None:
        value = span.attributes[name]
        if name == GROUP_ID and not (span.scope_name.startswith("logfire") and is_root):
            return None
        if name == METADATA:
            bag = parse(value)
            if not isinstance(bag, dict):
                return None
            return next((good for word in BARE if (good := valid(bag.get(word)))), None)
        return valid(value)

    def _from_resource(self, tree: Tree) -> dict[str, Found]:
        return {
            span.span_id: Found(value, RESOURCE_SOURCE)
            for span in tree.spans
            if (value := valid(span.resource.get(CONVERSATION_ID)))
        }


def valid(value: object) -> str | None:
    """Return a usable id: a string that is no placeholder, without one pair of JSON quotes."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    if not text or len(text) > THREAD_ID_LENGTH_MAX or _PLACEHOLDER.fullmatch(text):
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
