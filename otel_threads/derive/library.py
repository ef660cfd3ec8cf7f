"""What a user of one library writes to get thread ids and texts: `doctor` and the docs show it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One instrumentation library that people use.

    `scopes` are names of its instrumentation scope; a trailing `*` stands for any ending.
    `thread_id` is the code or setting that gives a trace its conversation id, in `language`;
    `arrives_as` the attribute that arrives then. `content` says how message texts get in; "on"
    when nothing has to be done. `note` is what surprises people.
    """

    slug: str
    title: str
    scopes: tuple[str, ...]
    packages: tuple[str, ...]
    language: str
    thread_id: str
    arrives_as: str
    content: str
    note: str = ""

    def matches(self, scope: str) -> int:
        """Return how many characters of a scope's name are known here; 0 for somebody else's."""
        return max(
            (
                len(name)
                for name in self.scopes
                if (scope.startswith(name[:-1]) if name.endswith("*") else scope == name)
            ),
            default=0,
        )
