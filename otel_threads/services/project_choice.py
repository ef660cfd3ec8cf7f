"""Which project a call means that names none: all of them, or the one that has the thread."""

from collections.abc import Sequence

from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.store.read.reader import Reader

ALL_PROJECTS = "*"
PROJECTS_SHOWN_MAX = 10


class ProjectChoice:
    """Finds projects. `default` is where spans go, and scores and views, that name none."""

    def __init__(self, reader: Reader, default: str) -> None:
        self._reader = reader
        self.default = default

    def of_list(self, project: str | None) -> str | None:
        """As `of_list` below."""
        return of_list(project)

    def of_writing(self, project: str | None) -> str:
        """Return the project to write to, the default one when none is given.

        Raises:
            InvalidQuery: all projects were named where one is needed.
        """
        if project == ALL_PROJECTS:
            raise InvalidQuery("this is written to one project: name it, * is none")
        return project or self.default

    def of_threads(self, project: str | None, thread_ids: Sequence[str]) -> str:
        """Return the project that has some threads; the default one when it is among several.

        Where none has any of them it is the default project, for which they may yet come.

        Raises:
            InvalidQuery: several have them, and none is named; the text names them.
        """
        if project is not None and project != ALL_PROJECTS:
            return project
        found = self._reader.thread_projects(thread_ids)
        if len(found) == 1:
            return found[0]
        if not found or self.default in found:
            return self.default
        names = ", ".join(sorted(found)[:PROJECTS_SHOWN_MAX])
        more = f" and {len(found) - PROJECTS_SHOWN_MAX} more" * (len(found) > PROJECTS_SHOWN_MAX)
        what = f"thread {thread_ids[0]!r} is" if len(thread_ids) == 1 else "these threads are"
        raise InvalidQuery(f"{what} in {len(found)} projects: name one", hint=f" of {names}{more}")

    def missing(self, thread_id: str, project: str | None) -> NotFound:
        """Return the error for a thread that is not here, with those that its caller may mean."""
        where = "" if project in (None, ALL_PROJECTS) else f" in project {project!r}"
        alike = self._reader.similar_threads(thread_id)
        meant = " or ".join(f"{name}/{found}" for name, found in alike)
        hint = f"; did you mean {meant}?" if meant else ""
        return NotFound(f"no thread {thread_id!r}{where}", hint=hint)


def of_list(project: str | None) -> str | None:
    """Return the project of a list; None for all, which is also what no name means."""
    return None if project in (None, ALL_PROJECTS) else project
