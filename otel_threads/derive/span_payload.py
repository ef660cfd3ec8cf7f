"""What went into a span and what came out of it, as JSON or as text, as it was sent."""

from collections.abc import Mapping
from typing import Any, Literal

from otel_threads.core import record
from otel_threads.derive.conventions import CONVENTIONS, Conventions

Side = Literal["input", "output"]
_ROLES: Mapping[Side, Literal["user", "assistant"]] = {"input": "user", "output": "assistant"}
# Fields of SDK records that hold one side, the first that is there.
_FIELDS: Mapping[Side, tuple[str, ...]] = {
    "input": (record.field("input"), record.field("inputs")),
    "output": (record.field("output"), record.field("outputs")),
}


def names(side: Side, conventions: Conventions = CONVENTIONS) -> tuple[str, ...]:
    """Return the attributes that may hold one side of a span, the first of which counts."""
    return (*_FIELDS[side], *(text.attribute for text in conventions.texts[_ROLES[side]]))


def payload(
    attributes: Mapping[str, Any], side: Side, conventions: Conventions = CONVENTIONS
) -> Any:
    """Return one side of a span: JSON text or a plain text, or what an attribute holds.

    None where no attribute that any family knows holds it.
    """
    for name in _FIELDS[side]:
        if attributes.get(name) is not None:
            return attributes[name]
    if record.ENTITY in attributes:
        return None
    for text in conventions.texts[_ROLES[side]]:
        found = attributes.get(text.attribute)
        if found is not None:
            return found
    return None
