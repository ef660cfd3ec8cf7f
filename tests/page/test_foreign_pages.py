"""A page of another site in a real Chromium: it reads, writes and starts nothing on this server.

The site is a server of its own on another port; evil.test is a name that the browser takes for
127.0.0.1, as after DNS rebinding.
"""

import http.server
import threading
from collections.abc import Iterator

import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server
from playwright.sync_api import Browser, Page

# Runs one request as a page may, and returns what the page gets to see.
ASK = """async ([url, options]) => {
  try {
    const response = await fetch(url, options);
    return { status: response.status, type: response.type, text: await response.text() };
  } catch (error) { return { error: String(error) }; }
}"""
LOAD_IMAGE = """(url) => new Promise((done) => {
  const image = new Image();
  image.onload = image.onerror = () => done();
  image.src = url;
})"""
POST_FORM = """(url) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.name = `target of ${url}`;  // of its own: another form would cancel this one's request
  document.body.append(frame);
  frame.onload = () => done();  // of the answer, not of the empty page that was there at once
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", action: url, target: frame.name, enctype: "text/plain" });
  document.body.append(form);
  form.submit();
})"""


class Site(http.server.BaseHTTPRequestHandler):
    """An empty page at every path."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>another site</title>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """The port of another site."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving.server_address[1]
        serving.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one thread."""
    server = Server(tmp_path_factory.mktemp("victim")).start()
    assert server.post(a_request(a_chat("secret-thread", "Hello", "Hi"))).status_code == 200
    server.wait_derived()
    yield server
    assert server.stop() == 0


class Visitor:
    """A tab with the other site's page, and the statuses that its requests got."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.statuses: dict[str, int] = {}
        page.on("response", lambda one: self.statuses.update({one.url: one.status}))
        page.goto(origin)

    def ask(self, url: str, **options: object) -> dict:
        return self.page.evaluate(ASK, [url, options])


@pytest.fixture(params=["127.0.0.1", "localhost", "evil.test"])
def visitor(request, browser: Browser, site: int) -> Iterator[Visitor]:
    """Pages of the same machine on another port, and of a name of their own."""
    context = browser.new_context()
    yield Visitor(context.new_page(), f"http://{request.param}:{site}/")
    context.close()


def threads(server: Server) -> list[str]:
    return [one["thread_id"] for one in server.get("/threads", project="*")["items"]]


def refused(server: Server, port: str, reason: str) -> float:
    text = httpx.get(server.api.removesuffix("/api/v1") + "/metrics").text
    name = f'otel_threads_refused_total{{port="{port}",reason="{reason}"}} '
    return sum(
        float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)
    )


DELETE = '{"thread_ids": ["secret-thread"], "project": "default"}'


def test_a_foreign_page_reads_nothing(visitor, victim):
    found = visitor.ask(f"{victim.api}/threads?project=*")
    assert "error" in found
    opaque = visitor.ask(f"{victim.api}/threads?project=*", mode="no-cors")
    assert opaque == {"status": 0, "type": "opaque", "text": ""}


def test_a_foreign_page_deletes_and_starts_nothing(visitor, victim):
    before = refused(victim, "http", "origin")
    text = {"content-type": "text/plain"}
    calls = {"/threads/delete": DELETE, "/rebuild": "", "/demo": "", "/sql": '{"sql": "select 1"}'}

    for path, body in calls.items():
        visitor.ask(victim.api + path, method="POST", mode="no-cors", headers=text, body=body)
        visitor.page.evaluate(POST_FORM, victim.api + path)
    visitor.ask(
        victim.api + "/threads/delete", method="DELETE", body=DELETE
    )  # stops at its preflight

    assert {visitor.statuses[victim.api + path] for path in calls} == {403}
    assert refused(victim, "http", "origin") == before + 2 * len(calls)
    assert threads(victim) == ["secret-thread"]


def test_a_foreign_page_starts_no_backup_and_no_export_by_an_image(visitor, victim):
    before = refused(victim, "http", "origin")
    for path in ("/backup", "/export/threads?project=*"):
        visitor.page.evaluate(LOAD_IMAGE, victim.api + path)
    assert refused(victim, "http", "origin") == before + 2


def test_a_foreign_page_sends_no_spans(visitor, victim):
    url = f"{victim.otlp}/v1/traces"
    for kind in ("text/plain", "application/json"):
        headers = {"content-type": kind}
        visitor.ask(url, method="POST", mode="no-cors", headers=headers, body="{}")
        visitor.ask(url, method="POST", headers=headers, body="{}")
    assert set(visitor.statuses.values()) <= {200, 403, 404, 405, 421}  # 200 is the site's own page
    assert visitor.statuses[url] in (403, 405, 421)


def test_a_name_that_points_here_is_told_that_it_is_none_of_ours(browser, victim):
    """After DNS rebinding a page of evil.test has the same origin as this server."""
    context = browser.new_context()
    for address in (victim.addresses["http"], victim.addresses["otlp_http"]):
        origin = f"http://evil.test:{address.rpartition(':')[2]}"
        page = Visitor(context.new_page(), origin)
        post = {"method": "POST", "headers": {"content-type": "application/json"}}
        assert page.ask("/v1/traces", **post, body="{}")["status"] == 421
        if address == victim.addresses["http"]:
            found = page.ask("/api/v1/threads?project=*")
            assert found["status"] == 421
            assert "secret" not in found["text"]
            assert page.ask("/api/v1/threads/delete", **post, body=DELETE)["status"] == 421
            assert page.ask("/api/v1/backup")["status"] == 421
    context.close()
    assert threads(victim) == ["secret-thread"]


def test_the_own_page_reads_writes_and_exports(browser, victim):
    context = browser.new_context()
    page = Visitor(context.new_page(), victim.api.removesuffix("api/v1"))
    json = {"content-type": "application/json"}
    body = '{"thread_ids": ["secret-thread"], "project": "default"}'
    assert "secret-thread" in page.ask("/api/v1/threads?project=*")["text"]
    assert (
        page.ask("/api/v1/threads/close", method="POST", headers=json, body=body)["status"] == 200
    )
    assert "secret-thread" in page.ask("/api/v1/export/threads?project=*&format=jsonl")["text"]
    context.close()
