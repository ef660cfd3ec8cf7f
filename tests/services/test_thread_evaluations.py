"""Evaluation events that name a conversation and no span are scores of its thread."""

import time

from builders import a_chat, a_request, any_value
from deriving import a_log_request
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

RESULT = "gen_ai.evaluation.result"


def a_result(thread, name, at, **attributes):
    record = LogRecord(event_name=RESULT, time_unix_nano=at)
    told = {"gen_ai.conversation.id": thread, "gen_ai.evaluation.name": name, **attributes}
    for key, value in told.items():
        record.attributes.add(key=key, value=any_value(value))
    return record


def test_each_judge_s_latest_word_is_a_score_of_the_thread(server):
    now = time.time_ns()
    server.post(a_request(a_chat("judged", "Rome?", "Sunny.", start=now)))
    judge, value = "gen_ai.evaluation.evaluator.name", "gen_ai.evaluation.score.value"
    records = [
        a_result("judged", "helpful", now, **{value: 0.2, judge: "ada"}),
        a_result("judged", "helpful", now + 1, **{value: 0.5, judge: "ada"}),
        a_result(
            "judged",
            "helpful",
            now + 2,
            **{value: 1.0, judge: "bob", "gen_ai.evaluation.explanation": "short and right"},
        ),
        a_result("judged", "tone", now + 3, **{"gen_ai.evaluation.score.label": "kind"}),
    ]
    assert server.post(a_log_request(*records), "logs").status_code == 200
    server.wait_derived()

    thread = server.get("/threads/get", thread_id="judged")
    scores = {score["name"]: score for score in thread["scores"]}
    assert scores["helpful"]["value"] == 0.75
    assert scores["helpful"]["value_by_author"] == {"ada": 0.5, "bob": 1.0}
    assert scores["tone"]["category"] == "kind"
    assert (thread["turn_count"], thread["call_count"]) == (1, 1)
    (listed,) = server.get("/scores", thread_id="judged", author="bob")["items"]
    assert (listed["reason"], listed["source"]) == ("short and right", "otel")
    assert (listed["trace_id"], listed["span_id"]) == (None, None)
