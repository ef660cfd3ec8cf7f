"""Gemini CLI: `llm_call` is a request, the session's context is no person's words."""

import json

from builders import a_span, new_trace_id
from deriving import derive

CONTEXT = "<session_context>\nThis is the Gemini CLI.\n</session_context>\n"


def a_request(history, answer, **fields):
    attributes = {
        "gen_ai.operation.name": "llm_call",
        "gen_ai.agent.name": "gemini-cli",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.conversation.id": "s1",
        "gen_ai.input.messages": json.dumps(history),
        "gen_ai.output.messages": json.dumps([{"role": "model", "parts": answer}]),
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 2,
    }
    return a_span(name="llm_call", attributes=attributes, **fields)


def user(text):
    return {"role": "user", "parts": [{"text": text}]}


def test_words_without_the_context_before_them():
    found = derive(a_request([user(f"{CONTEXT}Rome?")], [{"text": "Sunny."}]), scope="gemini-cli")

    assert found.said == [("Rome?", "Sunny.")]
    assert found.trace["call_count"] == 1


def test_a_tool_call_has_one_id_in_the_answer_and_in_the_history():
    asked = {"functionCall": {"id": "sh__sh_1", "name": "sh", "args": {"command": "ls"}}}
    first = a_request([user("List")], [asked])
    repeated = {"functionCall": {"id": "sh_1", "name": "sh", "args": {"command": "ls"}}}
    result = {"functionResponse": {"id": "sh_1", "name": "sh", "response": {"output": "a.py"}}}
    history = [
        user("List"),
        {"role": "model", "parts": [repeated]},
        {"role": "user", "parts": [result]},
    ]
    second = a_request(history, [{"text": "a.py"}], start=first.start_time_unix_nano + 10**6)
    found = derive(first, second, scope="gemini-cli")

    assert found.said == [("List", "a.py")]
    assert found.tools == [("sh", {"command": "ls"}, "a.py")]


def test_a_tools_span_tells_arguments_and_result():
    trace = new_trace_id()
    model = a_request([user("List")], [{"text": "Done."}], trace_id=trace)
    tool = a_span(
        name="tool_call",
        trace_id=trace,
        parent_span_id=model.span_id,
        attributes={
            "gen_ai.operation.name": "tool_call",
            "gen_ai.tool.name": "sh",
            "gen_ai.input.messages": '{"args": {"command": "ls"}}',
            "gen_ai.output.messages": '{"status": "success", "response": {"resultDisplay": "a.py"}}',
        },
    )

    assert derive(model, tool, scope="gemini-cli").tools == [("sh", {"command": "ls"}, "a.py")]
