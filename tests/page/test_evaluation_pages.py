"""Evaluations, their comparison, and review by single keys, as a person uses them."""

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from otel_threads import Client
from page.test_access_page import OPTIONS


@pytest.fixture(scope="module")
def client(shop):
    with Client(f"http://{shop.addresses['http']}") as found:
        yield found


def a_run(client, name: str, values: dict[str, float]) -> str:
    run = client.create_evaluation(name, [{"name": "quality"}], project="many")
    client.put_results(
        run["evaluation_id"],
        [
            {
                "item_id": item,
                "thread_id": item,
                "project": "many",
                "scorer": "quality",
                "name": "quality",
                "value": value,
            }
            for item, value in values.items()
        ]
        + [{"item_id": "odd", "scorer": "quality", "error": "<b>it broke</b>"}],
    )
    client.update_evaluation(run["evaluation_id"], finished=True)
    return run["evaluation_id"]


@pytest.fixture(scope="module")
def runs(client):
    ids = [one["thread_id"] for one in client.list_threads(project="many", limit=1000)][:6]
    base = a_run(client, "before", dict.fromkeys(ids, 0.8))
    candidate = a_run(client, "after", {one: 0.8 - n / 10 for n, one in enumerate(ids)})
    return base, candidate, ids


def test_two_runs_are_chosen_and_compared(shop, tab, runs):
    page = tab.open(shop, "evaluations", project="many")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_role("button", name="Compare")).to_be_disabled()
    page.get_by_role("radio", name="Compare with before").check()
    page.get_by_role("radio", name="Compare after").check()
    page.get_by_role("button", name="Compare").click()
    score = page.get_by_role("region", name="Scores").locator("tbody tr")
    expect(score).to_contain_text("-0.25")
    items = page.get_by_role("region", name="Items").locator("tbody tr")
    expect(items).to_have_count(5)
    expect(items.first).to_contain_text(runs[2][5])
    expect(items.first).to_contain_text("-0.5")
    items.first.get_by_role("link").click()
    expect(page.locator("h1")).to_contain_text(runs[2][5])


def test_what_failed_is_shown_as_text(shop, tab, runs):
    page = tab.open(shop, "evaluation", id=runs[1])
    expect(page.locator("tbody tr")).to_have_count(7)
    page.get_by_label("Only what failed").check()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("<b>it broke</b>")


def test_a_queue_is_made_and_worked_by_single_keys(shop, tab, client):
    client.put_score_definition("solved", "boolean", project="many")
    page = tab.open(shop, "reviews", project="many")
    page.get_by_role("button", name="New queue").click()
    page.get_by_label("Name").fill("by keys")
    page.get_by_label("Filter").fill("turn_count > 0")
    page.get_by_label("Scores").fill("stars, solved")
    page.get_by_role("button", name="Make").click()
    page.get_by_role("link", name="by keys").click()
    heading = page.locator("h1")
    expect(page.locator(".review .turn").first).to_be_visible()
    first = heading.inner_text()
    page.keyboard.press("4")
    page.keyboard.press("n")  # no: `solved` is asked
    page.keyboard.press("n")  # next
    expect(heading).not_to_have_text(first)
    page.keyboard.press("2")
    page.keyboard.press("y")
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_contain_text("you: 2")
    given = {
        (one["name"], one["value"])
        for one in client.get_thread(first, project="many")["scores"]
        if one["name"] in ("stars", "solved")
    }
    assert given == {("stars", 4), ("solved", 0)}
    queue = next(one for one in client.list_review_queues(project="many"))
    assert queue["done_count"] == 2


def test_a_thumb_on_the_page_is_found_by_its_thread(shop, tab, client):
    page = tab.open(shop, "thread", project="shop", thread_id="chat-1")
    page.get_by_role("button", name="Bad turn 2").click()
    expect(page.get_by_role("button", name="Bad turn 2")).to_have_attribute("aria-pressed", "true")
    found = client.list_threads(project="shop", filter="turn_scores.thumb.min = 0")
    assert [one["thread_id"] for one in found] == ["chat-1"]
    page = tab.open(shop, "threads", project="shop", filter="turn_scores.thumb.min = 0")
    expect(page.locator(".tbody .tr")).to_have_count(1)
    expect(page.locator(".tbody .tr .score.below")).to_contain_text("thumb")
    httpx.post(
        f"{shop.api}/scores/delete",
        json={"project": "shop", "thread_id": "chat-1", "turn_index": 1, "name": "thumb"},
    )


def test_axe_finds_nothing_on_these_pages(shop, visit, client, runs):
    queue = client.create_review_queue(
        "access", ["stars"], thread_ids=[runs[2][0]], instructions="Look", project="many"
    )
    states = {
        "evaluations": {"project": "many"},
        "evaluation": {"id": runs[0]},
        "comparison": {"base": runs[0], "candidate": runs[1]},
        "reviews": {"project": "many"},
        "review": {"queue": queue["queue_id"]},
    }
    tab = visit(bypass_csp=True)
    for name, params in states.items():
        page = tab.open(shop, name, **params)
        expect(page.locator("tbody tr, .review .turn").first).to_be_visible()
        found = Axe().run(page, options=OPTIONS).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == [], name
