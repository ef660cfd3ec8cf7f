"""What one connection of an agent may reach: all projects, or the one that its address names."""

from dataclasses import dataclass

from otel_threads.core.errors import InvalidQuery
from otel_threads.services.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The services, and the only project that may be read and written; None is every one."""

    services: Services
    project: str | None = None

    def project_of(self, asked: str | None) -> str | None:
        """Return the project that a call means; None is the default one.

        Raises:
            InvalidQuery: it is another one than this connection's.
        """
        if self.project is None or asked is None:
            return self.project or asked
        if asked != self.project:
            raise InvalidQuery(f"this connection reads the project {self.project!r} alone")
        return asked
