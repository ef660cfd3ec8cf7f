"""What a SQL query found, in the shape that the caller's tools like."""

import html
from collections.abc import Callable
from typing import Any

from otel_threads.characters import STEERING

ROWS_SHOWN = 20  # at a prompt and in a notebook; .df() and the others give all
VALUE_LENGTH_MAX = 60  # of characters


class SqlResult:
    """All rows of one query, held as an Arrow table."""

    def __init__(self, stream: bytes) -> None:
        """`stream` is an Arrow IPC stream."""
        import pyarrow as pa  # not at import: programs that only send spans need none of it

        with pa.ipc.open_stream(stream) as reader:
            self._table = reader.read_all()

    @property
    def columns(self) -> list[str]:
        """Names, in the order of the query."""
        return list(self._table.column_names)

    def arrow(self) -> Any:
        """Return a pyarrow.Table."""
        return self._table

    def df(self) -> Any:
        """Return a pandas.DataFrame. Raises ModuleNotFoundError where pandas is not installed."""
        return self._table.to_pandas()

    def pl(self) -> Any:
        """As `df`, a polars.DataFrame, with polars."""
        import polars

        return polars.from_arrow(self._table)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows as tuples; maps are dictionaries."""
        columns = [
            column.to_pylist(maps_as_pydicts="lossy") for column in self._table.itercolumns()
        ]
        return list(zip(*columns, strict=True))

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first row, None when there is none."""
        rows = self.fetchall()
        return rows[0] if rows else None

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __repr__(self) -> str:
        """Return a table of the first rows, as wide as they are; long values are cut."""
        lines = [self.columns, *self._shown(_text)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        drawn = [
            "  ".join(
                value.ljust(width) for value, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        ]
        rule = "  ".join("─" * width for width in widths)
        return "\n".join([drawn[0], rule, *drawn[1:], self._count()])

    def _repr_html_(self) -> str:
        """Return the same for a notebook; whatever a value holds, it is shown as text."""
        head = "".join(f"<th>{html.escape(_cut(name))}</th>" for name in self.columns)
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(value)}</td>' for value in row)}</tr>"
            for row in self._shown(_text)
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{self._count()}</p>"
        )

    def _shown(self, text: Callable[[Any], str]) -> list[list[str]]:
        first = self._table.slice(0, ROWS_SHOWN)
        columns = [one.to_pylist(maps_as_pydicts="lossy") for one in first.itercolumns()]
        return [[text(value) for value in row] for row in zip(*columns, strict=True)]

    def _count(self) -> str:
        count = len(self)
        more = f", {ROWS_SHOWN} shown" if count > ROWS_SHOWN else ""
        return f"{count} {'row' if count == 1 else 'rows'}{more}"


def _text(value: Any) -> str:
    """Return a value on one line, without what steers a terminal or turns a line around."""
    return "" if value is None else _cut(str(value))


def _cut(text: str) -> str:
    plain = STEERING.sub("\N{REPLACEMENT CHARACTER}", text[: VALUE_LENGTH_MAX + 1])
    return plain if len(plain) <= VALUE_LENGTH_MAX else f"{plain[: VALUE_LENGTH_MAX - 1]}…"
