"""The query API over gRPC about judging: definitions, reviews, data sets, runs and rules."""

import functools
from typing import Any

from google.protobuf import empty_pb2
from google.protobuf.message import Message

from otel_threads.api import evaluation_bodies as bodies
from otel_threads.api import rule_bodies
from otel_threads.api.rpc_calls import Calls, reads, writes
from otel_threads.api.rpc_requests import body, fields, plain
from otel_threads.core.changes import Written
from otel_threads.core.evaluation import Dataset, NewResult
from otel_threads.core.page import Page
from otel_threads.core.review import ReviewQueue
from otel_threads.services.evaluations import EvaluationService
from otel_threads.services.reviews import ReviewService
from otel_threads.services.rules import RuleService
from otel_threads.services.services import Services
from otel_threads.v1 import evaluations_pb2 as pb
from otel_threads.v1 import threads_pb2

Empty = empty_pb2.Empty


def calls(services: Services) -> Calls:
    """Return the calls about judging, by the names of the proto."""
    return {
        **_definitions(services.reviews),
        **_reviews(services.reviews),
        **_datasets(services.evaluations),
        **_runs(services.evaluations),
        **_rules(services.rules),
    }


def _definitions(reviews: ReviewService) -> Calls:
    new = body(bodies.NewScoreDefinition)
    return {
        "ListScoreDefinitions": reads(pb.ScoreDefinitions, reviews.definitions, fields),
        "PutScoreDefinition": writes(pb.ScoreDefinition, reviews.put_definition, new),
        "DeleteScoreDefinition": writes(Empty, reviews.delete_definition, fields),
    }


def _reviews(reviews: ReviewService) -> Calls:
    change = functools.partial(_changed_queue, reviews)
    done = body(bodies.Reviewed, "queue_id")
    return {
        "ListReviewQueues": reads(pb.ReviewQueues, reviews.queues, fields),
        "CreateReviewQueue": writes(pb.ReviewQueue, reviews.put_queue, body(bodies.NewReviewQueue)),
        "GetReviewQueue": reads(pb.ReviewQueue, reviews.queue, fields),
        "UpdateReviewQueue": writes(pb.ReviewQueue, change, lambda request: {"request": request}),
        "DeleteReviewQueue": writes(Empty, reviews.delete_queue, fields),
        "NextReview": writes(pb.NextReview, reviews.next, fields),  # it locks the thread
        "FinishReview": writes(pb.ReviewProgress, reviews.done, done),
        "GetAgreement": reads(pb.Agreement, reviews.agreement, fields),
    }


def _changed_queue(reviews: ReviewService, *, request: Message) -> ReviewQueue:
    given = plain(request)
    queue_id = given.pop("queue_id", "")
    change = bodies.ReviewQueueChange.model_validate(given)
    return reviews.put_queue(change.of(reviews.queue(queue_id)), queue_id=queue_id)


def _datasets(evaluations: EvaluationService) -> Calls:
    def listed(name: str | None = None) -> Page[Dataset]:
        return evaluations.datasets() if name is None else evaluations.versions(name)

    return {
        "ListDatasets": reads(pb.Datasets, listed, fields),
        "CreateDataset": writes(pb.Dataset, evaluations.create_dataset, body(bodies.NewDataset)),
        "GetDataset": reads(pb.Dataset, evaluations.dataset, fields),
        "DeleteDataset": writes(Empty, evaluations.delete_dataset, fields),
        "ListDatasetItems": reads(pb.DatasetItems, evaluations.items, fields),
    }


def _runs(evaluations: EvaluationService) -> Calls:
    def put_results(evaluation_id: str, results: list[NewResult]) -> Written:
        return Written(written=evaluations.put_results(evaluation_id, results), unknown=[])

    change = body(bodies.EvaluationChange, "evaluation_id")
    results = body(bodies.NewResults, "evaluation_id")
    return {
        "ListEvaluations": reads(pb.EvaluationRuns, evaluations.evaluations, fields),
        "CreateEvaluation": writes(pb.Evaluation, evaluations.begin, body(bodies.NewEvaluation)),
        "GetEvaluation": reads(pb.Evaluation, evaluations.evaluation, fields),
        "UpdateEvaluation": writes(pb.Evaluation, evaluations.change, change),
        "DeleteEvaluation": writes(Empty, evaluations.delete, fields),
        "ListResults": reads(pb.EvaluationResults, evaluations.results, fields),
        "PutResults": writes(threads_pb2.Written, put_results, results),
        "CompareEvaluations": reads(pb.Comparison, evaluations.compare, fields),
    }


def _rules(rules: RuleService) -> Calls:
    return {
        "ListRules": reads(pb.Rules, rules.rules, fields),
        "PutRule": writes(pb.Rule, rules.put, body(rule_bodies.NewRule)),
        "GetRule": reads(pb.Rule, rules.rule, fields),
        "UpdateRule": writes(pb.Rule, rules.update, _rule_change),
        "DeleteRule": writes(Empty, rules.delete, fields),
        "ListRuleDecisions": reads(pb.Decisions, rules.decisions, fields),
        "ListRuleLog": reads(pb.RuleLog, rules.log, fields),
        "DryRunRule": writes(pb.DryRun, rules.dry_run, _trial),
        "BackfillRule": writes(pb.Queued, rules.backfill, body(rule_bodies.Backfill, "rule_id")),
    }


def _rule_change(request: Message) -> dict[str, Any]:
    given = _with_nulls(plain(request))
    change = rule_bodies.RuleChange.model_validate(given.get("changes", {}))
    return {"rule_id": given.get("rule_id", ""), "changes": change.fields()}


def _trial(request: Message) -> dict[str, Any]:
    given = _with_nulls(plain(request))
    rule_id = given.pop("rule_id", "")
    return {"rule_id": rule_id, **rule_bodies.RuleTrial.model_validate(given).given()}


def _with_nulls(given: dict[str, Any]) -> dict[str, Any]:
    """Return a request whose changes have null where `null_fields` names a field."""
    nulls = dict.fromkeys(given.pop("null_fields", ()))
    if nulls:
        given["changes"] = given.get("changes", {}) | nulls
    return given
