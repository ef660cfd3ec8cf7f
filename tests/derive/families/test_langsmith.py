"""LangSmith's OpenTelemetry mode: whole requests and responses, ids in metadata."""

import json

from builders import a_span, new_trace_id
from deriving import derive


def a_run(kind: str = "llm", **attributes):
    prompt = {"messages": [{"role": "user", "content": "Rome?"}]}
    answer = {"choices": [{"message": {"role": "assistant", "content": "Sunny."}}]}
    return a_span(
        attributes={
            "langsmith.span.kind": kind,
            "gen_ai.prompt": json.dumps(prompt),
            "gen_ai.completion": json.dumps(answer),
        }
        | attributes
    )


def test_metadata_has_the_thread_and_its_session_is_a_project():
    found = derive(
        a_run(
            **{
                "langsmith.metadata.session_id": "s",
                "langsmith.metadata.thread_id": "t",
                "langsmith.trace.session_id": "project-7",
            }
        )
    )

    assert found.thread == ("t", "langsmith.metadata.thread_id")
    assert found.said == [("Rome?", "Sunny.")]
    assert derive(a_run(**{"langsmith.trace.session_id": "p"})).thread == (None, None)


def test_usage_comes_from_the_bundle():
    usage = {
        "input_tokens": 20,
        "output_tokens": 4,
        "total_tokens": 24,
        "input_token_details": {"cache_read": 8},
        "output_token_details": {"reasoning": 1},
    }
    found = derive(a_run(**{"langsmith.metadata.usage_metadata": json.dumps(usage)}))

    assert found.tokens == {
        "input_tokens": 20,
        "output_tokens": 4,
        "total_tokens": 24,
        "cache_read_tokens": 8,
        "reasoning_tokens": 1,
    }


def test_metadata_is_without_the_librarys_own():
    found = derive(
        a_run(
            **{
                "langsmith.metadata.plan": "pro",
                "langsmith.metadata.ls_provider": "openai",
                "langsmith.metadata.revision_id": "abc",
                "langsmith.metadata.LANGSMITH_PROJECT": "p",
                "langsmith.metadata.user_id": "u1",
                "langsmith.span.tags": "beta, paid",
            }
        )
    ).trace

    assert found["metadata"] == {"plan": "pro", "user_id": "u1"}
    assert (found["users"], found["tags"]) == (["u1"], ["beta", "paid"])


def test_a_tools_run_is_its_call():
    trace = new_trace_id()
    chain = a_run(
        "chain",
        **{"gen_ai.prompt": '{"input": "Rome?"}', "gen_ai.completion": '{"output": "Sunny."}'},
    )
    tool = a_run("tool", **{"gen_ai.prompt": '{"city": "Rome"}', "gen_ai.completion": "sunny"})
    chain.trace_id = tool.trace_id = trace
    tool.parent_span_id, tool.name = chain.span_id, "weather"
    found = derive(chain, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]
