"""Which characters steer whoever shows a text: a terminal, a log, a page."""

import re

# C0 but tab and newline, DEL and C1; marks of direction; what takes no room; separators of lines;
# halves of characters, which cannot be written; tags. Joiners stay: scripts and emoji need them.
STEERING_BUT_BLANKS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
STEERING = re.compile(STEERING_BUT_BLANKS.pattern[:-1] + "\t\n]")


def without_nul(text: str) -> str:
    """Return a text with U+FFFD in place of NUL, which PostgreSQL, a catalog of lakes, has not."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
