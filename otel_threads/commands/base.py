"""What all commands share: options, settings, how failures look. Imported by a server, too."""

import errno
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import click

from otel_threads import durable, terminal
from otel_threads.core import config as settings
from otel_threads.core.config import ConfigError, Loaded
from otel_threads.core.errors import OtelThreadsError

SETTING_OPTIONS = {
    "database": "DuckDB file",
    "otlp_grpc_endpoint": "host:port for OTLP over gRPC",
    "otlp_http_endpoint": "host:port for OTLP over HTTP",
    "http_endpoint": "host:port for REST",
    "grpc_endpoint": "host:port for the query API over gRPC",
}


def setting_options(*names: str) -> Callable[[Any], Any]:
    """Return a decorator that adds `--config` and an option per setting."""

    def decorate(command: Any) -> Any:
        for name in reversed(names):
            command = click.option(f"--{name.replace('_', '-')}", name, help=SETTING_OPTIONS[name])(
                command
            )
        return click.option(
            "--config", "config_file", envvar="OTEL_THREADS_CONFIG", help="TOML file"
        )(command)

    return decorate


def load(config_file: str | None, **given: str | None) -> Loaded:
    """Read the settings; a wrong one is wrong usage."""
    try:
        return settings.load(
            file=config_file, overrides={name: value for name, value in given.items() if value}
        )
    except ConfigError as error:
        raise click.UsageError(str(error)) from None


json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
project_option = click.option("--project", help="Project; all if left out.")
default_project_option = click.option("--project", help="Project; the default project if left out.")
thread_project_option = click.option(
    "--project", help="Project; the one that has the thread if left out."
)


class _Number(click.ParamType[float]):
    """A number; `nan` and `inf` are none, and neither is one that is too large."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return number(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


NUMBER = _Number()


def number(text: str) -> float:
    """Return a finite number.

    Raises:
        ValueError: it is none.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{text!r} is no finite number")
    return found


@contextmanager
def failing(*also: type[Exception]) -> Iterator[None]:
    """Turn our errors into one line on stderr and exit code 1."""
    try:
        yield
    except OtelThreadsError as error:
        _fail(error)
    except also as error:
        _fail(error)


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Yield a file, beside the target, that takes its place once all of it is written.

    Where that cannot be done: one line on stderr, exit code 1, and nothing is left behind.
    """
    partial = target.with_name(f".{target.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        durable.sync(partial)
        durable.replace(partial, target)
    except OSError as error:
        if error.errno == errno.EPIPE:  # of stdout: who reads it has left
            raise
        _fail(f"{target} cannot be written: {error.strerror or error}")
    finally:
        with suppress(OSError):
            partial.unlink()


def _fail(error: object) -> None:
    terminal.say(f"otel-threads: {error}", to_stderr=True)
    sys.exit(1)


def announce(line: str) -> None:
    """Print a line at once, also into a pipe."""
    terminal.say(line)
