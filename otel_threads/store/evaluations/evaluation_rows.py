"""Keeps data sets of conversations, runs of scorers over them and their results.

One lock orders the writes; they touch no table that receiving or deriving writes.
"""

import dataclasses
import datetime
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from otel_threads.core.errors import Conflict, InvalidQuery
from otel_threads.core.evaluation import (
    Dataset,
    DatasetItem,
    Evaluation,
    EvaluationCounts,
    EvaluationResult,
    EvaluationScore,
    NewDatasetItem,
    NewEvaluation,
    NewResult,
    Scorer,
)
from otel_threads.core.message import Json
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, table_of
from otel_threads.database.database import Database, dictionaries
from otel_threads.database.engine_errors import classified
from otel_threads.database.list_parameters import json_list

Row = dict[str, Any]
LIST_DATASETS_SQL = sql_files.query("list_datasets")
DELETE_DATASETS_SQL = sql_files.query("delete_datasets")
DELETE_ITEMS_SQL = sql_files.query("delete_dataset_items")
LIST_ITEMS_SQL = sql_files.query("list_items")
LIST_EVALUATIONS_SQL = sql_files.query("list_evaluations")
EVALUATION_SCORES_SQL = sql_files.query("evaluation_scores")
LIST_RESULTS_SQL = sql_files.query("list_results")
COUNT_EVALUATIONS_SQL = sql_files.counting("list_evaluations")
COUNT_RESULTS_SQL = sql_files.counting("list_results")
PAIRED_RESULTS_SQL = sql_files.query("paired_results")
UNPAIRED_ITEMS_SQL = sql_files.query("unpaired_items")

_S = pa.string()
ITEMS = pa.schema(
    [
        ("dataset", _S),
        ("version", pa.int64()),
        ("item_index", pa.int64()),
        *((name, _S) for name in ("item_id", "project", "thread_id", "messages", "expected")),
        *((name, _S) for name in ("scenario", "metadata")),
    ]
)
_TEXTS = ("evaluation_id", "item_id", "project", "thread_id", "scorer", "name")
RESULTS = pa.schema(
    [
        *((name, _S) for name in _TEXTS),
        ("value", pa.float64()),
        *((name, _S) for name in ("category", "reason", "error")),
        ("duration_ms", pa.float64()),
        ("cost_usd", pa.float64()),
        ("created_at", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichEvaluations:
    """Which runs a list has; None leaves a condition out."""

    project: str | None = None
    evaluation_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichResults:
    """Which results of a run a list has; None leaves a condition out."""

    evaluation_id: str
    item_id: str | None = None
    name: str | None = None
    failed: bool | None = None


class Evaluations:
    """Data sets, runs and results. Any thread may call; each write is one transaction."""

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        self._database = database
        self._timeout_s = timeout_s
        self._lock = threading.Lock()

    def datasets(self, name: str | None = None) -> list[Dataset]:
        """Return the newest version of each data set, by name; all of one that is named."""
        return [
            Dataset(**row | {"source": orjson.loads(row["source"])})
            for row in self._read(LIST_DATASETS_SQL, {"name": name})
        ]

    def put_dataset(
        self,
        name: str,
        items: Sequence[NewDatasetItem],
        *,
        source: Json,
        author: str | None,
        is_complete: bool = True,
    ) -> Dataset:
        """Store a new version of a data set; return it."""
        now = _now()
        with self._writing() as cursor:
            row = cursor.execute(
                "select coalesce(max(version), 0) from evaluation_datasets where name = ?", [name]
            ).fetchone()
            made = Dataset(
                name=name,
                version=int(row[0]) + 1 if row else 1,
                item_count=len(items),
                source=source,
                created_at=now,
                author=author,
                is_complete=is_complete,
            )
            _insert_items(cursor, made, items, after=0)
            cursor.execute(
                "insert into evaluation_datasets values (?, ?, ?, ?, ?, ?, ?)",
                [name, made.version, made.item_count, _json(source), now, author, is_complete],
            )
        return made

    def add_items(
        self, dataset: Dataset, items: Sequence[NewDatasetItem], *, is_complete: bool
    ) -> Dataset:
        """Add items to a version that is not complete; return it.

        Raises:
            Conflict: others have added to it, or completed it, meanwhile; nothing was stored.
            InvalidQuery: an item has the id of an earlier one.
        """
        made = dataclasses.replace(
            dataset, item_count=dataset.item_count + len(items), is_complete=is_complete
        )
        with self._writing() as cursor:
            row = cursor.execute(
                "update evaluation_datasets set item_count = ?, is_complete = ? where name = ?"
                " and version = ? and item_count = ? and not is_complete",
                [made.item_count, is_complete, made.name, made.version, dataset.item_count],
            ).fetchone()
            if not (row and row[0]):
                raise Conflict(f"version {made.version} of {made.name!r} was changed by others")
            _insert_items(cursor, made, items, after=dataset.item_count)
        return made

    def delete_dataset(self, name: str, version: int | None = None) -> bool:
        """Delete all versions of a data set, or one that is incomplete; return whether one was."""
        given = {"name": name, "version": version}
        with self._writing() as cursor:
            row = cursor.execute(DELETE_DATASETS_SQL, given).fetchone()
            if deleted := bool(row and row[0]):
                cursor.execute(DELETE_ITEMS_SQL, given)
        return deleted

    def items(
        self, name: str, version: int, *, after: int, limit: int
    ) -> list[tuple[int, DatasetItem]]:
        """Return items of a version with their places, from the one after `after` on."""
        named = {"name": name, "version": version, "after": after, "limit": limit}
        return [(row["item_index"], _item(row)) for row in self._read(LIST_ITEMS_SQL, named)]

    def begin(self, given: NewEvaluation, project: str) -> str:
        """Store a run that begins; return its id."""
        evaluation_id = secrets.token_hex(8)
        with self._writing() as cursor:
            cursor.execute(
                "insert into evaluations by name select $evaluation_id as evaluation_id,"
                " $name as name, $project as project, $dataset as dataset,"
                " $dataset_version as dataset_version, $filter as filter,"
                ' from_json($scorers, \'[{"name":"varchar","version":"varchar"}]\') as scorers,'
                " $metadata as metadata, $item_count as item_count, $now as started_at,"
                " null::timestamptz as finished_at",
                {
                    "evaluation_id": evaluation_id,
                    "name": given.name,
                    "project": project,
                    "dataset": given.dataset,
                    "dataset_version": given.dataset_version,
                    "filter": given.filter,
                    "scorers": _json(list(given.scorers)),
                    "metadata": _json(given.metadata or {}),
                    "item_count": given.item_count,
                    "now": _now(),
                },
            )
        return evaluation_id

    def change(self, evaluation_id: str, *, finished: bool | None, item_count: int | None) -> bool:
        """End a run or begin it anew, or say how many items it has; return whether it is here."""
        with self._writing() as cursor:
            row = cursor.execute(
                "update evaluations set item_count = coalesce($item_count, item_count),"
                " finished_at = case when $finished is null then finished_at"
                " when $finished then $now end where evaluation_id = $evaluation_id",
                {
                    "evaluation_id": evaluation_id,
                    "item_count": item_count,
                    "finished": finished,
                    "now": _now(),
                },
            ).fetchone()
        return bool(row and row[0])

    def put_results(self, evaluation_id: str, results: Sequence[NewResult], *, most: int) -> None:
        """Store results in place of those of the same items and scorers.

        Raises:
            Conflict: the run would have more than `most`; nothing was stored.
        """
        now = _now()
        rows = [
            {name: getattr(one, name, None) for name in RESULTS.names}
            | {"evaluation_id": evaluation_id, "created_at": now}
            for one in results
        ]
        with self._writing() as cursor:
            register(cursor, "given", pa.Table.from_pylist(rows, schema=RESULTS))
            cursor.execute(
                "delete from evaluation_results r using (select distinct item_id, project, scorer"
                " from given) g where r.evaluation_id = $evaluation_id and r.item_id = g.item_id"
                " and r.project is not distinct from g.project and r.scorer = g.scorer",
                {"evaluation_id": evaluation_id},
            )
            cursor.execute("insert into evaluation_results by name select * from given")
            row = cursor.execute(
                "select count(*) from evaluation_results where evaluation_id = ?", [evaluation_id]
            ).fetchone()
            if row and row[0] > most:
                raise Conflict(f"the run would have {row[0]} results; at most {most} are kept")

    def delete(self, evaluation_id: str) -> bool:
        """Delete a run with its results; return whether there was one."""
        with self._writing() as cursor:
            cursor.execute(
                "delete from evaluation_results where evaluation_id = ?", [evaluation_id]
            )
            row = cursor.execute(
                "delete from evaluations where evaluation_id = ?", [evaluation_id]
            ).fetchone()
        return bool(row and row[0])

    def evaluations(self, which: WhichEvaluations, *, limit: int, offset: int) -> list[Evaluation]:
        """Return runs with their counts and scores, the latest first."""
        named = {"limit": limit, "offset": offset}
        rows = self._read(LIST_EVALUATIONS_SQL, dataclasses.asdict(which) | named)
        ids = json_list(row["evaluation_id"] for row in rows)
        scores: dict[str, dict[str, EvaluationScore]] = {}
        for row in self._read(EVALUATION_SCORES_SQL, {"evaluation_ids": ids}) if rows else ():
            run, name = row.pop("evaluation_id"), row.pop("name")
            scores.setdefault(run, {})[name] = EvaluationScore(**row)
        return [_evaluation(row, scores.get(row["evaluation_id"], {})) for row in rows]

    def results(self, which: WhichResults, *, limit: int, offset: int) -> list[EvaluationResult]:
        """Return results of a run, in the order in which they came."""
        named = {"limit": limit, "offset": offset}
        rows = self._read(LIST_RESULTS_SQL, dataclasses.asdict(which) | named)
        return [EvaluationResult(**row) for row in rows]

    def count(self, which: WhichEvaluations | WhichResults) -> int:
        """Return how many runs, or results of a run, there are."""
        text = COUNT_RESULTS_SQL if isinstance(which, WhichResults) else COUNT_EVALUATIONS_SQL
        named = {"limit": None, "offset": 0}
        found: int = self._read(text, dataclasses.asdict(which) | named)[0]["found"]
        return found

    def paired(self, base: str, candidate: str) -> pa.Table:
        """Return the scores that two runs have of the same items.

        Columns name, item_id, project, thread_id, base, candidate; by name.
        """
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(PAIRED_RESULTS_SQL, {"base": base, "candidate": candidate})
            return table_of(cursor)

    def unpaired(self, base: str, candidate: str) -> tuple[int, int]:
        """Return how many items have scores in the first run alone, and in the second alone."""
        row = self._read(UNPAIRED_ITEMS_SQL, {"base": base, "candidate": candidate})[0]
        return row["only_in_base"], row["only_in_candidate"]

    def _read(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        with self._database.reading(self._timeout_s) as cursor:
            cursor.execute(text, dict(parameters))
            return dictionaries(cursor)

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with classified(), self._lock, self._database.transaction() as cursor:
            yield cursor


def _evaluation(row: Row, scores: dict[str, EvaluationScore]) -> Evaluation:
    return Evaluation(
        **{
            name: row[name]
            for name in (
                "evaluation_id",
                "name",
                "project",
                "dataset",
                "dataset_version",
                "filter",
                "started_at",
                "finished_at",
                "cost_usd",
            )
        },
        scorers=[Scorer(**one) for one in row["scorers"] or ()],
        metadata=orjson.loads(row["metadata"]),
        counts=EvaluationCounts(
            items=row["item_count"], scored=row["scored"], failed=row["failed"]
        ),
        scores=scores,
    )


def _insert_items(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    items: Sequence[NewDatasetItem],
    *,
    after: int,
) -> None:
    rows = [_item_row(dataset, place, one) for place, one in enumerate(items, after)]
    register(cursor, "given", pa.Table.from_pylist(rows, schema=ITEMS))
    if after:
        row = cursor.execute(
            "select min(g.item_id) from given g join evaluation_items i on i.item_id = g.item_id"
            " and i.dataset = g.dataset and i.version = g.version"
        ).fetchone()
        if row and row[0] is not None:
            raise InvalidQuery(f"item_id {row[0]!r} is that of an earlier item of the version")
    cursor.execute("insert into evaluation_items by name select * from given")


def _item_row(dataset: Dataset, place: int, given: NewDatasetItem) -> Row:
    return {
        "dataset": dataset.name,
        "version": dataset.version,
        "item_index": place,
        "item_id": given.item_id,
        "project": given.project,
        "thread_id": given.thread_id,
        "messages": _json(given.messages),
        "expected": _json(given.expected),
        "scenario": given.scenario,
        "metadata": _json(given.metadata or {}),
    }


def _item(row: Row) -> DatasetItem:
    return DatasetItem(
        item_id=row["item_id"],
        project=row["project"],
        thread_id=row["thread_id"],
        messages=orjson.loads(row["messages"]),
        expected=orjson.loads(row["expected"]),
        scenario=row["scenario"],
        metadata=orjson.loads(row["metadata"]),
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
