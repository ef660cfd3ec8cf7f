"""What SDKs write as JSON and is none: half an emoji, NaN and Infinity, numbers beyond a double.

JavaScript cuts texts between the two escapes of a pair; Python writes `NaN`; Opik reads both.
Source: RFC 8259, sections 6 and 8.2.
"""

import math
import re

# A pair of escaped backslashes, a whole pair of surrogates (both stay), or half of one.
_SURROGATE = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_LONE_LENGTH = 6  # of `\ud83d`: a whole pair has twelve, a backslash two
# A string (one that does not end goes on to the end), a number, or what is written in place of one.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|-?\d[\d.eE+-]*+|-?(?:NaN|Infinity)', re.DOTALL)


def whole_letters(text: str) -> str:
    """Return JSON with U+FFFD in place of each half of a surrogate pair."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _SURROGATE.sub(_whole, text)


def finite_numbers(text: str) -> str:
    """Return JSON with null in place of numbers that no double holds, NaN and Infinity too."""
    return _TOKEN.sub(_finite, text)


def repaired(text: str) -> str:
    """Return JSON without half an emoji, NaN and Infinity; all else stays byte for byte."""
    if "NaN" in text or "Infinity" in text:
        text = finite_numbers(text)
    return whole_letters(text)


def _whole(match: re.Match[str]) -> str:
    found = match.group()
    return "\\ufffd" if len(found) == _LONE_LENGTH else found


def _finite(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] == '"':
        return found
    try:
        return found if math.isfinite(float(found)) else "null"
    except ValueError:
        return found  # no number: a parser says so
