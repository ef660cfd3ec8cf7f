"""What a user of each library writes to get threads and texts; doctor and the docs share it."""

import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Library:
    """One instrumentation; see libraries.toml for the meaning of the fields."""

    slug: str
    title: str
    scopes: list[str]
    packages: list[str]
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


def _load() -> list[Library]:
    text = resources.files(__package__).joinpath("libraries.toml").read_text(encoding="utf-8")
    return [Library(slug=slug, **fields) for slug, fields in tomllib.loads(text).items()]


LIBRARIES = _load()
PLAIN = next(library for library in LIBRARIES if library.slug == "plain")


def library_of(scope: str) -> Library:
    """Return the library that a scope's name belongs to, the plain SDK when nobody claims it."""
    best = max(LIBRARIES, key=lambda library: library.matches(scope))
    return best if best.matches(scope) else PLAIN
