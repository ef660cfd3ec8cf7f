"""MLflow tracing over OTLP: JSON-quoted attributes, whole requests and responses."""

import json

from builders import a_span, new_trace_id
from deriving import derive

REQUEST = {"messages": [{"role": "user", "content": "Rome?"}]}
RESPONSE = {"choices": [{"message": {"role": "assistant", "content": "Sunny."}}]}


def a_model(**attributes):
    return a_span(
        attributes={
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps(REQUEST),
            "mlflow.spanOutputs": json.dumps(RESPONSE),
        }
        | attributes
    )


def test_quoted_attributes_are_read_as_what_they_quote():
    found = derive(
        a_model(
            **{
                "mlflow.trace.session": '"chat-1"',
                "mlflow.llm.model": '"gpt-4o-mini"',
                "mlflow.trace.user": '"u1"',
                "mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 2, "cache_read_input_tokens": 3}',
            }
        )
    )

    assert found.thread == ("chat-1", "mlflow.trace.session")
    assert found.said == [("Rome?", "Sunny.")]
    assert found.call["response_model"] == "gpt-4o-mini"
    assert found.trace["users"] == ["u1"]
    assert found.tokens == {
        "input_tokens": 9,
        "output_tokens": 2,
        "total_tokens": 11,
        "cache_read_tokens": 3,
    }


def test_a_chains_words_and_its_tool():
    trace = new_trace_id()
    chain = a_span(
        trace_id=trace,
        attributes={
            "mlflow.spanType": '"CHAIN"',
            "mlflow.spanInputs": '{"question": "Rome?"}',
            "mlflow.spanOutputs": '"Sunny."',
        },
    )
    tool = a_span(
        name="weather",
        trace_id=trace,
        parent_span_id=chain.span_id,
        attributes={
            "mlflow.spanType": '"TOOL"',
            "mlflow.spanInputs": '{"city": "Rome"}',
            "mlflow.spanOutputs": '"sunny"',
        },
    )
    found = derive(chain, tool)

    assert found.said == [("Rome?", "Sunny.")]
    assert found.tools == [("weather", {"city": "Rome"}, "sunny")]
