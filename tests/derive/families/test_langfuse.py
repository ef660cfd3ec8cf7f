"""Langfuse SDKs: observations with JSON input and output, buckets of tokens, costs."""

import datetime
import json

from builders import a_span, new_trace_id
from deriving import derive


def a_generation(**attributes):
    return a_span(
        attributes={
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o-mini",
            "langfuse.observation.input": json.dumps([{"role": "user", "content": "Rome?"}]),
            "langfuse.observation.output": json.dumps({"role": "assistant", "content": "Sunny."}),
        }
        | attributes
    )


def test_its_own_session_ranks_before_the_common_one():
    found = derive(a_generation(**{"langfuse.session.id": "own", "session.id": "common"}))

    assert found.thread == ("own", "langfuse.session.id")
    assert found.said == [("Rome?", "Sunny.")]


def test_metadata_of_an_observation_is_the_last_resort():
    found = derive(a_generation(**{"langfuse.observation.metadata.thread_id": "meta"}))

    assert found.thread == ("meta", "langfuse.observation.metadata.thread_id")


def test_buckets_that_exclude_one_another_are_added():
    usage = {"input": 10, "input_cached_tokens": 5, "output": 3, "output_reasoning": 2}
    found = derive(a_generation(**{"langfuse.observation.usage_details": json.dumps(usage)}))

    assert found.tokens == {
        "input_tokens": 15,
        "output_tokens": 5,
        "total_tokens": 20,
        "cache_read_tokens": 5,
        "reasoning_tokens": 2,
    }


def test_the_reported_cost_is_kept_and_dropped_on_an_error():
    cost = {"langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5}'}

    kept = derive(a_generation(**cost)).call
    failed = derive(a_generation(**cost, **{"langfuse.observation.level": "ERROR"})).call

    assert (kept["cost_usd"], kept["cost_source"]) == (0.75, "reported")
    assert (failed["cost_source"], failed["error_type"]) == (None, "error")


def test_the_completions_start_tells_the_first_token():
    span = a_generation()
    first = datetime.datetime.fromtimestamp(
        (span.start_time_unix_nano + 500_000_000) / 1e9, datetime.UTC
    )
    span.attributes.add(
        key="langfuse.observation.completion_start_time"
    ).value.string_value = first.isoformat()

    assert abs(derive(span).call["time_to_first_token_ms"] - 500) < 1


def test_metadata_is_the_traces_without_what_its_integrations_add():
    found = derive(
        a_generation(
            **{
                "langfuse.trace.metadata.plan": "pro",
                "langfuse.trace.metadata.langfuse_tags": "x",
                "langfuse.trace.tags": ["beta"],
                "langfuse.user.id": "u1",
            }
        )
    ).trace

    assert (found["metadata"], found["tags"], found["users"]) == ({"plan": "pro"}, ["beta"], ["u1"])


def test_a_tool_observation_has_the_arguments_of_the_call():
    trace = new_trace_id()
    agent = a_span(
        trace_id=trace,
        attributes={
            "langfuse.observation.type": "agent",
            "langfuse.observation.input": "Rome?",
            "langfuse.observation.output": "Sunny.",
        },
    )
    tool = a_span(
        name="weather",
        trace_id=trace,
        parent_span_id=agent.span_id,
        attributes={
            "langfuse.observation.type": "tool",
            "langfuse.observation.input": '{"args": [], "kwargs": {"city": "Rome"}}',
            "langfuse.observation.output": "sunny",
        },
    )
    found = derive(agent, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]


def test_the_resource_tells_the_environment():
    found = derive(a_generation(), resource={"langfuse.environment": "staging"})

    assert found.trace["environments"] == ["staging"]


def test_model_environment_and_the_message_of_an_error():
    found = derive(
        a_generation(
            **{
                "langfuse.environment": "staging",
                "langfuse.observation.level": "ERROR",
                "langfuse.observation.status_message": "rate limited",
            }
        )
    )

    assert found.call["response_model"] == "gpt-4o-mini"
    assert found.trace["environments"] == ["staging"]
    assert found.turn["error"] == {"type": "error", "message": "rate limited"}
