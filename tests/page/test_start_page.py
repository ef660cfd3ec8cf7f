"""First use, traces without a thread, tokens, the files themselves."""

import json
import re

import httpx
from builders import a_chat, a_request
from conftest import wait_until
from playwright.sync_api import expect

from otel_threads.ui import vendor


def test_an_empty_database_says_how_and_sees_the_first_span(make_server, tab):
    server = make_server()
    page = tab.open(server)

    expect(page.locator(".endpoint")).to_contain_text(f"http://{server.addresses['otlp_http']}")
    for way, line in {
        "Environment": "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Python": "OTLPSpanExporter",
        "Node": "@opentelemetry/sdk-node",
        "Collector": "otlphttp/threads",
    }.items():
        page.get_by_role("button", name=way).click()
        expect(page.locator(".first pre")).to_contain_text(line)
        expect(page.locator(".first pre")).to_contain_text(server.addresses["otlp_http"])
    expect(page.get_by_text("Waiting for the first span")).to_be_visible()
    server.post(a_request(a_chat("first", "Hello", "Hi")))
    expect(page.get_by_text("It works")).to_be_visible()
    page.get_by_role("button", name="Show the threads").click()
    expect(page.locator(".tbody .tr")).to_contain_text("first")


def test_the_python_lines_of_the_first_page_are_right(make_server, tab):
    """What a new user copies must run: the lines of the page, with a span in place of the agent."""
    server = make_server()
    page = tab.open(server)
    page.get_by_role("button", name="Python").click()
    lines = page.locator(".first pre").inner_text()
    script = (
        lines.replace('agent.run("Hello")', 'trace.get_tracer("app").start_span("chat").end()')
        + "\nprovider.shutdown()\n"
    )
    file = server.folder / "app.py"
    file.write_text(script)

    import subprocess
    import sys

    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    server.wait_derived()
    assert [t["thread_id"] for t in server.get("/threads")["items"]] == ["chat-42"]
    assert server.get("/threads")["items"][0]["users"] == ["ann"]


def test_the_demo_is_loaded_by_a_button(make_server, tab):
    server = make_server()
    page = tab.open(server)
    page.get_by_role("button", name="Load the demo conversations").click()

    expect(page.locator(".tbody .tr")).to_have_count(12)
    again = httpx.post(f"{server.api}/demo").json()
    server.wait_derived()
    assert again["request_count"] == 37
    assert len(again["projects"]) == 6
    assert server.get("/status")["threads"] == 12


def test_traces_without_a_thread_come_with_advice(shop, tab):
    page = tab.open(shop, "loose")

    expect(page.locator(".finding").first).to_contain_text("opentelemetry.instrumentation.openai")
    expect(page.locator(".finding pre").first).not_to_be_empty()
    expect(page.get_by_role("region", name="Traces")).to_contain_text("Who am I?")
    page.get_by_role("region", name="Traces").get_by_role("link").first.click()
    expect(page.locator(".spanpanel")).to_be_visible()  # the span that has the words
    page.keyboard.press("Escape")
    expect(page.locator(".abouttrace")).to_contain_text("none")
    tab.open(shop, project="loose")
    page.get_by_role("link", name=re.compile("See the traces without a thread")).click()
    expect(page.get_by_role("region", name="Traces").get_by_role("row")).to_have_count(2)


def test_a_token_is_asked_for_and_kept_for_the_tab(make_server, tab):
    server = make_server(read_token="reads", write_token="writes")
    tab.expected = ("Failed to load resource",)
    server.post(a_request(a_chat("secret-1", "Hello", "Hi")))
    wait_for_threads(server)
    page = tab.open(server)
    box = page.get_by_label("Token", exact=True)

    box.fill("wrong")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_have_text("That token is not accepted.")
    box.fill("reads")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".tbody .tr")).to_contain_text("secret-1")
    page.reload()
    expect(page.locator(".tbody .tr")).to_contain_text("secret-1")
    expect(page.locator(".liveness.live")).to_be_visible()
    page.get_by_title("Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSONL, a thread a line").click()
    assert json.loads(download.value.path().read_text())["thread_id"] == "secret-1"

    page.get_by_role("link", name="secret-1").click()
    page.get_by_label("Good turn 1").click()
    expect(page.get_by_label("Token", exact=True)).to_be_visible()
    box.fill("writes")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Good turn 1").click()
    expect(page.get_by_label("Good turn 1")).to_have_attribute("aria-pressed", "true")
    assert "writes" not in page.url
    assert page.evaluate("localStorage.getItem('otel-threads.token')") is None
    page.get_by_title("Settings").click()
    page.get_by_role("button", name="Forget the token").click()
    expect(box).to_be_visible()


def wait_for_threads(server):
    """An empty database would show the first-use page, and no list."""
    reads = {"authorization": "Bearer reads"}
    wait_until(
        lambda: httpx.get(f"{server.api}/threads", headers=reads).json()["items"], "a thread"
    )


def test_reading_with_a_read_token_alone_tells_that_writing_is_off(make_server, tab):
    server = make_server(read_token="reads")
    tab.expected = ("Failed to load resource",)
    server.post(a_request(a_chat("secret-1", "Hello", "Hi")))
    wait_for_threads(server)
    page = tab.open(server)
    page.get_by_label("Token", exact=True).fill("reads")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="secret-1").click()
    page.get_by_label("Good turn 1").click()

    expect(page.locator(".toast")).to_contain_text("writing is off")


def test_the_files_are_served_with_their_types_and_a_strict_policy(shop):
    home = shop.api.removesuffix("api/v1")
    with httpx.Client(base_url=home) as http:
        page = http.get("/")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "<script>" not in page.text
        script = http.get("/ui/main.js")
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
        assert (
            http.get("/ui/main.js", headers={"if-none-match": script.headers["etag"]}).status_code
            == 304
        )
        for path in (
            "/ui/../schemas.py",
            "/ui/%2e%2e/__init__.py",
            "/ui//etc/passwd",
            "/ui/",
            "/ui/lib",
        ):
            assert http.get(path).status_code == 404, path
        for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert http.get(f"/{path}").status_code == 200, path


def test_all_modules_are_fetched_at_once():
    """Each would otherwise be asked for only when the one that imports it is there."""
    folder = vendor.FOLDER.parent
    named = set(
        re.findall(r'modulepreload" href="ui/([^"]+)"', (folder / "index.html").read_text())
    )
    reached, waiting = set(), [folder / "main.js"]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            imports = re.findall(
                r'^(?:import|export)[^;]*?from "(\.[^"]+)"', file.read_text(), re.M
            )
            waiting += [(file.parent / one).resolve() for one in imports]
    assert named == {str(file.relative_to(folder)) for file in reached} - {"main.js"}


def test_the_libraries_are_listed_with_their_licences():
    assert (vendor.FOLDER / "README.md").read_text() == vendor.readme()
    names = {one.name for one in vendor.LIBRARIES}
    assert {
        file.name for kind in ("js", "css") for file in vendor.FOLDER.glob(f"*.{kind}")
    } == names
    for one in vendor.LIBRARIES:
        assert list(vendor.FOLDER.glob(f"LICENSE.{one.package.split('/')[0].lstrip('@')}.txt"))


def test_a_page_that_cannot_be_drawn_does_not_take_the_next_with_it(shop, tab):
    """An answer that is none of ours, as a proxy in between may give."""
    tab.expected = ("TypeError",)
    tab.page.route("**/threads/get*", lambda route: route.fulfill(json={"surprise": True}))
    page = tab.open(shop, "thread", project="shop", thread_id="chat-1")
    expect(
        page.get_by_role("alert").filter(has_text="This page could not be drawn")
    ).to_be_visible()

    page.get_by_role("link", name="Threads", exact=True).click()
    expect(page.locator(".tbody .tr").first).to_be_visible()
    page.unroute("**/threads/get*")
    page.get_by_role("link", name="chat-1").click()
    expect(page.locator(".turn")).to_have_count(3)
    tab.wrong = [one for one in tab.wrong if "TypeError" not in one and "reading" not in one]


def test_the_first_page_says_what_was_refused(make_server, tab):
    server = make_server(ingest_token="secret")
    assert server.post(a_request(a_chat("first", "Hello", "Hi"))).status_code == 401

    page = tab.open(server)

    told = page.get_by_role("alert")
    expect(told).to_contain_text("1 at otlp_http, requests without the ingest_token")
    expect(page.locator(".first pre")).to_contain_text("OTEL_EXPORTER_OTLP_HEADERS")
    page = tab.open(server, "loose")
    expect(page.get_by_role("heading", name="Requests were refused")).to_be_visible()


def test_settings_of_a_project(make_server, tab):
    server = make_server()
    server.post(a_request(a_chat("one", "Hello", "Hi")), x_otel_threads_project="kept")
    server.wait_derived()
    page = tab.open(server, project="kept")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Settings of project kept").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Days that traces are kept").fill("30")
    dialog.get_by_label("Seconds without a span").fill("60")
    dialog.get_by_role("button", name="Save").first.click()
    expect(dialog).to_have_count(0)
    (project,) = server.get("/projects")["items"]
    assert (project["retention_days"], project["thread_cooldown_s"]) == (30, 60)


def test_scores_of_a_project_are_defined(make_server, tab):
    server = make_server()
    server.post(a_request(a_chat("one", "Hello", "Hi")), x_otel_threads_project="kept")
    server.wait_derived()
    page = tab.open(server, project="kept")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Settings of project kept").click()
    dialog = page.get_by_role("dialog")
    tab.expected = ("Failed to load resource",)  # of the range that cannot be
    dialog.get_by_role("button", name="Define a score").click()
    dialog.get_by_label("Name of the score").fill("<b>tone</b>")
    dialog.get_by_label("From").fill("5")
    dialog.get_by_role("button", name="Save the score").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("It is").select_option("categorical")
    dialog.get_by_label("Words, separated").fill("good = 1, bad = 0, mixed")
    dialog.get_by_role("button", name="Save the score").click()
    expect(dialog.get_by_text("good, bad, mixed")).to_be_visible()
    expect(dialog.get_by_text("<b>tone</b>")).to_be_visible()

    dialog.get_by_role("button", name="Edit <b>tone</b>").click()
    expect(dialog.get_by_label("Words, separated")).to_have_value("good = 1, bad = 0, mixed")
    dialog.get_by_label("Of two scores").select_option("lower")
    dialog.get_by_role("button", name="Save the score").click()
    expect(dialog.get_by_label("Of two scores")).to_have_count(0)
    (one,) = server.get("/score-definitions", project="kept")["items"]
    assert one["better"] == "lower"
    assert [(c["label"], c["value"]) for c in one["categories"]] == [
        ("good", 1),
        ("bad", 0),
        ("mixed", None),
    ]
    dialog.get_by_role("button", name="Delete <b>tone</b>").click()
    expect(dialog.get_by_text("None is defined")).to_be_visible()
