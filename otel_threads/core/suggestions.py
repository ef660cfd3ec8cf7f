"""What somebody may have meant who named what is not there."""

import difflib
from collections.abc import Iterable

SHOWN_MAX = 3


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean a or b?`, as an error ends; empty where nothing is alike."""
    by_lower = {name.lower(): name for name in known}
    alike = difflib.get_close_matches(word.lower()[:200], list(by_lower), n=SHOWN_MAX)
    return f"; did you mean {' or '.join(by_lower[name] for name in alike)}?" if alike else ""
