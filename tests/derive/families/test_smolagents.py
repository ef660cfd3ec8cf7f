"""smolagents, through OpenInference: the template around a task, the tool that ends a run."""

from builders import a_span
from deriving import derive

SCOPE = "openinference.instrumentation.smolagents"


def an_llm(prompt: str, **attributes):
    return a_span(
        attributes={
            "openinference.span.kind": "LLM",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": prompt,
        }
        | attributes
    )


def test_the_persons_words_are_without_the_template():
    assert derive(an_llm("New task:\nRome?"), scope=SCOPE).turn["user"] == "Rome?"
    assert derive(an_llm("New task:\nRome?"), scope="else").turn["user"] == "New task:\nRome?"
    assert derive(an_llm("Rome?"), scope=SCOPE).turn["user"] == "Rome?"


def test_the_final_answer_is_the_answer_and_no_tool_call():
    call = "llm.output_messages.0.message.tool_calls.0.tool_call"
    span = an_llm(
        "Rome?",
        **{
            "llm.output_messages.0.message.role": "assistant",
            f"{call}.id": "1",
            f"{call}.function.name": "final_answer",
            f"{call}.function.arguments": '{"answer": "Sunny."}',
        },
    )
    found = derive(span, scope=SCOPE)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == []
