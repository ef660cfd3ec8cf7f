"""What calls about rules take. A field that is none of these is an error."""

import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from otel_threads.api.bodies import Body
from otel_threads.core import rule
from otel_threads.core.limits import (
    BACKFILL_THREADS_MAX,
    BUDGET_USD_MAX,
    CATEGORIES_MAX,
    CODE_LENGTH_MAX,
    DESCRIPTION_LENGTH_MAX,
    DRY_RUN_THREADS_MAX,
    FILTER_LENGTH_MAX,
    MODEL_LENGTH_MAX,
    NAME_LENGTH_MAX,
    OUTPUTS_MAX,
    PROMPT_LENGTH_MAX,
)


def _check_time(value: Any) -> Any:
    """Refuse numbers, which pydantic would read as seconds."""
    if not isinstance(value, str | None) or (value is not None and "-" not in value[1:]):
        raise ValueError("write an RFC 3339 time, as in 2026-01-31T09:30:00Z")
    return value


BodyTime = Annotated[datetime.datetime, BeforeValidator(_check_time)]


class RuleOutputBody(Body):
    """A score that a rule writes."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    kind: rule.OutputKind = "numeric"
    description: str | None = Field(None, max_length=DESCRIPTION_LENGTH_MAX)
    categories: list[str] | None = Field(None, max_length=CATEGORIES_MAX)
    min: float | None = Field(None, strict=True, allow_inf_nan=False)
    max: float | None = Field(None, strict=True, allow_inf_nan=False)


class TemplateMessage(Body):
    """A message of a prompt that is a template; `{{context}}` is the conversation as JSON."""

    role: Literal["system", "user"]
    content: str = Field(max_length=PROMPT_LENGTH_MAX)


class RuleFields(Body):
    """The fields of a rule but its kind and its name."""

    project: str | None = Field(None, description="The default project if left out; * for all.")
    target: Literal["thread"] = "thread"
    is_enabled: bool = True
    filter: str | None = Field(None, max_length=FILTER_LENGTH_MAX)
    filter_time: rule.FilterTime = "inactive"
    sampling_rate: float = Field(1.0, strict=True, ge=0, le=1)
    budget_usd_per_day: float | None = Field(None, strict=True, ge=0, le=BUDGET_USD_MAX)
    model: str | None = Field(None, min_length=1, max_length=MODEL_LENGTH_MAX)
    temperature: float | None = Field(None, strict=True, ge=0, le=2)
    prompt: str | None = Field(None, max_length=PROMPT_LENGTH_MAX)
    prompt_messages: list[TemplateMessage] | None = Field(None, max_length=10)
    context: rule.RuleContext = "messages"
    outputs: list[RuleOutputBody] | None = Field(None, max_length=OUTPUTS_MAX)
    code: str | None = Field(None, max_length=CODE_LENGTH_MAX)
    builtin: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    author: str | None = Field(None, max_length=NAME_LENGTH_MAX)

    def fields(self) -> rule.RuleChanges:
        """Return what was set, as core/ has it: what is left out stays."""
        found = self.model_dump(exclude_unset=True)
        if found.get("outputs") is not None:
            found["outputs"] = [rule.RuleOutput(**one) for one in found["outputs"]]
        if found.get("prompt_messages") is not None:
            found["prompt_messages"] = [
                rule.PromptMessage(**one) for one in found["prompt_messages"]
            ]
        return cast(rule.RuleChanges, found)


class NewRule(RuleFields):
    """A rule; it takes the place of the one with its project and name."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    kind: rule.RuleKind
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "helpful",
                    "kind": "llm_judge",
                    "is_enabled": False,
                    "prompt": "Did the assistant solve what the user came for?",
                    "outputs": [{"name": "solved", "kind": "boolean"}],
                }
            ]
        },
    )

    def given(self) -> dict[str, Any]:
        """Return the rule as the service takes it."""
        return {"given": rule.NewRule(**self.fields())}


class RuleChange(RuleFields):
    """Fields of a rule to change; what is left out stays."""

    name: str = Field("", max_length=NAME_LENGTH_MAX)
    kind: rule.RuleKind = "llm_judge"
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"sampling_rate": 0.5}]}
    )


class RuleTrial(Body):
    """On how many threads, or on which, a rule is tried; with changes that are not kept."""

    limit: int = Field(3, strict=True, ge=1, le=DRY_RUN_THREADS_MAX)
    thread_id: str | None = Field(None, description="On this thread, active or not.")
    changes: RuleChange | None = None
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"limit": 1}]})

    def given(self) -> dict[str, Any]:
        """Return the arguments of the service's method."""
        return {
            "limit": self.limit,
            "thread_id": self.thread_id,
            "changes": self.changes.fields() if self.changes else None,
        }


class Backfill(Body):
    """Which threads a rule judges that were here before it."""

    from_: BodyTime | None = Field(None, alias="from", description="Active at or after this time.")
    to: BodyTime | None = Field(None, description="Begun before this time.")
    limit: int | None = Field(None, strict=True, ge=1, le=BACKFILL_THREADS_MAX)
    budget_usd: float | None = Field(
        None, ge=0, le=BUDGET_USD_MAX, description="Needed where a model is asked."
    )
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"limit": 100, "budget_usd": 1}]}
    )

    def given(self) -> dict[str, Any]:
        """Return the arguments of the service's method."""
        values = self.model_dump()
        times = {"from_time": _aware(values.pop("from_")), "to_time": _aware(values.pop("to"))}
        return values | times


def _aware(time: datetime.datetime | None) -> datetime.datetime | None:
    """Read a time without a zone as UTC."""
    return time.replace(tzinfo=datetime.UTC) if time is not None and time.tzinfo is None else time


class Rules(BaseModel):
    """Rules, by project and name."""

    next_cursor: str | None
    total: int | None = None
    items: list[rule.Rule]


class Decisions(BaseModel):
    """Decisions of a rule, the latest first."""

    next_cursor: str | None
    total: int | None = None
    items: list[rule.Decision]


class RuleLog(BaseModel):
    """Lines of a rule's log, the latest first."""

    next_cursor: str | None
    total: int | None = None
    items: list[rule.RuleLogEntry]
