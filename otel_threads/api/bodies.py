"""What writing calls take. A field that is none of these is an error.

`given` of each returns the arguments of the service's method, for REST and gRPC alike.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from otel_threads.core import project, score
from otel_threads.core.limits import (
    COLUMNS_MAX,
    COOLDOWN_S_MAX,
    FILTER_LENGTH_MAX,
    ID_LENGTH_MAX,
    ITEMS_MAX,
    METADATA_MAX,
    NAME_LENGTH_MAX,
    PATH_LENGTH_MAX,
    QUESTION_LENGTH_MAX,
    RETENTION_DAYS_MAX,
    TAGS_MAX,
    TEXT_LENGTH_MAX,
    TURN_INDEX_MAX,
)


class Body(BaseModel):
    """What a call takes."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Return the arguments of the service's method: every field under its name."""
        return self.model_dump()


class NewScore(Body):
    """A score to write, in place of the current one of the same target, name and author."""

    project: str | None = Field(None, description="The default project if left out.")
    thread_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = Field(None, description="With trace_id.")
    turn_index: int | None = Field(
        None, strict=True, ge=0, le=TURN_INDEX_MAX, description="With thread_id: a turn, from 0."
    )
    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    value: float | None = Field(None, allow_inf_nan=False, description="Needed without category.")
    category: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    reason: str | None = Field(None, max_length=TEXT_LENGTH_MAX)
    source: score.ScoreSource | None = None
    author: str | None = Field(None, max_length=NAME_LENGTH_MAX)
    metadata: dict[str, str] | None = Field(None, max_length=METADATA_MAX)


class NewScores(Body):
    """Scores to write, all or none."""

    scores: list[NewScore] = Field(min_length=1, max_length=ITEMS_MAX)
    check_definitions: bool = Field(
        False, strict=True, description="Refuse what is not as its score definition says."
    )
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"scores": [{"thread_id": "chat-1", "name": "quality", "value": 0.8}]},
            ]
        },
    )

    def given(self) -> dict[str, Any]:
        """Return the scores as the service takes them."""
        return {
            "scores": [score.NewScore(**one.model_dump()) for one in self.scores],
            "check_definitions": self.check_definitions,
        }


class ScoreTarget(Body):
    """Which scores: of one target and name, of one author or of all."""

    project: str | None = None
    thread_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    turn_index: int | None = Field(None, strict=True, ge=0, le=TURN_INDEX_MAX)
    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    author: str | None = None


class ScoreTargets(Body):
    """Scores to delete. One target may also stand alone, without the list around it."""

    scores: list[ScoreTarget] = Field(min_length=1, max_length=ITEMS_MAX)

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, given: Any) -> Any:
        alone = isinstance(given, dict) and "name" in given and "scores" not in given
        return {"scores": [given]} if alone else given

    def given(self) -> dict[str, Any]:
        """Return the targets as the service takes them."""
        return {"scores": [score.ScoreTarget(**one.model_dump()) for one in self.scores]}


class ThreadIds(Body):
    """Threads of one project."""

    project: str | None = None
    thread_ids: list[str] = Field(min_length=1, max_length=ITEMS_MAX)


class IssueIds(Body):
    """Issues of one project."""

    project: str | None = None
    issue_ids: list[str] = Field(min_length=1, max_length=ITEMS_MAX)


class Question(Body):
    """A question in words."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": "Which conversations failed today?"}]},
    )
    question: str = Field(min_length=1, max_length=QUESTION_LENGTH_MAX)
    project: str | None = None
    thread_id: str | None = Field(
        None, max_length=ID_LENGTH_MAX, description="About this thread; else a filter or SQL."
    )


class TraceIds(Body):
    """Traces, of one project or of all."""

    project: str | None = None
    trace_ids: list[str] = Field(min_length=1, max_length=ITEMS_MAX)


class TagChange(Body):
    """Tags to add to and to remove from threads, or traces."""

    project: str | None = None
    thread_ids: list[str] = Field(default_factory=list, max_length=ITEMS_MAX)
    trace_ids: list[str] = Field(default_factory=list, max_length=ITEMS_MAX)
    add: list[str] = Field(default_factory=list, max_length=TAGS_MAX)
    remove: list[str] = Field(default_factory=list, max_length=ITEMS_MAX)


class NewComment(Body):
    """A comment to write."""

    project: str | None = None
    thread_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = Field(None, description="With trace_id.")
    text: str = Field(min_length=1, max_length=TEXT_LENGTH_MAX)
    author: str | None = Field(None, max_length=NAME_LENGTH_MAX)

    def given(self) -> dict[str, Any]:
        """Return the comment as the service takes it."""
        return {"comment": score.NewComment(**self.model_dump())}


class CommentChange(Body):
    """A comment's new text."""

    text: str = Field(min_length=1, max_length=TEXT_LENGTH_MAX)


class NewView(Body):
    """A selection to save, in place of the one of that name."""

    project: str | None = None
    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    filter: str | None = Field(None, max_length=FILTER_LENGTH_MAX)
    sort: str | None = None
    columns: list[str] = Field(default_factory=list, max_length=COLUMNS_MAX)

    def given(self) -> dict[str, Any]:
        """Return the view as the service takes it."""
        columns = tuple(self.columns)
        return {"view": project.NewView(**self.model_dump(exclude={"columns"}), columns=columns)}


class ProjectSettings(Body):
    """What a project has of its own; null takes the server's setting."""

    project: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    thread_cooldown_s: float | None = Field(None, gt=0, le=COOLDOWN_S_MAX, allow_inf_nan=False)
    retention_days: float | None = Field(
        None,
        strict=True,
        ge=0,
        le=RETENTION_DAYS_MAX,
        allow_inf_nan=False,
        description="0 keeps everything.",
    )
    input_path: str | None = Field(
        None,
        min_length=1,
        max_length=PATH_LENGTH_MAX,
        description="What the page shows of a turn as its input.",
        examples=["inputs.messages[-1].content"],
    )
    output_path: str | None = Field(
        None, min_length=1, max_length=PATH_LENGTH_MAX, description="And as its output."
    )

    def given(self) -> dict[str, Any]:
        """Return what was set: what is left out stays."""
        return self.model_dump(exclude_unset=True)
