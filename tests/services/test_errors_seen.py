"""A thread tells what failed last in it; sorts and unknown names are read as they are meant."""

import httpx
import pytest
from builders import a_chat, a_request
from conftest import Server


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    """A thread that failed twice, one that did not."""
    server = Server(tmp_path_factory.mktemp("failing")).start()
    first, second = (a_chat("failed", f"Question {n}", None, start=10**18 + n) for n in range(2))
    for span, message in ((first, "429: slow down"), (second, "503: " + "away " * 100)):
        span.status.code, span.status.message = 2, message
    good = a_chat("good", "Hello", "Hi", attributes={"gen_ai.usage.input_tokens": 99})
    assert server.post(a_request(first, second, good)).status_code == 200
    server.wait_derived()
    yield server
    server.stop()


@pytest.mark.long
def test_the_last_error_is_told_and_cut(failing):
    thread = failing.get("/threads/get", thread_id="failed")
    assert thread["last_error"].startswith("503: away")
    assert len(thread["last_error"]) == 300
    by_id = {t["thread_id"]: t["last_error"] for t in failing.get("/threads")["items"]}
    assert by_id["good"] is None


@pytest.mark.parametrize("sort", ["-error_count", "error_count desc", "error_count DESC"])
def test_a_sort_descends_either_way(failing, sort):
    ids = [t["thread_id"] for t in failing.get("/threads", sort=sort)["items"]]
    assert ids == ["failed", "good"]


def test_a_sort_ascends_with_and_without_a_word(failing):
    for sort in ("error_count", "error_count asc"):
        ids = [t["thread_id"] for t in failing.get("/threads", sort=sort)["items"]]
        assert ids == ["good", "failed"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ({"sort": "cost"}, "did you mean cost_usd"),
        ({"filter": "eror_count > 0"}, "did you mean error_count"),
        ({"filtre": "x"}, "did you mean filter"),
    ],
)
def test_an_unknown_name_gets_what_may_be_meant(failing, query, hint):
    answer = httpx.get(f"{failing.api}/threads", params=query)
    assert answer.status_code == 400
    assert hint in answer.json()["detail"]
