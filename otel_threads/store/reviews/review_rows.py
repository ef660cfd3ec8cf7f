"""Keeps how scores are given, and queues of threads that people review.

One lock orders the writes; they touch no table that receiving or deriving writes.
"""

import datetime
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import orjson

from otel_threads.core.review import (
    NewReviewQueue,
    NewScoreDefinition,
    ScoreCategory,
    ScoreDefinition,
    StoredQueue,
)
from otel_threads.database import sql_files
from otel_threads.database.database import Database, dictionaries
from otel_threads.database.engine_errors import classified
from otel_threads.database.list_parameters import json_list

Row = dict[str, Any]
LIST_DEFINITIONS_SQL = sql_files.query("list_definitions")
LIST_QUEUES_SQL = sql_files.query("list_queues")
BEGUN_THREADS_SQL = sql_files.query("begun_threads")
REVIEW_STATES_SQL = sql_files.query("review_states")
REVIEWED_SCORES_SQL = sql_files.query("reviewed_scores")
LABELS = '\'[{"label":"varchar","value":"double"}]\''
TEXTS = "'[\"varchar\"]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewState:
    """How often a thread of a queue was reviewed and is locked, and whether by one reviewer."""

    thread_id: str
    done: int
    locked: int
    done_by_me: bool
    locked_by_me: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedScore:
    """A score that a reviewer gave a thread of a queue."""

    thread_id: str
    name: str
    author: str
    value: float | None
    category: str | None


class Reviews:
    """Definitions and queues. Any thread may call; each method that writes is one transaction.

    `lock` orders them with those of others: a lake's nodes apply what was reviewed at readers.
    """

    def __init__(
        self, database: Database, *, timeout_s: float, lock: AbstractContextManager[object]
    ) -> None:
        self._database = database
        self._timeout_s = timeout_s
        self._lock = lock

    def definitions(self, project: str | None) -> list[ScoreDefinition]:
        """Return how scores are given, by name; None for all projects."""
        found = []
        for row in self._read(LIST_DEFINITIONS_SQL, {"project": project}):
            labels = row["categories"]
            row["categories"] = [ScoreCategory(**one) for one in labels] if labels else None
            found.append(ScoreDefinition(**row))
        return found

    def put_definition(self, given: NewScoreDefinition, project: str) -> ScoreDefinition:
        """Write a definition in place of that of its name, whose time of creation stays."""
        now = _now()
        named = {"project": project, "name": given.name}
        with self._writing() as cursor:
            there = cursor.execute(
                "delete from score_definitions where project = $project and name = $name"
                " returning created_at",
                named,
            ).fetchone()
            made = ScoreDefinition(
                **asdict(given) | {"project": project, "categories": given.categories},
                created_at=there[0] if there else now,
                updated_at=now,
            )
            labels = orjson.dumps(given.categories).decode() if given.categories else None
            cursor.execute(
                "insert into score_definitions select $project, $name, $kind, $min, $max,"
                f" from_json($categories, {LABELS}), $description, $better,"
                " $created_at, $updated_at",
                asdict(made) | {"categories": labels},
            )
        return made

    def delete_definition(self, project: str, name: str) -> bool:
        """Delete a definition; return whether there was one of that name."""
        with self._writing() as cursor:
            row = cursor.execute(
                "delete from score_definitions where project = ? and name = ?", [project, name]
            ).fetchone()
        return bool(row and row[0])

    def queues(
        self, *, project: str | None = None, queue_id: str | None = None
    ) -> list[StoredQueue]:
        """Return queues, the newest first; None leaves a condition out."""
        named = {"project": project, "queue_id": queue_id}
        return [
            StoredQueue(**row | {"score_names": row["score_names"] or []})
            for row in self._read(LIST_QUEUES_SQL, named)
        ]

    def put_queue(
        self, given: NewReviewQueue, project: str, *, queue_id: str | None = None
    ) -> StoredQueue | None:
        """Store a queue, in place of the one of that id; None when there is none of that id."""
        now = _now()
        with self._writing() as cursor:
            created_at = now
            if queue_id is not None:
                there = cursor.execute(
                    "delete from review_queues where queue_id = ? returning created_at", [queue_id]
                ).fetchone()
                if there is None:
                    return None
                created_at = there[0]
            made = StoredQueue(
                queue_id=queue_id or secrets.token_hex(8),
                name=given.name,
                project=project,
                filter=given.filter,
                thread_ids=None if given.thread_ids is None else list(given.thread_ids),
                score_names=list(given.score_names),
                reviewers_per_thread=given.reviewers_per_thread,
                instructions=given.instructions,
                created_at=created_at,
                updated_at=now,
            )
            ids = None if made.thread_ids is None else json_list(made.thread_ids)
            cursor.execute(
                "insert into review_queues select $queue_id, $project, $name, $filter,"
                f" from_json($thread_ids, {TEXTS}), from_json($score_names, {TEXTS}),"
                " $reviewers_per_thread, $instructions, $created_at, $updated_at",
                asdict(made) | {"thread_ids": ids, "score_names": json_list(made.score_names)},
            )
        return made

    def delete_queue(self, queue_id: str) -> bool:
        """Delete a queue with what was noted of its reviews; the scores stay."""
        with self._writing() as cursor:
            for table in ("reviews", "x_review_locks"):
                cursor.execute(f"delete from {table} where queue_id = ?", [queue_id])  # noqa: S608  # one of two names
            row = cursor.execute(
                "delete from review_queues where queue_id = ?", [queue_id]
            ).fetchone()
        return bool(row and row[0])

    def states(self, queue_id: str, *, reviewer: str | None = None) -> dict[str, ReviewState]:
        """Return how threads of a queue stand, by id; those that nobody looked at are left out."""
        named = {"queue_id": queue_id, "reviewer": reviewer, "now": _now()}
        rows = self._read(REVIEW_STATES_SQL, named)
        return {row["thread_id"]: ReviewState(**row) for row in rows}

    def begun(self, queue_id: str) -> list[str]:
        """Return the threads of a queue that reviewers have taken or done."""
        rows = self._read(BEGUN_THREADS_SQL, {"queue_id": queue_id})
        return sorted(row["thread_id"] for row in rows)

    def lock(
        self,
        queue_id: str,
        thread_ids: Sequence[str],
        reviewer: str,
        *,
        reviewers_per_thread: int,
        for_s: float,
    ) -> tuple[str, datetime.datetime] | None:
        """Lock the first of some threads that is left for a reviewer; return it and until when.

        A reviewer has one lock of a queue at a time, and keeps it while the thread is not done. One
        that is over stands until the reviewer takes another thread: `begun` still has its thread.
        """
        now = _now()
        until = now + datetime.timedelta(seconds=for_s)
        with self._writing() as cursor:
            named = {"queue_id": queue_id, "reviewer": reviewer, "now": now}
            cursor.execute(REVIEW_STATES_SQL, named)
            states = {row["thread_id"]: ReviewState(**row) for row in dictionaries(cursor)}
            chosen = _first_left(thread_ids, states, reviewers_per_thread)
            cursor.execute(
                "delete from x_review_locks where queue_id = ? and reviewer = ?",
                [queue_id, reviewer],
            )
            if chosen is None:
                return None
            cursor.execute(
                "insert into x_review_locks values (?, ?, ?, ?)",
                [queue_id, chosen, reviewer, until],
            )
        return chosen, until

    def done(self, queue: StoredQueue, thread_id: str, reviewer: str) -> None:
        """Note that a reviewer has done a thread, and release the lock."""
        with self._writing() as cursor:
            for table in ("reviews", "x_review_locks"):
                cursor.execute(
                    f"delete from {table} where queue_id = ? and thread_id = ? and reviewer = ?",  # noqa: S608  # one of two names
                    [queue.queue_id, thread_id, reviewer],
                )
            cursor.execute(
                "insert into reviews values (?, ?, ?, ?, ?)",
                [queue.queue_id, queue.project, thread_id, reviewer, _now()],
            )

    def reviewed_scores(self, queue: StoredQueue) -> list[ReviewedScore]:
        """Return the current scores that the reviewers of a queue gave its threads."""
        named = {
            "queue_id": queue.queue_id,
            "project": queue.project,
            "names": json_list(queue.score_names),
        }
        return [ReviewedScore(**row) for row in self._read(REVIEWED_SCORES_SQL, named)]

    def _read(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(text, dict(parameters))
            return dictionaries(cursor)

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with classified(), self._lock, self._database.transaction() as cursor:
            yield cursor


def _first_left(
    thread_ids: Sequence[str], states: Mapping[str, ReviewState], reviewers_per_thread: int
) -> str | None:
    left = None
    for thread_id in thread_ids:
        state = states.get(thread_id)
        if state is None:
            left = left or thread_id
            continue
        if state.done_by_me:
            continue
        if state.locked_by_me:
            return thread_id
        if state.done + state.locked < reviewers_per_thread:
            left = left or thread_id
    return left


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
