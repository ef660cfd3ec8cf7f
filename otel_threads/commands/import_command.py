"""Brings in what other products export, through the running server."""

from pathlib import Path
from typing import Any

import click
import httpx
from rich.progress import Progress

from otel_threads import local, terminal
from otel_threads.commands.base import failing, load, setting_options
from otel_threads.core.errors import DatabaseRefused
from otel_threads.importing import export_files
from otel_threads.importing.export_files import UnreadableFile
from otel_threads.importing.importer import Imported, Importer, ImportFailed
from otel_threads.vendors.exports import READERS


@click.command("import")
@click.argument("product", type=click.Choice(sorted(READERS)))
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@click.option("--project", help="Project for all of it; else what each item names.")
@setting_options("database", "http_endpoint")
def import_(
    product: str,
    files: tuple[Path, ...],
    project: str | None,
    config_file: str | None,
    **given: Any,
) -> None:
    """Bring in exports of other products: JSON lines, a JSON list, Parquet.

    Interrupted, the same command goes on where it stopped; what was sent twice is stored once.
    """
    config = load(config_file, **given).config
    with failing(ImportFailed, UnreadableFile, OSError):
        address = local.find_server(config)
        if address is None:
            raise DatabaseRefused("no server answers: start `otel-threads serve`, then import")
        token = config.write_token or config.ingest_token
        scheme = "https" if config.tls_cert_file else "http"
        headers = {"x-api-key": token} if token else {}
        with (
            httpx.Client(
                base_url=f"{scheme}://{address}",
                headers=headers,
                timeout=120,
                verify=local.verify(config),
            ) as http,
            Progress(console=terminal.console(to_stderr=True)) as progress,
        ):
            tasks = {
                file: progress.add_task(terminal.escaped_line(file.name), total=_size(file))
                for file in files
            }
            importer = Importer(
                http,
                READERS[product],
                project=project,
                on_progress=lambda file, place: progress.update(tasks[file], completed=place),
            )
            done = [(file, importer.run(file)) for file in files]
    for file, found in done:
        _say(file, found)


def _size(file: Path) -> int:
    return max(export_files.size(file), 1)


def _say(file: Path, found: Imported) -> None:
    items = terminal.counted(found.item_count, "item")
    terminal.say(f"{terminal.escaped_line(str(file))}: {items}")
    for fault in found.faults:
        terminal.say(f"  left out: {terminal.escaped_line(fault)}", to_stderr=True)
    if found.left_out_count > len(found.faults):
        terminal.say(f"  left out in all: {found.left_out_count}", to_stderr=True)
