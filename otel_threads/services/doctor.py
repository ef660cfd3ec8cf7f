"""What arrived and what keeps it out of threads: findings, each with what to write. Pure."""

from collections.abc import Sequence

from otel_threads.core.status import (
    ClockSkew,
    DoubleReport,
    Finding,
    FindingKind,
    Instrumentation,
    LakeProgress,
    PlaceholderId,
    RefusedRequests,
    UnkeptLogRecords,
)
from otel_threads.derive.library import Library
from otel_threads.services.libraries import LIBRARIES, library_of, plain

LAKE_BEHIND_S = 60.0
EVENTS_SHOWN_MAX = 5  # of log records that were not kept
NOTHING_ARRIVED = """\
export OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
"""
AUTHENTICATE = """\
export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$INGEST_TOKEN"
"""


# Of OpenTelemetry's SDKs; texts have no limit unless one is set, spans have one of 128 attributes.
RAISE_LIMITS = """\
export OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=1000
unset OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT
"""


def findings(
    instrumentations: Sequence[Instrumentation],
    doubles: Sequence[DoubleReport],
    skews: Sequence[ClockSkew],
    *,
    otlp_http: str,
    unkept: Sequence[UnkeptLogRecords] = (),
    refused: Sequence[RefusedRequests] = (),
    placeholders: Sequence[PlaceholderId] = (),
    libraries: Sequence[Library] = LIBRARIES,
    lake: LakeProgress | None = None,
) -> list[Finding]:
    """Return findings, the most serious first.

    `fix` is code or a setting, empty where nothing has to be written; `libraries` have both.
    """
    lost = [_refused(row) for row in sorted(refused, key=lambda row: -row.count)]
    lost += _lake(lake)
    if not instrumentations and (unkept or lost):
        return lost + _unkept(unkept)
    if not instrumentations:
        return [
            _finding(
                "nothing_arrived",
                "Nothing arrived yet. Point an exporter here; flush it before the program ends.",
                fix=NOTHING_ARRIVED.format(address=otlp_http),
            )
        ]
    found = lost
    for row in instrumentations:
        found += _scrubbed(row, libraries)
        found += _without_thread(row, instrumentations, libraries)
        found += _without_content(row, libraries)
        found += _truncated(row, instrumentations, libraries)
    found += [_placeholder(row, libraries) for row in placeholders]
    found += [_double(row) for row in doubles]
    for row in instrumentations:
        found += _clocks(row)
    return found + [_skew(row) for row in skews] + _unkept(unkept)


def _refused(row: RefusedRequests) -> Finding:
    """Say what a port refused: its sender has dropped it, and says nothing of it here."""
    return _finding(
        "refused_requests",
        f"{row.port} refused {row.count} {row.explanation}. The last came at "
        f"{row.last_at.isoformat(timespec='seconds')}.",
        fix=AUTHENTICATE if row.reason == "token" else "",
        note="Counted since the server started. Senders drop what is refused, or try in vain.",
    )


def _lake(lake: LakeProgress | None) -> list[Finding]:
    """Say that the lake lacks what was taken for long; nothing where it does not."""
    if lake is None or lake.behind_s < LAKE_BEHIND_S:
        return []
    why = lake.error or "shipping is slower than what arrives"
    return [
        _finding(
            "lake_behind",
            f"The lake lacks the last {lake.behind_s:.0f} s of this node: {why}.",
            note="Nothing is lost: the node keeps all of it, and ships once the lake answers.",
        )
    ]


def _unkept(rows: Sequence[UnkeptLogRecords]) -> list[Finding]:
    """Say which log records arrived and were not kept; nothing where all were."""
    if not rows:
        return []
    most = sorted(rows, key=lambda row: (-row.count, row.event_name))[:EVENTS_SHOWN_MAX]
    shown = ", ".join(
        f"{row.count} of {row.event_name or 'no event name'} ({row.scope_name or 'no scope'})"
        for row in most
    )
    total = sum(row.count for row in rows)
    return [
        _finding(
            "unkept_log_records",
            f"{total} log records arrived and were not kept, because no event with GenAI content "
            f"that is read is among them: {shown}.",
            note="docs/conventions.md says which events are read. Records with messages are kept.",
        )
    ]


def _finding(
    kind: FindingKind,
    summary: str,
    *,
    library: Library | None = None,
    fix: str = "",
    note: str = "",
    trace_ids: Sequence[str] = (),
) -> Finding:
    return Finding(
        kind=kind,
        library=library.slug if library else None,
        summary=summary,
        fix=fix.strip("\n"),
        note=note,
        trace_ids=list(trace_ids),
    )


def _name(row: Instrumentation) -> str:
    return f"{row.scope_name or '(no scope)'} {row.scope_version}".strip()


def _without_thread(
    row: Instrumentation, everything: Sequence[Instrumentation], libraries: Sequence[Library]
) -> list[Finding]:
    count = row.calls_without_thread
    if not count:
        return []
    library = library_of(row.scope_name, libraries)
    if _is_beside_a_library(library, everything, libraries):
        return []  # that library's line helps
    return [
        _finding(
            "no_thread_id",
            f"{_name(row)}: {count} of {row.traces_with_calls} traces with model requests carry "
            f"no conversation id. With {library.title}:",
            library=library,
            fix=library.thread_id,
            note=library.note,
            trace_ids=row.examples_without_thread or (),
        )
    ]


def _is_beside_a_library(
    library: Library, everything: Sequence[Instrumentation], libraries: Sequence[Library]
) -> bool:
    """Whether a scope is the application's own, and one of a library is there."""
    unknown = plain(libraries)
    known = {library_of(one.scope_name, libraries).slug for one in everything} - {unknown.slug}
    return library is unknown and bool(known)


def _truncated(
    row: Instrumentation, everything: Sequence[Instrumentation], libraries: Sequence[Library]
) -> list[Finding]:
    count = row.traces_truncated
    library = library_of(row.scope_name, libraries)
    if not count or _is_beside_a_library(library, everything, libraries):
        return []
    return [
        _finding(
            "truncated",
            f"{_name(row)}: of {count} of {row.traces_with_calls} traces with model requests a "
            "limit of the sender cut texts or dropped attributes: what is shown is a beginning. "
            "Raise it where the spans are made:",
            library=library,
            fix=RAISE_LIMITS,
            note="A Collector may cut as well: its transform processor with truncate_all or limit.",
            trace_ids=row.examples_truncated or (),
        )
    ]


def _without_content(row: Instrumentation, libraries: Sequence[Library]) -> list[Finding]:
    count = row.traces_without_content
    if not count:
        return []
    library = library_of(row.scope_name, libraries)
    captured = library.content == "on"
    return [
        _finding(
            "no_content",
            f"{_name(row)}: {count} of {row.traces_with_calls} traces with model requests hold "
            "no message texts. "
            + (
                "This library sends them unless it was told not to."
                if captured
                else "To send them:"
            ),
            library=library,
            fix="" if captured else library.content,
            trace_ids=row.examples_without_content or (),
        )
    ]


def _scrubbed(row: Instrumentation, libraries: Sequence[Library]) -> list[Finding]:
    count = row.spans_scrubbed
    if not count:
        return []
    return [
        _finding(
            "scrubbed_id",
            f"{_name(row)}: the conversation id of {count} spans was replaced by a scrubber "
            "before it was sent. An attribute of another name gets through:",
            library=library_of(row.scope_name, libraries),
            fix='span.set_attribute("gen_ai.conversation.id", chat_id)',
        )
    ]


def _placeholder(row: PlaceholderId, libraries: Sequence[Library]) -> Finding:
    library = library_of(row.scope_name, libraries)
    told = f"{row.scope_name or '(no scope)'}: {row.attribute} is {row.value!r} on "
    what = (
        "which is no conversation's id: those traces are threads by another id, or by none."
        if row.is_refused
        else "which is taken as an id: whoever has it is in one thread."
    )
    return _finding(
        "placeholder_id",
        f"{told}{row.span_count} spans, {what} Set one where it is known:",
        library=library,
        fix=library.thread_id,
        trace_ids=row.examples,
    )


def _double(row: DoubleReport) -> Finding:
    names = " and ".join(row.reported_by)
    return _finding(
        "double_instrumentation",
        f"{row.call_count} model requests in {row.trace_count} traces are reported by "
        f"{names}. They are counted once; turn one off to send half as much.",
        trace_ids=row.examples,
    )


def _clocks(row: Instrumentation) -> list[Finding]:
    telling = (
        (
            row.spans_from_the_future,
            "start more than 5 minutes after they arrived: a clock is ahead",
        ),
        (row.spans_ending_before_start, "end before they start: a clock stepped back"),
        (row.spans_a_day_late, "arrived more than a day after they started: a replay, or a clock"),
    )
    return [
        _finding("clock", f"{_name(row)}: {count} spans {what}.")
        for count, what in telling
        if count
    ]


def _skew(row: ClockSkew) -> Finding:
    return _finding(
        "clock",
        f"{row.span_count} spans of {row.child_service} start before their parents in "
        f"{row.parent_service}, up to {row.skew_ms_max / 1000:.1f} s: their clocks differ.",
        trace_ids=row.examples,
    )
