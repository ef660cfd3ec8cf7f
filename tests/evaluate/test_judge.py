"""The judge against a scripted model: retries of its answer, failures, options that it refuses."""

import json

import pytest
from scripted_model import Fault, ScriptedModel, conversation, instructions, scores

from otel_threads.core.rule import PromptMessage, RuleOutput
from otel_threads.evaluate.conversation import conversation_of_messages
from otel_threads.evaluate.judge import judge_conversation
from otel_threads.evaluate.model_client import ModelClient, ModelError
from otel_threads.scorers import judge
from otel_threads.services.rule_jobs import check_templates

OUTPUTS = [RuleOutput(name="quality", min=0, max=1)]
CONTEXT = json.dumps([{"role": "user", "content": "hello"}])


@pytest.fixture
def model():
    model = ScriptedModel()
    yield model
    model.close()


def asked(model, *, context=CONTEXT, timeout_s=10.0, **options):
    client = ModelClient(base_url=model.base_url, model="m", timeout_s=timeout_s)
    try:
        return judge_conversation(client, context, OUTPUTS, **{"prompt": "Good?", **options})
    finally:
        client.close()


def test_scores_come_with_what_they_used(model):
    found = asked(model)

    assert [(one.name, one.value, one.reason) for one in found.scores] == [
        ("quality", 0.5, "scripted")
    ]
    assert (found.error, found.input_tokens, found.output_tokens) == (None, 1000, 100)
    assert conversation(model.requests[0]) == [{"role": "user", "content": "hello"}]
    assert "Good?" in model.requests[0]["messages"][0]["content"]


def test_an_answer_that_does_not_fit_is_asked_for_once_more(model):
    model.script = lambda request, number: "no" if number == 0 else scores(request, 1)

    found = asked(model)

    assert found.scores[0].value == 1
    assert (found.input_tokens, found.output_tokens) == (2000, 200)
    assert "there is no JSON object" in model.requests[1]["messages"][-1]["content"]


def test_two_answers_that_do_not_fit_fail_with_their_text(model):
    model.script = lambda *_: '{"quality": {"score": 7}}' + "x" * 100_000

    found = asked(model)

    assert "twice" in found.error
    assert found.response_text.startswith('{"quality"')
    assert len(found.response_text) == 2000
    assert not found.is_retryable
    assert len(model.requests) == 2
    assert found.input_tokens == 2000


@pytest.mark.parametrize(
    ("status", "is_retryable", "is_endpoint_error"),
    [
        (400, False, False),
        (401, True, True),
        (403, True, True),
        (404, True, True),
        (413, False, False),
        (422, False, False),
        (429, True, True),
        (500, True, True),
        (503, True, True),
    ],
)
def test_a_status_says_whether_a_retry_can_help(model, status, is_retryable, is_endpoint_error):
    model.script = lambda *_: Fault(status=status)

    found = asked(model)

    assert found.error
    assert (found.is_retryable, found.is_endpoint_error) == (is_retryable, is_endpoint_error)
    assert len(model.requests) == 1


def test_what_the_endpoint_asks_to_wait_is_told(model):
    model.script = lambda *_: Fault(status=429, headers={"retry-after": "7"})

    assert asked(model).retry_after_s == 7


def test_broken_json_of_the_endpoint_may_be_retried(model):
    model.script = lambda *_: Fault(status=200, body='{"choices": [')

    found = asked(model)

    assert found.error
    assert found.is_retryable


@pytest.mark.parametrize(
    "body", ["{}", '{"choices": []}', '{"choices": [{"message": null}]}', "[]"]
)
def test_an_answer_without_a_text_does_not_fit(model, body):
    model.script = lambda *_: Fault(status=200, body=body)

    assert asked(model).error


def test_an_endpoint_that_does_not_answer_in_time_may_be_retried(model):
    model.script = lambda *_: Fault(hang_s=5)

    found = asked(model, timeout_s=0.2)

    assert "judge_timeout_s" in found.error
    assert found.is_retryable


def test_an_endpoint_that_is_not_there_may_be_retried(model):
    model.close()

    found = asked(model)

    assert "cannot be reached" in found.error
    assert (found.is_retryable, found.is_endpoint_error) == (True, True)


def test_options_that_a_model_refuses_are_left_out_from_then_on(model):
    refused = ("temperature", "max_completion_tokens")

    def script(request, number):
        for name in refused:
            if name in request:
                return Fault(status=400, body=json.dumps({"error": {"message": f"bad {name}"}}))
        return scores(request, 1)

    model.script = script
    client = ModelClient(base_url=model.base_url, model="m")

    for _ in range(2):
        assert judge_conversation(client, CONTEXT, OUTPUTS, prompt="?").scores[0].value == 1
    assert len(model.requests) == 4
    client.close()


def test_a_model_without_schemas_is_asked_for_json_and_then_for_nothing(model):
    def script(request, number):
        if "response_format" in request:
            kind = request["response_format"]["type"]
            text = f"response_format {kind} is not supported"
            return Fault(status=400, body=json.dumps({"error": {"message": text}}))
        return '{"quality": 1}'

    model.script = script

    assert asked(model).scores[0].value == 1
    kinds = [one.get("response_format", {}).get("type") for one in model.requests]
    assert kinds == ["json_schema", "json_object", None]


def test_a_reported_cost_is_taken(model):
    model.more_usage = {"cost": 0.0125}

    assert asked(model).reported_cost_usd == 0.0125


@pytest.mark.parametrize(
    "written", ["{{context}}", "{{ context }}", "{{&context}}", "{{{context}}}", "{{{ context }}}"]
)
def test_a_template_holds_the_conversation_as_json_where_it_says(model, written):
    messages = [
        PromptMessage(role="system", content="You score."),
        PromptMessage(role="user", content=f"Thread: {written} End."),
    ]
    check_templates(messages)

    found = asked(model, prompt=None, prompt_messages=messages)

    assert found.scores
    sent = model.requests[0]["messages"]
    assert sent[0] == {"role": "system", "content": "You score."}
    assert sent[1]["content"] == f"Thread: {CONTEXT} End."


def test_an_offline_scorer_asks_the_same_way(model):
    said = conversation_of_messages([{"role": "user", "content": "hello"}])
    scorer = judge("Good?", name="quality", base_url=model.base_url, model="gpt-4o-mini")
    other = judge("Bad?", name="quality", base_url=model.base_url, model="gpt-4o-mini")

    (score,) = scorer(said)
    assert (score.value, score.cost_usd) == (0.5, pytest.approx(0.00021))
    assert scorer.name == "quality"
    assert scorer.version != other.version
    model.script = lambda *_: "no"
    with pytest.raises(ModelError, match="twice"):
        scorer(said)


def test_without_an_endpoint_it_says_what_is_missing(monkeypatch):
    monkeypatch.delenv("OTEL_THREADS_JUDGE_BASE_URL", raising=False)
    with pytest.raises(ModelError, match="judge_base_url"):
        judge("Good?")


def test_the_key_is_sent_and_no_other(model, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-of-somebody")
    asked(model)
    client = ModelClient(base_url=model.base_url, model="m", api_key="mine")
    judge_conversation(client, CONTEXT, OUTPUTS, prompt="?")
    client.close()

    assert [one["authorization"] for one in model.headers] == ["Bearer none", "Bearer mine"]
    assert "secret-of-somebody" not in instructions(model.requests[0])
