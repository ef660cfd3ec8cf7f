"""The one place through which commands write: nothing that was received steers a terminal.

Texts of people, of models and of senders hold whatever they like: escape sequences that move the
cursor, write the clipboard or hide a line; marks that turn its direction around. They are shown as
JSON writes them (`\\u001b`), so that a line of JSON stays one.

What is for people is always escaped. JSON is too, at no loss. CSV and exports are written as they
are into a file or a pipe, where a program reads them, and escaped only on a terminal.
"""

import codecs
import json
import os
import re
import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from otel_threads.characters import STEERING_BUT_BLANKS

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

LINE_LENGTH_MAX = 10_000  # of a message; the answer to a query may be as long as it likes


def escaped(text: str) -> str:
    """Return text whose characters that steer a terminal are written as JSON does; lines stay."""
    return STEERING_BUT_BLANKS.sub(_escape, text)


def escaped_line(text: str) -> str:
    """Return the same on one line: a newline becomes `\\n`, so that nobody forges a second line."""
    return escaped(text).replace("\n", "\\n")


def counted(number: int, noun: str) -> str:
    """Return `1 thread`, `2 threads`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def as_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON that says the same to a program and does nothing to a terminal."""
    return escaped(json.dumps(value, ensure_ascii=False, indent=indent, default=str))


def say(text: object = "", *, to_stderr: bool = False) -> None:
    """Print a message for people, at once, also into a pipe."""
    line = escaped(str(text))
    if len(line) > LINE_LENGTH_MAX:
        line = f"{line[:LINE_LENGTH_MAX]}… ({len(line)} characters)"
    print(line, file=sys.stderr if to_stderr else sys.stdout, flush=True)


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print JSON and a newline."""
    print(as_json(value, indent=indent), flush=True)


class TextFile(Protocol):
    """What `csv.writer` writes to."""

    def write(self, text: str, /) -> object:
        """Write text."""


class _Escaping:
    def write(self, text: str) -> object:
        return sys.stdout.write(escaped(text))


def data_file() -> TextFile:
    """Return stdout for text that programs read: as it is, but for a terminal."""
    return _Escaping() if sys.stdout.isatty() else sys.stdout


def write_data(chunks: Iterable[bytes]) -> None:
    """Write what programs read to stdout: byte for byte, but for a terminal."""
    if not sys.stdout.isatty():
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        return
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    for chunk in chunks:
        sys.stdout.write(escaped(decoder.decode(chunk)))
    sys.stdout.write(escaped(decoder.decode(b"", final=True)))


def console(*, to_stderr: bool = False) -> "Console":
    """Return rich's console for tables and progress: no markup in texts, no codes in cells."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class Escaping(Console):
        """Escapes what is left when all is laid out; codes of rich's own are no text."""

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                if segment.control or not STEERING_BUT_BLANKS.search(segment.text):
                    yield segment
                else:
                    yield Segment(escaped(segment.text), segment.style)

    return Escaping(stderr=to_stderr, markup=False, emoji=False, highlight=False)


def print_table(table: "RenderableType") -> None:
    """Print what rich lays out: a table, a panel, a tree.

    Where nothing says how wide a line may be, a table of figures is as wide as its figures: a log
    of CI shall not say `0.…`. Tables that fill a line cut their texts, and no figures.
    """
    shown = console()
    if not (shown.is_terminal or "COLUMNS" in os.environ):
        shown.width = max(shown.width, _width(shown, table))
    shown.print(table)


def _width(shown: "Console", table: "RenderableType") -> int:
    """Return how wide the tables are that fill no line; 0 without one."""
    from rich.console import Group
    from rich.table import Table

    if isinstance(table, Group):
        return max((_width(shown, one) for one in table.renderables), default=0)
    if not isinstance(table, Table) or table.expand:
        return 0
    return shown.measure(table, options=shown.options.update(max_width=LINE_LENGTH_MAX)).maximum


def say_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of an error that nobody caught: a `sys.excepthook`."""
    lines = traceback.format_exception(kind, error, trace)
    print(escaped("".join(lines)), file=sys.stderr, end="", flush=True)
