"""Takes the pictures of docs/images/ anew: `cd tests && python -m page.screenshots`. Look at them."""

import random
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

import httpx
from builders import a_chat, a_request
from conftest import Server
from playwright.sync_api import sync_playwright

from page import conversations

ROOT = Path(__file__).parents[2]
TALKS = (
    ("Where is my order?", "Order A-17 left our warehouse this morning and reaches you on Monday."),
    (
        "I want to send the shoes back.",
        "No problem. Your return label is in your mail; the refund takes three days.",
    ),
    ("Do you ship to Iceland?", "We do, in five to seven days, and above 80 € for nothing."),
    (
        "My voucher does not work!",
        "The voucher SUMMER ended on 31 August. Here is another one for you.",
    ),
    ("Which size fits 27.5 cm?", "Take 43. If you are between sizes, the larger one."),
    ("Cancel my subscription, please.", "Done. You keep access until the end of the month."),
    ("Kann ich auf Rechnung zahlen?", "Ja, ab der zweiten Bestellung."),
    (
        "The lamp arrived broken.",
        "I am sorry. A new one is on its way; keep or recycle the old one.",
    ),
)
FAILURES = ("429: rate limit exceeded", "no answer after 30 s", "no such order: A-17")
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5")
SQL = """pivot (select error_message, strftime(start_time, '%a') as day from failed_turns where error_message is not null)
on day using count(*)"""
THREADS = 60
PROJECT = "shop"


def fill(server: Server) -> None:
    """Send conversations of a few weeks, with tags, scores and failures."""
    dice, now, scores = random.Random(7), time.time_ns(), []
    for n in range(THREADS):
        start = now - int(dice.expovariate(1 / 5) * 86_400e9)
        spans = []
        for turn in range(dice.randrange(1, 6)):
            asked, answered = dice.choice(TALKS)
            start += dice.randrange(20, 200) * 10**9
            failed = dice.random() < 0.05
            span = a_chat(
                f"chat-{n:04}",
                asked,
                None if failed else answered,
                start=start,
                end_time_unix_nano=start + dice.randrange(600, 6000) * 10**6,
                attributes={
                    "gen_ai.request.model": MODELS[n % 3],
                    "user.id": f"user-{dice.randrange(20)}",
                    "gen_ai.usage.input_tokens": dice.randrange(200, 4000) * (turn + 1),
                    "gen_ai.usage.output_tokens": dice.randrange(30, 600),
                    "tag.tags": ["vip"] if n % 9 == 0 else ["web"] if n % 2 else [],
                },
            )
            if failed:
                span.status.code, span.status.message = 2, dice.choice(FAILURES)
            spans.append(span)
        server.post(a_request(*spans), x_otel_threads_project=PROJECT)
        if n % 3:
            target = {"project": PROJECT, "thread_id": f"chat-{n:04}", "name": "quality"}
            scores.append(
                {**target, "value": round(dice.betavariate(4, 1.5), 2), "author": "judge"}
            )
    server.post(a_request(*conversations.rich()), x_otel_threads_project=PROJECT)
    server.wait_derived()
    chat = {"project": PROJECT, "thread_id": "chat-1"}
    scores += [
        {
            **chat,
            "name": "quality",
            "value": 0.9,
            "author": "ann",
            "reason": "Found the parcel at once.",
        },
        {**chat, "name": "quality", "value": 0.7, "author": "judge"},
    ]
    httpx.put(f"{server.api}/scores", json={"scores": scores}).raise_for_status()
    httpx.post(
        f"{server.api}/comments",
        json={**chat, "text": "The weather tool was slow here.", "author": "ann"},
    )


def take(server: Server) -> None:
    """Write pictures: of the first pages in light and in dark, of the others in light."""
    home = server.api.removesuffix("api/v1")
    turn = server.get("/threads/turns", project=PROJECT, thread_id="chat-1")["items"][1]
    pages = {
        "threads": (f"#/threads?project={PROJECT}", ".charts canvas", ()),
        "conversation": (f"#/thread?project={PROJECT}&thread_id=chat-1", ".hljs-keyword", ()),
        "trace": (
            f"#/trace?project={PROJECT}&trace_id={turn['trace_ids'][0]}&thread_id=chat-1",
            "[role=treeitem]",
            ("[role=treeitem] >> nth=1",),
        ),
    }
    plain = {
        "issues": (f"#/issues?project={PROJECT}", "tbody tr", ()),
        "spans": (f"#/spans?project={PROJECT}", "tbody tr", ()),
        "sql": (f"#/sql?{urlencode({'sql': SQL})}", ".tables li", ("button.primary",)),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for scheme in ("light", "dark"):
            page = browser.new_context(
                viewport={"width": 1360, "height": 800}, color_scheme=scheme
            ).new_page()
            for name, (link, wait, clicks) in (
                pages | (plain if scheme == "light" else {})
            ).items():
                page.goto(home + link)
                page.locator(wait).first.wait_for()
                for one in clicks:
                    page.locator(one).click()
                page.wait_for_timeout(500)
                page.screenshot(path=ROOT / f"docs/images/{name}-{scheme}.png")
                page.goto("about:blank")
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder)).start()
        try:
            fill(server)
            take(server)
        finally:
            server.stop()
