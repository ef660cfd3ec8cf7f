"""What commands that ask share: where the data is, how answers look."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from otel_threads import local, terminal
from otel_threads.commands.base import failing
from otel_threads.core.config import Config
from otel_threads.core.suggestions import did_you_mean
from otel_threads.sdk.client import Client

if TYPE_CHECKING:
    from rich.console import RenderableType


@contextmanager
def source(config: Config, *, writes: bool = False) -> Iterator[Client]:
    """Yield a client of the running server, else of the file."""
    with failing(), local.client(config, writes=writes) as client:
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


def say_unknown(client: Client, project: str | None) -> None:
    """Say on stderr that a project is not here, and which may be meant; nothing where it is."""
    names = [one["project"] for one in client.list_projects()]
    if project in (None, "*", *names):
        return
    hint = did_you_mean(str(project), names) or (names and f"; there are {', '.join(names)}") or ""
    terminal.say(f"otel-threads: no project {project!r}{hint}", to_stderr=True)
