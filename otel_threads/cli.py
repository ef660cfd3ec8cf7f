"""The command line. Reads a running server when there is one, else the database file itself.

Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.
"""

import dataclasses
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

import otel_threads
from otel_threads import config as settings
from otel_threads import show
from otel_threads.config import Config, ConfigError, Loaded
from otel_threads.errors import OtelThreadsError
from otel_threads.local import Local, LocalServer, find_server, rebuild_file

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
project_option = click.option("--project", help="Project; * for all.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(otel_threads.__version__, prog_name="otel-threads")
@click.option("-v", "--verbose", is_flag=True, help="Log what the server does.")
def cli(verbose: bool) -> None:
    """Conversations from OpenTelemetry spans."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )


@cli.command()
@setting_options(*SETTING_OPTIONS)
@click.option("--ready-file", help="Write the addresses here as JSON once every port answers.")
def serve(config_file: str | None, ready_file: str | None, **given: str | None) -> None:
    """Receive spans and serve conversations until SIGTERM or Ctrl-C."""
    from otel_threads import server

    loaded = load(config_file, **given)
    with _failing(server.ListenError):
        server.run(loaded.config, ready_file=ready_file, announce=_announce)


@cli.command()
@setting_options("database")
@click.option("--exit", "and_exit", is_flag=True, help="Stop once the conversations are shown.")
def demo(config_file: str | None, and_exit: bool, **given: str | None) -> None:
    """Start the server, send it recorded conversations, show what came out."""
    from otel_threads import demo as example
    from otel_threads import server

    database = given["database"] or "otel-threads-demo.duckdb"
    loaded = load(config_file, **{**given, "database": database})
    with _failing(server.ListenError):
        example.run(loaded.config, console=Console(), announce=_announce, and_exit=and_exit)


@cli.group()
def threads() -> None:
    """Conversations."""


@threads.command("list")
@setting_options("database", "http_endpoint")
@project_option
@click.option("--status", type=click.Choice(["active", "inactive"]))
@click.option("--search", help="Text in the id, the first or the last message.")
@click.option("--sort", default="-last_activity_time", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def threads_list(
    config_file: str | None,
    project: str | None,
    status: str | None,
    search: str | None,
    sort: str,
    limit: int,
    as_json: bool,
    **given: str | None,
) -> None:
    """List threads, the most recently active first."""
    with _source(load(config_file, **given).config) as source:
        page = source.threads(
            project=project, status=status, search=search, sort=sort, limit=limit, with_total=True
        )
    _print(page, as_json, lambda: show.threads(page, every_project=project == "*"))


@threads.command("show")
@setting_options("database", "http_endpoint")
@click.argument("thread_id")
@project_option
@json_option
def threads_show(
    config_file: str | None, thread_id: str, project: str | None, as_json: bool, **given: str | None
) -> None:
    """Show one conversation, turn by turn."""
    with _source(load(config_file, **given).config) as source:
        thread = source.thread(thread_id, project=project)
        turns = source.all_turns(thread_id, project=project)
    _print({**thread, "turns": turns}, as_json, lambda: show.conversation(thread, turns))


@cli.group()
def traces() -> None:
    """Traces."""


@traces.command("list")
@setting_options("database", "http_endpoint")
@project_option
@click.option("--without-thread", is_flag=True, help="Only traces that belong to no thread.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def traces_list(
    config_file: str | None,
    project: str | None,
    without_thread: bool,
    limit: int,
    as_json: bool,
    **given: str | None,
) -> None:
    """List traces, the newest first."""
    with _source(load(config_file, **given).config) as source:
        page = source.traces(
            project=project, without_thread=without_thread or None, limit=limit, with_total=True
        )
    _print(page, as_json, lambda: show.traces(page))


@traces.command("show")
@setting_options("database", "http_endpoint")
@click.argument("trace_id")
@json_option
def traces_show(config_file: str | None, trace_id: str, as_json: bool, **given: str | None) -> None:
    """Show one trace: its turns and the tree of its spans."""
    with _source(load(config_file, **given).config) as source:
        trace = source.trace(trace_id)
    _print(trace, as_json, lambda: show.trace(trace))


@cli.command()
@setting_options("database", "http_endpoint")
def rebuild(config_file: str | None, **given: str | None) -> None:
    """Derive every conversation again from the stored spans."""
    loaded = load(config_file, **given)
    with _failing(), Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("deriving", total=None)

        def on_progress(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        address = find_server(loaded.config)
        if address:
            LocalServer(address, loaded.config).rebuild(on_progress)
        else:
            rebuild_file(loaded.config, on_progress)
    click.echo("rebuilt")


@cli.command()
@setting_options("database", "http_endpoint")
@json_option
def doctor(config_file: str | None, as_json: bool, **given: str | None) -> None:
    """Tell which instrumentations were seen and what keeps their traces out of threads."""
    with _source(load(config_file, **given).config) as source:
        found = source.instrumentations()
        status = source.status()
    report = {"status": status, "instrumentations": found}
    _print(report, as_json, lambda: show.doctor(status, found))


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
    _print({"settings": rows}, as_json, lambda: show.settings(rows))


@contextmanager
def _source(config: Config) -> Iterator["Local | LocalServer"]:
    """Yield the running server, else the file opened read-only."""
    with _failing():
        address = find_server(config)
        if address:
            yield LocalServer(address, config)
        else:
            local = Local(config)
            try:
                yield local
            finally:
                local.close()


@contextmanager
def _failing(*also: type[Exception]) -> Iterator[None]:
    """Turn our errors into one line on stderr and exit code 1."""
    try:
        yield
    except OtelThreadsError as error:
        _fail(error)
    except also as error:
        _fail(error)


def _fail(error: BaseException) -> None:
    click.echo(f"otel-threads: {error}", err=True)
    sys.exit(1)


def _announce(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _print(data: Any, as_json: bool, table: Callable[[], Any]) -> None:
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))
    else:
        Console(highlight=False).print(table())


def main() -> None:
    """Run the program."""
    try:
        cli(prog_name="otel-threads")
    except BrokenPipeError:
        # `| head` closed the pipe; the rest has no reader.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
