"""Which project a call means that names none: all of them, or the one that has the thread."""

from collections.abc import Iterable, Mapping, Sequence

from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.limits import NAME_LENGTH_MAX
from otel_threads.core.score import Target
from otel_threads.core.suggestions import did_you_mean
from otel_threads.store.read.reader import Reader

ALL_PROJECTS = "*"
PROJECTS_SHOWN_MAX = 10


class ProjectChoice:
    """Finds projects. `default` is where spans go, and scores and views, that name none."""

    def __init__(self, reader: Reader, default: str) -> None:
        self._reader = reader
        self._seen: frozenset[str] = frozenset()
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
        return self._one_of("thread", thread_ids, self._reader.thread_projects(thread_ids))

    def of_traces(self, project: str | None, trace_ids: Sequence[str]) -> str:
        """Return the project that has some traces, as `of_threads` does.

        Raises:
            InvalidQuery: several have them, and none is named; the text names them.
        """
        if project is not None and project != ALL_PROJECTS:
            return project
        return self._one_of("trace", trace_ids, self._reader.trace_projects(trace_ids))

    def of_target(self, target: Target) -> str:
        """Return the project to write to: the one that has a thread or trace.

        Raises:
            InvalidQuery: several have it, and none is named; or all projects were named.
        """
        if target.project is not None:
            return self.of_writing(target.project)
        if target.thread_id is not None:
            return self.of_threads(None, [target.thread_id])
        return self.of_traces(None, [target.trace_id or ""])

    def _one_of(self, what: str, ids: Sequence[str], known: Mapping[str, Iterable[str]]) -> str:
        found = {project for one in ids for project in known.get(one, ())}
        if len(found) == 1:
            return found.pop()
        if not found or self.default in found:
            return self.default
        which = f"{what} {ids[0]!r} is" if len(ids) == 1 else f"these {what}s are"
        raise InvalidQuery(
            f"{which} in {len(found)} projects: name one", hint=f" of {some_of(found)}"
        )

    def unknown(self, project: str | None) -> str | None:
        """Return a line that a project is not here (yet), and which may be meant; None where it is.

        One that was seen once is not looked up again.
        """
        if project is None or project == ALL_PROJECTS or project in self._seen:
            return None
        names = self._reader.project_names()
        self._seen = frozenset(names)
        if project in self._seen:
            return None
        hint = did_you_mean(project, names) or (f"; there are {some_of(names)}" if names else "")
        return f"no project {project[:NAME_LENGTH_MAX]!r}{hint}"

    def missing(self, thread_id: str, project: str | None) -> NotFound:
        """Return the error for a thread that is not here, with those that its caller may mean."""
        where = "" if project in (None, ALL_PROJECTS) else f" in project {project!r}"
        alike = self._reader.similar_threads(thread_id)
        meant = " or ".join(f"{name}/{found}" for name, found in alike)
        hint = f"; did you mean {meant}?" if meant else ""
        return NotFound(f"no thread {thread_id!r}{where}", hint=hint)


def some_of(projects: Iterable[str]) -> str:
    """Return the names of projects, a few of many."""
    names = sorted(projects)
    more = f" and {len(names) - PROJECTS_SHOWN_MAX} more" * (len(names) > PROJECTS_SHOWN_MAX)
    return ", ".join(names[:PROJECTS_SHOWN_MAX]) + more


def of_list(project: str | None) -> str | None:
    """Return the project of a list; None for all, which is also what no name means."""
    return None if project in (None, ALL_PROJECTS) else project
