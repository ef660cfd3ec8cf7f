"""Which attributes name the project of a request, beside our own: families say, and operators."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectNames:
    """Attributes that name a project, the best first; those of resources before those of spans."""

    configured: str | None = None  # of resources, before the others (`project_attribute`)
    of_resources: tuple[str, ...] = ()
    of_spans: tuple[str, ...] = ()

    @property
    def resources(self) -> tuple[str, ...]:
        """All attributes of resources, the best first."""
        return (*((self.configured,) if self.configured else ()), *self.of_resources)


NO_NAMES = ProjectNames()
