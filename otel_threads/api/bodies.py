"""What writing calls take. A field that is none of these is an error."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewScore(_Body):
    """A score to write, in place of the current one of the same target, name and author."""

    project: str | None = Field(None, description="The default project if left out.")
    thread_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = Field(None, description="With trace_id.")
    name: str = Field(min_length=1, max_length=200)
    value: float | None = Field(None, allow_inf_nan=False, description="Needed without category.")
    category: str | None = Field(None, max_length=200)
    reason: str | None = Field(None, max_length=10_000)
    source: Literal["ui", "sdk", "api", "online", "otel"] | None = None
    author: str | None = Field(None, max_length=200)


class NewScores(_Body):
    """Scores to write, all or none."""

    scores: list[NewScore] = Field(min_length=1, max_length=1000)
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"scores": [{"thread_id": "chat-1", "name": "quality", "value": 0.8}]},
            ]
        },
    )


class ScoreTarget(_Body):
    """Which scores: of one target and name, of one author or of all."""

    project: str | None = None
    thread_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    name: str = Field(min_length=1, max_length=200)
    author: str | None = None


class ScoreTargets(_Body):
    """Scores to delete. One target may also stand alone, without the list around it."""

    scores: list[ScoreTarget] = Field(min_length=1, max_length=1000)

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, given: Any) -> Any:
        alone = isinstance(given, dict) and "name" in given and "scores" not in given
        return {"scores": [given]} if alone else given


class ThreadIds(_Body):
    """Threads of one project."""

    project: str | None = None
    thread_ids: list[str] = Field(min_length=1, max_length=1000)


class TraceIds(_Body):
    """Traces, of one project or of all."""

    project: str | None = None
    trace_ids: list[str] = Field(min_length=1, max_length=1000)


class TagChange(_Body):
    """Tags to add to and to remove from threads, or traces."""

    project: str | None = None
    thread_ids: list[str] = Field(default_factory=list, max_length=1000)
    trace_ids: list[str] = Field(default_factory=list, max_length=1000)
    add: list[str] = Field(default_factory=list, max_length=50)
    remove: list[str] = Field(default_factory=list, max_length=1000)


class NewComment(_Body):
    """A comment to write."""

    project: str | None = None
    thread_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = Field(None, description="With trace_id.")
    text: str = Field(min_length=1, max_length=10_000)
    author: str | None = Field(None, max_length=200)


class CommentChange(_Body):
    """A comment's new words."""

    text: str = Field(min_length=1, max_length=10_000)


class NewView(_Body):
    """A selection to save, in place of the one of that name."""

    project: str | None = None
    name: str = Field(min_length=1, max_length=200)
    filter: str | None = Field(None, max_length=10_000)
    sort: str | None = None
    columns: list[str] = Field(default_factory=list, max_length=100)


class ProjectSettings(_Body):
    """What a project has of its own; null takes the server's setting."""

    project: str = Field(min_length=1, max_length=200)
    thread_cooldown_s: float | None = Field(None, gt=0, le=1e9, allow_inf_nan=False)
    retention_days: float | None = Field(
        None, strict=True, ge=0, le=1e6, allow_inf_nan=False, description="0 keeps everything."
    )
    input_path: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="What the page shows of a turn as its input.",
        examples=["inputs.messages[-1].content"],
    )
    output_path: str | None = Field(
        None, min_length=1, max_length=500, description="And as its output."
    )
