"""Deletes threads and traces with all that hangs on them."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Protocol

from otel_threads.core.changes import Updated
from otel_threads.core.errors import Conflict, InvalidQuery
from otel_threads.core.limits import ITEMS_MAX
from otel_threads.core.ports import ThreadKey
from otel_threads.services.project_choice import ALL_PROJECTS
from otel_threads.services.threads import ThreadService

Changes = tuple[list[str], list[ThreadKey]]
ALONE_TIMEOUT_S = 300.0
PROJECT_TRACES_MAX = 100_000  # that one request deletes


class Deletes(Protocol):
    """What deletes: from a node's file (store/deletion.py), or from a lake."""

    def threads(self, project: str, thread_ids: Sequence[str]) -> Changes:
        """Delete threads; return the ids that were here, and every thread that changed."""

    def traces(self, trace_ids: Sequence[str], *, project: str | None) -> Changes:
        """Delete traces, of one project or of all; return likewise."""

    def trace_ids(self, project: str, limit: int) -> list[str]:
        """Return ids of traces that a project has, so many at most."""


class DeletionService:
    """Deletes between two passes of the deriver."""

    def __init__(
        self,
        deletion: Deletes,
        service: ThreadService,
        *,
        alone: Callable[[Callable[[], Changes]], "Future[Changes]"],
        caught_up: Callable[[], object],
        on_change: Callable[[Iterable[ThreadKey]], None],
    ) -> None:
        """`alone` runs a job while nothing is derived; `caught_up` waits for what was committed."""
        self._deletion = deletion
        self._service = service
        self._alone = alone
        self._caught_up = caught_up
        self._on_change = on_change

    def threads(self, thread_ids: Sequence[str], *, project: str | None = None) -> Updated:
        """Delete threads.

        Spans that were acknowledged before are deleted, whether they were derived or not; what
        arrives later makes a new thread.

        Raises:
            InvalidQuery: no ids, or more than 1000, or no single project.
        """
        choice = self._service.choice

        def delete() -> Changes:
            return self._deletion.threads(choice.of_threads(project, thread_ids), thread_ids)

        return self._delete(thread_ids, delete)

    def traces(self, trace_ids: Sequence[str], *, project: str | None = None) -> Updated:
        """Delete traces, of one project or (None, *) wherever they are: as `threads`.

        Raises:
            InvalidQuery: no ids, or more than 1000.
        """
        name = None if project in (None, ALL_PROJECTS) else project
        ids = [trace_id.lower() for trace_id in trace_ids]
        return self._delete(ids, lambda: self._deletion.traces(ids, project=name))

    def project(self, project: str) -> int:
        """Delete all traces of a project, of those that were acknowledged before; return how many.

        Raises:
            Conflict: it has more than a request can delete: prune it first.
        """
        self._caught_up()
        gone = 0
        while ids := self._deletion.trace_ids(project, ITEMS_MAX):
            if gone >= PROJECT_TRACES_MAX:
                raise Conflict(
                    f"{gone} traces are deleted, and the project has more: delete it once more"
                )
            gone += self.traces(ids, project=project).updated
        return gone

    def _delete(self, ids: Sequence[str], job: Callable[[], Changes]) -> Updated:
        if not 1 <= len(ids) <= ITEMS_MAX:
            raise InvalidQuery(f"{len(ids)} ids; between 1 and {ITEMS_MAX} are taken at once")
        self._caught_up()
        gone, changed = self._alone(job).result(ALONE_TIMEOUT_S)
        self._on_change(changed)
        missing = [i for i in dict.fromkeys(ids) if i not in gone]
        return Updated(updated=len(gone), not_found=missing)
