"""What the page costs a viewer at 100k threads, in a real headless Chromium without a graphics card.

    python benchmarks/page.py [--spans 10000000] [--rounds 10] [--keep FILE] [--save]

First paint, rows and figures are measured from the start of the navigation, each time in a new
profile; keys by the browser's own event timing, from the key to the next paint; scrolling by the
time between frames while the list loads more. Floors in the same run: the first paint of /docs,
which is plain HTML of the same server, and an empty key on it. The data are those of query.py.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from query import SPANS_A_TRACE, TRACES_A_THREAD, build

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from builders import a_chat, a_request
from conftest import Server

SEEN = {"spans": "spanlist", "issues": "issues"}
BUDGETS_MS = {"first paint": 1000, "a key in the list": 100, "a key in a trace": 100}
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
WATCH = """() => {
  window.keys = [];
  new PerformanceObserver((list) => list.getEntries().forEach((e) => e.name === "keydown" && window.keys.push(e.duration)))
    .observe({ type: "event", durationThreshold: 16, buffered: false });
}"""
SCROLL = """async (selector) => {
  const table = document.querySelector(selector), frames = [];
  let before = performance.now();
  for (const end = before + 5000; before < end; ) {
    table.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - before);
    before = performance.now();
  }
  return frames;
}"""
KEYS = 40
LONG_TURNS = 2_000  # of the thread that is scrolled
LONG_BATCH = 200  # turns of a request
WORDS = "It left the warehouse this morning, and reaches you on Monday. " * 6


def new_page(browser: Browser) -> Page:
    """Return a tab of a profile that has seen nothing yet."""
    return browser.new_context(viewport={"width": 1440, "height": 900}).new_page()


def painted(page: Page) -> float:
    """Return when the first text was painted, in milliseconds from the start of the navigation."""
    page.wait_for_function(f"() => {PAINT} !== undefined")
    found: float = page.evaluate(PAINT)
    return found


def keys(page: Page, key: str) -> list[float]:
    """Press a key again and again; return the time to the next paint, at least 16 ms each."""
    page.evaluate(WATCH)
    for _ in range(KEYS):
        page.keyboard.press(key)
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)
    found: list[float] = page.evaluate("window.keys")
    return found + [16.0] * (KEYS - len(found))  # what is faster than a frame is not reported


def visit(browser: Browser, home: str, times: dict[str, list[float]]) -> None:
    """Measure one visit from list to conversation to trace."""

    def took(name: str, started: float) -> None:
        times.setdefault(name, []).append((time.perf_counter() - started) * 1000)

    page = new_page(browser)
    page.goto(f"{home}docs")
    times.setdefault("first paint of /docs (floor)", []).append(painted(page))
    times.setdefault("a key on /docs (floor)", []).extend(keys(page, "j"))
    page.context.close()

    page = new_page(browser)
    started = time.perf_counter()
    page.goto(home)
    page.wait_for_selector(".tbody .tr")
    took("list in sight", started)
    page.wait_for_selector(".charts canvas")
    took("figures in sight", started)
    times.setdefault("first paint", []).append(painted(page))
    page.wait_for_timeout(500)
    times.setdefault("a key in the list", []).extend(keys(page, "j"))
    times.setdefault("a frame while scrolling", []).extend(page.evaluate(SCROLL, ".table"))
    page.keyboard.press("j")
    started = time.perf_counter()
    page.locator(".tr.current a").click()
    page.wait_for_selector(".turn")
    took("a thread opened", started)
    started = time.perf_counter()
    page.keyboard.press("t")
    page.wait_for_selector("[role=treeitem]")
    took("a trace opened", started)
    page.wait_for_timeout(500)
    times.setdefault("a key in a trace", []).extend(keys(page, "j"))
    for name in ("spans", "issues"):
        started = time.perf_counter()
        page.goto(f"{home}#/{name}")
        page.wait_for_selector(f"main.{SEEN[name]} :is(tbody tr, .empty)")
        took(f"{name} in sight", started)
    page.context.close()


def visit_long(browser: Browser, home: str, times: dict[str, list[float]]) -> None:
    """Measure a thread of LONG_TURNS turns: opened, its end, keys and scrolling."""
    page = new_page(browser)
    started = time.perf_counter()
    page.goto(f"{home}#/thread?project=default&thread_id=long")
    page.wait_for_selector(".turn")
    times.setdefault("a long thread opened", []).append((time.perf_counter() - started) * 1000)
    page.wait_for_selector(".outline li")
    started = time.perf_counter()
    page.keyboard.press("End")
    page.wait_for_selector(f"#turn-{LONG_TURNS - 1}")
    times.setdefault("its end in sight", []).append((time.perf_counter() - started) * 1000)
    page.keyboard.press("Home")
    page.wait_for_selector("#turn-0")
    times.setdefault("a key in a long thread", []).extend(keys(page, "j"))
    times.setdefault("a frame in a long thread", []).extend(page.evaluate(SCROLL, ".turns"))
    page.context.close()


def send_long(server: Server) -> None:
    """Send the long thread, unless the file has it."""
    start = time.time_ns() - LONG_TURNS * 10**9
    for first in range(0, LONG_TURNS, LONG_BATCH):
        turns = range(first, first + LONG_BATCH)
        chats = [a_chat("long", f"Question {n}", WORDS, start=start + n * 10**9) for n in turns]
        assert server.post(a_request(*chats)).status_code == 200
    server.wait_derived()


def main() -> None:
    """Measure, print a table, and save when asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--spans", type=int, default=10_000_000)
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--keep", help="use this file, made when it is not there")
    arguments.add_argument("--save", action="store_true")
    given = arguments.parse_args()
    threads = given.spans // (TRACES_A_THREAD * SPANS_A_TRACE)
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(given.keep).parent if given.keep else Path(folder)
        database = home / "otel-threads.duckdb"
        if not database.exists():
            build(str(database), threads)
        server = Server(home).start()
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        try:
            for _ in range(given.rounds):
                visit(browser, server.api.removesuffix("api/v1"), times)
            send_long(server)
            for _ in range(given.rounds):
                visit_long(browser, server.api.removesuffix("api/v1"), times)
        finally:
            browser.close()
            server.stop()
    rows = {}
    for name, found in times.items():
        cut = statistics.quantiles(found, n=100, method="inclusive")
        rows[name] = {"p50_ms": round(cut[49], 1), "p99_ms": round(cut[98], 1)}
        budget = BUDGETS_MS.get(name)
        met = "" if budget is None else f"budget {budget} {'met' if cut[98] < budget else 'MISSED'}"
        print(f"{name:<32} p50 {cut[49]:8.1f} ms   p99 {cut[98]:8.1f} ms   {met}")
    ratio = rows["first paint"]["p50_ms"] / rows["first paint of /docs (floor)"]["p50_ms"]
    print(f"first paint is {ratio:.2f} times that of /docs")
    result = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "command": "benchmarks/page.py " + " ".join(sys.argv[1:]),
        "spans": given.spans,
        "threads": threads,
        "times": rows,
        "first_paint_to_floor": round(ratio, 2),
        "budgets_ms": BUDGETS_MS,
    }
    if given.save:
        path = Path(__file__).parent / "results/page.json"
        path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
