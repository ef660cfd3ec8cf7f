"""Commands about the program itself: config, completion."""

import dataclasses

import click
from click.shell_completion import get_completion_class

from otel_threads import show, terminal
from otel_threads.commands.base import SETTING_OPTIONS, json_option, load, setting_options
from otel_threads.commands.output import print_answer
from otel_threads.core import config as settings
from otel_threads.core.config import Config


@click.command()
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


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that makes a shell complete our commands."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    root = click.get_current_context().find_root().command
    terminal.say(found(root, {}, "otel-threads", "_OTEL_THREADS_COMPLETE").source())
