"""The query API over gRPC: the same calls and fields as REST, codes, streams, deadlines."""

import dataclasses
import datetime
import time
import types
import typing
from typing import Any, Literal, get_args, get_origin

import grpc
import httpx
import pytest
from builders import a_chat, a_request, a_span
from conftest import Server, wait_until
from google.protobuf import json_format
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from pydantic import BaseModel

from otel_threads.api import bodies, evaluation_bodies, evaluation_schemas, rule_bodies, schemas
from otel_threads.core import (
    asked,
    changes,
    evaluation,
    issue,
    message,
    review,
    rule,
    score,
    span,
    span_line,
    stats,
    trace,
    transcript,
    turn,
)
from otel_threads.core.fields import fields_of
from otel_threads.core.thread import Thread
from otel_threads.core.trace import Trace
from otel_threads.v1 import evaluations_pb2
from otel_threads.v1 import threads_pb2 as pb
from otel_threads.v1 import threads_pb2_grpc as stubs


@pytest.fixture(scope="module")
def api(server: Server):
    for n in range(12):
        for number in range(1 + n % 2):
            span = a_chat(f"chat-{n:02}", f"question {number}", f"answer {number}")
            server.post(a_request(span), x_otel_threads_project="rpc")
    server.wait_derived()
    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        yield stubs.ThreadServiceStub(channel)


def plain(answer) -> dict:
    return json_format.MessageToDict(answer, preserving_proto_field_name=True)


def same(message, answer: Any) -> None:
    """Hold a message to what REST answers, field by field."""
    assert _known(plain(message)) == _known(answer)


def _known(value: Any) -> Any:
    """Leave out what is unset: null, empty lists and zeros have no place on the wire."""
    if isinstance(value, dict):
        found = {key: _known(item) for key, item in value.items()}
        return {
            key: item for key, item in found.items() if item not in (None, [], {}, "", 0, False)
        }
    if isinstance(value, list):
        return [_known(item) for item in value]
    if isinstance(value, str) and value.isdecimal():
        return int(value)  # JSON of protobuf writes int64 as text
    if isinstance(value, str) and value.endswith("Z") and value[4:5] == "-":
        return datetime.datetime.fromisoformat(value)
    return value


def test_every_call_answers_as_rest_does(server, api):
    project = {"project": "rpc"}
    thread = project | {"thread_id": "chat-03"}
    put = pb.NewScores(scores=[pb.NewScore(**thread, name="q", value=0.25, author="ann")])
    assert api.PutScores(put).written == 1
    made = api.AddComment(pb.NewComment(**thread, text="hello"))
    assert api.UpdateComment(pb.UpdateCommentRequest(id=made.id, text="better")).text == "better"
    tags = api.UpdateThreadTags(pb.TagChange(project="rpc", thread_ids=["chat-03"], add=["x"]))
    assert tags.updated == 1
    closed = api.CloseThreads(pb.ThreadIds(project="rpc", thread_ids=["chat-03", "nobody"]))
    assert (closed.updated, list(closed.not_found)) == (1, ["nobody"])
    same(api.GetThread(pb.ThreadRequest(**thread)), server.get("/threads/get", **thread))
    same(api.ListTurns(pb.ListTurnsRequest(**thread)), server.get("/threads/turns", **thread))
    same(api.GetTranscript(pb.ThreadRequest(**thread)), server.get("/threads/transcript", **thread))
    same(api.ListScores(pb.ListScoresRequest(**thread)), server.get("/scores", **thread))
    same(api.ListComments(pb.ListCommentsRequest(**thread)), server.get("/comments", **thread))
    chosen = project | {"filter": "turn_count > 1 and scores.q is_null", "limit": 3}
    found = api.ListThreads(pb.ListThreadsRequest(**chosen, with_total=True))
    answer = server.get("/threads", **chosen, with_total="true")
    assert found.total == answer["total"] == 5
    assert [t.thread_id for t in found.items] == [t["thread_id"] for t in answer["items"]]
    same(found.items[0], answer["items"][0])
    more = api.ListThreads(pb.ListThreadsRequest(**chosen, cursor=found.next_cursor))
    assert len(more.items) == 2
    same(
        api.GetThreadStats(pb.ThreadStatsRequest(**project, interval="day")),
        server.get("/threads/stats", **project, interval="day"),
    )
    traces = api.ListTraces(pb.ListTracesRequest(**thread))
    same(traces, server.get("/traces", **thread))
    trace_id = traces.items[0].trace_id
    same(api.GetTrace(pb.TraceRequest(trace_id=trace_id)), server.get(f"/traces/{trace_id}"))
    api.ReopenThreads(pb.ThreadIds(project="rpc", thread_ids=["chat-03"]))
    assert api.GetThread(pb.ThreadRequest(**thread)).status == "active"
    target = pb.ScoreTarget(**thread, name="q")
    assert api.DeleteScores(pb.ScoreTargets(scores=[target])).deleted == 1
    api.DeleteComment(pb.CommentRequest(id=made.id))
    assert not api.ListComments(pb.ListCommentsRequest(**thread)).items
    gone = api.DeleteThreads(pb.ThreadIds(project="rpc", thread_ids=["chat-11"]))
    assert gone.updated == 1
    blocks = api.ExportThreads(pb.ExportThreadsRequest(**project, format="csv"))
    exported = b"".join(block.data for block in blocks)
    rest = httpx.get(f"{server.api}/export/threads", params={**project, "format": "csv"})
    assert exported.splitlines()[1].split(b",")[:2] == rest.content.splitlines()[1].split(b",")[:2]


def test_spans_and_issues_are_listed_as_rest_does(server, api):
    status = {"code": 2, "message": "no disk"}
    now = time.time_ns() - 60 * 10**9
    failed = [a_chat(f"f-{n}", "Do it.", None, start=now + n, status=status) for n in range(3)]
    server.post(a_request(*failed), x_otel_threads_project="rpc issues")
    server.wait_derived()
    chosen = {"project": "rpc issues", "filter": 'status_code = "error"', "limit": 2}
    spans = api.ListSpans(pb.ListSpansRequest(**chosen, with_total=True))
    same(spans, server.get("/spans", **chosen, with_total="true"))
    assert (len(spans.items), spans.total) == (2, 3)
    more = api.ListSpans(pb.ListSpansRequest(**chosen, cursor=spans.next_cursor))
    assert len(more.items) == 1
    issues = api.ListIssues(pb.ListIssuesRequest(project="rpc issues", state="open"))
    same(issues, server.get("/issues", project="rpc issues", state="open"))
    (one,) = issues.items
    assert (one.thread_count, len(one.trend)) == (3, 14)
    ids = pb.IssueIds(project="rpc issues", issue_ids=[one.issue_id])
    assert api.CloseIssues(ids).updated == 1
    closed = api.ListIssues(pb.ListIssuesRequest(project="rpc issues", threads_min=3))
    assert closed.items[0].state == "closed"
    assert api.ReopenIssues(ids).updated == 1
    assert not api.ListIssues(
        pb.ListIssuesRequest(project="rpc issues", state="closed", threads_min=1)
    ).items


@pytest.mark.parametrize(
    ("verb", "request_", "code", "says"),
    [
        ("GetThread", pb.ThreadRequest(thread_id="nobody"), "NOT_FOUND", "no thread 'nobody'"),
        ("ListThreads", pb.ListThreadsRequest(filter="x = 1"), "INVALID_ARGUMENT", "position 0"),
        ("ListThreads", pb.ListThreadsRequest(limit=1001), "INVALID_ARGUMENT", "1001"),
        ("ListThreads", pb.ListThreadsRequest(sort="nope"), "INVALID_ARGUMENT", "cannot sort"),
        ("PutScores", pb.NewScores(), "INVALID_ARGUMENT", "scores"),
        (
            "PutScores",
            pb.NewScores(scores=[pb.NewScore(thread_id="t", name="q", value=float("nan"))]),
            "INVALID_ARGUMENT",
            "scores.0.value",
        ),
        ("DeleteComment", pb.CommentRequest(id="none"), "NOT_FOUND", "none"),
        ("CloseThreads", pb.ThreadIds(), "INVALID_ARGUMENT", "thread_ids"),
        ("GetTrace", pb.TraceRequest(trace_id="zz"), "NOT_FOUND", "zz"),
        ("ListSpans", pb.ListSpansRequest(filter="x = 1"), "INVALID_ARGUMENT", "position 0"),
        ("ListIssues", pb.ListIssuesRequest(limit=1001), "INVALID_ARGUMENT", "1001"),
        ("ListIssues", pb.ListIssuesRequest(state="shut"), "INVALID_ARGUMENT", "shut"),
        ("CloseIssues", pb.IssueIds(), "INVALID_ARGUMENT", "issue_ids"),
        ("Ask", pb.Question(), "INVALID_ARGUMENT", "question"),
        ("Ask", pb.Question(question="why?"), "UNIMPLEMENTED", "judge_base_url"),
    ],
)
def test_errors_are_canonical_codes_with_details(api, verb, request_, code, says):
    with pytest.raises(grpc.RpcError) as caught:
        getattr(api, verb)(request_)
    assert caught.value.code().name == code
    assert says in caught.value.details()
    trailing = dict(caught.value.trailing_metadata())
    status = Status.FromString(trailing["grpc-status-details-bin"])
    assert status.message == caught.value.details()
    if code == "INVALID_ARGUMENT":
        detail = error_details_pb2.BadRequest()
        assert status.details[0].Unpack(detail)
        assert says in detail.field_violations[0].description


def test_a_deadline_that_has_passed_ends_the_call(api):
    with pytest.raises(grpc.RpcError) as caught:
        api.GetThreadStats(pb.ThreadStatsRequest(project="*"), timeout=0.0005)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_watch_streams_changes_until_it_is_cancelled(server, api):
    stream = api.WatchThreads(pb.WatchThreadsRequest(project="watched"))
    stream.initial_metadata()
    server.post(a_request(a_chat("w", "hello", "hi")), x_otel_threads_project="elsewhere")
    server.post(a_request(a_chat("w", "hello", "hi")), x_otel_threads_project="watched")
    event = next(iter(stream))
    assert (event.project, event.thread_id, event.thread.turn_count) == ("watched", "w", 1)
    server.wait_derived()
    api.DeleteThreads(pb.ThreadIds(project="watched", thread_ids=["w"]))
    gone = next(iter(stream))
    assert gone.thread_id == "w"
    assert not gone.HasField("thread")
    stream.cancel()


def test_reflection_and_health_know_the_service(server, api):
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        check = health_pb2.HealthCheckRequest(service="otel_threads.v1.ThreadService")
        assert health.Check(check).status == health_pb2.HealthCheckResponse.SERVING
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        answer = next(
            reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
        )
        names = {service.name for service in answer.list_services_response.service}
        assert "otel_threads.v1.ThreadService" in names


MODULES = (
    *(changes, message, score, span, stats, trace, transcript, turn, schemas, bodies),
    *(asked, issue, span_line),
    *(evaluation, review, rule, evaluation_schemas, evaluation_bodies, rule_bodies),
)
SHAPES = {
    name: shape for module in MODULES for name, shape in vars(module).items() if name != "Field"
}
DESCRIPTORS = {
    **pb.DESCRIPTOR.message_types_by_name,
    **evaluations_pb2.DESCRIPTOR.message_types_by_name,
}
MESSAGES = [name for name in DESCRIPTORS if name in SHAPES]
# Requests of a call whose path names something: its body, and what the path names.
REQUESTS = {
    "UpdateReviewQueueRequest": (evaluation_bodies.ReviewQueueChange, "queue_id"),
    "FinishReviewRequest": (evaluation_bodies.Reviewed, "queue_id"),
    "UpdateEvaluationRequest": (evaluation_bodies.EvaluationChange, "evaluation_id"),
    "PutResultsRequest": (evaluation_bodies.NewResults, "evaluation_id"),
    "DryRunRuleRequest": (rule_bodies.RuleTrial, "rule_id"),
    "BackfillRuleRequest": (rule_bodies.Backfill, "rule_id"),
}
ALSO = {"RuleOutputBody": "RuleOutput", "TemplateMessage": "PromptMessage"}  # of a body


@pytest.mark.parametrize("name", MESSAGES)
def test_both_shapes_have_the_same_fields(name):
    assert _theirs(name) == _ours(SHAPES[name])


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_fields_of_the_body_and_of_the_path(name):
    shape, of_path = REQUESTS[name]
    theirs = _theirs(name)
    theirs.pop("null_fields", None)
    assert theirs == _ours(shape) | {of_path: "str"}


def _theirs(name: str) -> dict[str, str]:
    return {field.name: _field_kind(field) for field in DESCRIPTORS[name].fields}


def _ours(shape: type) -> dict[str, str]:
    found = {}
    for field, hint in _hints(shape).items():
        kind = _kind(hint)
        for theirs, ours in ALSO.items():
            kind = kind.replace(theirs, ours)
        found[field] = kind
    return found


@pytest.mark.parametrize("item", [Thread, Trace, span_line.SpanLine])
def test_the_fields_have_the_numbers_of_the_proto(item):
    numbers = {field.name: field.number for field in getattr(pb, item.__name__).DESCRIPTOR.fields}
    assert {name: named.field.proto for name, named in fields_of(item).items()} == numbers


def _hints(shape: type) -> dict[str, Any]:
    if dataclasses.is_dataclass(shape):
        hints = typing.get_type_hints(shape)
        return {field.name: hints[field.name] for field in dataclasses.fields(shape)}
    return {info.alias or field: info.annotation for field, info in shape.model_fields.items()}


def test_no_answer_of_rest_lacks_a_message():
    used = {
        method.output_type.name
        for method in pb.DESCRIPTOR.services_by_name["ThreadService"].methods
    }
    assert used - set(MESSAGES) == {"Empty", "ExportBlock", "ThreadEvent"}


def _kind(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _kind(get_args(annotation)[0])
    if origin in (types.UnionType, typing.Union):
        return _kind(next(a for a in get_args(annotation) if a is not type(None)))
    if origin is Literal:
        return "str"
    if origin is list:
        return f"list of {_kind(get_args(annotation)[0])}"
    if origin is dict:
        value = get_args(annotation)[1]
        return "object" if value is Any else f"map of {_kind(value)}"
    if annotation is Any:
        return "any"
    if dataclasses.is_dataclass(annotation) or issubclass(annotation, BaseModel):
        return annotation.__name__
    return {
        str: "str",
        int: "int",
        float: "float",
        bool: "bool",
        datetime.datetime: "time",
        datetime.date: "str",  # as JSON has it
    }[annotation]


def _field_kind(field) -> str:
    names = {
        field.TYPE_STRING: "str",
        field.TYPE_INT64: "int",
        field.TYPE_INT32: "int",
        field.TYPE_DOUBLE: "float",
        field.TYPE_BOOL: "bool",
    }
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return f"map of {_field_kind(message.fields_by_name['value'])}"
    known = {
        "google.protobuf.Timestamp": "time",
        "google.protobuf.Struct": "object",
        "google.protobuf.Value": "any",
    }
    kind = names[field.type] if message is None else known.get(message.full_name, message.name)
    return f"list of {kind}" if field.is_repeated else kind


def test_a_call_that_is_hung_up_stops_its_query(make_server):
    """The database works for nobody no longer; the server stays ready."""
    server = make_server()
    server.post(a_request(*(a_span() for _ in range(2000))))
    server.wait_derived()
    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        api = stubs.ThreadServiceStub(channel)
        calls = [api.ListTraces.future(pb.ListTracesRequest(limit=1000)) for _ in range(8)]
        for call in calls:
            call.cancel()
        wait_until(lambda: all(call.done() for call in calls), "the calls end")
        assert api.ListTraces(pb.ListTracesRequest(limit=1)).items
