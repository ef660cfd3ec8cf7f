"""Tools that find: threads, the language of filters, statistics, what is missing."""

from otel_threads.api.mcp import arguments
from otel_threads.api.mcp.answers import (
    Explanation,
    FilterGuide,
    FindingLine,
    FoundThreads,
    MissingTrace,
    ModelLine,
    ScoreSpread,
    Sums,
    TimeLine,
)
from otel_threads.api.mcp.content import NAMES_MAX, Place, name, name_or_none, names
from otel_threads.api.mcp.desk import Desk
from otel_threads.api.mcp.outline import thread_line
from otel_threads.api.mcp.tool import AnyTool, Tool
from otel_threads.core.stats import ThreadStats
from otel_threads.core.status import Finding
from otel_threads.services.threads import WhichThreads

SERIES_MAX = 200  # the latest hours or days
MODELS_MAX = 50
FINDING_CHARS = 2_000
GRAMMAR = [
    "field operator value, joined by and, or, not and parentheses",
    "operators: = != > >= < <= contains not_contains starts_with ends_with in not_in is_null "
    "is_not_null; those on texts ignore case, except = and !=",
    "values: texts in quotes, numbers, durations (500ms, 90s, 15m, 2h, 7d), times (2026-01-31 or "
    "2026-01-31T09:30:00Z), true, false; in takes a list in parentheses",
    "a list matches when one of its items does; what is unknown matches is_null and negations",
]
EXAMPLES = [
    "error_count > 0 and last_activity_time > 2026-01-31",
    'thread_id starts_with "user-" and (scores.quality < 0.5 or duration_ms > 90s)',
    'any_message contains "refund" and not tags = "reviewed"',
    'models contains "mini" and usage.total_tokens > 10000',
]


def _which(desk: Desk, given: arguments.WhichThreads) -> WhichThreads:
    return WhichThreads(
        project=desk.project_of(given.project),
        filter=given.filter,
        search=given.search,
        status=given.status,
        from_time=given.from_time,
        to_time=given.to_time,
    )


def find_threads(desk: Desk, given: arguments.FindThreads) -> FoundThreads:
    """Return a page of threads in outline."""
    page = desk.services.threads.threads(
        sort=given.sort, limit=given.limit, cursor=given.cursor, **_which(desk, given)
    )
    return FoundThreads(
        items=[thread_line(one) for one in page.items], next_cursor=page.next_cursor
    )


def filter_help(desk: Desk, given: arguments.FilterHelp) -> FilterGuide:
    """Return the grammar and the fields."""
    fields = desk.services.threads.fields(of_traces=given.of == "traces")
    return FilterGuide(grammar=GRAMMAR, examples=EXAMPLES, fields=fields.items)


def stats(desk: Desk, given: arguments.Stats) -> Sums:
    """Return sums and percentiles."""
    found = desk.services.threads.thread_stats(interval=given.interval, **_which(desk, given))
    return Sums(
        thread_count=found.thread_count,
        active_count=found.active_count,
        turn_count=found.turn_count,
        trace_count=found.trace_count,
        span_count=found.span_count,
        error_count=found.error_count,
        error_rate=found.error_rate,
        duration_ms=found.duration_ms,
        turn_duration_ms=found.turn_duration_ms,
        time_to_first_token_ms=found.time_to_first_token_ms,
        turns_per_thread=found.turns_per_thread,
        total_tokens=found.usage.sum.total_tokens,
        input_tokens=found.usage.sum.input_tokens,
        output_tokens=found.usage.sum.output_tokens,
        cost_usd=found.cost_usd.sum,
        models=_models(found),
        scores=[
            ScoreSpread(name=name(key), count=one.count, avg=one.avg, min=one.min, max=one.max)
            for key, one in list(found.scores.items())[:MODELS_MAX]
        ],
        series=_series(found),
    )


def _models(found: ThreadStats) -> list[ModelLine]:
    most = sorted(found.models.items(), key=lambda item: -item[1].call_count)
    return [
        ModelLine(
            model=name(model),
            call_count=one.call_count,
            input_tokens=one.input_tokens,
            output_tokens=one.output_tokens,
            cost_usd=one.cost_usd,
        )
        for model, one in most[:MODELS_MAX]
    ]


def _series(found: ThreadStats) -> list[TimeLine] | None:
    if found.series is None:
        return None
    return [
        TimeLine(
            time=one.time,
            thread_count=one.thread_count,
            turn_count=one.turn_count,
            error_count=one.error_count,
            total_tokens=one.total_tokens,
            cost_usd=one.cost_usd,
            duration_ms_avg=one.duration_ms_avg,
        )
        for one in found.series[-SERIES_MAX:]
    ]


def explain_missing(desk: Desk, given: arguments.ExplainMissing) -> Explanation:
    """Return what doctor finds; of one trace, where it is."""
    found = desk.services.threads.doctor()
    findings = found.findings
    trace = _missing(desk, given.trace_id) if given.trace_id else None
    return Explanation(
        derive_lag_ms=found.status.derive_lag_ms,
        spans=found.status.spans,
        threads=found.status.threads,
        trace=trace,
        findings=[_finding(one) for one in findings],
    )


def _missing(desk: Desk, trace_id: str) -> MissingTrace:
    trace = desk.services.threads.trace(trace_id)
    return MissingTrace(
        trace_id=trace.trace_id,
        thread_ids=trace.thread_ids[:NAMES_MAX],
        thread_id_source=name_or_none(trace.thread_id_source),
        scopes=names(dict.fromkeys(span.scope_name for span in trace.spans)),
    )


def _finding(found: Finding) -> FindingLine:
    place = Place()
    return FindingLine(
        kind=found.kind,
        library=name_or_none(found.library),
        summary=place.text(found.summary, chars=FINDING_CHARS),
        fix=place.text(found.fix, chars=FINDING_CHARS),
        trace_ids=found.trace_ids[:NAMES_MAX],
    )


TOOLS: tuple[AnyTool, ...] = (
    Tool(
        name="find_threads",
        title="Find conversations",
        description="Lists conversations (threads) in outline: counts, cost, errors, scores and "
        "the beginning of the first and last message. Filter and sort; go on with cursor. Ask "
        "get_thread for one of them.",
        takes=arguments.FindThreads,
        gives=FoundThreads,
        run=find_threads,
    ),
    Tool(
        name="filter_help",
        title="Explain filters",
        description="Explains the filter language: its grammar, examples, and every field with its "
        "type and operators.",
        takes=arguments.FilterHelp,
        gives=FilterGuide,
        run=filter_help,
    ),
    Tool(
        name="stats",
        title="Sum conversations up",
        description="Returns counts, error rate, percentiles of durations (in ms), tokens, cost "
        "(in US dollars) and scores over selected conversations; by hour or day with interval.",
        takes=arguments.Stats,
        gives=Sums,
        run=stats,
    ),
    Tool(
        name="explain_missing",
        title="Explain what is missing",
        description="Explains why spans or conversations are missing: what arrived, what keeps "
        "traces out of conversations, and what to write in the program against it.",
        takes=arguments.ExplainMissing,
        gives=Explanation,
        run=explain_missing,
        of_all_projects=True,
    ),
)
