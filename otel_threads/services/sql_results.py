"""External SQL: one query that only reads, and its answer as JSON, CSV or an Arrow stream."""

import logging
import re
from collections.abc import Callable, Iterator

from otel_threads.core.errors import OtelThreadsError
from otel_threads.store.external_sql.external_sql import Asked as Asked
from otel_threads.store.external_sql.external_sql import Outside
from otel_threads.store.external_sql.external_sql import Params as Params
from otel_threads.store.external_sql.external_sql import Question as Question
from otel_threads.store.external_sql.sql_formats import plain as plain
from otel_threads.store.external_sql.sql_formats import write_csv as write_csv

logger = logging.getLogger(__name__)
_ISSUES = re.compile(r"\bissues\b", re.IGNORECASE)
MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "arrow": "application/vnd.apache.arrow.stream",
}


class SqlService:
    """Answers of `POST /sql`."""

    def __init__(self, outside: Outside, *, keep_issues: Callable[[], None]) -> None:
        """`keep_issues` counts what the view `issues` shows, before a query that names it."""
        self.outside = outside
        self._keep_issues = keep_issues

    def answer(self, question: Question, asked: Asked) -> Iterator[bytes]:
        """Run a query up to its first rows; return the blocks of the answer.

        JSON is held until its end is known: an error is then an error, and no half of an answer.
        CSV and Arrow end with an error, not short, when there are more rows than sql_rows_max.

        Raises:
            InvalidQuery, QueryTimeout, Unavailable: as `Question.blocks`; later from the iterator
                too.
        """
        if _ISSUES.search(asked.sql):
            try:
                self._keep_issues()
            except OtelThreadsError as error:  # of a file that is only read, it is as it was
                logger.info("issues are as they were counted last: %s", error)
        blocks = question.blocks(asked)
        return iter(list(blocks)) if asked.format == "json" else blocks
