"""The command line. Reads a running server when there is one, else the database file itself.

Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.
"""

import dataclasses
import logging
import os
import sys
import time

import click
from click.shell_completion import get_completion_class
from rich.console import Console
from rich.progress import Progress

import otel_threads
from otel_threads import config as settings
from otel_threads import local, logs, process, show, tracing
from otel_threads.commands import data
from otel_threads.commands import sql as asking
from otel_threads.commands import store as storing
from otel_threads.commands.base import (
    SETTING_OPTIONS,
    announce,
    failing,
    json_option,
    load,
    print_answer,
    setting_options,
    source,
)
from otel_threads.config import Config

POLL_S = 0.1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(otel_threads.__version__, prog_name="otel-threads")
@click.option("-v", "--verbose", is_flag=True, help="Log what the server does.")
def cli(verbose: bool) -> None:
    """Conversations from OpenTelemetry spans."""
    logs.install("text", level=logging.INFO if verbose else logging.WARNING)


for _command in (
    data.threads,
    data.traces,
    data.export,
    asking.sql,
    storing.prune,
    storing.backup,
    storing.restore,
    storing.compact,
):
    cli.add_command(_command)


@cli.command()
@setting_options(*SETTING_OPTIONS)
@click.option("--ready-file", help="Write the addresses here as JSON once every port answers.")
def serve(config_file: str | None, ready_file: str | None, **given: str | None) -> None:
    """Receive spans and serve conversations until SIGTERM or Ctrl-C."""
    from otel_threads import server

    loaded = load(config_file, **given)
    logs.install(loaded.config.log_format, level=logging.getLogger().level)
    try:
        tracing.start(loaded.config)
    except settings.ConfigError as error:
        raise click.UsageError(str(error)) from None
    with failing(server.ListenError):
        server.run(loaded.config, ready_file=ready_file, announce=announce)


@cli.command()
@setting_options("database")
@click.option("--exit", "and_exit", is_flag=True, help="Stop once the conversations are shown.")
def demo(config_file: str | None, and_exit: bool, **given: str | None) -> None:
    """Start the server, send it recorded conversations, show what came out."""
    from otel_threads import demo as example
    from otel_threads import server

    database = given["database"] or "otel-threads-demo.duckdb"
    loaded = load(config_file, **{**given, "database": database})
    with failing(server.ListenError):
        example.run(loaded.config, console=Console(), announce=announce, and_exit=and_exit)


@cli.command()
@setting_options("database", "http_endpoint")
def rebuild(config_file: str | None, **given: str | None) -> None:
    """Derive every conversation again from the stored spans."""
    loaded = load(config_file, **given)
    with failing(), Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("deriving", total=None)

        def on_progress(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        if local.find_server(loaded.config):
            with local.client(loaded.config) as client:
                total = client.rebuild()["committed_sequence"]
                while (done := client.status()["derived_sequence"]) < total:
                    on_progress(done, total)
                    time.sleep(POLL_S)
        else:
            process.tune()
            local.rebuild_file(loaded.config, on_progress)
    click.echo("rebuilt")


@cli.command()
@setting_options("database", "http_endpoint")
@json_option
def doctor(config_file: str | None, as_json: bool, **given: str | None) -> None:
    """Tell which instrumentations were seen and what keeps their traces out of threads."""
    with source(load(config_file, **given).config) as client:
        report = client.doctor()
    print_answer(report, as_json, lambda: show.doctor(report))


@cli.command()
@setting_options(*SETTING_OPTIONS)
@json_option
def config(config_file: str | None, as_json: bool, **given: str | None) -> None:
    """Print every setting, its value and where it came from."""
    loaded = load(config_file, **given)
    rows = [
        {
            "name": field.name,
            "value": "***"
            if field.name in settings.SECRETS and getattr(loaded.config, field.name)
            else getattr(loaded.config, field.name),
            "source": loaded.sources[field.name],
        }
        for field in dataclasses.fields(Config)
    ]
    print_answer({"settings": rows}, as_json, lambda: show.settings(rows))


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that makes a shell complete our commands."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(found(cli, {}, "otel-threads", "_OTEL_THREADS_COMPLETE").source())


def main() -> None:
    """Run the program."""
    try:
        cli(prog_name="otel-threads")
    except BrokenPipeError:
        # `| head` closed the pipe; the rest has no reader.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
