"""Content is hostile wherever it is shown: nothing runs, nothing leaves the origin, nothing breaks.

The `tab` fixture fails a test by any dialog, console error, policy violation or foreign request.
"""

import json
import time

import httpx
import pytest
from builders import a_request, a_span
from playwright.sync_api import expect

ATTACKS = (
    "<script>window.hacked = 1; alert(1)</script>",
    "<img src=x onerror='window.hacked = 1; alert(1)'>",
    "<svg/onload=window.hacked=1>",
    "<iframe srcdoc='<script>parent.hacked = 1</script>'></iframe>",
    "<a href='javascript:window.hacked=1'>raw link</a>",
    "[click me](javascript:window.hacked=1)",
    "[data](data:text/html,<script>window.hacked=1</script>)",
    "[vb](vbscript:msgbox(1)) [file](file:///etc/passwd)",
    "![pixel](https://evil.example/pixel.png)",
    '![x](x" onerror="window.hacked=1)',
    "<https://evil.example/auto> https://evil.example/plain",
    "[ref]\n\n[ref]: javascript:window.hacked=1",
    "<style>body { display: none }</style><link rel=stylesheet href=https://evil.example/x.css>",
    "<form action=https://evil.example><input name=q autofocus onfocus=window.hacked=1></form>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=window.hacked=1&gt;'>",
    '```js"><script>window.hacked=1</script>\ncode\n```',
    "{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1}",
    "\u202eright to left\u202c \u2066isolated\u2069 \u0000\u0008\u001b[31m",
    "&lt;script&gt;window.hacked=1&lt;/script&gt; &#106;avascript:",
)
TEXT = "\n\n".join(ATTACKS)
LINE = "<img src=x onerror=window.hacked=1>\u202eevil\u202c \"'`${1}&amp;"
NAME = LINE.replace("\u202e", "").replace("\u202c", "")  # names with direction marks are refused
LONG = 1_000_000


def hostile() -> list:
    """Return spans that carry attacks in everything that a span can carry."""
    start = time.time_ns()

    def messages(role: str, *parts: dict) -> str:
        return json.dumps([{"role": role, "parts": list(parts)}])

    call = {"type": "tool_call", "id": LINE, "name": LINE, "arguments": {LINE: TEXT}}
    result = {"type": "tool_call_response", "id": LINE, "response": TEXT}
    span = a_span(
        name=LINE,
        start=start,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": LINE,
            "gen_ai.system": LINE,
            "gen_ai.conversation.id": LINE,
            "user.id": LINE,
            "tag.tags": [LINE],
            f"metadata.{LINE}": LINE,
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": TEXT}]),
            "gen_ai.input.messages": json.dumps(
                [
                    {
                        "role": "user",
                        "parts": [
                            {"type": "text", "content": TEXT},
                            {"type": LINE, "content": TEXT},
                        ],
                    },
                    {"role": "assistant", "parts": [call]},
                    {"role": "tool", "parts": [result]},
                ]
            ),
            "gen_ai.output.messages": messages(
                "assistant",
                {"type": "text", "content": TEXT},
                {"type": "reasoning", "content": TEXT},
            ),
            "gen_ai.usage.input_tokens": 1,
            "gen_ai.usage.output_tokens": 1,
            LINE: TEXT,
        },
    )
    span.events.add(name=LINE, time_unix_nano=start).attributes.add(
        key=LINE
    ).value.string_value = TEXT
    failed = a_span(
        name=LINE,
        start=start + 10**9,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.conversation.id": LINE,
            "error.type": LINE,
            "gen_ai.input.messages": messages("user", {"type": "text", "content": TEXT}),
        },
    )
    failed.status.code = 2
    failed.status.message = TEXT
    return [span, failed]


@pytest.fixture(scope="module")
def evil(shop):
    """The server with hostile conversations and all that people may say of them; returns (server, trace_id)."""
    spans = hostile()
    assert (
        shop.post(
            a_request(*spans, scope=LINE, resource={"service.name": LINE}),
            x_otel_threads_project="evil",
        ).status_code
        == 200
    )
    shop.wait_derived()
    target = {"project": "evil", "thread_id": LINE}
    for call, path, body in (
        (
            "PUT",
            "/scores",
            {
                "scores": [
                    {
                        **target,
                        "name": NAME,
                        "value": 1,
                        "category": NAME,
                        "reason": TEXT,
                        "author": who,
                    }
                    for who in (NAME, "ann")
                ]
            },
        ),
        ("POST", "/comments", {**target, "text": TEXT, "author": NAME}),
        ("PATCH", "/threads/tags", {"project": "evil", "thread_ids": [LINE], "add": [NAME]}),
        (
            "POST",
            "/views",
            {"project": "evil", "name": NAME, "filter": f"thread_id = {json.dumps(LINE)}"},
        ),
    ):
        answer = httpx.request(call, f"{shop.api}{path}", json=body)
        assert answer.status_code == 200, answer.text
    return shop, spans[0].trace_id.hex()


def nothing_ran(page) -> None:
    assert page.evaluate("window.hacked") is None
    assert (
        page.locator(
            "main img, main iframe, main form[action], main style, main svg[onload], main script, main link"
        ).count()
        == 0
    )
    bad = page.eval_on_selector_all(
        "main a[href]",
        "all => all.map(a => a.protocol).filter(p => !['http:', 'https:', 'mailto:'].includes(p))",
    )
    assert bad == []
    handlers = page.eval_on_selector_all(
        "main *",
        "all => all.flatMap(e => [...e.attributes].map(a => a.name)).filter(n => n.startsWith('on'))",
    )
    assert handlers == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_list(evil, tab):
    shop, _ = evil
    page = tab.open(
        shop,
        project="evil",
        columns="thread_id,first_message,last_message,scores,tags,users,models,services,providers",
    )
    row = page.locator(".tbody .tr")
    expect(row).to_contain_text("<img src=x onerror=window.hacked=1>⟨202E⟩evil⟨202C⟩")
    expect(row).to_contain_text("<script>window.hacked = 1")
    page.get_by_title("Saved views").click()
    expect(page.locator(".views li")).to_contain_text("<img src=x")
    page.keyboard.press("Escape")
    page.get_by_title("Columns").click()
    nothing_ran(page)
    page.keyboard.press("Escape")
    page.get_by_label("Filter", exact=True).fill("users = ")
    expect(page.locator(".completions li").first).to_contain_text("<img src=x")
    page.keyboard.press("Escape")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x")


def test_the_conversation(evil, tab):
    shop, _ = evil
    page = tab.open(shop, "thread", project="evil", thread_id=LINE)
    expect(page.locator(".markdown.ready").first).to_be_visible()
    page.keyboard.press("End")  # only what is near the sight is drawn
    expect(page.locator(".turn").last).to_be_in_viewport()
    for _ in range(4):
        page.evaluate(
            "document.querySelectorAll('button.fold[aria-expanded=false]').forEach(b => b.click())"
        )
    expect(page.locator(".errorbox").last).to_contain_text("<script>window.hacked = 1")
    expect(page.locator(".side .comment")).to_contain_text("<svg/onload=window.hacked=1>")
    expect(page.locator(".message.assistant").first).to_be_visible()

    nothing_ran(page)
    answer = page.locator(".message.assistant .markdown").last
    expect(answer).to_contain_text("<img src=x onerror='window.hacked = 1; alert(1)'>")
    assert answer.get_by_role("link", name="click me").count() == 0
    expect(answer.locator("a.media")).to_have_attribute("href", "https://evil.example/pixel.png")
    assert page.evaluate("getComputedStyle(document.body).display") == "block"
    for link in answer.locator("a").all():
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"


def test_the_trace(evil, tab):
    shop, trace_id = evil
    page = tab.open(shop, "trace", project="evil", trace_id=trace_id)
    expect(page.get_by_role("treeitem")).to_contain_text("<img src=x")
    page.get_by_role("treeitem").click()
    for name in page.get_by_role("tab").all():
        name.click()
        page.evaluate(
            "document.querySelectorAll('button.fold[aria-expanded=false]').forEach(b => b.click())"
        )
        expect(page.get_by_role("tabpanel")).not_to_be_empty()
        nothing_ran(page)


def test_advice_and_dialogs(evil, tab):
    shop, _ = evil
    page = tab.open(shop, "loose")
    expect(page.get_by_role("region", name="Libraries seen")).to_contain_text("<img src=x")
    nothing_ran(page)
    tab.open(shop, project="evil")
    page.locator(".tbody input[type=checkbox]").click()
    page.get_by_role("button", name="Tag…").click()
    expect(page.get_by_role("dialog")).to_contain_text("<img src=x")
    nothing_ran(page)


def test_what_stands_in_the_address_is_hostile_too(shop, tab):
    tab.expected = ("Failed to load resource",)
    for name in ("thread", "trace", "threads", "loose", LINE, "__proto__"):
        page = tab.open(
            shop,
            name,
            project=LINE,
            thread_id=LINE,
            trace_id=LINE,
            filter=LINE,
            columns=f"{LINE},scores.{LINE},constructor",
            search=LINE,
            list=LINE,
            span=LINE,
            turn=LINE,
            sort=LINE,
            range="constructor",
        )
        expect(page.locator("main")).to_be_visible()
        expect(page.locator("main .waiting")).to_have_count(0)
        nothing_ran(page)


@pytest.mark.parametrize("kind", ["one word", "lines", "markdown", "json"])
def test_messages_of_a_megabyte(shop, tab, kind):
    text = {
        "one word": "x" * LONG,
        "lines": "a line of words\n" * (LONG // 16),
        "markdown": "[[[[(((*_`" * (LONG // 10),
        "json": json.dumps([{"key": "x" * 90} for _ in range(LONG // 100)]),
    }[kind]
    thread_id = f"long {kind}"
    body = json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])
    span = a_span(
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.conversation.id": thread_id,
            "gen_ai.input.messages": body,
            "gen_ai.output.messages": body.replace('"user"', '"assistant"', 1),
        }
    )
    shop.post(a_request(span), x_otel_threads_project="long")
    shop.wait_derived()
    page = tab.open(shop, "thread", project="long", thread_id=thread_id)
    expect(page.locator(".turn .message")).to_have_count(2)

    assert page.evaluate("document.querySelector('.turns').innerText.length") < 60_000
    if kind != "json":
        page.get_by_role("button", name="Show all (1 MB)").first.click()
        expect(page.get_by_role("button", name="Show less")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.open(shop, project="long", search=thread_id)
    expect(page.locator(".tbody .tr")).to_have_count(1)


def test_markdown_that_takes_long_to_parse_does_not_hang(shop, tab):
    """What fits the limit of Markdown, shaped against parsers: nesting and open brackets."""
    nests = [
        "[" * 20_000 + "]" * 20_000,
        "*_" * 25_000,
        "> " * 25_000 + "x",
        "`" * 30_000 + " `",
        "|a" * 20_000 + "\n" + "|-" * 20_000,
        "- " * 25_000,
        "<" * 50_000,
        "![](" * 12_000,
        "https://a.b/" * 4_000,
        "\\" * 55_000,
    ]
    spans = [
        a_span(
            start=time.time_ns() + n * 10**9,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.conversation.id": "nests",
                "gen_ai.input.messages": json.dumps(
                    [{"role": "user", "parts": [{"type": "text", "content": f"turn {n}"}]}]
                ),
                "gen_ai.output.messages": json.dumps(
                    [{"role": "assistant", "parts": [{"type": "text", "content": text}]}]
                ),
            },
        )
        for n, text in enumerate(nests)
    ]
    shop.post(a_request(*spans), x_otel_threads_project="nests")
    shop.wait_derived()
    page = tab.open(shop, "thread", project="nests", thread_id="nests")

    expect(page.locator(".turn").first).to_be_visible()
    for _ in nests:  # only what is near the sight is drawn
        page.keyboard.press("j")
        expect(page.locator(".turn.current")).to_be_visible()
        expect(page.locator(".markdown:not(.ready)")).to_have_count(0)
    expect(page.locator(f"#turn-{len(nests) - 1}.current")).to_be_visible()
