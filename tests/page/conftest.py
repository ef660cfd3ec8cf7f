"""A real Chromium on a real server. Every test also fails by an error on the page's console, by a
violation of its Content-Security-Policy, and by a request to anywhere else."""

import os
import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from conftest import Server
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from page import conversations

TIMEOUT_MS = 20_000
WIDE = {"width": 1440, "height": 900}


# Not for the session: while Playwright runs, no other event loop can be run in its thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        reason = "no Chromium on the path: make browser"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        # Root, as in a container, may not use Chromium's own sandbox.
        # evil.test is a name of another site that points here: test_foreign_pages.py.
        rules = "--host-resolver-rules=MAP evil.test 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", rules])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the conversations of conversations.py, which tests only read or add to."""
    server = Server(tmp_path_factory.mktemp("shop")).start()
    for project, request in conversations.requests():
        assert server.post(request, x_otel_threads_project=project).status_code == 200
    server.wait_derived()
    yield server
    server.stop()


class Visit:
    """A tab, and what went wrong in it."""

    def __init__(self, context: BrowserContext) -> None:
        context.set_default_timeout(TIMEOUT_MS)
        self.context = context
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.expected: tuple[str, ...] = ()  # beginnings of console errors that the test provokes
        self.home = ""
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on(
            "console", lambda m: m.type == "error" and self.wrong.append(f"console: {m.text}")
        )
        self.page.on("dialog", lambda dialog: (self.wrong.append("a dialog"), dialog.dismiss()))
        context.on("request", self._look)

    def _look(self, request) -> None:
        if urlsplit(request.url).scheme in ("blob", "data"):
            return
        if self.home and urlsplit(request.url).netloc != urlsplit(self.home).netloc:
            self.wrong.append(f"a request to {request.url}")

    def open(self, server: Server, name: str = "threads", **params: str) -> Page:
        self.home = server.api.removesuffix("api/v1")
        query = f"?{urlencode(params)}" if params else ""
        self.page.goto(f"{self.home}#/{name}{query}")
        return self.page

    def check(self) -> None:
        assert [
            one
            for one in self.wrong
            if not one.removeprefix("console: ").startswith(self.expected or ("\0",))
        ] == []


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open tabs, each in a profile of its own; at the end nothing may have gone wrong."""
    visits: list[Visit] = []

    def make(**options) -> Visit:
        made = Visit(browser.new_context(viewport=options.pop("viewport", WIDE), **options))
        visits.append(made)
        return made

    yield make
    for one in visits:
        one.context.close()
    for one in visits:
        one.check()


@pytest.fixture
def tab(visit) -> Visit:
    """One tab."""
    return visit()
