"""What a sender may write to hurt: it is derived as far as it can be read, and stops nothing."""

import json
import random

import pytest
from builders import a_chat, a_request, a_span
from conftest import CAPTURES
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_threads.core.model import Event, Span
from otel_threads.derive.conventions import CONVENTIONS
from otel_threads.derive.families import FAMILIES
from otel_threads.derive.merge import merge
from otel_threads.derive.thread_id import Identity
from otel_threads.derive.trace import derive_traces
from otel_threads.derive.tree import DEPTH_MAX, Tree

MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "hello"}]}])


def span(n: int, parent: int | None = None, **attributes) -> Span:
    return Span(
        project="p",
        trace_id="t" * 32,
        span_id=f"{n:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        name="chat",
        start_unix_nano=n,
        end_unix_nano=n + 1,
        status_code="unset",
        status_message="",
        service_name=None,
        scope_name="s",
        scope_version="",
        attributes=attributes,
        resource={},
    )


def chat(n: int, parent: int | None = None, **attributes) -> Span:
    known = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": MESSAGES}
    return span(n, parent, **(known | attributes))


def derived(*spans: Span):
    return derive_traces(list(spans), Identity())[0]


def test_parents_in_a_circle_and_a_span_that_is_its_own_parent_are_roots():
    rows = derived(chat(1, 3), chat(2, 1), chat(3, 2), chat(4, 4))
    assert rows.trace["span_count"] == 4
    assert Tree([span(1, 2), span(2, 1)]).roots[0].span_id == f"{1:016x}"


@pytest.mark.long
def test_a_chain_of_twenty_thousand_spans_is_flattened():
    rows = derived(*(span(n, n - 1 if n else None) for n in range(20_000)), chat(20_000, 19_999))
    assert rows.trace["span_count"] == 20_001
    assert rows.trace["turn_count"] == 1
    tree = Tree([span(n, n - 1 if n else None) for n in range(2000)])
    assert max(tree.depths.values()) == DEPTH_MAX


@pytest.mark.slow
def test_ten_thousand_ids_in_one_trace_are_ten_thousand_threads():
    rows = derived(span(0), *(chat(n, 0, **{"session.id": f"id-{n}"}) for n in range(1, 10_001)))
    assert len(rows.trace["thread_ids"]) == 10_000
    assert len(rows.parts) == 10_000


@pytest.mark.slow
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
        "gen_ai.operation.name",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "session.id",
        "gen_ai.usage.input_tokens",
        "openinference.span.kind",
        "llm.input_messages.0.message.role",
        "llm.input_messages.0.message",
        "input.value",
        "output.value",
        "langfuse.observation.type",
        "langfuse.observation.input",
        "langfuse.observation.usage_details",
        "mlflow.spanInputs",
        "mlflow.spanType",
        "ai.operationId",
        "ai.prompt.messages",
        "ai.response.toolCalls",
        "metadata",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt",
        "tag.tags",
        "events",
        "all_messages_events",
        "gcp.vertex.agent.llm_request",
        "haystack.component.output",
        "haystack.component.type",
        "lk.llm_metrics",
        "hidden_params",
        "gen_ai.response.finish_reasons",
        "error.type",
        "langfuse.observation.completion_start_time",
        "pydantic_ai.all_messages",
        "usage",
    ]
    attributes = dict.fromkeys(names, value)
    for kind in ("chat", "execute_tool", "invoke_agent"):
        one = span(1, **(attributes | {"gen_ai.operation.name": kind}))
        one.events = [Event(name="exception", time_unix_nano=1, attributes=attributes)]
        assert derived(one).trace["span_count"] == 1


# What makes each family look closely, and the scope that some ask for.
CLOSELY = (
    [("", {"langsmith.span.kind": kind}) for kind in ("llm", "tool")]
    + [("", {"langfuse.observation.type": kind}) for kind in ("generation", "tool")]
    + [("", {"langwatch.span.type": kind}) for kind in ("llm", "tool")]
    + [("", {"mlflow.spanType": kind}) for kind in ("LLM", "TOOL")]
    + [("", {"openinference.span.kind": kind}) for kind in ("LLM", "TOOL", "AGENT")]
    + [("", {"gen_ai.span.kind": kind}) for kind in ("LLM", "TOOL")]
    + [
        ("", {"genkit:type": "action", "genkit:metadata:subtype": kind})
        for kind in ("model", "tool")
    ]
    + [("", {"mastra.span.type": kind}) for kind in ("model_step", "tool_call", "agent_run")]
    + [
        ("com.anthropic.claude_code.tracing", {"span.type": kind})
        for kind in ("llm_request", "tool", "interaction")
    ]
    + [
        ("", {"traceloop.span.kind": "tool"}),
        ("", {"lmnr.span.type": "TOOL"}),
        ("", {"haystack.component.type": "OpenAIChatGenerator"}),
        ("", {"ai.operationId": "ai.generateText.doGenerate"}),
        ("strands.telemetry.tracer", {"gen_ai.operation.name": "execute_tool"}),
        ("livekit-agents", {}),
        ("pydantic-ai", {"all_messages_events": "[]"}),
        ("logfire.openai", {}),
        ("openinference.instrumentation.smolagents", {"openinference.span.kind": "LLM"}),
    ]
)
BESIDE = (
    "genkit:name",
    "genkit:input",
    "genkit:output",
    "langwatch.input",
    "langwatch.output",
    "langwatch.metrics",
    "mastra.model_step.input",
    "mastra.model_step.output",
    "gen_ai.provider.name",
    "success",
    "error",
    "stop_reason",
    "tool_name",
    "tool_use_id",
    "tool_input",
    "full_command",
    "new_context",
    "model",
    "ai.response.providerMetadata",
    "ai.result.text",
    "ai.result.toolCalls",
    "system_prompt",
    "gen_ai.system_instructions",
    "langsmith.metadata.usage_metadata",
    "gen_ai.usage.raw",
    "lk.chat_ctx",
    "raw_input",
    "response",
    "gcp.vertex.agent.llm_response",
    "gen_ai.input.messages.0.message.role",
    "gen_ai.input.messages.0.message.content",
    "traceloop.entity.name",
    "lmnr.span.input",
)


@pytest.mark.parametrize(
    "value", [5, True, 0.5, ["a"], [1, {"b": None}], {"k": "v"}, "", "x", "[1]", '{"usage": 1}']
)
def test_a_wrong_type_where_a_family_looks_closely_is_passed_over(value):
    """Alone and beside others: two spans, one inside of the other."""
    names = {name for family in FAMILIES for some in family.names.values() for name in some}
    texts = [text.attribute for some in CONVENTIONS.texts.values() for text in some]
    attributes = dict.fromkeys([*names, *CONVENTIONS.thread_ids, *texts, *BESIDE], value)
    for scope, marks in CLOSELY:
        spans = [span(1, None, **(attributes | marks)), span(2, 1, **(attributes | marks))]
        for one in spans:
            one.scope_name = scope
            one.events = [
                Event(name=name, time_unix_nano=1, attributes=attributes)
                for name in ("exception", "tool.output", "gen_ai.content.prompt", "gen_ai.choice")
            ]
        assert derived(*spans).trace["span_count"] == 2


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


@pytest.mark.parametrize(
    "beginning",
    [
        "AgentOutput(response=ChatMessage(role=<MessageRole.ASSISTANT",
        "ToolCall(tool_name='x', tool_kwargs={",
        "tool_output=ToolOutput(blocks=[TextBlock(block_type='text', text='",
        "\n",
        "[[ ## a",
        "<session_context>",
    ],
)
def test_a_beginning_that_comes_a_million_times_is_looked_for_once(beginning):
    """Else the interpreter would be held for hours; each family that searches in texts is tried."""
    text = beginning * (2_000_000 // len(beginning))
    for scope, name in (
        ("llamaindex.opentelemetry", "a.call_tool"),
        ("llamaindex.opentelemetry", "a.run_agent_step"),
        ("gemini-cli", "chat"),
        ("opentelemetry.instrumentation.genai.dspy", "chat"),
    ):
        one = chat(1, **{"llamaindex.step.input_summary": text, "input.value": text})
        one.scope_name, one.name = scope, name
        one.events = [Event(name="e", time_unix_nano=1, attributes={"output": text})]
        one.attributes["gen_ai.input.messages"] = json.dumps([{"role": "user", "content": text}])
        assert derived(one).trace["span_count"] == 1


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


WORDS = [
    "role",
    "content",
    "contents",
    "parts",
    "type",
    "text",
    "tool_calls",
    "toolCalls",
    "function",
    "name",
    "arguments",
    "args",
    "input",
    "output",
    "id",
    "call_id",
    "tool_call_id",
    "toolUse",
    "toolResult",
    "functionCall",
    "functionResponse",
    "toolRequest",
    "toolResponse",
    "message",
    "messages",
    "choices",
    "candidates",
    "generations",
    "lc",
    "kwargs",
    "data",
    "result",
    "value",
    "additional_kwargs",
    "function_call",
    "system",
    "instructions",
    "config",
    "response",
    "status",
    "summary",
    "thinking",
    "reasoning",
    "json",
    "usage",
    "finish_reason",
    "parameters",
    "origin",
]
SAID = [
    "user",
    "assistant",
    "tool",
    "system",
    "model",
    "human",
    "ai",
    "text",
    "tool_use",
    "tool_result",
    "tool_call",
    "tool_call_response",
    "function_call",
    "function_call_output",
    "reasoning",
    "thinking",
    "image_url",
    "constructor",
    "HumanMessage",
    "hello",
    "",
    "{}",
    "[1]",
    "[{",
    "Thing(a=1)",
]
_shapes = st.recursive(
    st.sampled_from([None, True, 0, 1.5, *SAID]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
        | inner.map(json.dumps)
    ),
    max_leaves=25,
)


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(asked=_shapes, answered=_shapes, beside=st.sampled_from(CLOSELY))
def test_no_shape_of_messages_stops_a_trace(asked, answered, beside):
    """Whatever is built from the words that messages are made of."""
    scope, marks = beside
    into, out = (v if isinstance(v, str) else json.dumps(v) for v in (asked, answered))
    attributes = {
        **{text.attribute: into for text in CONVENTIONS.texts["user"]},
        **{text.attribute: out for text in CONVENTIONS.texts["assistant"]},
        **marks,
    }
    attributes |= {
        "gen_ai.operation.name": "chat",
        "langsmith.metadata.usage_metadata": out,
        "mastra.model_step.input": into,
        "mastra.model_step.output": out,
        "gcp.vertex.agent.llm_request": into,
        "gcp.vertex.agent.llm_response": out,
        "haystack.component.input": into,
        "haystack.component.output": out,
        "gen_ai.tool.call.arguments": into,
        "gen_ai.tool.call.result": out,
        "ai.response.toolCalls": out,
        "events": into,
        "lk.chat_ctx": into,
        "gen_ai.system_instructions": into,
        "system_prompt": into,
    }
    spans = [span(1, None, **attributes), span(2, 1, **attributes), span(3, None, **attributes)]
    for one in spans:
        one.scope_name = scope
        one.events = [
            Event(name=name, time_unix_nano=1, attributes={"content": into, "gen_ai.prompt": out})
            for name in ("gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt")
        ]
    rows = derived(*spans)
    assert merge(rows.parts) is not None
