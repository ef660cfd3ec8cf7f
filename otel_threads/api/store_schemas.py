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
        None,
        strict=True,
        ge=0,
        le=10_000_000,
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
        le=1e6,
        allow_inf_nan=False,
        description="Traces that ended before.",
    )
    used_bytes_max: int | None = Field(
        None, strict=True, ge=0, le=1 << 50, description="Instead of an age."
    )
    project: str | None = Field(None, description="Only of this project; all if left out.")
    traces_max: int = Field(5000, strict=True, ge=1, le=5000, description="Traces of this slice.")
    dry_run: bool = Field(False, strict=True)
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"older_than_days": 30, "dry_run": True}]},
    )


class Pruned(BaseModel):
    """What a slice deleted, or with `dry_run` what all slices would."""

    trace_count: int
    span_count: int
    thread_count: int = Field(description="Threads that lost their last trace.")
    remaining: int = Field(description="Traces for the next calls.")
    used_bytes: int = Field(description="What the rows take now, without free blocks.")
