"""Google ADK's legacy schema: whole requests and responses."""

import json

from builders import a_span
from deriving import derive

REQUEST = {
    "model": "gemini-2.5-flash",
    "config": {"system_instruction": "Be brief."},
    "contents": [{"role": "user", "parts": [{"text": "Rome?"}]}],
}
RESPONSE = {
    "content": {"role": "model", "parts": [{"text": "Sunny."}]},
    "usage_metadata": {
        "prompt_token_count": 9,
        "candidates_token_count": 2,
        "total_token_count": 14,
        "thoughts_token_count": 3,
    },
}


def a_call(**attributes):
    return a_span(
        name="call_llm",
        attributes={
            "gen_ai.request.model": "gemini-2.5-flash",
            "gcp.vertex.agent.session_id": "chat-1",
            "gcp.vertex.agent.llm_request": json.dumps(REQUEST),
            "gcp.vertex.agent.llm_response": json.dumps(RESPONSE),
        }
        | attributes,
    )


def test_a_call_has_session_words_and_its_own_counts():
    found = derive(a_call())

    assert found.thread == ("chat-1", "gcp.vertex.agent.session_id")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.turn["system"] == "Be brief."
    assert found.tokens == {  # thoughts are counted apart: output includes them here
        "input_tokens": 9,
        "output_tokens": 5,
        "total_tokens": 14,
        "reasoning_tokens": 3,
    }


def test_a_tools_arguments_and_answer():
    call = a_call()
    asked = json.loads(json.dumps(RESPONSE))
    asked["content"]["parts"] = [
        {"function_call": {"id": "1", "name": "weather", "args": {"city": "Rome"}}}
    ]
    call = a_call(**{"gcp.vertex.agent.llm_response": json.dumps(asked)})
    tool = a_span(
        name="execute_tool weather",
        trace_id=call.trace_id,
        parent_span_id=call.span_id,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.id": "1",
            "gcp.vertex.agent.tool_call_args": '{"city": "Rome"}',
            "gcp.vertex.agent.tool_response": '{"result": "sunny"}',
        },
    )

    assert derive(call, tool).tools == [("weather", {"city": "Rome"}, "sunny")]
