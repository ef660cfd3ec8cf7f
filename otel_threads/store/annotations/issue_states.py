"""Keeps which issues somebody closed, and when."""

import datetime
from collections.abc import Sequence

from otel_threads.database.database import Database
from otel_threads.database.engine_errors import classified


class IssueStates:
    """The table x_issue_states."""

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        """Each reading takes so long at most."""
        self._database = database
        self._timeout_s = timeout_s

    def closed(self) -> dict[str, datetime.datetime]:
        """Return when issues were closed, by id; an id says its project, too."""
        with self._database.reading(self._timeout_s) as cursor:
            found = cursor.execute("select issue_id, closed_at from x_issue_states").fetchall()
        return dict(found)

    def put(
        self, project: str, issue_ids: Sequence[str], closed_at: datetime.datetime | None
    ) -> None:
        """Keep that issues were closed then; None: that they are open."""
        ids = sorted(set(issue_ids))
        with classified(), self._database.transaction() as cursor:
            cursor.execute(
                "delete from x_issue_states where project = ? and list_contains(?, issue_id)",
                [project, ids],
            )
            if closed_at is not None:
                cursor.execute(
                    "insert into x_issue_states select ?, unnest(?), ?", [project, ids, closed_at]
                )
