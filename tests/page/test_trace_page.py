"""A trace: tree, waterfall, span detail; and ten thousand spans."""

import re
import time

import pytest
from builders import a_chat, a_request, a_span, new_span_id, new_trace_id
from playwright.sync_api import expect

BIG = 10_000
ROWS_DRAWN_MAX = 80


def open_trace(shop, tab, number=1, **more):
    """Open the trace of a turn of chat-1."""
    turn = shop.get("/threads/turns", project="shop", thread_id="chat-1")["items"][number]
    page = tab.open(shop, "trace", project="shop", trace_id=turn["trace_ids"][0], **more)
    expect(page.get_by_role("treeitem").first).to_be_visible()
    return page


def no_span(page) -> None:
    """Leave the span that a trace opens on."""
    expect(page.locator(".spanpanel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".spanpanel")).to_have_count(0)


def test_a_trace_opens_on_the_span_that_has_the_words(shop, tab):
    page = open_trace(shop, tab)
    expect(page.get_by_role("treeitem").nth(3)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".spanpanel")).to_contain_text("It is 18 degrees.")


def test_a_kind_is_chosen_and_left_again(shop, tab):
    page = open_trace(shop, tab)
    page.get_by_role("button", name="llm", exact=True).click()
    expect(page.get_by_role("treeitem")).to_have_count(2)
    page.get_by_role("button", name="llm", exact=True).click()
    expect(page.get_by_role("treeitem")).to_have_count(4)


def test_all_traces_are_listed_searched_and_filtered(shop, tab):
    page = tab.open(shop, "traces", project="shop")
    rows = page.get_by_role("row")
    expect(rows).to_have_count(5)
    page.get_by_label("With errors").check()
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text("And tomorrow?")
    page.get_by_label("With errors").uncheck()
    page.get_by_label("Search ids, names and messages").fill("parcel")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    assert "search=parcel" in page.url
    page.get_by_role("link", name="chat-2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("chat-2")
    tab.expected = ("Failed to load resource",)
    page = tab.open(shop, "traces", project="shop", filter="nme = 1")
    expect(page.get_by_role("alert")).to_contain_text("did you mean name")


def test_the_tree_has_kinds_tokens_times_and_a_waterfall(shop, tab):
    page = open_trace(shop, tab)
    items = page.get_by_role("treeitem")

    expect(items).to_have_count(4)
    assert [item.get_attribute("aria-level") for item in items.all()] == ["1", "2", "2", "2"]
    kinds = [re.search(r"type-(\w+)", item.get_attribute("class"))[1] for item in items.all()]
    assert kinds == ["agent", "llm", "tool", "llm"]
    expect(items.nth(1)).to_contain_text("15")
    expect(items.nth(1)).to_contain_text("gpt-4o-mini")
    expect(page.locator(".legend")).to_contain_text("agent")
    left = [item.locator(".track i").bounding_box()["x"] for item in items.all()]
    assert left == sorted(left)


def test_a_span_shows_everything_that_it_holds(shop, tab):
    page = open_trace(shop, tab)
    page.get_by_role("treeitem").nth(1).click()
    panel = page.locator(".spanpanel")

    expect(panel).to_contain_text("Weather in Ulm?")
    expect(panel.get_by_role("button", name=re.compile("get_weather"))).to_be_visible()
    panel.get_by_role("button", name="as JSON").first.click()
    expect(panel).to_contain_text("modality")
    panel.get_by_role("tab", name=re.compile("Attributes")).click()
    panel.get_by_label("Search attributes").fill("usage.input")
    expect(panel.locator(".attributes dt")).to_have_text("gen_ai.usage.input_tokens")
    panel.get_by_role("tab", name="Raw").click()
    expect(panel).to_contain_text("start_time_unix_nano")
    raw = panel.locator(".j-item", has_text="start_time_unix_nano").first.inner_text()
    turn = shop.get("/threads/turns", project="shop", thread_id="chat-1")["items"][1]
    span = shop.get(f"/traces/{turn['trace_ids'][0]}")["spans"][1]
    assert str(span["start_time_unix_nano"]) in raw
    assert f"span={span['span_id']}" in page.url


def test_failed_spans_are_marked_and_events_shown(shop, tab):
    page = open_trace(shop, tab, 2)
    page.keyboard.press("e")

    expect(page.locator(".span.failed.selected")).to_be_visible()
    expect(page.locator(".errorbox")).to_contain_text("429: slow down")
    page.get_by_role("tab", name="Events 1").click()
    expect(page.locator(".events")).to_contain_text("exception")


def test_links_lead_to_the_other_trace(shop, tab):
    other = a_chat("linked", "Before", "Yes")
    span = a_chat("linked", "After", "Yes")
    span.links.add(trace_id=other.trace_id, span_id=other.span_id)
    shop.post(a_request(other, span), x_otel_threads_project="linked")
    shop.wait_derived()
    page = tab.open(shop, "trace", trace_id=span.trace_id.hex())
    page.get_by_role("treeitem").click()
    page.get_by_role("tab", name="Links 1").click()

    page.get_by_role("link", name=other.trace_id.hex()).click()

    expect(page.locator(".spanpanel")).to_contain_text("Before")


def test_keys_move_fold_search_and_switch(shop, tab):
    page = open_trace(shop, tab, thread_id="chat-1", turn="2")
    items = page.get_by_role("treeitem")
    no_span(page)
    for key in "jj":
        page.keyboard.press(key)
    expect(items.nth(1)).to_have_attribute("aria-selected", "true")
    items.nth(1).focus()
    page.keyboard.press("ArrowLeft")
    expect(items.nth(0)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowLeft")
    expect(items).to_have_count(1)
    expect(items).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowRight")
    expect(items).to_have_count(4)

    page.keyboard.press("/")
    page.keyboard.type("degrees")
    expect(page.locator(".toolbar")).to_contain_text("2 matches")
    expect(items.nth(2)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(items.nth(3)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Fold all", exact=True).click()
    page.get_by_role("button", name="Unfold all").click()
    page.keyboard.press("t")
    expect(page.locator(".turn.current")).to_contain_text("Weather in Ulm?")


def test_scores_tags_and_comments_of_trace_and_span(shop, tab):
    span = a_chat("spoken", "Hello", "Hi")
    shop.post(a_request(span), x_otel_threads_project="spoken")
    shop.wait_derived()
    page = tab.open(shop, "trace", trace_id=span.trace_id.hex())
    no_span(page)
    about = page.locator(".abouttrace")

    about.get_by_role("button", name="Add score").click()
    page.get_by_label("Name", exact=True).fill("of the trace")
    page.get_by_label("Value").fill("1")
    page.get_by_role("button", name="Save").click()
    expect(about).to_contain_text("of the trace 1")
    about.get_by_label("New tag").fill("seen")
    about.get_by_label("New tag").press("Enter")
    expect(about.locator(".tag")).to_have_text("seen")
    about.get_by_label("New comment").fill("a note")
    about.get_by_role("button", name="Comment", exact=True).click()
    expect(about.locator(".comment")).to_contain_text("a note")

    page.get_by_role("treeitem").click()
    page.get_by_role("tab", name="Feedback").click()
    page.get_by_role("button", name="Add score").click()
    page.get_by_label("Name", exact=True).fill("of the span")
    page.get_by_label("Category").fill("fine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("tab", name="Feedback 1")).to_be_visible()
    page.get_by_label("New comment").fill("of this span")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_role("tabpanel").locator(".comment")).to_contain_text("of this span")
    page.get_by_label("Close the span").click()
    expect(about.locator(".comment")).to_have_count(2)
    found = shop.get(f"/traces/{span.trace_id.hex()}")
    assert [s["name"] for s in found["scores"]] == ["of the trace"]
    assert [s["name"] for s in found["spans"][0]["scores"]] == ["of the span"]


@pytest.mark.slow
def test_ten_thousand_spans(shop, tab):
    trace_id, root, start = new_trace_id(), new_span_id(), time.time_ns() - 10**10
    spans = [
        a_span(
            trace_id=trace_id,
            span_id=root,
            name="root",
            start=start,
            end_time_unix_nano=start + 10**10,
            attributes={"gen_ai.conversation.id": "big"},
        )
    ]
    spans += [
        a_span(trace_id=trace_id, parent_span_id=root, name=f"step {n}", start=start + n * 10**5)
        for n in range(1, BIG)
    ]
    shop.post(a_request(*spans), x_otel_threads_project="big")
    shop.wait_derived()
    page = tab.open(shop, "trace", trace_id=trace_id.hex())
    items = page.get_by_role("treeitem")
    expect(items.first).to_have_attribute("aria-label", re.compile("^root"))

    assert items.count() < ROWS_DRAWN_MAX
    page.keyboard.press("/")
    page.keyboard.type(f"step {BIG - 1}")
    expect(page.locator('[aria-selected="true"].span')).to_contain_text(f"step {BIG - 1}")
    expect(page.locator('[aria-selected="true"].span')).to_be_in_viewport()
    assert items.count() < ROWS_DRAWN_MAX
    page.keyboard.press("Escape")
    items.last.click()
    page.keyboard.press("ArrowUp")
    expect(page.locator('[aria-selected="true"].span')).to_contain_text(f"step {BIG - 2}")


def test_a_trace_that_is_not_here(shop, tab):
    tab.expected = ("Failed to load resource",)
    page = tab.open(shop, "trace", trace_id="0" * 32)
    expect(page.get_by_role("heading", name="This trace is not here")).to_be_visible()


def test_a_thread_as_a_whole(shop, tab):
    """All of its spans as one tree, who called whom, how prompts grew, two turns side by side."""
    page = tab.open(shop, "thread", project="shop", thread_id="chat-1")
    expect(page.locator(".turn").first).to_be_visible()
    page.keyboard.press("w")
    expect(page.get_by_role("treeitem")).to_have_count(9)
    expect(page.get_by_role("treeitem").first).to_contain_text("1. Where is my order?")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("treeitem").nth(1)).to_have_attribute("aria-selected", "true")

    page.get_by_role("link", name="Agents and tools").click()
    calls = page.get_by_role("region", name="Calls").get_by_role("row")
    expect(calls.filter(has_text="execute_tool get_weather")).to_contain_text("invoke_agent")
    expect(page.get_by_role("img", name="4 participants")).to_be_visible()

    page.get_by_role("link", name="Prompts").click()
    expect(page.get_by_role("region", name="Prompts").get_by_role("row")).to_have_count(5)

    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("status").filter(has_text="differ")).to_have_text(
        "They differ from line 1 on."
    )
    page.get_by_label("with turn").fill("1")
    expect(page.get_by_text("They are the same.")).to_be_visible()

    page.get_by_role("link", name="All spans").click()
    page.get_by_role("treeitem").nth(3).click()
    expect(page.locator(".spanpanel")).to_be_visible()
