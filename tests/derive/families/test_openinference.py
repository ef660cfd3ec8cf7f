"""OpenInference: flattened messages, whole requests beside them, sessions."""

import json

from builders import a_span, new_trace_id
from deriving import derive

MESSAGES = {
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be brief.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.content": "Weather in Rome?",
}


def an_llm(**attributes):
    return a_span(attributes={"openinference.span.kind": "LLM"} | MESSAGES | attributes)


def test_flattened_messages_make_a_turn_of_the_session():
    found = derive(
        an_llm(
            **{
                "session.id": "chat-1",
                "llm.model_name": "gpt-4o-mini",
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.content": "Sunny.",
                "llm.token_count.prompt": 12,
                "llm.token_count.completion": 3,
                "llm.token_count.prompt_details.cache_read": 4,
            }
        )
    )

    assert found.thread == ("chat-1", "session.id")
    assert found.said == [("Weather in Rome?", "Sunny.")]
    assert found.turn["system"] == "Be brief."
    assert found.tokens == {
        "input_tokens": 12,
        "output_tokens": 3,
        "total_tokens": 15,
        "cache_read_tokens": 4,
    }


def test_the_persons_words_on_an_outer_chain_win_over_the_template():
    trace = new_trace_id()
    chain = a_span(
        trace_id=trace,
        attributes={
            "openinference.span.kind": "CHAIN",
            "input.value": '{"question": "Rome?"}',
            "output.value": "[Not a repr]",
            "output.mime_type": "text/plain",
        },
    )
    inner = an_llm(**{"llm.output_messages.0.message.content": "Sunny."})
    inner.trace_id, inner.parent_span_id = trace, chain.span_id

    assert derive(chain, inner).said == [("Rome?", "[Not a repr]")]


def test_a_tool_tells_its_arguments_by_the_spans_input_where_it_has_no_other():
    trace = new_trace_id()
    agent = a_span(
        trace_id=trace, attributes={"openinference.span.kind": "AGENT", "input.value": "Rome?"}
    )
    tool = a_span(
        trace_id=trace,
        parent_span_id=agent.span_id,
        attributes={
            "openinference.span.kind": "TOOL",
            "tool.name": "weather",
            "input.value": json.dumps({"city": "Rome"}),
            "output.value": "sunny",
        },
    )

    assert derive(agent, tool).tools == [("weather", {"city": "Rome"}, "sunny")]


def test_the_first_token_is_an_event():
    span = an_llm()
    span.events.add(
        name="First Token Stream Event", time_unix_nano=span.start_time_unix_nano + 250_000
    )

    assert derive(span).call["time_to_first_token_ms"] == 0.25


def test_what_else_a_request_tells():
    span = an_llm(
        **{
            "llm.model_name": "gpt-4o-mini",
            "llm.system": "openai",
            "llm.finish_reason": "stop",
            "llm.token_count.prompt": 20,
            "llm.token_count.completion": 9,
            "llm.token_count.total": 29,
            "llm.token_count.prompt_details.cache_write": 2,
            "llm.token_count.prompt_details.audio": 3,
            "llm.token_count.completion_details.reasoning": 4,
            "llm.token_count.completion_details.audio": 1,
            "llm.cost.total": 0.5,
            "user.id": "u1",
            "tag.tags": ["beta"],
        }
    )
    found = derive(span)

    assert (found.call["response_model"], found.call["provider"]) == ("gpt-4o-mini", "openai")
    assert found.call["finish_reasons"] == ["stop"]
    assert (found.call["cost_usd"], found.call["cost_source"]) == (0.5, "reported")
    assert (found.trace["users"], found.trace["tags"]) == (["u1"], ["beta"])
    assert found.tokens == {
        "input_tokens": 20,
        "output_tokens": 9,
        "total_tokens": 29,
        "cache_write_tokens": 2,
        "input_audio_tokens": 3,
        "reasoning_tokens": 4,
        "output_audio_tokens": 1,
    }
