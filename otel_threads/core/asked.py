"""A question in words, and what a model made of it."""

from dataclasses import dataclass
from typing import Annotated

from otel_threads.core.fields import Described


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A quote that stands in a turn, letter for letter but for blanks."""

    thread_id: str
    turn_index: int
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAnswer:
    """What a model proposes or says. Nothing of it has been run."""

    filter: Annotated[str | None, Described("Proposed; it parses.")]
    sql: Annotated[str | None, Described("Proposed; the sandbox takes it.")]
    answer: Annotated[str, Described("By the model: read it as such.")]
    evidence: list[Evidence]
    cost_usd: Annotated[float | None, Described("Null is unknown.")]
    model: str | None
