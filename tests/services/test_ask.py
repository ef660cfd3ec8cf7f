"""Questions in words, with a scripted model on a real endpoint."""

import datetime
import json

import pytest
from builders import a_chat
from injections import INJECTIONS
from judged import Judged
from scripted_model import Fault, ScriptedModel

from otel_threads.core.errors import InvalidQuery, NotFound, Unavailable
from otel_threads.services.ask_budget import AskBudget
from otel_threads.services.asking import AskService
from otel_threads.store.annotations.ask_rows import AskRows

THREADS = {  # user text, assistant text, by thread
    "ask-1": ("Where is my refund?", "It is on its way."),
    "ask-2": ("Cancel my order", "I cannot do that."),
    "ask-3": ("What is the weather?", "It rains."),
}
# A question, what the model proposes, and the threads or rows that come out.
QUESTIONS: list[tuple[str, dict, list]] = [
    ("all", {"filter": "turn_count >= 1"}, ["ask-1", "ask-2", "ask-3"]),
    ("none", {"filter": "turn_count > 1"}, []),
    ("refunds", {"filter": 'any_message contains "refund"'}, ["ask-1"]),
    ("cancel", {"filter": 'first_message contains "cancel"'}, ["ask-2"]),
    ("rain", {"filter": 'last_message contains "rains"'}, ["ask-3"]),
    ("by id", {"filter": 'thread_id = "ask-2"'}, ["ask-2"]),
    ("by ids", {"filter": 'thread_id in ("ask-1", "ask-3")'}, ["ask-1", "ask-3"]),
    ("by prefix", {"filter": 'thread_id starts_with "ask-"'}, ["ask-1", "ask-2", "ask-3"]),
    ("not one", {"filter": 'not thread_id = "ask-1"'}, ["ask-2", "ask-3"]),
    ("or", {"filter": 'thread_id = "ask-1" or thread_id = "ask-2"'}, ["ask-1", "ask-2"]),
    ("no errors", {"filter": "error_count = 0"}, ["ask-1", "ask-2", "ask-3"]),
    ("errors", {"filter": "error_count > 0"}, []),
    ("model", {"filter": 'models contains "mini"'}, ["ask-1", "ask-2", "ask-3"]),
    ("other model", {"filter": 'models = "gpt-5"'}, []),
    ("slow", {"filter": "duration_ms > 90s"}, []),
    ("fast", {"filter": "duration_ms < 1s"}, ["ask-1", "ask-2", "ask-3"]),
    ("tokens", {"filter": "usage.total_tokens = 15"}, ["ask-1", "ask-2", "ask-3"]),
    ("many tokens", {"filter": "usage.total_tokens > 1000"}, []),
    ("since 2020", {"filter": "last_activity_time > 2020-01-01"}, ["ask-1", "ask-2", "ask-3"]),
    ("no tags", {"filter": "tags is_null"}, ["ask-1", "ask-2", "ask-3"]),
    ("tagged", {"filter": 'tags = "vip"'}, []),
    ("scored", {"filter": "scores.quality < 0.5"}, []),
    ("count", {"sql": "select count(*) from threads where project = 'ask'"}, [[3]]),
    ("turns", {"sql": "select sum(turn_count)::int from threads where project = 'ask'"}, [[3]]),
    ("tokens", {"sql": "select sum(total_tokens)::int from threads where project = 'ask'"}, [[45]]),
    (
        "longest",
        {
            "sql": "select thread_id from turns where project = 'ask' order by length(assistant) desc, thread_id limit 1"
        },
        [["ask-1"]],
    ),
    (
        "calls by model",
        {"sql": "select request_model, count(*) from calls where project = 'ask' group by all"},
        [["gpt-4o-mini", 3]],
    ),
    ("with a semicolon", {"sql": "select 1 as one;"}, [[1]]),
    ("with a comment", {"sql": "select 2 as two -- two"}, [[2]]),
    (
        "days",
        {"sql": "select count(distinct start_time::date) >= 1 from turns where project = 'ask'"},
        [[True]],
    ),
]


@pytest.fixture(scope="module")
def model():
    found = ScriptedModel()
    yield found
    found.close()


@pytest.fixture(scope="module")
def judged(tmp_path_factory, model):
    found = Judged(tmp_path_factory.mktemp("ask"), model)
    found.send(*(a_chat(one, *texts) for one, texts in THREADS.items()), project="ask")
    yield found
    found.engine.close()


def proposes(model: ScriptedModel, *answers: dict | str | Fault) -> None:
    def script(request, number):
        answer = answers[min(number, len(answers) - 1)]
        if isinstance(answer, str | Fault):
            return answer
        return json.dumps({"filter": None, "sql": None, "answer": "Here."} | answer)

    model.reset(script)


@pytest.mark.long
@pytest.mark.parametrize(
    ("question", "proposal", "expected"),
    QUESTIONS,
    ids=[q[0] + str(i) for i, q in enumerate(QUESTIONS)],
)
def test_what_is_proposed_can_be_run_as_it_stands(judged, model, question, proposal, expected):
    proposes(model, proposal)

    found = judged.engine.services.asking.ask(question, project="ask")

    assert (found.filter, found.sql) == (proposal.get("filter"), proposal.get("sql"))
    if found.filter:
        page = judged.engine.services.threads.threads(
            project="ask", filter=found.filter, sort="thread_id"
        )
        assert [one.thread_id for one in page.items] == expected
    else:
        assert judged.engine.services.asking._rows(found.sql) == expected


def test_the_model_sees_fields_and_names_and_never_contents(judged, model):
    proposes(model, {"filter": "turn_count = 1"})
    judged.engine.services.asking.ask("any", project="ask")
    [request] = model.requests
    sent = json.dumps(request["messages"])
    assert "first_message" in sent
    assert "gpt-4o-mini" in sent
    for user, assistant in THREADS.values():
        assert user not in sent
        assert assistant not in sent


@pytest.mark.long
@pytest.mark.parametrize(
    "wrong",
    [
        {"filter": "nosuch = 1"},
        {"filter": "drop table"},
        {"sql": "delete from spans"},
        {"sql": "select nosuch from threads"},
        {"sql": "select 1) ; drop table spans; --"},
        {"sql": "copy (select 1) to '/tmp/x'"},
        {"sql": "select * from read_text('/etc/passwd')"},
    ],
)
def test_what_cannot_be_is_proposed_again_and_then_refused(judged, model, wrong):
    asking = judged.engine.services.asking
    proposes(model, wrong, {"filter": "turn_count = 1"})
    assert asking.ask("q", project="ask").filter == "turn_count = 1"
    assert len(model.requests) == 2
    proposes(model, wrong)
    with pytest.raises(InvalidQuery, match="proposed nothing that can be"):
        asking.ask("q", project="ask")


@pytest.mark.long
def test_quotes_are_those_that_stand_there(judged, model):
    answer = {
        "answer": "It was refused.",
        "quotes": [
            {"turn_index": 0, "quote": "I cannot  do\nthat."},
            {"turn_index": 0, "quote": "I will do that."},
            {"turn_index": 7, "quote": "Cancel"},
            {"turn_index": "0", "quote": "Cancel"},
            {"turn_index": False, "quote": "I cannot do that."},
        ],
    }
    model.reset(lambda request, number: json.dumps(answer))

    found = judged.engine.services.asking.ask("why?", project="ask", thread_id="ask-2")

    assert found.answer == "It was refused."
    assert [(one.turn_index, one.quote) for one in found.evidence] == [(0, "I cannot do that.")]
    assert found.cost_usd > 0


@pytest.mark.long
def test_a_conversation_reaches_the_model_as_data_without_tools(judged, model):
    """Whatever the model is made to say, nothing is written and no other thread is before it."""
    spans = [a_chat(f"inj-{i}", one.text, one.text) for i, one in enumerate(INJECTIONS)]
    judged.send(*spans, project="hostile")
    services = judged.engine.services

    def obeying(request, number):
        assert "tools" not in request
        return json.dumps({"answer": request["messages"][1]["content"][:2000], "quotes": []})

    model.reset(obeying)
    for i, one in enumerate(INJECTIONS):
        found = services.asking.ask("what?", project="hostile", thread_id=f"inj-{i}")
        assert (found.filter, found.sql) == (None, None)
        sent = json.dumps(model.requests[-1]["messages"])
        assert not any(user in sent for user, _ in THREADS.values())
        assert "<|im_start|>" not in sent
        assert len(set(sent.split("BEGIN-")[1:])) >= 1, one.text
    assert services.annotations.scores(project="hostile").items == []
    assert services.annotations.comments(project="hostile").items == []


@pytest.mark.long
@pytest.mark.parametrize("broken", ["", "sure!", "[1]", "{", Fault(status=500), Fault(status=429)])
def test_a_model_that_fails_is_unavailable(judged, model, broken):
    proposes(model, broken)
    with pytest.raises(Unavailable):
        judged.engine.services.asking.ask("q", project="ask")


def test_wrong_questions_are_refused_before_a_model_is_asked(judged, model):
    proposes(model, {"filter": "turn_count = 1"})
    asking = judged.engine.services.asking
    for question in ("", "  ", "x" * 2001):
        with pytest.raises(InvalidQuery, match="question"):
            asking.ask(question, project="ask")
    with pytest.raises(NotFound):
        asking.ask("q", project="ask", thread_id="nosuch")
    assert model.requests == []


def test_the_budget_of_a_day_holds(judged, model):
    services = judged.engine.services
    rows = AskRows(judged.engine.database, timeout_s=60)
    spent = rows.spent_usd(datetime.datetime.fromtimestamp(0, datetime.UTC))
    asking = AskService(
        services.threads,
        services.sql,
        model=services.asking._client,
        budget=AskBudget(rows, usd_per_day=spent + 0.001, model="gpt-4o-mini"),
        concurrent_max=1,
    )
    proposes(model, {"filter": "turn_count = 1"})
    model.usage = (10_000, 1_000)
    asking.ask("q", project="ask")
    with pytest.raises(Unavailable, match="judge_budget_usd_per_day"):
        asking.ask("q", project="ask")
    assert len(model.requests) == 1


def test_without_a_model_it_is_off_with_a_sentence(server):
    import httpx

    answer = httpx.post(f"{server.api}/ask", json={"question": "any?"})
    assert answer.status_code == 501
    assert "judge_base_url" in answer.json()["detail"]
