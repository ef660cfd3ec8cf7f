"""What a SQL query found, in the shape that the caller's tools like."""

from typing import Any


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
        return f"<SqlResult {len(self)} rows: {', '.join(self.columns)}>"
