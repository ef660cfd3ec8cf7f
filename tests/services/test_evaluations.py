"""Data sets, runs of scorers and what two runs differ in, over one engine without a server."""

import json
import time

import pytest
from builders import a_chat, a_request
from scripted_model import ScriptedModel, scores

import otel_threads
from otel_threads import scorers
from otel_threads.core.config import Config
from otel_threads.core.errors import Conflict, InvalidQuery, NotFound
from otel_threads.core.model import Request, Signal
from otel_threads.engine import Engine
from otel_threads.on_file import in_process
from otel_threads.services import evaluations as service

THREADS = 30


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    made = Engine(Config(database=str(tmp_path_factory.mktemp("evaluations") / "x.duckdb")))
    now = time.time_ns()
    spans = [
        a_chat(f"t-{n:02}", f"where is order {turn}?", f"It is number {n}.", start=now + n + turn)
        for n in range(THREADS)
        for turn in range(2)
    ]
    request = Request(
        signal=Signal.TRACES, payload=a_request(*spans), project="shop", received_unix_nano=now
    )
    made.intake.submit(request).result(60)
    made.deriver.wait(made.writer.committed_sequence, 60)
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(engine):
    with in_process(engine.services) as found:
        yield found


def number(conversation: scorers.Conversation) -> float:
    return int(conversation.thread_id[2:]) / 100


def evaluate(client, *chosen, **more):
    return otel_threads.evaluate(scorers=chosen, project="shop", client=client, **more)


@pytest.mark.long
def test_scorers_run_over_threads_and_their_results_are_kept(client):
    def topic(conversation):
        return "orders" if "order" in conversation.turns[0].user else "else"

    def broken(conversation):
        raise RuntimeError("no answer from the model")

    async def several(conversation):
        return [scorers.Score("long", 0.5, reason="so it is", cost_usd=0.01), ("x" in "xy")]

    run = evaluate(
        client,
        number,
        topic,
        broken,
        several,
        "repeated_question",
        name="first",
        workers=3,
        metadata={"model": "m-1"},
    )
    assert run.scores["number"] == {
        "count": THREADS,
        "mean": 0.145,
        "min": 0.0,
        "max": 0.29,
        "categories": {},
    }
    assert run.scores["topic"]["categories"] == {"orders": THREADS}
    assert run.scores["several"]["mean"] == 1  # True under the scorer's own name
    assert run.scores["repeated_question"]["max"] == 0
    assert run.run["counts"] == {"items": THREADS, "scored": THREADS, "failed": THREADS}
    assert run.run["cost_usd"] == pytest.approx(0.01 * THREADS)
    assert run.run["metadata"]["model"] == "m-1"
    assert run.run["finished_at"] > run.run["started_at"]
    failed = [one for one in run.results if one["error"]]
    assert {one["error"] for one in failed} == {"RuntimeError: no answer from the model"}
    assert [one["evaluation_id"] for one in client.list_evaluations(project="shop", name="first")]
    found = client.sql(
        "select mean(value) from evaluation_results where evaluation_id = ? and name = 'number'",
        [run.evaluation_id],
    )
    assert found.fetchone()[0] == pytest.approx(0.145)


@pytest.mark.long
def test_named_threads_are_scored_in_their_order_and_a_missing_one_is_told(client):
    run = evaluate(client, number, threads=["t-05", "t-01", "t-05"], name="named", workers=1)
    assert [one["thread_id"] for one in run.results] == ["t-05", "t-01"]
    filtered = evaluate(client, number, filter='thread_id < "t-03"', name="filtered")
    assert filtered.run["counts"]["items"] == 3
    assert evaluate(client, number, limit=4, name="few").run["counts"]["items"] == 4
    with pytest.raises(NotFound, match="'t-99'"):
        evaluate(client, number, threads=["t-01", "t-99"], name="missing")


@pytest.mark.long
def test_a_run_that_broke_off_goes_on_where_it_was(client):
    asked = []

    def counted(conversation):
        asked.append(conversation.thread_id)
        if len(asked) == 20:
            raise KeyboardInterrupt
        return 1.0

    begun = []
    with pytest.raises(KeyboardInterrupt):
        evaluate(client, counted, name="broken off", workers=1, on_begin=begun.append)
    run_id = begun[0]["evaluation_id"]
    assert client.get_evaluation(run_id)["finished_at"] is None
    before = len(list(client.list_results(run_id)))
    assert 0 < before < THREADS
    run = evaluate(client, counted, name="broken off", workers=1, resume=run_id)
    assert run.scores["counted"]["count"] == THREADS
    assert len(asked) <= THREADS + 4  # what had no result yet is scored again
    with pytest.raises(InvalidQuery, match="scorers"):
        evaluate(client, number, name="broken off", resume=run_id)


def test_scores_may_be_written_to_the_threads(client):
    evaluate(client, number, threads=["t-07"], name="written", write_scores=True)
    (score,) = client.get_thread("t-07", project="shop")["scores"]
    assert (score["name"], score["value"], score["author"]) == (
        "number",
        0.07,
        "evaluation:written",
    )


@pytest.mark.parametrize(
    ("chosen", "error", "wanted"),
    [
        ([], ValueError, "no scorers"),
        (["nonsense"], ValueError, "no scorer 'nonsense'"),
        ([3], TypeError, "no scorer"),
        ([number, number], ValueError, "two scorers are called 'number'"),
    ],
)
def test_what_is_no_scorer_is_told_before_the_run(client, chosen, error, wanted):
    with pytest.raises(error, match=wanted):
        evaluate(client, *chosen, name="none")


def test_what_is_no_score_is_a_failed_result(client):
    def strange(conversation):
        return {"a": float("nan")} if conversation.thread_id == "t-00" else object()

    run = evaluate(client, strange, threads=["t-00", "t-01"], name="strange")
    assert run.run["counts"]["failed"] == 2
    assert [one["error"].split(":")[0] for one in run.results] == ["NoScore", "NoScore"]


def test_a_data_set_keeps_what_it_was_and_is_scored(client):
    made = client.create_dataset("orders", project="shop", filter='thread_id < "t-05"')
    assert (made["version"], made["item_count"]) == (1, 5)
    assert made["source"] == {"filter": 'thread_id < "t-05"', "project": "shop"}
    second = client.create_dataset(
        "orders",
        items=[
            {"messages": [{"role": "user", "content": "Hi"}], "expected": {"tone": "kind"}},
            {"item_id": "b", "messages": [{"role": "user", "content": "Ho"}], "metadata": {"k": 1}},
        ],
    )
    assert (second["version"], second["source"]) == (2, {"import": "items"})
    assert [one["version"] for one in client.list_datasets(name="orders")] == [2, 1]
    old = list(client.list_dataset_items("orders", version=1))
    assert len(old) == 5
    assert old[0]["messages"][0] == {"role": "user", "content": "where is order 0?"}
    new = list(client.list_dataset_items("orders"))
    assert [(one["item_id"], one["expected"]) for one in new] == [
        ("0", {"tone": "kind"}),
        ("b", None),
    ]

    def expected(conversation):
        return conversation.expected is not None

    run = evaluate(client, expected, "unanswered", dataset="orders", name="of a set")
    assert (run.run["dataset"], run.run["dataset_version"]) == ("orders", 2)
    assert run.scores["expected"]["mean"] == 0.5
    assert run.scores["unanswered"]["mean"] == 1
    page = client._http.get("/evaluation-datasets/orders/items", params={"version": 1, "limit": 2})
    assert page.json()["next_cursor"]
    with pytest.raises(NotFound, match="version 9"):
        client.get_dataset("orders", version=9)
    client.delete_dataset("orders")
    with pytest.raises(NotFound):
        client.get_dataset("orders")
    assert client.get_evaluation(run.evaluation_id)["dataset"] == "orders"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"items": []}, "needs an item"),
        ({"filter": "turn_count > 99"}, "nothing matches"),
        ({"filter": "nonsense"}, "filter"),
        ({"items": [{"messages": [], "item_id": "a"}] * 2}, "that of an earlier item"),
        ({"items": [{"messages": []}], "filter": "turn_count > 0"}, "not both"),
    ],
)
def test_a_data_set_that_cannot_be_is_refused(client, body, wanted):
    with pytest.raises(InvalidQuery, match=wanted):
        client.create_dataset("wrong", project="shop", **body)


def test_copies_are_bounded_in_bytes(client, monkeypatch):
    monkeypatch.setattr(service, "DATASET_BYTES_MAX", 1500)
    with pytest.raises(InvalidQuery, match=r"a limit of [1-9][0-9]* fits"):
        client.create_dataset("large", project="shop")
    assert client.create_dataset("large", project="shop", limit=2)["item_count"] == 2


def test_data_sets_and_their_versions_are_bounded(client, monkeypatch):
    items = [{"messages": [{"role": "user", "content": "Hi"}]}]
    client.create_dataset("one", items=items)
    monkeypatch.setattr(service, "DATASETS_MAX", 1)
    with pytest.raises(Conflict, match="versions"):
        client.create_dataset("one", items=items)
    with pytest.raises(Conflict, match="data sets"):
        client.create_dataset("other", items=items)


def a_run(client, name: str, **values: dict[str, float]):
    """A run with given values by score and thread."""
    run = client.create_evaluation(
        name, [{"name": one} for one in values], project="shop", item_count=THREADS
    )
    rows = [
        {
            "item_id": item,
            "thread_id": item,
            "project": "shop",
            "scorer": score,
            "name": score,
            **({"category": value} if isinstance(value, str) else {"value": value}),
        }
        for score, by_item in values.items()
        for item, value in by_item.items()
    ]
    client.put_results(run["evaluation_id"], rows)
    return run["evaluation_id"]


def test_two_runs_are_compared_by_pairs(client):
    ids = [f"t-{n:02}" for n in range(20)]
    base = a_run(
        client,
        "base",
        quality=dict.fromkeys([*ids, "alone"], 0.8),
        unanswered=dict.fromkeys(ids, 0),
        tone=dict.fromkeys(ids, "kind"),
    )
    worse = {one: 0.8 - 0.01 * n for n, one in enumerate(ids)}
    candidate = a_run(
        client,
        "candidate",
        quality=worse,
        unanswered={one: float(n < 8) for n, one in enumerate(ids)},
        tone={one: "curt" if n < 2 else "kind" for n, one in enumerate(ids)},
    )
    client.put_score_definition("quality", "numeric", project="shop", better="higher")

    found = client.compare_evaluations(base, candidate)

    quality = found["scores"]["quality"]
    assert (quality["base_mean"], quality["candidate_mean"]) == (0.8, 0.705)
    assert quality["difference"] == -0.095
    low, high = quality["confidence_interval"]
    assert low < -0.095 < high < 0
    assert (quality["test"], quality["pair_count"]) == ("sign_flip", 20)
    assert (quality["better_count"], quality["worse_count"]) == (0, 19)
    assert quality["p_value"] < 0.001
    answered = found["scores"]["unanswered"]
    assert (answered["test"], answered["better"]) == ("mcnemar_exact", "lower")
    assert answered["p_value"] == pytest.approx(2 * 0.5**8)  # all eight went one way
    assert (answered["better_count"], answered["worse_count"]) == (0, 8)
    assert found["scores"]["tone: curt"]["difference"] == 0.1
    assert found["scores"]["tone: kind"]["difference"] == -0.1
    assert (found["only_in_base"], found["only_in_candidate"]) == (1, 0)
    worst = client.compare_evaluations(base, candidate, name="quality", limit=2)["items"]
    assert [(one["thread_id"], one["loss"]) for one in worst] == [
        ("t-19", pytest.approx(0.19)),
        ("t-18", pytest.approx(0.18)),
    ]
    back = client.compare_evaluations(candidate, base)
    assert back["scores"]["quality"]["difference"] == 0.095
    with pytest.raises(NotFound):
        client.compare_evaluations(base, "nowhere")


def test_the_largest_results_are_compared(client):
    base = a_run(client, "low", q={"t-01": -1e300, "t-02": -1e300, "t-03": 1.0})
    candidate = a_run(client, "high", q={"t-01": 1e300, "t-02": 1e300, "t-03": 2.0})
    found = client.compare_evaluations(base, candidate)["scores"]["q"]
    assert found["candidate_mean"] == pytest.approx(2e300 / 3)
    assert found["difference"] == pytest.approx(4e300 / 3)
    for wrong in ({"value": -1.7e308}, {"value": 1, "cost_usd": 1e301}):
        with pytest.raises(InvalidQuery, match=r"results\[0\]\.[a-z_]+ .* is not between -1e\+300"):
            client.put_results(base, [{"item_id": "a", "scorer": "q", "name": "q", **wrong}])


@pytest.mark.long
def test_runs_are_compared_from_python(client):
    first = evaluate(client, number, name="one")
    second = evaluate(client, scorers.Scorer(name="number", call=lambda c: 0.5), name="two")
    found = second.compare(first)
    assert found["scores"]["number"]["difference"] == pytest.approx(0.355)
    assert first.compare(second.evaluation_id)["scores"]["number"]["better_count"] == 0


def test_results_are_bounded_and_checked(client, monkeypatch):
    run = a_run(client, "bounded", q={"a": 1.0})
    with pytest.raises(InvalidQuery, match="neither value nor category"):
        client.put_results(run, [{"item_id": "a", "scorer": "q", "name": "q"}])
    with pytest.raises(NotFound):
        client.put_results("nowhere", [{"item_id": "a", "scorer": "q", "error": "x"}])
    monkeypatch.setattr(service, "RESULTS_MAX", 2)
    rows = [{"item_id": str(n), "scorer": "q", "name": "q", "value": n} for n in range(3)]
    with pytest.raises(Conflict, match="at most 2"):
        client.put_results(run, rows)
    again = [{"item_id": "a", "project": "shop", "scorer": "q", "name": "q", "value": 2}]
    client.put_results(run, again)
    assert [one["value"] for one in client.list_results(run)] == [2]  # nothing of the refused ones
    client.delete_evaluation(run)
    with pytest.raises(NotFound):
        client.get_evaluation(run)


def test_lines_of_a_results_page_are_json(client):
    run = a_run(client, "page", q={str(n): 1.0 for n in range(3)})
    answer = client._http.get(f"/evaluations/{run}/results", params={"limit": 2})
    page = json.loads(answer.content)
    assert (len(page["items"]), page["next_cursor"] is not None) == (2, True)


@pytest.mark.long
def test_a_model_judges_offline_and_its_version_follows_its_prompt(client):
    model = ScriptedModel(lambda request, number: scores(request, 0.25))
    kind = scorers.judge("Is it kind?", name="kind", base_url=model.base_url, model="m-1")
    terse = scorers.judge("Is it terse?", name="terse", base_url=model.base_url, model="m-1")
    run = evaluate(client, kind, terse, threads=["t-01", "t-02"], name="judged")
    assert {name: one["mean"] for name, one in run.scores.items()} == {"kind": 0.25, "terse": 0.25}
    versions = [one["version"] for one in run.run["scorers"]]
    assert len(set(versions)) == 2
    assert all(versions)
    assert "where is order 0?" in str(model.requests[0]["messages"])


def test_a_version_comes_in_parts_and_is_complete_with_the_last(client):
    def items(*numbers: int) -> list[dict]:
        return [{"messages": [{"role": "user", "content": f"Hi {n}"}]} for n in numbers]

    first = client.create_dataset("parts", items=items(0, 1), is_complete=False)
    assert (first["version"], first["is_complete"]) == (1, False)
    with pytest.raises(NotFound, match="no version that is complete"):
        client.get_dataset("parts")
    assert "parts" not in [one["name"] for one in client.list_datasets()]
    with pytest.raises(InvalidQuery, match="not complete"):
        evaluate(client, number, dataset="parts", dataset_version=1)
    taken = [{"item_id": "1", **one} for one in items(2)]
    with pytest.raises(InvalidQuery, match="'1' is that of an earlier item"):
        client.create_dataset("parts", items=taken, version=1)
    more = client.create_dataset("parts", items=items(2), version=1, is_complete=False)
    assert (more["item_count"], more["is_complete"]) == (3, False)
    last = client.create_dataset("parts", items=items(3), version=1)
    assert (last["item_count"], last["is_complete"]) == (4, True)

    with pytest.raises(Conflict, match="it never changes"):
        client.create_dataset("parts", items=items(4), version=1)
    with pytest.raises(NotFound, match="no version 7"):
        client.create_dataset("parts", items=items(4), version=7)
    with pytest.raises(InvalidQuery, match="go with items"):
        client.create_dataset("parts", filter="turn_count > 0", version=1)
    kept = list(client.list_dataset_items("parts"))
    assert [one["messages"][0]["content"] for one in kept] == ["Hi 0", "Hi 1", "Hi 2", "Hi 3"]
    assert [one["item_id"] for one in kept] == ["0", "1", "2", "3"]
    client.delete_dataset("parts")


def test_an_incomplete_version_is_deleted_alone(client):
    items = [{"messages": [{"role": "user", "content": "Hi"}]}]
    client.create_dataset("broken", items=items)
    client.create_dataset("broken", items=items * 3, is_complete=False)

    with pytest.raises(Conflict, match="version 1 of data set 'broken' is complete"):
        client.delete_dataset("broken", version=1)
    with pytest.raises(NotFound, match="no version 3"):
        client.delete_dataset("broken", version=3)
    client.delete_dataset("broken", version=2)

    assert [one["version"] for one in client.list_datasets(name="broken")] == [1]
    assert len(list(client.list_dataset_items("broken", version=1))) == 1
    assert client.sql("select count(*) from evaluation_items where dataset = 'broken'").fetchall()[
        0
    ] == (1,)
    client.create_dataset("broken", items=items, is_complete=False)
    client.delete_dataset("broken")
    client.create_dataset("broken", items=items, is_complete=False)
    client.delete_dataset("broken", version=1)
    with pytest.raises(NotFound):
        client.delete_dataset("broken")


def test_a_version_has_at_most_so_many_items(client, monkeypatch):
    items = [{"messages": [{"role": "user", "content": "Hi"}]}] * 2
    monkeypatch.setattr(service, "DATASET_ITEMS_MAX", 3)
    client.create_dataset("bounded", items=items, is_complete=False)
    with pytest.raises(Conflict, match="4 items; 3 are kept"):
        client.create_dataset("bounded", items=items, version=1)
    client.delete_dataset("bounded")
