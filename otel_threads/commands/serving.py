"""`otel-threads serve` and `demo`. A server lives long: what it does not need is not imported.

What this file imports at its top stays in the supervisor, too: nothing but what commands share.
"""

import contextlib
import gc
import logging
from collections.abc import Iterator

import click

from otel_threads import logs, supervisor
from otel_threads.commands.base import SETTING_OPTIONS, announce, failing, load, setting_options
from otel_threads.core import config as settings
from otel_threads.core.config import Config

no_supervise = click.option(
    "--no-supervise",
    is_flag=True,
    help="Do not start the server anew when a signal ended it (setting supervise = false).",
)


@click.command()
@setting_options(*SETTING_OPTIONS)
@no_supervise
@click.option("--ready-file", help="Write the addresses here as JSON once every port answers.")
@click.option("--from-lake", is_flag=True, help="Read the lake; receive and write nothing.")
def serve(
    config_file: str | None,
    no_supervise: bool,
    ready_file: str | None,
    from_lake: bool,
    **given: str | None,
) -> None:
    """Receive spans and serve conversations until SIGTERM or Ctrl-C."""
    config = _load_and_fork(config_file, no_supervise, given)
    with _no_search_for_garbage():
        from otel_threads import server, tracing

    try:
        tracing.start(config)
    except settings.ConfigError as error:
        raise click.UsageError(str(error)) from None
    with failing(server.ListenError):
        server.run(config, from_lake=from_lake, ready_file=ready_file, announce=announce)


@click.command()
@setting_options("database")
@no_supervise
@click.option("--exit", "and_exit", is_flag=True, help="Stop once the conversations are shown.")
def demo(config_file: str | None, no_supervise: bool, and_exit: bool, **given: str | None) -> None:
    """Start the server, send it recorded conversations, show what came out."""
    database = given["database"] or "otel-threads-demo.duckdb"
    config = _load_and_fork(config_file, no_supervise or and_exit, {**given, "database": database})
    with _no_search_for_garbage():
        from otel_threads import demo as example
        from otel_threads import server

    with failing(server.ListenError):
        example.run(config, announce=announce, and_exit=and_exit)


def _load_and_fork(
    config_file: str | None, no_supervise: bool, given: dict[str, str | None]
) -> Config:
    """Return the settings, in a process that is watched unless that is not wanted."""
    if no_supervise:
        given = {**given, "supervise": "false"}
    config = load(config_file, **given).config
    logs.install(config.log_format, level=logging.getLogger().level)
    if config.supervise:
        supervisor.supervise()
    return config


@contextlib.contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Look for no cycles meanwhile: imports make objects that stay, and a tenth of their time went
    into looking for others."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
