"""What every call of Opik's works with."""

from dataclasses import dataclass

from otel_threads.services.services import Services
from otel_threads.vendors.opik.projects import Projects
from otel_threads.vendors.opik.reinjection import Reinjection


@dataclass(frozen=True, slots=True)
class Door:
    """The services of one database, its projects by Opik's names and ids, and its files."""

    services: Services
    projects: Projects
    reinjection: Reinjection


def door(services: Services) -> Door:
    """Return what the calls work with."""
    projects = Projects(services.contents, services.workspace)
    return Door(services, projects, Reinjection(services.workspace))
