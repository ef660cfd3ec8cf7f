"""Commands about the database itself: prune, backup, restore, compact, rebuild."""

import re
import time
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from otel_threads import local, process, terminal
from otel_threads.commands.base import failing, json_option, load, setting_options, whole_file
from otel_threads.commands.output import print_answer, source
from otel_threads.database import backup as copies
from otel_threads.show import facts

POLL_S = 0.1
_AGE = re.compile(r"(\d{1,15}(?:\.\d+)?)([hdwy])")
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "y": 365.0}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d+)?)\s*([KMGT]?)i?B?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def age(text: str) -> float:
    """Return days of 12h, 30d, 8w, 1y.

    Raises:
        click.UsageError: it is none.
    """
    match = _AGE.fullmatch(text.strip().lower())
    if not match:
        raise click.UsageError(f"{text!r} is no age; write 12h, 30d, 8w or 1y")
    return float(match[1]) * _DAYS[match[2]]


def size(text: str) -> int:
    """Return bytes of 500MB, 10GB.

    Raises:
        click.UsageError: it is none.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise click.UsageError(f"{text!r} is no size; write 500MB or 10GB")
    return int(float(match[1]) * _UNITS[match[2].lower()])


@click.command()
@setting_options("database", "http_endpoint")
@click.option("--older-than", help="Traces that ended so long ago: 12h, 30d, 8w, 1y.")
@click.option("--max-size", help="The oldest, until the rows take no more than this: 10GB.")
@click.option("--project", help="Only of this project; all if left out.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def prune(
    config_file: str | None,
    older_than: str | None,
    max_size: str | None,
    project: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Delete the oldest traces, with their threads, scores and comments."""
    loaded = load(config_file, **given)
    days = loaded.config.retention_days or None
    if older_than and max_size:
        raise click.UsageError("--older-than and --max-size exclude each other")
    if not older_than and not max_size and not days:
        raise click.UsageError("give --older-than or --max-size, or set retention_days")
    chosen: dict[str, Any] = {"project": project}
    if max_size:
        chosen["used_bytes_max"] = size(max_size)
    else:
        chosen["older_than_days"] = age(older_than) if older_than else days
    with source(loaded.config, writes=not dry_run) as client:
        planned = client.prune(**chosen, dry_run=True)
        done = {name: planned[name] for name in ("trace_count", "span_count", "thread_count")}
        if not dry_run:
            if not yes:
                traces, spans, threads = (
                    terminal.counted(planned[f"{noun}_count"], noun)
                    for noun in ("trace", "span", "thread")
                )
                click.confirm(f"Delete {traces} with {spans} and {threads} for ever?", abort=True)
            done = _delete(client, chosen, planned["remaining"])
        answer = {
            **done,
            "dry_run": dry_run,
            "used_bytes": client.prune(**chosen, dry_run=True)["used_bytes"],
        }
    print_answer(answer, as_json, lambda: facts("would delete" if dry_run else "deleted", answer))


def _delete(client: Any, chosen: dict[str, Any], expected: int) -> dict[str, int]:
    done = {"trace_count": 0, "span_count": 0, "thread_count": 0}
    with Progress(console=terminal.console(to_stderr=True), transient=True) as progress:
        task = progress.add_task("deleting", total=expected)
        while True:
            found = client.prune(**chosen)
            for name in done:
                done[name] += found[name]
            progress.update(task, completed=done["trace_count"])
            if not found["remaining"]:
                return done


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=terminal.console(to_stderr=True),
        transient=True,
    )


@click.command()
@setting_options("database", "http_endpoint")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def backup(config_file: str | None, target: Path, force: bool, **given: str | None) -> None:
    """Write a copy of the database, also while the server runs; it is checked before it counts."""
    if target.exists() and not force:
        raise click.UsageError(f"{target} exists; --force replaces it")
    with source(load(config_file, **given).config) as client, whole_file(target) as file:
        with _bar() as progress:
            task = progress.add_task("backup", total=None)
            for block, total_bytes in client.backup():
                file.write(block)
                progress.update(task, advance=len(block), total=total_bytes)
        file.flush()
        sequence = copies.check(Path(file.name))
    terminal.say(f"{target}  {target.stat().st_size} bytes, up to commit {sequence}")


@click.command()
@setting_options("database")
@click.argument("source_file", metavar="BACKUP", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Also where a database is; it is kept beside.")
def restore(config_file: str | None, source_file: Path, force: bool, **given: str | None) -> None:
    """Put a backup in the place of the database; the server must be stopped."""
    target = Path(load(config_file, **given).config.database)
    with failing(), _bar() as progress:
        task = progress.add_task("restore", total=None)
        old = copies.restore(
            source_file,
            target,
            force=force,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    terminal.say(f"restored {target}" + (f"; what was there is {old}" if old else ""))


@click.command()
@setting_options("database", "http_endpoint")
@click.option("--dedup", is_flag=True, help="Store what long values share once, old ones too.")
def compact(config_file: str | None, dedup: bool, **given: str | None) -> None:
    """Rewrite the file without the room of deleted rows; the server must be stopped."""
    from otel_threads import on_file  # a second, which other commands need not

    config = load(config_file, **given).config
    path = Path(config.database)
    with failing(), Progress(console=terminal.console(to_stderr=True), transient=True) as progress:
        before = path.stat().st_size if path.exists() else 0
        if dedup:
            sharing = progress.add_task("sharing", total=None)
            on_file.share_histories(
                config, lambda done, total: progress.update(sharing, completed=done, total=total)
            )
        task = progress.add_task("compacting", total=None)
        _, after = on_file.compact_file(
            config, lambda done, total: progress.update(task, completed=done, total=total)
        )
    terminal.say(f"{config.database}  {before} bytes before, {after} bytes now")


@click.command()
@setting_options("database", "http_endpoint")
def rebuild(config_file: str | None, **given: str | None) -> None:
    """Derive every conversation again from the stored spans."""
    loaded = load(config_file, **given)
    with failing(), Progress(console=terminal.console(to_stderr=True)) as progress:
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
            from otel_threads import on_file  # a second, which other commands need not

            if loaded.config.tune_process:
                process.tune()
            on_file.rebuild_file(loaded.config, on_progress)
    terminal.say("rebuilt")
