"""Feedback as LangSmith's API has it: read from bodies, shown, summed up, and as a score. Pure."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from otel_threads.core.errors import InvalidPayload
from otel_threads.core.feedback import NewFeedback, StoredFeedback
from otel_threads.core.limits import NAME_LENGTH_MAX, TEXT_LENGTH_MAX
from otel_threads.core.score import NewScore, fault
from otel_threads.derive.thread_id import as_kept
from otel_threads.vendors.ids import new_uuid, span_id_of, trace_id_of, uuid_text
from otel_threads.vendors.langsmith import texts
from otel_threads.vendors.langsmith.run_filter import Pair

SOURCES: Mapping[str, str] = {"app": "ui", "api": "sdk", "model": "online", "auto_eval": "online"}
COMMENTS_MAX = 10  # of one name, that feedback_stats show
VALUES_MAX = 100  # labels of one name likewise
# Of an object of the API, in its order; null where nothing was told.
SHOWN = (
    "run_id",
    "trace_id",
    "key",
    "score",
    "value",
    "comment",
    "correction",
    "session_id",
    "feedback_source",
    "feedback_thread_id",
    "feedback_group_id",
    "comparative_experiment_id",
    "start_time",
    "extra",
    "error",
)
# What a change may change.
CHANGED = ("score", "value", "correction", "comment", "feedback_config", "extra")


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback with its body parsed."""

    stored: StoredFeedback
    body: Mapping[str, Any]

    @property
    def score(self) -> float | None:
        """The number; 1 or 0 for a yes or no."""
        return number(self.body.get("score"))

    @property
    def pair(self) -> Pair:
        """What filters ask of it."""
        found = self.body.get("value")
        return {
            "feedback_key": self.stored.name,
            "feedback_score": self.score,
            "feedback_value": _text(found) if isinstance(found, dict | list) else found,
            "feedback_comment": self.body.get("comment"),
            "feedback_source": self.stored.source,
        }

    def shown(self) -> dict[str, Any]:
        """Return the object of the API."""
        made = {name: self.body.get(name) for name in SHOWN}
        return {
            "id": self.stored.feedback_id,
            "created_at": self.stored.created_at.isoformat(),
            "modified_at": self.stored.updated_at.isoformat(),
            **made,
        }


def parsed(stored: StoredFeedback) -> Feedback:
    """Return feedback with its body parsed."""
    return Feedback(stored, orjson.loads(stored.body))


def checked(text: str, feedback_id: str | None = None) -> dict[str, Any]:
    """Return a body with an id and a key.

    Raises:
        InvalidPayload: it is no object, or its key, id or run are none.
    """
    sound = texts.sound(text)
    body = orjson.loads(sound) if sound is not None else None
    if not isinstance(body, dict):
        raise InvalidPayload("feedback is not a JSON object")
    told = feedback_id or body.get("id")
    body["id"] = uuid_text(told) if told is not None else new_uuid()
    if body["id"] is None:
        raise InvalidPayload(f"feedback id {str(told)[:60]!r} is no UUID")
    key = body.get("key")
    if not isinstance(key, str) or not key.strip():
        raise InvalidPayload("feedback has no key")
    if body.get("run_id") is not None and uuid_text(body["run_id"]) is None:
        raise InvalidPayload(f"run_id {str(body['run_id'])[:60]!r} is no UUID")
    thread_id = body.get("feedback_thread_id")
    if body.get("run_id") is None and not (isinstance(thread_id, str) and thread_id):
        raise InvalidPayload("feedback needs a run_id or a feedback_thread_id")
    return body


@dataclass(frozen=True, slots=True)
class Place:
    """What feedback is about, as far as it is known; `is_root` where its run is a trace's root."""

    project: str
    trace_id: str | None = None
    span_id: str | None = None
    is_root: bool = False


def place_told(body: Mapping[str, Any], project: str) -> Place | None:
    """Return the place that a body tells by itself; None where its run has to be looked for."""
    run = uuid_text(body.get("run_id"))
    if run is None:
        return Place(project)
    trace = uuid_text(body.get("trace_id"))
    if trace is None:
        return None
    return Place(project, trace_id_of(trace), span_id_of(run, trace), is_root=run == trace)


def kept(body: Mapping[str, Any], place: Place) -> tuple[NewFeedback, NewScore | None]:
    """Return feedback to keep, and the score that it is."""
    told = body.get("feedback_source")
    kind = told.get("type") if isinstance(told, dict) else None
    source = kind if isinstance(kind, str) else "api"
    thread_id = body.get("feedback_thread_id") if place.span_id is None else None
    thread_id = as_kept(thread_id) if isinstance(thread_id, str) else None
    new = NewFeedback(
        feedback_id=body["id"],
        project=place.project,
        thread_id=thread_id,
        trace_id=place.trace_id,
        span_id=place.span_id,
        name=body["key"],
        source=source,
        body=_text(body),
    )
    if thread_id is None and place.trace_id is None:
        return new, None
    return new, _score(body, place, thread_id, SOURCES.get(source, "sdk"))


def _score(
    body: Mapping[str, Any], place: Place, thread_id: str | None, source: str
) -> NewScore | None:
    told = body.get("value")
    score = number(body.get("score"))
    if score is None:
        score = number(told)
    category = told if isinstance(told, str) else None
    if isinstance(told, dict | list):
        category = _text(told)
    if category is not None and not 0 < len(category.strip()) <= NAME_LENGTH_MAX:
        category = None
    if score is None and category is None:
        return None
    comment = body.get("comment")
    return NewScore(
        project=place.project,
        thread_id=thread_id,
        trace_id=place.trace_id,
        span_id=None if place.is_root else place.span_id,
        name=body["key"],
        value=score,
        category=category,
        reason=comment[:TEXT_LENGTH_MAX] if isinstance(comment, str) and comment else None,
        source=source,
    )


def number(told: Any) -> float | None:
    """Return a number that a score may have, 1 or 0 for a yes or no; None for all else."""
    if isinstance(told, bool):
        return float(told)
    if isinstance(told, int | float) and not fault(told):
        return float(told)
    return None


def stats(feedback: Iterable[Feedback]) -> dict[str, dict[str, Any]]:
    """Return what feedback adds up to, by key."""
    by_key: dict[str, list[Feedback]] = {}
    for one in feedback:
        by_key.setdefault(one.stored.name, []).append(one)
    return {key: _stats(some) for key, some in sorted(by_key.items())}


def _stats(some: list[Feedback]) -> dict[str, Any]:
    scores = [score for one in some if (score := one.score) is not None]
    values: dict[str, int] = {}
    for one in some:
        told = one.body.get("value")
        if isinstance(told, str) and (told in values or len(values) < VALUES_MAX):
            values[told] = values.get(told, 0) + 1
    comments = [c for one in some if isinstance(c := one.body.get("comment"), str) and c]
    return {
        "n": len(some),
        "avg": statistics.fmean(scores) if scores else None,
        "min": min(scores, default=None),
        "max": max(scores, default=None),
        "stdev": statistics.pstdev(scores) if scores else None,
        "errors": sum(bool(one.body.get("error")) for one in some),
        "values": values,
        "comments": comments[:COMMENTS_MAX],
        "sources": sorted({one.stored.source or "api" for one in some}),
        "contains_thread_feedback": any(one.stored.thread_id is not None for one in some),
    }


_text = texts.written
