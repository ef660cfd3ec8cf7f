"""Builds what runs rules, from the settings of a server."""

from collections.abc import Callable

from otel_threads.core.config import Config
from otel_threads.core.rule import Homes
from otel_threads.core.rule_wire import Done, WorkerSettings
from otel_threads.core.status import Progress
from otel_threads.services.events import Hub
from otel_threads.services.rule_contexts import ContextReader
from otel_threads.services.rule_conversations import RuleConversations
from otel_threads.services.rule_jobs import JudgeSettings
from otel_threads.services.rule_runner import RuleRunner
from otel_threads.services.rule_worker import RuleWorker
from otel_threads.services.rules import RuleService
from otel_threads.services.threads import ThreadService
from otel_threads.store.rules.rule_rows import RuleRows


def rule_service(
    config: Config,
    rows: RuleRows,
    threads: ThreadService,
    hub: Hub,
    *,
    progress: Callable[[], Progress],
    homes: Homes | None = None,
) -> RuleService:
    """Return the services for rules; what runs them is not started yet.

    `homes` knows which threads are judged here; None: all that the rows have.
    """
    settings = JudgeSettings(
        has_endpoint=bool(config.judge_base_url),
        model=config.judge_model,
        allows_python=config.python_scorers,
        budget_usd_per_day=config.judge_budget_usd_per_day,
        concurrent_max=config.judge_concurrent_max,
        timeout_s=config.judge_timeout_s,
    )
    wire = WorkerSettings(
        base_url=config.judge_base_url,
        api_key=config.judge_api_key,
        model=config.judge_model,
        timeout_s=config.judge_timeout_s,
        concurrent_max=config.judge_concurrent_max,
    )

    def make_worker(on_done: Callable[[Done], None], on_end: Callable[[int], None]) -> RuleWorker:
        return RuleWorker(config.database, wire, on_done=on_done, on_end=on_end)

    contexts: dict[str, ContextReader] = {}
    runner = RuleRunner(
        rows,
        threads,
        settings=settings,
        make_worker=make_worker,
        derived_sequence=lambda: progress().derived_sequence,
        conversations=RuleConversations(threads, contexts),
        hub=hub,
        homes=homes,
    )
    return RuleService(rows, threads, runner, settings=settings, contexts=contexts)
