"""A database with all that writes, derives and deletes, without a server."""

import time

from builders import a_request
from databases import a_database

from otel_threads.core.model import Request, Signal
from otel_threads.core.ports import Batch
from otel_threads.decode import columns, logs
from otel_threads.derive.deriver import derive_all
from otel_threads.derive.thread_id import Identity
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.deletion import Deletion
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.retention import Retention
from otel_threads.store.spans.chains import Chains
from otel_threads.store.spans.writer import BatchWriter


class Store:
    """A database with all that changes its threads, without a server."""

    def __init__(self, folder: str) -> None:
        self.database = a_database(f"{folder}/x.duckdb")
        chains = Chains()
        self.writer = BatchWriter(self.database, chains=chains)
        self.derived = DuckDBDerivedStore(self.database)
        annotations = Annotations(
            self.database, sequence=lambda: self.writer.committed_sequence, timeout_s=60
        )
        self.deletion = Deletion(self.database, self.derived, annotations, Identity(()), chains)
        self.retention = Retention(self.database, self.derived, annotations, self.deletion, chains)

    def write(self, spans, *, project: str | None = None, derive: bool = True) -> None:
        request = Request(
            signal=Signal.TRACES,
            payload=a_request(*spans),
            project=project,
            received_unix_nano=time.time_ns(),
        )
        decoded = columns.decode([request], default_project="default")
        nothing, _ = logs.decode([], event_names=(), default_project="default")
        self.writer._commit([Batch(decoded.tables, nothing)])
        if derive:
            derive_all(self.derived, self.writer.committed_sequence)

    def close(self) -> None:
        self.writer.close()
        self.database.close()
