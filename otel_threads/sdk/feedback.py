"""Scores, comments and tags from the code that has the conversation, while it has it."""

import threading
import time
from typing import Any

from opentelemetry import trace

from otel_threads.core.errors import NotFound
from otel_threads.sdk.client import Client
from otel_threads.sdk.context import current

ARRIVES_WITHIN_S = 3.0  # spans are exported in batches and derived in the background
_lock = threading.Lock()  # guards the two below
_local: Client | None = None  # of an exporter in this process, which needs no server
_remote: Client | None = None


def use(client: Client | None) -> None:
    """Send feedback through this client from now on; None goes back to the server."""
    global _local
    with _lock:
        _local = client


def score(
    name: str,
    value: float | None = None,
    *,
    category: str | None = None,
    reason: str | None = None,
    author: str | None = None,
    thread_id: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
    project: str | None = None,
    as_event: bool = False,
) -> None:
    """Score the conversation that runs now, or the thread, trace or span that is named.

    It goes to the server at OTEL_THREADS_ENDPOINT, or into the file of a `DuckDBSpanExporter` of
    this process. With `as_event` it becomes an OpenTelemetry event `gen_ai.evaluation.result` on
    the current span instead, and travels with it through any Collector.

    Raises:
        ValueError: there is no value and no category, or nothing to score.
        OtelThreadsError: the server refused it or does not answer.
    """
    if value is None and category is None:
        raise ValueError("a score needs a value or a category")
    if as_event:
        _add_event(name, value, category, reason)
        return
    target = _target(thread_id, trace_id, project)
    given = {
        **target, "span_id": span_id, "name": name, "value": value, "category": category,
        "reason": reason, "author": author, "source": "sdk",
    }  # fmt: skip
    # Its spans are exported later: that it is not here yet is no news.
    one = {key: found for key, found in given.items() if found is not None}
    _client().put_scores([one], warn=False)


def comment(
    text: str,
    *,
    author: str | None = None,
    thread_id: str | None = None,
    trace_id: str | None = None,
    project: str | None = None,
) -> Any:
    """Comment on the conversation that runs now, or on what is named; return the comment.

    Raises:
        ValueError: there is nothing to comment on.
        OtelThreadsError: the server refused it or does not answer.
    """
    return _client().add_comment(text, author=author, **_target(thread_id, trace_id, project))


def tag(*tags: str, thread_id: str | None = None, project: str | None = None) -> None:
    """Tag the conversation that runs now, or the one that is named.

    Raises:
        ValueError: there is no tag, or no conversation.
        OtelThreadsError: the server refused it, or did not come to know the conversation within
            a few seconds: no span of it has arrived. `thread(tags=…)` needs no server.
    """
    if not tags:
        raise ValueError("no tags are given")
    target = _target(thread_id, None, project)
    deadline = time.monotonic() + ARRIVES_WITHIN_S
    pause_s = 0.05
    while True:
        found = _client().update_thread_tags(
            [target["thread_id"]], add=list(tags), project=target.get("project")
        )
        if not found["not_found"]:
            return
        if time.monotonic() + pause_s > deadline:
            raise NotFound(f"no thread {target['thread_id']!r} here: no span of it has arrived")
        time.sleep(pause_s)
        pause_s *= 2


def _target(thread_id: str | None, trace_id: str | None, project: str | None) -> dict[str, Any]:
    running = current()
    if thread_id is None and trace_id is None:
        if running is None:
            raise ValueError("no conversation runs here: use it inside thread(), or name one")
        thread_id = running.thread_id
    if project is None and running is not None:
        project = running.project
    named = {"thread_id": thread_id, "trace_id": trace_id, "project": project}
    return {key: value for key, value in named.items() if value is not None}


def _client() -> Client:
    global _remote
    with _lock:
        if _local is not None:
            return _local
        if _remote is None:
            _remote = Client()
        return _remote


def _add_event(name: str, value: float | None, category: str | None, reason: str | None) -> None:
    span = trace.get_current_span()
    if not span.is_recording():
        raise ValueError("no span records here: an event needs one")
    attributes: dict[str, str | float] = {"gen_ai.evaluation.name": name}
    if value is not None:
        attributes["gen_ai.evaluation.score.value"] = float(value)
    if category is not None:
        attributes["gen_ai.evaluation.score.label"] = category
    if reason is not None:
        attributes["gen_ai.evaluation.explanation"] = reason
    span.add_event("gen_ai.evaluation.result", attributes)
