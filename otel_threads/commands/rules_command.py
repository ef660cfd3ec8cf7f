"""Commands about rules: list, show, put, delete, try, backfill."""

import json
from pathlib import Path
from typing import Any

import click

from otel_threads import terminal
from otel_threads.commands import rules_output
from otel_threads.commands.base import NUMBER, json_option, load, project_option, setting_options
from otel_threads.commands.output import print_answer, source
from otel_threads.core.errors import NotFound
from otel_threads.sdk.client import Client

where = setting_options("database", "http_endpoint")
rule_argument = click.argument("rule", metavar="NAME")
STATES = ("waiting", "sampled_out", "not_matched", "over_budget", "scored", "failed")


@click.group()
def rules() -> None:
    """Rules that judge conversations once they are inactive."""


def _found(client: Client, name: str, project: str | None) -> dict[str, Any]:
    """Return the rule of a name or an id.

    Raises:
        NotFound: there is none.
    """
    for one in client.list_rules(project=project):
        if name in (one["name"], one["rule_id"]):
            found: dict[str, Any] = one
            return found
    raise NotFound(f"no rule {name!r}; `otel-threads rules list --project '*'` shows all")


@rules.command("list")
@where
@project_option
@json_option
def rules_list(
    config_file: str | None, project: str | None, as_json: bool, **given: str | None
) -> None:
    """List rules, with their threads by state and what they cost."""
    with source(load(config_file, **given).config) as client:
        found = list(client.list_rules(project=project))
    print_answer({"items": found}, as_json, lambda: rules_output.rules(found))


@rules.command("show")
@where
@rule_argument
@click.option("--state", type=click.Choice(STATES), help="Only decisions of this state.")
@click.option("--thread-id", help="Only the decision about this thread.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@project_option
@json_option
def rules_show(
    config_file: str | None,
    rule: str,
    state: str | None,
    thread_id: str | None,
    limit: int,
    project: str | None,
    as_json: bool,
    **given: str | None,
) -> None:
    """Show a rule, and what it decided about threads and why."""
    with source(load(config_file, **given).config) as client:
        found = _found(client, rule, project)
        page = client.page_of_rule_decisions(
            found["rule_id"], state=state, thread_id=thread_id, limit=limit
        )
    answer = {**found, "decisions": page["items"]}
    print_answer(answer, as_json, lambda: rules_output.rule(found, page["items"]))


@rules.command("put")
@where
@rule_argument
@click.option("--prompt", help="What a model shall judge.")
@click.option("--builtin", help="A scorer that needs no model, such as repeated_question.")
@click.option(
    "--code", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Python file."
)
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON with any fields of a rule.",
)
@click.option("--model", help="Else judge_model.")
@click.option("--filter", help="Which threads.")
@click.option("--sampling-rate", type=NUMBER, help="0 to 1.")
@click.option("--budget-usd-per-day", type=NUMBER)
@click.option("--on/--off", "is_enabled", default=None, help="Whether it judges.")
@click.option("--project", help="Project of a new rule; the default project if left out.")
@json_option
def rules_put(
    config_file: str | None,
    rule: str,
    code: Path | None,
    file: Path | None,
    project: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a rule, or change what is given of it."""
    setting = {name: given.pop(name) for name in ("database", "http_endpoint")}
    fields = _from_file(file) | {name: one for name, one in given.items() if one is not None}
    if code is not None:
        fields["code"] = code.read_text(encoding="utf-8")
    for kind, name in (("llm_judge", "prompt"), ("builtin", "builtin"), ("python", "code")):
        if name in fields:
            fields.setdefault("kind", kind)
    with source(load(config_file, **setting).config, writes=True) as client:
        try:
            here = _found(client, rule, project)
        except NotFound:
            if "kind" not in fields:
                raise click.UsageError(
                    "a new rule needs --prompt, --builtin, --code or --file"
                ) from None
            found = client.put_rule(rule, project=project, **fields)
        else:
            found = client.update_rule(here["rule_id"], **fields)
    print_answer(found, as_json, lambda: rules_output.rule(found, []))


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.UsageError(f"{file} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"{file} holds no JSON object")
    found.pop("name", None)
    return found


@rules.command("delete")
@where
@rule_argument
@project_option
def rules_delete(
    config_file: str | None, rule: str, project: str | None, **given: str | None
) -> None:
    """Delete a rule with its decisions; its scores stay."""
    with source(load(config_file, **given).config, writes=True) as client:
        client.delete_rule(_found(client, rule, project)["rule_id"])
    terminal.say("deleted 1")


@rules.command("dry-run")
@where
@rule_argument
@click.option("--limit", type=click.IntRange(1, 10), default=3, show_default=True)
@click.option("--thread-id", help="On this thread.")
@project_option
@json_option
def rules_dry_run(
    config_file: str | None,
    rule: str,
    limit: int,
    thread_id: str | None,
    project: str | None,
    as_json: bool,
    **given: str | None,
) -> None:
    """Run a rule on the latest matching threads; write no score, say what it costs."""
    with source(load(config_file, **given).config, writes=True) as client:
        rule_id = _found(client, rule, project)["rule_id"]
        found = client.dry_run_rule(rule_id, limit=limit, thread_id=thread_id)
    print_answer(found, as_json, lambda: rules_output.dry_run(found))


@rules.command("backfill")
@where
@rule_argument
@click.option("--from", "from_", help="Active at or after this RFC 3339 time.")
@click.option("--to", help="Begun before this RFC 3339 time.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many threads.")
@click.option("--budget-usd", type=NUMBER, help="What it may cost; needed where a model is asked.")
@project_option
def rules_backfill(
    config_file: str | None,
    rule: str,
    project: str | None,
    from_: str | None,
    to: str | None,
    limit: int | None,
    budget_usd: float | None,
    **given: str | None,
) -> None:
    """Judge threads that were here before the rule, by the running server."""
    with source(load(config_file, **given).config, writes=True) as client:
        rule_id = _found(client, rule, project)["rule_id"]
        found = client.backfill_rule(
            rule_id, from_=from_, to=to, limit=limit, budget_usd=budget_usd
        )
    terminal.say(f"queued {found['queued']}")
