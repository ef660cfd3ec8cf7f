"""Which library a span came from, so that `doctor` and the docs can say what to write."""

from collections.abc import Sequence

from otel_threads.derive.conventions import CONVENTIONS
from otel_threads.derive.library import Library

# By title, as people look for theirs; the last is for spans that no library made.
LIBRARIES: Sequence[Library] = sorted(
    CONVENTIONS.libraries, key=lambda library: (library.slug == "plain", library.title.lower())
)


def library_of(scope: str, libraries: Sequence[Library] = LIBRARIES) -> Library:
    """Return the library that a scope's name belongs to, the plain SDK when nobody claims it."""
    best = max(libraries, key=lambda library: library.matches(scope))
    return best if best.matches(scope) else plain(libraries)


def plain(libraries: Sequence[Library] = LIBRARIES) -> Library:
    """Return what people write who use no library but OpenTelemetry's own."""
    return next(library for library in libraries if library.slug == "plain")
