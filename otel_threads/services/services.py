"""Everything that an outside caller can ask, in one place for REST, gRPC and the command line."""

from dataclasses import dataclass

from otel_threads.services.annotations import AnnotationService
from otel_threads.services.asking import AskService
from otel_threads.services.backing_up import BackupService
from otel_threads.services.contents import ContentService
from otel_threads.services.deleting import DeletionService
from otel_threads.services.evaluations import EvaluationService
from otel_threads.services.events import Hub
from otel_threads.services.export import ExportService
from otel_threads.services.feedback import FeedbackService
from otel_threads.services.issues import IssueService
from otel_threads.services.pruning import PruningService
from otel_threads.services.records import RecordService
from otel_threads.services.reviews import ReviewService
from otel_threads.services.rules import RuleService
from otel_threads.services.spans import SpanService
from otel_threads.services.sql_results import SqlService
from otel_threads.services.threads import ThreadService
from otel_threads.services.workspace import WorkspaceService


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one open database."""

    threads: ThreadService
    spans: SpanService
    annotations: AnnotationService
    feedback: FeedbackService
    export: ExportService
    deletion: DeletionService
    sql: SqlService
    backups: BackupService
    pruning: PruningService
    records: RecordService
    reviews: ReviewService
    evaluations: EvaluationService
    rules: RuleService
    hub: Hub
    contents: ContentService
    workspace: WorkspaceService
    issues: IssueService
    asking: AskService
