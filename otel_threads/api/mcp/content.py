"""Stored text as agents see it: bounded, in a field of its own, and marked as untrusted.

Whatever came with spans was written by users, models and programs of the traced applications. An
agent that reads it as an instruction does what a stranger wrote. So no such text stands anywhere
but in the fields of objects that carry `untrusted: true`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import orjson

from otel_threads.characters import STEERING_BUT_BLANKS
from otel_threads.core.message import Role

NAME_CHARS_MAX = 200  # of a name that spans brought: a model, a tool, a tag
NAMES_MAX = 10  # of a list of them
PREVIEW_CHARS = 200
HIDDEN = "\ufffd"  # in place of a character that nobody sees


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A part of a stored text. It goes on at `next_offset`; null at its end."""

    role: Role | None
    thread_id: str | None
    turn_index: int | None
    text: str
    total_chars: int
    next_offset: int | None
    untrusted: Literal[True] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a text stands."""

    thread_id: str | None = None
    turn_index: int | None = None

    def text(
        self,
        found: str | None,
        *,
        role: Role | None = None,
        chars: int = PREVIEW_CHARS,
        at: int = 0,
    ) -> Text | None:
        """Return a text from a character on, as many characters at most; None of none."""
        if found is None:
            return None
        end = at + chars
        return Text(
            role=role,
            thread_id=self.thread_id,
            turn_index=self.turn_index,
            text=visible(found[at:end]),
            total_chars=len(found),
            next_offset=end if end < len(found) else None,
        )


def visible(text: str) -> str:
    """Return a text with a mark for each character that steers a terminal, or that nobody sees."""
    return STEERING_BUT_BLANKS.sub(HIDDEN, text)


def name(found: str) -> str:
    """Return a name that spans brought, not too long."""
    whole = visible(found)
    return whole if len(whole) <= NAME_CHARS_MAX else whole[: NAME_CHARS_MAX - 1] + "…"


def name_or_none(found: str | None) -> str | None:
    """As `name`; None of none."""
    return None if found is None else name(found)


def names(found: Iterable[str]) -> list[str]:
    """Return the first of such names."""
    return [name(one) for one in list(found)[:NAMES_MAX]]


def as_text(value: object) -> str | None:
    """Return a value of JSON as its text; a text as it is, None of none."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, default=str).decode()
