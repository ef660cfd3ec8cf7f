"""Names of issues by a model, where one is set: each issue is asked about once.

A thread of its own asks, after somebody looked at issues: who looks does not wait. The model gets
the shape of the failure that makes the issue, never a conversation.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import orjson

from otel_threads.characters import STEERING
from otel_threads.core.errors import OtelThreadsError, describe
from otel_threads.core.issue import IssueKind
from otel_threads.evaluate.model_client import ModelError
from otel_threads.services import ask_prompts
from otel_threads.services.ask_budget import AskBudget
from otel_threads.services.asking import Model
from otel_threads.store.annotations.issue_rows import IssueRows

logger = logging.getLogger(__name__)
WAITING_MAX = 50
NAME_LENGTH_MAX = 80
SHAPE_LENGTH_MAX = 500
PAUSE_S = 300.0  # after a model that failed or a budget that is spent


class Unnamed(NamedTuple):
    """An issue without a name; `shape` is what makes its failures the same."""

    project: str
    issue_id: str
    kind: IssueKind
    shape: str


class IssueNamer:
    """Asks a model for names. Any thread may call."""

    def __init__(
        self, rows: IssueRows, budget: AskBudget, *, model: Callable[[], Model] | None
    ) -> None:
        """`model` makes the client when the first name is wanted; None: no model is set."""
        self._rows = rows
        self._budget = budget
        self._make = model
        self._lock = threading.Lock()  # guards what follows
        self._waiting: dict[str, Unnamed] = {}
        self._thread: threading.Thread | None = None
        self._paused_until = 0.0
        self._stopped = True

    def start(self) -> None:
        """Begin to take wishes: only a server does."""
        self._stopped = False

    def wish(self, issues: Iterable[Unnamed]) -> None:
        """Ask for the names of issues, later; at most WAITING_MAX wait."""
        if self._make is None:
            return
        with self._lock:
            if self._stopped or time.monotonic() < self._paused_until:
                return
            for one in issues:
                if len(self._waiting) < WAITING_MAX:
                    self._waiting.setdefault(one.issue_id, one)
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="issue-names", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ask for no more names; one that is asked for now is asked for again."""
        with self._lock:
            self._stopped = True
            self._waiting.clear()

    def _run(self) -> None:
        try:
            model = self._make() if self._make else None
            while model and (one := self._next()):
                self._name(model, one)
        except (ModelError, OtelThreadsError) as error:
            logger.warning("issues get no names for %g s: %s", PAUSE_S, error)
        except Exception as error:  # noqa: BLE001  # a thread that ends with a trace helps nobody
            logger.error("issues get no names for %g s: %s", PAUSE_S, describe(error))
        else:
            return
        with self._lock:
            self._paused_until = time.monotonic() + PAUSE_S
            self._waiting.clear()
            self._thread = None

    def _next(self) -> Unnamed | None:
        """Return the next one; None ends the thread."""
        with self._lock:
            if self._waiting and not self._stopped:
                return next(iter(self._waiting.values()))
            self._thread = None
            return None

    def _name(self, model: Model, one: Unnamed) -> None:
        if one.issue_id not in self._rows.names():
            self._budget.check()
            messages = ask_prompts.naming(one.kind, one.shape[:SHAPE_LENGTH_MAX])
            reply = model.complete(messages, schema=ask_prompts.NAME)
            self._budget.spend("issue_name", one.project, reply)
            self._rows.put_name(one.project, one.issue_id, name_of(reply.text), reply.model)
        with self._lock:
            self._waiting.pop(one.issue_id, None)


def name_of(text: str) -> str | None:
    """Return the name that an answer holds, on one line, without characters that steer."""
    found: object = None
    with contextlib.suppress(ValueError):
        found = orjson.loads(text[text.find("{") : text.rfind("}") + 1])
    name = found.get("name") if isinstance(found, dict) else None
    if not isinstance(name, str):
        return None
    return " ".join(STEERING.sub(" ", name).split())[:NAME_LENGTH_MAX].strip() or None
