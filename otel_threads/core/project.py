"""A project, what it has of its own, and its saved views."""

import datetime
from dataclasses import dataclass
from typing import TypedDict


class GivenSettings(TypedDict, total=False):
    """Settings of a project to change; what is left out stays, None takes the server's."""

    thread_cooldown_s: float | None
    retention_days: float | None
    input_path: str | None
    output_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """What a project has of its own; null takes the server's setting."""

    project: str
    thread_cooldown_s: float | None
    retention_days: float | None
    input_path: str | None
    output_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A namespace and what it holds."""

    project: str
    thread_count: int
    trace_count: int
    last_activity_time: datetime.datetime
    thread_cooldown_s: float | None
    retention_days: float | None
    input_path: str | None
    output_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewView:
    """A selection to save under its name."""

    project: str | None = None
    name: str
    filter: str | None = None
    sort: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A saved selection."""

    project: str
    name: str
    filter: str | None
    sort: str
    columns: list[str]
    created_at: datetime.datetime
    updated_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """A project to make by name."""

    project: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnProject:
    """A project; one that came with its first trace has neither description nor times."""

    project: str
    description: str | None
    created_at: datetime.datetime | None
    updated_at: datetime.datetime | None
