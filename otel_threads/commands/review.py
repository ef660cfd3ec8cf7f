"""Commands for people who score: how scores are given, queues of threads to review."""

from typing import Any

import click

from otel_threads import show_evaluation as show
from otel_threads import terminal
from otel_threads.commands.base import (
    NUMBER,
    default_project_option,
    json_option,
    load,
    number,
    project_option,
    setting_options,
)
from otel_threads.commands.output import print_answer, source

where = setting_options("database", "http_endpoint")


@click.group()
def scores() -> None:
    """How scores are given."""


@scores.command("list")
@where
@project_option
@json_option
def scores_list(
    config_file: str | None, project: str | None, as_json: bool, **given: str | None
) -> None:
    """List score definitions, by name."""
    with source(load(config_file, **given).config) as client:
        found = list(client.list_score_definitions(project=project))
    print_answer(found, as_json, lambda: show.definitions(found))


@scores.command("define")
@where
@click.argument("name")
@click.argument("kind", type=click.Choice(["numeric", "categorical", "boolean"]))
@click.option("--min", type=NUMBER, help="Least value of a numeric score.")
@click.option("--max", type=NUMBER, help="Greatest value of a numeric score.")
@click.option(
    "--category", multiple=True, metavar="LABEL[=NUMBER]", help="May be given repeatedly."
)
@click.option("--better", type=click.Choice(["higher", "lower"]), help="Which values are good.")
@click.option("--description", help="What is scored.")
@default_project_option
def scores_define(
    config_file: str | None,
    name: str,
    kind: str,
    category: tuple[str, ...],
    database: str | None,
    http_endpoint: str | None,
    **given: Any,
) -> None:
    """Say how scores of a name are given: otel-threads scores define stars numeric --max 5."""
    config = load(config_file, database=database, http_endpoint=http_endpoint).config
    labels = [_category(one) for one in category] or None
    with source(config, writes=True) as client:
        client.put_score_definition(name, kind, categories=labels, **given)
    terminal.say(f"defined {name}")


def _category(given: str) -> dict[str, Any]:
    label, is_pair, value = given.rpartition("=")
    if not is_pair:
        return {"label": given}
    try:
        return {"label": label, "value": number(value)}
    except ValueError as error:
        raise click.UsageError(f"--category {given}: {error}") from None


@scores.command("delete")
@where
@click.argument("name")
@default_project_option
def scores_delete(
    config_file: str | None, name: str, project: str | None, **given: str | None
) -> None:
    """Delete a score definition; the scores stay."""
    with source(load(config_file, **given).config, writes=True) as client:
        client.delete_score_definition(name, project=project)
    terminal.say("deleted 1")


@click.group()
def reviews() -> None:
    """Queues of threads that people review."""


@reviews.command("list")
@where
@project_option
@json_option
def reviews_list(
    config_file: str | None, project: str | None, as_json: bool, **given: str | None
) -> None:
    """List review queues with how far they are, the newest first."""
    with source(load(config_file, **given).config) as client:
        found = list(client.list_review_queues(project=project))
    print_answer(found, as_json, lambda: show.queues(found))


@reviews.command("create")
@where
@click.argument("name")
@click.option("--score", "score_names", multiple=True, required=True, help="To give; repeatedly.")
@click.option("--filter", help="Threads, as in: turn_count > 2")
@click.option("--thread", "thread_ids", multiple=True, help="A thread by its id; repeatedly.")
@click.option("--reviewers", "reviewers_per_thread", type=click.IntRange(1), default=1)
@click.option("--instructions", help="What reviewers are told.")
@default_project_option
@json_option
def reviews_create(
    config_file: str | None,
    name: str,
    score_names: tuple[str, ...],
    thread_ids: tuple[str, ...],
    as_json: bool,
    database: str | None,
    http_endpoint: str | None,
    **given: Any,
) -> None:
    """Make a queue of threads, by filter or by hand."""
    config = load(config_file, database=database, http_endpoint=http_endpoint).config
    ids = list(thread_ids) or None
    with source(config, writes=True) as client:
        found = client.create_review_queue(name, score_names, thread_ids=ids, **given)
    print_answer(found, as_json, lambda: show.queues([found]))


@reviews.command("next")
@where
@click.argument("queue_id")
@click.option("--reviewer", required=True, help="Who reviews.")
@json_option
def reviews_next(
    config_file: str | None, queue_id: str, reviewer: str, as_json: bool, **given: str | None
) -> None:
    """Lock the next thread for a reviewer, for 15 minutes, and print its id."""
    with source(load(config_file, **given).config, writes=True) as client:
        found = client.next_review(queue_id, reviewer)
    if as_json:
        terminal.print_json(found, indent=2)
    else:
        terminal.say(found["thread_id"] or "nothing is left")


@reviews.command("done")
@where
@click.argument("queue_id")
@click.argument("thread_id")
@click.option("--reviewer", required=True, help="Who reviewed.")
def reviews_done(
    config_file: str | None, queue_id: str, thread_id: str, reviewer: str, **given: str | None
) -> None:
    """Note that a reviewer has done a thread."""
    with source(load(config_file, **given).config, writes=True) as client:
        found = client.finish_review(queue_id, thread_id, reviewer)
    terminal.say(f"done {found['done_count']} of {found['total_count']}")


@reviews.command("agreement")
@where
@click.argument("queue_id")
@json_option
def reviews_agreement(
    config_file: str | None, queue_id: str, as_json: bool, **given: str | None
) -> None:
    """Tell how far the reviewers of a queue agree, by score (Krippendorff's alpha)."""
    with source(load(config_file, **given).config) as client:
        found = client.get_agreement(queue_id)
    print_answer(found, as_json, lambda: show.agreement(found))


@reviews.command("delete")
@where
@click.argument("queue_id")
def reviews_delete(config_file: str | None, queue_id: str, **given: str | None) -> None:
    """Delete a queue; the scores of its reviewers stay."""
    with source(load(config_file, **given).config, writes=True) as client:
        client.delete_review_queue(queue_id)
    terminal.say("deleted 1")
