"""LlamaIndex's own OpenTelemetry: literals in what Python printed."""

import json

from builders import a_span, any_value, new_trace_id
from deriving import derive

SCOPE = "llamaindex.opentelemetry.tracer"
RUN = {"llamaindex.run_id": "r1"}
ANSWER = "AgentOutput(response=ChatMessage(role=<MessageRole.ASSISTANT: 'assistant'>, blocks=[TextBlock(text={})]"


def an_event(span, name, attributes):
    event = span.events.add(name=name, time_unix_nano=span.start_time_unix_nano)
    for key, value in attributes.items():
        event.attributes.add(key=key, value=any_value(value))


def a_step(question, printed):
    trace = new_trace_id()
    step = a_span(name="BaseWorkflowAgent.run_agent_step", trace_id=trace, attributes=RUN)
    an_event(step, "step.output", {"output": ANSWER.format(printed)})
    model = a_span(
        name="OpenAI.astream_chat", trace_id=trace, parent_span_id=step.span_id, attributes=RUN
    )
    blocks = [{"block_type": "text", "text": question}]
    history = json.dumps([{"role": "user", "additional_kwargs": {}, "blocks": blocks}])
    start = {"messages": history, "model_dict.model_name": "gpt-4o-mini"}
    an_event(model, "LLMChatStartEvent", start)
    return step, model


def test_a_step_and_the_model_in_it_are_one_request():
    found = derive(*a_step("Rome?", repr("Sunny, it's 20°.")), scope=SCOPE)

    assert found.said == [("Rome?", "Sunny, it's 20°.")]
    assert found.call["request_model"] == "gpt-4o-mini"


def test_what_is_no_literal_is_not_evaluated():
    assert derive(*a_step("Rome?", "__import__('os')"), scope=SCOPE).said == [("Rome?", None)]


def test_a_tool():
    step, model = a_step("Rome?", repr("Sunny."))
    tool = a_span(
        name="BaseWorkflowAgent.call_tool",
        trace_id=step.trace_id,
        parent_span_id=step.span_id,
        attributes={
            "llamaindex.step.input_summary": "ToolCall(tool_name='get_weather', tool_kwargs={'city': 'Rome'}, tool_id='c1')"
        },
    )
    an_event(
        tool,
        "step.output",
        {
            "output": "ToolCallResult(tool_name='get_weather', tool_output=ToolOutput("
            "blocks=[TextBlock(block_type='text', text='20°')])"
        },
    )

    assert derive(step, model, tool, scope=SCOPE).tools == [
        ("get_weather", {"city": "Rome"}, "20°")
    ]
