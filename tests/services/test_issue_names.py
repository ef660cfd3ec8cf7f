"""Names of issues by a scripted model, the budget of questions, and issues in SQL."""

import json
import time

import pytest
from builders import a_chat
from conftest import wait_until
from injections import INJECTIONS
from judged import Judged
from scripted_model import Fault, ScriptedModel

from otel_threads.core.errors import Unavailable
from otel_threads.services import issue_names
from otel_threads.services.issue_names import name_of
from otel_threads.store.external_sql.external_sql import Asked


def a_failure(thread_id: str, message: str, kind: str = "RateLimit"):
    began = time.time_ns() - 3600 * 10**9
    status = {"code": 2, "message": message}
    chat = a_chat(thread_id, "My secret plan is blue.", None, start=began, status=status)
    chat.attributes.add(key="error.type").value.string_value = kind
    return chat


def named(text: str):
    return lambda *_: json.dumps({"name": text})


@pytest.fixture
def model():
    model = ScriptedModel(named("Rate limit of the provider"))
    yield model
    model.close()


@pytest.fixture
def asked(tmp_path, model):
    asked = Judged(tmp_path, model)
    yield asked
    asked.engine.close()


def issues(asked, **given):
    return asked.engine.services.issues.issues(project=asked.project, **given).items


def rows(asked, sql: str) -> list[list]:
    service = asked.engine.services.sql
    with service.outside.asking() as question:
        return json.loads(b"".join(service.answer(question, Asked(sql=sql))))["rows"]


@pytest.mark.long
def test_each_issue_is_named_once_by_its_shape_alone(asked, model):
    asked.send(*[a_failure(f"t-{n}", f"limit of {n}0 for 'anna' reached") for n in range(3)])
    assert [one.name for one in issues(asked)] == [None]
    wait_until(lambda: issues(asked)[0].name, "a name")

    assert issues(asked)[0].name == "Rate limit of the provider"
    [request] = model.requests
    told = json.dumps(request["messages"])
    assert "RateLimit: limit of … for … reached" in request["messages"][1]["content"]
    assert not [one for one in ("anna", "secret", "t-0") if one in told]
    asked.send(a_failure("t-9", "limit of 90 for 'bob' reached"))
    asked.engine.close()
    asked.start()
    assert issues(asked)[0].name == "Rate limit of the provider"
    assert len(model.requests) == 1
    [[kind, cost]] = rows(asked, "select kind, cost_usd from ask_runs")
    assert kind == "issue_name"
    assert cost > 0


@pytest.mark.long
def test_of_questions_without_an_answer_the_model_gets_beginnings_of_words(asked, model):
    began = time.time_ns() - 3600 * 10**9
    asked.send(
        *[a_chat(f"q-{n}", "Please cancel my subscription!", None, start=began) for n in "ab"]
    )
    issues(asked)
    wait_until(lambda: issues(asked)[0].name, "a name")
    assert '"shared":"cance subsc"' in model.requests[0]["messages"][1]["content"]


@pytest.mark.long
def test_a_model_that_gives_no_name_is_not_asked_again(asked, model):
    model.script = lambda *_: "I will not."
    asked.send(*[a_failure(f"t-{n}", "no disk") for n in range(2)])
    issues(asked)
    wait_until(lambda: rows(asked, "select count(*) from x_issue_names") == [[1]], "the answer")
    assert issues(asked)[0].name is None
    issues(asked)
    assert len(model.requests) == 1


@pytest.mark.long
def test_a_model_that_fails_is_left_alone_for_a_while(asked, model, monkeypatch):
    model.script = lambda *_: Fault(status=500)
    asked.send(*[a_failure(f"t-{n}", "no disk") for n in range(2)])
    issues(asked)
    namer = asked.engine.services.issues.namer
    wait_until(lambda: namer._paused_until > 0, "the pause")
    count = len(model.requests)
    issues(asked)
    assert namer._waiting == {}
    assert len(model.requests) == count
    model.script = named("Full disk")
    namer._paused_until = 0.0
    issues(asked)
    wait_until(lambda: issues(asked)[0].name == "Full disk", "a name")


@pytest.mark.long
def test_as_many_wait_as_the_bound_says(asked, model, monkeypatch):
    monkeypatch.setattr(issue_names, "WAITING_MAX", 1)
    asked.send(*[a_failure(f"{kind}-{n}", "x", kind=kind) for kind in ("A", "B") for n in "12"])
    issues(asked)
    wait_until(lambda: sum(bool(one.name) for one in issues(asked)) == 2, "both, one by one")
    assert len(model.requests) == 2


@pytest.mark.long
def test_without_a_model_nobody_is_asked(tmp_path, model):
    asked = Judged(tmp_path, model, judge_base_url=None, judge_model=None)
    try:
        asked.send(*[a_failure(f"t-{n}", "no disk") for n in range(2)])
        assert [one.name for one in issues(asked)] == [None]
        assert model.requests == []
    finally:
        asked.engine.close()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"name": "Full disk"}', "Full disk"),
        ('```json\n{"name": " Full\\n disk\\u202e\\u001b[31m "}\n```', "Full disk [31m"),
        ('{"name": "' + "x" * 500 + '"}', "x" * 80),
        ('{"name": ""}', None),
        ('{"name": {"a": 1}}', None),
        ('{"name": 5}', None),
        ('["name"]', None),
        ("", None),
        ("Full disk", None),
        ('{"name": "\\ud800"}', None),
    ],
)
def test_a_name_is_one_line_of_plain_text(text, name):
    assert name_of(text) == name


@pytest.mark.long
def test_hostile_errors_reach_the_model_between_marks_alone(asked, model):
    """A model that obeys gives a strange name, and nothing else can come of it."""
    model.script = lambda request, _: json.dumps({"name": request["messages"][1]["content"]})
    texts = [one.text for one in INJECTIONS][:20]
    for n, text in enumerate(texts):
        asked.send(*[a_failure(f"h{n}-{k}", text, kind=f"K{chr(65 + n)}") for k in "ab"])
    issues(asked)
    wait_until(lambda: all(one.name for one in issues(asked)), "names", timeout_s=60)
    for request in model.requests:
        system, data = (one["content"] for one in request["messages"])
        begin = data.split("\n")[1]
        assert begin.startswith("BEGIN-")
        assert begin in system
        assert data.count("\n") == 3  # the failure is one line of JSON between its marks
        assert "<" not in data
    assert all(len(one.name) <= 80 and one.name.isprintable() for one in issues(asked))


@pytest.mark.long
def test_the_budget_of_questions_survives_a_restart(tmp_path):
    model = ScriptedModel(
        lambda *_: json.dumps({"filter": "turn_count > 0", "sql": None, "answer": ""})
    )
    asked = Judged(tmp_path, model, judge_budget_usd_per_day=0.00000001)
    try:
        asked.chat("a")
        asking = asked.engine.services.asking
        assert asking.ask("all", project=asked.project).cost_usd > 0
        with pytest.raises(Unavailable, match="judge_budget_usd_per_day"):
            asking.ask("all", project=asked.project)
        asked.engine.close()
        asked.start()
        with pytest.raises(Unavailable, match="are spent today on questions"):
            asked.engine.services.asking.ask("all", project=asked.project)
        assert len(model.requests) == 1
        assert rows(asked, "select kind, project from ask_runs") == [["question", asked.project]]
    finally:
        asked.engine.close()
        model.close()


@pytest.mark.long
def test_sql_sees_issues_as_the_list_does(asked, model):
    asked.send(*[a_failure(f"t-{n}", "no disk") for n in range(3)])
    asked.send(a_failure("alone", "something else", kind="Other"))
    one = issues(asked)[0]
    query = (
        "select issue_id, project, kind, title, state, is_reopened, thread_count, turn_count,"
        " list_sum(list_transform(trend, lambda day: day.turn_count)), thread_ids, filter"
        " from issues"
    )
    ours = [one.issue_id, one.project, one.kind, one.title, "open", False, 3, 3, 3]
    assert rows(asked, query) == [[*ours, one.thread_ids, one.filter]]
    states = "select state, is_reopened, closed_at is null from ISSUES"
    service = asked.engine.services.issues
    service.close([one.issue_id], project=asked.project, closed=True)
    assert rows(asked, states) == [["closed", False, False]]
    later = a_failure("t-9", "no disk")
    later.start_time_unix_nano = time.time_ns()
    later.end_time_unix_nano = later.start_time_unix_nano + 10**6
    asked.send(later)
    assert rows(asked, states) == [["open", True, False]]
    assert rows(asked, "select thread_count from issues") == [[4]]
    wait_until(lambda: rows(asked, "select name from issues")[0][0], "the name")


@pytest.mark.long
def test_what_is_deleted_is_in_no_issue_of_sql(asked):
    asked.send(*[a_failure(f"t-{n}", "no disk") for n in range(3)])
    assert rows(asked, "select thread_count from issues") == [[3]]
    asked.engine.services.deletion.threads(["t-0"], project=asked.project)
    with asked.engine.database.reading(10) as cursor:
        assert cursor.execute("select count(*) from x_issues").fetchone() == (0,)
    assert rows(asked, "select thread_count from issues") == [[2]]
