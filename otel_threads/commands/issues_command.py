"""`otel-threads issues`: failures that several threads have in common."""

from typing import Any, get_args

import click

from otel_threads import show
from otel_threads.commands.base import json_option, load, project_option, setting_options
from otel_threads.commands.output import print_answer, say_changed, source
from otel_threads.core.issue import IssueState

where = setting_options("database", "http_endpoint")
issue_ids = click.argument("issue_ids", nargs=-1, required=True)


@click.group()
def issues() -> None:
    """Failures that several threads have in common."""


@issues.command("list")
@where
@project_option
@click.option("--state", type=click.Choice(get_args(IssueState)), help="All if left out.")
@click.option("--from", "from_", help="Failures since this RFC 3339 time; 30 days if left out.")
@click.option("--threads-min", type=click.IntRange(1, 1000), default=2, show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def issues_list(config_file: str | None, as_json: bool, **given: Any) -> None:
    """List issues, those with the most threads first."""
    settings = {name: given.pop(name) for name in ("database", "http_endpoint")}
    given["from_time"] = given.pop("from_")
    with source(load(config_file, **settings).config) as client:
        page = client.issues(**given)
    print_answer(page, as_json, lambda: show.issues(page))


@issues.command("close")
@where
@project_option
@issue_ids
def issues_close(
    config_file: str | None, project: str | None, issue_ids: tuple[str, ...], **given: str | None
) -> None:
    """Close issues, until a turn fails so again."""
    with source(load(config_file, **given).config, writes=True) as client:
        found = client.close_issues(issue_ids, project=project)
    say_changed(found, "closed")


@issues.command("reopen")
@where
@project_option
@issue_ids
def issues_reopen(
    config_file: str | None, project: str | None, issue_ids: tuple[str, ...], **given: str | None
) -> None:
    """Open issues again."""
    with source(load(config_file, **given).config, writes=True) as client:
        found = client.reopen_issues(issue_ids, project=project)
    say_changed(found, "reopened")
