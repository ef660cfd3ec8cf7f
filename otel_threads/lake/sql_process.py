"""The process in which external SQL on a lake runs: as on a file, but for what is attached."""

import dataclasses
import json
import os
from typing import BinaryIO

import duckdb

from otel_threads.core.errors import (
    DatabaseRefused,
    OtelThreadsError,
    StoreFailed,
    Unavailable,
)
from otel_threads.lake import connection as connections
from otel_threads.lake.connection import APPLICATION
from otel_threads.lake.reader_database import NO_ANSWER, lock
from otel_threads.store.external_sql import sql_process
from otel_threads.store.external_sql.sql_process import CATALOG, Runner
from otel_threads.store.external_sql.sql_worker import SqlWorker

# How DuckDB, and Arrow in its place, begin what they say where catalog or storage do not answer: no
# query from outside reads files of its own.
GONE_TEXTS = ("IO Error:", "HTTP Error:", "Connection Error:")
VARIABLE = "LAKE_PLACE"  # of this process alone; not an argument, which everybody sees
_PROGRAM = f"from {__name__} import main; main()"


def worker(where: connections.Place, *, memory_limit_bytes: int) -> SqlWorker:
    """Start such a process.

    Raises:
        StoreFailed: none can be started.
    """
    return SqlWorker(
        "lake",
        memory_limit_bytes=memory_limit_bytes,
        is_written=False,
        program=_PROGRAM,
        environment={VARIABLE: json.dumps(dataclasses.asdict(where))},
    )


def main() -> None:
    """Answer requests from standard input until it ends."""
    where = connections.Place(**json.loads(os.environ.pop(VARIABLE)))
    sql_process.main(lambda place, answers, _: LakeRunner(where, place, answers))


class LakeRunner(Runner):
    """One connection to the lake, which sees what is new by itself."""

    def __init__(
        self, where: connections.Place, place: sql_process.Place, answers: BinaryIO
    ) -> None:
        super().__init__(place, answers, is_unlocked=True)
        self._where = where

    def attach(self) -> duckdb.DuckDBPyConnection:
        """See `Runner.attach`."""
        try:
            connection = connections.connect(
                self._where,
                name=CATALOG,
                application=f"{APPLICATION}-sql",
                memory_limit_bytes=self._place.memory_limit_bytes,
                read_only=True,
                settings={
                    "temp_directory": "spill",
                    "max_temp_directory_size": f"{sql_process.SPILL_BYTES_MAX}B",
                },
            )
            lock(connection, self._where)
        except StoreFailed as error:
            raise Unavailable(str(error)) from None
        except OtelThreadsError as error:
            raise DatabaseRefused(str(error)) from None
        return connection

    def _failed(self, text: str) -> OtelThreadsError:
        if text.startswith(GONE_TEXTS):
            self._snapshot = None  # only a new connection helps
            return Unavailable(f"{NO_ANSWER}: {text}")
        return super()._failed(text)

    def _without_paths(self, text: str) -> str:
        return super()._without_paths(self._where.without_secrets(text))
