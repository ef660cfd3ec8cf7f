"""Firebase Genkit: actions with JSON input and output."""

import json

from builders import a_span, new_trace_id
from deriving import derive


def an_action(subtype: str, into, out, **fields):
    attributes = {
        "genkit:type": "action",
        "genkit:metadata:subtype": subtype,
        "genkit:input": json.dumps(into),
        "genkit:output": json.dumps(out),
    } | fields.pop("attributes", {})
    return a_span(attributes=attributes, **fields)


REQUEST = {"messages": [{"role": "user", "content": [{"text": "Rome?"}]}]}
ANSWER = {
    "message": {"role": "model", "content": [{"text": "Sunny."}]},
    "usage": {"inputTokens": 9, "outputTokens": 2, "totalTokens": 14, "thoughtsTokens": 3},
}


def test_a_model_action_is_a_request():
    found = derive(
        an_action(
            "model",
            REQUEST,
            ANSWER,
            attributes={
                "genkit:name": "googleai/gemini-2.5-flash",
                "genkit:metadata:threadId": "chat-1",
            },
        )
    )

    assert found.thread == ("chat-1", "genkit:metadata:threadId")
    assert found.said == [("Rome?", "Sunny.")]
    assert (found.call["provider"], found.call["request_model"]) == ("googleai", "gemini-2.5-flash")
    assert found.tokens == {  # thoughts are counted apart: output includes them here
        "input_tokens": 9,
        "output_tokens": 5,
        "total_tokens": 14,
        "reasoning_tokens": 3,
    }


def test_a_flow_has_the_persons_words_and_a_tool():
    trace = new_trace_id()
    flow = an_action("flow", {"question": "Rome?"}, "Sunny.", trace_id=trace)
    tool = an_action(
        "tool",
        {"city": "Rome"},
        "sunny",
        trace_id=trace,
        parent_span_id=flow.span_id,
        attributes={"genkit:name": "weather"},
    )
    found = derive(flow, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]


def test_a_session_of_an_agent_is_a_thread():
    span = an_action("model", REQUEST, ANSWER, attributes={"genkit:metadata:agent:sessionId": "s"})

    assert derive(span).thread == ("s", "genkit:metadata:agent:sessionId")
