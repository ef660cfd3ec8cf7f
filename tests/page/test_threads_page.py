"""The list: what it shows, how it is filtered, sorted, arranged, watched and acted upon."""

import datetime
import json
import re

import httpx
import pytest
from builders import a_chat, a_request
from conftest import wait_until
from playwright.sync_api import expect
from ports import free_endpoint

from page import conversations


def test_the_list_shows_threads_with_figures(shop, tab):
    page = tab.open(shop, project="shop")
    row = page.get_by_role("row").filter(has_text="chat-1")

    expect(row).to_contain_text("Where is my order?")
    expect(row).to_contain_text("active")
    expect(row).to_contain_text("gpt-4o-mini")
    expect(row.locator(".tag")).to_have_text("vip")
    cost = row.get_by_text("$0.0000")
    expect(cost).to_be_in_viewport(ratio=1)
    assert cost.evaluate("e => e.scrollWidth <= e.clientWidth"), "the cost is cut"
    expect(page.locator(".stats")).to_contain_text("Threads2")
    expect(page.locator(".stats")).to_contain_text("50% 1 error")
    page.keyboard.press("c")  # without the charts, a small one stays
    expect(page.locator(".curve svg")).to_have_attribute(
        "aria-label", re.compile("Threads by day, 2")
    )


def test_charts_are_of_the_selection_and_narrow_it(shop, tab):
    """A brush takes a time, a key a condition; both are in the address, in sight, and undone."""
    # Not "many": what other tests score there is drawn, too.
    assert shop.post(conversations.many(), x_otel_threads_project="charts").status_code == 200
    shop.wait_derived()
    page = tab.open(shop, project="charts", range="24h")
    charts = page.get_by_role("figure")
    expect(charts).to_have_count(5)  # no scores, and no first token
    for title in ("Threads", "Turns", "Turn time", "Tokens", "Cost by model"):
        expect(page.get_by_role("figure", name=title).first).to_be_visible()
    plot = page.get_by_role("figure", name="Threads").locator(".u-over")
    expect(plot).to_be_visible()
    expect(page.get_by_role("button", name="Last 24 hours")).to_be_visible()

    models = page.get_by_role("figure", name="Cost by model").get_by_role("button")
    drawn = models.count()
    assert drawn > 1
    page.get_by_role("figure", name="Cost by model").get_by_role(
        "button", name="gpt-4o", exact=True
    ).click()
    expect(page.get_by_label("Filter", exact=True)).to_have_value('model = "gpt-4o"')
    expect(page.locator(".stats")).to_contain_text("Threads75")
    expect(models).to_have_count(1)
    pressed = page.get_by_role("button", name="gpt-4o", exact=True, pressed=True)
    pressed.click()
    expect(page.get_by_label("Filter", exact=True)).to_have_value("")
    expect(page.locator(".stats")).to_contain_text("Threads150")
    expect(models).to_have_count(drawn)  # charts come after the numbers, each as a new canvas
    expect(plot).to_be_visible()

    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 40, steps=4)
    page.mouse.up()
    expect(page.locator(".timerange")).to_contain_text("–")
    assert "from=" in page.url
    assert "range=" not in page.url
    page.get_by_role("button", name="All time").click()
    expect(page.locator(".stats")).to_contain_text("Threads150")


def test_a_brush_takes_the_bars_that_it_touches(shop, tab):
    """A bar stands around its hour: the second of four from an eighth to three eighths, and so on."""
    noon = datetime.datetime.now(datetime.UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    noon -= datetime.timedelta(days=1)
    hours = [noon + datetime.timedelta(hours=n) for n in range(5)]
    starts = [int(hour.timestamp() * 1e9) + 30 * 60 * 10**9 for hour in hours[:4]]
    chats = [a_chat(f"hour-{n}", "Hello", "Hi", start=start) for n, start in enumerate(starts)]
    shop.post(a_request(*chats), x_otel_threads_project="hours")
    shop.wait_derived()
    page = tab.open(shop, project="hours", **{"from": noon.isoformat(), "to": hours[4].isoformat()})
    rows = page.locator(".tbody .tr")
    expect(rows).to_have_count(4)
    plot = page.get_by_role("figure", name="Threads").locator(".u-over")
    expect(plot).to_be_visible()
    box = plot.bounding_box()

    page.mouse.move(box["x"] + box["width"] * 0.33, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.68, box["y"] + 40, steps=4)
    page.mouse.up()

    expect(rows).to_have_count(2)
    expect(rows.locator("a")).to_have_text(["hour-2", "hour-1"])


def test_a_project_that_is_not_there_is_said_to_be_none(shop, tab):
    page = tab.open(shop, project="shp")
    expect(page.get_by_role("heading", name="There is no project shp")).to_be_visible()
    page.get_by_text("Did you mean").get_by_role("link", name="shop").click()
    expect(page.locator(".tbody .tr")).to_have_count(2)


def test_a_single_day_is_named_below_its_bar(make_server, tab):
    """A scale that the library makes of one point spans years, and names another day."""
    server = make_server()
    noon = datetime.datetime.now(datetime.UTC).replace(hour=12) - datetime.timedelta(days=7)
    server.post(a_request(a_chat("lonely", "Hello", "Hi", start=int(noon.timestamp() * 1e9))))
    server.wait_derived()
    tab.page.add_init_script(
        "window.drawn = []; const fillText = CanvasRenderingContext2D.prototype.fillText;"
        "CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {"
        " window.drawn.push(text); return fillText.call(this, text, ...at); };"
    )
    page = tab.open(server)

    def days() -> set[str]:
        return {text for text in page.evaluate("() => drawn") if re.match("[A-Z][a-z][a-z] ", text)}

    wait_until(lambda: bool(days()), "the charts are drawn")
    assert days() == {f"{noon:%b} {noon.day}"}


def test_a_link_opens_the_same_list(shop, tab):
    page = tab.open(
        shop,
        project="many",
        filter='model = "gpt-4o"',
        sort="-thread_id",
        status="active",
        columns="thread_id:300,cost_usd",
    )

    expect(page.locator(".tbody .tr").first).to_contain_text("many-148")
    expect(page.get_by_label("Filter", exact=True)).to_have_value('model = "gpt-4o"')
    expect(page.get_by_label("Status", exact=True)).to_have_value("active")
    expect(page.get_by_role("columnheader")).to_have_count(3)
    assert page.get_by_role("columnheader").nth(1).bounding_box()["width"] == 300


def test_scrolling_loads_all_and_draws_few(shop, tab):
    page = tab.open(shop, project="many")
    expect(page.locator(".tbody .tr").first).to_contain_text("many-000")
    table = page.get_by_role("table")

    for _ in range(40):
        table.evaluate("e => e.scrollTo(0, e.scrollHeight)")
        page.wait_for_function(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
        )
        if page.locator(".tbody .tr", has_text="many-149").count():
            break

    expect(page.locator(".tbody .tr").last).to_contain_text("many-149")
    assert page.locator(".tbody .tr").count() < 60


def test_the_filter_completes_fields_operators_and_values(shop, tab):
    page = tab.open(shop, project="shop")
    expect(page.locator(".tbody .tr")).to_have_count(2)
    box = page.get_by_label("Filter", exact=True)
    page.keyboard.press("f")
    expect(box).to_be_focused()

    page.keyboard.type("use")
    page.locator(".completions li", has_text="users").click()
    page.keyboard.type("s")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".completions li", has_text='"ann"').click()
    expect(box).to_have_value('users starts_with "ann" ')
    expect(page.locator(".completions li").first).to_have_text(re.compile("and"))
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")

    expect(page.locator(".tbody .tr")).to_have_count(1)
    expect(page.locator(".stats")).to_contain_text("Threads1")
    assert "filter=users" in page.url


def test_a_wrong_filter_says_where(shop, tab):
    tab.expected = ("Failed to load resource",)
    page = tab.open(shop, project="shop", filter="turn_count > 0 and colour = 3")

    expect(page.locator(".problem mark")).to_have_text("c")
    expect(page.locator(".problem")).to_contain_text("unknown field 'colour'; known:")
    page.get_by_label("Clear the filter").click()
    expect(page.locator(".tbody .tr")).to_have_count(2)


def test_search_status_and_time(shop, tab):
    page = tab.open(shop, project="shop")
    expect(page.locator(".tbody .tr")).to_have_count(2)

    page.keyboard.press("/")
    page.keyboard.type("parcel")
    page.keyboard.press("Enter")
    expect(page.locator(".tbody .tr")).to_have_count(1)
    page.get_by_label("Search ids and messages").fill("")
    expect(page.locator(".tbody .tr")).to_have_count(2)
    page.get_by_label("Status", exact=True).select_option("inactive")
    expect(page.get_by_text("No thread matches")).to_be_visible()
    page.get_by_role("link", name="Show all threads").click()
    page.get_by_title("Time range").click()
    page.get_by_role("button", name="Last 15 minutes").click()
    expect(page.locator(".tbody .tr")).to_have_count(2)
    assert "range=15m" in page.url
    page.get_by_title("Time range").click()
    page.get_by_label("To", exact=True).fill("2020-01-01T00:00")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("No thread matches")).to_be_visible()


def test_columns_are_sorted_chosen_moved_and_resized(shop, tab):
    page = tab.open(shop, project="many")
    heads = page.get_by_role("columnheader")
    expect(page.locator(".tbody .tr").first).to_contain_text("many-000")

    page.get_by_role("button", name="Thread", exact=True).click()
    expect(page.locator(".tbody .tr").first).to_contain_text("many-149")
    page.get_by_role("button", name="Thread ↓").or_(
        page.get_by_title("Sort by Thread")
    ).first.click()
    expect(page.locator(".tbody .tr").first).to_contain_text("many-000")
    assert "sort=thread_id" in page.url

    page.get_by_title("Columns").click()
    page.get_by_label("First message", exact=True).click()
    page.get_by_label("Services", exact=True).click()
    page.get_by_label("Move Services left").click()
    page.keyboard.press("Escape")
    names = heads.all_inner_texts()
    assert "First message" not in names
    assert names[-2:] == ["Services", "Models"]

    before = heads.nth(1).bounding_box()["width"]
    handle = page.get_by_label("Width of Thread").bounding_box()
    page.mouse.move(handle["x"] + 5, handle["y"] + 10)
    page.mouse.down()
    page.mouse.move(handle["x"] + 105, handle["y"] + 10, steps=5)
    page.mouse.up()
    assert heads.nth(1).bounding_box()["width"] == pytest.approx(before + 100, abs=2)
    page.get_by_label("Width of Thread").focus()
    page.keyboard.press("ArrowLeft")
    assert heads.nth(1).bounding_box()["width"] == pytest.approx(before + 84, abs=2)

    page.locator(".tbody a").first.click()
    page.keyboard.press("Escape")
    assert heads.nth(1).bounding_box()["width"] == pytest.approx(before + 84, abs=2)

    heads.nth(1).hover()
    page.mouse.down()
    heads.nth(2).hover()
    heads.nth(2).hover()  # the second movement is what Chromium surely tells as a dragover
    page.mouse.up()
    expect(heads.nth(2)).to_have_text(re.compile("Thread"))
    page.reload()
    expect(heads.nth(2)).to_have_text(re.compile("Thread"))


def test_views_are_saved_shown_and_deleted(shop, tab):
    page = tab.open(
        shop,
        project="many",
        filter='model = "gpt-4o"',
        search="Question 1",
        sort="thread_id",
        columns="thread_id,cost_usd",
    )
    expect(page.locator(".tbody .tr").first).to_be_visible()

    page.get_by_title("Saved views").click()
    page.get_by_label("Name of the view").fill("only <b>4o</b>")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="only <b>4o</b>", exact=True)).to_be_visible()
    found = shop.get("/views", project="many")["items"][0]
    page.keyboard.press("Escape")
    tab.open(shop, project="many")
    expect(page.get_by_role("columnheader")).not_to_have_count(3)
    page.get_by_title("Saved views").click()
    page.get_by_role("button", name="only <b>4o</b>", exact=True).click()

    expect(page.get_by_role("columnheader")).to_have_count(3)
    expect(page.locator(".tbody .tr").first).to_contain_text("many-010")
    assert found["columns"] == ["thread_id", "cost_usd"]
    page.get_by_title("Saved views").click()
    page.get_by_label("Delete view only").click()
    expect(page.get_by_text("No view is saved yet")).to_be_visible()
    assert shop.get("/views", project="many")["items"] == []


def test_selected_threads_are_closed_tagged_scored_exported_and_deleted(shop, tab):
    chats = [a_chat(f"bulk-{n}", "Hello", "Hi") for n in range(4)]
    shop.post(a_request(*chats), x_otel_threads_project="bulk")
    shop.wait_derived()
    page = tab.open(shop, project="bulk", sort="thread_id")
    page.get_by_label("Select bulk-0").click()
    page.get_by_label("Select bulk-2").click(modifiers=["Shift"])
    bar = page.get_by_role("toolbar")
    expect(bar).to_contain_text("3 threads selected")

    bar.get_by_role("button", name="Close").click()
    expect(page.locator(".status.inactive")).to_have_count(3)
    bar.get_by_role("button", name="Reopen").click()
    expect(page.locator(".status.inactive")).to_have_count(0)
    bar.get_by_role("button", name="Tag…").click()
    page.get_by_label("Add, separated by commas").fill("blue, green")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tbody .tag")).to_have_count(6)
    bar.get_by_role("button", name="Score…").click()
    page.get_by_label("Name", exact=True).fill("quality")
    page.get_by_label("Value").fill("much")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text('"much" is no number')
    page.get_by_label("Value").fill("0.9")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tbody .score.good")).to_have_count(3)

    bar.get_by_title("Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSONL, a thread a line").click()
    lines = download.value.path().read_text().splitlines()
    assert sorted(json.loads(line)["thread_id"] for line in lines) == ["bulk-0", "bulk-1", "bulk-2"]

    bar.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".tbody .tr")).to_have_count(1)
    assert [t["thread_id"] for t in shop.get("/threads", project="bulk")["items"]] == ["bulk-3"]


def test_new_threads_are_announced_and_known_ones_change_in_place(shop, tab):
    shop.post(
        a_request(*(a_chat(f"live-{n}", "Hello", "Hi") for n in range(3))),
        x_otel_threads_project="live",
    )
    shop.wait_derived()
    page = tab.open(shop, project="live", filter='thread_id starts_with "live"')
    rows = page.locator(".tbody .tr")
    expect(rows).to_have_count(3)
    expect(page.locator(".liveness.live")).to_be_visible()
    order = [row.split()[0] for row in rows.all_inner_texts()]
    oldest = order[-1]

    shop.post(
        a_request(
            a_chat(oldest, "Once more", "Yes"),
            a_chat("live-new", "I am new", "Welcome"),
            a_chat("other", "Not I", "No"),
        ),
        x_otel_threads_project="live",
    )

    expect(rows.last).to_contain_text("Yes")
    expect(page.locator(".news")).to_have_text(re.compile("^1 new thread"))
    assert [row.split()[0] for row in rows.all_inner_texts()] == order
    page.locator(".news").click()
    expect(rows).to_have_count(4)
    expect(page.locator(".news")).to_have_count(0)
    httpx.post(f"{shop.api}/threads/delete", json={"project": "live", "thread_ids": ["live-new"]})
    expect(rows).to_have_count(3)


def test_the_way_back_leads_to_the_same_place_and_to_what_is_new(shop, tab):
    page = tab.open(shop, project="many", sort="thread_id")
    expect(page.locator(".tbody .tr").first).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(".tr.current")).to_contain_text("many-000")
    for _ in range(30):
        page.keyboard.press("j")
    expect(page.locator(".tr.current")).to_contain_text("many-030")
    before = page.get_by_role("table").evaluate("e => e.scrollTop")
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(1)
    shop.post(
        a_request(a_chat("many-030", "Changed meanwhile", "Yes")), x_otel_threads_project="many"
    )
    expect(page.locator(".turn")).to_have_count(2)

    page.keyboard.press("Escape")

    expect(page.locator(".tr.current")).to_contain_text("many-030")
    assert page.get_by_role("table").evaluate("e => e.scrollTop") == before > 0
    expect(page.locator(".tr.current")).to_contain_text("Yes")


def test_a_tab_out_of_sight_holds_no_stream_and_catches_up(shop, tab):
    """Browsers open six connections to a server: seven open tabs must not stop one another."""
    shop.post(a_request(a_chat("away-1", "Hello", "Hi")), x_otel_threads_project="away")
    shop.wait_derived()
    page = tab.open(shop, project="away")
    expect(page.locator(".liveness.live")).to_be_visible()
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))"

    page.evaluate(hide % "true")
    expect(page.locator(".liveness.waiting")).to_be_visible()
    shop.post(
        a_request(a_chat("away-1", "Again", "Seen later"), a_chat("away-2", "New", "Hi")),
        x_otel_threads_project="away",
    )
    shop.wait_derived()
    page.evaluate(hide % "false")

    expect(page.locator(".tbody .tr")).to_contain_text("Seen later")
    expect(page.locator(".news")).to_have_text(re.compile("^1 new thread"))


def test_a_server_that_comes_back_is_followed_again(make_server, tab):
    server = make_server(http_endpoint=free_endpoint())
    tab.expected = ("Failed to load resource",)
    server.post(a_request(a_chat("back-1", "Hello", "Hi")))
    server.wait_derived()
    page = tab.open(server)
    expect(page.locator(".liveness.live")).to_be_visible()

    server.kill()
    expect(page.locator(".liveness.waiting")).to_be_visible()
    server.start()
    server.post(a_request(a_chat("back-1", "Again", "Still here")))

    expect(page.locator(".tbody .tr")).to_contain_text("Still here", timeout=60_000)
    expect(page.locator(".liveness.live")).to_be_visible()


def test_a_list_that_could_not_be_had_is_asked_for_when_the_server_is_back(make_server, tab):
    server = make_server(http_endpoint=free_endpoint())
    tab.expected = ("Failed to load resource",)
    server.post(a_request(a_chat("back-1", "Hello", "Hi")))
    server.wait_derived()
    tab.page.route("**/api/v1/threads?*", lambda route: route.abort())
    page = tab.open(server)
    expect(page.get_by_role("alert").filter(has_text="out of reach")).to_be_visible()
    page.unroute("**/api/v1/threads?*")
    expect(page.locator(".charts canvas").first).to_be_visible()  # all modules are there

    server.kill()
    expect(page.locator(".liveness.waiting")).to_be_visible()
    server.start()

    expect(page.locator(".tbody .tr")).to_contain_text("back-1", timeout=60_000)


def test_the_project_switch_and_the_keys(shop, tab):
    page = tab.open(shop)
    expect(page.get_by_role("columnheader").nth(1)).to_have_text(re.compile("Project"))
    page.get_by_label("Project", exact=True).select_option("shop")
    expect(page.locator(".tbody .tr")).to_have_count(2)

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".tr.current")).to_contain_text(
        "chat-1" if "chat-1" in page.locator(".tbody .tr").nth(1).inner_text() else "chat-2"
    )
    page.keyboard.press("x")
    expect(page.get_by_role("toolbar")).to_contain_text("1 thread selected")
    page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next, previous thread")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("chat-"))
    page.keyboard.press("Escape")
    expect(page.locator(".tr.current")).to_have_count(1)
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", level=1)).to_have_text("Traces without a thread")
