"""What calls that write answer."""

from dataclasses import dataclass
from typing import Annotated

from otel_threads.core.fields import Described
from otel_threads.core.score import UnknownTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many scores were written, and which of them name what is not here."""

    written: int
    unknown: Annotated[
        list[UnknownTarget],
        Described("Targets that are not here (yet): their scores are kept all the same."),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """How many were deleted."""

    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """How many were changed, and which ids are not here."""

    updated: int
    not_found: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedDemo:
    """The recorded conversations are stored; soon they are in the threads."""

    request_count: int
    span_count: int
    projects: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldRows:
    """Old traces that were or would be deleted, and the threads that lose their last one."""

    trace_count: int
    span_count: int
    thread_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a slice deleted, or with `dry_run` what all slices would."""

    trace_count: int
    span_count: int
    thread_count: Annotated[int, Described("Threads that lost their last trace.")]
    remaining: Annotated[int, Described("Traces for the next calls.")]
    used_bytes: Annotated[int, Described("What the rows take now, without free blocks.")]
