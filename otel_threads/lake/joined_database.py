"""The lake as its owner's rules see it: threads that several nodes have, and no others.

What these rules decide stays in the lake, in one transaction with the scores, which go to the nodes
as any score that is given at a reader. So whoever is the owner next goes on from there.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType

import duckdb

from otel_threads.core.errors import StoreClosed, Unavailable
from otel_threads.lake import connection as connections
from otel_threads.lake import layout
from otel_threads.lake.connection import APPLICATION, Place
from otel_threads.lake.layout import JOINED, READERS, Shipped
from otel_threads.lake.reader_database import LakeDatabase
from otel_threads.lake.schema import HELD

MEMORY_BYTES = 256 << 20
# Commits of several nodes have no order: what is joined is ordered by time.
RULES_SQL = (
    "create or replace view rules as"  # noqa: S608  # our own name
    f" select * replace (epoch_us(since_at) as since_sequence) from {HELD}.rules"
)


class JoinedDatabase(LakeDatabase):
    """A `Database` of joined threads, written by one process at a time."""

    written: Sequence[Shipped] = (
        *layout.JUDGED_TABLES,
        *(table for table in layout.EDITED_TABLES if table.name == "x_score_records"),
    )
    only = MappingProxyType(
        {
            "x_thread_facts": JOINED,
            "rule_decisions": READERS,
            "x_rule_log": READERS,
            "x_rule_backfills": READERS,
        }
    )
    own_views = (RULES_SQL,)
    writer = f"{APPLICATION}-rules"

    def __init__(
        self, where: Place, *, is_owner: Callable[[], bool], memory_limit_bytes: int = MEMORY_BYTES
    ) -> None:
        """Attach the lake, once nothing of an earlier owner can be committed any more.

        Raises:
            DatabaseRefused, StoreFailed: as `LakeDatabase`.
        """
        connections.end_sessions(where, self.writer)
        self._is_owner = is_owner
        super().__init__(where, memory_limit_bytes=memory_limit_bytes)

    @property
    def snapshot(self) -> int:
        """The number of the lake's state that is read."""
        return self._version

    @contextlib.contextmanager
    def transaction(self, *, checkpoint: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """See `LakeDatabase.transaction`; it begins with what the lake has now.

        Raises:
            StoreClosed: another process is the owner now; nothing was written.
        """
        self.renew()
        if self.error:
            raise Unavailable(self.error)
        with super().transaction(checkpoint=checkpoint) as cursor:
            yield cursor
            if not self._is_owner():
                raise StoreClosed("this node is the lake's owner no more")
