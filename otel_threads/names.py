"""One rule for names: of projects, scores, tags, authors, saved views.

1 to 200 characters, on one line, none of which steers a terminal or turns a line around. Who gives
another hears why. Only the project that a span names is cleaned instead: spans are never refused
for it. Ids and texts, of threads as of people, are content and may hold whatever they like.
"""

from otel_threads.characters import STEERING

LENGTH_MAX = 200


def fault(name: str, *, length_max: int = LENGTH_MAX) -> str | None:
    """Return why a text is no name, as the end of a sentence about it; None when it is one."""
    if not name.strip():
        return "is empty"
    if len(name) > length_max:
        return f"has {len(name)} characters, {length_max} allowed"
    if found := STEERING.search(name):
        return f"holds U+{ord(found[0]):04X}, a character that no name may hold"
    return None


def cleaned(name: str) -> str:
    """Return the name that a text stands for, cut and without such characters; maybe empty."""
    return STEERING.sub("\N{REPLACEMENT CHARACTER}", name.strip()[:LENGTH_MAX])
