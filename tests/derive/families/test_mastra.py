"""Mastra: a step of a model with its texts around the request that counts tokens."""

import json

from builders import a_span, new_trace_id
from deriving import derive


def test_a_run_its_step_and_its_request_are_one_turn():
    trace = new_trace_id()
    run = a_span(
        trace_id=trace,
        attributes={
            "mastra.span.type": "agent_run",
            "mastra.agent_run.input": '[{"role": "user", "content": "Rome?"}]',
            "mastra.agent_run.output": '{"text": "Sunny."}',
            "gen_ai.conversation.id": "chat-1",
            "mastra.metadata.userId": "u1",
        },
    )
    step = a_span(
        trace_id=trace,
        parent_span_id=run.span_id,
        attributes={
            "mastra.span.type": "model_step",
            "gen_ai.provider.name": "openai.chat",
            "mastra.model_step.input": json.dumps(
                [
                    {"role": "user", "content": "Rome?"},
                    {"role": "assistant", "content": "[tool: weather]"},
                    {"role": "tool", "content": "[tool-result: weather]"},
                ]
            ),
            "mastra.model_step.output": '{"text": "Sunny."}',
        },
    )
    found = derive(run, step)

    assert found.thread == ("chat-1", "gen_ai.conversation.id")
    assert found.said == [("Rome?", "Sunny.")]
    assert (found.trace["users"], found.call["provider"]) == (["u1"], "openai")
    assert [m["text"] for m in found.turn["messages"]] == ["Rome?", "Sunny."]


def test_a_step_asks_for_tools():
    step = a_span(
        attributes={
            "mastra.span.type": "model_step",
            "mastra.model_step.input": '[{"role": "user", "content": "Rome?"}]',
            "mastra.model_step.output": json.dumps(
                {
                    "text": "",
                    "toolCalls": [
                        {"toolCallId": "1", "toolName": "weather", "args": {"city": "Rome"}}
                    ],
                }
            ),
        }
    )

    found = derive(step)

    assert found.said == [("Rome?", None)]
    assert found.tools == [("weather", {"city": "Rome"}, None)]


def test_the_runs_words_win_over_those_of_its_step():
    trace = new_trace_id()
    run = a_span(
        trace_id=trace,
        attributes={
            "mastra.span.type": "workflow_run",
            "mastra.workflow_run.input": '{"question": "Rome?"}',
            "mastra.workflow_run.output": '{"answer": "Sunny, 20 degrees."}',
        },
    )
    step = a_span(
        trace_id=trace,
        parent_span_id=run.span_id,
        attributes={
            "mastra.span.type": "model_step",
            "mastra.model_step.input": '[{"role": "user", "content": "Answer briefly: Rome?"}]',
            "mastra.model_step.output": '{"text": "Sunny."}',
        },
    )

    assert derive(run, step).said == [("Rome?", "Sunny, 20 degrees.")]
