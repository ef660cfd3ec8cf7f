"""A picture of each view in light, in dark and on a phone; where SCREENSHOTS_FOLDER says, to look at."""

import os
from pathlib import Path

import pytest

from page.test_access_page import STATES, open_state

PHONE = {"width": 390, "height": 844}
BYTES_MIN = 6_000  # of a picture that shows something: an empty page has 3,000


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {"color_scheme": "light"}),
        ("dark", {"color_scheme": "dark"}),
        ("phone", {"color_scheme": "light", "viewport": PHONE}),
    ],
)
def test_each_view_is_drawn_without_a_word_on_the_console(shop, visit, tmp_path, name, options):
    """What went wrong on the console, or against the policy, fails in `visit`."""
    folder = Path(os.environ.get("SCREENSHOTS_FOLDER") or tmp_path)
    tab = visit(**options)
    tab.expected = ("Failed to load resource",)  # of the state that shows a wrong filter
    for state in STATES:
        page = open_state(tab, shop, state)
        picture = page.screenshot(path=folder / f"{state.replace(' ', '-')}-{name}.png")
        assert len(picture) > BYTES_MIN, state
        page.goto("about:blank")
