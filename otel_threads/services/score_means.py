"""Scores as people read them: the mean over the authors of one target and name. Pure."""

import datetime
from collections.abc import Iterable, Sequence

from otel_threads.core.score import Score, ScoreRecord

Target = tuple[str, str | None, str | None, str | None]


def together(records: Iterable[ScoreRecord]) -> list[Score]:
    """Return one score per target, name and time of being superseded, by name.

    The value is the mean over authors; category, reason and source are the latest author's.
    """
    groups: dict[tuple[Target, str, datetime.datetime | None], list[ScoreRecord]] = {}
    for record in records:
        target = record.project, record.thread_id, record.trace_id, record.span_id
        groups.setdefault((target, record.name, record.superseded_at), []).append(record)
    found = [_one(sorted(group, key=_age)) for group in groups.values()]
    return sorted(found, key=lambda score: (score.name, str(score.superseded_at or "")))


def _age(record: ScoreRecord) -> tuple[datetime.datetime, str]:
    return record.updated_at, record.author or ""


def _one(records: Sequence[ScoreRecord]) -> Score:
    latest = records[-1]
    by_author = {r.author or "": r.value for r in records if r.value is not None}
    values = [record.value for record in records if record.value is not None]
    return Score(
        name=latest.name,
        value=sum(values) / len(values) if values else None,
        category=next((r.category for r in reversed(records) if r.category), None),
        reason=next((r.reason for r in reversed(records) if r.reason), None),
        source=latest.source,
        author=latest.author if len(records) == 1 else None,
        value_by_author=by_author,
        created_at=min(record.created_at for record in records),
        updated_at=latest.updated_at,
        superseded_at=latest.superseded_at,
        project=latest.project,
        thread_id=latest.thread_id,
        trace_id=latest.trace_id,
        span_id=latest.span_id,
    )
