"""`otel-threads sql`: one query, or a prompt, on the running server or the file."""

import io
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from otel_threads import show, terminal
from otel_threads.commands.base import load, setting_options, whole_file
from otel_threads.commands.output import source
from otel_threads.core.errors import OtelThreadsError
from otel_threads.sdk.client import Client
from otel_threads.sdk.result import SqlResult
from otel_threads.services.sql_results import plain, write_csv

if TYPE_CHECKING:
    from rich.console import Console

COLUMN_WIDTH_MIN = 10  # narrower than that, a longer value cannot be read
ROWS_SHOWN = 200  # of a table for people; --json, --csv and -o give all
SUFFIXES = (".parquet", ".csv", ".json", ".arrow")
HISTORY = Path("~/.local/state/otel-threads/sql_history")
WORDS = (
    "select",
    "from",
    "where",
    "group by",
    "order by",
    "limit",
    "join",
    "left join",
    "using",
    "having",
    "with",
    "as",
    "and",
    "or",
    "not",
    "in",
    "like",
    "ilike",
    "between",
    "is null",
    "is not null",
    "distinct",
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "quantile_cont",
    "date_trunc",
    "unnest",
    "describe",
    "summarize",
    "show tables",
    "explain",
    "desc",
    "asc",
    "over",
)


@click.command()
@setting_options("database", "http_endpoint")
@click.argument("query", required=False)
@click.option("--json", "as_json", is_flag=True, help="A JSON object per row.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV with a header line.")
@click.option("-o", "--output", help="Write a file: .parquet, .csv, .json or .arrow.")
def sql(
    config_file: str | None,
    query: str | None,
    as_json: bool,
    as_csv: bool,
    output: str | None,
    **given: str | None,
) -> None:
    """Ask the database with one SELECT; without one, open a prompt (or read it from a pipe)."""
    if output and Path(output).suffix not in SUFFIXES:
        raise click.UsageError(f"-o takes a file that ends with {', '.join(SUFFIXES)}")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    with source(load(config_file, **given).config) as client:
        if query is None and sys.stdin.isatty():
            _prompt(client)
            return
        found = client.sql(sys.stdin.read() if query is None else query)
        if output:
            _write(found, Path(output))
            terminal.say(f"{terminal.counted(len(found), 'row')} in {output}", to_stderr=True)
        elif as_json:
            for row in _rows(found):
                terminal.print_json(row)
        elif as_csv:
            _write_csv(found, terminal.data_file())
        else:
            _show(found)


def _values(found: SqlResult) -> list[list[Any]]:
    return [[plain(value) for value in row] for row in found.fetchall()]


def _rows(found: SqlResult) -> list[dict[str, Any]]:
    return [dict(zip(found.columns, row, strict=True)) for row in _values(found)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _write_csv(found: SqlResult, file: Any) -> None:
    rows = [found.columns, *([_cell(value) for value in row] for row in _values(found))]
    write_csv(file, rows)


def _write(found: SqlResult, path: Path) -> None:
    with whole_file(path) as file:
        match path.suffix:
            case ".parquet":
                import pyarrow.parquet as pq

                pq.write_table(found.arrow(), file, compression="zstd")
            case ".arrow":
                import pyarrow as pa

                rows = found.arrow()
                with pa.ipc.new_file(file, rows.schema) as writing:
                    writing.write_table(rows)
            case ".csv":
                with io.TextIOWrapper(file, "utf-8", newline="") as text:
                    _write_csv(found, text)
            case _:
                file.write(json.dumps(_rows(found), ensure_ascii=False, indent=1).encode())


def _show(found: SqlResult) -> None:
    cells = [[_cell(value) for value in row] for row in _values(found)[:ROWS_SHOWN]]
    console = terminal.console()
    widths = [max(map(len, column)) for column in zip(found.columns, *cells, strict=True)]
    if sum(min(width, COLUMN_WIDTH_MIN) + 3 for width in widths) > console.width:
        _show_apart(found.columns, cells, console)
    else:
        table = Table(show_edge=False, header_style="bold", pad_edge=False)
        numbers = [_is_number(field) for field in found.arrow().schema]
        for name, number in zip(found.columns, numbers, strict=True):
            table.add_column(
                show.safe(name), justify="right" if number else "left", overflow="fold"
            )
        for row in cells:
            table.add_row(*map(show.safe, row))
        console.print(table)
    if len(found) > ROWS_SHOWN:
        console.print(f"… {ROWS_SHOWN} of {len(found)} rows; --csv, --json or -o give all")


def _show_apart(columns: Sequence[str], cells: Sequence[Sequence[str]], console: "Console") -> None:
    """Print each row for itself, a line a column: side by side nobody could read them."""
    if not cells:
        console.print(show.safe(f"no rows of {', '.join(columns)}"))
    for number, row in enumerate(cells, start=1):
        console.print(f"row {number}", style="dim")
        table = Table(show_header=False, show_edge=False, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, cell in zip(columns, row, strict=True):
            table.add_row(show.safe(name), show.safe(cell))
        console.print(table)


def _is_number(field: Any) -> bool:
    import pyarrow.types as types

    kind = field.type
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _prompt(client: Client) -> None:
    """Ask, answer, until Ctrl-D. A query ends with `;` or an empty line."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    history = HISTORY.expanduser()
    history.parent.mkdir(parents=True, exist_ok=True)
    names = client.sql(
        "select distinct unnest([table_name, column_name]) as name from duckdb_columns()"
        " where not internal order by name"
    ).fetchall()
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)),
        completer=WordCompleter([*WORDS, *_completions(names)], ignore_case=True),
        complete_while_typing=False,
    )
    terminal.say("SQL on threads, turns, messages, spans, calls, scores. Ctrl-D leaves.")
    while True:
        try:
            text = session.prompt("sql> ")
            while text.strip() and not text.rstrip().endswith(";"):
                more = session.prompt("...> ")
                if not more.strip():
                    break
                text += f"\n{more}"
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if text.strip().rstrip(";").lower() in ("exit", "quit", ".exit", ".quit"):
            return
        if text.strip():
            _ask(client, text)


def _completions(names: Sequence[tuple[str]]) -> list[str]:
    """Return the names that can be typed: a column may be called whatever its maker likes."""
    return [name for (name,) in names if name == terminal.escaped_line(name)]


def _ask(client: Client, text: str) -> None:
    started = time.monotonic()
    try:
        found = client.sql(text)
    except OtelThreadsError as error:
        terminal.say(error, to_stderr=True)
        return
    except KeyboardInterrupt:
        terminal.say("stopped", to_stderr=True)
        return
    _show(found)
    took_ms = (time.monotonic() - started) * 1000
    terminal.say(f"{terminal.counted(len(found), 'row')}, {took_ms:.0f} ms", to_stderr=True)
