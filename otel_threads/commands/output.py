"""What commands that ask share: where the data is, how answers look."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from otel_threads import local, terminal
from otel_threads.commands.base import failing
from otel_threads.core.config import Config
from otel_threads.sdk.client import Client

if TYPE_CHECKING:
    from rich.console import RenderableType


@contextmanager
def source(config: Config, *, writes: bool = False) -> Iterator[Client]:
    """Yield a client of the running server, else of the file; its hints go to stderr, once each."""
    said: set[str] = set()

    def say(hint: str) -> None:
        if hint not in said:
            said.add(hint)
            terminal.say(f"otel-threads: {terminal.escaped_line(hint)}", to_stderr=True)

    with failing(), local.client(config, writes=writes) as client:
        client.on_hint = say
        yield client


def print_answer(data: Any, as_json: bool, table: Callable[[], "RenderableType"]) -> None:
    """Print JSON for programs, or a table for people."""
    if as_json:
        terminal.print_json(data, indent=2)
    else:
        terminal.print_table(table())


def say_changed(found: dict[str, Any], done: str) -> None:
    """Say how many were changed; ids that are not here make it a failure."""
    terminal.say(f"{done} {found['updated']}")
    if found["not_found"]:
        missing = ", ".join(found["not_found"])
        terminal.say(f"otel-threads: not found: {missing}", to_stderr=True)
        sys.exit(1)
