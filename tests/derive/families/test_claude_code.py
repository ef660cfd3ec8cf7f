"""Claude Code: an interaction, its requests and tools, under plain names."""

from builders import a_span, any_value, new_trace_id
from deriving import derive

SCOPE = "com.anthropic.claude_code.tracing"


def an_interaction(prompt: str = "Rome?"):
    return a_span(
        name="claude_code.interaction",
        trace_id=new_trace_id(),
        attributes={"span.type": "interaction", "user_prompt": prompt, "session.id": "s1"},
    )


def a_request(outer, **attributes):
    return a_span(
        name="claude_code.llm_request",
        trace_id=outer.trace_id,
        parent_span_id=outer.span_id,
        attributes={
            "span.type": "llm_request",
            "model": "claude-sonnet-4-5",
            "input_tokens": 3,
            "cache_read_tokens": 100,
            "cache_creation_tokens": 20,
            "output_tokens": 7,
            "ttft_ms": 300,
            "response.model_output": "Sunny.",
        }
        | attributes,
    )


def test_an_interaction_is_a_turn_and_cached_input_is_input():
    outer = an_interaction()
    found = derive(outer, a_request(outer), scope=SCOPE)

    assert found.thread == ("s1", "session.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.call["request_model"] == "claude-sonnet-4-5"
    assert found.call["time_to_first_token_ms"] == 300
    assert found.tokens == {
        "input_tokens": 123,
        "output_tokens": 7,
        "total_tokens": 130,
        "cache_read_tokens": 100,
        "cache_write_tokens": 20,
    }


def test_a_request_of_its_own_has_its_prompt():
    outer = an_interaction()
    alone = a_request(outer, user_prompt="Oslo?")
    alone.parent_span_id = b""

    assert derive(alone, scope=SCOPE).said == [("Oslo?", "Sunny.")]


def test_a_prompt_that_is_not_captured_is_not_shown():
    outer = an_interaction("<REDACTED>")

    assert derive(outer, a_request(outer), scope=SCOPE).said == [(None, "Sunny.")]


def test_a_tool_with_its_titles_removed():
    outer = an_interaction()
    tool = a_span(
        name="claude_code.tool",
        trace_id=outer.trace_id,
        parent_span_id=outer.span_id,
        attributes={
            "span.type": "tool",
            "tool_name": "Bash",
            "tool_input": '[TOOL INPUT: Bash]\n{"command": "ls"}',
        },
    )
    event = tool.events.add(name="tool.output", time_unix_nano=tool.start_time_unix_nano)
    event.attributes.add(key="output", value=any_value("a.txt"))

    assert derive(outer, a_request(outer), tool, scope=SCOPE).tools == [
        ("Bash", {"command": "ls"}, "a.txt")
    ]


def test_a_request_that_failed_says_why():
    outer = an_interaction()
    failed = a_request(outer, success="false", error="overloaded")
    del failed.attributes[:]
    for key, value in {
        "span.type": "llm_request",
        "model": "claude-sonnet-4-5",
        "success": "false",
        "error": "overloaded",
    }.items():
        failed.attributes.add(key=key, value=any_value(value))

    assert derive(outer, failed, scope=SCOPE).turn["error"] == {
        "type": "error",
        "message": "overloaded",
    }


def test_plain_names_of_another_scope_are_not_claimed():
    span = a_span(attributes={"input_tokens": 3, "output_tokens": 7, "model": "m"})

    assert derive(span, scope="somebody.else").trace["call_count"] == 0
