"""Questions in words on the page, SQL, and issues: with a scripted model on a real endpoint."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from api import agents
from axe_playwright_python.sync_playwright import Axe
from builders import a_chat, a_request
from conftest import Server, wait_until
from playwright.sync_api import expect
from scripted_model import Fault, ScriptedModel

from page.test_access_page import OPTIONS

HOSTILE = "<img src=x onerror=alert(1)>\u202eabc"


@pytest.fixture(scope="module")
def model():
    model = ScriptedModel()
    yield model
    model.close()


def a_failure(thread: str, message: str):
    chat = a_chat(thread, "Pay it.", None, status={"code": 2, "message": message})
    chat.attributes.add(key="error.type").value.string_value = "Declined"
    return chat


@pytest.fixture(scope="module")
def asked(tmp_path_factory, model):
    settings = {"judge_base_url": model.base_url, "judge_model": "gpt-4o-mini"}
    server = Server(tmp_path_factory.mktemp("ask"), **settings).start()
    server.post(
        a_request(
            a_chat("refund", "Where is my refund?", "It is on its way."),
            a_chat("weather", "What is the weather?", "It rains."),
            a_failure("paid-1", f"card {HOSTILE} refused"),
            a_failure("paid-2", f"card {HOSTILE} refused"),
        ),
        x_otel_threads_project="shop",
    )
    server.wait_derived()
    yield server
    server.stop()


def answers(model: ScriptedModel, **answer) -> None:
    whole = {"filter": None, "sql": None, "answer": "Here they are."} | answer
    model.reset(lambda *_: json.dumps(whole))


def a_question(tab, server, text: str):
    page = tab.open(server, project="shop")
    expect(page.locator(".tbody .tr")).to_have_count(4)
    page.keyboard.press("q")
    page.get_by_label("Question in words").fill(text)
    page.get_by_label("Ask in words").get_by_role("button", name="Ask", exact=True).click()
    return page


def test_a_filter_is_proposed_changed_and_run(asked, model, tab):
    answers(model, filter='any_message contains "refund"')
    page = a_question(tab, asked, "who waits for money?")
    expect(page.get_by_text("Here they are.")).to_be_visible()
    proposal = page.get_by_label("Filter, proposed and not run yet")
    expect(proposal).to_have_value('any_message contains "refund"')
    expect(page.locator(".tbody .tr")).to_have_count(4)  # nothing has run
    assert "who waits for money?" in json.dumps(model.requests[0]["messages"])
    assert '"project":["shop"]' in model.requests[0]["messages"][1]["content"]

    proposal.fill('any_message contains "rains"')
    page.get_by_role("button", name="Run the filter").click()

    expect(page.locator(".tbody .tr")).to_have_count(1)
    expect(page.get_by_label("Filter", exact=True)).to_have_value('any_message contains "rains"')
    page.keyboard.press("Escape")
    expect(proposal).to_have_count(0)


def test_sql_is_proposed_and_runs_on_its_page_when_told_to(asked, model, tab):
    answers(model, sql="select thread_id, project, turn_count from threads order by thread_id")
    page = a_question(tab, asked, "how many turns?")
    proposal = page.get_by_label("SQL, proposed and not run yet")
    proposal.fill("select thread_id, project, turn_count from threads order by thread_id limit 3")
    page.get_by_role("button", name="Run the SQL").click()

    rows = page.get_by_role("region", name="Rows")
    expect(rows.locator("tbody tr")).to_have_count(3)
    expect(rows.locator("th").nth(2)).to_contain_text("bigint")
    rows.get_by_role("link", name="paid-1").click()
    expect(page.locator(".turn")).to_have_count(1)


def test_an_address_runs_no_sql(asked, tab):
    page = tab.open(asked, "sql", sql="select 41 + 1 as answer")
    expect(page.get_by_label("Query")).to_have_value("select 41 + 1 as answer")
    expect(
        page.get_by_label("Tables").get_by_role("button", name="threads", exact=False).first
    ).to_be_visible()
    expect(page.get_by_role("region", name="Rows")).to_have_count(0)
    page.get_by_label("Query").press("Control+Enter")
    expect(page.get_by_role("region", name="Rows").locator("tbody td")).to_have_text("42")
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    assert saved.value.path().read_text() == "answer\n42\n"


def test_wrong_sql_is_told_and_text_of_rows_is_text(asked, tab):
    tab.expected = ("Failed to load resource",)
    page = tab.open(asked, "sql")
    page.get_by_label("Query").fill("select nosuch from threads")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("nosuch")
    page.get_by_label("Query").fill(
        "select '<b>x</b>' || chr(8238) as \"<i>y</i>\", [1, null] as l, null as n"
    )
    page.get_by_role("button", name="Run", exact=True).click()
    rows = page.get_by_role("region", name="Rows")
    expect(rows).to_contain_text("<b>x</b>⟨202E⟩")
    expect(rows).to_contain_text("<i>y</i>")
    expect(rows).to_contain_text("[1,null]")
    page.get_by_label("Query").fill(
        "select 1700000000123456789 as nanos, 0.000018::double as usd, 4.2 as d, true as b"
    )
    page.get_by_role("button", name="Run", exact=True).click()
    cells = rows.locator("tbody td")
    expect(cells).to_have_text(["1700000000123456789", "0.000018", "4.2", "true"])


def test_a_table_shows_its_columns_which_go_into_the_query(asked, tab):
    page = tab.open(asked, "sql")
    tables = page.get_by_label("Tables")
    tables.get_by_role("button", name="turns").first.click()
    page.get_by_label("Query").fill("select ")
    tables.get_by_role("button", name="has_error boolean").click()
    expect(page.get_by_label("Query")).to_have_value("select has_error")


def test_a_thread_is_asked_about_and_answers_lead_to_turns(asked, model, tab):
    quotes = [
        {"turn_index": 0, "quote": "It is on its way."},
        {"turn_index": 0, "quote": "never said"},
    ]
    model.reset(lambda *_: json.dumps({"answer": f"Not yet. {HOSTILE}", "quotes": quotes}))
    page = tab.open(asked, "thread", project="shop", thread_id="refund")
    page.get_by_role("button", name="Was it resolved").click()
    answer = page.locator(".askpanel .comment")
    expect(answer).to_contain_text("Not yet. <img src=x")
    expect(answer.locator(".evidence li")).to_have_count(1)
    expect(answer).to_contain_text("$")
    answer.get_by_role("button", name="turn 1").click()
    expect(page.locator("#turn-0")).to_be_focused()
    page.get_by_label("Question about this thread").fill("And why?")
    page.get_by_label("Question about this thread").press("Enter")
    expect(page.locator(".askpanel .comment")).to_have_count(2)
    expect(answer.first).to_contain_text("And why?")


@pytest.mark.parametrize("wrong", [Fault(500), "no JSON", json.dumps({"filter": "nosuch = 1"})])
def test_what_fails_is_told_and_can_be_asked_again(asked, model, tab, wrong):
    tab.expected = ("Failed to load resource",)
    model.reset(lambda *_: wrong)
    page = a_question(tab, asked, "what?")
    told = page.locator(".askbar .bad")
    expect(told).to_contain_text("model" if isinstance(wrong, str) else "endpoint")
    answers(model, filter="turn_count = 1")
    page.get_by_label("Ask in words").get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_label("Filter, proposed and not run yet")).to_be_visible()
    expect(told).to_have_count(0)


def test_without_a_model_the_page_says_what_to_set(shop, tab):
    tab.expected = ("Failed to load resource",)
    page = tab.open(shop, project="shop")
    expect(page.locator(".tbody .tr").first).to_be_visible()
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_label("Question in words").fill("anything")
    page.get_by_label("Question in words").press("Enter")
    expect(page.locator(".askbar .bad")).to_contain_text("judge_base_url and judge_model")
    page = tab.open(shop, "thread", project="shop", thread_id="chat-1")
    page.get_by_role("button", name="Summary").click()
    expect(page.locator(".askpanel .bad")).to_contain_text("judge_base_url and judge_model")


def test_a_model_names_an_issue_for_people_and_agents(asked, model, tab):
    model.reset(lambda *_: json.dumps({"name": "Declined <b>cards</b>"}))
    page = tab.open(asked, "issues", project="shop")
    row = page.get_by_role("region", name="Issues").locator("tbody tr")
    expect(row).to_contain_text("Declined: card")  # until it has a name
    wait_until(lambda: asked.get("/issues", project="shop")["items"][0]["name"], "a name")
    page.reload()
    expect(row.get_by_role("link", name="Declined <b>cards</b>")).to_be_visible()
    expect(row).to_contain_text("Declined: card <img src=x")

    async def told():
        async with agents.over_http(asked) as client:
            return await agents.call(client, "find_issues", project="shop")

    with ThreadPoolExecutor(1) as beside:  # the browser has this thread's loop
        [line] = beside.submit(agents.run, told()).result()["items"]
    assert line["name"]["text"] == "Declined <b>cards</b>"


def test_an_issue_leads_to_its_threads_and_is_closed(asked, tab):
    page = tab.open(asked, "issues")
    row = page.get_by_role("region", name="Issues").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Declined: card <img src=x")
    expect(row).to_contain_text("shop")
    expect(row.get_by_role("link", name="paid-1")).to_be_visible()
    row.get_by_role("button", name="Close").click()
    expect(row.get_by_text("closed", exact=True)).to_be_visible()
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("No issue")).to_be_visible()
    page.get_by_role("button", name="Closed", exact=True).click()
    row.get_by_role("button", name="Reopen").click()
    page.get_by_role("button", name="All", exact=True).click()
    expect(row.get_by_text("open", exact=True)).to_be_visible()
    row.get_by_role("link", name="Declined").click()
    expect(page.locator(".tbody .tr")).to_have_count(2)


def test_pairs_of_keys_lead_to_pages_from_everywhere(asked, tab):
    page = tab.open(asked, "thread", project="shop", thread_id="refund")
    expect(page.locator(".turn")).to_have_count(1)
    for keys, heading in (
        ("gi", "Issues"),
        ("gq", "SQL"),
        ("gl", "Traces without"),
        ("gt", "Threads"),
    ):
        for key in keys:
            page.keyboard.press(key)
        expect(page.locator("h1")).to_contain_text(heading)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_here(asked, model, visit, scheme):
    tab = visit(color_scheme=scheme, bypass_csp=True)
    answers(model, filter="turn_count = 1")
    page = a_question(tab, asked, "what?")
    expect(page.get_by_label("Filter, proposed and not run yet")).to_be_visible()
    states = {"ask": None, "issues": "tbody tr", "sql": ".tables li"}
    for name, wait in states.items():
        if wait:
            page = tab.open(asked, name)
            expect(page.locator(wait).first).to_be_visible()
        page.wait_for_function("() => !document.querySelector('.stale')")
        found = Axe().run(page, options=OPTIONS).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:160]) for v in found] == [], name


@pytest.mark.parametrize("width", [360, 900])
def test_nothing_hangs_over(asked, model, visit, width):
    answers(model, filter="turn_count = 1")
    tab = visit(viewport={"width": width, "height": 740})
    page = a_question(tab, asked, "what?")
    expect(page.get_by_label("Filter, proposed and not run yet")).to_be_visible()
    for name in (None, "issues", "sql"):
        if name:
            page = tab.open(asked, name)
            expect(page.locator("tbody tr, .tables li").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
