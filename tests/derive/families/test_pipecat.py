"""Pipecat: a trace a call, turns as subtrees, bare names."""

import json

from builders import a_span, new_trace_id
from deriving import derive


def a_call(*turns):
    trace = new_trace_id()
    call = a_span(name="conversation", trace_id=trace, attributes={"conversation.id": "call-1"})
    spans, history = [call], []
    for n, (user, answer) in enumerate(turns):
        start = call.start_time_unix_nano + n * 10**9
        turn = a_span(name="turn", trace_id=trace, parent_span_id=call.span_id, start=start)
        heard = a_span(
            name="stt",
            trace_id=trace,
            parent_span_id=turn.span_id,
            start=start + 1,
            attributes={"gen_ai.request.model": "nova-3", "transcript": user},
        )
        history.append({"role": "user", "content": user})
        model = a_span(
            name="llm",
            trace_id=trace,
            parent_span_id=turn.span_id,
            start=start + 2,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o-mini",
                "input": json.dumps(history),
                "output": answer,
                "gen_ai.usage.input_tokens": 9,
                "gen_ai.usage.output_tokens": 2,
                "metrics.ttfb": 0.5,
            },
        )
        history.append({"role": "assistant", "content": answer})
        spans += [turn, heard, model]
    return derive(*spans, scope="pipecat")


def test_turns_of_one_call():
    found = a_call(("Rome?", "Sunny."), ("Oslo?", "Snow."))

    assert found.thread == ("call-1", "conversation.id")
    assert found.said == [("Rome?", "Sunny."), ("Oslo?", "Snow.")]
    assert found.trace["call_count"] == 2  # speech to text has a model and is no request


def test_the_first_token():
    (turn,) = a_call(("Rome?", "Sunny.")).turns

    assert turn["time_to_first_token_ms"] == 500


def test_another_librarys_span_of_that_name_is_none():
    span = a_span(name="llm", attributes={"input": "Rome?", "output": "Sunny."})

    assert derive(span, scope="my-app").trace["call_count"] == 0
