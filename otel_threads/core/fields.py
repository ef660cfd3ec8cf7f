"""What is known of each field of a Thread and a Trace, once: `Field`, written beside its type.

`core/thread.py` and `core/trace.py` hold the table: a line a field. The filter language, sorts,
REST schemas, proto, export columns, docs and the page's column list follow from it; tests compare
what has to be written by hand (the .proto file, the views of SQL).
"""

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from otel_threads.core.score import Score, TurnScores
from otel_threads.core.usage import Usage

FilterType = Literal[
    "text", "number", "duration", "time", "boolean", "list", "map", "score", "message", "builtin"
]


@dataclass(frozen=True, slots=True)
class Described:
    """What a field of an answer is, where its name does not say it."""

    description: str

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Say in OpenAPI what the field is."""
        return {**handler(schema), "description": self.description}


@dataclass(frozen=True, slots=True)
class Field:
    """What one field is, beside its Python type.

    `proto` is its number in `proto/otel_threads/v1/threads.proto`; a number is never used again.
    `is_filterable` is whether the filter language knows it, `is_sortable` whether lists can be
    sorted by it. `export` is the place of its column in CSV and Parquet, None when it has none.
    `unit` is that of its number. `label` heads its column on the page, empty where the page shows
    none.
    """

    description: str
    _: KW_ONLY
    proto: int
    is_filterable: bool = True
    is_sortable: bool = False
    export: int | None = None
    unit: str = ""
    label: str = ""

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Say in OpenAPI what the field is."""
        return {**handler(schema), "description": self.description}


@dataclass(frozen=True, slots=True)
class NamedField:
    """A field of one kind of item, with its name and its Python type."""

    name: str
    type: Any
    field: Field


def fields_of(item: type) -> Mapping[str, NamedField]:
    """Return the fields of a dataclass by name, in the order in which they are written.

    Raises:
        TypeError: an attribute has no `Field` beside its type, or two have one proto number.
    """
    hints = get_type_hints(item, include_extras=True)
    found: dict[str, NamedField] = {}
    numbers: dict[int, str] = {}
    for attribute in dataclasses.fields(item):
        hint = hints[attribute.name]
        field = next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Field)), None)
        if field is None:
            raise TypeError(f"{item.__name__}.{attribute.name} has no Field beside its type")
        if field.proto in numbers:
            raise TypeError(
                f"{item.__name__}.{attribute.name} has the proto number {field.proto} of "
                f"{numbers[field.proto]}"
            )
        numbers[field.proto] = attribute.name
        found[attribute.name] = NamedField(attribute.name, hint.__origin__, field)
    return found


def filter_types(item: type) -> Mapping[str, FilterType]:
    """Return what filters can ask of an item: the type of each field's values, by name."""
    return {
        name: _filter_type(named)
        for name, named in fields_of(item).items()
        if named.field.is_filterable
    }


def _filter_type(named: NamedField) -> FilterType:
    if named.field.unit == "ms":
        return "duration"
    return next(kind for test, kind in _FILTER_TYPES if test(_without_none(named.type)))


def _without_none(hint: Any) -> Any:
    left = [one for one in get_args(hint) if one is not NoneType]
    return left[0] if get_origin(hint) in (Union, UnionType) and len(left) == 1 else hint


_FILTER_TYPES: Sequence[tuple[Callable[[Any], bool], FilterType]] = (
    (lambda hint: hint is bool, "boolean"),
    (lambda hint: hint in (int, float, Usage), "number"),
    (lambda hint: hint is str or get_origin(hint) is Literal, "text"),
    (lambda hint: hint is datetime.datetime, "time"),
    (lambda hint: hint in (list[Score], dict[str, TurnScores]), "score"),
    (lambda hint: get_origin(hint) is list, "list"),
    (lambda hint: get_origin(hint) is dict, "map"),
)


def sortable(item: type) -> tuple[str, ...]:
    """Return the names that lists of an item can be sorted by."""
    return tuple(name for name, named in fields_of(item).items() if named.field.is_sortable)


def exported(item: type) -> tuple[NamedField, ...]:
    """Return the fields that are columns of CSV and Parquet, in the order of the columns."""
    columns = [named for named in fields_of(item).values() if named.field.export is not None]
    return tuple(sorted(columns, key=lambda named: named.field.export or 0))
