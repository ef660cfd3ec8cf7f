"""The tool that asks SQL, in the sandbox and within the limits of `POST /api/v1/sql`."""

import re

import orjson

from otel_threads.api.mcp import arguments
from otel_threads.api.mcp.answers import Column, Rows
from otel_threads.api.mcp.content import as_text, name, visible
from otel_threads.api.mcp.desk import Desk
from otel_threads.api.mcp.tool import AnyTool, Tool
from otel_threads.core.errors import InvalidQuery
from otel_threads.services.sql_results import Asked

ANSWER_CHARS_MAX = 200_000  # of all values together
# What DuckDB says before it reads a row. Its other messages quote values: stored text.
KINDS_WITHOUT_VALUES = ("Parser", "Binder", "Catalog", "Not implemented", "Permission")
_KIND = re.compile(r"^([A-Z][A-Za-z /-]*?) Error:")
_OWN_WITH_VALUE = "a value has no form in this format"


def query_sql(desk: Desk, given: arguments.QuerySql) -> Rows:
    """Return the first rows of a query."""
    sql = desk.services.sql
    asked = Asked(sql=given.sql, format="json", rows_max=given.rows_max)
    try:
        with sql.outside.asking() as question:
            found = orjson.loads(b"".join(sql.answer(question, asked)))
    except InvalidQuery as error:
        raise InvalidQuery(without_values(str(error), given.sql)) from None
    rows, is_cut = _rows(found["rows"], given.cell_chars_max)
    return Rows(
        columns=[
            Column(name=name(one["name"]), type=name(one["type"])) for one in found["columns"]
        ],
        rows=rows,
        truncated=found["truncated"] or is_cut,
    )


def _rows(
    found: list[list[object]], cell_chars: int
) -> tuple[list[list[str | int | float | bool | None]], bool]:
    """Return rows with cut texts, and whether some are left out for the length of all."""
    rows: list[list[str | int | float | bool | None]] = []
    left = ANSWER_CHARS_MAX
    for row in found:
        cells = [_cell(value, cell_chars) for value in row]
        left -= sum(len(str(cell)) for cell in cells)
        if left < 0:
            return rows, True
        rows.append(cells)
    return rows, False


def _cell(value: object, chars: int) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = visible(as_text(value) or "")
    return text if len(text) <= chars else text[: chars - 1] + "…"


def without_values(text: str, sql: str) -> str:
    """Return why a query failed, without what a stored text may have put into the reason."""
    if text.startswith(_OWN_WITH_VALUE):
        return f"{_OWN_WITH_VALUE}: cast it to varchar"
    kind = _KIND.match(text)
    # The columns of a pivot are made of values, and DuckDB lists columns that it does know.
    if kind is None or (kind.group(1) in KINDS_WITHOUT_VALUES and "pivot" not in sql.lower()):
        return text
    return (
        f"{kind.group(1)} Error while the query read values; the message may quote them and is "
        "left out. try_cast and try() return null in place of an error"
    )


TOOLS: tuple[AnyTool, ...] = (
    Tool(
        name="query_sql",
        title="Ask SQL",
        description="Runs one SELECT in DuckDB's SQL over threads, turns, messages, traces, spans, "
        "calls, scores and comments of all projects. It cannot write, read files or reach the "
        "network, and is bounded in time, memory and rows. Texts are cut at cell_chars_max.",
        takes=arguments.QuerySql,
        gives=Rows,
        run=query_sql,
        of_all_projects=True,
    ),
)
