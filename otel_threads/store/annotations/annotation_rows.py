"""Keeps annotations of threads and traces: scores, comments, tags, lifecycle.

Targets need not be here yet: an annotation is kept and shown once they arrive. One lock orders
the writes; they touch no table that receiving or deriving writes.
"""

import datetime
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar, Unpack

import duckdb
import pyarrow as pa

from otel_threads.core.errors import Conflict
from otel_threads.core.ids import new_uuid7
from otel_threads.core.ports import ThreadKey
from otel_threads.core.project import GivenSettings, ProjectSettings, View
from otel_threads.core.score import (
    Comment,
    NewComment,
    NewScore,
    ScoreName,
    ScoreRecord,
    ScoreTarget,
    Target,
)
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister
from otel_threads.database.database import Database, dictionaries
from otel_threads.database.engine_errors import classified
from otel_threads.database.list_parameters import json_list
from otel_threads.store.read.list_query import SCORED_BELOW_THREADS
from otel_threads.store.read.stored_items import StoredThread
from otel_threads.store.spans.span_rows import trace_key

Row = dict[str, Any]
TurnKey = tuple[str, str, int]  # project, thread id, turn index
SpanKey = tuple[str, str]  # trace id, span id
UPSERT_SCORES_SQL = sql_files.query("upsert_scores")
DROP_SCORES_SQL = sql_files.query("drop_scores")
DELETE_SCORES_SQL = sql_files.query("delete_scores")
KNOWN_THREADS_SQL = sql_files.query("known_threads")
TAGS_AFTER_SQL = sql_files.query("tags_after")

_S = pa.string()
_TARGET_TEXTS = [(name, _S) for name in ("project", "thread_id", "trace_id", "span_id")]
SCORES = pa.schema(
    [
        *((name, _S) for name in ("project", "thread_id", "trace_id", "span_id")),
        ("turn_index", pa.int64()),
        ("name", _S),
        ("value", pa.float64()),
        *((name, _S) for name in ("category", "reason", "source", "author")),
        ("metadata", pa.map_(_S, _S)),
        ("sequence", pa.int64()),
        ("given_at", pa.timestamp("us", "UTC")),
    ]
)
TARGETS = pa.schema(
    [
        *((name, _S) for name in ("project", "thread_id", "trace_id", "span_id")),
        ("turn_index", pa.int64()),
        *((name, _S) for name in ("name", "author")),
    ]
)
THREAD_SCORES_SQL = sql_files.query("thread_scores")
THREAD_EVALUATIONS_SQL = sql_files.query("thread_evaluations")
TRACE_EVALUATIONS_SQL = sql_files.query("trace_evaluations")
TURN_SCORE_RECORDS_SQL = sql_files.query("turn_score_records")
TURNS_OF_TARGETS_SQL = sql_files.query("turns_of_targets")
SETTLE_TURNS_SQL = sql_files.query("settle_turns")
MISSING_TARGETS_SQL = sql_files.query("missing_targets")
TRACE_SCORES_SQL = sql_files.query("trace_scores")
RESPONSE_SCORES_SQL = sql_files.query("response_scores")
NAMED_RESPONSES_SQL = sql_files.query("named_responses")
ANNOTATIONS_OF_THREADS_SQL = sql_files.query("annotations_of_threads")
COOLDOWNS_SQL = sql_files.query("cooldowns")
ANNOTATIONS_OF_TRACES_SQL = sql_files.query("annotations_of_traces")
LIST_SCORES_SQL = sql_files.query("list_scores")
SCORE_NAMES_SQL = sql_files.query("score_names")
SCORE_NAMES_OF_SQL = sql_files.query("score_names_of")
LIST_COMMENTS_SQL = sql_files.query("list_comments")
COUNT_COMMENTS_SQL = sql_files.counting("list_comments")
COUNT_SCORES_SQL = sql_files.counting(
    "list_scores", "project, thread_id, trace_id, span_id, turn_index, name, superseded_at"
)
COMMENTS_OF_SQL = sql_files.query("comments_of")
LIST_VIEWS_SQL = sql_files.query("list_views")
THREADS_OF_TRACES_SQL = sql_files.query("threads_of_traces")

WHERE_MOVED_SQL = sql_files.query("where_moved")
SAID_OF_MOVED_SQL = sql_files.query("said_of_moved")
DROP_OUTDONE_SQL = sql_files.query("drop_outdone_scores")
FOLLOW_MOVED_SCORES_SQL = sql_files.query("follow_moved_scores")
FOLLOW_MOVED_COMMENTS_SQL = sql_files.query("follow_moved_comments")
Moving = TypeVar("Moving", bound=Target)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationRow:
    """An annotation of a thread or a trace in the shape of annotations_of_threads.sql.

    `kind` is lifecycle (`flag`: closed; `number`: the commit), comments (`number` of them), tag
    (`flag`: removed), cooldown (`number` of seconds) or step of the clock (`number`: the commit).
    `project` None is every project.
    """

    kind: str
    project: str | None
    id: str | None
    tag: str | None
    flag: bool | None
    time: datetime.datetime | None
    number: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationFilter:
    """Which scores or comments a list has; None leaves a condition out."""

    project: str | None = None
    thread_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFilter(AnnotationFilter):
    """Which scores a list has; None leaves a condition out."""

    name: str | None = None
    author: str | None = None
    source: str | None = None
    include_superseded: bool = False


class Annotations:
    """Annotations. Any thread may call; each method that writes is one transaction."""

    def __init__(
        self,
        database: Database,
        *,
        sequence: Callable[[], int],
        timeout_s: float,
        supersedes: bool = True,
    ) -> None:
        """`sequence` is the last commit, by which annotations are ordered against new traces.

        `supersedes` says whether a new trace makes a thread's scores history.
        """
        self._database = database
        self.sequence = sequence
        self._timeout_s = timeout_s
        self._supersedes = supersedes
        self.lock = threading.RLock()

    def thread_scores(self, threads: Sequence[StoredThread]) -> list[ScoreRecord]:
        """Return the current scores of some threads.

        The view `scores` says the same in SQL; a test compares both.
        """
        ids = {"thread_ids": json_list(one.thread_id for one in threads)}
        by_key = {thread.key: thread for thread in threads}
        found = []
        if self._holds("x_evaluations"):
            told = self._read(THREAD_EVALUATIONS_SQL, ids)
            found += [
                ScoreRecord(**row) for row in told if (row["project"], row["thread_id"]) in by_key
            ]
        if not self._holds("x_score_records"):
            return found
        for row in self._read(THREAD_SCORES_SQL, ids):
            thread = by_key.get((row["project"], row["thread_id"]))
            if thread is None or row["turn_index"] is not None:
                continue
            # A score of before the thread arrived holds for its first trace.
            given = max(row.pop("sequence"), thread.first_sequence)
            if not self._supersedes or given >= thread.last_trace_sequence:
                found.append(ScoreRecord(**row, superseded_at=None))
        return found

    def turn_scores(self, thread_ids: Sequence[str]) -> dict[ThreadKey, list[ScoreRecord]]:
        """Return the current scores on turns, traces and spans, by the thread, of some threads.

        Threads of other projects with these ids are among them.
        """
        if not any(self._holds(table) for table in SCORED_BELOW_THREADS):
            return {}
        found: dict[ThreadKey, list[ScoreRecord]] = {}
        for row in self._read(TURN_SCORE_RECORDS_SQL, {"thread_ids": json_list(thread_ids)}):
            record = ScoreRecord(
                **row, source=None, created_at=row["updated_at"], superseded_at=None
            )
            found.setdefault((row["project"], row["thread_id"]), []).append(record)
        return found

    def turn_scores_ahead(self, thread_id: str) -> list[ScoreRecord]:
        """Return scores that named a turn of a thread before the turn was here."""
        if not self._holds("x_score_records"):
            return []
        rows = self._read(THREAD_SCORES_SQL, {"thread_ids": json_list([thread_id])})
        ahead = [row for row in rows if row["turn_index"] is not None]
        return [ScoreRecord(**_without_sequence(row), superseded_at=None) for row in ahead]

    def trace_scores(self, trace_ids: Sequence[str]) -> list[ScoreRecord]:
        """Return the scores of some traces and of their spans."""
        given = {"trace_ids": json_list(trace_ids)}
        found = self._read(TRACE_SCORES_SQL, given) if self._holds("x_score_records") else []
        if self._holds("x_evaluations"):
            found += self._read(TRACE_EVALUATIONS_SQL, given)
            # Looking responses up reads all calls; nearly nobody names a response of another trace.
            if self._read(NAMED_RESPONSES_SQL, {}):
                found += self._read(RESPONSE_SCORES_SQL, given)
        return [ScoreRecord(**row) for row in found]

    def annotations_of_threads(self, thread_ids: Sequence[str]) -> list[AnnotationRow]:
        """Return what `services/lifecycle.py` needs to know of some threads."""
        found = self._read(COOLDOWNS_SQL, {})
        if any(self._holds(table) for table in ("x_lifecycle", "comments", "x_tag_changes")):
            found += self._read(ANNOTATIONS_OF_THREADS_SQL, {"thread_ids": json_list(thread_ids)})
        return [AnnotationRow(**row) for row in found]

    def annotations_of_traces(self, trace_ids: Sequence[str]) -> list[AnnotationRow]:
        """Return what `services/lifecycle.py` needs to know of some traces."""
        if not self._holds("comments") and not self._holds("x_tag_changes"):
            return []
        found = self._read(ANNOTATIONS_OF_TRACES_SQL, {"trace_ids": json_list(trace_ids)})
        return [AnnotationRow(**row) for row in found]

    def _holds(self, table: str) -> bool:
        with self._database.reading(self._timeout_s) as cursor:
            return self._database.holds_rows(cursor, table)

    def scores(self, wanted: ScoreFilter, *, limit: int, offset: int) -> list[ScoreRecord]:
        """Return records of scores, the latest first."""
        rows = self._read(LIST_SCORES_SQL, {**asdict(wanted), "limit": limit, "offset": offset})
        return [ScoreRecord(**row) for row in rows]

    def score_names(self, project: str | None) -> list[ScoreName]:
        """Return the names in use, with counts and categories."""
        return [ScoreName(**row) for row in self._read(SCORE_NAMES_SQL, {"project": project})]

    def score_names_of(self, target: str, project: str | None) -> list[str]:
        """Return the names of current scores of threads, traces or spans, in their order."""
        given = {"target": target, "project": project}
        return [row["name"] for row in self._read(SCORE_NAMES_OF_SQL, given)]

    def comments(self, wanted: AnnotationFilter, *, limit: int, offset: int) -> list[Comment]:
        """Return comments, oldest first."""
        rows = self._read(LIST_COMMENTS_SQL, {**asdict(wanted), "limit": limit, "offset": offset})
        return [Comment(**row) for row in rows]

    def count_scores(self, wanted: ScoreFilter) -> int:
        """Return how many scores there are, those of several authors once."""
        return self._count(COUNT_SCORES_SQL, wanted)

    def count_comments(self, wanted: AnnotationFilter) -> int:
        """Return how many comments there are."""
        return self._count(COUNT_COMMENTS_SQL, wanted)

    def _count(self, text: str, wanted: AnnotationFilter) -> int:
        found: int = self._read(text, {**asdict(wanted), "limit": None, "offset": 0})[0]["found"]
        return found

    def comments_of(
        self, *, thread_ids: Sequence[str] = (), trace_ids: Sequence[str] = ()
    ) -> list[Comment]:
        """Return comments on some threads, or on some traces and their spans, oldest first."""
        if not self._holds("comments"):
            return []
        given = {"thread_ids": json_list(thread_ids), "trace_ids": json_list(trace_ids)}
        return [Comment(**row) for row in self._read(COMMENTS_OF_SQL, given)]

    def comment(self, comment_id: str) -> Comment | None:
        """Return one comment, None when there is none of that id."""
        found = self._read("select * from comments where id = $id", {"id": comment_id})
        return Comment(**found[0]) if found else None

    def views(self, project: str | None) -> list[View]:
        """Return saved selections, by name."""
        return [View(**row) for row in self._read(LIST_VIEWS_SQL, {"project": project})]

    def _read(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(text, dict(parameters))
            return dictionaries(cursor)

    def turn_spans(self, targets: Sequence[TurnKey]) -> dict[TurnKey, SpanKey]:
        """Return the trace and the span at which turns stand, of those that are here.

        Turns get other numbers as older ones come and go: so scores keep to the span.
        """
        keys = ("project", "thread_id", "turn_index")
        given = pa.Table.from_pylist(
            [dict(zip(keys, one, strict=True)) for one in targets],
            schema=pa.schema([("project", _S), ("thread_id", _S), ("turn_index", pa.int64())]),
        )
        with self._writing() as cursor:
            register(cursor, "given", given)
            cursor.execute(SETTLE_TURNS_SQL)
            rows = dictionaries(cursor.execute(TURNS_OF_TARGETS_SQL))
        return {
            (row["project"], row["thread_id"], row["turn_index"]): (row["trace_id"], row["span_id"])
            for row in rows
        }

    def missing(self, targets: Sequence[Target]) -> dict[int, str | None]:
        """Return which targets are not here, by their place; with the project that has the id.

        A turn that is here was made its span before; one that is left names no turn.
        """
        rows = [
            {"place": place, "trace_key": trace_key(one.trace_id) if one.trace_id else None}
            | {name: getattr(one, name) for name in ("project", "thread_id", "trace_id", "span_id")}
            for place, one in enumerate(targets)
        ]
        schema = pa.schema([("place", pa.int64()), ("trace_key", pa.int64()), *_TARGET_TEXTS])
        with self._database.reading(self._timeout_s) as cursor:
            register(cursor, "given", pa.Table.from_pylist(rows, schema=schema))
            found = dictionaries(cursor.execute(MISSING_TARGETS_SQL))
            unregister(cursor, "given")
        return {row["place"]: row["elsewhere"] for row in found}

    def where_moved(self, targets: Sequence[Moving]) -> list[Moving]:
        """Return targets, each span by the ids that it has, where it was sent under others."""
        asked = sorted({one.trace_id for one in targets if one.trace_id and one.span_id})
        if not asked or not self._holds("x_joined_spans"):
            return list(targets)
        rows = self._read(WHERE_MOVED_SQL, {"trace_ids": json_list(asked)})
        moved = {
            (row["sent_trace_id"], row["sent_span_id"]): (row["trace_id"], row["span_id"])
            for row in rows
        }
        found = []
        for one in targets:
            to = moved.get((one.trace_id, one.span_id))
            found.append(replace(one, trace_id=to[0], span_id=to[1]) if to else one)
        return found

    def follow_moves(self) -> None:
        """Give what was said of spans, before they were moved, to where they are."""
        if not self._holds("x_joined_spans"):
            return
        if not self._holds("x_score_records") and not self._holds("comments"):
            return
        if not self._read(SAID_OF_MOVED_SQL, {})[0]["is_said"]:
            return
        with self._writing() as cursor:
            for text in (DROP_OUTDONE_SQL, FOLLOW_MOVED_SCORES_SQL, FOLLOW_MOVED_COMMENTS_SQL):
                cursor.execute(text)

    def put_scores(self, scores: Sequence[NewScore]) -> int:
        """Write scores, each in place of the current one of its target, name and author."""
        with self._writing() as cursor:
            self.insert_scores(cursor, scores, [self.sequence()] * len(scores))
        return len(scores)

    @staticmethod
    def insert_scores(
        cursor: duckdb.DuckDBPyConnection,
        scores: Sequence[NewScore],
        sequences: Sequence[int],
        times: Sequence[datetime.datetime] | None = None,
    ) -> None:
        """Write scores in the caller's transaction, which holds the lock.

        Each counts as given after the commit of its sequence: a trace that came later makes it
        history. `times`: when each was given; now, without.
        """
        given: Sequence[datetime.datetime | None] = times or [None] * len(scores)
        last = {
            tuple(getattr(score, name) for name in TARGETS.names): {
                **asdict(score),
                "metadata": list(score.metadata.items()) if score.metadata else None,
                "sequence": sequence,
                "given_at": given_at,
            }
            for score, sequence, given_at in zip(scores, sequences, given, strict=True)
        }
        register(cursor, "given", pa.Table.from_pylist([*last.values()], schema=SCORES))
        # Made first: the insert needs the times of what the delete removes.
        cursor.execute("create or replace temp table replacing as " + UPSERT_SCORES_SQL)
        cursor.execute(DROP_SCORES_SQL)
        cursor.execute(
            "insert into x_score_records by name select * exclude (had_sequence) from replacing"
        )
        cursor.execute("drop table replacing")

    def delete_scores(self, targets: Sequence[ScoreTarget]) -> int:
        """Delete current and past scores of targets and names; of one author when it is named."""
        given = pa.Table.from_pylist([asdict(one) for one in targets], schema=TARGETS)
        with self._writing() as cursor:
            register(cursor, "given", given)
            row = cursor.execute(DELETE_SCORES_SQL).fetchone()
        return int(row[0]) if row else 0

    def add_comment(self, comment: NewComment, project: str) -> Comment:
        """Store a comment of a project; return it with its id and times."""
        now = _now()
        made = Comment(
            id=new_uuid7(),
            project=project,
            thread_id=comment.thread_id,
            trace_id=comment.trace_id,
            span_id=comment.span_id,
            text=comment.text,
            author=comment.author,
            created_at=now,
            updated_at=now,
        )
        with self._writing() as cursor:
            cursor.execute(
                "insert into comments by name select $id as id, $project as project,"
                " $thread_id as thread_id, $trace_id as trace_id, $span_id as span_id,"
                " $text as text, $author as author,"
                " $created_at as created_at, $updated_at as updated_at",
                asdict(made),
            )
        return made

    def update_comment(self, comment_id: str, text: str) -> Comment | None:
        """Change a comment's text; return the comment, None when there is none of that id."""
        with self._writing() as cursor:
            cursor.execute(
                "update comments set text = $text, updated_at = $now where id = $id returning *",
                {"text": text, "now": _now(), "id": comment_id},
            )
            return next((Comment(**row) for row in dictionaries(cursor)), None)

    def delete_comment(self, comment_id: str) -> Comment | None:
        """Delete a comment; return what it was, None when there was none of that id."""
        with self._writing() as cursor:
            cursor.execute("delete from comments where id = ? returning *", [comment_id])
            return next((Comment(**row) for row in dictionaries(cursor)), None)

    def threads_of_traces(self, trace_ids: Sequence[str]) -> list[ThreadKey]:
        """Return the threads of some traces, each once."""
        keys = [trace_key(trace_id) for trace_id in trace_ids]
        found = self._read(
            THREADS_OF_TRACES_SQL,
            {"trace_keys": json_list(keys), "trace_ids": json_list(trace_ids)},
        )
        return [(row["project"], row["thread_id"]) for row in found]

    def change_tags(
        self,
        project: str,
        *,
        thread_ids: Sequence[str] = (),
        trace_ids: Sequence[str] = (),
        add: Sequence[str],
        remove: Sequence[str],
        tags_max: int,
    ) -> tuple[int, list[str]]:
        """Add and remove tags of threads or traces; return how many are here, and who is not.

        Raises:
            Conflict: an item would have more than `tags_max`; nothing was changed.
        """
        kind, ids = ("thread_id", thread_ids) if thread_ids else ("trace_id", trace_ids)
        items = list(dict.fromkeys(ids))
        with self._writing() as cursor:
            known = self._known(cursor, project, kind, ids)
            register(cursor, "given", _tag_changes(items, add, remove))
            cursor.execute(
                f"delete from x_tag_changes t using given g where t.project = $project"  # noqa: S608  # one of two names
                f" and t.{kind} = g.id and t.tag = g.tag",
                {"project": project},
            )
            cursor.execute(
                f"insert into x_tag_changes by name select $project as project, id as {kind},"  # noqa: S608  # one of two names
                " tag, is_removed, $now as updated_at from given",
                {"project": project, "now": _now()},
            )
            register(cursor, "items", pa.table({"id": pa.array(items, _S)}))
            full = cursor.execute(
                TAGS_AFTER_SQL, {"project": project, "kind": kind, "tags_max": tags_max}
            ).fetchone()
            if full:
                raise Conflict(
                    f"{full[0]!r} would have {full[1]} tags, at most {tags_max} are kept"
                )
        return len(known), [i for i in items if i not in known]

    def close_threads(
        self, project: str, thread_ids: Sequence[str], *, closed: bool
    ) -> tuple[int, list[str]]:
        """Close or reopen threads by hand; return how many are here, and which are not."""
        with self._writing() as cursor:
            known = self._known(cursor, project, "thread_id", thread_ids)
            register(cursor, "items", pa.table({"id": pa.array(sorted(known), _S)}))
            cursor.execute(
                "delete from x_lifecycle where project = $project"
                " and thread_id in (select id from items)",
                {"project": project},
            )
            cursor.execute(
                "insert into x_lifecycle by name select $project as project, id as thread_id,"
                " $closed as is_closed, $now as changed_at, $sequence as sequence from items",
                {
                    "project": project,
                    "closed": closed,
                    "now": _now(),
                    "sequence": self.sequence(),
                },
            )
        return len(known), [i for i in dict.fromkeys(thread_ids) if i not in known]

    def put_view(self, view: View) -> View:
        """Save a selection, in place of the one of its name, whose time of creation stays."""
        with self._writing() as cursor:
            named = {"project": view.project, "name": view.name}
            there = cursor.execute(
                "select created_at from saved_views where project = $project and name = $name",
                named,
            ).fetchone()
            cursor.execute(
                "delete from saved_views where project = $project and name = $name", named
            )
            made = replace(view, created_at=there[0]) if there else view
            cursor.execute(
                "insert into saved_views values"
                " ($project, $name, $filter, $sort, $columns, $created_at, $updated_at)",
                asdict(made),
            )
        return made

    def delete_view(self, project: str, name: str) -> bool:
        """Delete a saved selection; return whether there was one of that name."""
        with self._writing() as cursor:
            row = cursor.execute(
                "delete from saved_views where project = ? and name = ?", [project, name]
            ).fetchone()
        return bool(row and row[0])

    def put_project_settings(self, project: str, **given: Unpack[GivenSettings]) -> ProjectSettings:
        """Set some of a project's own settings, None for the server's; return all of them."""
        names = ("thread_cooldown_s", "retention_days", "input_path", "output_path")
        with self._writing() as cursor:
            row = cursor.execute(
                f"select {', '.join(names)} from x_project_settings where project = ?",  # noqa: S608  # our own names
                [project],
            ).fetchone()
            made = dict(zip(names, row or [None] * len(names), strict=True)) | {**given}
            cursor.execute("delete from x_project_settings where project = ?", [project])
            if any(value is not None for value in made.values()):
                cursor.execute(
                    "insert into x_project_settings by name select $project as project, "
                    + ", ".join(f"${name} as {name}" for name in names),
                    {"project": project, **made},
                )
        return ProjectSettings(project=project, **made)

    def put_clock_step(self, step_ms: float) -> None:
        """Remember that the machine's clock jumped; threads before it age by the old one."""
        with self._writing() as cursor:
            cursor.execute(
                "insert into x_clock_steps values (?, ?, ?)", [self.sequence(), step_ms, _now()]
            )

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with classified(), self.lock, self._database.transaction() as cursor:
            yield cursor

    def _known(
        self, cursor: duckdb.DuckDBPyConnection, project: str, kind: str, ids: Sequence[str]
    ) -> set[str]:
        register(cursor, "items", pa.table({"id": pa.array(list(ids), _S)}))
        cursor.execute(KNOWN_THREADS_SQL, {"project": project, "kind": kind})
        return {row["id"] for row in dictionaries(cursor)}


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _without_sequence(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "sequence"}


def _tag_changes(ids: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> pa.Table:
    """Return a row for each item and tag."""
    changes = [(i, tag, False) for i in ids for tag in dict.fromkeys(add)]
    changes += [(i, tag, True) for i in ids for tag in dict.fromkeys(remove)]
    return pa.table(
        {
            "id": pa.array([change[0] for change in changes], _S),
            "tag": pa.array([change[1] for change in changes], _S),
            "is_removed": pa.array([change[2] for change in changes], pa.bool_()),
        }
    )
