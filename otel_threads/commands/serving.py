"""`otel-threads serve` and `demo`. A server lives long: what it does not need is not imported."""

import logging

import click

from otel_threads import config as settings
from otel_threads import logs, server, tracing
from otel_threads.commands.base import SETTING_OPTIONS, announce, failing, load, setting_options


@click.command()
@setting_options(*SETTING_OPTIONS)
@click.option("--ready-file", help="Write the addresses here as JSON once every port answers.")
def serve(config_file: str | None, ready_file: str | None, **given: str | None) -> None:
    """Receive spans and serve conversations until SIGTERM or Ctrl-C."""
    loaded = load(config_file, **given)
    logs.install(loaded.config.log_format, level=logging.getLogger().level)
    try:
        tracing.start(loaded.config)
    except settings.ConfigError as error:
        raise click.UsageError(str(error)) from None
    with failing(server.ListenError):
        server.run(loaded.config, ready_file=ready_file, announce=announce)


@click.command()
@setting_options("database")
@click.option("--exit", "and_exit", is_flag=True, help="Stop once the conversations are shown.")
def demo(config_file: str | None, and_exit: bool, **given: str | None) -> None:
    """Start the server, send it recorded conversations, show what came out."""
    from rich.console import Console

    from otel_threads import demo as example

    database = given["database"] or "otel-threads-demo.duckdb"
    loaded = load(config_file, **{**given, "database": database})
    with failing(server.ListenError):
        example.run(loaded.config, console=Console(), announce=announce, and_exit=and_exit)
