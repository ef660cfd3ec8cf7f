"""What the calls about the store itself take and answer: SQL, pruning."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from otel_threads.core.limits import (
    PRUNE_BYTES_MAX,
    PRUNE_TRACES_MAX,
    RETENTION_DAYS_MAX,
    SQL_LENGTH_MAX,
    SQL_ROWS_MAX,
)


class SqlQuery(BaseModel):
    """One query that only reads."""

    sql: str = Field(
        min_length=1, max_length=SQL_LENGTH_MAX, description="One SELECT, in DuckDB's SQL."
    )
    params: list[Any] | dict[str, Any] | None = Field(
        None, description="Values of ? or $1 (a list), or of $name (an object)."
    )
    format: Literal["json", "csv", "arrow"] = "json"
    rows_max: int | None = Field(
        None,
        strict=True,
        ge=0,
        le=SQL_ROWS_MAX,
        description="Rows of JSON; past them `truncated` is true.",
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


class Prune(BaseModel):
    """What to delete: by age, or until the rows take no more than so many bytes."""

    older_than_days: float | None = Field(
        None,
        strict=True,
        ge=0,
        le=RETENTION_DAYS_MAX,
        allow_inf_nan=False,
        description="Traces that ended before.",
    )
    used_bytes_max: int | None = Field(
        None, strict=True, ge=0, le=PRUNE_BYTES_MAX, description="Instead of an age."
    )
    project: str | None = Field(None, description="Only of this project; all if left out.")
    traces_max: int = Field(
        PRUNE_TRACES_MAX,
        strict=True,
        ge=1,
        le=PRUNE_TRACES_MAX,
        description="Traces of this slice.",
    )
    dry_run: bool = Field(False, strict=True)
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"older_than_days": 30, "dry_run": True}]},
    )
