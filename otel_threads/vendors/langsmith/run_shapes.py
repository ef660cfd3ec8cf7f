"""Objects of LangSmith's API: runs of v1 and v2, projects. Fields come back as they were sent."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from otel_threads.core.project import OwnProject, Project
from otel_threads.core.usage import Usage
from otel_threads.derive.family import count
from otel_threads.vendors import times
from otel_threads.vendors.ids import project_uuid_of, uuid_text
from otel_threads.vendors.langsmith import feedback
from otel_threads.vendors.langsmith.runs import Run, Sums

TENANT_ID = "00000000-0000-0000-0000-000000000001"
PREVIEW_LENGTH_MAX = 1000
# Always there, whatever was selected: SDKs fail without them.
ALWAYS = (
    "id",
    "name",
    "run_type",
    "start_time",
    "trace_id",
    "session_id",
    "status",
    "dotted_order",
)
Read = Callable[[Run], Any]


# SDKs check the type of each field, and one run of another type costs its whole list: what has the
# type goes out as it was sent, byte for byte, and what has not is put into it.


def _object(name: str, key: str, otherwise: Any = None) -> Read:
    """Return a reader of a field that is an object; another value stands in one under a key."""

    def read(run: Run) -> Any:
        text = run.fields.get(name)
        if text is None or text == "null":
            return otherwise
        whole = orjson.Fragment(text)
        return whole if text.lstrip()[:1] == "{" else {key: whole}

    return read


def _objects(name: str, key: str) -> Read:
    """Return a reader of a field that is a list of objects."""

    def read(run: Run) -> Any:
        found = run.parsed(name)
        if not isinstance(found, list):
            return [] if found is None else [found if isinstance(found, dict) else {key: found}]
        if all(isinstance(one, dict) for one in found):
            return orjson.Fragment(run.fields[name])
        return [one if isinstance(one, dict) else {key: one} for one in found]

    return read


def _uuid(name: str) -> Read:
    """Return a reader of a field that is a UUID, or null."""
    return lambda run: uuid_text(run.parsed(name))


def _usage(name: str) -> Read:
    def read(run: Run) -> Any:
        return getattr(run.sums.usage, name) if run.sums.usage is not None else None

    return read


def _told_cost(name: str, otherwise: Callable[[Sums], float | None]) -> Read:
    """Return a reader of a cost that the sender told; else of what we know of it."""

    def read(run: Run) -> float | None:
        told = run.told_usage.get(name)
        return told if _is_number(told) else otherwise(run.sums)

    return read


def _is_number(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool)


def _time(unix_nano: int | None) -> str | None:
    return None if unix_nano is None else times.iso(unix_nano)


def _child_run_ids(run: Run) -> list[str] | None:
    tree = run.around.tree
    if tree is None:
        return None
    below = sorted(tree.below(run.span.span_id), key=lambda one: one.start_time_unix_nano)
    return [tree.run_id(one.span_id) for one in below]


def _feedback_stats(run: Run) -> Any:
    return feedback.stats(run.around.feedback)


def _app_path(run: Run) -> str:
    return f"/#/trace?trace_id={run.span.trace_id}&span={run.span.span_id}"


def _raw_details(read: Read) -> Read:
    return lambda run: {"raw": read(run)}


V1: Mapping[str, Read] = {
    "id": lambda run: run.id,
    "name": lambda run: run.span.name,
    "run_type": lambda run: run.run_type,
    "start_time": lambda run: _time(run.start_unix_nano),
    "end_time": lambda run: _time(run.end_unix_nano),
    "trace_id": lambda run: run.trace_id,
    "session_id": lambda run: run.session_id,
    "status": lambda run: run.status,
    "dotted_order": lambda run: run.dotted_order,
    "inputs": _object("inputs", "input", {}),
    "outputs": _object("outputs", "output"),
    "extra": _object("extra", "extra"),
    "events": _objects("events", "event"),
    "tags": lambda run: run.tags,
    "error": lambda run: run.error,
    "serialized": _object("serialized", "serialized"),
    "manifest_id": _uuid("manifest_id"),
    "parent_run_id": lambda run: run.parent_run_id,
    "parent_run_ids": lambda run: run.parent_run_ids,
    "child_run_ids": _child_run_ids,
    "reference_example_id": _uuid("reference_example_id"),
    "thread_id": lambda run: run.thread_id,
    "prompt_tokens": _usage("input_tokens"),
    "completion_tokens": _usage("output_tokens"),
    "total_tokens": _usage("total_tokens"),
    "total_cost": lambda run: run.sums.cost_usd,
    "prompt_cost": _told_cost("input_cost", lambda sums: sums.prompt_cost_usd),
    "completion_cost": _told_cost("output_cost", lambda sums: sums.completion_cost_usd),
    "prompt_token_details": lambda run: _token_details(run, "input"),
    "completion_token_details": lambda run: _token_details(run, "output"),
    "prompt_cost_details": lambda run: _told_numbers(run, "input_cost_details"),
    "completion_cost_details": lambda run: _told_numbers(run, "output_cost_details"),
    "first_token_time": lambda run: _time(run.first_token_unix_nano),
    "feedback_stats": _feedback_stats,
    "app_path": _app_path,
    "session_name": lambda run: run.project,
    "s3_urls": lambda run: None,
}
_DEFAULT_V1 = tuple(name for name in V1 if name != "child_run_ids")
# Of v2, as its client selects them in upper case.
V2: Mapping[str, Read] = {
    **{name: read for name, read in V1.items() if name not in ("session_id", "s3_urls")},
    "project_id": lambda run: run.session_id,
    "run_type": lambda run: run.run_type.upper(),
    "status": lambda run: run.status.upper(),
    "is_root": lambda run: run.is_root,
    "latency_seconds": lambda run: run.latency_s,
    "metadata": lambda run: dict(run.metadata),
    "inputs_preview": lambda run: preview(run.fields.get("inputs")),
    "outputs_preview": lambda run: preview(run.fields.get("outputs")),
    "error_preview": lambda run: error_preview(run.error),
    **{
        f"{side}_{kind}_details": _raw_details(V1[f"{side}_{kind}_details"])
        for side in ("prompt", "completion")
        for kind in ("token", "cost")
    },
    "thread_evaluation_time": lambda run: None,
    "attachments": lambda run: {},
}
_ALWAYS_V2 = ("id",)
# What has to be there before a field can be told.
NEEDS_TREE = frozenset(
    {"prompt_tokens", "completion_tokens", "total_tokens", "total_cost", "child_run_ids"}
    | {"prompt_cost", "completion_cost"}
    | {"prompt_token_details", "completion_token_details"}
)
NEEDS_FEEDBACK = frozenset({"feedback_stats"})
NEEDS_FILES = frozenset({"s3_urls", "attachments"})  # attachments.py fills them in
LONG = {  # field of an object → fields of the run
    "inputs": ("inputs",),
    "outputs": ("outputs",),
    "extra": ("extra",),
    "metadata": ("metadata",),
    "events": ("events",),
    "first_token_time": ("events",),
    "tags": ("tags",),
    "serialized": ("serialized",),
    "error": ("error",),
    "inputs_preview": ("inputs",),
    "outputs_preview": ("outputs",),
}
# What has to be read where costs are asked for: a sender may have told them.
TOLD = ("outputs", "metadata")
_MAY_BE_TOLD = frozenset(
    f"{side}_{what}"
    for side in ("prompt", "completion")
    for what in ("cost", "cost_details", "token_details")
)


def to_read(names: Sequence[str]) -> tuple[str, ...]:
    """Return the fields that have to be read so that these can be shown."""
    more = TOLD if _MAY_BE_TOLD.intersection(names) else ()
    return tuple(dict.fromkeys((*names, *more)))


def selected_v1(select: Iterable[str] | None) -> tuple[str, ...]:
    """Return the fields of v1 that a selection means; unknown ones are left out.

    Who asks for a cost gets its details: SDKs read them, and do not ask for them.
    """
    if select is None:
        return _DEFAULT_V1
    wanted = set(select)
    details = [
        f"{side}_{kind}_details"
        for side in ("prompt", "completion")
        for kind in ("token", "cost")
        if f"{side}_cost" in wanted
    ]
    asked = (name for name in (*sorted(wanted), *details) if name in V1)
    return tuple(dict.fromkeys((*ALWAYS, *asked)))


def selected_v2(select: Iterable[str] | None) -> tuple[str, ...]:
    """Return the fields of v2 that a selection means; unknown ones are left out."""
    if not select:
        return _ALWAYS_V2
    lower = (name.lower() for name in select)
    return tuple(dict.fromkeys((*_ALWAYS_V2, *(name for name in lower if name in V2))))


def shown(run: Run, names: Iterable[str], table: Mapping[str, Read]) -> dict[str, Any]:
    """Return a run with these fields."""
    return {name: table[name](run) for name in names}


def preview(text: str | None) -> str | None:
    """Return the beginning of a text."""
    return None if text is None or text == "null" else text[:PREVIEW_LENGTH_MAX]


def error_preview(text: str | None) -> str | None:
    """Return the first line of an error: the rest is its traceback."""
    return preview(text.strip().split("\n", 1)[0]) if text else None


def _token_details(run: Run, side: str) -> dict[str, int]:
    """Return the tokens of one side by category: as told by a model request, and of those below."""
    usage = run.sums.usage
    counted = token_details(usage, side) if usage is not None else {}
    told = _told_numbers(run, f"{side}_token_details")
    counts = {category: count(number) for category, number in told.items()}
    return counted | {category: number for category, number in counts.items() if number is not None}


def _told_numbers(run: Run, name: str) -> dict[str, float]:
    told = run.told_usage.get(name)
    items = told.items() if isinstance(told, dict) else ()
    return {category: number for category, number in items if _is_number(number)}


def token_details(usage: Usage, side: str) -> dict[str, int]:
    """Return the tokens of one side by category."""
    named = {
        "input": {
            "cache_read": usage.cache_read_tokens,
            "cache_creation": usage.cache_write_tokens,
        },
        "output": {"reasoning": usage.reasoning_tokens, "audio": usage.output_audio_tokens},
    }
    return {name: tokens for name, tokens in named[side].items() if tokens is not None}


def session(project: Project, description: str | None) -> dict[str, Any]:
    """Return a project as a tracing session."""
    last = project.last_activity_time
    return _session(project.project, last, description, project.trace_count)


def empty_session(project: OwnProject) -> dict[str, Any]:
    """Return a project that somebody made and that has no runs."""
    return _session(project.project, project.created_at, project.description, 0)


def _session(
    name: str, start: datetime.datetime | None, description: str | None, run_count: int
) -> dict[str, Any]:
    start_time = start.isoformat() if start else None
    return {
        "id": project_uuid_of(name),
        "tenant_id": TENANT_ID,
        "name": name,
        "start_time": start_time,
        "end_time": None,
        "last_run_start_time": start_time if run_count else None,
        "description": description,
        "extra": None,
        "default_dataset_id": None,
        "reference_dataset_id": None,
        "run_count": run_count,
    }
