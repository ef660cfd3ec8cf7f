"""Usable by keyboard and screen reader, in light and dark, from 360 px on (WCAG 2.2 AA)."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

OPTIONS = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
STATES = {
    "threads": ("threads", {"project": "shop"}, ".tbody .tr", ()),
    "selected": ("threads", {"project": "shop"}, ".tbody .tr", (".tbody input[type=checkbox]",)),
    "columns": ("threads", {"project": "shop"}, ".tbody .tr", ("button[title='Columns']",)),
    "wrong filter": ("threads", {"filter": "colour = 1"}, ".problem", ()),
    "conversation": (
        "thread",
        {"project": "shop", "thread_id": "chat-1"},
        ".markdown.ready",
        (".turn .tool button.fold", ".side .scores button"),
    ),
    "trace": ("trace", {"project": "shop"}, "[role=treeitem]", ("[role=treeitem]",)),
    "advice": ("loose", {}, ".finding", ()),
    "traces": ("traces", {"project": "shop"}, ".traces tbody tr", ()),
    "spans": ("spans", {"project": "shop"}, "tbody tr", ()),
    "issues": ("issues", {"project": "shop", "threads_min": "1"}, "tbody tr", ()),
    "sql": ("sql", {"sql": "from threads"}, ".tables li", ("button.primary",)),
    "whole": ("whole", {"project": "shop", "thread_id": "chat-1"}, "[role=treeitem]", ()),
    "calls": (
        "whole",
        {"project": "shop", "thread_id": "chat-1", "view": "calls"},
        ".graph rect",
        (),
    ),
    "prompts": (
        "whole",
        {"project": "shop", "thread_id": "chat-1", "view": "prompts"},
        "tbody tr",
        (),
    ),
    "compare": (
        "whole",
        {"project": "shop", "thread_id": "chat-1", "view": "compare"},
        ".sides mark",
        (),
    ),
    "right to left": ("thread", {"project": "rtl", "thread_id": "rtl-1"}, ".markdown.ready", ()),
}


def open_state(tab, shop, state):
    name, params, wait, clicks = STATES[state]
    if name == "trace":
        turn = shop.get("/threads/turns", project="shop", thread_id="chat-1")["items"][1]
        params = {**params, "trace_id": turn["trace_ids"][0]}
    page = tab.open(shop, name, **params)
    expect(page.locator(wait).first).to_be_visible()
    for one in clicks:
        if page.locator(one).count():  # the panel starts closed where there is little room
            page.locator(one).first.click()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shop, visit, scheme):
    # axe is put into the page, which the page's own policy would refuse.
    tab = visit(color_scheme=scheme, bypass_csp=True)
    tab.expected = ("Failed to load resource",)
    found = {}
    for state in STATES:
        page = open_state(tab, shop, state)
        page.wait_for_function("() => !document.querySelector('.stale')")
        result = Axe().run(page, options=OPTIONS)
        found[state] = [
            (
                v["id"],
                v["impact"],
                v["nodes"][0]["html"][:160],
                v["nodes"][0]["failureSummary"][-200:],
            )
            for v in result.response["violations"]
        ]
        page.goto("about:blank")
    assert {state: violations for state, violations in found.items() if violations} == {}


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_nothing_hangs_over_at_any_width(shop, visit, width):
    tab = visit(viewport={"width": width, "height": 740})
    tab.expected = ("Failed to load resource",)
    for state in STATES:
        page = open_state(tab, shop, state)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, state
        hidden = page.evaluate(
            """() => [...document.querySelectorAll('header button, header a, .filterbar button, .toolbar button')]
                 .filter(e => e.offsetParent && !e.closest('.stats, .unseen, .skip, dialog, .popup') && !e.classList.contains('skip'))
                 .filter(e => { const r = e.getBoundingClientRect(); return r.right > innerWidth + 1 || r.left < -1; }).map(e => e.outerHTML.slice(0, 100))"""
        )
        assert hidden == [], state
        page.goto("about:blank")


def test_everything_is_reached_by_tab(shop, tab):
    page = tab.open(shop, project="shop")
    expect(page.locator(".tbody .tr")).to_have_count(2)
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate(
                "(document.activeElement.getAttribute('aria-label') || document.activeElement.title || document.activeElement.innerText || document.activeElement.id).trim().split('\\n')[0]"
            )
        )
    for name in (
        "Skip to the content",
        "Threads",
        "Without a thread",
        "Settings",
        "Keys",
        "Time range",
        "Saved views",
        "Export",
        "Columns",
        "Sort by Turns",
        "Width of Thread",
        "chat-1",
        "Select chat-1",
    ):
        assert name in seen or any(one.startswith(name) for one in seen), (name, sorted(seen))


def test_the_theme_follows_the_system_and_the_choice(shop, visit):
    tab = visit(color_scheme="dark")
    page = tab.open(shop, project="shop")
    expect(page.locator(".tbody .tr")).to_have_count(2)

    def lightness() -> int:
        return page.evaluate(
            "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
        )

    assert lightness() < 60
    page.get_by_title("Settings").click()
    page.get_by_label("Theme").select_option("light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert lightness() > 200
    page.reload()
    expect(page.locator(".tbody .tr")).to_have_count(2)
    assert lightness() > 200


def test_times_are_in_the_viewers_zone_and_exact_on_hover(shop, visit):
    titles = []
    for zone in ("America/New_York", "Asia/Tokyo"):
        page = visit(timezone_id=zone, locale="en-US").open(
            shop, "thread", project="shop", thread_id="chat-1"
        )
        titles.append(page.locator(".turn time").first.get_attribute("title"))
    assert titles[0] != titles[1]
    assert titles[0].split("\n")[1] == titles[1].split("\n")[1]
    assert "GMT+9" in titles[1]
