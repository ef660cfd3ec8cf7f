"""What every call of Opik's works with."""

from dataclasses import dataclass

from otel_threads.services.services import Services
from otel_threads.vendors.opik.projects import Projects


@dataclass(frozen=True, slots=True)
class Door:
    """The services of one database, and its projects by Opik's names and ids."""

    services: Services
    projects: Projects


def door(services: Services) -> Door:
    """Return what the calls work with."""
    return Door(services, Projects(services.contents, services.workspace))
