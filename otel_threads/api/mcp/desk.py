"""What one connection of an agent may reach: all projects, or the one that its address names."""

from dataclasses import dataclass

from otel_threads.core.errors import InvalidQuery, NotFound
from otel_threads.core.filters import quoted
from otel_threads.services.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The services, and the only project that may be read and written; None is every one."""

    services: Services
    project: str | None = None

    def project_of(self, asked: str | None) -> str | None:
        """Return the project that a call means; None is whichever a call without a name means.

        Raises:
            InvalidQuery: it is another one than this connection's.
        """
        if self.project is None or asked is None:
            return self.project or asked
        if asked != self.project:
            raise InvalidQuery(f"this connection reads the project {self.project!r} alone")
        return asked

    def check_trace(self, trace_id: str | None) -> None:
        """Return when this connection may write to a trace, or to a span of it.

        A trace has its own project, whichever the call names: one that is not here yet might arrive
        in another than this connection's.

        Raises:
            NotFound: the connection has a project, which does not have the trace.
        """
        if self.project is None or trace_id is None:
            return
        threads = self.services.threads
        only = f"trace_id = {quoted(trace_id.lower())}"
        if not threads.traces(project=self.project, filter=only, limit=1).items:
            raise NotFound(f"no trace {trace_id!r} in project {self.project!r}")
