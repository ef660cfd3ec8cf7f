"""Rules that judge threads which have become inactive, and what became of each thread."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal, Protocol, TypedDict

from otel_threads.core.fields import Described
from otel_threads.core.message import Json
from otel_threads.core.ports import ThreadKey

RuleKind = Literal["llm_judge", "python", "builtin"]
RuleContext = Literal["messages", "transcript", "pairs", "first_and_last", "traces"]
OutputKind = Literal["numeric", "categorical", "boolean"]
DecisionState = Literal["waiting", "sampled_out", "not_matched", "over_budget", "scored", "failed"]
FilterTime = Literal["inactive", "first_sight"]
RunKind = Literal["online", "backfill", "dry_run"]
LogLevel = Literal["INFO", "WARN", "ERROR"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutput:
    """A score that a rule writes; `min` and `max` bound a number, `categories` are all labels."""

    name: str
    kind: OutputKind = "numeric"
    description: str | None = None
    categories: list[str] | None = None
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptMessage:
    """A message of a prompt that is a template: `{{context}}` is the conversation as JSON."""

    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """A rule as it is written; a later one with the same project and name takes its place."""

    name: str
    kind: RuleKind
    project: str | None = None
    target: Literal["thread"] = "thread"
    is_enabled: bool = True
    filter: str | None = None
    filter_time: Annotated[
        FilterTime, Described("When the filter is looked at; at first sight it is kept, too.")
    ] = "inactive"
    sampling_rate: float = 1.0
    budget_usd_per_day: float | None = None
    model: str | None = None
    temperature: float | None = None
    prompt: str | None = None
    prompt_messages: list[PromptMessage] | None = None
    context: RuleContext = "messages"
    outputs: list[RuleOutput] | None = None
    code: str | None = None
    builtin: str | None = None
    author: str | None = None


class RuleChanges(TypedDict, total=False):
    """Fields of a rule to change; what is left out stays, None is nothing."""

    name: str
    kind: RuleKind
    project: str | None
    target: Literal["thread"]
    is_enabled: bool
    filter: str | None
    filter_time: FilterTime
    sampling_rate: float
    budget_usd_per_day: float | None
    model: str | None
    temperature: float | None
    prompt: str | None
    prompt_messages: list[PromptMessage] | None
    context: RuleContext
    outputs: list[RuleOutput] | None
    code: str | None
    builtin: str | None
    author: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that judges threads of a project once they are inactive."""

    rule_id: str
    version: int
    name: str
    project: str
    kind: RuleKind
    target: Literal["thread"]
    is_enabled: bool
    filter: str | None
    filter_time: FilterTime
    sampling_rate: float
    budget_usd_per_day: float | None
    model: str | None
    temperature: float | None
    prompt: str | None
    prompt_messages: list[PromptMessage] | None
    context: RuleContext
    outputs: list[RuleOutput]
    code: str | None
    builtin: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    author: str | None
    judge_version: Annotated[str, Described("Of prompt, model and outputs; on each score.")]
    counts: Annotated[dict[str, int], Described("Threads by the state of their decision.")]
    cost_usd: Annotated[float, Described("Of all of its runs.")]
    cost_usd_today: Annotated[float, Described("Since 00:00 UTC, without backfills.")]
    problem: Annotated[
        str | None,
        Described("Why the rule judges nothing, or how its endpoint fails; null while it can."),
    ]

    @property
    def score_author(self) -> str:
        """The author of the scores that it writes."""
        return f"rule:{self.name}"


# What a judge is: a change of one of these makes another judge, with another version.
JUDGE_FIELDS = (
    "kind",
    "model",
    "temperature",
    "prompt",
    "prompt_messages",
    "context",
    "outputs",
    "code",
    "builtin",
)


def judge_version(rule: NewRule | Rule, *, model: str | None = None) -> str:
    """Return 12 hexadecimal digits that only the same prompt, model, outputs and code have.

    `model` is the server's, for a rule without one of its own.
    """
    if rule.kind == "llm_judge" and rule.model is None:
        rule = replace(rule, model=model)
    whole = asdict(rule)
    told = json.dumps({name: whole[name] for name in JUDGE_FIELDS}, sort_keys=True)
    return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedScore:
    """A score that a judge gave: a number, a category, or both; with its reason."""

    name: str
    value: float | None = None
    category: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one run: scores, or an error that says why there are none.

    `is_retryable`: the same run may succeed later, `retry_after_s` from now at the earliest where
    the model's server said so. `is_endpoint_error`: the others of this kind would fail alike.
    `response_text` is what did not fit, cut.
    """

    scores: list[JudgedScore]
    error: str | None = None
    is_retryable: bool = False
    is_endpoint_error: bool = False
    retry_after_s: float | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reported_cost_usd: float | None = None
    response_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a rule decided about a thread, and why."""

    project: str
    thread_id: str
    state: DecisionState
    reason: str | None
    scores: list[JudgedScore]
    cost_usd: float | None
    judge_version: str | None
    decided_at: datetime.datetime
    attempt_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DryScored:
    """What a rule would write on a thread, or why it would not."""

    project: str
    thread_id: str
    scores: list[JudgedScore]
    error: str | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a rule would do: on some threads, and in cost a day at the pace of the last week."""

    matched_count: int
    scored: list[DryScored]
    cost_usd: float | None
    estimated_cost_usd_per_day: float | None
    judge_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """How many threads a backfill will judge."""

    queued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Homed:
    """Which of some threads a node may judge, and which somebody else judges from now on.

    What is in neither waits: whether the node has all of it is not known yet.
    """

    here: frozenset[ThreadKey]
    elsewhere: frozenset[ThreadKey] = frozenset()


class Homes(Protocol):
    """Knows where threads are whole. Without a lake that is everywhere."""

    def of(self, threads: Mapping[ThreadKey, int]) -> Homed:
        """Return where threads are judged, each given with the commit of its newest trace here.

        Raises:
            StoreFailed: that cannot be known now.
        """

    def spent(self, since: datetime.datetime) -> Sequence["RuleSpent"]:
        """Return what runs elsewhere cost, in the shape of one's own; as of some seconds ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpent:
    """What the runs of a rule, or of one of its backfills, cost in US dollars.

    `run_usd` is the mean of a run of today, `output_tokens_max` the most of one answer of today.
    """

    rule_id: str
    backfill_id: str | None
    cost_usd: float
    cost_usd_today: float
    run_usd: float | None
    output_tokens_max: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLogEntry:
    """A line of a rule's log."""

    logged_at: datetime.datetime
    level: LogLevel
    message: str
    project: str | None
    thread_id: str | None


class RunNote(TypedDict):
    """What the server notes of a run: whose it is, and which state of the thread is judged."""

    kind: RunKind
    rule_id: str
    rule_name: str
    project: str
    thread_id: str
    judge_version: str
    model: str | None
    trace_sequence: int | None  # of the thread's newest trace; None: nothing is decided
    attempt_count: int  # before this run
    backfill_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run for the worker: what to judge with, and the conversation.

    `conversation` is JSON: what the judge gets as its context, what Python code gets as its
    argument. Without outputs a model is asked `prompt_messages` as they are, for an answer of
    `schema`. `about` is the server's own note, which comes back with the outcome.
    """

    run_id: str
    kind: RuleKind
    outputs: list[RuleOutput]
    conversation: str
    model: str | None = None
    temperature: float | None = None
    prompt: str | None = None
    prompt_messages: list[PromptMessage] | None = None
    code: str | None = None
    builtin: str | None = None
    schema: Json | None = None
    about: RunNote | None = None
