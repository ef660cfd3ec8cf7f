"""Everything that an outside caller can ask, in one place for REST, gRPC and the command line."""

from dataclasses import dataclass

from otel_threads.threads.backing_up import BackupService
from otel_threads.threads.deleting import DeletingService
from otel_threads.threads.events import Hub
from otel_threads.threads.export import ExportService
from otel_threads.threads.people import PeopleService
from otel_threads.threads.pruning import PruningService
from otel_threads.threads.service import ThreadService
from otel_threads.threads.sql import SqlService


@dataclass(frozen=True, slots=True)
class Verbs:
    """The services of one open database."""

    reading: ThreadService
    people: PeopleService
    exporting: ExportService
    deleting: DeletingService
    sql: SqlService
    backups: BackupService
    pruning: PruningService
    hub: Hub
