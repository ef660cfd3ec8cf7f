"""Says which threads a node's rules may judge: those that it has alone, as the lake knows."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from otel_threads.core.errors import OtelThreadsError, StoreFailed
from otel_threads.core.ports import ThreadKey
from otel_threads.core.rule import Homed, RuleSpent
from otel_threads.database import sql_files
from otel_threads.database.arrow import register, rows_of, unregister
from otel_threads.lake import connection as connections
from otel_threads.lake.connection import APPLICATION, Place, told
from otel_threads.lake.schema import LAKE
from otel_threads.lake.shipper import Shipping

HOMES_SQL = sql_files.query("homes")
SPENT_SQL = sql_files.query("spent_elsewhere")
MEMORY_BYTES = 64 << 20
ASKED = pa.schema(
    [
        *((name, pa.string()) for name in ("project", "thread_id", "lake_unit")),
        ("trace_sequence", pa.int64()),
    ]
)


class LakeHomes:
    """Asks the lake. For one thread at a time: that of the rules.

    A thread is a node's own once the owner has looked at all that the node has of it, and found it
    nowhere else. What another node ships after that counts as a trace that came later.
    """

    def __init__(self, where: Place, shipping: Callable[[], Shipping]) -> None:
        """Connect when first asked. `shipping`: how far the node's is."""
        self._where = where
        self._shipping = shipping
        self._connection: duckdb.DuckDBPyConnection | None = None

    def of(self, threads: Mapping[ThreadKey, int]) -> Homed:
        """Return where threads are judged, each given with the commit of its newest trace here.

        Raises:
            StoreFailed: the lake does not answer, or the node cannot ship.
        """
        shipping = self._shipping()
        if shipping.error:
            raise StoreFailed(shipping.error)
        if not shipping.node_id:  # nothing was shipped since the start
            return Homed(here=frozenset())
        rows = [
            {
                "project": project,
                "thread_id": thread_id,
                "lake_unit": f"{len(project)}:{project}{thread_id}",  # layout.THREAD_UNIT
                "trace_sequence": sequence,
            }
            for (project, thread_id), sequence in threads.items()
        ]
        asked = pa.Table.from_pylist(rows, schema=ASKED)
        found = self._rows(HOMES_SQL, {"node": shipping.node_id}, asked)
        joined = {(one["project"], one["thread_id"]) for one in found if one["is_joined"]}
        looked_at = {(one["project"], one["thread_id"]) for one in found if one["is_looked_at"]}
        return Homed(here=frozenset(looked_at - joined), elsewhere=frozenset(joined))

    def spent(self, since: datetime.datetime) -> list[RuleSpent]:
        """Return what runs on other nodes, and on joined threads, cost since then.

        Raises:
            StoreFailed: the lake does not answer.
        """
        found = self._rows(SPENT_SQL, {"node": self._shipping().node_id, "since": since})
        return [RuleSpent(**row) for row in found]

    def close(self) -> None:
        """Let go of the lake."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connections.close(connection)

    def _rows(
        self, query: str, parameters: dict[str, Any], asked: pa.Table | None = None
    ) -> list[dict[str, Any]]:
        try:
            if self._connection is None:
                self._connection = connections.connect(
                    self._where,
                    name=LAKE,
                    application=f"{APPLICATION}-homes",
                    memory_limit_bytes=MEMORY_BYTES,
                    read_only=True,
                )
            with told(self._where):
                if asked is not None:
                    register(self._connection, "asked", asked)
                found = rows_of(self._connection, query, parameters)
                if asked is not None:
                    unregister(self._connection, "asked")
            return found
        except OtelThreadsError:
            self.close()
            raise
