"""Spans of all traces on the page: found, filtered, ordered, opened; and what is hostile in them."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from builders import a_request, a_span
from conftest import Server
from playwright.sync_api import expect

from page import conversations
from page.test_access_page import OPTIONS

HOSTILE = "<img src=x onerror=alert(1)>\u202eabc"


@pytest.fixture(scope="module")
def spans(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("spans")).start()
    server.post(a_request(*conversations.rich()), x_otel_threads_project="shop")
    hostile = a_span(name=HOSTILE, status={"code": 2, "message": HOSTILE})
    server.post(
        a_request(hostile, resource={"service.name": HOSTILE}), x_otel_threads_project="evil"
    )
    many = [a_span(name=f"job {n}") for n in range(60)]
    server.post(a_request(*many), x_otel_threads_project="many")
    server.wait_derived()
    yield server
    server.stop()


def test_a_span_is_found_and_opens_in_its_trace(spans, tab):
    page = tab.open(spans, "spans", project="shop")
    rows = page.get_by_role("region", name="Spans").locator("tbody tr")
    expect(rows).to_have_count(6)
    page.get_by_label("Search names and ids").fill("weather")
    page.get_by_label("Search names and ids").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("250 ms")
    rows.get_by_role("link", name="execute_tool get_weather").click()
    expect(page.locator(".spanpanel h2")).to_contain_text("get_weather")
    page.keyboard.press("T")
    expect(page.locator("h1")).to_contain_text("chat-1")


def test_filters_complete_fields_of_spans(spans, tab):
    page = tab.open(spans, "spans", project="shop")
    rows = page.get_by_role("region", name="Spans").locator("tbody tr")
    expect(rows).to_have_count(6)
    page.keyboard.press("f")
    page.keyboard.type("status_c")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("= ")
    page.get_by_role("option", name='"error"').click()
    page.get_by_label("Filter", exact=True).press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("429: slow down")
    page.get_by_label("Clear the filter").click()
    page.get_by_label("Model requests").check()
    expect(rows).to_have_count(4)
    page.get_by_label("With errors").check()
    expect(rows).to_have_count(1)
    page.get_by_label("With errors").uncheck()
    page.get_by_label("Order").select_option("-duration_ms")
    expect(rows.first).to_contain_text("1.43 s")


def test_a_wrong_filter_shows_where(spans, tab):
    tab.expected = ("Failed to load resource",)
    page = tab.open(spans, "spans", filter="durtion_ms > 5s")
    expect(page.get_by_role("alert").first).to_contain_text("did you mean duration_ms")


def test_what_spans_hold_is_text_and_long_lists_go_on(spans, tab):
    page = tab.open(spans, "spans")
    rows = page.get_by_role("region", name="Spans").locator("tbody tr")
    expect(rows).to_have_count(50)
    expect(page.locator("h1")).to_contain_text("67")
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(67)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    evil = rows.filter(has_text="evil")
    expect(evil).to_contain_text("<img src=x onerror=alert(1)>⟨202E⟩abc")
    expect(page.locator("main img")).to_have_count(0)


def test_a_thread_leads_to_its_spans(spans, tab):
    page = tab.open(spans, "thread", project="shop", thread_id="chat-1")
    page.locator(".side").get_by_role("link", name="6").click()
    expect(page.get_by_role("region", name="Spans").locator("tbody tr")).to_have_count(6)
    expect(page.get_by_text("Of thread chat-1")).to_be_visible()
    page.get_by_role("button", name="Show all spans").click()
    expect(page.get_by_text("Of thread")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(spans, visit, scheme):
    tab = visit(color_scheme=scheme, bypass_csp=True)
    page = tab.open(spans, "spans")
    expect(page.locator("tbody tr").first).to_be_visible()
    found = Axe().run(page, options=OPTIONS).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == []


@pytest.mark.parametrize("width", [360, 900])
def test_nothing_hangs_over(spans, visit, width):
    tab = visit(viewport={"width": width, "height": 740})
    page = tab.open(spans, "spans")
    expect(page.locator("tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
