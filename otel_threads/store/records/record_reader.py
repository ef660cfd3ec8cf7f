"""Reads records of SDKs for services/records.py. Every call has a cursor and a time limit."""

from collections.abc import Sequence

import pyarrow as pa

from otel_threads.core.record import Record
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, unregister
from otel_threads.database.database import Database
from otel_threads.retry import retried

KNOWN_SQL = sql_files.query("known_records")


class RecordReader:
    """Reads from one database, in any thread."""

    def __init__(self, database: Database, *, timeout_s: float) -> None:
        self._database = database
        self._timeout_s = timeout_s

    @retried
    def ids(self, records: Sequence[Record], *, puts_only: bool) -> set[str]:
        """Return those of the ids of records of one vendor and entity that are stored.

        `puts_only`: only records that put them count. What is deleted since counts no more.
        """
        if not records:
            return set()
        first = records[0]
        wanted = [record.record_id for record in records]
        named = {"vendor": first.vendor, "entity": first.entity, "puts_only": puts_only}
        with self._database.reading(self._timeout_s) as cursor:
            register(cursor, "record_ids", pa.table({"record_id": pa.array(wanted)}))
            found = cursor.execute(KNOWN_SQL, named).fetchall()
            unregister(cursor, "record_ids")
        return {record_id for (record_id,) in found}
