"""Projects by Opik's names and UUIDs: names are compared without case, ids are made of names."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from otel_threads.core.errors import InvalidQuery
from otel_threads.services.contents import ContentService
from otel_threads.services.workspace import WorkspaceService
from otel_threads.vendors import ids
from otel_threads.vendors.opik.record_fields import Given

DEFAULT = "Default Project"
NEITHER = "Either 'project_name' or 'project_id' query params must be provided"


@dataclass(frozen=True, slots=True)
class _Known:
    names: Mapping[str, str]  # of lower-case names, and of exact ones
    by_uuid: Mapping[str, str]


class Projects:
    """Finds projects. Any thread may call."""

    def __init__(self, contents: ContentService, workspace: WorkspaceService) -> None:
        self._contents = contents
        self._workspace = workspace
        self._lock = threading.Lock()
        self._known = _Known({}, {})

    def given(self, given: Given) -> str | None:
        """Return the project that a body or a query names; None for an id of none.

        Raises:
            InvalidQuery: it names none.
        """
        project = self.named(given)
        if project is None and not given.get("project_id"):
            raise InvalidQuery(NEITHER)
        return project

    def named(self, given: Given) -> str | None:
        """Return the project that a body or a query names; None for none."""
        project_id, name = given.get("project_id"), given.get("project_name")
        if isinstance(project_id, str) and project_id:
            return self.of_uuid(project_id)
        if isinstance(name, str) and name:
            return self.of_name(name)
        return None

    def of_name(self, name: str) -> str:
        """Return a project's name as it is here: exactly, else without case, else as given."""
        exact = self._known.names.get(name)
        if exact == name:
            return name
        known = self._refreshed()
        return known.names.get(name) or known.names.get(name.lower()) or name

    def of_uuid(self, project_id: str) -> str | None:
        """Return the project of a UUID, None when it is none's."""
        wanted = project_id.strip().lower()
        return self._known.by_uuid.get(wanted) or self._refreshed().by_uuid.get(wanted)

    def is_known(self, name: str) -> bool:
        """Return whether there is a project of exactly this name."""
        return self._refreshed().names.get(name) == name

    def _refreshed(self) -> _Known:
        names = {*self._contents.project_names(), *self._workspace.project_names()}
        found: dict[str, str] = {}
        for name in sorted(names, reverse=True):
            found.setdefault(name.lower(), name)
        found |= {name: name for name in names}
        known = _Known(found, {ids.project_uuid_of(name): name for name in names})
        with self._lock:
            self._known = known
        return known
