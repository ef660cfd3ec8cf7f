"""What libraries write that is in none of the recordings, through a real server."""

import itertools
import json

import pytest
from builders import a_chat, a_request, a_span, any_value, new_trace_id

_numbers = itertools.count(1)


def turns_of(server, *spans, scope="test") -> list[dict]:
    """Send spans of a thread of their own; return its turns."""
    thread = f"shapes-{next(_numbers)}"
    for span in spans:
        if not span.parent_span_id:
            span.attributes.add(key="session.id", value=any_value(thread))
    assert server.post(a_request(*spans, scope=scope)).status_code == 200
    server.wait_derived()
    return server.get("/threads/turns", thread_id=thread)["items"]


def below(parent, name: str, attributes: dict, **fields):
    """A span inside of another, a little later."""
    return a_span(
        trace_id=parent.trace_id,
        parent_span_id=parent.span_id,
        name=name,
        attributes=attributes,
        start=parent.start_time_unix_nano + 1000 * next(_numbers),
        **fields,
    )


CLAUDE_CODE = "com.anthropic.claude_code.tracing"


def claude_code(kind: str, **attributes) -> dict:
    return {"span.type": kind, **attributes}


def a_request_of_claude_code(parent, **attributes):
    told = {"model": "claude-sonnet-4-5", "gen_ai.system": "anthropic", "success": True}
    told |= {"gen_ai.request.model": "claude-sonnet-4-5", "ttft_ms": 123}
    counts = {
        "input_tokens": 2,
        "output_tokens": 33,
        "cache_read_tokens": 1000,
        "cache_creation_tokens": 10,
        "stop_reason": "end_turn",
    }
    if "error" not in attributes:
        told |= counts
    return below(parent, "claude_code.llm_request", claude_code("llm_request", **told | attributes))


def test_an_interaction_of_claude_code_is_a_turn(server):
    root = a_span(
        name="claude_code.interaction",
        attributes=claude_code("interaction", user_prompt="List my files"),
    )
    tool = below(
        root,
        "claude_code.tool",
        claude_code("tool", tool_name="Bash", tool_use_id="toolu_1", full_command="ls -l"),
    )
    output = tool.events.add(name="tool.output", time_unix_nano=tool.start_time_unix_nano)
    output.attributes.add(key="output", value=any_value("file.txt"))
    inside = [
        below(tool, f"claude_code.tool.{name}", claude_code(f"tool.{name}", success=True))
        for name in ("blocked_on_user", "execution")
    ]
    [turn] = turns_of(
        server,
        root,
        a_request_of_claude_code(root),
        tool,
        *inside,
        a_request_of_claude_code(root, **{"response.model_output": "There is file.txt."}),
        scope=CLAUDE_CODE,
    )
    assert (turn["user"], turn["assistant"]) == ("List my files", "There is file.txt.")
    assert turn["tool_calls"] == [
        {
            "id": "toolu_1",
            "name": "Bash",
            "arguments": {"command": "ls -l"},
            "result": "file.txt",
            "error": None,
        }
    ]
    usage = turn["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (2 * (2 + 1000 + 10), 66)
    assert (usage["cache_read_tokens"], usage["cache_write_tokens"]) == (2000, 20)
    assert turn["time_to_first_token_ms"] == 123


def test_claude_code_without_prompts_and_with_an_error(server):
    root = a_span(
        name="claude_code.interaction",
        attributes=claude_code("interaction", user_prompt="<REDACTED>"),
    )
    failed = a_request_of_claude_code(root, success=False, error="overloaded")
    [turn] = turns_of(server, root, failed, scope=CLAUDE_CODE)
    assert (turn["user"], turn["assistant"]) == (None, None)
    assert turn["error"] == {"type": "error", "message": "overloaded"}


@pytest.mark.parametrize("word", ["response", "result"])
def test_vercel_tells_its_answer_under_two_names(server, word):
    [turn] = turns_of(
        server,
        a_span(
            attributes={
                "ai.operationId": "ai.generateText.doGenerate",
                "ai.prompt.messages": json.dumps([{"role": "user", "content": "Hi"}]),
                f"ai.{word}.text": "Hello",
                "ai.usage.promptTokens": 20,
                "ai.usage.completionTokens": 5,
                "ai.response.providerMetadata": json.dumps(
                    {"openai": {"cachedPromptTokens": 16, "reasoningTokens": 3}}
                ),
            }
        ),
    )
    assert (turn["user"], turn["assistant"]) == ("Hi", "Hello")
    usage = turn["usage"]
    assert (usage["input_tokens"], usage["cache_read_tokens"]) == (20, 16)
    assert usage["reasoning_tokens"] == 3


def test_input_is_never_less_than_what_of_it_was_cached(server):
    """Who passes Anthropic's numbers on counts cached tokens apart: 7 beside 16,399 and 2,089."""
    [turn] = turns_of(
        server,
        a_span(
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "claude-sonnet-4-5",
                "gen_ai.usage.input_tokens": 7,
                "gen_ai.usage.output_tokens": 445,
                "gen_ai.usage.total_tokens": 452,
                "gen_ai.usage.cache_read.input_tokens": 16_399,
                "gen_ai.usage.cache_creation.input_tokens": 2_089,
            }
        ),
    )
    assert turn["usage"]["input_tokens"] == 7 + 16_399 + 2_089
    assert turn["usage"]["total_tokens"] == 7 + 16_399 + 2_089 + 445


def test_agents_of_two_threads_in_one_trace_that_say_nothing(server):
    trace_id = new_trace_id()
    root = a_span(trace_id=trace_id, name="batch")
    agents = [
        below(
            root,
            "invoke_agent helper",
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": f"silent-{n}"},
        )
        for n in range(2)
    ]
    agents[1].status.code = 2
    agents[1].status.message = "no model"
    assert server.post(a_request(root, *agents)).status_code == 200
    server.wait_derived()
    told = [server.get("/threads/turns", thread_id=f"silent-{n}")["items"] for n in range(2)]
    assert [[(t["user"], t["error"]) for t in turns] for turns in told] == [
        [(None, None)],
        [(None, {"type": None, "message": "no model"})],
    ]


def test_a_conversation_inside_of_another_is_a_turn_of_that(server):
    """An id first seen below another conversation's agent is a sub-agent's, no thread of its own."""
    root = a_span(
        name="invoke_agent",
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.conversation.id": "shapes-outer",
        },
    )
    inside = a_chat(
        "shapes-inner",
        "Hi",
        "Ho",
        trace_id=root.trace_id,
        parent_span_id=root.span_id,
        start=root.start_time_unix_nano + 10**9,
    )
    server.post(a_request(root, inside))
    server.wait_derived()
    (turn,) = server.get("/threads/turns", thread_id="shapes-outer")["items"]
    assert (turn["user"], turn["assistant"]) == ("Hi", "Ho")
    assert "shapes-inner" not in {t["thread_id"] for t in server.get("/threads")["items"]}


def test_a_set_up_trace_is_no_turn(server):
    made = a_span(name="create_agent x", attributes={"gen_ai.operation.name": "create_agent"})
    assert turns_of(server, made) == []


def test_results_come_to_calls_that_the_history_left_out(server):
    """The request after a tool's, a trace of its own, shows the result alone: by order then."""
    asked = {"role": "user", "content": "weather?"}
    call = {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    answer = {"role": "assistant", "content": None, "tool_calls": [call]}
    known = [asked, {"role": "tool", "content": "sunny"}]

    def a_step(said: list[dict], answered: dict):
        return a_span(
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.input.messages": json.dumps(said),
                "gen_ai.output.messages": json.dumps([answered]),
            }
        )

    said = {"role": "assistant", "content": "Sunny."}
    [turn] = turns_of(server, a_step([asked], answer), a_step(known, said))
    assert turn["assistant"] == "Sunny."
    assert [(c["name"], c["result"]) for c in turn["tool_calls"]] == [("weather", "sunny")]


def test_where_it_happened_is_no_part_of_an_error(server):
    span = a_span(
        attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
    )
    span.status.code = 2
    span.status.message = "refused\nTraceback (most recent call last):\n  File x, line 1"
    [turn] = turns_of(server, span)
    assert turn["error"]["message"] == "refused"


@pytest.mark.parametrize(
    "name",
    [
        "spring.ai.chat.client.conversation.id",
        "langwatch.thread.id",
        "gen_ai.thread.id",
        "wandb.thread_id",
        "genkit:metadata:agent:sessionId",
    ],
)
def test_the_thread_ids_of_other_products(server, name):
    thread = f"of-{next(_numbers)}"
    span = a_span(attributes={"gen_ai.operation.name": "chat", name: thread})
    assert server.post(a_request(span)).status_code == 200
    server.wait_derived()
    assert server.get("/threads/get", thread_id=thread)["thread_id_source"] == name


def test_a_tool_that_two_spans_report_ran_once(server):
    """As google-genai's automatic function calling does; another run inside of it is another."""
    root = a_span(
        name="turn", attributes={"input.value": "weather?", "input.mime_type": "text/plain"}
    )
    model = below(
        root, "chat", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gemini-2.0-flash"}
    )

    def a_tool(parent, city: str, **attributes):
        told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"}
        told["gen_ai.tool.call.arguments"] = json.dumps({"city": city})
        return below(parent, "execute_tool weather", told | attributes)

    outer = a_tool(model, "Rome")
    inner = a_tool(outer, "Rome", **{"gen_ai.tool.call.result": "sunny"})
    deeper = a_tool(inner, "Ostia", **{"gen_ai.tool.call.result": "windy"})
    [turn] = turns_of(server, root, model, outer, inner, deeper)
    assert [(c["arguments"]["city"], c["result"]) for c in turn["tool_calls"]] == [
        ("Rome", "sunny"),
        ("Ostia", "windy"),
    ]


def test_a_prompt_around_the_persons_words_stays_in_their_turn(server):
    """The second request has the first one in its history, and asks the same once more."""
    task = json.dumps({"task": "Count to three"})
    root = a_span(
        name="run",
        attributes={"openinference.span.kind": "AGENT", "input.value": task, "output.value": "123"},
    )

    def a_step(*said: str):
        messages = [{"role": "user", "content": text} for text in said]
        return below(
            root,
            "chat",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.input.messages": json.dumps(messages),
                "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": "well"}]),
            },
        )

    first = a_step("New task:\nCount to three")
    last = a_step("New task:\nCount to three", "Now answer the task:\nCount to three")
    [turn] = turns_of(server, root, first, last)
    assert (turn["user"], turn["assistant"]) == ("Count to three", "123")


def test_a_first_question_is_not_found_inside_of_another_word(server):
    """A session in one trace: its root holds the first question, "Hi" is in "Hints?" as well."""
    root = a_span(name="session", attributes={"input.value": "Hi", "input.mime_type": "text/plain"})

    def a_step(*said: str):
        messages = [{"role": "user", "content": text} for text in said]
        return below(
            root,
            "chat",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.input.messages": json.dumps(messages),
                "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": "well"}]),
            },
        )

    told = turns_of(server, root, a_step("Hi"), a_step("Hi", "Hints?"))
    assert [turn["user"] for turn in told] == ["Hi", "Hints?"]


def test_thoughts_that_are_counted_apart_belong_to_the_output(server):
    """Gemini: 17 in, 11 out and 3 thought make 31."""
    answer = {
        "content": {"role": "model", "parts": [{"text": "Hello"}]},
        "usage_metadata": {
            "prompt_token_count": 17,
            "candidates_token_count": 11,
            "thoughts_token_count": 3,
            "cached_content_token_count": 4,
            "total_token_count": 31,
        },
    }
    request = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    [turn] = turns_of(
        server,
        a_span(
            name="call_llm",
            attributes={
                "gcp.vertex.agent.llm_request": json.dumps(request),
                "gcp.vertex.agent.llm_response": json.dumps(answer),
                "gen_ai.usage.input_tokens": 17,
                "gen_ai.usage.output_tokens": 11,
            },
        ),
    )
    usage = turn["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (17, 14, 31)
    assert (usage["cache_read_tokens"], usage["reasoning_tokens"]) == (4, 3)


def test_a_model_span_around_the_request_keeps_the_persons_words(server):
    """DSPy through MLflow: both are models, the outer has the fields, the inner the prompt."""
    outer = a_span(
        name="Predict.forward",
        attributes={
            "mlflow.spanType": '"LLM"',
            "mlflow.spanInputs": '{"question": "Who was Ada?"}',
            "mlflow.spanOutputs": '{"answer": "A mathematician."}',
        },
    )
    prompt = [{"role": "user", "content": "[[ ## question ## ]]\nWho was Ada?"}]
    inner = below(
        outer,
        "LM.__call__",
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps({"messages": prompt}),
            "mlflow.spanOutputs": json.dumps(["[[ ## answer ## ]]\nA mathematician."]),
        },
    )
    [turn] = turns_of(server, outer, inner)
    assert (turn["user"], turn["assistant"]) == ("Who was Ada?", "A mathematician.")
