"""Log records without a trace make conversations, and beside spans of the same ones count once."""

import itertools
import json

import httpx
import pytest
from builders import a_chat, a_request, a_span, any_value
from conftest import wait_until
from deriving import a_log_request
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

SECOND = 10**9
NOW = 1_795_300_000 * SECOND
CLAUDE, GEMINI = "com.anthropic.claude_code.events", "gemini-cli"


def told(event, at, **attributes) -> LogRecord:
    record = LogRecord(event_name=event, time_unix_nano=at)
    for key, value in attributes.items():
        record.attributes.add(key=key.replace("__", "."), value=any_value(value))
    return record


def send(server, payload, signal="traces"):
    assert server.post(payload, signal).status_code == 200
    server.wait_derived()


def turns(server, thread):
    return server.get("/threads/turns", thread_id=thread)["items"]


def said(server, thread):
    return [(turn["user"], turn["assistant"]) for turn in turns(server, thread)]


def thread_of(server, thread):
    return server.get("/threads/get", thread_id=thread)


# Alone


def gemini(thread, at, prompt, *, n=1):
    common = {"session__id": thread, "prompt_id": f"{thread}########{n}"}
    asked = [{"role": "user", "parts": [{"text": prompt}]}]
    chunks = [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]}
        for text in ("Sun", "ny.")
    ]
    return [
        told("gemini_cli.user_prompt", at, prompt=prompt, **common),
        told("gemini_cli.api_request", at + 1, request_text=json.dumps(asked), **common),
        told(
            "gemini_cli.api_response",
            at + SECOND,
            model="gemini-2.5-flash",
            input_token_count=30,
            output_token_count=10,
            thoughts_token_count=5,
            cached_content_token_count=4,
            total_token_count=45,
            response_text=json.dumps(chunks),
            **common,
        ),
    ]


def test_gemini_s_records_alone(server):
    tool = told(
        "gemini_cli.tool_call",
        NOW + SECOND + 5,
        session__id="g-alone",
        prompt_id="g-alone########1",
        function_name="list",
        function_args='{"path": "."}',
        success=True,
    )
    records = [
        *gemini("g-alone", NOW, "Rome?"),
        tool,
        *gemini("g-alone", NOW + 60 * SECOND, "Oslo?", n=2),
    ]
    send(server, a_log_request(*reversed(records), scope=GEMINI), "logs")

    assert said(server, "g-alone") == [("Rome?", "Sunny."), ("Oslo?", "Sunny.")]
    thread = thread_of(server, "g-alone")
    assert (thread["call_count"], thread["error_count"]) == (2, 0)
    usage = thread["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (60, 30)
    assert (usage["cache_read_tokens"], usage["reasoning_tokens"]) == (8, 10)
    (call,) = turns(server, "g-alone")[0]["tool_calls"]
    assert (call["name"], call["arguments"]) == ("list", {"path": "."})


def test_a_request_of_gemini_that_failed(server):
    failed = told(
        "gemini_cli.api_error",
        NOW + SECOND,
        session__id="g-failed",
        prompt_id="p",
        model="gemini-2.5-flash",
        error="quota exceeded",
    )
    prompt = gemini("g-failed", NOW, "Rome?")[0]
    prompt.attributes[2].value.string_value = "p"
    send(server, a_log_request(prompt, failed, scope=GEMINI), "logs")

    (turn,) = turns(server, "g-failed")
    assert (turn["user"], turn["assistant"]) == ("Rome?", None)
    assert turn["error"]["message"] == "quota exceeded"


def details(thread, at, user, answer, **attributes):
    def texts(role, text):
        return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])

    return told(
        "gen_ai.client.inference.operation.details",
        at,
        gen_ai__conversation__id=thread,
        gen_ai__operation__name="chat",
        gen_ai__request__model="gpt-4o-mini",
        gen_ai__usage__input_tokens=10,
        gen_ai__usage__output_tokens=5,
        gen_ai__input__messages=texts("user", user),
        gen_ai__output__messages=texts("assistant", answer),
        **attributes,
    )


def test_records_of_whole_requests_alone(server):
    records = [
        details("d-alone", NOW + n * 60 * SECOND, user, "Sunny.") for n, user in enumerate("ab")
    ]
    send(server, a_log_request(*records), "logs")

    assert said(server, "d-alone") == [("a", "Sunny."), ("b", "Sunny.")]
    assert thread_of(server, "d-alone")["usage"]["input_tokens"] == 20


def test_records_a_message_alone(server):
    """One of each message: the choice ends what a model was asked."""

    def message(event, at, body):
        record = told(event, at, session__id="m-alone", gen_ai__system="openai")
        for key, value in body.items():
            record.body.kvlist_value.values.add(key=key).value.CopyFrom(any_value(value))
        return record

    choice = message("gen_ai.choice", NOW + 3, {"index": 0, "finish_reason": "stop"})
    inner = choice.body.kvlist_value.values.add(key="message").value.kvlist_value
    inner.values.add(key="content").value.string_value = "Sunny."
    records = [
        message("gen_ai.system.message", NOW + 1, {"content": "Be brief."}),
        message("gen_ai.user.message", NOW + 2, {"content": "Rome?"}),
        choice,
    ]
    send(server, a_log_request(*records), "logs")

    assert said(server, "m-alone") == [("Rome?", "Sunny.")]


# Beside spans


def claude_records(thread, at):
    common = {"session__id": thread, "prompt__id": f"{thread}-p1"}
    spent = {"model": "claude-sonnet-4-5", "input_tokens": 12, "output_tokens": 5}
    return [
        told("claude_code.user_prompt", at, prompt="Run the tests", **common),
        told("claude_code.api_request", at + SECOND, cost_usd=0.5, **spent, **common),
        told(
            "claude_code.tool_result",
            at + 2 * SECOND,
            tool_name="Bash",
            tool_input='{"command": "make"}',
            **common,
        ),
        told("claude_code.assistant_response", at + 3 * SECOND, response="All pass.", **common),
    ]


def claude_spans(thread, at):
    root = a_span(
        name="claude_code.interaction",
        start=at + 1000,
        end_time_unix_nano=at + 3 * SECOND,
        attributes={"session.id": thread, "span.type": "interaction"},
    )
    request = a_span(
        name="claude_code.llm_request",
        trace_id=root.trace_id,
        parent_span_id=root.span_id,
        start=at + 2000,
        end_time_unix_nano=at + SECOND,
        attributes={
            "session.id": thread,
            "span.type": "llm_request",
            "model": "claude-sonnet-4-5",
            "input_tokens": 12,
            "output_tokens": 5,
        },
    )
    tool = a_span(
        name="claude_code.tool",
        trace_id=root.trace_id,
        parent_span_id=root.span_id,
        start=at + SECOND + 1,
        attributes={"session.id": thread, "span.type": "tool", "tool_name": "Bash"},
    )
    return [root, request, tool]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_turn_told_twice_counts_once(server, order):
    thread = f"twice-{''.join(map(str, order))}"
    first, *rest = claude_spans(thread, NOW)
    payloads = [
        (a_request(first, scope="com.anthropic.claude_code.tracing"), "traces"),
        (a_request(*rest, scope="com.anthropic.claude_code.tracing"), "traces"),
        (a_log_request(*claude_records(thread, NOW), scope=CLAUDE), "logs"),
    ]
    for place in order:
        send(server, *payloads[place])

    (turn,) = turns(server, thread)
    assert (turn["user"], turn["assistant"]) == ("Run the tests", "All pass.")
    assert [(c["name"], c["arguments"]) for c in turn["tool_calls"]] == [
        ("Bash", {"command": "make"})
    ]
    thread = thread_of(server, thread)
    assert (thread["turn_count"], thread["call_count"]) == (1, 1)
    for usage in (turn["usage"], thread["usage"]):
        assert (usage["input_tokens"], usage["output_tokens"]) == (12, 5)


def test_a_request_whose_span_never_came_counts_by_its_record(server):
    thread = "half-told"
    spans = [
        a_chat(thread, "a", "A.", start=NOW, end_time_unix_nano=NOW + SECOND),
    ]
    send(server, a_request(*spans))
    later = NOW + 60 * SECOND
    records = [details(thread, NOW + SECOND, "a", "A."), details(thread, later, "b", "B.")]
    send(server, a_log_request(*records), "logs")

    assert said(server, thread) == [("a", "A."), ("b", "B.")]
    found = thread_of(server, thread)
    assert (found["usage"]["input_tokens"], found["call_count"]) == (20, 2)


def test_spans_that_are_deleted_leave_what_records_tell(make_server):
    server = make_server()
    spans = claude_spans("left", NOW)
    send(server, a_request(*spans, scope="com.anthropic.claude_code.tracing"))
    send(server, a_log_request(*claude_records("left", NOW), scope=CLAUDE), "logs")
    trace_id = spans[0].trace_id.hex()
    deleted = httpx.post(f"{server.api}/traces/delete", json={"trace_ids": [trace_id]}, timeout=60)
    assert deleted.status_code == 200, deleted.text

    def left():
        return [(turn["usage"]["input_tokens"], turn["cost_usd"]) for turn in turns(server, "left")]

    wait_until(lambda: left() == [(12, 0.5)], "what the records tell counts again")


def test_thoughts_that_only_records_count_are_added(server):
    span = a_span(
        name="llm_call",
        start=NOW + 5,
        end_time_unix_nano=NOW + SECOND,
        attributes={
            "gen_ai.operation.name": "llm_call",
            "gen_ai.conversation.id": "g-both",
            "gen_ai.request.model": "gemini-2.5-flash",
            "gen_ai.input.messages": '[{"role": "user", "parts": [{"text": "Rome?"}]}]',
            "gen_ai.output.messages": '[{"role": "model", "parts": [{"text": "Sunny."}]}]',
            "gen_ai.usage.input_tokens": 30,
            "gen_ai.usage.output_tokens": 10,
        },
    )
    send(server, a_log_request(*gemini("g-both", NOW, "Rome?"), scope=GEMINI), "logs")
    send(server, a_request(span, scope=GEMINI))

    assert said(server, "g-both") == [("Rome?", "Sunny.")]
    usage = thread_of(server, "g-both")["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (30, 15)
    assert usage["reasoning_tokens"] == 5


# Answers that are fetched


def background(thread, at, operation, answer=None, usage=None, trace_id=None):
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.id": f"resp_{thread}",
    }
    if thread:
        attributes["gen_ai.conversation.id"] = thread
    if operation == "chat":
        attributes["gen_ai.input.messages"] = '[{"role": "user", "content": "Rome?"}]'
    if answer:
        attributes["gen_ai.output.messages"] = json.dumps(
            [{"role": "assistant", "content": answer}]
        )
        attributes |= {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    fields = {"trace_id": trace_id} if trace_id else {}
    return a_span(start=at, attributes=attributes, **fields)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)], ids=str)
def test_an_answer_that_is_fetched_again_and_again_counts_once(server, order):
    thread = f"fetch-{''.join(map(str, order))}"
    spans = [
        background(thread, NOW, "chat"),
        background(thread, NOW + 60 * SECOND, "fetch_response"),
        background(thread, NOW + 90 * SECOND, "fetch_response", "Sunny."),
        background(thread, NOW + 99 * SECOND, "fetch_response", "Sunny."),
    ]
    for place in order:
        send(server, a_request(spans[place]))

    wait_until(lambda: said(server, thread) == [("Rome?", "Sunny.")], f"{said(server, thread)}")
    usage = thread_of(server, thread)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (10, 5)


def test_an_answer_that_is_only_fetched_is_a_turn(server):
    send(server, a_request(background("only-fetched", NOW, "fetch_response", "Sunny.")))

    assert said(server, "only-fetched") == [(None, "Sunny.")]


def test_polling_within_the_trace_of_the_request(server):
    first = background("polled", NOW, "chat")
    rest = [
        background("polled", NOW + n * SECOND, "fetch_response", answer, trace_id=first.trace_id)
        for n, answer in enumerate((None, "Sunny.", "Sunny."), 1)
    ]
    send(server, a_request(first, *rest))

    assert said(server, "polled") == [("Rome?", "Sunny.")]
    assert thread_of(server, "polled")["usage"]["input_tokens"] == 10
