"""Rules on the page: made, tried while they are edited, watched, and judging after the cooldown."""

import pytest
from builders import a_chat, a_request
from conftest import Server
from playwright.sync_api import expect
from scripted_model import ScriptedModel, scores

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


@pytest.fixture(scope="module")
def model():
    model = ScriptedModel()
    yield model
    model.close()


@pytest.fixture(scope="module")
def judging(tmp_path_factory, model):
    settings = {"judge_base_url": model.base_url, "judge_model": "gpt-4o-mini"}
    server = Server(tmp_path_factory.mktemp("rules"), thread_cooldown_s=3, **settings).start()
    server.post(a_request(a_chat("old", "Where is it?", "Here.")))
    server.wait_derived()
    yield server
    server.stop()


def test_a_rule_is_made_tried_and_judges_after_the_cooldown(judging, model, tab):
    answers = {"solved": True}
    model.reset(lambda request, number: scores(request, answers["solved"]))
    page = tab.open(judging, "rules", project="default")
    expect(page.get_by_text("No rule yet")).to_be_visible()
    page.get_by_role("button", name="New rule").click()
    page.get_by_label("Name").fill("helpful")
    page.get_by_label("What to judge").fill("Was it found?")
    page.get_by_label("Scores, a line each").fill("solved: yes/no")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="helpful").click()

    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Thread to try it on").fill("old")
    page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview.get_by_text("solved 1")).to_be_visible()
    expect(preview.get_by_text("scripted")).to_be_visible()
    page.get_by_role("button", name="Save").click()

    judging.post(a_request(a_chat("new", "Where is it?", "Here.")))
    row = page.get_by_role("region", name="Decisions").get_by_role("row", name="new")
    expect(row).to_contain_text("solved 1")
    page.get_by_role("button", name="scored").click()
    expect(row).to_contain_text("scored")
    row.get_by_role("link", name="new").click()
    expect(page.locator(".score").first).to_contain_text("solved")


def test_what_a_judge_writes_is_text(judging, model, tab):
    model.reset(lambda *_: f"{HOSTILE} is my answer")
    made = judging.get("/rules")["items"]
    assert made
    page = tab.open(judging, "rule", rule=made[0]["rule_id"])
    page.get_by_role("button", name="Try").click()
    page.get_by_role("button", name="Preview").click()

    expect(page.get_by_role("region", name="Preview")).to_contain_text("did not fit, twice")
    expect(page.get_by_role("region", name="Preview")).to_contain_text("<img src=x")


def test_a_wrong_filter_is_told_in_the_form(judging, tab):
    tab.expected = ("Failed to load resource",)
    page = tab.open(judging, "rules", project="default")
    page.get_by_role("button", name="New rule").click()
    page.get_by_label("Name").fill("wrong")
    page.get_by_label("What to judge").fill("?")
    page.get_by_label("Filter").fill("turn_count >")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_contain_text("filter, at position")
