"""What a tool is, whatever protocol calls it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from otel_threads import tracing
from otel_threads.api.mcp.arguments import Arguments
from otel_threads.api.mcp.desk import Desk
from otel_threads.core.errors import InvalidQuery

Given = TypeVar("Given", bound=Arguments)
ERROR_CHARS_MAX = 2_000
Schema = dict[str, object]


@dataclass(frozen=True)
class Tool(Generic[Given]):
    """A tool: its arguments are a model of pydantic, its answer is a dataclass of `answers.py`.

    `of_all_projects` says that it cannot be bound to one project.
    """

    name: str
    title: str
    description: str
    takes: type[Given]
    gives: type
    run: Callable[[Desk, Given], object]
    writes: bool = False
    is_idempotent: bool = True
    of_all_projects: bool = False

    def call(self, desk: Desk, arguments: object) -> object:
        """Return the answer, an object of `answers.py`.

        Raises:
            InvalidQuery, NotFound, Conflict, QueryTimeout, Unavailable: the text without its hint
                is for the agent, and quotes nothing that is stored.
        """
        try:
            given = self.takes.model_validate(arguments or {})
        except ValidationError as error:
            raise InvalidQuery(_wrong(error)) from None
        with tracing.span(f"mcp {self.name}"):
            return self.run(desk, given)

    @functools.cached_property
    def input_schema(self) -> Schema:
        """Return what it takes, as JSON Schema."""
        return self.takes.model_json_schema()

    @functools.cached_property
    def output_schema(self) -> Schema:
        """Return what it gives, as JSON Schema."""
        return TypeAdapter(self.gives).json_schema(mode="serialization")


class AnyTool(Protocol):
    """A tool, whatever it takes."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def writes(self) -> bool: ...
    @property
    def is_idempotent(self) -> bool: ...
    @property
    def of_all_projects(self) -> bool: ...
    @property
    def input_schema(self) -> Schema: ...
    @property
    def output_schema(self) -> Schema: ...

    def call(self, desk: Desk, arguments: object) -> object:
        """See `Tool.call`."""
        ...


def _wrong(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)[:5]
    )[:ERROR_CHARS_MAX]
