"""The composition root: builds every part behind the ports over one database.

Nothing else knows all the parts.
"""

import contextlib
import dataclasses
import datetime
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from otel_threads import metrics
from otel_threads.clock import ClockWatch
from otel_threads.core.config import Config, endpoint
from otel_threads.core.errors import DatabaseRefused, FileLost, OtelThreadsError, Unavailable
from otel_threads.core.ports import Intake
from otel_threads.core.status import LakeProgress, Progress, UnkeptLogRecords
from otel_threads.database.database import Database
from otel_threads.decode.counts import RequestLimits
from otel_threads.decode.logs import unkept
from otel_threads.decode.project_names import ProjectNames
from otel_threads.decode.record_spans import Alone
from otel_threads.derive.conventions import CONVENTIONS
from otel_threads.derive.deriver import Deriver, derive_all
from otel_threads.derive.thread_id import Identity
from otel_threads.evaluate.model_client import ModelClient
from otel_threads.ingest.intake import GroupIntake
from otel_threads.periodic import Periodic
from otel_threads.refusals import Refusals
from otel_threads.services.annotations import AnnotationService
from otel_threads.services.ask_budget import AskBudget
from otel_threads.services.asking import AskService
from otel_threads.services.backing_up import BackupService, Snapshots, snapshot_file
from otel_threads.services.contents import ContentService
from otel_threads.services.deleting import Deletes, DeletionService
from otel_threads.services.evaluations import EvaluationService
from otel_threads.services.events import Hub
from otel_threads.services.export import ExportService
from otel_threads.services.feedback import FeedbackService
from otel_threads.services.issue_names import IssueNamer
from otel_threads.services.issues import IssueService
from otel_threads.services.pruning import PruningService
from otel_threads.services.records import RecordService
from otel_threads.services.reviews import ReviewService
from otel_threads.services.rule_building import rule_service
from otel_threads.services.rules import RuleService
from otel_threads.services.services import Services
from otel_threads.services.span_lists import SpanListService
from otel_threads.services.spans import SpanService
from otel_threads.services.sql_results import SqlService
from otel_threads.services.threads import ThreadService
from otel_threads.services.workspace import WorkspaceService
from otel_threads.store import outbox
from otel_threads.store.annotations.annotation_rows import Annotations
from otel_threads.store.annotations.ask_rows import AskRows
from otel_threads.store.annotations.feedback_rows import FeedbackRows
from otel_threads.store.annotations.issue_rows import IssueRows
from otel_threads.store.deletion import Deletion
from otel_threads.store.derived.derived_store import DuckDBDerivedStore
from otel_threads.store.evaluations.evaluation_rows import Evaluations
from otel_threads.store.external_sql.external_sql import Outside
from otel_threads.store.external_sql.quack import Quack
from otel_threads.store.read.content_reader import ContentReader
from otel_threads.store.read.reader import Reader
from otel_threads.store.read.span_reader import SpanReader
from otel_threads.store.records.record_reader import RecordReader
from otel_threads.store.retention import Retention
from otel_threads.store.reviews.review_rows import Reviews
from otel_threads.store.rules.rule_rows import RuleRows, Scope
from otel_threads.store.spans.chains import Chains
from otel_threads.store.spans.writer import LAST_SEQUENCE_SQL, BatchWriter
from otel_threads.store.workspace.workspace_rows import Workspace
from otel_threads.vendors.rules import rules

if TYPE_CHECKING:
    from otel_threads.lake.node import Node

RETENTION_FIRST_S, RETENTION_INTERVAL_S = 30.0, 3600.0
FILES_INTERVAL_S = 10.0
LAKE_ISSUES_S = 60.0  # a reader counts issues for SQL so often at most: it writes them to the lake
CATCH_UP_TIMEOUT_S = 30.0  # a deletion waits so long for what was acknowledged to be derived
LINK_INTERVAL_S = 10.0  # of scores and files that came before their spans; readers look, too
Result = TypeVar("Result")
Tells = Callable[[], Progress]
RulesOf = Callable[[ThreadService, Hub], RuleService]
RunsAlone = Callable[[Callable[[], Any]], "Future[Any]"]
DerivedWithin = Callable[[float], bool]


class Engine:
    """Everything behind the ports: intake, writer, deriver, services over one database."""

    otlp_http: str | None = None  # once the port is open
    receivers: Sequence[Refusals] = ()  # likewise

    def __init__(self, config: Config) -> None:
        """Open the database and start the threads.

        Raises:
            DatabaseRefused: the file cannot be used; the message says what to do.
        """
        self.database = _database(config)
        chains = Chains()
        derived = DuckDBDerivedStore(
            self.database, rules(config.thread_metadata_keys), chains=chains
        )
        hub = Hub()
        self.deriver = Deriver(
            derived,
            thread_id_attributes=config.thread_id_attributes,
            load=lambda: self.intake.load,
            on_change=hub.publish,
        )
        self._outside = _outside(config, self.database)
        self.writer = BatchWriter(self.database, chains=chains, on_commit=self.deriver.notice)
        self.intake = _intake(config, self.writer)
        self.deriver.notice(self.writer.committed_sequence)
        annotations = _annotations(config, self.database, lambda: self.writer.committed_sequence)
        rule_rows = _rule_rows(config, self.database, annotations)
        self._lake = self._with_lake(config, derived, annotations, chains, rule_rows)
        self.project_headers = CONVENTIONS.project_headers  # of exporters
        self.door = self._door()
        derived.on_moved = annotations.follow_moves
        self.services = _services(
            config,
            self.database,
            derived,
            annotations,
            hub,
            self._outside,
            chains,
            _rules_of(config, rule_rows, self.progress, self._lake),
            progress=self.progress,
            alone=self.deriver.between_passes,
            derived_within=self._derived_within,
        )
        self._clock = ClockWatch(on_step=annotations.put_clock_step)
        self._housekeeping = self._jobs(config)
        self._begin()

    def _begin(self) -> None:
        """Begin what services do by themselves."""
        self.services.workspace.apply_cooldown()
        self.services.rules.start()
        self.services.issues.namer.start()

    def _derived_within(self, timeout_s: float) -> bool:
        """Return whether all that is committed is derived by then."""
        return self.deriver.wait(self.writer.committed_sequence, timeout_s)

    def _with_lake(
        self,
        config: Config,
        derived: DuckDBDerivedStore,
        annotations: Annotations,
        chains: Chains,
        rule_rows: RuleRows,
    ) -> "Node | None":
        """Return what ships to the lake and applies what its readers wrote; None without one."""
        deletion = _deletion(config, self.database, derived, annotations, chains)

        def delete(project: str, thread_ids: Sequence[str]) -> object:
            return self.deriver.between_passes(
                lambda: deletion.threads(project, thread_ids, is_told=False)
            ).result(CATCH_UP_TIMEOUT_S)

        return _lake(config, self.database, annotations, delete, rule_rows)

    def _door(self) -> Intake:
        """Return what receivers submit to: the intake, or one whose answers wait for the lake."""
        if self._lake is None:
            return self.intake
        return self._lake.before(self.intake, lambda: self.writer.committed_sequence)

    def _jobs(self, config: Config) -> list[Periodic]:
        """Begin what is done now and then; an idle server would not look before its stop."""
        found = [
            self._retention(),
            Periodic("file watch", self._check_files, interval_s=FILES_INTERVAL_S),
            Periodic("late spans", self.services.workspace.link, interval_s=LINK_INTERVAL_S),
        ]
        if config.snapshot_every_s:
            found.append(self._snapshots(config))
        return found

    def _check_files(self) -> None:
        with contextlib.suppress(Unavailable):  # the log has it
            self.database.check_files()

    def _retention(self) -> Periodic:
        job = Periodic(
            "retention",
            lambda: self.services.pruning.keep_to_settings(job.is_stopping),
            interval_s=RETENTION_INTERVAL_S,
            first_s=RETENTION_FIRST_S,
        )
        return job

    def _snapshots(self, config: Config) -> Periodic:
        file = snapshot_file(config.database, config.snapshot_file)
        snapshots = Snapshots(self.database, file)
        return Periodic("snapshot", snapshots.write, interval_s=config.snapshot_every_s)

    def progress(self) -> Progress:
        """Return how far writing and deriving are."""
        # Derived first: read the other way round, a commit in between would look like a lag.
        derived = self.deriver.derived_sequence
        failed = self.deriver.failed
        return Progress(
            derived_sequence=derived,
            committed_sequence=self.writer.committed_sequence,
            derive_lag_ms=round(self.deriver.lag_ms, 3),
            derive_error=_told(failed) if failed else self.deriver.left_out,
            store_error=self._store_error(),
            database_bytes=self.database.size_bytes(),
            otlp_http=self.otlp_http,
            unkept_log_records=[
                UnkeptLogRecords(scope_name=scope, event_name=event, count=count)
                for (scope, event), count in sorted(unkept().items())
            ],
            refused_requests=[one for refusals in self.receivers for one in refusals.kept()],
            lake=self._lake.progress() if self._lake else None,
        )

    def _store_error(self) -> str | None:
        """Return why what is sent is not stored; None while it is."""
        failed = self.writer.failed
        if isinstance(failed, FileLost):  # it may have come back since
            failed = None
        return self.database.file_trouble() or (str(failed) if failed else None)

    def trouble(self) -> str | None:
        """Return what keeps the server from its work; None when nothing does."""
        if not self.database.is_open:
            return "the database is not open"
        if trouble := self._store_error():
            return trouble
        if not self.deriver.is_alive:
            return "the deriver has stopped"
        return None

    def rebuild(self) -> int:
        """Derive everything again; return the last commit, which the deriver then works up to."""
        self.deriver.rebuild()
        return self.writer.committed_sequence

    def refresh_metrics(self) -> None:
        """Bring the gauges up to date."""
        metrics.INFLIGHT_BYTES.set(self.intake.inflight_bytes)
        metrics.UNANSWERED_REQUESTS.set(self.intake.unanswered)
        metrics.DATABASE_BYTES.set(self.database.size_bytes())
        metrics.WAL_BYTES.set(self.database.wal_bytes())
        metrics.DUCKDB_MEMORY_BYTES.set(self.database.memory_bytes())
        metrics.DERIVE_LAG_SECONDS.set(self.deriver.lag_ms / 1000)
        if self._lake:
            self._lake.refresh_metrics()

    def close_readers(self) -> None:
        """End streams that listen and external SQL: nothing that waits is lost with them."""
        self.services.hub.close()
        self._outside.close()

    def close(self) -> None:
        """Store what was taken, stop the threads, checkpoint the WAL."""
        self.services.issues.namer.close()
        self.services.rules.close()
        for job in self._housekeeping:
            job.close()
        self._clock.close()
        self.close_readers()
        if self._lake:
            self._lake.stop_answering()
        self.intake.close()
        self.writer.close()
        self.deriver.close()
        if self._lake:
            self._lake.close()
        self.database.close()


class FileEngine:
    """The services on a file that no server holds. Nothing is received or derived."""

    def __init__(self, config: Config, *, writes: bool) -> None:
        """Open the file, read-only unless it is to be written.

        Raises:
            DatabaseRefused: there is no such file, or it cannot be used.
        """
        if not Path(config.database).exists():
            raise DatabaseRefused(
                f"no server answers and there is no file {config.database}. "
                "Start `otel-threads serve`, or name a file with --database."
            )
        self.database = Database(
            config.database, memory_limit_bytes=config.memory_limit_bytes, read_only=not writes
        )
        if writes:
            outbox.stop(self.database)  # what changes here is not noted for a lake
        derived = DuckDBDerivedStore(self.database, rules(config.thread_metadata_keys))
        self._outside = _outside(config, self.database)

        def alone(job: Callable[[], Result]) -> "Future[Result]":
            done = _at_once(job)
            # What was deleted may have told the thread of traces that stay.
            derive_all(
                derived, derived.position(), thread_id_attributes=config.thread_id_attributes
            )
            return done

        def progress() -> Progress:
            return Progress(
                committed_sequence=last_sequence(self.database),
                derived_sequence=derived.position(),
                derive_lag_ms=0.0,
                database_bytes=self.database.size_bytes(),
            )

        annotations = _annotations(config, self.database, lambda: last_sequence(self.database))
        self.services = _services(
            config,
            self.database,
            derived,
            annotations,
            Hub(),
            self._outside,
            Chains(),
            _rules_of(config, _rule_rows(config, self.database, annotations), progress),
            progress=progress,
            alone=alone,
            derived_within=lambda _: True,
        )

    def close(self) -> None:
        """Close the file."""
        self.services.rules.close()
        self._outside.close()
        self.database.close()


class LakeEngine:
    """The services on a lake: nothing is received or derived, annotations are written."""

    def __init__(self, config: Config) -> None:
        """Attach the lake.

        Raises:
            DatabaseRefused: it cannot be read; the message says what to do.
            NotConfigured: lake_catalog or lake_data is missing.
        """
        from otel_threads.lake import reader_database, sql_process
        from otel_threads.lake.connection import place

        where = place(config.lake_catalog, config.lake_data)
        limit_bytes = config.memory_limit_bytes
        self.database = reader_database.opened(where, memory_limit_bytes=limit_bytes)
        self._outside = Outside(
            self.database,
            timeout_s=config.query_timeout_s,
            rows_max=config.sql_rows_max,
            concurrent_max=config.sql_concurrent_max,
            start=lambda: sql_process.worker(where, memory_limit_bytes=limit_bytes),
        )
        annotations = _annotations(config, self.database, lambda: self.database.newest()[0])
        self.services = _services(
            config,
            self.database,
            DuckDBDerivedStore(self.database, rules(config.thread_metadata_keys)),
            annotations,
            Hub(),
            self._outside,
            Chains(),
            _rules_of(
                config, _rule_rows(config, self.database, annotations, "reader"), self.progress
            ),
            progress=self.progress,
            alone=_at_once,
            derived_within=lambda _: True,
            deletes=reader_database.LakeDeletion(self.database),
        )

    def progress(self) -> Progress:
        """Return how new what is read is."""
        commit, came = self.database.newest()
        shipped_at = datetime.datetime.fromtimestamp(came, datetime.UTC) if came else None
        return Progress(
            committed_sequence=commit,
            derived_sequence=commit,
            derive_lag_ms=0.0,
            database_bytes=self.database.size_bytes(),
            lake=LakeProgress(
                node_id="",
                shipped_sequence=commit,
                waiting_changes=0,
                behind_s=0.0,
                shipped_at=shipped_at,
            ),
        )

    def trouble(self) -> str | None:
        """Return what keeps the server from answering; None when nothing does."""
        return self.database.error

    def close_readers(self) -> None:
        """End streams that listen and external SQL."""
        self.services.hub.close()
        self._outside.close()

    def close(self) -> None:
        """Let go of the lake."""
        self.services.rules.close()
        self.close_readers()
        self.database.close()


class JoinedRules:
    """Runs rules on the threads that several nodes of a lake have, while this node is its owner."""

    def __init__(self, config: Config, is_owner: Callable[[], bool]) -> None:
        """Attach the lake and begin.

        Raises:
            DatabaseRefused, StoreFailed: it does not answer.
        """
        from otel_threads.lake.connection import place
        from otel_threads.lake.joined_database import JoinedDatabase

        where = place(config.lake_catalog, config.lake_data)
        self._database = JoinedDatabase(where, is_owner=is_owner)
        annotations = _annotations(config, self._database, lambda: self._database.newest()[0])
        _, threads = _threads(config, self._database, annotations, self._progress)
        self._drain_s = 2 * config.judge_timeout_s
        self._rules = rule_service(
            dataclasses.replace(config, database=f"{config.database}.lake"),  # for its journal
            _rule_rows(config, self._database, annotations, "owner"),
            threads,
            Hub(),
            progress=self._progress,
        )
        self._rules.start()

    def _progress(self) -> Progress:
        """Say that there is something new whenever the lake has."""
        snapshot = self._database.snapshot
        return Progress(
            committed_sequence=snapshot,
            derived_sequence=snapshot,
            derive_lag_ms=0.0,
            database_bytes=0,
        )

    def close(self, *, is_handed_over: bool) -> None:
        """Stop; where another node goes on, once what runs has ended."""
        if is_handed_over:
            self._rules.runner.drain(self._drain_s)
        self._rules.close()
        self._database.close()


def _services(
    config: Config,
    database: Database,
    derived: DuckDBDerivedStore,
    annotations: Annotations,
    hub: Hub,
    outside: Outside,
    chains: Chains,
    rules_of: RulesOf,
    progress: Tells,
    alone: RunsAlone,
    derived_within: DerivedWithin,
    deletes: Deletes | None = None,
) -> Services:
    reader, threads = _threads(config, database, annotations, progress)
    reviews = _reviews(config, database, annotations, threads)
    deletion = _deletion(config, database, derived, annotations, chains)
    annotating = _annotating(annotations, threads, hub, reviews)
    contents = _contents(config, database, reader, annotations, threads, derived_within)
    return Services(
        threads=threads,
        spans=_spans(config, database),
        annotations=annotating,
        feedback=_feedback(config, database, annotations, annotating),
        export=ExportService(reader, threads),
        deletion=_deleting(deletes or deletion, threads, alone, derived_within, hub),
        backups=BackupService(database),
        pruning=_pruning(config, database, derived, annotations, deletion, chains, alone, hub),
        records=_records(config, database, derived_within),
        reviews=reviews,
        evaluations=_evaluations(config, database, threads, reviews),
        rules=rules_of(threads, hub),
        hub=hub,
        contents=contents,
        workspace=_workspace(config, database, annotations, annotating, contents),
        **_words(config, database, reader, threads, outside, progress),
    )


def _rule_rows(
    config: Config, database: Database, annotations: Annotations, scope: Scope = "node"
) -> RuleRows:
    return RuleRows(database, annotations, timeout_s=config.query_timeout_s, scope=scope)


def _rules_of(
    config: Config, rows: RuleRows, progress: Tells, lake: "Node | None" = None
) -> RulesOf:
    """Return what makes the services for rules; with a lake, that says which threads are whole."""
    homes = lake.homes if lake else None
    return functools.partial(rule_service, config, rows, progress=progress, homes=homes)


def _annotating(
    annotations: Annotations, threads: ThreadService, hub: Hub, reviews: ReviewService
) -> AnnotationService:
    return AnnotationService(annotations, threads, hub, check=reviews.check_scores)


def _deletion(
    config: Config,
    database: Database,
    derived: DuckDBDerivedStore,
    annotations: Annotations,
    chains: Chains,
) -> Deletion:
    identity = Identity(config.thread_id_attributes)
    return Deletion(database, derived, annotations, identity, chains)


def _threads(
    config: Config,
    database: Database,
    annotations: Annotations,
    progress: Tells,
) -> tuple[Reader, ThreadService]:
    reader = Reader(database, timeout_s=config.query_timeout_s)
    threads = ThreadService(
        reader, annotations, default_project=config.default_project, progress=progress
    )
    return reader, threads


def _contents(
    config: Config,
    database: Database,
    reader: Reader,
    annotations: Annotations,
    threads: ThreadService,
    derived_within: DerivedWithin,
) -> ContentService:
    sent = ContentReader(database, timeout_s=config.query_timeout_s)
    return ContentService(reader, sent, annotations, threads, caught_up=derived_within)


class _Words(TypedDict):
    sql: SqlService
    issues: IssueService
    asking: AskService


def _words(
    config: Config,
    database: Database,
    reader: Reader,
    threads: ThreadService,
    outside: Outside,
    progress: Tells,
) -> _Words:
    """Return services of one budget, and SQL, which shows the one and serves the other."""
    budget = AskBudget(
        AskRows(database, timeout_s=config.query_timeout_s),
        usd_per_day=config.judge_budget_usd_per_day,
        model=config.judge_model,
    )
    issues = _issues(config, database, reader, threads, budget, progress)
    sql = SqlService(outside, keep_issues=issues.keep_for_sql)
    asking = AskService(
        threads,
        sql,
        model=functools.partial(_model, config),
        budget=budget,
        concurrent_max=config.judge_concurrent_max,
    )
    return _Words(sql=sql, issues=issues, asking=asking)


def _model(config: Config) -> ModelClient:
    return ModelClient(
        base_url=config.judge_base_url,
        api_key=config.judge_api_key,
        model=config.judge_model,
        timeout_s=config.judge_timeout_s,
    )


def _issues(
    config: Config,
    database: Database,
    reader: Reader,
    threads: ThreadService,
    budget: AskBudget,
    progress: Tells,
) -> IssueService:
    rows = IssueRows(database, timeout_s=config.query_timeout_s)
    has_model = bool(config.judge_base_url and config.judge_model)
    return IssueService(
        reader,
        rows,
        namer=IssueNamer(
            rows, budget, model=functools.partial(_model, config) if has_model else None
        ),
        choice=threads.choice,
        sequence=lambda: progress().derived_sequence,
        kept_s=LAKE_ISSUES_S if database.read_only else 0.0,
    )


def _workspace(
    config: Config,
    database: Database,
    annotations: Annotations,
    annotating: AnnotationService,
    contents: ContentService,
) -> WorkspaceService:
    rows = Workspace(
        database,
        annotations,
        timeout_s=config.query_timeout_s,
        cooldown_s=config.thread_cooldown_s,
    )
    return WorkspaceService(rows, annotating, contents)


def _annotations(config: Config, database: Database, sequence: Callable[[], int]) -> Annotations:
    return Annotations(
        database,
        sequence=sequence,
        timeout_s=config.query_timeout_s,
        supersedes=config.scores_on_new_trace == "supersede",
    )


def _database(config: Config) -> Database:
    """Open the file, and keep in it the settings that its views read."""
    database = Database(
        config.database, memory_limit_bytes=config.memory_limit_bytes, listener=_quack(config)
    )
    database.put_settings(_settings(config))
    return database


def _intake(config: Config, writer: BatchWriter) -> GroupIntake:
    limits = RequestLimits(
        spans_max=config.spans_per_request_max,
        events_max=config.events_per_request_max,
        links_max=config.links_per_request_max,
        values_max=config.values_per_request_max,
    )
    return GroupIntake(
        writer,
        inflight_bytes_max=config.inflight_bytes_max,
        event_names=CONVENTIONS.log_events,
        alone=Alone(CONVENTIONS.alone_events),
        default_project=config.default_project,
        project_names=ProjectNames(
            configured=config.project_attribute,
            of_resources=CONVENTIONS.resource_projects,
            of_spans=CONVENTIONS.span_projects,
        ),
        limits=limits,
    )


def _quack(config: Config) -> Quack | None:
    if not config.quack_endpoint:
        return None
    host, port = endpoint(config.quack_endpoint, setting="quack_endpoint")
    return Quack(host, port, config.quack_token or "")


def _deleting(
    deletion: Deletes,
    threads: ThreadService,
    alone: RunsAlone,
    derived_within: DerivedWithin,
    hub: Hub,
) -> DeletionService:
    return DeletionService(
        deletion,
        threads,
        alone=alone,
        caught_up=lambda: derived_within(CATCH_UP_TIMEOUT_S),
        on_change=hub.publish,
    )


def _pruning(
    config: Config,
    database: Database,
    derived: DuckDBDerivedStore,
    annotations: Annotations,
    deletion: Deletion,
    chains: Chains,
    alone: RunsAlone,
    hub: Hub,
) -> PruningService:
    retention = Retention(
        database,
        derived,
        annotations,
        deletion,
        chains,
        is_kept_in_lake=config.lake_keeps_pruned,
    )
    return PruningService(
        retention,
        alone=alone,
        on_change=hub.publish,
        retention_days=config.retention_days,
        retention_bytes=config.retention_bytes,
    )


def _feedback(
    config: Config, database: Database, annotations: Annotations, annotating: AnnotationService
) -> FeedbackService:
    rows = FeedbackRows(database, annotations, timeout_s=config.query_timeout_s)
    return FeedbackService(rows, annotating)


def _records(config: Config, database: Database, derived_within: DerivedWithin) -> RecordService:
    rows = RecordReader(database, timeout_s=config.query_timeout_s)
    return RecordService(rows, derived_within=derived_within)


def _spans(config: Config, database: Database) -> SpanService:
    reader = SpanReader(database, timeout_s=config.query_timeout_s)
    contents = ContentReader(database, timeout_s=config.query_timeout_s)
    return SpanService(reader, SpanListService(reader, contents))


def _reviews(
    config: Config, database: Database, annotations: Annotations, threads: ThreadService
) -> ReviewService:
    rows = Reviews(database, timeout_s=config.query_timeout_s, lock=annotations.lock)
    return ReviewService(rows, threads)


def _evaluations(
    config: Config, database: Database, threads: ThreadService, reviews: ReviewService
) -> EvaluationService:
    rows = Evaluations(database, timeout_s=config.query_timeout_s)
    return EvaluationService(rows, threads, better_of=reviews.better_of)


def _outside(config: Config, database: Database) -> Outside:
    return Outside(
        database,
        timeout_s=config.query_timeout_s,
        rows_max=config.sql_rows_max,
        concurrent_max=config.sql_concurrent_max,
    )


def _settings(config: Config) -> dict[str, str]:
    """Return the settings that views read."""
    return {
        "thread_cooldown_s": str(config.thread_cooldown_s),
        "scores_on_new_trace": config.scores_on_new_trace,
    }


def _lake(
    config: Config,
    database: Database,
    annotations: Annotations,
    delete: Callable[[str, Sequence[str]], object],
    rule_rows: RuleRows,
) -> "Node | None":
    """Return what ships to the lake; None, and no import of it, without one."""
    if not config.lake_catalog:
        outbox.stop(database)
        return None
    from otel_threads.lake.node import Node

    return Node(
        database,
        config,
        derive_again(config),
        annotating=annotations,
        delete=delete,
        rules=rule_rows,
        judge=functools.partial(JoinedRules, config),
    )


def derive_again(config: Config) -> Callable[[Database], None]:
    """Return what derives all that a file has."""

    def derive(database: Database) -> None:
        store = DuckDBDerivedStore(database, rules(config.thread_metadata_keys))
        derive_all(
            store,
            last_sequence(database),
            thread_id_attributes=config.thread_id_attributes,
        )

    return derive


def _at_once(job: Callable[[], Result]) -> "Future[Result]":
    done: Future[Result] = Future()
    try:
        done.set_result(job())
    except Exception as error:  # noqa: BLE001  # it belongs to who asked
        done.set_exception(error)
    return done


def _told(error: Exception) -> str:
    """Return an error for whoever asks; the text of another's may hold a prompt."""
    return str(error) if isinstance(error, OtelThreadsError) else type(error).__name__


def last_sequence(database: Database) -> int:
    """Return the number of the last commit in a file."""
    with database.cursor() as cursor:
        row = cursor.execute(LAST_SEQUENCE_SQL).fetchone()
    return int(row[0]) if row else 0
