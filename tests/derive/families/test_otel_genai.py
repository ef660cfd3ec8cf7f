"""OpenTelemetry's GenAI conventions, every generation: attributes, span events, log records."""

import json

from builders import a_chat, a_span, any_value, new_trace_id
from deriving import a_record, derive


def a_bare_chat(**attributes):
    """A model request whose words are elsewhere."""
    return a_span(
        attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}
        | attributes
    )


def test_the_newest_attributes():
    span = a_chat(
        "chat-1",
        "Rome?",
        "Sunny.",
        attributes={
            "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
            "gen_ai.provider.name": "openai",
            "gen_ai.response.id": "r1",
            "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.response.time_to_first_chunk": 0.5,
            "user.id": "u1",
            "deployment.environment.name": "prod",
        },
    )
    found = derive(span)

    assert found.thread == ("chat-1", "gen_ai.conversation.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.turn["system"] == "Be brief."
    assert (found.call["provider"], found.call["response_id"]) == ("openai", "r1")
    assert found.call["time_to_first_token_ms"] == 500
    assert (found.trace["users"], found.trace["environments"]) == (["u1"], ["prod"])
    assert found.tokens == {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "cache_read_tokens": 4,
    }


def test_the_resource_may_have_the_conversation_and_the_environment():
    resource = {"gen_ai.conversation.id": "whole-process", "deployment.environment": "dev"}
    found = derive(a_chat(None, "Rome?", "Sunny."), resource=resource)

    assert found.thread == ("whole-process", "resource.gen_ai.conversation.id")
    assert found.trace["environments"] == ["dev"]


def test_an_operating_systems_thread_is_none():
    assert derive(a_chat(None, "hi", "ho", attributes={"thread.id": 7})).thread == (None, None)


def test_one_event_a_message_on_the_span():
    span = a_bare_chat()
    for name, content in (("gen_ai.user.message", "Rome?"), ("gen_ai.choice", "Sunny.")):
        event = span.events.add(name=name, time_unix_nano=span.start_time_unix_nano)
        event.attributes.add(key="content", value=any_value(content))

    assert derive(span).said == [("Rome?", "Sunny.")]


def test_one_event_for_the_request_and_one_for_the_answer():
    span = a_bare_chat()
    for name, key, text in (
        ("gen_ai.content.prompt", "gen_ai.prompt", '[{"role": "user", "content": "Rome?"}]'),
        (
            "gen_ai.content.completion",
            "gen_ai.completion",
            '[{"role": "assistant", "content": "Sunny."}]',
        ),
    ):
        event = span.events.add(name=name, time_unix_nano=span.start_time_unix_nano)
        event.attributes.add(key=key, value=any_value(text))

    assert derive(span).said == [("Rome?", "Sunny.")]


def test_log_records_of_messages_belong_to_their_span():
    span = a_bare_chat()
    asked = a_record(span, "gen_ai.user.message", body='{"content": "Rome?"}')
    answered = a_record(span, "gen_ai.choice", body='{"message": {"content": "Sunny."}}')

    assert derive(span, records=[asked, answered]).said == [("Rome?", "Sunny.")]


def test_one_log_record_with_the_details_of_a_request():
    span = a_bare_chat()
    text = [{"role": "user", "parts": [{"type": "text", "content": "Rome?"}]}]
    record = a_record(
        span,
        "gen_ai.client.inference.operation.details",
        attributes={
            "gen_ai.input.messages": json.dumps(text),
            "gen_ai.output.messages": json.dumps([{**text[0], "role": "assistant"}]),
            "gen_ai.system_instructions": "Be brief.",
        },
    )
    found = derive(span, records=[record])

    assert found.said == [("Rome?", "Rome?")]
    assert found.turn["system"] == "Be brief."


def test_content_that_is_elided_is_no_content():
    span = a_bare_chat()
    records = [a_record(span, "gen_ai.user.message", body='{"content": "<elided>"}')]

    assert derive(span, records=records).said == [(None, None)]


def test_records_of_other_events_are_not_kept():
    span = a_chat("t", "Rome?", "Sunny.")
    found = derive(span, records=[a_record(span, "app.button.clicked", body="x")])

    assert found.said == [("Rome?", "Sunny.")]


def test_what_else_a_request_tells():
    span = a_chat(
        None,
        "Rome?",
        "Sunny.",
        attributes={
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.total_tokens": 25,
            "gen_ai.usage.cache_creation.input_tokens": 2,
            "gen_ai.usage.audio.input_tokens": 3,
            "gen_ai.usage.audio.output_tokens": 1,
            "gen_ai.usage.reasoning.output_tokens": 4,
            "enduser.id": "u1",
        },
    )
    found = derive(span)

    assert found.call["request_model"] == "gpt-4o-mini"
    assert found.call["response_model"] == "gpt-4o-mini-2024"
    assert found.call["finish_reasons"] == ["stop"]
    assert found.trace["users"] == ["u1"]
    assert found.tokens == {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 25,
        "cache_write_tokens": 2,
        "input_audio_tokens": 3,
        "output_audio_tokens": 1,
        "reasoning_tokens": 4,
    }


def an_agent(**attributes):
    return a_span(
        trace_id=new_trace_id(),
        attributes={"gen_ai.operation.name": "invoke_agent"} | attributes,
    )


def test_an_agents_words_and_its_tool():
    agent = an_agent(
        **{
            "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "Rome?"}]}]',
            "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}]}]',
        }
    )
    tool = a_span(
        trace_id=agent.trace_id,
        parent_span_id=agent.span_id,
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "weather",
            "gen_ai.tool.call.id": "1",
            "gen_ai.tool.call.arguments": '{"city": "Rome"}',
            "gen_ai.tool.call.result": "sunny",
        },
    )
    found = derive(agent, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]
    assert found.turn["tool_calls"][0]["id"] == "1"


def test_an_agents_elided_words_are_none():
    assert derive(an_agent(**{"gen_ai.prompt": "<elided>"})).said == [(None, None)]


def test_an_error_has_type_and_message():
    failed = a_chat(
        None, "Rome?", None, attributes={"error.type": "429", "error.message": "slow down"}
    )

    assert derive(failed).turn["error"] == {"type": "429", "message": "slow down"}
