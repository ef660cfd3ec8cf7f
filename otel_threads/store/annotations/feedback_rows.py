"""Keeps feedback by its own id. Targets need not be here yet, as with all annotations."""

import datetime
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import pyarrow as pa

from otel_threads.core.feedback import FeedbackSelection, NewFeedback, StoredFeedback
from otel_threads.database import sql_files
from otel_threads.database.arrow import register
from otel_threads.database.database import Database, dictionaries
from otel_threads.database.engine_errors import classified
from otel_threads.database.list_parameters import json_list
from otel_threads.store.annotations.annotation_rows import Annotations

LIST_FEEDBACK_SQL = sql_files.query("list_feedback")
INSERT_FEEDBACK_SQL = sql_files.query("insert_feedback")
GIVEN = pa.schema(
    [
        *((field.name, pa.string()) for field in fields(NewFeedback)),
        ("created_at", pa.timestamp("us", "UTC")),
    ]
)


class FeedbackRows:
    """Feedback. Any thread may call; writes share the lock of all annotations."""

    def __init__(self, database: Database, annotations: Annotations, *, timeout_s: float) -> None:
        self._database = database
        self._annotations = annotations
        self._timeout_s = timeout_s

    def put(self, feedback: Sequence[NewFeedback]) -> None:
        """Write feedback, each in place of that of its id, whose time of creation stays."""
        last = {one.feedback_id: one for one in feedback}
        ids = json_list(last)
        with classified(), self._annotations.lock, self._database.transaction() as cursor:
            known: dict[str, datetime.datetime] = dict(
                cursor.execute(
                    "select feedback_id, created_at from x_feedback where feedback_id in"
                    " (select unnest(from_json(?, '[\"varchar\"]')))",
                    [ids],
                ).fetchall()
            )
            rows = [asdict(one) | {"created_at": known.get(key)} for key, one in last.items()]
            register(cursor, "given", pa.Table.from_pylist(rows, schema=GIVEN))
            cursor.execute(
                "delete from x_feedback where feedback_id in (select feedback_id from given)"
            )
            cursor.execute(INSERT_FEEDBACK_SQL)

    def delete(self, feedback_id: str) -> bool:
        """Delete feedback; return whether there was any of that id."""
        with classified(), self._annotations.lock, self._database.transaction() as cursor:
            row = cursor.execute(
                "delete from x_feedback where feedback_id = ?", [feedback_id]
            ).fetchone()
        return bool(row and row[0])

    def page(
        self, selection: FeedbackSelection, *, limit: int, offset: int = 0
    ) -> list[StoredFeedback]:
        """Return feedback, the latest first."""
        parameters: dict[str, Any] = {
            name: json_list(wanted) if isinstance(wanted, list | tuple) else wanted
            for name, wanted in asdict(selection).items()
        }
        with self._database.reading(self._timeout_s) as cursor:
            if not self._database.holds_rows(cursor, "x_feedback"):
                return []
            cursor.execute(LIST_FEEDBACK_SQL, {**parameters, "limit": limit, "offset": offset})
            return [StoredFeedback(**row) for row in dictionaries(cursor)]
