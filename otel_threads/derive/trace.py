"""Everything that is derived from one trace alone, as rows for the store. Pure."""

import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from otel_threads.core.model import Span, TraceRows
from otel_threads.core.trace_rows import (
    CallRow,
    DerivedPart,
    MessageRow,
    NamedRow,
    PartRow,
    SliceRow,
    SpansRow,
    SpentRow,
    SumsRow,
    TraceRow,
)
from otel_threads.derive import record_turns, span_facts
from otel_threads.derive.calls import Call, calls, is_failed, plain_error
from otel_threads.derive.conventions import Conventions
from otel_threads.derive.cost import Cost, cost_columns, cost_of
from otel_threads.derive.evaluations import evaluations
from otel_threads.derive.family import Message, Usage, parse, total
from otel_threads.derive.found_calls import find_calls
from otel_threads.derive.messages import as_json
from otel_threads.derive.retold import FETCHED
from otel_threads.derive.span_facts import Facts
from otel_threads.derive.thread_id import Found, Identity, valid
from otel_threads.derive.tool_result_links import links
from otel_threads.derive.tree import Tree
from otel_threads.derive.turns import TurnPart, Turns

METADATA_KEYS_MAX = 50
METADATA_VALUE_LENGTH_MAX = 500
TAGS_MAX = 50
INNER_IDS = "inner_thread_ids"  # of sub-agents, in a thread's metadata


def derive_traces(spans: Sequence[Span], identity: Identity) -> list[TraceRows]:
    """Return the rows of everything that was sent under one trace id.

    Usually that is one trace, also when its services name several projects. When the same span
    was sent to several projects, these are copies, and each project has a trace of its own.
    """
    projects = {span.project for span in spans}
    if len(projects) == 1 or not _is_copied(spans):
        return [derive_trace(spans, identity)]
    found = []
    for project in sorted(projects):
        own = [span for span in spans if span.project == project]
        for span in own:
            span.logs = [record for record in span.logs if record.project == project]
        rows = derive_trace(own, identity)
        rows.trace["is_copy"] = True
        found.append(rows)
    return found


def _is_copied(spans: Sequence[Span]) -> bool:
    """Whether any span was sent to more than one project."""
    projects: dict[str, str] = {}
    return any(projects.setdefault(span.span_id, span.project) != span.project for span in spans)


def derive_trace(spans: Sequence[Span], identity: Identity) -> TraceRows:
    """Return the rows of one trace. The same spans give the same rows, in whatever order."""
    conventions = identity.conventions
    record_turns.fill(spans, conventions)
    tree = Tree(spans)
    facts = {span.span_id: span_facts.facts(span, conventions) for span in tree.spans}
    find_calls(tree, facts)
    threads = identity.threads(tree, facts)
    requests = calls(tree, facts, conventions.first_token_events)
    parts = Turns(tree, facts, threads, requests, conventions).parts()
    project = _project(tree)
    trace_id = tree.spans[0].trace_id
    rank = _record_rank(spans, requests, conventions)
    spent = _Spent()
    slices = _slices(tree, facts, _shares(tree, threads, requests), spent, conventions)
    if any(found.inner for found in threads.values()):
        _tell_inner_ids(slices, threads)
    return TraceRows(
        trace=_trace(tree, project, slices, parts),
        slices=slices,
        calls=[_call_row(call, project, threads) for call in requests],
        parts=_part_rows(parts, project, trace_id, spent, rank),
        evaluations=[{**row, "project": project} for row in evaluations(tree, requests, threads)],
        links=links(parts, project, trace_id, has_thread=bool(threads)),
        first_unix_nano=min(span.start_unix_nano for span in spans),
        record_rank=rank,
    )


def _record_rank(spans: Sequence[Span], requests: Sequence[Call], conventions: Conventions) -> int:
    """Return how late a trace comes among those that tell the same: 0 for nearly all."""
    if requests and all(conventions.is_fetch(call.span) for call in requests):
        return FETCHED
    return record_turns.rank(spans, conventions)


def _project(tree: Tree) -> str:
    """A trace belongs to one project: its root's, else that of its earliest span."""
    true_roots = [span for span in tree.roots if span.parent_span_id is None]
    first = min(true_roots or tree.spans, key=lambda span: (span.start_unix_nano, span.span_id))
    return first.project


def _trace(
    tree: Tree, project: str, slices: Sequence[SliceRow], parts: Sequence[TurnPart]
) -> TraceRow:
    root = tree.roots[0]
    threads = [row["thread_id"] for row in slices if row["thread_id"] is not None]
    return {
        **_together(slices),
        "project": project,
        "trace_id": root.trace_id,
        "thread_id": threads[0] if len(threads) == 1 else None,
        "thread_ids": threads,
        "thread_id_source": next(
            (row["thread_id_source"] for row in slices if row["thread_id_source"]), None
        ),
        "is_copy": False,
        "root_span_id": root.span_id if root.parent_span_id is None else None,
        "name": root.name,
        "turn_count": len(parts),
        "first_message": parts[0].user if parts else None,
        "last_message": (parts[-1].assistant or parts[-1].user) if parts else None,
    }


def _together(slices: Sequence[SliceRow]) -> SumsRow:
    """Return what a trace's slices add up to; mostly there is one, and its columns are these."""
    if len(slices) == 1:
        return slices[0]
    metadata: dict[str, str] = {}
    for row in slices:
        metadata |= row["metadata"]
    return {
        "start_time_unix_nano": min(row["start_time_unix_nano"] for row in slices),
        "end_time_unix_nano": max(row["end_time_unix_nano"] for row in slices),
        "received_unix_nano": max(row["received_unix_nano"] for row in slices),
        "created_unix_nano": min(row["created_unix_nano"] for row in slices),
        "first_sequence": min(row["first_sequence"] for row in slices),
        "last_sequence": max(row["last_sequence"] for row in slices),
        "span_count": sum(row["span_count"] for row in slices),
        "error_count": sum(row["error_count"] for row in slices),
        "call_count": sum(row["call_count"] for row in slices),
        "metadata": metadata,
        **total(map(Usage.of, slices)).counts(),
        **cost_columns(cost_of(row, is_nothing=not row["call_count"]) for row in slices),
        "models": _joined_names(row["models"] for row in slices),
        "providers": _joined_names(row["providers"] for row in slices),
        **_names_together(slices),
    }


def _names_together(slices: Sequence[SliceRow]) -> NamedRow:
    return {
        "services": _joined_names(row["services"] for row in slices),
        "users": _joined_names(row["users"] for row in slices),
        "environments": _joined_names(row["environments"] for row in slices),
        "tags": _joined_names(row["tags"] for row in slices),
    }


def _joined_names(told: Iterable[Iterable[str]]) -> list[str]:
    return sorted({name for some in told for name in some})


@dataclass(slots=True)
class _Share:
    """What a thread has of a trace: spans in order of their start, and model requests."""

    thread_id: str | None
    source: str | None
    spans: list[Span]
    calls: list[Call] = field(default_factory=list)


def _slices(
    tree: Tree,
    facts: Mapping[str, Facts],
    shares: Iterable[_Share],
    spent: "_Spent",
    conventions: Conventions,
) -> list[SliceRow]:
    """Return one row per thread of the trace, in the order of their first span."""
    project, trace_id = _project(tree), tree.spans[0].trace_id
    trace_sequence = _joined(tree.spans)
    return [
        {
            "project": project,
            "trace_id": trace_id,
            "thread_id": share.thread_id,
            "thread_id_source": share.source,
            "trace_sequence": trace_sequence,
            **_slice(tree, [(span, facts[span.span_id]) for span in share.spans], conventions),
            "call_count": len(share.calls),
            **spent.by(share.calls),
        }
        for share in shares
    ]


def _shares(tree: Tree, threads: Mapping[str, Found], requests: Sequence[Call]) -> Iterable[_Share]:
    ordered = sorted(tree.spans, key=_start)
    ids = {found.thread_id for found in threads.values()}
    if len(ids) < 2 and len(threads) in (0, len(ordered)):  # nearly always: of one thread, or none
        source = threads[ordered[0].span_id].source if threads else None
        return [_Share(ids.pop() if ids else None, source, ordered, list(requests))]
    shares: dict[str | None, _Share] = {}
    for span in ordered:
        found = threads.get(span.span_id)
        thread_id, source = (found.thread_id, found.source) if found else (None, None)
        shares.setdefault(thread_id, _Share(thread_id, source, [])).spans.append(span)
    for call in requests:
        found = threads.get(call.span.span_id)
        shares[found.thread_id if found else None].calls.append(call)
    return shares.values()


def _tell_inner_ids(rows: Sequence[SliceRow], threads: Mapping[str, Found]) -> None:
    """Keep ids that sub-agents have for themselves as metadata of the thread that runs them."""
    inner: dict[str, set[str]] = {}
    for found in threads.values():
        if found.inner:
            inner.setdefault(found.thread_id, set()).add(found.inner)
    for row in rows:
        if told := inner.get(row["thread_id"] or ""):
            text = ", ".join(sorted(told))[:METADATA_VALUE_LENGTH_MAX]
            row["metadata"] = {**row["metadata"], INNER_IDS: text}


_start = operator.attrgetter("start_unix_nano")


def _joined(spans: Sequence[Span]) -> int:
    """Return the commit with which a trace joined its thread: the first that told it.

    What comes later of an SDK's trace is not a new trace, and what came before may lack its thread.
    """
    told = [s.origin.joined_sequence for s in spans if s.origin and s.origin.joined_sequence]
    if told:
        return min(told)
    return min([s.origin.created_sequence if s.origin else s.sequence for s in spans])


def _slice(tree: Tree, inside: Sequence[tuple[Span, Facts]], conventions: Conventions) -> SpansRow:
    """Return what the spans of one thread in a trace say together; they are in order of start."""
    # No end is before the last start.
    ended = max(inside[-1][0].start_unix_nano, *[span.end_unix_nano for span, _ in inside])
    received = [span.received_unix_nano for span, _ in inside]
    sequences = [span.sequence for span, _ in inside]
    created_unix_nano, first_sequence = _created([span for span, _ in inside])
    failed = {span.span_id for span, facts in inside if is_failed(span, facts)}
    return {
        "start_time_unix_nano": inside[0][0].start_unix_nano,
        "end_time_unix_nano": ended,
        "received_unix_nano": max(received),
        "created_unix_nano": created_unix_nano,
        "first_sequence": first_sequence,
        "last_sequence": max(sequences),
        "span_count": len(inside),
        "error_count": _failures(tree, failed) if failed else 0,
        **_named(inside, conventions),
        "metadata": _metadata(inside, conventions),
    }


def _named(inside: Sequence[tuple[Span, Facts]], conventions: Conventions) -> NamedRow:
    """Return who and what spans name: services, users, environments, tags."""
    services = {span.service_name for span, _ in inside}
    told = [facts.values for _, facts in inside if facts.values]
    environments = {values.get("environment") for values in told}
    deployed = {_environment(span, conventions) for span, _ in inside if span.resource}
    tags = {tag for values in told for tag in values.get("tags", ())}
    return {
        "services": _distinct(services),
        "users": _distinct([values.get("user_id") for values in told]),
        "environments": _distinct(environments) or _distinct(deployed),
        "tags": _tags(tags, conventions) if tags else [],
    }


def _created(spans: Sequence[Span]) -> tuple[int, int]:
    """Return when, and with which commit, the first of some spans came.

    Of spans that records were joined to, their first record counts.
    """
    times = (s.origin.created_unix_nano if s.origin else s.received_unix_nano for s in spans)
    sequences = (s.origin.created_sequence if s.origin else s.sequence for s in spans)
    return min(times), min(sequences)


def _failures(tree: Tree, failed: Collection[str]) -> int:
    """Count failures once each: spans with an error and no failed span below them."""
    return sum(
        not any(child.span_id in failed for child in tree.children.get(span_id, ()))
        for span_id in failed
    )


class _Spent:
    """What calls of a trace spent; a slice and a turn of it are mostly made of the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], SpentRow] = {}

    def by(self, answered: Sequence[Call]) -> SpentRow:
        """Return models, providers, tokens and cost of some calls, ready for a row."""
        key = tuple([id(call) for call in answered])
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _spent(answered)
        return found


def _spent(answered: Sequence[Call]) -> SpentRow:
    if len(answered) == 1:  # nearly always
        only = answered[0]
        return {
            "models": [only.model] if only.model else [],
            "providers": [only.provider] if only.provider else [],
            **only.usage.counts(),
            "cost_usd": only.cost_usd,
            "cost_source": only.cost_source or None,
            "cost_is_partial": False,
        }
    return {
        "models": _distinct([call.model for call in answered]),
        "providers": _distinct([call.provider for call in answered]),
        **total(call.usage for call in answered).counts(),
        # A failed call costs nothing that anybody could know of.
        **cost_columns(
            Cost(call.cost_usd, call.cost_source, is_nothing=call.error is not None)
            for call in answered
        ),
    }


def _distinct(values: Iterable[str | None]) -> list[str]:
    found = set(values)
    found.discard(None)
    found.discard("")
    return sorted(found) if len(found) > 1 else list(found)  # type: ignore[arg-type]


def _environment(span: Span, conventions: Conventions) -> str | None:
    """Return the environment that a span's resource tells."""
    for key in conventions.resource_environments:
        if isinstance(value := span.resource.get(key), str):
            return value
    return None


def _tags(told: Iterable[str], conventions: Conventions) -> list[str]:
    return sorted(tag for tag in told if not tag.startswith(conventions.tag_noise))[:TAGS_MAX]


def _metadata(inside: Sequence[tuple[Span, Facts]], conventions: Conventions) -> dict[str, str]:
    found: dict[str, str] = {}
    for span, facts in inside:
        _keep_all(found, facts.values.get("metadata"), conventions)
        for name, key in facts.plan.metadata:
            value = span.attributes[name]
            if key:
                _keep(found, key, value, conventions)
            else:
                _keep_all(found, parse(value), conventions)
    return dict(sorted(found.items())[:METADATA_KEYS_MAX]) if found else found


def _keep_all(found: dict[str, str], bag: Any, conventions: Conventions) -> None:
    for key, value in bag.items() if isinstance(bag, dict) else ():
        if not conventions.is_noise(key):
            _keep(found, key, value, conventions)


def _keep(found: dict[str, str], key: str, value: Any, conventions: Conventions) -> None:
    if key in found or len(found) >= 10 * METADATA_KEYS_MAX:
        return
    if isinstance(value, bool):
        found[key] = "true" if value else "false"
    elif isinstance(value, str | int | float):
        text = valid(value, conventions.no_value) if isinstance(value, str) else str(value)
        if text:
            found[key] = text[:METADATA_VALUE_LENGTH_MAX]


def _call_row(call: Call, project: str, threads: Mapping[str, Found]) -> CallRow:
    span = call.span
    found = threads.get(span.span_id)
    return {
        "project": project,
        "thread_id": found.thread_id if found else None,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "name": span.name,
        "start_time_unix_nano": span.start_unix_nano,
        "end_time_unix_nano": max(member.end_unix_nano for member in call.members),
        "request_model": call.request_model,
        "response_model": call.response_model,
        "provider": call.provider,
        "response_id": call.response_id,
        "reported_by": _distinct(member.scope_name for member in call.members),
        "finish_reasons": call.finish_reasons,
        **call.usage.counts(),
        "cost_usd": call.cost_usd,
        "cost_source": call.cost_source,
        "time_to_first_token_ms": call.ttft_ms,
        "error_type": call.error.type if call.error else None,
        "error_message": call.error.message if call.error else None,
    }


def _part_rows(
    parts: Sequence[TurnPart], project: str, trace_id: str, spent: "_Spent", rank: int
) -> list[PartRow]:
    made = [_part_row(i, part, project, trace_id, spent) for i, part in enumerate(parts)]
    rows = cast(list[PartRow], made)
    for row in rows if rank else ():
        row["record_rank"], row["retold_by"] = rank, []
        row["continues"] = True  # whoever changes, they may
    return rows


def _part_row(
    index: int, part: TurnPart, project: str, trace_id: str, spent: "_Spent"
) -> DerivedPart:
    return {
        "project": project,
        "thread_id": part.found.thread_id if part.found else None,
        "trace_id": trace_id,
        "part_index": index,
        "start_time_unix_nano": part.start_unix_nano,
        "end_time_unix_nano": part.end_unix_nano,
        "user_message_count": part.key[0],
        "user_text": part.key[1],
        # Whoever continues is looked at with the turn before: so is one that may only repeat it.
        "continues": part.continues or part.is_truncated,
        "brings_results": part.continues,
        "is_truncated": part.is_truncated,
        "unanswered": part.unanswered,
        "span_id": part.outer.span_id,
        "name": part.outer.name,
        "user": part.user,
        "assistant": part.assistant,
        "system": part.system,
        "error": plain_error(part.error),
        "messages": [
            row for message, span_id in part.messages for row in _message_rows(message, span_id)
        ],
        "tool_calls": part.tool_calls,
        "time_to_first_token_ms": next(
            (call.ttft_ms for call in part.calls if call.ttft_ms is not None), None
        ),
        "response_ids": [call.response_id for call in part.calls if call.response_id],
        "call_count": len(part.calls),
        "span_count": part.span_count,
        **spent.by(part.calls),
    }


def _message_rows(message: Message, span_id: str) -> list[MessageRow]:
    """Return a message as it is stored; each tool result is a message of its own.

    A plain text, which most are, has only `role`, `text` and `span_id`: the rest follows.
    """
    if message.role == "tool":
        return [
            {
                "role": "tool",
                "text": _result_text(part["result"]),
                "parts": [part],
                "tool_calls": [],
                "tool_call_id": part["id"],
                "span_id": span_id,
            }
            for part in message.of_type("tool_result")
        ]
    if message.is_text:
        return [{"role": message.role, "text": message.text, "span_id": span_id}]
    return [
        {
            "role": message.role,
            "text": message.text,
            "parts": message.parts,
            "tool_calls": [
                {"id": p["id"], "name": p["name"], "arguments": p["arguments"]}
                for p in message.of_type("tool_call")
            ],
            "tool_call_id": None,
            "span_id": span_id,
        }
    ]


def _result_text(result: Any) -> str | None:
    if result is None or isinstance(result, str):
        return result
    return as_json(result)
