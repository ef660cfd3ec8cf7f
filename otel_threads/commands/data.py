"""Commands about threads and traces: list, show, sum up, change, export."""

import functools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, get_args

import click
from rich.live import Live
from rich.progress import Progress

from otel_threads import show, terminal
from otel_threads.commands.base import (
    NUMBER,
    json_option,
    load,
    project_option,
    setting_options,
    thread_project_option,
    whole_file,
)
from otel_threads.commands.output import print_answer, say_changed, source
from otel_threads.core.errors import NotFound
from otel_threads.sdk.client import Client, unknown_targets
from otel_threads.sdk.selection import Format, Interval, Shape

where = setting_options("database", "http_endpoint")
thread_ids = click.argument("thread_ids", nargs=-1, required=True)
FORMATS: tuple[Format, ...] = get_args(Format)
Progressed = Callable[[int], object]


class Selecting(click.Command):
    """A command whose help ends with the fields of its filter."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names; they are read only for the help."""
        from otel_threads.core.filters import described
        from otel_threads.core.thread import Thread

        names = [
            f"{one.name}NAME" if one.name.endswith(".") else one.name
            for one in described(Thread, sorts=())
        ]
        with formatter.section("Fields of --filter (docs/filters.md)"):
            formatter.write_text(", ".join(names))


def selecting(command: Any) -> Any:
    """Add the options that select threads."""
    for option in reversed(
        (
            click.option("--status", type=click.Choice(["active", "inactive"])),
            click.option("--filter", help="As in: duration_ms > 90s and error_count > 0"),
            click.option("--search", help="Text in ids and messages."),
            click.option("--from", "from_", help="Active at or after this RFC 3339 time."),
            click.option("--to", help="Begun before this RFC 3339 time."),
        )
    ):
        command = option(command)
    return project_option(command)


_SELECTION = ("project", "status", "filter", "search", "from_", "to")


def _split(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the selection and the settings of a command's options."""
    chosen = {name: given.pop(name) for name in _SELECTION if name in given}
    return chosen, given


@click.group()
def threads() -> None:
    """Conversations."""


@threads.command("list", cls=Selecting)
@where
@selecting
@click.option("--sort", default="-last_activity_time", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--watch", is_flag=True, help="Follow live, until Ctrl-C.")
@json_option
def threads_list(
    config_file: str | None, sort: str, limit: int, watch: bool, as_json: bool, **given: Any
) -> None:
    """List threads, the most recently active first."""
    chosen, setting = _split(given)
    shown = functools.partial(
        show.threads,
        every_project=chosen["project"] in (None, "*"),
        is_narrowed=any(value for name, value in chosen.items() if value != "*"),
    )
    with source(load(config_file, **setting).config) as client:

        def page() -> Any:
            return client.page_of_threads(**chosen, sort=sort, limit=limit, with_total=True)

        found = page()
        if not watch:
            print_answer(found, as_json, lambda: shown(found))
            return
        if as_json:
            for kind, thread in client.watch_threads(project=chosen["project"]):
                if kind != "view":
                    terminal.print_json({"event": kind, "thread": thread}, indent=2)
            return
        with Live(shown(found), console=terminal.console()) as live:
            for _ in client.watch_threads(project=chosen["project"]):
                live.update(shown(page()))


@threads.command("show")
@where
@click.argument("thread_id")
@thread_project_option
@json_option
def threads_show(
    config_file: str | None, thread_id: str, project: str | None, as_json: bool, **given: str | None
) -> None:
    """Show one conversation, turn by turn."""
    with source(load(config_file, **given).config) as client:
        thread = client.get_thread(thread_id, project=project)
        turns = list(client.list_turns(thread_id, project=project))
    print_answer({**thread, "turns": turns}, as_json, lambda: show.conversation(thread, turns))


@threads.command("stats", cls=Selecting)
@where
@selecting
@click.option("--interval", type=click.Choice(["hour", "day"]), help="Add a table by hour or day.")
@json_option
def threads_stats(
    config_file: str | None, interval: Interval | None, as_json: bool, **given: Any
) -> None:
    """Sum a selection up: counts, percentiles, tokens, cost, scores, models."""
    chosen, setting = _split(given)
    with source(load(config_file, **setting).config) as client:
        found = client.get_thread_stats(**chosen, interval=interval)
    print_answer(found, as_json, lambda: show.stats(found))


@threads.command("close")
@where
@thread_ids
@thread_project_option
def threads_close(
    config_file: str | None, thread_ids: tuple[str, ...], project: str | None, **given: str | None
) -> None:
    """Make threads inactive; the next new trace opens them again."""
    with source(load(config_file, **given).config, writes=True) as client:
        say_changed(client.close_threads(thread_ids, project=project), "closed")


@threads.command("reopen")
@where
@thread_ids
@thread_project_option
def threads_reopen(
    config_file: str | None, thread_ids: tuple[str, ...], project: str | None, **given: str | None
) -> None:
    """Make threads active again."""
    with source(load(config_file, **given).config, writes=True) as client:
        say_changed(client.reopen_threads(thread_ids, project=project), "reopened")


@threads.command("delete")
@where
@thread_ids
@thread_project_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def threads_delete(
    config_file: str | None,
    thread_ids: tuple[str, ...],
    project: str | None,
    yes: bool,
    **given: str | None,
) -> None:
    """Delete threads with their spans, scores, comments and tags."""
    if not yes:
        which = terminal.counted(len(thread_ids), "thread")
        click.confirm(f"Delete {which} for ever?", abort=True)
    with source(load(config_file, **given).config, writes=True) as client:
        say_changed(client.delete_threads(thread_ids, project=project), "deleted")


@threads.command("tag")
@where
@thread_ids
@click.option("--add", multiple=True, help="Tag to add; may be given several times.")
@click.option("--remove", multiple=True, help="Tag to remove; may be given several times.")
@thread_project_option
def threads_tag(
    config_file: str | None,
    thread_ids: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    project: str | None,
    **given: str | None,
) -> None:
    """Add and remove tags."""
    if not add and not remove:
        raise click.UsageError("name tags with --add or --remove")
    with source(load(config_file, **given).config, writes=True) as client:
        found = client.update_thread_tags(thread_ids, add=add, remove=remove, project=project)
        say_changed(found, "tagged")


@threads.command("score")
@where
@click.argument("thread_id")
@click.argument("name")
@click.argument("value", type=NUMBER, required=False)
@click.option("--turn", type=click.IntRange(0), help="Which turn of the thread, from 0.")
@click.option("--category", help="A word instead of a number, or beside it.")
@click.option("--reason", help="Why.")
@click.option("--author", help="Who scores; each author has a score of their own.")
@thread_project_option
def threads_score(
    config_file: str | None,
    thread_id: str,
    name: str,
    value: float | None,
    turn: int | None,
    category: str | None,
    reason: str | None,
    author: str | None,
    project: str | None,
    **given: str | None,
) -> None:
    """Give a thread, or a turn of it, a score: otel-threads threads score chat-1 quality 0.8."""
    if value is None and category is None:
        raise click.UsageError("give a value or a --category")
    score = {
        "thread_id": thread_id,
        "turn_index": turn,
        "name": name,
        "value": value,
        "category": category,
        "reason": reason,
        "author": author,
    }
    with source(load(config_file, **given).config, writes=True) as client:
        score["project"] = project or _project_of(client, thread_id)
        one = {key: item for key, item in score.items() if item is not None}
        found = client.put_scores([one], warn=False)
    terminal.say("scored 1")
    if found["unknown"]:
        terminal.say(f"otel-threads: {unknown_targets(found['unknown'])}", to_stderr=True)


def _project_of(client: Client, thread_id: str) -> str | None:
    """Return the one project that has a thread, None where none has it; ends where several do."""
    try:
        found: dict[str, str] = client.get_thread(thread_id)
    except NotFound:
        return None
    return found["project"]


@click.group()
def traces() -> None:
    """Traces."""


@traces.command("list")
@where
@project_option
@click.option("--without-thread", is_flag=True, help="Only traces that belong to no thread.")
@click.option("--filter", help="As in: duration_ms > 90s and error_count > 0")
@click.option("--search", help="Text in ids, names and messages.")
@click.option("--sort", default="-start_time", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def traces_list(
    config_file: str | None,
    project: str | None,
    without_thread: bool,
    filter: str | None,
    search: str | None,
    sort: str,
    limit: int,
    as_json: bool,
    **given: str | None,
) -> None:
    """List traces, the newest first."""
    with source(load(config_file, **given).config) as client:
        page = client.page_of_traces(
            project=project,
            without_thread=without_thread or None,
            filter=filter,
            search=search,
            sort=sort,
            limit=limit,
            with_total=True,
        )
    print_answer(page, as_json, lambda: show.traces(page))


@traces.command("show")
@where
@click.argument("trace_id")
@json_option
def traces_show(config_file: str | None, trace_id: str, as_json: bool, **given: str | None) -> None:
    """Show one trace: its turns and the tree of its spans."""
    with source(load(config_file, **given).config) as client:
        trace = client.get_trace(trace_id)
    print_answer(trace, as_json, lambda: show.trace(trace))


@click.group()
def spans() -> None:
    """Spans of all traces."""


@spans.command("list")
@where
@project_option
@click.option("--thread", "thread_id", help="Only spans of this thread's traces.")
@click.option("--filter", help='As in: status_code = "error" and duration_ms > 5s')
@click.option("--search", help="Text in names, ids and status messages.")
@click.option("--from", "from_", help="Begun at or after this RFC 3339 time.")
@click.option("--to", help="Begun before this RFC 3339 time.")
@click.option("--sort", default="-start_time", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def spans_list(config_file: str | None, as_json: bool, **given: Any) -> None:
    """List spans, the latest first."""
    settings = {name: given.pop(name) for name in ("database", "http_endpoint")}
    with source(load(config_file, **settings).config) as client:
        page = client.page_of_spans(**given, with_total=True)
    print_answer(page, as_json, lambda: show.spans(page))


@click.command(cls=Selecting)
@where
@selecting
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    help="Else by the ending of -o's file, else jsonl.",
)
@click.option(
    "--shape",
    type=click.Choice(["thread", "openai"]),
    default="thread",
    show_default=True,
    help="openai: a conversation a line, as fine-tuning takes it.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="File; else stdout.")
def export(
    config_file: str | None, format: Format | None, shape: Shape, output: str | None, **given: Any
) -> None:
    """Write the selected threads to a file."""
    chosen, setting = _split(given)
    format = format or _format_of(output)
    if format == "parquet" and not output and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text: name a file with -o")
    with source(load(config_file, **setting).config) as client:
        blocks = client.export_threads(**chosen, format=format, shape=shape)
        if not output:
            terminal.write_data(blocks)
            return
        with whole_file(Path(output)) as file, _bar() as progress:
            task = progress.add_task("exporting", total=None)
            _write(blocks, file, lambda done: progress.update(task, completed=done))
    terminal.say(f"wrote {output}")


def _format_of(output: str | None) -> Format:
    """Return the format that a file's name ends with; JSON lines without a file.

    Raises:
        click.UsageError: it ends with none.
    """
    if output is None:
        return "jsonl"
    ending = Path(output).suffix.lower().removeprefix(".")
    named = {"json": "jsonl", "ndjson": "jsonl"}.get(ending, ending)
    for found in FORMATS:
        if named == found:
            return found
    raise click.UsageError(f"{output} ends with none of .{', .'.join(FORMATS)}: add --format")


def _bar() -> Progress:
    return Progress(console=terminal.console(to_stderr=True))


def _write(blocks: Iterable[bytes], file: BinaryIO, on_progress: Progressed) -> None:
    done = 0
    for block in blocks:
        file.write(block)
        done += len(block)
        on_progress(done)


@click.command()
@where
@json_option
def doctor(config_file: str | None, as_json: bool, **given: str | None) -> None:
    """Tell which instrumentations were seen and what keeps their traces out of threads."""
    with source(load(config_file, **given).config) as client:
        report = client.doctor()
    print_answer(report, as_json, lambda: show.doctor(report))
