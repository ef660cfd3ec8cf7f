"""Series of statistics: percentiles, models and scores by the hour, over the selection."""

import datetime

import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server

HOUR_NS = 3600 * 10**9
NOON = int(datetime.datetime(2026, 6, 15, 12, tzinfo=datetime.UTC).timestamp()) * 10**9


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """Two hours: ten turns of 1 to 10 s and one of 20 s; two models; scores in the first."""
    server = Server(tmp_path_factory.mktemp("busy")).start()

    def chat(thread_id: str, start: int, seconds: int, model: str):
        return a_chat(
            thread_id,
            "hi",
            "ho",
            start=start,
            end_time_unix_nano=start + seconds * 10**9,
            attributes={"gen_ai.request.model": model, "gen_ai.response.model": model},
        )

    spans = [chat(f"t-{n}", NOON + n * 10**9, n, "gpt-4o") for n in range(1, 11)]
    spans.append(chat("later", NOON + HOUR_NS, 20, "gpt-4o-mini"))
    assert server.post(a_request(*spans)).status_code == 200
    server.wait_derived()
    scores = [{"thread_id": f"t-{n}", "name": "quality", "value": n / 10} for n in (2, 4)]
    httpx.put(f"{server.api}/scores", json={"scores": scores}).raise_for_status()
    yield server
    server.stop()


@pytest.mark.long
@pytest.mark.parametrize("of", ["threads", "traces"])
def test_a_bucket_has_percentiles_and_models(busy, of):
    first, second = busy.get(f"/{of}/stats", project="default", interval="hour")["series"]
    assert first["time"] == "2026-06-15T12:00:00Z"
    assert first["turn_duration_ms"]["p50"] == 5500
    assert first["turn_duration_ms"]["max"] == 10_000
    assert second["turn_duration_ms"]["p99"] == 20_000
    assert {name: one["call_count"] for name, one in first["models"].items()} == {"gpt-4o": 10}
    assert list(second["models"]) == ["gpt-4o-mini"]
    assert first["time_to_first_token_ms"]["p50"] is None


def test_scores_stand_where_their_thread_began(busy):
    first, second = busy.get("/threads/stats", project="default", interval="hour")["series"]
    assert first["scores"]["quality"]["count"] == 2
    assert first["scores"]["quality"]["avg"] == pytest.approx(0.3)
    assert second["scores"] == {}


def test_a_filter_holds_for_all_of_it(busy):
    (only,) = busy.get(
        "/threads/stats", project="default", interval="hour", filter='thread_id = "later"'
    )["series"]
    assert (only["thread_count"], list(only["models"])) == (1, ["gpt-4o-mini"])


@pytest.mark.long
def test_what_a_thread_did_stands_where_it_did_it(busy):
    """One turn a day for three days, the second failed: not all of it on the first day."""
    days = [
        a_chat("long", "hi", "ho" if day != 1 else None, start=NOON + day * 24 * HOUR_NS)
        for day in range(3)
    ]
    days[1].status.code = 2
    assert busy.post(a_request(*days), x_otel_threads_project="days").status_code == 200
    busy.wait_derived()
    asked = {"project": "days", "interval": "day"}
    series = busy.get("/threads/stats", **asked)["series"]
    assert [one["thread_count"] for one in series] == [1, 0, 0]
    assert [one["turn_count"] for one in series] == [1, 1, 1]
    assert [one["error_count"] for one in series] == [0, 1, 0]
    whole = busy.get("/threads/stats", project="days")
    for name in ("input_tokens", "total_tokens"):
        assert sum(one[name] for one in series) == whole["usage"]["sum"][name]
    cost = sum(one["cost_usd"] for one in series)
    assert cost == pytest.approx(whole["cost_usd"]["sum"])
    assert cost == pytest.approx(
        sum(m["cost_usd"] for one in series for m in one["models"].values())
    )

    last = busy.get("/threads/stats", **asked, **{"from": "2026-06-17T00:00:00Z"})["series"]
    assert [(one["time"], one["turn_count"]) for one in last] == [("2026-06-17T00:00:00Z", 1)]
    of_traces = busy.get("/traces/stats", **asked)["series"]
    assert [(one["trace_count"], one["error_count"]) for one in of_traces] == [
        (1, 0),
        (1, 1),
        (1, 0),
    ]


def test_the_days_are_the_sum_of_the_hours(busy):
    (day,) = busy.get("/threads/stats", project="default", interval="day")["series"]
    assert (day["thread_count"], day["turn_duration_ms"]["max"]) == (11, 20_000)
    assert {name: one["call_count"] for name, one in day["models"].items()} == {
        "gpt-4o": 10,
        "gpt-4o-mini": 1,
    }


def test_the_outline_has_a_line_a_turn_and_finds_words(busy):
    (line,) = busy.get("/threads/outline", thread_id="t-3", search="HO")["items"]
    assert line["user"] == "hi"
    assert line["duration_ms"] == 3000
    assert line["hits"] == [1]
    (scored,) = busy.get("/threads/outline", thread_id="t-2")["items"]
    assert scored["hits"] == []
    answer = httpx.get(f"{busy.api}/threads/outline", params={"thread_id": "t-33"})
    assert answer.status_code == 404
    assert "did you mean" in answer.json()["detail"]


@pytest.mark.long
def test_turns_begin_where_asked(busy):
    assert busy.get("/threads/turns", thread_id="t-3", first_turn=1)["items"] == []
    (turn,) = busy.get("/threads/turns", thread_id="t-3", first_turn=0)["items"]
    assert turn["turn_index"] == 0
