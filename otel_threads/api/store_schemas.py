"""What the calls about the store itself take and answer: SQL, pruning."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class SqlQuery(BaseModel):
    """One query that only reads."""

    sql: str = Field(min_length=1, max_length=1 << 20, description="One SELECT, in DuckDB's SQL.")
    params: list[Any] | dict[str, Any] | None = Field(
        None, description="Values of ? or $1 (a list), or of $name (an object)."
    )
    format: Literal["json", "csv", "arrow"] = "json"
    rows_max: int | None = Field(
        None, ge=0, le=10_000_000, description="Rows of JSON; past them `truncated` is true."
    )
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "sql": "select thread_id, cost_usd from threads where turn_count > ?",
                    "params": [3],
                }
            ]
        },
    )


class SqlColumn(BaseModel):
    """A column of an answer; `type` as DuckDB calls it."""

    name: str
    type: str


class SqlAnswer(BaseModel):
    """Rows in the order of the query; times are RFC 3339, bytes hexadecimal, NaN is null."""

    columns: list[SqlColumn]
    rows: list[list[Any]]
    truncated: bool = Field(description="Whether there were more rows than are here.")
