"""Tools that a model's server ran are calls of tools, and the answer around them is one text."""

import json

import pytest
from builders import a_chat
from deriving import derive


def answered(answer):
    return derive(a_chat("c", "Rome?", None, attributes={"gen_ai.output.messages": answer}))


def claude(*content):
    return json.dumps([{"role": "assistant", "content": list(content)}])


SEARCH = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "rome"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"url": "u"}]}


def test_an_answer_that_citations_cut_to_pieces_is_one_text():
    cited = {"type": "text", "text": "sunny", "citations": [{"url": "u", "cited_text": "sun"}]}
    found = answered(
        claude(
            {"type": "text", "text": "Let me look."},
            SEARCH,
            FOUND,
            {"type": "text", "text": "Rome is "},
            cited,
            {"type": "text", "text": "."},
        )
    )

    assert found.said == [("Rome?", "Let me look.\nRome is sunny.")]
    assert found.tools == [("web_search", {"query": "rome"}, [{"url": "u"}])]
    whole = found.turn["messages"][-1]["parts"][-1]
    assert whole["citations"] == [{"url": "u", "cited_text": "sun"}]


@pytest.mark.parametrize(
    ("item", "tool"),
    [
        (
            {"type": "web_search_call", "id": "w", "action": {"type": "search", "query": "rome"}},
            ("web_search", {"type": "search", "query": "rome"}, None),
        ),
        (
            {"type": "code_interpreter_call", "id": "c", "code": "1+1", "outputs": [{"logs": "2"}]},
            ("code_interpreter", {"code": "1+1"}, [{"logs": "2"}]),
        ),
        (
            {"type": "file_search_call", "id": "f", "queries": ["rome"], "results": [{"id": "x"}]},
            ("file_search", {"queries": ["rome"]}, [{"id": "x"}]),
        ),
        (
            {"type": "mcp_call", "id": "m", "name": "roll", "arguments": "{}", "output": "4"},
            ("roll", {}, "4"),
        ),
        ({"type": "mcp_call", "id": "m", "name": "roll", "arguments": "{}"}, ("roll", {}, None)),
    ],
)
def test_items_of_openai_s_responses(item, tool):
    text = {"type": "output_text", "text": "Two.", "annotations": [{"type": "url_citation"}]}
    message = {"type": "message", "role": "assistant", "content": [text]}
    found = answered(json.dumps({"output": [item, message]}))

    assert found.said == [("Rome?", "Two.")]
    (name, arguments, result) = found.tools[0]
    assert (name, arguments) == tool[:2]
    assert (json.loads(result) if isinstance(result, str) else result) in (tool[2], 4)


def test_gemini_s_code_execution():
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "print(2)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "two"}},
        {"text": "It is 2."},
    ]
    found = answered(json.dumps([{"role": "model", "parts": parts}]))

    assert found.said == [("Rome?", "It is 2.")]
    assert found.tools == [("code_execution", {"code": "print(2)"}, "two")]


def test_opentelemetry_s_parts():
    call = {"type": "code_interpreter", "code": "1+1"}
    parts = [
        {"type": "server_tool_call", "id": "s", "name": "code", "server_tool_call": call},
        {
            "type": "server_tool_call_response",
            "id": "s",
            "server_tool_call_response": {"type": "code_interpreter", "output": "two"},
        },
        {"type": "text", "content": "Two."},
    ]
    found = answered(json.dumps([{"role": "assistant", "parts": parts}]))

    assert found.said == [("Rome?", "Two.")]
    assert found.tools == [("code", {"code": "1+1"}, "two")]
