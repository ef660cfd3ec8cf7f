"""What a sender may write to hurt: it is derived as far as it can be read, and stops nothing."""

import json
import random

import pytest
from builders import a_chat, a_request, a_span
from conftest import CAPTURES

from otel_threads.derive.identity import Identity
from otel_threads.derive.trace import derive_traces
from otel_threads.derive.tree import DEPTH_MAX, Tree
from otel_threads.model import Event, Span

MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hello"}]}])


def span(n: int, parent: int | None = None, **attributes) -> Span:
    return Span(
        project="p", trace_id="t" * 32, span_id=f"{n:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}", name="chat",
        start_unix_nano=n, end_unix_nano=n + 1, status_code="unset", status_message="",
        service_name=None, scope_name="s", scope_version="", attributes=attributes, resource={},
    )  # fmt: skip


def chat(n: int, parent: int | None = None, **attributes) -> Span:
    known = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": MESSAGES}
    return span(n, parent, **(known | attributes))


def derived(*spans: Span):
    return derive_traces(list(spans), Identity())[0]


def test_parents_in_a_circle_and_a_span_that_is_its_own_parent_are_roots():
    rows = derived(chat(1, 3), chat(2, 1), chat(3, 2), chat(4, 4))
    assert rows.trace["span_count"] == 4
    assert Tree([span(1, 2), span(2, 1)]).roots[0].span_id == f"{1:016x}"


def test_a_chain_of_twenty_thousand_spans_is_flattened():
    rows = derived(*(span(n, n - 1 if n else None) for n in range(20_000)), chat(20_000, 19_999))
    assert rows.trace["span_count"] == 20_001
    assert rows.trace["turn_count"] == 1
    tree = Tree([span(n, n - 1 if n else None) for n in range(2000)])
    assert max(tree.depths.values()) == DEPTH_MAX


def test_ten_thousand_ids_in_one_trace_are_ten_thousand_threads():
    rows = derived(span(0), *(chat(n, 0, **{"session.id": f"id-{n}"}) for n in range(1, 10_001)))
    assert len(rows.trace["thread_ids"]) == 10_000
    assert len(rows.parts) == 10_000


def test_a_trace_of_fifty_thousand_calls_is_one_turn_with_bounded_messages():
    calls = [
        chat(n, 0, **{"gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1})
        for n in range(1, 50_001)
    ]
    rows = derived(span(0), *calls)
    assert rows.trace["call_count"] == 50_000
    assert rows.trace["input_tokens"] == 50_000
    assert len(rows.parts) == 1
    assert len(rows.parts[0]["messages"]) <= 2000


@pytest.mark.parametrize(
    "value", [5, True, 0.5, ["a"], [1, {"b": None}], {"k": "v"}, "", "x", None]
)
def test_attributes_of_a_wrong_type_are_passed_over(value):
    names = [
        "gen_ai.operation.name", "gen_ai.input.messages", "gen_ai.output.messages", "session.id",
        "gen_ai.usage.input_tokens", "openinference.span.kind", "llm.input_messages.0.message.role",
        "llm.input_messages.0.message", "input.value", "output.value", "langfuse.observation.type",
        "langfuse.observation.input", "langfuse.observation.usage_details", "mlflow.spanInputs",
        "mlflow.spanType", "ai.operationId", "ai.prompt.messages", "ai.response.toolCalls", "metadata",
        "gen_ai.prompt.0.content", "gen_ai.prompt", "tag.tags", "events", "all_messages_events",
        "gcp.vertex.agent.llm_request", "haystack.component.output", "haystack.component.type",
        "lk.llm_metrics", "hidden_params", "gen_ai.response.finish_reasons", "error.type",
        "langfuse.observation.completion_start_time", "pydantic_ai.all_messages", "usage",
    ]  # fmt: skip
    attributes = dict.fromkeys(names, value)
    for kind in ("chat", "execute_tool", "invoke_agent"):
        one = span(1, **(attributes | {"gen_ai.operation.name": kind}))
        one.events = [Event(name="exception", time_unix_nano=1, attributes=attributes)]
        assert derived(one).trace["span_count"] == 1


def test_json_cut_anywhere_is_read_or_passed_over():
    """Every prefix of real messages, in every place where families look for JSON."""
    whole = json.dumps(
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "hi"}]},
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
                },
            ]
        }
    )
    names = (
        "gen_ai.input.messages",
        "input.value",
        "langfuse.observation.input",
        "mlflow.spanInputs",
        "ai.prompt.messages",
        "gen_ai.prompt",
    )
    for end in range(0, len(whole), 3):
        found = derived(
            span(1, **dict.fromkeys(names, whole[:end]), **{"openinference.span.kind": "LLM"})
        )
        assert found.trace["call_count"] == 1


def test_numbers_beyond_reason_are_unknown_and_never_stop_the_sums():
    huge = {
        "gen_ai.usage.input_tokens": 2**62,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cost": 1e300,
    }
    rows = derived(*(chat(n, None, **huge) for n in range(5)))
    assert (rows.trace["input_tokens"], rows.trace["output_tokens"]) == (None, 35)
    assert rows.trace["cost_usd"] is None


def test_nesting_a_thousand_deep_is_not_followed():
    deep = "[" * 1000 + "]" * 1000
    objects = '{"messages":' * 900 + '"x"' + "}" * 900
    for text in (deep, objects):
        for name in ("gen_ai.input.messages", "input.value", "output.value", "metadata"):
            assert derived(chat(1, **{name: text})).trace["call_count"] == 1
    dots = "llm.input_messages.0." + ".".join(["a"] * 5000)
    assert (
        derived(span(1, **{dots: "x", "openinference.span.kind": "LLM"})).trace["call_count"] == 1
    )


def test_a_hostile_batch_through_the_server_stops_nothing(make_server):
    server = make_server()
    dice = random.Random(8)
    real = (CAPTURES / "openinference-openai-chat" / "002.pb").read_bytes()
    batch = [
        a_request(a_chat("huge", "x" * 10_000_000, "y" * 10_000_000)),
        a_request(a_chat("nul \x00 and \ud7ff", "\x00" * 1000, "‮" * 1000)),
        a_request(
            *(a_span(trace_id=b"t" * 16, attributes={"session.id": f"{n}"}) for n in range(2000))
        ),
        a_request(
            a_span(
                attributes={"gen_ai.input.messages": "[" * 5000, "gen_ai.operation.name": "chat"}
            )
        ),
        *(real[: dice.randrange(len(real))] for _ in range(50)),
        real,
    ]
    for payload in batch:
        assert server.post(payload).status_code in (200, 400)
    good = a_chat("good", "hello", "hi")
    assert server.post(a_request(good)).status_code == 200
    server.wait_derived()
    assert server.get("/threads/get", thread_id="good")["turn_count"] == 1
    assert server.get("/threads/get", thread_id="huge")["message_count"] == 2
    real_thread = server.get("/threads", project="*", thread_id="thread-alpha")["items"]
    assert [thread["turn_count"] for thread in real_thread] == [1]
    assert len(server.get("/threads", thread_id="huge")["items"][0]["first_message"]) == 10_000
    assert server.process.poll() is None
