"""`otel-threads ask`: a question in words; what a model proposes is shown, then run on demand."""

import functools

import click

from otel_threads import local, show, terminal
from otel_threads.commands.base import failing, json_option, load, project_option, setting_options
from otel_threads.commands.output import print_answer


@click.command()
@click.argument("question")
@setting_options("database", "http_endpoint")
@project_option
@click.option("--thread", "thread_id", help="Ask about this thread.")
@click.option("--run", "runs", is_flag=True, help="Run what the model proposes, without asking.")
@json_option
def ask(
    question: str,
    config_file: str | None,
    project: str | None,
    thread_id: str | None,
    runs: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Turn a question into a filter or SQL, or ask about one thread; a model answers."""
    config = load(config_file, **given).config
    with failing(), local.client(config) as client:
        found = client.ask(question, project=project, thread_id=thread_id)
        if as_json:
            terminal.print_json(found, indent=2)
        else:
            _say(found)
        if as_json or not (found["filter"] or found["sql"]):
            return
        if not runs and not click.confirm("Run it?", err=True):
            return
        if found["filter"]:
            page = client.page_of_threads(project=project, filter=found["filter"], with_total=True)
            every = project in (None, "*")
            narrowed = functools.partial(show.threads, page, every_project=every, is_narrowed=True)
            print_answer(page, False, narrowed)
        else:
            for row in client.sql(found["sql"]).fetchall():
                terminal.say("  ".join(str(value) for value in row))


def _say(found: dict[str, object]) -> None:
    terminal.say(str(found["answer"]))
    for kind in ("filter", "sql"):
        if found[kind]:
            terminal.say(f"{kind}: {found[kind]}")
    evidence = found["evidence"]
    for one in evidence if isinstance(evidence, list) else []:
        terminal.say(f'turn {one["turn_index"] + 1}: "{one["quote"]}"')
    cost = found["cost_usd"]
    terminal.say(f"cost: {f'{cost:.4f} USD' if cost is not None else 'unknown'}")
