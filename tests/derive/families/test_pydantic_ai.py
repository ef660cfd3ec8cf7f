"""Pydantic AI and Logfire: event lists, whole histories, tool spans."""

import json

from builders import a_span, new_trace_id
from deriving import derive

EVENTS = [
    {"event.name": "gen_ai.system.message", "role": "system", "content": "Be brief."},
    {"event.name": "gen_ai.user.message", "role": "user", "content": "Rome?"},
    {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": "Sunny."}},
]
HISTORY = [
    {"role": "user", "parts": [{"type": "text", "content": "Rome?"}]},
    {"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}]},
]


def a_model(**fields):
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o-mini",
        "events": json.dumps(EVENTS),
    } | fields.pop("attributes", {})
    return a_span(attributes=attributes, **fields)


def test_a_list_of_events_is_request_and_answer():
    usage = {"input_tokens": 9, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}
    span = a_model(attributes={"usage": json.dumps(usage), "operation.cost": 0.5})
    found = derive(span, scope="pydantic-ai")

    assert found.said == [("Rome?", "Sunny.")]
    assert found.call["cost_usd"] == 0.5
    assert found.tokens == {
        "input_tokens": 9,
        "output_tokens": 2,
        "total_tokens": 11,
        "cache_read_tokens": 4,
    }


def test_an_agents_history_has_the_words_and_its_final_result_the_answer():
    trace = new_trace_id()
    agent = a_span(
        trace_id=trace,
        attributes={
            "gen_ai.conversation.id": "chat-1",
            "pydantic_ai.all_messages": json.dumps(HISTORY),
            "final_result": "Sunny, 20 degrees.",
        },
    )
    tool = a_span(
        name="running tool: weather",
        trace_id=trace,
        parent_span_id=agent.span_id,
        attributes={
            "gen_ai.tool.name": "weather",
            "tool_arguments": '{"city": "Rome"}',
            "tool_response": "sunny",
        },
    )
    found = derive(agent, tool, scope="pydantic-ai")

    assert found.thread == ("chat-1", "gen_ai.conversation.id")
    assert found.said == [("Rome?", "Sunny, 20 degrees.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]


def test_without_a_final_result_the_history_has_the_answer_too():
    agent = a_span(attributes={"pydantic_ai.all_messages": json.dumps(HISTORY)})

    assert derive(agent, scope="pydantic-ai").said == [("Rome?", "Sunny.")]


def test_a_tool_made_for_the_answer_is_the_answer_and_no_tool_call():
    call = {"id": "1", "function": {"name": "final_result", "arguments": '{"answer": "Sunny."}'}}
    events = [
        *EVENTS[:2],
        {"event.name": "gen_ai.choice", "message": {"role": "assistant", "tool_calls": [call]}},
    ]
    found = derive(a_model(attributes={"events": json.dumps(events)}), scope="pydantic-ai")

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == []


def test_logfires_group_counts_on_the_root_of_its_own_traces_alone():
    trace = new_trace_id()
    root = a_span(trace_id=trace, attributes={"group_id": "chat-1"})
    model = a_model(trace_id=trace, parent_span_id=root.span_id)
    inner = a_model(
        trace_id=new_trace_id(), parent_span_id=b"12345678", attributes={"group_id": "x"}
    )

    assert derive(root, model, scope="logfire.openai_agents").thread == ("chat-1", "group_id")
    assert derive(a_model(attributes={"group_id": "x"}), scope="app").thread == (None, None)
    assert derive(inner, scope="logfire").thread == (
        "x",
        "group_id",
    )  # its parent is not here: a root


def test_a_scrubbed_value_is_no_id():
    span = a_model(attributes={"session.id": "[Scrubbed due to 'session']", "thread_id": "chat-1"})

    assert derive(span, scope="logfire").thread == ("chat-1", "thread_id")


def test_logfire_has_request_and_response_as_json():
    span = a_span(
        attributes={
            "gen_ai.operation.name": "chat",
            "request_data": '{"messages": [{"role": "user", "content": "Rome?"}]}',
            "response_data": '{"message": {"role": "assistant", "content": "Sunny."}}',
        }
    )

    assert derive(span, scope="logfire.openai").said == [("Rome?", "Sunny.")]


def test_the_user_stands_in_one_json_of_metadata():
    span = a_model(attributes={"metadata": '{"user_id": "u1"}'})

    assert derive(span, scope="pydantic-ai").trace["users"] == ["u1"]
