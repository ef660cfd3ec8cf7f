"""A conversation as it was: texts, tools, errors, figures, what people say of it."""

import base64
import io
import json
import random
import re
import struct
import time
import uuid
import wave
import zlib

import httpx
import pytest
from builders import a_chat, a_request
from playwright.sync_api import expect


def open_chat(shop, tab, thread_id="chat-1", project="shop", **more):
    page = tab.open(shop, "thread", project=project, thread_id=thread_id, **more)
    expect(page.locator(".turn").first).to_be_visible()
    return page


@pytest.fixture
def said(shop):
    """A thread of its own to speak about; returns its id."""
    thread_id = f"said-{uuid.uuid4()}"
    shop.post(
        a_request(a_chat(thread_id, "Hello", "Hi there", attributes={"user.id": "eve"})),
        x_otel_threads_project="said",
    )
    shop.wait_derived()
    return thread_id


def test_markdown_code_and_the_system_prompt(shop, tab):
    page = open_chat(shop, tab)
    first = page.locator(".turn").first

    expect(first.locator(".message.assistant strong")).to_have_text("A-17")
    expect(first.locator(".message.assistant li")).to_have_count(2)
    expect(first.locator(".message.assistant td").first).to_have_text("Mon")
    expect(first.locator(".hljs-keyword").first).to_have_text("def")
    link = first.get_by_role("link", name="our terms")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    expect(page.get_by_text("You are a shop assistant")).to_have_count(0)
    first.get_by_role("button", name="System prompt").click()
    expect(page.locator(".system")).to_contain_text("You are a shop assistant.")
    page.get_by_role("button", name="Plain").click()
    expect(first.locator(".message.assistant")).to_contain_text("**A-17**")


def test_tools_media_and_errors_stand_where_they_happened(shop, tab):
    page = open_chat(shop, tab)
    second, third = page.locator(".turn").nth(1), page.locator(".turn").nth(2)

    tool = second.get_by_role("button", name=re.compile("get_weather"))
    expect(tool).to_contain_text('{"city":"Ulm"}')
    expect(second.locator(".folded")).to_have_count(0)
    tool.click()
    expect(second.locator(".folded")).to_contain_text("degrees18")
    expect(second.locator(".media")).to_contain_text("image")
    assert second.locator("img").count() == 0
    expect(second.locator(".message.assistant").last).to_contain_text("It is 18 degrees.")
    expect(second.locator(".message.tool")).to_have_count(0)
    expect(third.locator(".errorbox")).to_contain_text("RateLimitError")
    expect(second.locator("header")).to_contain_text("2 calls")
    expect(second.locator("header")).to_contain_text("30 tokens")
    expect(second.locator("header")).to_contain_text("gpt-4o-mini")


def test_thumbs_are_scores_of_the_turn(shop, tab, said):
    page = open_chat(shop, tab, said, "said")
    up, down = page.get_by_label("Good turn 1"), page.get_by_label("Bad turn 1")

    def thumb():
        found = shop.get("/scores", project="said", thread_id=said)["items"]
        return [(s["name"], s["value"], s["source"], s["author"]) for s in found]

    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    assert thumb() == [("thumb", 1.0, "ui", "ui")]
    down.click()
    expect(down).to_have_attribute("aria-pressed", "true")
    expect(up).to_have_attribute("aria-pressed", "false")
    assert thumb() == [("thumb", 0.0, "ui", "ui")]
    down.click()
    expect(down).to_have_attribute("aria-pressed", "false")
    assert thumb() == []


def test_feedback_of_the_thread_and_of_its_turns_stands_at_the_top(shop, tab, said):
    """As LangSmith's threads page has it: what each turn got adds up, beside the thread's own."""
    page = open_chat(shop, tab, said, "said")
    feedback = page.get_by_role("group", name="Feedback")
    expect(page.get_by_label("Good turn 1")).to_be_visible()
    expect(feedback).to_have_count(0)
    target = {"project": "said", "thread_id": said}
    scores = [
        {**target, "name": "resolved", "value": 1},
        {**target, "turn_index": 0, "name": "tone", "value": 0.5},
        {**target, "turn_index": 0, "name": "tone", "value": 1, "author": "ann"},
        {**target, "turn_index": 0, "name": "<b>kind</b>", "category": "warm"},
    ]
    assert httpx.put(f"{shop.api}/scores", json={"scores": scores}).status_code == 200
    expect(feedback).to_contain_text("resolved 1")
    expect(feedback).to_contain_text("tone 0.75")
    expect(feedback).to_contain_text("<b>kind</b> warm")
    page.get_by_label("Good turn 1").click()
    expect(feedback).to_contain_text("thumb 1")


def test_scores_of_several_authors_are_added_edited_removed_and_remembered(shop, tab, said):
    for author, value in (("ann", 0.2), ("bob", 0.6)):
        httpx.put(
            f"{shop.api}/scores",
            json={
                "scores": [
                    {
                        "project": "said",
                        "thread_id": said,
                        "name": "tone",
                        "value": value,
                        "author": author,
                    }
                ]
            },
        )
    page = open_chat(shop, tab, said, "said")
    panel = page.locator(".block.scores")
    expect(panel.locator(".authors li")).to_have_text(
        [re.compile("ann 0.2"), re.compile("bob 0.6")]
    )

    panel.get_by_role("button", name="Add score").click()
    page.get_by_label("Name", exact=True).fill("quality")
    page.get_by_label("Category").fill("helpful")
    page.get_by_label("Reason").fill("it answered")
    page.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("helpful")
    expect(panel).to_contain_text("it answered")
    panel.get_by_label("Edit quality").click()
    page.get_by_label("Value").fill("0.75")
    page.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("0.75 · helpful")
    panel.get_by_label("Remove tone of ann").click()
    expect(panel.locator(".authors")).to_have_count(0)
    expect(panel).to_contain_text("tone 0.6")

    shop.post(a_request(a_chat(said, "Again", "Hi again")), x_otel_threads_project="said")
    expect(page.locator(".turn")).to_have_count(2)
    page.reload()
    expect(panel).to_contain_text("None yet.")
    panel.get_by_label("History").check()
    expect(panel.locator(".given.past").first).to_contain_text("superseded")


def test_tags_comments_and_status(shop, tab, said):
    page = open_chat(shop, tab, said, "said")
    side = page.locator(".side")

    side.get_by_label("New tag").fill("refund")
    side.get_by_label("New tag").press("Enter")
    expect(side.locator(".tag")).to_have_text("refund")
    side.get_by_label("Remove tag refund").click()
    expect(side.locator(".tag")).to_have_count(0)

    side.get_by_label("New comment").fill("look at this")
    side.get_by_role("button", name="Comment", exact=True).click()
    expect(side.locator(".comment")).to_contain_text("look at this")
    side.locator(".comment").get_by_role("button", name="Edit").click()
    side.get_by_label("Comment", exact=True).fill("looked at")
    side.get_by_role("button", name="Save").first.click()
    expect(side.locator(".comment")).to_contain_text("looked at")
    expect(side.locator(".comment")).to_contain_text("edited")
    side.locator(".comment").get_by_role("button", name="Delete").click()
    expect(side.locator(".comment")).to_have_count(0)

    side.get_by_role("button", name="Close", exact=True).click()
    expect(side.locator(".status")).to_have_text("inactive")
    side.get_by_role("button", name="Reopen").click()
    expect(side.locator(".status")).to_have_text("active")
    expect(side).to_contain_text("eve")
    side.get_by_role("button", name="Raw JSON").click()
    expect(side).to_contain_text("thread_id_source")


def test_the_viewers_name_is_the_author(shop, tab, said):
    page = open_chat(shop, tab, said, "said")
    page.get_by_title("Settings").click()
    page.get_by_label("Your name").fill("Zoë")
    page.keyboard.press("Escape")

    page.get_by_label("New comment").fill("mine")
    page.get_by_label("New comment").press("Control+Enter")

    expect(page.locator(".comment")).to_contain_text("Zoë")
    assert shop.get("/comments", project="said", thread_id=said)["items"][0]["author"] == "Zoë"


def test_copy_as_markdown(shop, visit):
    tab = visit(permissions=["clipboard-read", "clipboard-write"])
    page = open_chat(shop, tab)
    page.get_by_role("button", name="Copy as Markdown").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()

    copied = page.evaluate("navigator.clipboard.readText()")

    transcript = httpx.get(
        f"{shop.api}/threads/transcript",
        params={"project": "shop", "thread_id": "chat-1", "format": "markdown"},
    )
    assert copied == transcript.text


def test_shown_fields_are_chosen_by_path(shop, tab):
    page = open_chat(shop, tab, "paths-1", "shown")
    expect(page.locator(".turn")).to_contain_text("the whole question")
    page.get_by_role("button", name="Shown fields").click()

    page.get_by_label("Input", exact=True).fill("inputs.messages[-1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="Position")).to_contain_text(
        "Input: Position 16: expected .name, [0], [-1]"
    )
    page.get_by_label("Input", exact=True).fill("inputs.messages[-1].content")
    page.get_by_label("Output", exact=True).fill('$.outputs["answer"]')
    page.get_by_role("button", name="Save").click()

    expect(page.locator(".turn > .message.user")).to_contain_text("the last input")
    expect(page.locator(".turn > .message.assistant")).to_contain_text("the chosen output")
    expect(page.locator(".turn")).not_to_contain_text("the whole question")
    page.get_by_role("button", name=re.compile("All 2 messages")).click()
    expect(page.locator(".turn")).to_contain_text("the whole question")
    project = next(p for p in shop.get("/projects")["items"] if p["project"] == "shown")
    assert (project["input_path"], project["output_path"]) == (
        "inputs.messages[-1].content",
        '$.outputs["answer"]',
    )
    page.get_by_label("Output", exact=True).fill("outputs.nothing[7]")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".turn > .message.assistant")).to_contain_text("Nothing stands there.")


def test_the_next_thread_of_the_list(shop, tab):
    page = tab.open(
        shop,
        project="many",
        sort="thread_id",
        filter='thread_id in ("many-003", "many-004", "many-005")',
    )
    page.get_by_role("link", name="many-004").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("many-004")

    page.keyboard.press("]")
    expect(heading).to_have_text("many-005")
    expect(page.get_by_label("Next thread")).to_be_disabled()
    page.reload()
    page.get_by_label("Previous thread").click()
    expect(heading).to_have_text("many-004")
    page.keyboard.press("[")
    expect(heading).to_have_text("many-003")
    expect(page.get_by_label("Previous thread")).to_be_disabled()
    page.keyboard.press("w")
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".turn")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".tbody .tr")).to_have_count(3)


def test_escape_leaves_a_field_or_a_dialog_before_the_page(shop, tab):
    page = open_chat(shop, tab, "chat-2")
    for label in ("New comment", "New tag", "Search in this thread"):
        field = page.get_by_label(label)
        field.fill("a draft")
        field.press("Escape")
        expect(field).not_to_be_focused()
        expect(field).to_have_value("a draft")

    page.get_by_role("button", name="Add score").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_label("New comment")).to_have_value("a draft")

    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"#/threads\?project=shop$"))


def test_turns_have_links_and_keys(shop, tab):
    page = open_chat(shop, tab, turn="2")
    expect(page.locator(".turn.current")).to_contain_text("Weather in Ulm?")

    page.keyboard.press("j")
    expect(page.locator(".turn.current")).to_contain_text("And tomorrow?")
    assert "turn=3" in page.url
    page.keyboard.press("k")
    page.keyboard.press("T")
    expect(page.get_by_role("treeitem").first).to_have_attribute(
        "aria-label", re.compile("invoke_agent")
    )
    page.keyboard.press("T")
    expect(page.locator(".turn.current")).to_contain_text("Weather in Ulm?")
    page.keyboard.press("i")
    expect(page.locator(".side")).to_have_count(0)


def test_a_thread_that_goes_on_is_followed(shop, tab, said):
    page = open_chat(shop, tab, said, "said")
    shop.post(
        a_request(a_chat(said, "One more question", "One more answer")),
        x_otel_threads_project="said",
    )

    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last).to_contain_text("One more answer")
    expect(page.locator(".summary")).to_contain_text("2 turns")


def test_deleting_asks_first(shop, tab, said):
    page = open_chat(shop, tab, said, "said")
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert shop.get("/threads/get", project="said", thread_id=said)["thread_id"] == said

    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(page.get_by_role("table")).to_be_visible()
    assert (
        httpx.get(
            f"{shop.api}/threads/get", params={"project": "said", "thread_id": said}
        ).status_code
        == 404
    )


def test_a_thread_that_is_not_here(shop, tab):
    tab.expected = ("Failed to load resource",)
    page = tab.open(shop, "thread", project="shop", thread_id="no\u202esuch")
    expect(page.get_by_role("heading", name="This thread is not here")).to_be_visible()
    expect(page.locator("main")).to_contain_text("no⟨202E⟩such")


def test_what_others_write_shows_at_once(shop, tab, said):
    page = open_chat(shop, tab, said, project="said")
    target = {"project": "said", "thread_id": said}

    httpx.put(f"{shop.api}/scores", json={"scores": [{**target, "name": "helpful", "value": 0.25}]})
    expect(page.locator(".side")).to_contain_text("helpful")
    httpx.post(f"{shop.api}/comments", json={**target, "text": "Seen by a colleague"})
    expect(page.locator(".comment")).to_contain_text("Seen by a colleague")
    httpx.post(f"{shop.api}/threads/close", json={"project": "said", "thread_ids": [said]})
    expect(page.locator(".pagehead .status")).to_have_text("inactive")


@pytest.fixture(scope="module")
def long_thread(shop) -> str:
    """300 turns: every 50th fails, the first of them at 40; one message says `needle`."""
    now = time.time_ns() - 400 * 60 * 10**9
    spans = []
    for n in range(300):
        asked = f"Question {n}" + (" about a needle" if n == 222 else "")
        span = a_chat("long", asked, f"Answer {n}. " * (1 + n % 20), start=now + n * 60 * 10**9)
        if n % 50 == 40:
            span.status.code, span.status.message = 2, "429: slow down"
        spans.append(span)
    assert shop.post(a_request(*spans), x_otel_threads_project="long").status_code == 200
    shop.wait_derived()
    return "long"


def in_sight(page, text: str) -> None:
    expect(page.locator(".turns").get_by_text(text, exact=True)).to_be_in_viewport()


def test_a_long_thread_has_a_map(shop, tab, long_thread):
    """Only what is seen is drawn; the end, errors and hits are a key away, and all are links."""
    page = tab.open(shop, "thread", project="long", thread_id=long_thread)
    in_sight(page, "Question 0")
    outline = page.get_by_role("navigation", name="Turns")
    expect(outline.get_by_role("button", name="1 Question 0")).to_be_visible()
    expect(page.get_by_role("img", name="300 turns in time, 6 with errors")).to_be_visible()

    page.keyboard.press("End")
    in_sight(page, "Question 299")
    page.wait_for_function(
        "() => { const e = document.querySelector('.turns');"
        " return e.scrollHeight - e.scrollTop - e.clientHeight < 2 }"
    )
    assert page.locator(".turn").count() < 40
    expect(outline.locator("[aria-current]")).to_contain_text("300 Question 299")

    page.keyboard.press("e")
    in_sight(page, "Question 40")
    page.keyboard.press("e")
    in_sight(page, "Question 90")
    page.keyboard.press("E")
    in_sight(page, "Question 40")

    page.keyboard.press("/")
    page.keyboard.type("NEEDLE")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 1 hit", exact=True)).to_be_visible()
    in_sight(page, "Question 222 about a needle")
    expect(page.locator(".message.marked")).to_contain_text("needle")
    page.wait_for_function("() => CSS.highlights.get('find')?.size === 1")
    page.reload()
    in_sight(page, "Question 222 about a needle")

    outline.get_by_role("button", name="223 Question 222").press("Home")
    in_sight(page, "Question 0")


def test_a_hit_of_the_list_opens_at_its_message(shop, tab, long_thread):
    target = {"project": "long", "thread_id": long_thread}
    score = {**target, "turn_index": 222, "name": "quality", "value": 0.5}
    assert httpx.put(f"{shop.api}/scores", json={"scores": [score]}).status_code == 200
    page = tab.open(shop, project="long", search="needle")
    page.get_by_role("link", name=long_thread).click()

    in_sight(page, "Question 222 about a needle")
    expect(page.locator(".message.marked")).to_contain_text("needle")
    page.wait_for_function("() => CSS.highlights.get('find')?.size === 1")
    line = page.get_by_role("navigation", name="Turns").locator("[aria-current]")
    for mark in (line.get_by_title("quality 0.5"), line.get_by_text("1 hit")):
        expect(mark).to_be_in_viewport(ratio=1)
    figures = line.locator(".words").last
    expect(figures).to_contain_text("$0.0000")
    assert figures.evaluate("e => e.scrollWidth <= e.clientWidth"), "the cost is cut"
    page.keyboard.press("Escape")
    expect(page.get_by_label("Search ids and messages")).to_have_value("needle")


def test_the_map_shows_the_turn_of_a_link_though_it_comes_last(shop, tab, long_thread):
    held = []
    tab.page.route("**/threads/outline?*", lambda route: held.append(route))
    page = tab.open(shop, "thread", project="long", thread_id=long_thread, turn="223")
    in_sight(page, "Question 222 about a needle")
    outline = page.get_by_role("navigation", name="Turns")
    expect(outline).to_be_visible()
    page.evaluate(  # until the turns stand where they are, and move the map no more
        "async () => { const e = document.querySelector('.turns'); let [before, same] = ['', 0];"
        " while (same < 20) { await new Promise(requestAnimationFrame);"
        " const now = `${e.scrollTop} ${e.scrollHeight}`; same = now === before ? same + 1 : 0;"
        " before = now } }"
    )
    for route in held:
        route.continue_()
    expect(outline.get_by_role("button", name="223 Question 222")).to_be_in_viewport()


def test_a_message_has_a_link_and_is_copied(shop, visit, long_thread):
    tab = visit(permissions=["clipboard-read", "clipboard-write"])
    page = tab.open(shop, "thread", project="long", thread_id=long_thread, turn="120", message="2")
    in_sight(page, "Question 119")
    marked = page.locator(".message.marked")
    expect(marked).to_contain_text("Answer 119.")
    marked.hover()
    marked.get_by_role("button", name="Copy this message").click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("Answer 119.")
    link = marked.get_by_role("link", name="Link to this message")
    assert "turn=120&message=2" in link.get_attribute("href")


def test_a_thread_without_an_error_says_nothing_of_one(shop, tab):
    page = tab.open(shop, "thread", project="shop", thread_id="chat-2")
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".threadbar .errors")).to_have_count(0)
    expect(page.locator(".outline")).to_have_count(0)


def image(width: int, height: int) -> str:
    """A PNG of noise, so that it is long, in base64."""
    dice = random.Random(1)
    rows = b"".join(b"\0" + dice.randbytes(width * 3) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + packed).decode()


def test_images_sounds_and_files_are_shown_from_their_own_data(shop, tab, tmp_path):
    """Also the data that the store leaves out of messages; nothing is fetched from elsewhere."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(800))
    blob = {"type": "blob", "modality": "image", "mime_type": "image/png"}
    parts = [
        {"type": "text", "content": "What is this?"},
        {**blob, "content": image(8, 8)},
        {**blob, "content": image(120, 80)},
        {
            "type": "blob",
            "modality": "audio",
            "mime_type": "audio/wav",
            "content": base64.b64encode(sound.getvalue()).decode(),
        },
        {
            "type": "file",
            "filename": "../notes.txt",
            "data": base64.b64encode(b"kept as it was").decode(),
        },
        {**blob, "content": base64.b64encode(b"<svg onload='alert(1)'>" * 9).decode()},
        {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
    ]
    messages = json.dumps([{"role": "user", "parts": parts}])
    span = a_chat("media", "", "An image.", attributes={"gen_ai.input.messages": messages})
    shop.post(a_request(span), x_otel_threads_project="media")
    shop.wait_derived()

    page = open_chat(shop, tab, "media", project="media")

    images = page.locator(".mediapart img")
    expect(images).to_have_count(2)  # what is no image, whatever it is called, is a file
    page.wait_for_function(
        "() => [...document.querySelectorAll('.mediapart img')].every(one => one.naturalWidth > 0)"
    )
    assert images.evaluate_all("all => all.map(one => one.naturalWidth)") == [8, 120]
    assert images.first.get_attribute("src").startswith("blob:")
    expect(page.locator(".mediapart audio")).to_have_count(1)
    expect(page.get_by_role("link", name="https://example.com/a.png")).to_be_visible()
    with page.expect_download() as download:
        page.locator("figure", has_text="notes.txt").get_by_role("link", name="Save").click()
    assert download.value.suggested_filename == "notes.txt"
    download.value.save_as(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_bytes() == b"kept as it was"


def test_tables_tasks_code_and_direction(shop, visit):
    """Alignment without inline styles, which our own policy refuses; each block reads its own way."""
    tab = visit(permissions=["clipboard-read", "clipboard-write"])
    answer = (
        "| name | price |\n| :-- | --: |\n| Konfigurationseinstellungen | 1,234 |\n\n"
        "- [x] packed\n- [ ] sent\n\n* ענבים\n\n> اقتباس\n\n```python\nprint(1)\n```"
    )
    shop.post(a_request(a_chat("rich-text", "Hello", answer)), x_otel_threads_project="rich")
    shop.wait_derived()

    page = open_chat(shop, tab, "rich-text", project="rich")

    price = page.get_by_role("cell", name="1,234")
    expect(price).to_have_css("text-align", "right")
    assert price.get_attribute("style") is None
    expect(page.get_by_role("img", name="done")).to_be_visible()
    expect(page.get_by_role("img", name="open")).to_be_visible()
    expect(page.locator(".markdown blockquote")).to_have_css("direction", "rtl")
    expect(page.locator(".markdown ul").last).to_have_css("direction", "rtl")
    expect(page.locator(".markdown ul").first).to_have_css("direction", "ltr")
    page.locator(".codebox").hover()
    page.locator(".codebox").get_by_role("button", name="Copy").click()
    expect(page.locator(".codebox .copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").strip() == "print(1)"
