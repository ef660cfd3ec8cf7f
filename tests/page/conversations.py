"""What the page is shown: a rich conversation, many small ones, a trace without a thread."""

import json
import time
from collections.abc import Iterator

from builders import a_chat, a_request, a_span, new_trace_id

MANY = 150
ANSWER = """Your order **A-17** is on its way.

- packed
- shipped

| day | place |
| --- | --- |
| Mon | Ulm |

```python
def total(prices):
    return sum(prices)  # net
```
See [our terms](https://example.com/terms)."""


def many() -> bytes:
    """150 threads, one a minute until now, of two models in turn."""
    now = time.time_ns()
    return a_request(
        *(
            a_chat(
                f"many-{n:03}",
                f"Question {n}",
                f"Answer {n}",
                start=now - n * 60_000_000_000,
                attributes={"gen_ai.request.model": ("gpt-4o", "gpt-4o-mini")[n % 2]},
            )
            for n in range(MANY)
        )
    )


def requests() -> Iterator[tuple[str, bytes]]:
    """Return (project, OTLP request)."""
    yield "shop", a_request(*rich())
    yield (
        "shop",
        a_request(
            a_chat("chat-2", "Where is my parcel?", "In Ulm.", attributes={"user.id": "bob"})
        ),
    )
    yield "many", many()
    yield (
        "rtl",
        a_request(
            a_chat(
                "rtl-1",
                "مرحبا، ما هي حالة طلبي؟",
                "# الطلب\n\n- تم الشحن\n\n> اقتباس\n\n| اليوم | المكان |\n| --- | --- |\n| الاثنين | أولم |",
            )
        ),
    )
    yield (
        "loose",
        a_request(
            a_chat(None, "Who am I?", "Nobody."), scope="opentelemetry.instrumentation.openai"
        ),
    )
    yield (
        "shown",
        a_request(
            a_chat(
                "paths-1",
                "the whole question",
                "the whole answer",
                attributes={
                    "input.value": json.dumps(
                        {"messages": [{"content": "first"}, {"content": "the last input"}]}
                    ),
                    "output.value": json.dumps({"answer": "the chosen output"}),
                },
            )
        ),
    )


def during(start: int, after_ms: int, lasting_ms: int) -> dict[str, int]:
    """Return the start and end of a span."""
    begun = start + after_ms * 10**6
    return {"start": begun, "end_time_unix_nano": begun + lasting_ms * 10**6}


def rich() -> list:
    """Return the spans of a thread of three turns: Markdown, a tool, an error."""
    start = time.time_ns() - 60_000_000_000
    common = {"user.id": "ann", "gen_ai.conversation.id": "chat-1", "tag.tags": ["vip"]}
    system = json.dumps([{"type": "text", "content": "You are a **shop** assistant."}])
    first = a_chat(
        "chat-1",
        "Where is my order?",
        ANSWER,
        **during(start, 0, 1430),
        attributes={**common, "gen_ai.system_instructions": system},
    )
    tool_trace = new_trace_id()
    root = a_span(
        trace_id=tool_trace,
        name="invoke_agent",
        start=start + 10**10,
        end_time_unix_nano=start + 10**10 + 900_000_000,
        attributes={**common, "gen_ai.operation.name": "invoke_agent"},
    )
    asked = [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "Weather in Ulm?"},
                {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "aGk="},
            ],
        }
    ]
    call = {
        "type": "tool_call",
        "id": "call-1",
        "name": "get_weather",
        "arguments": {"city": "Ulm"},
    }
    wants = a_chat(
        "chat-1",
        "",
        None,
        trace_id=tool_trace,
        parent_span_id=root.span_id,
        **during(start + 10**10, 5, 320),
        attributes={
            **common,
            "gen_ai.input.messages": json.dumps(asked),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [call]}]),
        },
    )
    tool = a_span(
        trace_id=tool_trace,
        parent_span_id=root.span_id,
        name="execute_tool get_weather",
        **during(start + 10**10, 330, 250),
        attributes={
            **common,
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "get_weather",
            "gen_ai.tool.call.id": "call-1",
            "gen_ai.tool.call.result": json.dumps({"degrees": 18}),
        },
    )
    answered = [
        *asked,
        {"role": "assistant", "parts": [call]},
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "call-1", "response": {"degrees": 18}}],
        },
    ]
    says = a_chat(
        "chat-1",
        "",
        "It is 18 degrees.",
        trace_id=tool_trace,
        parent_span_id=root.span_id,
        **during(start + 10**10, 585, 310),
        attributes={**common, "gen_ai.input.messages": json.dumps(answered)},
    )
    failed = a_chat(
        "chat-1",
        "And tomorrow?",
        None,
        **during(start + 2 * 10**10, 0, 640),
        attributes={**common, "error.type": "RateLimitError"},
    )
    failed.status.code = 2
    failed.status.message = "429: slow down"
    failed.events.add(name="exception", time_unix_nano=failed.start_time_unix_nano + 500_000)
    return [first, root, wants, tool, says, failed]
