"""Scores, comments, tags, lifecycle, deletion, saved views: on a real server, over REST."""

import threading
import time
import uuid

import httpx
import pytest
from builders import a_chat, a_request, a_span, new_span_id, new_trace_id
from conftest import Server, wait_until


class Project:
    """A project of its own on the shared server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"p-{uuid.uuid4().hex[:8]}"

    def send(self, *spans) -> None:
        self.server.post(a_request(*spans), x_otel_threads_project=self.name)
        self.server.wait_derived()

    def chat(self, thread: str, text: str = "hello", **fields):
        span = a_chat(thread, text, f"re: {text}", **fields)
        self.send(span)
        return span

    def get(self, path: str, **query):
        return self.server.get(path, project=self.name, **query)

    def thread(self, thread_id: str) -> dict:
        return self.get("/threads/get", thread_id=thread_id)

    def call(self, method: str, path: str, status: int = 200, **body):
        answer = httpx.request(
            method, f"{self.server.api}{path}", json={"project": self.name, **body}, timeout=60
        )
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def score(self, status: int = 200, **fields):
        fields.setdefault("project", self.name)
        answer = httpx.put(f"{self.server.api}/scores", json={"scores": [fields]}, timeout=60)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def project(server: Server) -> Project:
    return Project(server)


def scores_of(item: dict) -> dict[str, float]:
    return {score["name"]: score["value"] for score in item["scores"]}


def test_a_score_is_written_over_by_its_author_and_averaged_over_authors(project):
    project.chat("t")
    project.score(thread_id="t", name="quality", value=0.1, author="ann", reason="first")
    project.score(thread_id="t", name="quality", value=0.5, author="ann", reason="second")
    project.score(thread_id="t", name="quality", value=1, author="bob", category="good")
    (score,) = project.thread("t")["scores"]
    assert score["value"] == 0.75
    assert score["value_by_author"] == {"ann": 0.5, "bob": 1.0}
    assert (score["category"], score["reason"], score["source"]) == ("good", "second", "api")
    assert score["created_at"] < score["updated_at"]
    assert project.get("/scores/names")["items"][0]["score_count"] == 2
    assert scores_of(project.get("/threads")["items"][0]) == {"quality": 0.75}
    assert project.get("/threads/stats")["scores"]["quality"] == {
        "count": 1,
        "avg": 0.75,
        "min": 0.75,
        "max": 0.75,
        "categories": {"good": 1},
    }


def test_scores_are_deleted_by_author_or_all_together(project):
    project.chat("t")
    for author in ("ann", "bob"):
        project.score(thread_id="t", name="quality", value=1, author=author)
    target = {"project": project.name, "thread_id": "t", "name": "quality"}
    url = f"{project.server.api}/scores/delete"
    answer = httpx.post(url, json={"scores": [{**target, "author": "ann"}]})
    assert answer.json() == {"deleted": 1}
    assert project.thread("t")["scores"][0]["value_by_author"] == {"bob": 1.0}
    assert httpx.post(url, json=target).json() == {"deleted": 1}
    assert project.thread("t")["scores"] == []


def test_scores_wait_for_what_has_not_arrived(project):
    trace, span = new_trace_id(), new_span_id()
    project.score(thread_id="later", name="a", value=1)
    project.score(trace_id=trace.hex(), name="b", value=2)
    project.score(trace_id=trace.hex().upper(), span_id=span.hex(), name="c", category="ok")
    project.chat("later", trace_id=trace, span_id=span)
    assert scores_of(project.thread("later")) == {"a": 1}
    detail = project.server.get(f"/traces/{trace.hex()}")
    assert scores_of(detail) == {"b": 2}
    assert detail["spans"][0]["scores"][0]["category"] == "ok"
    turn = project.get("/threads/turns", thread_id="later")["items"][0]
    assert {score["name"] for score in turn["scores"]} == {"b", "c"}
    assert scores_of(project.get("/traces")["items"][0]) == {"b": 2}
    listed = project.get("/scores", thread_id="later")["items"]
    assert {score["name"] for score in listed} == {"a", "b", "c"}


def test_a_batch_of_scores_is_all_or_nothing(project):
    project.chat("t")
    good = [
        {"project": project.name, "thread_id": "t", "name": f"n{i}", "value": i}
        for i in range(1000)
    ]
    url = f"{project.server.api}/scores"
    assert httpx.put(url, json={"scores": good}, timeout=60).json()["written"] == 1000
    assert len(project.thread("t")["scores"]) == 1000
    bad = [{**good[0], "value": 99}, {"project": project.name, "thread_id": "t", "name": "x"}]
    answer = httpx.put(url, json={"scores": bad})
    assert answer.status_code == 400
    assert "scores[1] has neither value nor category" in answer.json()["detail"]
    assert scores_of(project.thread("t"))["n0"] == 0
    assert httpx.put(url, json={"scores": good + good[:1]}).status_code == 400


@pytest.mark.parametrize(
    ("score", "says"),
    [
        ({"thread_id": "t", "name": ""}, "name"),
        ({"thread_id": "t", "name": "x" * 201, "value": 1}, "at most 200"),
        ({"thread_id": "t", "trace_id": "0" * 32, "name": "a", "value": 1}, "and not both"),
        ({"name": "a", "value": 1}, "needs a thread_id or a trace_id"),
        ({"span_id": "0" * 16, "thread_id": "t", "name": "a", "value": 1}, "no trace_id"),
        ({"trace_id": "xyz", "name": "a", "value": 1}, "32 hexadecimal digits"),
        ({"thread_id": "t", "name": "a", "value": 1, "source": "me"}, "source"),
        ({"thread_id": "t", "name": "a", "value": 1, "colour": "red"}, "colour"),
        ({"thread_id": "t", "name": "a", "value": 1, "project": "*"}, "name it"),
    ],
)
def test_scores_that_cannot_be(project, score, says):
    assert says in project.score(status=400, **score)["detail"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "1.7e308", "-1.1e300"])
def test_a_score_is_finite(project, value):
    body = f'{{"scores": [{{"thread_id": "t", "name": "a", "value": {value}}}]}}'
    answer = httpx.put(
        f"{project.server.api}/scores", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400


def test_the_largest_scores_add_up(project):
    """A list of 500 for everybody is what two scores could make of it."""
    span = project.chat("t")
    for author in ("ann", "bob", "cid"):
        project.score(thread_id="t", name="huge", value=1e300, author=author)
        project.score(trace_id=span.trace_id.hex(), name="huge", value=-1e300, author=author)
    (thread,) = project.get("/threads")["items"]
    assert scores_of(thread) == {"huge": 1e300}
    assert thread["turn_scores"]["huge"]["mean"] == -1e300
    assert project.get("/threads/turns", thread_id="t")["items"][0]["scores"][0]["value"] == -1e300
    assert project.get("/threads/stats")["scores"]["huge"]["avg"] == 1e300
    answer = project.score(status=400, thread_id="t", name="huge", value=-1.7e308)
    assert answer["detail"] == "scores[0].value -1.7e+308 is not between -1e+300 and 1e+300"


def test_a_new_trace_supersedes_scores_and_a_late_span_does_not(project):
    trace = new_trace_id()
    project.chat("t", "first", trace_id=trace)
    project.score(thread_id="t", name="quality", value=0.2, author="ann")
    project.score(trace_id=trace.hex(), name="kept", value=1)
    project.send(a_span(trace_id=trace, name="late"))
    assert scores_of(project.thread("t")) == {"quality": 0.2}
    project.chat("t", "second")
    assert project.thread("t")["scores"] == []
    history = project.get("/scores", thread_id="t", include_superseded=True, name="quality")[
        "items"
    ]
    assert history[0]["superseded_at"] is not None
    assert {s["name"] for s in project.get("/scores", thread_id="t")["items"]} == {"kept"}
    project.score(thread_id="t", name="quality", value=0.9, author="ann")
    assert scores_of(project.thread("t")) == {"quality": 0.9}
    history = project.get("/scores", thread_id="t", include_superseded=True, name="quality")[
        "items"
    ]
    assert sorted(score["value"] for score in history) == [0.2, 0.9]
    httpx.post(f"{project.server.api}/rebuild")
    project.server.wait_derived()
    assert scores_of(project.thread("t")) == {"quality": 0.9}


def test_scores_are_kept_when_told_so_and_over_a_restart(make_server):
    server = make_server(scores_on_new_trace="keep")
    project = Project(server)
    project.chat("t")
    project.score(thread_id="t", name="quality", value=0.2)
    project.chat("t", "again")
    assert scores_of(project.thread("t")) == {"quality": 0.2}
    server.kill()
    server.start()
    assert scores_of(project.thread("t")) == {"quality": 0.2}


def test_evaluation_events_become_scores(project):
    span = a_chat("t", "hello", "hi", attributes={"gen_ai.response.id": "resp-1"})
    event = span.events.add(name="gen_ai.evaluation.result", time_unix_nano=time.time_ns())
    for key, value in (("name", "relevance"), ("score.label", "good"), ("explanation", "fits")):
        attribute = event.attributes.add(key=f"gen_ai.evaluation.{key}")
        attribute.value.string_value = value
    event.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 0.7
    project.send(span)
    turn = project.get("/threads/turns", thread_id="t")["items"][0]
    (score,) = turn["scores"]
    assert (score["name"], score["value"], score["category"]) == ("relevance", 0.7, "good")
    assert (score["source"], score["reason"]) == ("otel", "fits")
    # An evaluator of its own names the response that it judged, in a trace of its own.
    judge = a_span(name="judge")
    event = judge.events.add(name="gen_ai.evaluation.result", time_unix_nano=time.time_ns())
    event.attributes.add(key="gen_ai.evaluation.name").value.string_value = "tone"
    event.attributes.add(key="gen_ai.evaluation.score.value").value.int_value = 1
    event.attributes.add(key="gen_ai.response.id").value.string_value = "resp-1"
    project.send(judge)
    turn = project.get("/threads/turns", thread_id="t")["items"][0]
    assert scores_of(turn) == {"relevance": 0.7, "tone": 1.0}
    listed = project.get("/scores", thread_id="t", source="otel")["items"]
    assert {one["span_id"] for one in listed} == {span.span_id.hex()}


def test_a_closed_thread_opens_with_a_new_trace_and_not_with_a_late_span(project):
    trace = new_trace_id()
    project.chat("t", trace_id=trace)
    closed = project.call("POST", "/threads/close", thread_ids=["t", "nobody"])
    assert closed == {"updated": 1, "not_found": ["nobody"]}
    assert project.thread("t")["status"] == "inactive"
    assert project.get("/threads", status="active")["items"] == []
    project.send(a_span(trace_id=trace, name="late"))
    assert project.thread("t")["status"] == "inactive"
    project.call("POST", "/threads/reopen", thread_ids=["t"])
    assert project.thread("t")["status"] == "active"
    project.call("POST", "/threads/close", thread_ids=["t"])
    project.chat("t", "again")
    assert project.thread("t")["status"] == "active"


def test_the_cooldown_of_a_project_and_of_the_server(make_server):
    server = make_server(thread_cooldown_s="0.5")
    project = Project(server)
    project.chat("t")
    wait_until(lambda: project.thread("t")["status"] == "inactive", "the cooldown ends")
    answer = httpx.patch(
        f"{server.api}/projects", json={"project": project.name, "thread_cooldown_s": 3600}
    )
    assert answer.status_code == 200
    assert project.thread("t")["status"] == "active"
    server.kill()
    server.start()
    assert project.thread("t")["status"] == "active"
    httpx.patch(f"{server.api}/projects", json={"project": project.name, "thread_cooldown_s": None})
    assert project.thread("t")["status"] == "inactive"
    project.call("POST", "/threads/reopen", thread_ids=["t"])
    wait_until(lambda: project.thread("t")["status"] == "inactive", "it ends again")


def test_tags_of_people_and_of_spans(project):
    span = a_chat("t", "hi", "ho", attributes={"tag.tags": ["beta", "web"]})
    project.send(span)
    changed = project.call("PATCH", "/threads/tags", thread_ids=["t"], add=["vip"], remove=["web"])
    assert changed == {"updated": 1, "not_found": []}
    assert project.thread("t")["tags"] == ["beta", "vip"]
    assert project.get("/threads", filter='tags = "vip"')["items"]
    assert not project.get("/threads", filter='tags = "web"')["items"]
    project.call("PATCH", "/threads/tags", thread_ids=["t"], add=["web"])
    assert project.thread("t")["tags"] == ["beta", "vip", "web"]
    project.call("PATCH", "/threads/tags", trace_ids=[span.trace_id.hex()], add=["odd"])
    assert "odd" in project.get("/traces")["items"][0]["tags"]
    many = [f"tag-{i}" for i in range(50)]
    refused = project.call("PATCH", "/threads/tags", 409, thread_ids=["t"], add=many)
    assert "at most 50" in refused["detail"]
    assert project.thread("t")["tags"] == ["beta", "vip", "web"]
    project.call("PATCH", "/threads/tags", 400, thread_ids=["t"], add=["x"], remove=["x"])
    project.call("PATCH", "/threads/tags", 400, thread_ids=["t"])


def test_comments_are_written_changed_and_deleted(project):
    project.chat("t")
    made = project.call("POST", "/comments", thread_id="t", text="<b>nice</b>", author="ann")
    assert project.thread("t")["comment_count"] == 1
    url = f"{project.server.api}/comments/{made['id']}"
    changed = httpx.patch(url, json={"text": "better"}).json()
    assert changed["text"] == "better"
    assert changed["updated_at"] > changed["created_at"]
    assert [c["text"] for c in project.get("/comments", thread_id="t")["items"]] == ["better"]
    assert httpx.delete(url).status_code == 204
    assert httpx.delete(url).status_code == 404
    assert httpx.patch(url, json={"text": "x"}).status_code == 404
    assert project.thread("t")["comment_count"] == 0
    project.call("POST", "/comments", 400, thread_id="t", text=" ")


def test_comments_on_a_span_are_among_those_of_its_trace(project):
    project.chat("t")
    (trace,) = project.get("/traces")["items"]
    span = {"trace_id": trace["trace_id"], "span_id": trace["root_span_id"]}
    project.call("POST", "/comments", trace_id=trace["trace_id"], text="of the trace")
    project.call("POST", "/comments", **span, text="of the span")

    assert [c["text"] for c in project.get("/comments", **span)["items"]] == ["of the span"]
    both = project.get("/comments", trace_id=trace["trace_id"])["items"]
    assert [(c["text"], c["span_id"]) for c in both] == [
        ("of the trace", None),
        ("of the span", span["span_id"]),
    ]
    assert project.get("/traces")["items"][0]["comment_count"] == 2
    project.call("POST", "/comments", 400, span_id=span["span_id"], text="of no trace")


def test_what_the_page_shows_of_a_turn_is_kept_by_project(project):
    project.chat("t")
    change = {"project": project.name, "input_path": "inputs.messages[-1].content"}
    url = f"{project.server.api}/projects"
    assert httpx.patch(url, json=change).json()["input_path"] == change["input_path"]
    httpx.patch(url, json={"project": project.name, "thread_cooldown_s": 5})

    (found,) = [p for p in project.server.get("/projects")["items"] if p["project"] == project.name]

    assert (found["input_path"], found["output_path"]) == (change["input_path"], None)
    assert found["thread_cooldown_s"] == 5
    assert httpx.patch(url, json={**change, "output_path": "x" * 501}).status_code == 400
    assert httpx.patch(url, json={**change, "input_path": None}).json()["input_path"] is None


def test_saved_views_are_kept_by_name(project):
    made = project.call("POST", "/views", name="slow", filter="duration_ms > 90s", columns=["cost"])
    assert made["sort"] == "-last_activity_time"
    project.call("POST", "/views", name="slow", filter="duration_ms > 60s", sort="cost_usd")
    (view,) = project.get("/views")["items"]
    assert (view["filter"], view["sort"], view["columns"]) == ("duration_ms > 60s", "cost_usd", [])
    project.call("POST", "/views", 400, name="bad", filter="nope")
    project.call("POST", "/views", 400, name="bad", sort="nope")
    gone = httpx.delete(
        f"{project.server.api}/views", params={"project": project.name, "name": "slow"}
    )
    assert gone.status_code == 204
    assert project.get("/views")["items"] == []


def test_a_deleted_thread_is_gone_with_all_that_hangs_on_it(make_server):
    server = make_server()
    project = Project(server)
    shared = new_trace_id()
    for thread in ("gone", "stays"):
        project.chat(thread, f"words of {thread}")
    project.send(
        a_chat("gone", "in a shared trace", "a", trace_id=shared),
        a_chat("stays", "in a shared trace", "b", trace_id=shared),
    )
    for thread in ("gone", "stays"):
        project.score(thread_id=thread, name="q", value=1)
        project.call("POST", "/comments", thread_id=thread, text="words")
        project.call("PATCH", "/threads/tags", thread_ids=[thread], add=["x"])
    before = project.thread("stays")
    answer = project.call("POST", "/threads/delete", thread_ids=["gone", "nobody"])
    assert answer == {"updated": 1, "not_found": ["nobody"]}
    assert [t["thread_id"] for t in project.get("/threads")["items"]] == ["stays"]
    after = project.thread("stays")
    assert after | {"updated_at": None} == before | {"updated_at": None}
    assert [s["thread_id"] for s in project.get("/scores")["items"]] == ["stays"]
    assert [c["thread_id"] for c in project.get("/comments")["items"]] == ["stays"]
    assert server.get("/status")["spans"] == 2
    httpx.post(f"{server.api}/rebuild")
    server.wait_derived()
    assert [t["thread_id"] for t in project.get("/threads")["items"]] == ["stays"]
    project.chat("gone", "a new beginning")
    assert project.thread("gone")["tags"] == []
    assert project.thread("gone")["turn_count"] == 1


def test_a_deleted_trace_leaves_its_thread_smaller(project):
    first = project.chat("t", "one")
    project.chat("t", "two")
    ids = [first.trace_id.hex()]
    assert project.call("POST", "/traces/delete", trace_ids=ids) == {"updated": 1, "not_found": []}
    assert project.thread("t")["turn_count"] == 1
    assert project.thread("t")["first_message"] == "two"
    assert project.call("POST", "/traces/delete", trace_ids=ids)["not_found"] == ids


def test_everything_at_once_without_one_error(make_server):
    """Ingest, lists, stats, scores, tags, deletions side by side."""
    server = make_server()
    project = Project(server)
    project.chat("seed")
    problems: list[str] = []
    stop = threading.Event()

    def loop(work) -> None:
        with httpx.Client(base_url=server.api, timeout=60) as client:
            for n in range(40):
                if stop.is_set():
                    return
                answer = work(client, n)
                if answer.status_code >= 300:
                    problems.append(f"{answer.request.url} {answer.status_code} {answer.text}")
                    stop.set()

    name = project.name
    ids = [f"t-{n % 7}" for n in range(40)]
    work = [
        lambda _, n: server.post(
            a_request(*(a_chat(ids[n], f"{n}", "x") for _ in range(5))), x_otel_threads_project=name
        ),
        lambda c, n: c.get(
            "/threads", params={"project": name, "filter": "scores.q >= 0 or error_count = 0"}
        ),
        lambda c, n: c.get("/threads/stats", params={"project": name, "interval": "hour"}),
        lambda c, n: c.put(
            "/scores",
            json={
                "scores": [
                    {"project": name, "thread_id": one, "name": "q", "value": n} for one in ids
                ]
            },
        ),
        lambda c, n: c.patch(
            "/threads/tags", json={"project": name, "thread_ids": [ids[n]], "add": [f"{n % 9}"]}
        ),
        lambda c, n: c.post("/threads/delete", json={"project": name, "thread_ids": [ids[n]]}),
        lambda c, n: c.post("/threads/close", json={"project": name, "thread_ids": ids}),
        lambda c, n: c.post("/comments", json={"project": name, "thread_id": ids[n], "text": "x"}),
    ]
    workers = [threading.Thread(target=loop, args=(one,)) for one in work]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert problems == []
    server.wait_derived()
    for thread in project.get("/threads")["items"]:
        turns = project.get("/threads/turns", thread_id=thread["thread_id"], limit=1000)["items"]
        assert len(turns) == thread["turn_count"]
