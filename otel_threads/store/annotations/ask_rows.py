"""Keeps what questions to models cost."""

import datetime
from dataclasses import dataclass
from typing import Literal

from otel_threads.database.database import Database
from otel_threads.database.engine_errors import classified

KEPT_DAYS = 400
AskKind = Literal["question", "issue_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRun:
    """A call of a model that no rule made; null is unknown."""

    kind: AskKind
    project: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None


class AskRows:
    """The table ask_runs."""

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        """Each reading takes so long at most."""
        self._database = database
        self._timeout_s = timeout_s

    def spent_usd(self, since: datetime.datetime) -> float:
        """Return what was spent since then, in US dollars."""
        with self._database.reading(self._timeout_s) as cursor:
            row = cursor.execute(
                "select coalesce(sum(cost_usd), 0.0) from ask_runs where finished_at >= ?", [since]
            ).fetchone()
        return float(row[0]) if row else 0.0

    def put(self, run: AskRun) -> None:
        """Keep a call, and forget those of more than KEPT_DAYS ago."""
        now = datetime.datetime.now(datetime.UTC)
        given = [run.kind, run.project, run.model, run.input_tokens, run.output_tokens]
        with classified(), self._database.transaction() as cursor:
            cursor.execute(
                "delete from ask_runs where finished_at < ?",
                [now - datetime.timedelta(days=KEPT_DAYS)],
            )
            cursor.execute(
                "insert into ask_runs values (?, ?, ?, ?, ?, ?, ?)", [*given, run.cost_usd, now]
            )
