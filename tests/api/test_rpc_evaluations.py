"""The query API over gRPC about judging: definitions, reviews, data sets, runs and rules."""

import grpc
import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server
from google.protobuf import struct_pb2, timestamp_pb2
from test_rpc import same

from otel_threads.core.limits import RULES_MAX
from otel_threads.v1 import evaluations_pb2 as pb
from otel_threads.v1 import threads_pb2_grpc as stubs

SHOP = {"project": "judged"}


@pytest.fixture(scope="module")
def api(server: Server):
    for n in range(4):
        span = a_chat(f"chat-{n}", "where is my order?", f"number {n}")
        server.post(a_request(span), x_otel_threads_project="judged")
    server.wait_derived()
    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        yield stubs.ThreadServiceStub(channel)


def test_score_definitions(server, api):
    labels = [pb.ScoreCategory(label="good", value=1), pb.ScoreCategory(label="bad")]
    made = api.PutScoreDefinition(
        pb.NewScoreDefinition(
            name="tone", kind="categorical", categories=labels, better="higher", **SHOP
        )
    )
    assert [one.label for one in made.categories] == ["good", "bad"]
    assert not made.HasField("min")
    api.PutScoreDefinition(pb.NewScoreDefinition(name="stars", kind="numeric", min=0, **SHOP))
    found = api.ListScoreDefinitions(pb.ListScoreDefinitionsRequest(**SHOP))
    same(found, server.get("/score-definitions", **SHOP))
    assert found.items[0].HasField("min")
    api.DeleteScoreDefinition(pb.ScoreDefinitionRequest(name="tone", **SHOP))
    left = api.ListScoreDefinitions(pb.ListScoreDefinitionsRequest(**SHOP)).items
    assert [one.name for one in left] == ["stars"]


def test_reviews(server, api):
    new = pb.NewReviewQueue(
        name="week", thread_ids=["chat-0", "chat-1"], score_names=["stars"], **SHOP
    )
    made = api.CreateReviewQueue(new)
    queue = pb.ReviewQueueRequest(queue_id=made.queue_id)
    same(api.GetReviewQueue(queue), server.get(f"/review-queues/{made.queue_id}"))
    following = api.NextReview(pb.NextReviewRequest(queue_id=made.queue_id, reviewer="ann"))
    assert following.thread_id == "chat-0"
    assert following.locked_until.seconds > made.created_at.seconds
    done = pb.FinishReviewRequest(queue_id=made.queue_id, thread_id="chat-0", reviewer="ann")
    progress = api.FinishReview(done)
    assert (progress.done_count, progress.total_count) == (1, 2)
    same(api.GetAgreement(queue), server.get(f"/review-queues/{made.queue_id}/agreement"))
    changed = api.UpdateReviewQueue(
        pb.UpdateReviewQueueRequest(queue_id=made.queue_id, filter="turn_count > 0")
    )
    assert (changed.name, list(changed.thread_ids), changed.total_count) == ("week", [], 4)
    same(
        api.ListReviewQueues(pb.ListReviewQueuesRequest(**SHOP)),
        server.get("/review-queues", **SHOP),
    )
    api.DeleteReviewQueue(queue)
    assert _code(lambda: api.GetReviewQueue(queue)) == "NOT_FOUND"


def test_data_sets_keep_json_as_it_is(server, api):
    item = pb.NewDatasetItem(item_id="one", scenario="s", metadata=_struct({"n": 1, "x": 1.5}))
    item.messages.append(
        _struct({"role": "user", "content": "hi", "extra": [1, None, {"a": True}]})
    )
    item.expected.CopyFrom(struct_pb2.Value(string_value="hello"))
    made = api.CreateDataset(pb.NewDataset(name="grpc set", items=[item], author="ann"))
    assert (made.version, made.item_count) == (1, 1)
    again = api.CreateDataset(pb.NewDataset(name="grpc set", filter="turn_count > 0", **SHOP))
    assert (again.version, again.item_count) == (2, 4)
    same(api.ListDatasets(pb.ListDatasetsRequest()), server.get("/evaluation-datasets"))
    versions = api.ListDatasets(pb.ListDatasetsRequest(name="grpc set"))
    assert [one.version for one in versions.items] == [2, 1]
    first = pb.DatasetRequest(name="grpc set", version=1)
    same(api.GetDataset(first), server.get("/evaluation-datasets/grpc set", version=1))
    items = api.ListDatasetItems(pb.ListDatasetItemsRequest(name="grpc set", version=1))
    kept = server.get("/evaluation-datasets/grpc set/items", version=1)
    same(items, kept)
    (one,) = kept["items"]
    assert sorted(map(repr, one["metadata"].items())) == ["('n', 1)", "('x', 1.5)"]
    assert one["messages"][0]["extra"] == [1, None, {"a": True}]
    page = api.ListDatasetItems(pb.ListDatasetItemsRequest(name="grpc set", limit=3))
    assert len(page.items) == 3
    rest = pb.ListDatasetItemsRequest(name="grpc set", limit=3, cursor=page.next_cursor)
    assert len(api.ListDatasetItems(rest).items) == 1
    complete = pb.DeleteDatasetRequest(name="grpc set", version=1)
    assert _code(lambda: api.DeleteDataset(complete)) == "FAILED_PRECONDITION"
    api.DeleteDataset(pb.DeleteDatasetRequest(name="grpc set"))
    assert _code(lambda: api.GetDataset(first)) == "NOT_FOUND"


def test_runs_and_their_comparison(server, api):
    runs = []
    for values in ((1, 0, 1), (1, 1, 0.5)):
        run = api.CreateEvaluation(
            pb.NewEvaluation(
                name="nightly",
                scorers=[pb.Scorer(name="q", version="1")],
                metadata=_struct({"git_sha": "abc"}),
                **SHOP,
            )
        )
        results = [
            pb.NewResult(item_id=f"i{n}", scorer="q", name="q", value=value, cost_usd=0.5)
            for n, value in enumerate(values)
        ]
        put = pb.PutResultsRequest(evaluation_id=run.evaluation_id, results=results)
        assert api.PutResults(put).written == 3
        change = pb.UpdateEvaluationRequest(
            evaluation_id=run.evaluation_id, finished=True, item_count=3
        )
        assert api.UpdateEvaluation(change).HasField("finished_at")
        runs.append(run.evaluation_id)
    one = pb.EvaluationRequest(evaluation_id=runs[0])
    found = api.GetEvaluation(one)
    same(found, server.get(f"/evaluations/{runs[0]}"))
    assert (found.counts.items, found.scores["q"].count, found.cost_usd) == (3, 3, 1.5)
    same(
        api.ListEvaluations(pb.ListEvaluationsRequest(name="nightly", **SHOP)),
        server.get("/evaluations", name="nightly", **SHOP),
    )
    same(
        api.ListResults(pb.ListResultsRequest(evaluation_id=runs[0], failed=False)),
        server.get(f"/evaluations/{runs[0]}/results", failed="false"),
    )
    compared = api.CompareEvaluations(pb.CompareEvaluationsRequest(base=runs[0], candidate=runs[1]))
    same(compared, server.get("/evaluations/compare", base=runs[0], candidate=runs[1]))
    assert len(compared.scores["q"].confidence_interval) == 2
    api.DeleteEvaluation(one)
    assert _code(lambda: api.GetEvaluation(one)) == "NOT_FOUND"


def test_rules(server, api):
    made = api.PutRule(
        pb.NewRule(
            name="asks twice",
            kind="builtin",
            builtin="repeated_question",
            filter="turn_count > 5",
            is_enabled=False,
            sampling_rate=0.0,
            **SHOP,
        )
    )
    assert (made.is_enabled, made.sampling_rate) == (False, 0.0)
    one = pb.RuleRequest(rule_id=made.rule_id)
    same(api.GetRule(one), server.get(f"/rules/{made.rule_id}"))
    changed = api.UpdateRule(
        pb.UpdateRuleRequest(
            rule_id=made.rule_id,
            changes=pb.RuleChange(sampling_rate=0.5),
            null_fields=["filter"],
        )
    )
    assert (changed.sampling_rate, changed.HasField("filter"), changed.version) == (0.5, False, 2)
    same(api.ListRules(pb.ListRulesRequest(**SHOP)), server.get("/rules", **SHOP))
    assert api.ListRules(pb.ListRulesRequest(**SHOP)).items[0].rule_id == made.rule_id
    trial = pb.DryRunRuleRequest(
        rule_id=made.rule_id,
        thread_id="chat-1",
        changes=pb.RuleChange(builtin="unanswered"),
    )
    tried = api.DryRunRule(trial)
    assert [score.name for score in tried.scored[0].scores] == ["unanswered"]
    backfill = pb.BackfillRuleRequest(rule_id=made.rule_id, limit=2)
    backfill.to.GetCurrentTime()
    assert api.BackfillRule(backfill).queued == 2
    decisions = api.ListRuleDecisions(pb.ListRuleDecisionsRequest(rule_id=made.rule_id))
    same(decisions, server.get(f"/rules/{made.rule_id}/decisions"))
    assert {decision.state for decision in decisions.items} == {"waiting"}
    same(
        api.ListRuleLog(pb.ListRuleLogRequest(rule_id=made.rule_id)),
        server.get(f"/rules/{made.rule_id}/log"),
    )
    api.DeleteRule(one)
    assert _code(lambda: api.GetRule(one)) == "NOT_FOUND"


ENDLESS = struct_pb2.Struct(fields={"x": struct_pb2.Value(number_value=float("inf"))})
NEVER = timestamp_pb2.Timestamp(seconds=1 << 60)


@pytest.mark.parametrize(
    ("call", "request_", "code", "told"),
    [
        ("PutRule", pb.NewRule(), "INVALID_ARGUMENT", "name"),
        ("PutRule", pb.NewRule(name="r", kind="magic"), "INVALID_ARGUMENT", "kind"),
        (
            "PutRule",
            pb.NewRule(name="r", kind="builtin", builtin="slow", sampling_rate=2),
            "INVALID_ARGUMENT",
            "sampling_rate",
        ),
        (
            "UpdateRule",
            pb.UpdateRuleRequest(rule_id="x", null_fields=["wings"]),
            "INVALID_ARGUMENT",
            "wings",
        ),
        ("UpdateRule", pb.UpdateRuleRequest(), "NOT_FOUND", "no rule ''"),
        ("GetRule", pb.RuleRequest(), "NOT_FOUND", "no rule ''"),
        ("DryRunRule", pb.DryRunRuleRequest(rule_id="x", limit=11), "INVALID_ARGUMENT", "limit"),
        (
            "BackfillRule",
            pb.BackfillRuleRequest(rule_id="x", to=NEVER),
            "INVALID_ARGUMENT",
            "range",
        ),
        (
            "ListRuleDecisions",
            pb.ListRuleDecisionsRequest(rule_id="x", limit=0),
            "INVALID_ARGUMENT",
            "limit",
        ),
        ("NextReview", pb.NextReviewRequest(queue_id="x"), "INVALID_ARGUMENT", "reviewer"),
        (
            "CreateReviewQueue",
            pb.NewReviewQueue(name="q", score_names=["s"]),
            "INVALID_ARGUMENT",
            "filter or thread_ids",
        ),
        (
            "CreateReviewQueue",
            pb.NewReviewQueue(name="q", score_names=["s"], filter="", reviewers_per_thread=101),
            "INVALID_ARGUMENT",
            "reviewers_per_thread",
        ),
        ("CreateDataset", pb.NewDataset(name="d", limit=0), "INVALID_ARGUMENT", "limit"),
        ("GetDataset", pb.DatasetRequest(name="d", version=0), "INVALID_ARGUMENT", "version"),
        (
            "CreateEvaluation",
            pb.NewEvaluation(name="e", scorers=[pb.Scorer(name="s")], metadata=ENDLESS),
            "INVALID_ARGUMENT",
            "JSON",
        ),
        (
            "PutResults",
            pb.PutResultsRequest(
                evaluation_id="x",
                results=[pb.NewResult(item_id="i", scorer="s", value=float("nan"))],
            ),
            "INVALID_ARGUMENT",
            "results.0.value",
        ),
        ("CompareEvaluations", pb.CompareEvaluationsRequest(), "NOT_FOUND", "no evaluation ''"),
        (
            "PutScoreDefinition",
            pb.NewScoreDefinition(name="s", kind="categorical"),
            "INVALID_ARGUMENT",
            "categories",
        ),
    ],
)
def test_what_cannot_be_is_told(api, call, request_, code, told):
    with pytest.raises(grpc.RpcError) as caught:
        getattr(api, call)(request_)
    assert caught.value.code().name == code
    assert told in caught.value.details()


def test_a_limit_of_what_is_kept_is_a_failed_precondition(server, api):
    rule = {"kind": "builtin", "builtin": "slow", "is_enabled": False, "project": "many"}
    for n in range(RULES_MAX):
        body = rule | {"name": f"r{n}"}
        assert httpx.post(f"{server.api}/rules", json=body, timeout=60).status_code == 200
    over = pb.NewRule(**rule, name="one more")
    assert _code(lambda: api.PutRule(over)) == "FAILED_PRECONDITION"
    for one in api.ListRules(pb.ListRulesRequest(project="many")).items:
        api.DeleteRule(pb.RuleRequest(rule_id=one.rule_id))


def _struct(value: dict) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(value)
    return made


def _code(call) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name
