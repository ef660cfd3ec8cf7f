"""Scores as people read them: the mean over the authors of one target and name. Pure."""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence

from otel_threads.core.score import Score, ScoreRecord, TurnScores, mean

Target = tuple[str, str | None, str | None, str | None, int | None]


def together(records: Iterable[ScoreRecord]) -> list[Score]:
    """Return one score per target, name and time of being superseded, by name.

    The value is the mean over authors; category, reason and source are the latest author's.
    """
    groups: dict[tuple[Target, str, datetime.datetime | None], list[ScoreRecord]] = {}
    for record in records:
        target = _target(record)
        groups.setdefault((target, record.name, record.superseded_at), []).append(record)
    found = [_one(sorted(group, key=_age)) for group in groups.values()]
    return sorted(found, key=lambda score: (score.name, str(score.superseded_at or "")))


def rolled_up(records: Iterable[ScoreRecord]) -> dict[str, TurnScores]:
    """Return the sums by name of what was given to the turns, traces and spans of one thread.

    The view `turn_scores` says the same in SQL; a test compares both.
    """
    names: dict[str, dict[Target, list[ScoreRecord]]] = {}
    for record in records:
        names.setdefault(record.name, {}).setdefault(_target(record), []).append(record)
    return {name: _sums(list(names[name].values())) for name in sorted(names)}


def _sums(targets: Sequence[Sequence[ScoreRecord]]) -> TurnScores:
    means = [mean([r.value for r in records if r.value is not None]) for records in targets]
    values = [value for value in means if value is not None]
    categories = Counter(r.category for records in targets for r in records if r.category)
    return TurnScores(
        count=len(targets),
        mean=mean(values),
        min=min(values, default=None),
        max=max(values, default=None),
        categories=dict(sorted(categories.items())),
    )


def _target(record: ScoreRecord) -> Target:
    return (
        record.project,
        record.thread_id,
        record.trace_id,
        record.span_id,
        record.turn_index,
    )


def _age(record: ScoreRecord) -> tuple[datetime.datetime, str]:
    return record.updated_at, record.author or ""


def _one(records: Sequence[ScoreRecord]) -> Score:
    latest = records[-1]
    by_author = {r.author or "": r.value for r in records if r.value is not None}
    values = [record.value for record in records if record.value is not None]
    return Score(
        name=latest.name,
        value=mean(values),
        category=next((r.category for r in reversed(records) if r.category), None),
        reason=next((r.reason for r in reversed(records) if r.reason), None),
        source=latest.source,
        author=latest.author if len(records) == 1 else None,
        value_by_author=by_author,
        reason_by_author={r.author or "": r.reason for r in records if r.reason},
        created_at=min(record.created_at for record in records),
        updated_at=latest.updated_at,
        superseded_at=latest.superseded_at,
        project=latest.project,
        thread_id=latest.thread_id,
        trace_id=latest.trace_id,
        span_id=latest.span_id,
        turn_index=latest.turn_index,
        metadata=latest.metadata or {},
    )
