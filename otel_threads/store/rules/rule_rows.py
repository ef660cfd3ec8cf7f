"""Keeps rules, what they decided about threads, what their runs cost, and their logs.

Writes take the lock of annotations: scores and the decision that tells of them are one transaction.
Over a lake they are the same tables. Its reader keeps rules and leaves the rest to those who judge;
its owner judges the threads that several nodes have.
"""

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import duckdb
import pyarrow as pa

from otel_threads.core.ports import ThreadKey
from otel_threads.core.rule import (
    Decision,
    DecisionState,
    JudgedScore,
    PromptMessage,
    Rule,
    RuleLogEntry,
    RuleOutput,
    RuleSpent,
)
from otel_threads.core.score import NewScore
from otel_threads.database import sql_files
from otel_threads.database.arrow import register
from otel_threads.database.database import Database, dictionaries
from otel_threads.database.engine_errors import classified
from otel_threads.database.list_parameters import json_list
from otel_threads.store.annotations.annotation_rows import Annotations

LIST_SQL = sql_files.query("rules_list")
SIGHT_SQL = sql_files.query("rules_sight")
SIGHT_ACTIVE_SQL = sql_files.query("rules_sight_active")
REQUEUE_SQL = sql_files.query("rules_requeue")
UNLOOKED_SQL = sql_files.query("rules_unlooked")
DUE_SQL = sql_files.query("rules_due")
BACKFILL_SQL = sql_files.query("rules_backfill")
SETTLE_SQL = sql_files.query("rules_settle")
DECISIONS_SQL = sql_files.query("rules_decisions")
COUNT_DECISIONS_SQL = sql_files.counting("rules_decisions")
SPENT_SQL = sql_files.query("rules_spent")
LOG_SQL = sql_files.query("rules_log")
TRIM_LOG_SQL = sql_files.query("rules_trim_log")
KNOWN_RUNS_SQL = sql_files.query("rules_known_runs")
DECIDED_SQL = sql_files.query("rules_decided")
SINCE_SQL = sql_files.query("rules_since")
SAME_NAME_SQL = sql_files.query("rules_same_name")
FORGET_SQL = sql_files.query("rules_forget")
DECIDED_TABLES = ("rule_decisions", "x_rule_log", "x_rule_backfills")
LOOKED_FACTOR, LOOKED_MAX = 4, 1 << 40  # threads that wait, of those that are asked for; all
LOG_LINES_MAX = 10_000  # kept of each rule

Row = dict[str, Any]
Scope = Literal["node", "reader", "owner"]  # whose threads are judged: a node's, none, joined ones
_S, _T = pa.string(), pa.timestamp("us", tz="UTC")
SETTLED = pa.schema(
    [
        *((name, _S) for name in ("rule_id", "project", "thread_id", "state", "reason", "scores")),
        ("cost_usd", pa.float64()),
        ("judge_version", _S),
        ("trace_sequence", pa.int64()),
        ("attempt_count", pa.int64()),
        ("retry_at", _T),
        ("is_matched", pa.bool_()),
    ]
)
RUNS = pa.schema(
    [
        *((name, _S) for name in ("run_id", "rule_id", "kind", "project", "thread_id")),
        *((name, _S) for name in ("judge_version", "outcome", "model")),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("cost_usd", pa.float64()),
        ("backfill_id", _S),
        ("finished_at", _T),
    ]
)
LOG = pa.schema(
    [
        ("rule_id", _S),
        ("logged_at", _T),
        *((name, _S) for name in ("level", "message", "project", "thread_id")),
    ]
)
_KEYS = pa.schema([("project", _S), ("thread_id", _S)])
_DEFINED = (
    "model",
    "temperature",
    "prompt",
    "prompt_messages",
    "context",
    "outputs",
    "code",
    "builtin",
)
_COLUMNS = (
    "rule_id",
    "version",
    "name",
    "project",
    "kind",
    "is_enabled",
    "filter",
    "filter_time",
    "sampling_rate",
    "budget_usd_per_day",
    "judge_version",
    "created_at",
    "updated_at",
    "author",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueThread:
    """A thread that waits for a rule and is inactive."""

    rule_id: str
    project: str
    thread_id: str
    trace_sequence: int
    attempt_count: int
    backfill_id: str | None
    is_matched: bool | None

    @property
    def key(self) -> ThreadKey:
        """Its thread."""
        return self.project, self.thread_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRun:
    """A run that came to an end, with what it cost."""

    run_id: str
    rule_id: str
    kind: str
    project: str
    thread_id: str
    judge_version: str
    outcome: str
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    backfill_id: str | None
    finished_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledThread:
    """What became of a thread: its new state, and the run and scores that led to it, if any."""

    rule_id: str
    project: str
    thread_id: str
    state: DecisionState
    reason: str | None
    trace_sequence: int
    scores: list[JudgedScore] = field(default_factory=list)
    cost_usd: float | None = None
    judge_version: str | None = None
    attempt_count: int = 0
    retry_at: datetime.datetime | None = None
    is_matched: bool | None = None
    run: RuleRun | None = None
    new_scores: list[NewScore] = field(default_factory=list)

    def row(self) -> Row:
        """The columns of a decision."""
        found: Row = {name: getattr(self, name) for name in SETTLED.names}
        found["scores"] = json.dumps([asdict(one) for one in self.scores]) if self.scores else None
        return found

    def log_row(self, now: datetime.datetime) -> Row:
        """A line of the rule's log."""
        names = ", ".join(_shown(one) for one in self.scores)
        words = self.reason or names or None
        return {
            "rule_id": self.rule_id,
            "logged_at": now,
            "level": "ERROR" if self.state == "failed" else "INFO",
            "message": f"{self.state}: {words}" if words else self.state,
            "project": self.project,
            "thread_id": self.thread_id,
        }


class RuleRows:
    """Rules and their decisions in one database. Any thread may call."""

    def __init__(
        self,
        database: Database,
        annotations: Annotations,
        *,
        timeout_s: float,
        scope: Scope = "node",
    ) -> None:
        self._database = database
        self._annotations = annotations
        self._timeout_s = timeout_s
        self._scope = scope
        self.generation = 0  # one more with each change of a rule

    def rules(
        self, *, project: str | None = None, rule_id: str | None = None, name: str | None = None
    ) -> list[Rule]:
        """Return rules by project and name."""
        given = {"project": project, "rule_id": rule_id, "name": name, "today": day_start()}
        return [_rule(row) for row in self._read(LIST_SQL, given)]

    def put(self, rule: Rule, *, sees_active: bool) -> None:
        """Store a rule in place of the one of its id; with `sees_active` it judges what is active.

        It sees threads that are active after this commit.
        """
        row = _row(rule)
        with self._writing() as cursor:
            row["since_sequence"], row["since_at"] = self._annotations.sequence(), rule.updated_at
            if not sees_active:
                found = _since(cursor, rule.rule_id)
                row["since_sequence"], row["since_at"] = found or (
                    row["since_sequence"],
                    row["since_at"],
                )
            _replace(cursor, row)
            if sees_active and self._scope == "node":
                cursor.execute(SIGHT_ACTIVE_SQL, {"rule_id": rule.rule_id})
        self.generation += 1

    def take(
        self, cursor: duckdb.DuckDBPyConnection, rows: Sequence[Row], gone: Sequence[str]
    ) -> None:
        """Take rules that were made elsewhere, and let go of deleted ones, by their ids.

        In the caller's transaction, which holds the lock; `taken` says that it is committed. Of two
        rules of a project and a name the one that was changed last stays, on every node. A rule
        judges what was active here after it began, wherever that was.
        """
        for rule_id in gone:
            _drop(cursor, rule_id)
        for row in rows:
            key = {"rule_id": row["rule_id"], "project": row["project"], "name": row["name"]}
            same = cursor.execute(SAME_NAME_SQL, key).fetchall()
            _, newest = max([*same, (row["updated_at"], row["rule_id"])])
            for _, other in same:
                if other != newest:
                    _drop(cursor, other)
            if newest != row["rule_id"]:
                _drop(cursor, row["rule_id"])
                continue
            self._take_one(cursor, row)

    def _take_one(self, cursor: duckdb.DuckDBPyConnection, row: Row) -> None:
        known = cursor.execute(
            "select since_sequence from rules where rule_id = ? and since_at = ?",
            [row["rule_id"], row["since_at"]],
        ).fetchone()
        found = known or cursor.execute(SINCE_SQL, {"since_at": row["since_at"]}).fetchone()
        _replace(cursor, {**row, "since_sequence": found[0] if found else 0})
        if row["is_enabled"] and not known:
            cursor.execute(SIGHT_ACTIVE_SQL, {"rule_id": row["rule_id"]})

    def taken(self) -> None:
        """Notice that what `take` wrote is committed."""
        self.generation += 1

    def delete(self, rule_id: str) -> bool:
        """Delete a rule, its decisions and its log; what its runs cost stays. Whether it was."""
        with self._writing() as cursor:
            if self._scope == "node":
                is_deleted = _drop(cursor, rule_id)
            else:  # nodes drop the rest as they hear of it
                is_deleted = _drop(cursor, rule_id, tables=())
        self.generation += 1
        return is_deleted

    def holds_rules(self) -> bool:
        """Return whether there is any rule."""
        with self._database.reading(self._timeout_s) as cursor:
            return self._database.holds_rows(cursor, "rules")

    def sight(self, upto: int) -> None:
        """Look at threads active up to a commit: new ones are sampled, others wait again.

        The owner of a lake looks at all: what is shipped late has an early time.
        """
        with self._writing() as cursor:
            if self._scope == "owner":
                for table in DECIDED_TABLES:
                    cursor.execute(
                        f"delete from {table} where rule_id not in (select rule_id from rules)"  # noqa: S608  # ours
                    )
                cursor.execute(SIGHT_SQL, {"sighted": -1})
                cursor.execute(REQUEUE_SQL, {"sighted": -1})
                return
            row = cursor.execute("select sighted_sequence from x_rule_progress").fetchone()
            sighted = row[0] if row else -1
            if sighted >= upto:
                return
            cursor.execute(SIGHT_SQL, {"sighted": sighted})
            cursor.execute(REQUEUE_SQL, {"sighted": sighted})
            cursor.execute("delete from x_rule_progress")
            cursor.execute("insert into x_rule_progress values (?)", [upto])

    def forget(self, keys: Sequence[ThreadKey]) -> None:
        """Forget what was decided about threads that somebody else judges now; scores stay."""
        with self._writing() as cursor:
            register(cursor, "given", _table(keys))
            cursor.execute(FORGET_SQL)

    def unlooked(self, limit: int) -> list[tuple[str, ThreadKey]]:
        """Return rules and threads whose filter has to be looked at, at first sight."""
        rows = self._read(UNLOOKED_SQL, {"limit": limit})
        return [(row["rule_id"], (row["project"], row["thread_id"])) for row in rows]

    def set_matched(self, rule_id: str, keys: Sequence[ThreadKey], *, matched: bool) -> None:
        """Store what the filter said of threads at first sight; those that do not match rest."""
        with self._writing() as cursor:
            register(cursor, "given", _table(keys))
            cursor.execute(
                "update rule_decisions d set is_matched = $matched, decided_at = now(),"
                " state = case when $matched then d.state else 'not_matched' end,"
                " reason = case when $matched then d.reason"
                " else 'the filter did not match at first sight' end"
                " from given g where d.rule_id = $rule_id and d.project = g.project"
                " and d.thread_id = g.thread_id",
                {"matched": matched, "rule_id": rule_id},
            )

    def due(self, rule_ids: Sequence[str], *, per_rule: int) -> list[DueThread]:
        """Return inactive threads that wait for some rules, those that wait longest first.

        Where the first that wait are all active, all that wait are looked at.
        """
        if not self._read("select 1 from rule_decisions where state = 'waiting' limit 1", {}):
            return []
        given = {"rule_ids": json_list(rule_ids), "per_rule": per_rule}
        rows = self._read(DUE_SQL, {**given, "looked": LOOKED_FACTOR * per_rule})
        if not rows:
            rows = self._read(DUE_SQL, {**given, "looked": LOOKED_MAX})
        return [DueThread(**row) for row in rows]

    def queue(
        self, rule: Rule, keys: Sequence[ThreadKey], *, backfill_id: str, budget_usd: float | None
    ) -> int:
        """Queue threads for a rule, whatever the sample said; return how many were queued."""
        now = datetime.datetime.now(datetime.UTC)
        with self._writing() as cursor:
            register(cursor, "given", _table(keys))
            row = cursor.execute(
                BACKFILL_SQL,
                {
                    "rule_id": rule.rule_id,
                    "backfill_id": backfill_id,
                    "judge_version": rule.judge_version,
                },
            ).fetchone()
            cursor.execute(
                "insert into x_rule_backfills values (?, ?, ?, ?)",
                [backfill_id, rule.rule_id, budget_usd, now],
            )
        return int(row[0]) if row else 0

    def budgets(self) -> dict[str, float | None]:
        """Return what each backfill may cost in US dollars, by its id; None for no limit."""
        rows = self._read("select backfill_id, budget_usd from x_rule_backfills", {})
        return {row["backfill_id"]: row["budget_usd"] for row in rows}

    def spent(self) -> list[RuleSpent]:
        """Return what runs cost: of backfills ever, else today."""
        return [RuleSpent(**row) for row in self._read(SPENT_SQL, {"today": day_start()})]

    def has_run(self, run_id: str) -> bool:
        """Return whether the end of a run is stored."""
        found = self._read("select 1 from rule_runs where run_id = $id limit 1", {"id": run_id})
        return bool(found)

    def settle(self, settled: Sequence[SettledThread], runs: Sequence[RuleRun] = ()) -> None:
        """Store what became of threads, with scores, runs and log, in one transaction.

        `runs` are those that decided nothing.

        A score counts for the state of the thread that was judged: a trace that came meanwhile
        makes it history. A run that is stored already changes nothing; of one that comes after
        another has decided about the same state, the cost alone counts.
        """
        now = datetime.datetime.now(datetime.UTC)
        with self._writing() as cursor:
            settled, runs = _news(cursor, settled, runs)
            ended = [asdict(one.run) for one in settled if one.run] + [asdict(one) for one in runs]
            scores = [score for one in settled for score in one.new_scores]
            sequences = [one.trace_sequence for one in settled for _ in one.new_scores]
            if scores:
                self._annotations.insert_scores(cursor, scores, sequences)
            given = pa.Table.from_pylist([one.row() for one in settled], schema=SETTLED)
            register(cursor, "given", given)
            cursor.execute(SETTLE_SQL)
            self._append(cursor, "rule_runs", ended, RUNS)
            self._append(cursor, "x_rule_log", [one.log_row(now) for one in settled], LOG)

    def log(self, rule_id: str) -> list[RuleLogEntry]:
        """Return the lines of a rule's log, the latest first."""
        rows = self._read(LOG_SQL, {"rule_id": rule_id, "limit": LOG_LINES_MAX})
        return [RuleLogEntry(**row) for row in rows]

    def put_log(self, rule_id: str, level: str, message: str) -> None:
        """Add a line to a rule's log that is about no thread."""
        now = datetime.datetime.now(datetime.UTC)
        line = {"rule_id": rule_id, "logged_at": now, "level": level, "message": message}
        with self._writing() as cursor:
            self._append(cursor, "x_rule_log", [line], LOG)

    def trim_log(self) -> None:
        """Drop the oldest lines past LOG_LINES_MAX of each rule."""
        with self._writing() as cursor:
            cursor.execute(TRIM_LOG_SQL, {"lines": LOG_LINES_MAX})

    def decisions(
        self,
        rule_id: str,
        *,
        state: str | None,
        thread_id: str | None,
        limit: int,
        offset: int,
    ) -> list[Decision]:
        """Return decisions of a rule, the latest first."""
        given = {"rule_id": rule_id, "state": state, "thread_id": thread_id}
        rows = self._read(DECISIONS_SQL, {**given, "limit": limit, "offset": offset})
        return [Decision(**{**row, "scores": _scores(row["scores"])}) for row in rows]

    def count_decisions(self, rule_id: str, *, state: str | None, thread_id: str | None) -> int:
        """Return how many decisions of a rule there are."""
        given = {"rule_id": rule_id, "state": state, "thread_id": thread_id}
        rows = self._read(COUNT_DECISIONS_SQL, {**given, "limit": None, "offset": 0})
        return int(rows[0]["found"])

    @staticmethod
    def _append(
        cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row], schema: pa.Schema
    ) -> None:
        if rows:
            register(cursor, "appended", pa.Table.from_pylist(list(rows), schema=schema))
            cursor.execute(f"insert into {table} by name select * from appended")  # noqa: S608  # our own names

    def _read(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(text, dict(parameters))
            return dictionaries(cursor)

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with classified(), self._annotations.lock, self._database.transaction() as cursor:
            yield cursor


def _since(cursor: duckdb.DuckDBPyConnection, rule_id: str) -> tuple[int, datetime.datetime] | None:
    return cursor.execute(
        "select since_sequence, since_at from rules where rule_id = ?", [rule_id]
    ).fetchone()


def _replace(cursor: duckdb.DuckDBPyConnection, row: Row) -> None:
    _drop(cursor, row["rule_id"], tables=())
    places = ", ".join(f"${name} as {name}" for name in row)
    cursor.execute(f"insert into rules by name select {places}", row)  # our own names


def _drop(
    cursor: duckdb.DuckDBPyConnection, rule_id: str, tables: Sequence[str] = DECIDED_TABLES
) -> bool:
    """Delete a rule with what it decided; return whether it was there."""
    row = cursor.execute("delete from rules where rule_id = ?", [rule_id]).fetchone()
    for table in tables:
        cursor.execute(f"delete from {table} where rule_id = ?", [rule_id])  # noqa: S608  # ours
    return bool(row and row[0])


def _news(
    cursor: duckdb.DuckDBPyConnection, settled: Sequence[SettledThread], runs: Sequence[RuleRun]
) -> tuple[Sequence[SettledThread], Sequence[RuleRun]]:
    """Return what is not stored yet; what was decided meanwhile leaves its run alone."""
    ended = [one.run for one in settled if one.run] + [*runs]
    if not ended:
        return settled, runs
    register(cursor, "given", pa.Table.from_pylist([asdict(one) for one in ended], schema=RUNS))
    known = {run_id for (run_id,) in cursor.execute(KNOWN_RUNS_SQL).fetchall()}
    rows = [one.row() for one in settled]
    register(cursor, "given", pa.Table.from_pylist(rows, schema=SETTLED))
    decided = set(cursor.execute(DECIDED_SQL).fetchall())
    fresh, late = [], []
    for one in settled:
        if one.run is not None and one.run.run_id in known:
            continue
        if (one.rule_id, one.project, one.thread_id) not in decided:
            fresh.append(one)
        elif one.run is not None:
            late.append(one.run)
    return fresh, [*late, *(one for one in runs if one.run_id not in known)]


def day_start() -> datetime.datetime:
    """Return when the day of the budgets began: 00:00 UTC."""
    now = datetime.datetime.now(datetime.UTC)
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _table(keys: Sequence[ThreadKey]) -> pa.Table:
    rows = [{"project": project, "thread_id": thread_id} for project, thread_id in keys]
    return pa.Table.from_pylist(rows, schema=_KEYS)


def _scores(text: str | None) -> list[JudgedScore]:
    return [JudgedScore(**one) for one in json.loads(text)] if text else []


def _shown(score: JudgedScore) -> str:
    given = score.value if score.category is None else score.category
    return f"{score.name} {given}"


def _row(rule: Rule) -> Row:
    whole = asdict(rule)
    return {
        **{name: whole[name] for name in _COLUMNS},
        "definition": json.dumps({name: whole[name] for name in _DEFINED}),
    }


def _rule(row: Row) -> Rule:
    defined = json.loads(row.pop("definition"))
    messages = defined.pop("prompt_messages")
    del row["since_sequence"], row["since_at"]
    return Rule(
        **{**row, "counts": json.loads(row["counts"])},
        target="thread",
        prompt_messages=[PromptMessage(**one) for one in messages] if messages else None,
        outputs=[RuleOutput(**one) for one in defined.pop("outputs")],
        **defined,
        problem=None,
    )
