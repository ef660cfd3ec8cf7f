"""Model requests: which LLM spans report one and the same, what was asked, answered, used, failed.

Source: docs/conventions.md, sections "Usage and cost" (rules 1 to 3), "Errors" and "Streaming".
"""

import datetime
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from otel_threads.core.model import Span
from otel_threads.core.trace_rows import ErrorRow
from otel_threads.derive import span_facts
from otel_threads.derive.cost import estimate_usd
from otel_threads.derive.family import UNKNOWN, Messages, Usage, count, name, text
from otel_threads.derive.span_facts import Facts
from otel_threads.derive.tree import Tree

ERROR_TEXT_LENGTH_MAX = 2000
HTTP_STATUS = ("http.response.status_code", "http.status_code")
HTTP_ERROR_MIN = 400
WHERE = re.compile(r"Traceback \(most recent call last\)|\n    at ")


@dataclass(slots=True)
class Error:
    """Why something failed."""

    type: str | None
    message: str | None


@dataclass(slots=True)
class Call:
    """One model request, whatever the number of spans that report it."""

    span: Span  # the outermost span of the request
    members: list[Span]
    usage: Usage
    request_model: str | None = None
    response_model: str | None = None
    provider: str | None = None
    response_id: str | None = None
    finish_reasons: list[str] = field(default_factory=list)
    cost_usd: float | None = None
    cost_source: str | None = None
    ttft_ms: float | None = None
    error: Error | None = None
    inputs: Messages = field(default_factory=list)
    outputs: Messages = field(default_factory=list)
    system: str | None = None
    is_framed: bool = False  # its outermost span has no messages: it is around the request

    @property
    def model(self) -> str | None:
        """The model that answered, else the one that was asked."""
        return self.response_model or self.request_model


def calls(
    tree: Tree, facts: Mapping[str, Facts], first_token_events: Collection[str]
) -> list[Call]:
    """Return the model requests of a trace in the order of their start."""
    found = [_call(members, tree, facts, first_token_events) for members in _requests(tree, facts)]
    # Helpers that prepare a request are marked as models too; they say nothing of one.
    telling = [call for call in found if _tells(call)]
    merged = _once_per_response(telling or found)
    if len(merged) < 2:
        return merged
    position = {span.span_id: i for i, span in enumerate(tree.spans)}
    return sorted(merged, key=lambda call: (call.span.start_unix_nano, position[call.span.span_id]))


def _tells(call: Call) -> bool:
    return bool(call.inputs or call.outputs or call.usage or call.error or call.response_id)


def _requests(tree: Tree, facts: Mapping[str, Facts]) -> list[list[Span]]:
    """Return groups of nested LLM spans that report one request, the outermost first."""
    above: dict[str, str] = {}
    below: dict[str, list[str]] = {}
    models = [span for span in tree.spans if facts[span.span_id].kind == "llm"]
    for span in models:
        for ancestor in tree.ancestors(span.span_id):
            kind = facts[ancestor.span_id].kind
            if kind == "llm":
                above[span.span_id] = ancestor.span_id
                below.setdefault(ancestor.span_id, []).append(span.span_id)
                break
            if kind in ("agent", "tool"):
                break
    # A span over several requests that each count tokens is their frame, not a report of one.
    frames = {
        span_id
        for span_id, inner in below.items()
        if sum(bool(facts[one].usage) or _answers(one, below, facts) for one in inner) > 1
    }
    groups: dict[str, list[Span]] = {}
    top: dict[str, str] = {}
    for span in models:
        if span.span_id in frames:
            continue
        parent = above.get(span.span_id)
        top[span.span_id] = top[parent] if parent is not None and parent in top else span.span_id
        groups.setdefault(top[span.span_id], []).append(span)
    return list(groups.values())


def _answers(span_id: str, below: Mapping[str, list[str]], facts: Mapping[str, Facts]) -> bool:
    return any(facts[one].usage for one in below.get(span_id, ()))


def _call(
    members: list[Span],
    tree: Tree,
    facts: Mapping[str, Facts],
    first_token_events: Collection[str],
) -> Call:
    call = Call(members[0], members, UNKNOWN)
    for span in members:
        _add_words(call, span, facts[span.span_id])
    for span in reversed(members):  # the innermost report is the closest to the API
        _add_numbers(call, span, facts[span.span_id], first_token_events)
    call.error = next(
        (error for span in members if (error := error_of(span, facts[span.span_id]))), None
    )
    if call.model is None:
        call.request_model = _model_above(call, tree, facts)
    _price(call)
    return call


def untold_error(call: Call) -> Error | None:
    """Return why a request without an answer failed, where no span says that it did."""
    if call.outputs:
        return None
    for span in call.members:
        for key in HTTP_STATUS:
            status = count(span.attributes.get(key))
            if status is not None and status >= HTTP_ERROR_MIN:
                return Error(str(status), text(span.attributes.get("error.message")))
    return Error("error", None) if "error" in call.finish_reasons else None


def _add_words(call: Call, span: Span, known: Facts) -> None:
    """Add what a report of a request was asked and answered, where those around it do not tell."""
    if not call.inputs:
        call.inputs = span_facts.inputs(span, known)
        call.is_framed = call.is_framed or (not call.inputs and len(call.members) > 1)
    if not call.outputs:
        call.outputs = span_facts.outputs(span, known)
    if call.system is None:
        call.system = span_facts.system(span, known, call.inputs)


def _add_numbers(call: Call, span: Span, known: Facts, first_token_events: Collection[str]) -> None:
    """Add names and counts of a report of a request, where those inside it do not tell."""
    fact = known.values.get
    if not call.usage:
        call.usage = known.usage
    call.request_model = call.request_model or fact("request_model")
    call.response_model = call.response_model or fact("response_model")
    call.provider = call.provider or fact("provider")
    call.response_id = call.response_id or fact("response_id")
    call.finish_reasons = call.finish_reasons or fact("finish_reasons") or []
    if call.ttft_ms is None:
        call.ttft_ms = first_token_ms(span, known, first_token_events)
    if call.cost_usd is None and fact("cost_usd") is not None:
        call.cost_usd, call.cost_source = fact("cost_usd"), "reported"


def _model_above(call: Call, tree: Tree, facts: Mapping[str, Facts]) -> str | None:
    """Return the model that an outer span names for all of its requests; they name none."""
    above = (facts[span.span_id].get("request_model") for span in tree.ancestors(call.span.span_id))
    return next((model for model in above if model), None)


def _price(call: Call) -> None:
    """Estimate what a request cost, where nobody reports it."""
    if call.error and call.cost_usd == 0.0:  # written by rote on failed calls
        call.cost_usd, call.cost_source = None, None
    if call.cost_usd is None:
        call.cost_usd = estimate_usd(
            (call.response_model, call.request_model),
            call.provider,
            call.usage,
            call.span.start_unix_nano,
        )
        call.cost_source = "estimated" if call.cost_usd is not None else None


def _once_per_response(found: Sequence[Call]) -> list[Call]:
    """Merge calls that name the same response: siblings made by two instrumentations."""
    if len(found) < 2:
        return list(found)
    kept: list[Call] = []
    by_response: dict[str, Call] = {}
    for call in sorted(
        found, key=lambda c: (not (c.inputs or c.outputs), c.span.start_unix_nano, c.span.span_id)
    ):
        first = by_response.get(call.response_id) if call.response_id else None
        if first is None:
            kept.append(call)
            if call.response_id:
                by_response[call.response_id] = call
            continue
        first.members += call.members
        first.inputs = first.inputs or call.inputs
        first.outputs = first.outputs or call.outputs
        if not first.usage:
            first.usage = call.usage
        better = first.cost_usd is None or call.cost_source == "reported"
        if first.cost_source != "reported" and call.cost_usd is not None and better:
            first.cost_usd, first.cost_source = call.cost_usd, call.cost_source
    return kept


def is_failed(span: Span, known: Facts) -> bool:
    """Whether a span has an error, by its status, its attributes, or what its family says."""
    return span.status_code == "error" or known.values.get("error_type") is not None


def error_of(span: Span, known: Facts) -> Error | None:
    """Return the error of a span; None when it has none."""
    if not is_failed(span, known):
        return None
    kind = known.values.get("error_type")
    message = known.get("error_message")
    for event in span.events:
        if event.name == "exception":
            kind = name(event.attributes.get("exception.type")) or kind
            message = text(event.attributes.get("exception.message")) or message
    message = message or span.status_message or None
    if message:  # some libraries append where it happened
        message = WHERE.split(message, maxsplit=1)[0].strip() or message
    return Error(kind, message[:ERROR_TEXT_LENGTH_MAX] if message else None)


def first_token_ms(span: Span, known: Facts, first_token_events: Collection[str]) -> float | None:
    """Return milliseconds from the start of a request to its first token; None if not streamed."""
    ttft_ms, ttft_s = known.values.get("ttft_ms"), known.values.get("ttft_s")
    if ttft_ms is not None:
        return float(ttft_ms)
    if ttft_s is not None:
        return float(ttft_s) * 1000
    started = known.values.get("first_token_at")
    if started:
        try:
            moment = datetime.datetime.fromisoformat(started)
        except ValueError:
            return None
        wait = moment.timestamp() * 1000 - span.start_unix_nano / 1e6
        return wait if wait >= 0 else None
    if not span.events:
        return None
    first = min(
        (event.time_unix_nano for event in span.events if event.name in first_token_events),
        default=None,
    )
    return (
        None
        if first is None or first < span.start_unix_nano
        else (first - span.start_unix_nano) / 1e6
    )


def plain_error(error: Error | None) -> ErrorRow | None:
    """Return an error as the JSON that readers get."""
    return None if error is None else {"type": error.type, "message": error.message}
