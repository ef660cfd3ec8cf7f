"""A run: a span as LangSmith's API has it, whether it came as records or by OTLP. Pure."""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from otel_threads.core import record
from otel_threads.core.attachment import Attachment
from otel_threads.core.span import ListedSpan, TreeSpan
from otel_threads.core.trace import Trace
from otel_threads.core.usage import Usage
from otel_threads.derive import family as derived
from otel_threads.derive.cost import estimate_usd
from otel_threads.derive.span_facts import kind_of
from otel_threads.vendors import times
from otel_threads.vendors.ids import (
    project_uuid_of,
    span_uuid_of,
    trace_uuid_of,
    uuid_text,
)
from otel_threads.vendors.langsmith.feedback import Feedback
from otel_threads.vendors.langsmith.otlp_runs import otlp_fields, span_of
from otel_threads.vendors.langsmith.records import VENDOR
from otel_threads.vendors.langsmith.run_filter import Pair, Value
from otel_threads.vendors.langsmith.texts import value, written

RUN_TYPES = ("chain", "llm", "tool", "retriever", "embedding", "prompt", "parser")
PAIRS_MAX = 5000  # of one run: what filters of keys and values look at
_KINDS: Mapping[str, str] = {
    "llm": "llm",
    "tool": "tool",
    "retriever": "retriever",
    "embedding": "embedding",
    "prompt": "prompt",
}


@dataclass(frozen=True, slots=True)
class Sums:
    """Tokens and cost of a run and all below it; None is unknown.

    `prompt_cost_usd` is the share of the input: unknown where a cost was reported as a whole.
    """

    usage: Usage | None
    cost_usd: float | None
    prompt_cost_usd: float | None = None

    @property
    def completion_cost_usd(self) -> float | None:
        """The share of the output."""
        if self.cost_usd is None or self.prompt_cost_usd is None:
            return None
        return self.cost_usd - self.prompt_cost_usd


class TraceTree:
    """The spans of one trace: who is above, who is below, what all below add up to."""

    def __init__(self, spans: Iterable[TreeSpan]) -> None:
        self.spans = {span.span_id: span for span in spans}
        self.children: dict[str, list[TreeSpan]] = {}
        for span in self.spans.values():
            if span.parent_span_id in self.spans and span.parent_span_id != span.span_id:
                self.children.setdefault(span.parent_span_id or "", []).append(span)

    def run_id(self, span_id: str) -> str:
        """Return the UUID of a span as a run."""
        span = self.spans.get(span_id)
        return (span.record_id if span else None) or span_uuid_of(span_id)

    def above(self, span_id: str) -> list[str]:
        """Return the ids of the spans above one, the root first."""
        found: list[str] = []
        seen = {span_id}
        span = self.spans.get(span_id)
        while span is not None and span.parent_span_id and span.parent_span_id not in seen:
            seen.add(span.parent_span_id)
            found.append(span.parent_span_id)
            span = self.spans.get(span.parent_span_id)
        return found[::-1]

    def below(self, span_id: str) -> Iterator[TreeSpan]:
        """Yield the spans below one, in no order."""
        stack, seen = [span_id], {span_id}
        while stack:
            for child in self.children.get(stack.pop(), ()):
                if child.span_id not in seen:
                    seen.add(child.span_id)
                    stack.append(child.span_id)
                    yield child

    def sums(self, span_id: str) -> Sums:
        """Return what a span and all below it add up to."""
        spans = [self.spans[span_id]] if span_id in self.spans else []
        called = [one for one in (*spans, *self.below(span_id)) if one.usage is not None]
        usages = [one.usage for one in called if one.usage is not None]
        priced = [one for one in called if one.cost_usd is not None]
        prompts = [cost for one in priced if (cost := _prompt_cost_usd(one)) is not None]
        return Sums(
            _total(usages),
            sum(one.cost_usd or 0.0 for one in priced) if priced else None,
            sum(prompts) if prompts and len(prompts) == len(priced) else None,
        )


def _prompt_cost_usd(span: TreeSpan) -> float | None:
    """Return what the input of a model request cost, by the price list that its cost is of."""
    if span.cost_source != "estimated" or span.usage is None or span.usage.input_tokens is None:
        return None
    usage = derived.Usage(
        input_tokens=span.usage.input_tokens,
        output_tokens=0,
        cache_read_tokens=span.usage.cache_read_tokens,
        cache_write_tokens=span.usage.cache_write_tokens,
        input_audio_tokens=span.usage.input_audio_tokens,
    )
    return estimate_usd(span.models, span.provider, usage, span.start_time_unix_nano)


def _total(usages: Sequence[Usage]) -> Usage | None:
    if not usages:
        return None
    names = Usage.__dataclass_fields__
    sums: dict[str, int | None] = {}
    for name in names:
        known = [n for usage in usages if (n := getattr(usage, name)) is not None]
        sums[name] = sum(known) if known else None
    return Usage(**sums)


@dataclass(slots=True)
class Around:
    """What a run needs to know beside its own span; what nobody asked for stays empty."""

    trace: Trace | None = None
    tree: TraceTree | None = None
    feedback: Sequence[Feedback] = field(default_factory=list)
    attachments: Sequence[Attachment] = field(default_factory=list)


class Run:
    """One run. It is a `run_filter.Subject`.

    Long fields are there once `SpanService.with_attributes` filled them in.
    """

    def __init__(self, span: ListedSpan, around: Around | None = None) -> None:
        self.span = span
        self.around = around or Around()

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The run's fields, each as JSON text: as received, or made of OTLP's attributes."""
        attributes = self.span.attributes
        if attributes.get(record.VENDOR) == VENDOR:
            start = len(record.FIELD)
            return {k[start:]: v for k, v in attributes.items() if k.startswith(record.FIELD)}
        return otlp_fields(self.span)

    def parsed(self, name: str) -> Any:
        """Return what a field holds, None without one."""
        text = self.fields.get(name)
        return None if text is None else value(text)

    @property
    def id(self) -> str:
        """The UUID."""
        told = self.span.attributes.get(record.ID)
        return told if isinstance(told, str) else span_uuid_of(self.span.span_id)

    @property
    def trace_id(self) -> str:
        """The UUID of the trace."""
        told = self.span.attributes.get(record.TRACE_ID)
        return told if isinstance(told, str) else trace_uuid_of(self.span.trace_id)

    @property
    def is_root(self) -> bool:
        """Whether no run is above it."""
        return self.span.parent_span_id is None

    @property
    def parent_run_id(self) -> str | None:
        """The UUID of the run above."""
        above = self.span.parent_span_id
        if above is None:
            return None
        told = uuid_text(self.parsed("parent_run_id"))
        if told:
            return told
        return self.around.tree.run_id(above) if self.around.tree else span_uuid_of(above)

    @property
    def project(self) -> str:
        """The project's name: the trace's, which a span of another project belongs to."""
        return self.span.project

    @property
    def session_id(self) -> str:
        """The project's UUID."""
        return project_uuid_of(self.project)

    @property
    def run_type(self) -> str:
        """One of RUN_TYPES."""
        told = self.parsed("run_type")
        if isinstance(told, str) and told:
            return told
        kind, _ = kind_of(span_of(self.span))
        return _KINDS.get(kind or "", "chain")

    @property
    def start_unix_nano(self) -> int:
        """When it began."""
        return self.span.start_time_unix_nano

    @property
    def end_unix_nano(self) -> int | None:
        """When it ended; None while it is in progress."""
        if self.span.attributes.get(record.IN_PROGRESS) is True:
            return None
        return self.span.end_time_unix_nano

    @property
    def error(self) -> str | None:
        """What failed."""
        told = self.parsed("error")
        if told:
            return told if isinstance(told, str) else written(told)
        if self.span.status_code == "error" and record.VENDOR not in self.span.attributes:
            return self.span.status_message or "error"
        return None

    @property
    def status(self) -> str:
        """`error`, `success`, or `pending` while it is in progress."""
        if self.error:
            return "error"
        return "pending" if self.end_unix_nano is None else "success"

    @property
    def latency_s(self) -> float | None:
        """Seconds from start to end; None while it is in progress."""
        end = self.end_unix_nano
        return None if end is None else (end - self.start_unix_nano) / 1e9

    @property
    def thread_id(self) -> str | None:
        """The conversation: the trace's, of several the run's own, else the first."""
        trace = self.around.trace
        own = self.parsed("thread_id")
        if trace is None:
            return own if isinstance(own, str) else None
        if trace.thread_id is not None or not trace.thread_ids:
            return trace.thread_id or (own if isinstance(own, str) else None)
        return own if own in trace.thread_ids else trace.thread_ids[0]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Metadata as they were sent."""
        found = self.parsed("metadata")
        return found if isinstance(found, dict) else {}

    @cached_property
    def told_usage(self) -> Mapping[str, Any]:
        """What a model request says of its tokens and cost, as it was sent: `usage_metadata`."""
        if self.run_type != "llm":
            return {}
        outputs = self.parsed("outputs")
        told = outputs.get("usage_metadata") if isinstance(outputs, dict) else None
        told = told or self.metadata.get("usage_metadata")
        return told if isinstance(told, dict) else {}

    @property
    def tags(self) -> list[str]:
        """Tags as texts, in the order in which they were sent; a text alone is one, too."""
        found = self.parsed("tags")
        told = found if isinstance(found, list) else [found]
        return [tag if isinstance(tag, str) else written(tag) for tag in told if tag is not None]

    @property
    def first_token_unix_nano(self) -> int | None:
        """When the first token came."""
        events = self.parsed("events")
        found = [
            time
            for event in (events if isinstance(events, list) else ())
            if isinstance(event, dict) and event.get("name") == "new_token"
            if (time := times.unix_nano(event.get("time"))) is not None
        ]
        return min(found, default=None)

    @cached_property
    def sums(self) -> Sums:
        """Tokens and cost of the run and all below it."""
        tree, trace = self.around.tree, self.around.trace
        own = self._told_usage
        if tree is not None:
            found = tree.sums(self.span.span_id)
            return found if found.usage is not None else replace(found, usage=own)
        if trace is not None and self.is_root and trace.usage.total_tokens is not None:
            return Sums(trace.usage, trace.cost_usd)
        return Sums(own, None)

    @property
    def _told_usage(self) -> Usage | None:
        """Return the tokens that the run itself tells."""
        outputs = self.parsed("outputs")
        told = outputs.get("usage_metadata") if isinstance(outputs, dict) else None
        told = told or self.metadata.get("usage_metadata")
        if not isinstance(told, dict):
            return None
        counts = {
            name: derived.count(one) if type(one := told.get(name)) is int else None
            for name in ("input_tokens", "output_tokens", "total_tokens")
        }
        rest = dict.fromkeys(set(Usage.__dataclass_fields__) - counts.keys())
        return Usage(**counts, **rest) if any(counts.values()) else None

    @property
    def dotted_order(self) -> str:
        """Its place in the tree of the trace: times and ids from the root down."""
        told = self.parsed("dotted_order")
        if isinstance(told, str) and told:
            return told
        tree = self.around.tree
        above = tree.above(self.span.span_id) if tree else []
        steps = [
            _step(tree.spans[one].start_time_unix_nano, tree.run_id(one))
            for one in above
            if tree is not None and one in tree.spans
        ]
        return ".".join((*steps, _step(self.start_unix_nano, self.id)))

    @property
    def parent_run_ids(self) -> list[str]:
        """The UUIDs of the runs above, the root first."""
        steps = (step.partition("Z")[2] for step in self.dotted_order.split(".")[:-1])
        return [found for step in steps if (found := uuid_text(step))]

    # What filters ask.

    def values(self, field: str) -> Sequence[Value]:
        """Return what a field of `run_filter.FIELDS` holds."""
        if field in ("tags", "tag"):
            return self.tags
        if field in ("inputs", "outputs"):
            text = self.fields.get(field)
            return () if text is None else (text,)
        read = _VALUES.get(field)
        found = read(self) if read else None
        return () if found is None else (found,)

    def pairs(self, family: str) -> Iterable[Pair]:
        """Return the pairs of a family of `run_filter.FAMILIES`."""
        match family:
            case "metadata":
                return [
                    {"metadata_key": key, "metadata_value": plain(one)}
                    for key, one in self.metadata.items()
                ]
            case "feedback":
                return [one.pair for one in self.around.feedback]
            case _:
                flat = flattened(self.parsed(f"{family}s"))
                return [{f"{family}_key": key, f"{family}_value": one} for key, one in flat]

    def texts(self, field: str | None) -> Iterable[str]:
        """Return the texts of a field, of all that are searched for None."""
        for name in ("inputs", "outputs", "error", "name") if field is None else (field,):
            if name == "name":
                yield self.span.name
            elif name == "error":
                yield self.error or ""
            else:
                for _, one in flattened(self.parsed(name)):
                    if isinstance(one, str):
                        yield one


def _step(unix_nano: int, run_id: str) -> str:
    seconds, nanos = divmod(unix_nano, 1_000_000_000)
    time = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{time:%Y%m%dT%H%M%S}{nanos // 1000:06d}Z{run_id}"


def time_of(unix_nano: int | None) -> datetime.datetime | None:
    """Return a time as filters compare it."""
    if unix_nano is None:
        return None
    return datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(
        microseconds=unix_nano // 1000
    )


def _first_token_s(run: Run) -> float | None:
    first = run.first_token_unix_nano
    return None if first is None else (first - run.start_unix_nano) / 1e9


def _tokens(name: str) -> Any:
    def read(run: Run) -> Value:
        usage = run.sums.usage
        found: int | None = None if usage is None else getattr(usage, name)
        return found

    return read


_VALUES: Mapping[str, Any] = {
    "id": lambda run: run.id,
    "trace_id": lambda run: run.trace_id,
    "parent_run_id": lambda run: run.parent_run_id,
    "session_id": lambda run: run.session_id,
    "reference_example": lambda run: run.parsed("reference_example_id"),
    "reference_example_id": lambda run: run.parsed("reference_example_id"),
    "name": lambda run: run.span.name,
    "run_type": lambda run: run.run_type,
    "status": lambda run: run.status,
    "error": lambda run: run.error,
    "thread_id": lambda run: run.thread_id,
    "start_time": lambda run: time_of(run.start_unix_nano),
    "end_time": lambda run: time_of(run.end_unix_nano),
    "latency": lambda run: run.latency_s,
    "first_token_time": _first_token_s,
    "total_tokens": _tokens("total_tokens"),
    "prompt_tokens": _tokens("input_tokens"),
    "completion_tokens": _tokens("output_tokens"),
    "total_cost": lambda run: run.sums.cost_usd,
    "is_root": lambda run: run.is_root,
}


def plain(found: Any) -> Value:
    """Return a value as filters compare it: an object or list as its JSON text."""
    if isinstance(found, dict | list):
        return written(found)
    return found if isinstance(found, str | int | float | bool) else None


def flattened(found: Any) -> list[tuple[str, Value]]:
    """Return the leaves of a JSON value by their dotted keys; items of lists have their list's.

    Objects and lists are there, too, as JSON text. At most PAIRS_MAX.
    """
    flat: list[tuple[str, Value]] = []
    stack: list[tuple[str, Any]] = [("", found)]
    while stack and len(flat) < PAIRS_MAX:
        key, one = stack.pop()
        if isinstance(one, dict):
            stack += [(f"{key}.{name}" if key else name, inner) for name, inner in one.items()]
        elif isinstance(one, list):
            stack += [(key, inner) for inner in one]
        else:
            flat.append((key, plain(one)))
    return flat
