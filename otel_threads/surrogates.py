"""Half an emoji in JSON: JavaScript cuts texts between the two escapes of a pair.

Source: RFC 8259, section 8.2.
"""

import re

# A pair of escaped backslashes, a whole pair of surrogates (both stay), or half of one.
_SURROGATE = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_LONE_LENGTH = 6  # of `\ud83d`: a whole pair has twelve, a backslash two


def json_text(text: str) -> str:
    """Return JSON with U+FFFD in place of each half of a surrogate pair."""
    return _SURROGATE.sub(_replaced, text)


def _replaced(match: re.Match[str]) -> str:
    found = match.group()
    return "\\ufffd" if len(found) == _LONE_LENGTH else found
