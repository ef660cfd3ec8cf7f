"""The command line. Reads a running server when there is one, else the database file itself.

Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.
"""

import io
import logging
import os
import sys
from importlib import import_module
from keyword import iskeyword

import click

import otel_threads
from otel_threads import logs, terminal

HOMES = {
    "serve": "serving",
    "demo": "serving",
    "threads": "data",
    "traces": "data",
    "spans": "data",
    "export": "data",
    "doctor": "data",
    "evaluate": "evaluation",
    "compare": "evaluation",
    "datasets": "evaluation",
    "scores": "review",
    "reviews": "review",
    "rules": "rules_command",
    "import": "import_command",
    "sql": "sql_command",
    "mcp": "mcp_command",
    "lake": "lake_command",
    "ask": "ask_command",
    "issues": "issues_command",
    "prune": "maintenance",
    "backup": "maintenance",
    "restore": "maintenance",
    "compact": "maintenance",
    "rebuild": "maintenance",
    "config": "program",
    "completion": "program",
}


class Commands(click.Group):
    """Imports only what the command that is called needs: a server keeps its imports for weeks."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return sorted(HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, None if there is none."""
        if cmd_name not in HOMES:
            return None
        home = import_module(f"otel_threads.commands.{HOMES[cmd_name]}")
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        found: click.Command = getattr(home, name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(otel_threads.__version__, prog_name="otel-threads")
@click.option("-v", "--verbose", is_flag=True, help="Log what the server does.")
def cli(verbose: bool) -> None:
    """Conversations from OpenTelemetry spans."""
    logs.install("text", level=logging.INFO if verbose else logging.WARNING)


def main() -> None:
    """Run the program."""
    # Read when gRPC is imported. Else it writes a line for each client that fails at TLS or sends a
    # wrong header: anybody could fill the disk with them.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    sys.excepthook = terminal.say_crash
    try:
        sys.exit(cli(prog_name="otel-threads", standalone_mode=False))
    except click.ClickException as error:  # it repeats arguments, names of files, settings
        text = io.StringIO()
        error.show(text)
        terminal.say(text.getvalue().rstrip("\n"), to_stderr=True)
        sys.exit(error.exit_code)
    except click.Abort:
        terminal.say("Aborted!", to_stderr=True)
        sys.exit(1)
    except BrokenPipeError:
        # `| head` closed the pipe; the rest has no reader.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
