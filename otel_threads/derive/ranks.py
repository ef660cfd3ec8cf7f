"""In which order attributes of different families count: ranks of thread ids and of texts.

A family names its attributes with their rank. At one rank the order of families/__init__.py's
`TIES` decides, then the family's own order. tests/derive/test_conventions.py pins what comes out.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto

from otel_threads.core.model import Span


class ThreadIdRank(IntEnum):
    """How much an attribute says of the conversation, the most first.

    Source: docs/conventions.md, section "Which thread".
    """

    OWN = auto()  # this product's own name: whoever writes it means it
    REPLACES = auto()  # a product's own name, where it gives the common word another meaning
    CONVERSATION = auto()  # the word of OpenTelemetry's conventions
    SDK_SESSION = auto()  # a session that an SDK was given by name, beside the common word for one
    SESSION = auto()  # the common word for a session
    ASSOCIATED = auto()  # properties that a program puts on all spans of a trace
    VENDOR = auto()  # a vendor's own attribute, or its metadata
    GROUP = auto()  # a name for a group of traces
    PLAIN = auto()  # the names that people choose
    METADATA = auto()  # the same inside of metadata
    VENDOR_METADATA = auto()  # the same inside of a vendor's metadata


class TextRank(IntEnum):
    """Where an outer span holds a person's or an assistant's words, the plainest first."""

    RUN = auto()  # what the span of a whole run was given and gave back
    SPAN = auto()  # what any span of a family was given and gave back
    REQUEST = auto()  # what a model was asked and answered
    STATE = auto()  # a state or history in which the words have to be looked for
    STEP = auto()  # what one step was given and gave back
    PLAIN = auto()  # the names that people choose


@dataclass(frozen=True, slots=True)
class ThreadId:
    """An attribute that may hold the conversation's id.

    `read` is for what more than the attribute's value decides: it returns the values that may be
    the id, the best first, given the span and whether it is a root. `source` returns what people
    call the place of the id; without it, that is the attribute. Both are called only on spans that
    have the attribute, and never raise; of a span that is not their family's they return nothing.
    """

    attribute: str
    rank: ThreadIdRank
    read: Callable[[Span, bool], Sequence[object]] | None = None
    source: Callable[[Span], str | None] | None = None

    def either(self, other: "ThreadId") -> "ThreadId":
        """Return the attribute as two families read it, each on its own spans."""
        mine, theirs = self.read, other.read
        if mine is None or theirs is None:
            return self
        return ThreadId(
            self.attribute,
            self.rank,
            lambda span, is_root: [*mine(span, is_root), *theirs(span, is_root)],
            lambda span: self.source_of(span) or other.source_of(span),
        )

    def source_of(self, span: Span) -> str | None:
        """Return what people call the place of the id; None for the attribute itself."""
        return self.source(span) if self.source else None


@dataclass(frozen=True, slots=True)
class Text:
    """An attribute of an outer span that may hold plain words.

    `mime_type` names the attribute that says what is in it: `text/plain` is shown as it is.
    """

    attribute: str
    rank: TextRank
    mime_type: str | None = None


_CONVERSATION = re.compile(r"conversation|thread|chat", re.IGNORECASE)


def precedence(one: ThreadId) -> tuple[int, int, ThreadIdRank]:
    """Return what sorts attributes: the words of a conversation come before a session's.

    A session is what a browser, a process or a user has, and holds several conversations as often
    as one. Whoever says conversation, thread or chat means one, whichever vendor's name it has.
    """
    if one.rank <= ThreadIdRank.CONVERSATION:
        return 0, 0, one.rank
    *_, before, last = "", *one.attribute.replace(":", ".").split(".")
    word = before if last == "id" else last
    return 1, not _CONVERSATION.search(word), one.rank


# How people spell a conversation's id, where a prefix or a bag of metadata comes before it.
CAMEL_WORDS = ("threadId", "conversationId", "chatId", "sessionId")
SNAKE_WORDS = ("thread_id", "conversation_id", "chat_id", "session_id")
PLAIN_WORDS = (
    "thread_id",
    "threadId",
    "conversation_id",
    "conversationId",
    "conversation.id",
    "chat_id",
    "chatId",
    "session_id",
    "sessionId",
)
