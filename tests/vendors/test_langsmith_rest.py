"""LangSmith's calls against a real server: what is sent by any road is read back as it was sent."""

import datetime
import json
import random
from urllib.parse import quote

import httpx
import pytest
from conftest import wait_until
from langsmith_requests import (
    CONTENT_TYPE,
    NAMES,
    a_run,
    an_llm_run,
    multipart_body,
    new_id,
    recorded_parts,
    zstd,
)

from otel_threads.vendors.ids import new_uuid, project_uuid_of

SEED = (
    'and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "{}"))'
)
FIELDS = ("inputs", "outputs", "events", "extra", "error", "serialized")
NOON = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)


class Sdk:
    """What an SDK sends and asks, below one prefix."""

    def __init__(self, server, prefix: str = "", **headers: str):
        self._server = server
        self._is_open = not headers
        base = f"http://{server.addresses['http']}"
        self.http = httpx.Client(base_url=base + prefix, headers=headers, timeout=60)
        self.v2 = httpx.Client(base_url=base, headers=headers, timeout=60)

    def close(self) -> None:
        self.http.close()
        self.v2.close()

    def batch(self, post=(), patch=()) -> httpx.Response:
        return self.http.post("/runs/batch", json={"post": list(post), "patch": list(patch)})

    def multipart(self, parts, *, style="python", compress=False) -> httpx.Response:
        body = multipart_body(parts, style=style)
        headers = {"content-type": CONTENT_TYPE}
        if compress:
            body, headers["content-encoding"] = zstd(body), "zstd"
        return self.http.post("/runs/multipart", content=body, headers=headers)

    def query(self, project: str | None = None, **body) -> list[dict]:
        self.settle()
        if project is not None:
            body["session"] = [project_uuid_of(project)]
        answer = self.http.post("/runs/query", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["runs"]

    def settle(self) -> None:
        """Return once all is derived: a read waits for it, but no longer than a moment."""
        if self._is_open:
            self._server.wait_derived()

    def run(self, run_id: str) -> dict:
        self.settle()
        answer = self.http.get(f"/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def threads(self, project: str, **body) -> list[dict]:
        self.settle()
        answer = self.v2.post(
            "/api/v2/threads/query", json={"project_id": project_uuid_of(project), **body}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


@pytest.fixture(scope="module")
def sdk(server):
    sdk = Sdk(server)
    yield sdk
    sdk.close()


def parts_of(run: dict, op: str = "post") -> list[tuple[str, object]]:
    """A run as `runs/multipart` has it: the main part, and a part a large field."""
    main = {name: value for name, value in run.items() if name not in FIELDS}
    large = [(f"{op}.{run['id']}.{name}", run[name]) for name in FIELDS if name in run]
    return [(f"{op}.{run['id']}", main), *large]


def halves(run: dict) -> tuple[dict, dict]:
    """A run as its start and its end."""
    start = {k: v for k, v in run.items() if k not in ("end_time", "outputs")} | {"outputs": {}}
    end = {k: run[k] for k in ("id", "trace_id", "dotted_order", "end_time", "outputs", "extra")}
    return start, end


def a_conversation(thread: str, project: str, turns: int, **fields) -> list[dict]:
    """Turns of a root and a model request below it, which has the whole history."""
    found, history = [], []
    for i in range(turns):
        start = NOON + datetime.timedelta(seconds=i)
        history.append({"role": "user", "content": f"question {i}"})
        root = a_run(
            thread,
            project=project,
            start=start,
            inputs={"messages": history[:]},
            outputs={"output": f"answer {i}"},
            **fields,
        )
        found += [root, an_llm_run(root, thread, history, f"answer {i}")]
        history.append({"role": "assistant", "content": f"answer {i}"})
    return found


def shown(run: dict) -> dict:
    """What has to be the same whatever road a run took."""
    names = ("id", "name", "run_type", "inputs", "outputs", "extra", "tags", "trace_id", "status")
    times = ("start_time", "end_time", "dotted_order", "parent_run_id", "thread_id")
    return {name: run[name] for name in (*names, *times)}


def single(sdk, run):
    start, end = halves(run)
    assert sdk.http.post("/runs", json=start).status_code == 202
    assert sdk.http.patch(f"/runs/{run['id']}", json=end).status_code == 202


def swapped(sdk, run):
    start, end = halves(run)
    assert sdk.http.patch(f"/runs/{run['id']}", json=end).status_code == 202
    assert sdk.http.post("/runs", json=start).status_code == 202


def twelve_times(sdk, run):
    for _ in range(12):
        assert sdk.batch([run]).status_code == 202


ROADS = {
    "multipart": lambda sdk, run: sdk.multipart(parts_of(run)),
    "multipart of JavaScript": lambda sdk, run: sdk.multipart(parts_of(run), style="js"),
    "zstd": lambda sdk, run: sdk.multipart(parts_of(run), compress=True),
    "batch": lambda sdk, run: sdk.batch([run]),
    "batch of halves": lambda sdk, run: sdk.batch([halves(run)[0]], [halves(run)[1]]),
    "patch and post in parts": lambda sdk, run: sdk.multipart(
        [*parts_of(halves(run)[1], "patch"), *parts_of(halves(run)[0])]
    ),
    "single": single,
    "patch before post": swapped,
    "twelve times": twelve_times,
}


@pytest.mark.parametrize("road", ROADS)
def test_every_road_gives_the_same_run(sdk, road):
    project = f"road {road}"
    run = a_run("t", project=project, tags=["a"], inputs={"big": 12345678901234567, "one": 1.0})

    ROADS[road](sdk, run)

    (found,) = sdk.query(project)
    assert shown(found) | {"start_time": 0, "end_time": 0} == {
        **{name: run[name] for name in shown(found) if name not in ("status", "thread_id")},
        "status": "success",
        "thread_id": "t",
        "start_time": 0,
        "end_time": 0,
    }
    moments = [datetime.datetime.fromisoformat(found[n]) for n in ("start_time", "end_time")]
    assert moments == [datetime.datetime.fromisoformat(run[n]) for n in ("start_time", "end_time")]
    assert [(t["thread_id"], t["count"]) for t in sdk.threads(project)] == [("t", 1)]


@pytest.mark.parametrize("name", [name for name in NAMES if recorded_parts(name)])
def test_recorded_requests_in_any_order_and_again_give_the_same_answers(sdk, name):
    """As the threads that an SDK sends on may have them."""

    def read(order: random.Random | None) -> list[dict]:
        """Send all parts under ids of their own; return the runs with the recorded ids."""
        requests = recorded_parts(name)
        text = json.dumps(requests)
        project = next(v["session_name"] for r in requests for _, v in r if "session_name" in v)
        ids = sorted({p.split(".")[1] for r in requests for p, _ in r if not p.startswith("f")})
        mine = {one: new_id() for one in ids}
        for one, other in mine.items():
            text = text.replace(one, other)
        named = f"{project} {new_id()[:8]}"
        text = text.replace(project, named)
        requests = [r for r in json.loads(text) if not r[0][0].startswith("feedback")]
        if order is not None:
            requests = [r for r in requests for _ in range(order.choice((1, 2)))]
            order.shuffle(requests)
            for request in requests:
                order.shuffle(request)
        for request in requests:
            assert sdk.multipart(request).status_code == 202
        found = json.dumps([shown(run) for run in sdk.query(named)])
        for one, other in mine.items():
            found = found.replace(other, one)
        return sorted(json.loads(found.replace(named, project)), key=lambda run: run["id"])

    expected = read(None)

    assert expected
    assert read(random.Random(1)) == expected
    assert read(random.Random(2)) == expected


def test_the_history_of_a_thread_is_read_back(sdk):
    runs = a_conversation("history", "history", 3)
    sdk.batch(runs)
    sdk.batch(a_conversation("other", "history", 1))

    found = sdk.query("history", filter=SEED.format("history"), run_type="llm")

    latest = max(found, key=lambda run: run["start_time"])
    said = latest["inputs"]["messages"] + [latest["outputs"]["choices"][0]["message"]]
    assert len(found) == 3
    assert [m["content"] for m in said][-2:] == ["question 2", "answer 2"]
    assert len(said) == 6
    assert sdk.query("history", filter=SEED.format("nobody")) == []
    turns = sdk.http.get(
        "/api/v1/threads/turns", params={"project": "history", "thread_id": "history"}
    ).json()["items"]
    assert [(t["user"], t["assistant"]) for t in turns] == [
        (f"question {i}", f"answer {i}") for i in range(3)
    ]


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_both_prefixes(server, prefix):
    sdk = Sdk(server, prefix)
    project = f"prefix {prefix}"
    run = a_run(project=project)

    assert sdk.http.get("/info").json()["batch_ingest_config"]["use_multipart_endpoint"] is True
    assert sdk.batch([run]).status_code == 202
    assert [one["id"] for one in sdk.query(project)] == [run["id"]]
    assert sdk.run(run["id"])["inputs"] == {"question": "hi"}
    sdk.settle()
    (session,) = sdk.http.get("/sessions", params={"name": project, "limit": 1}).json()
    assert session["id"] == project_uuid_of(project)
    assert session["reference_dataset_id"] is None
    assert sdk.http.get(f"/sessions/{session['id']}").json()["name"] == project
    assert sdk.http.get("/sessions", params={"name": "nobody"}).json() == []


def test_pages_stay_right_while_runs_arrive(sdk):
    runs = [
        a_run(project="pages", start=NOON + datetime.timedelta(milliseconds=i // 2))
        for i in range(25)
    ]
    sdk.batch(runs)
    sdk.settle()
    body = {"session": [project_uuid_of("pages")], "limit": 4}
    found, cursor = [], None
    while True:
        page = sdk.http.post("/runs/query", json={**body, "cursor": cursor}).json()
        found += [run["id"] for run in page["runs"]]
        cursor = page["cursors"]["next"]
        if not cursor:
            break
        sdk.batch([a_run(project="pages", start=NOON + datetime.timedelta(seconds=5))])

    assert len(found) == len(set(found))
    assert set(found) == {run["id"] for run in runs}
    other = {**body, "order": "asc", "cursor": page["cursors"]["next"] or "nonsense"}
    assert sdk.http.post("/runs/query", json=other).status_code == 400


def test_a_tree_is_read_with_its_sums(sdk):
    root = a_run("tree", project="tree")
    inner = a_run("tree", project="tree", parent=root, name="inner")
    tool = a_run(project="tree", parent=inner, name="look up", run_type="tool")
    model = an_llm_run(inner, None, [{"role": "user", "content": "q"}], "a")
    sdk.batch([model, tool, inner, root])

    by_name = {run["name"]: run for run in sdk.query("tree", trace=root["id"])}

    assert {name: run["total_tokens"] for name, run in by_name.items()} == {
        "turn": 18,
        "inner": 18,
        "look up": None,
        "ChatOpenAI": 18,
    }
    assert by_name["look up"]["parent_run_ids"] == [root["id"], inner["id"]]
    assert {run["thread_id"] for run in by_name.values()} == {"tree"}
    assert set(sdk.run(root["id"])["child_run_ids"]) == {tool["id"], model["id"], inner["id"]}
    assert [r["name"] for r in sdk.query("tree", is_root=True)] == ["turn"]
    assert [r["name"] for r in sdk.query("tree", run_type="tool")] == ["look up"]
    assert [r["name"] for r in sdk.query("tree", parent_run=root["id"])] == ["inner"]
    assert [r["name"] for r in sdk.query(id=[tool["id"]])] == ["look up"]
    assert sdk.query("tree", tree_filter='eq(name,"look up")', is_root=True)
    assert len(sdk.query("tree", trace_filter='eq(name,"turn")')) == 4
    assert sdk.query("tree", trace_filter='eq(name,"inner")') == []


@pytest.mark.parametrize("key", ["session_id", "conversation_id", "thread_id"])
def test_an_id_on_a_child_counts_for_its_trace(sdk, key):
    project = f"child {key}"
    root = a_run(project=project)
    child = a_run("by-child", project=project, parent=root, thread_key=key)
    sdk.batch([root, child])

    (found,) = sdk.query(project, is_root=True)

    assert found["thread_id"] == "by-child"
    assert [t["thread_id"] for t in sdk.threads(project)] == ["by-child"]
    assert [
        r["id"] for r in sdk.query(project, filter='eq(thread_id,"by-child")', is_root=True)
    ] == [root["id"]]


@pytest.mark.parametrize("thread", ['by thread/id "é" 100%', "  between blanks "])
def test_a_thread_id_may_hold_slashes_blanks_and_quotes(sdk, thread):
    name = f"odd ids {len(thread)}"
    sdk.batch(a_conversation(thread, name, 2))
    project = project_uuid_of(name)
    sdk.settle()

    path = f"/api/v2/threads/{quote(thread, safe='')}"
    traces = sdk.v2.get(
        f"{path}/traces",
        params={"project_id": project, "selects": ["TURN_NUMBER", "INPUTS", "TOTAL_TOKENS"]},
    ).json()
    assert "items" in traces, traces
    stats = sdk.v2.get(f"{path}/stats", params={"session_id": project, "selects": "TURNS"}).json()

    assert [one["turn_number"] for one in traces["items"]] == [1, 2]
    assert traces["items"][1]["inputs"]["messages"][-1]["content"] == "question 1"
    assert [one["total_tokens"] for one in traces["items"]] == [18, 18]
    assert stats == {"turns": 2}
    escaped = json.dumps(thread)
    assert len(sdk.query(name, filter=f"eq(thread_id, {escaped})", is_root=True)) == 2
    missing = sdk.v2.get("/api/v2/threads/nobody/traces", params={"project_id": project})
    assert missing.status_code == 404
    assert "nobody" in missing.json()["detail"]


def test_threads_are_listed_by_activity_page_by_page(sdk):
    for i in range(5):
        start = NOON + datetime.timedelta(minutes=i)
        sdk.batch([a_run(f"t{i}", project="list", start=start, error="E('x')" if i == 2 else None)])
    sdk.settle()
    asked = {"project_id": project_uuid_of("list"), "page_size": 2}

    pages, cursor = [], None
    while True:
        page = sdk.v2.post("/api/v2/threads/query", json={**asked, "cursor": cursor}).json()
        pages.append([thread["thread_id"] for thread in page["items"]])
        cursor = page["next_cursor"]
        if not cursor:
            break

    assert pages == [["t4", "t3"], ["t2", "t1"], ["t0"]]
    found = {thread["thread_id"]: thread for thread in sdk.threads("list")}
    assert found["t2"]["num_errored_turns"] == 1
    assert found["t2"]["last_error"] == "E('x')"
    assert json.loads(found["t0"]["first_inputs"]) == {"question": "hi"}
    assert [t["thread_id"] for t in sdk.threads("list", filter='eq(status,"error")')] == ["t2"]
    assert [t["thread_id"] for t in sdk.threads("list", thread_filter='eq(thread_id,"t1")')] == [
        "t1"
    ]
    later = (NOON + datetime.timedelta(minutes=3)).isoformat()
    assert [t["thread_id"] for t in sdk.threads("list", min_start_time=later)] == ["t4", "t3"]
    assert sdk.v2.post("/api/v2/threads/query", json={"project_id": new_id()}).status_code == 404
    searched = {**asked, "ai_search": "angry people"}
    assert sdk.v2.post("/api/v2/threads/query", json=searched).status_code == 501


def test_threads_come_as_events_where_they_are_asked_for_so(sdk):
    sdk.batch([a_run("t", project="events")])
    sdk.settle()

    answer = sdk.v2.post(
        "/api/v2/threads/query",
        json={"project_id": project_uuid_of("events")},
        headers={"accept": "text/event-stream"},
    )

    data = next(line for line in answer.text.splitlines() if line.startswith("data: "))
    (patch,) = json.loads(data.removeprefix("data: "))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (patch["op"], patch["path"]) == ("add", "")
    assert [one["thread_id"] for one in patch["value"]["items"]] == ["t"]


def test_statistics_over_threads_have_buckets(sdk):
    first = NOON.replace(minute=0, second=1, microsecond=0) - datetime.timedelta(hours=3)
    for i, hour in enumerate((0, 0, 2)):
        start = first + datetime.timedelta(hours=hour)
        root = a_run(f"b{i}", project="buckets", start=start)
        sdk.batch([root, an_llm_run(root, f"b{i}", [{"role": "user", "content": "q"}], "a")])
    # Its newest trace is in the last bucket: the thread counts there alone.
    sdk.batch([a_run("b0", project="buckets", start=first + datetime.timedelta(hours=2))])
    sdk.settle()
    asked = {
        "project_id": project_uuid_of("buckets"),
        "select": ["THREAD_COUNT", "TRACE_COUNT", "TOTAL_TOKENS", "LATENCY_P50", "ERROR_RATE"],
        "min_start_time": first.replace(second=0).isoformat(),
        "max_start_time": (first + datetime.timedelta(hours=3)).replace(second=0).isoformat(),
        "stride": {"unit": "HOUR", "value": 1},
    }

    found = sdk.v2.post("/api/v2/threads/stats", json=asked).json()

    assert (found["thread_count"], found["trace_count"], found["total_tokens"]) == (3, 4, 54)
    assert found["latency_p50_seconds"] == 1.0
    assert found["error_rate"] == 0
    assert [one["thread_count"] for one in found["buckets"]] == [1, 0, 2]
    assert [one["trace_count"] for one in found["buckets"]] == [1, 0, 3]
    many = {**asked, "stride": {"unit": "SECOND", "value": 1}}
    assert sdk.v2.post("/api/v2/threads/stats", json=many).status_code == 400


def test_runs_and_traces_of_v2(sdk):
    runs = a_conversation("v2", "v2", 2)
    sdk.batch(runs)
    project = project_uuid_of("v2")
    sdk.settle()

    asked = {"project_ids": [project], "selects": ["NAME", "RUN_TYPE", "STATUS", "IS_ROOT"]}
    found = sdk.v2.post("/api/v2/runs/query", json={**asked, "run_type": "LLM"}).json()["items"]
    one = sdk.v2.get(f"/api/v2/runs/{runs[0]['id']}", params={"selects": ["METADATA", "INPUTS"]})
    traces = sdk.v2.post(
        "/api/v2/traces/query", json={"project_id": project, "selects": ["NAME", "TOTAL_TOKENS"]}
    ).json()["items"]
    inside = sdk.v2.get(
        f"/api/v2/traces/{runs[0]['id']}/runs", params={"project_id": project, "selects": "NAME"}
    ).json()["items"]

    assert {(r["run_type"], r["status"], r["is_root"]) for r in found} == {
        ("LLM", "SUCCESS", False)
    }
    assert one.json()["metadata"] == {"session_id": "v2"}
    assert [t["trace_aggregates"]["total_tokens"] for t in traces] == [18, 18]
    assert [r["name"] for r in inside] == ["turn", "ChatOpenAI"]
    assert sdk.v2.post("/api/v2/runs/query", json={"selects": ["ID"]}).status_code == 400


def test_feedback_on_a_run(sdk):
    run = a_run("fb", project="feedback")
    sdk.batch([run])
    sdk.settle()
    body = {
        "id": new_id(),
        "run_id": run["id"],
        "key": "quality",
        "score": 0.75,
        "value": {"grade": [1, None]},
        "comment": "good",
        "correction": {"output": "better"},
        "feedback_source": {"type": "app", "metadata": {"who": "me"}},
    }
    made = sdk.http.post("/feedback", json=body).json()
    again = sdk.http.post("/feedback", json={**body, "id": new_id(), "score": 0.25}).json()

    assert made | {"created_at": 0, "modified_at": 0} == made | body | {
        "created_at": 0,
        "modified_at": 0,
    }
    stats = sdk.run(run["id"])["feedback_stats"]["quality"]
    assert (stats["n"], stats["avg"], stats["min"], stats["max"]) == (2, 0.5, 0.25, 0.75)
    listed = sdk.http.get("/feedback", params={"run": run["id"], "limit": 100, "offset": 0}).json()
    assert {one["id"] for one in listed} == {made["id"], again["id"]}
    changed = sdk.http.patch(f"/feedback/{made['id']}", json={"score": True, "comment": None})
    assert changed.json()["score"] is True
    assert changed.json()["comment"] == "good"
    assert sdk.http.delete(f"/feedback/{again['id']}").status_code == 204
    assert sdk.http.get(f"/feedback/{again['id']}").status_code == 404
    assert sdk.run(run["id"])["feedback_stats"]["quality"]["avg"] == 1.0
    scores = sdk.http.get(
        "/api/v1/scores", params={"project": "feedback", "trace_id": run["id"].replace("-", "")}
    ).json()["items"]
    assert [(s["name"], s["value"], s["reason"], s["source"]) for s in scores] == [
        ("quality", 1.0, "good", "ui")
    ]
    filtered = sdk.query(
        "feedback", filter='and(eq(feedback_key,"quality"), gt(feedback_score, 0.9))'
    )
    assert [one["id"] for one in filtered] == [run["id"]]


def test_feedback_travels_with_runs_and_before_them(sdk):
    run = a_run("fb", project="travels")
    body = {"run_id": run["id"], "trace_id": run["id"], "key": "thumbs", "score": 1}
    early = {**body, "id": new_id(), "key": "early"}

    sdk.multipart([(f"feedback.{early['id']}", early)])
    sdk.multipart([(f"feedback.{new_id()}", {**body, "id": new_id()}), *parts_of(run)])

    assert set(sdk.run(run["id"])["feedback_stats"]) == {"thumbs", "early"}


def test_feedback_on_a_thread(sdk):
    sdk.batch([a_run("whole", project="on threads")])
    sdk.settle()
    body = {"key": "resolved", "score": 1, "feedback_thread_id": "whole", "value": "yes"}
    session = {"session_id": project_uuid_of("on threads")}

    made = sdk.http.post("/feedback", json=body | session).json()

    assert (made["run_id"], made["feedback_thread_id"]) == (None, "whole")
    listed = sdk.http.get("/feedback", params={"feedback_thread_id": "whole"}).json()
    assert [one["key"] for one in listed] == ["resolved"]
    (thread,) = sdk.threads("on threads")
    assert thread["feedback_stats"]["resolved"]["values"] == {"yes": 1}
    assert thread["feedback_stats"]["resolved"]["contains_thread_feedback"] is True
    mine = sdk.http.get(
        "/api/v1/threads/get", params={"project": "on threads", "thread_id": "whole"}
    ).json()
    assert [(s["name"], s["value"]) for s in mine["scores"]] == [("resolved", 1.0)]


def test_feedback_without_its_run_is_kept_and_says_so(sdk):
    run = a_run(project="unmatched")
    made = sdk.http.post("/feedback", json={"run_id": run["id"], "key": "k", "score": 1}).json()
    sdk.batch([run])

    assert "no run of this id" in made["warning"]
    assert sdk.run(run["id"])["feedback_stats"]["k"]["n"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"key": "k"},
        {"run_id": "x", "key": "k"},
        {"run_id": "01a22311-3d8a-7000-8000-0225d655590b"},
        {"run_id": "01a22311-3d8a-7000-8000-0225d655590b", "key": "k", "id": "x"},
        [],
    ],
)
def test_feedback_that_is_none_is_refused(sdk, body):
    answer = sdk.http.post("/feedback", json=body)

    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/runs/query", {"filter": "eq("}, 400),
        ("POST", "/runs/query", {"session": "x"}, 400),
        ("POST", "/runs/query", {"limit": 0}, 400),
        ("POST", "/runs/query", {"order": "up"}, 400),
        ("POST", "/runs/query", {"start_time": "soon"}, 400),
        ("POST", "/runs/query", {"cursor": "x"}, 400),
        ("POST", "/runs/query", [], 400),
        ("GET", "/runs/01a22311-3d8a-7000-8000-0225d655590b", None, 404),
        ("GET", "/runs/x", None, 404),
        ("GET", "/runs/01a22311-3d8a-7000-8000-0225d655590b/share", None, 404),
        ("PUT", "/runs/01a22311-3d8a-7000-8000-0225d655590b/share", {}, 501),
        ("POST", "/api/v2/threads/x/share", {}, 501),
        ("POST", "/runs/batch", [], 400),
        ("POST", "/runs", {"name": "no id"}, 400),
        ("GET", "/sessions/01a22311-3d8a-7000-8000-0225d655590b", None, 404),
        ("POST", "/runs/group", {}, 405),
    ],
)
def test_what_cannot_be_answered_says_why(sdk, method, path, body, status):
    answer = sdk.http.request(method, path, json=body)

    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("odd", ['"cut \\ud83d"', str(10**30), "9" * 400, "NaN"])
def test_a_value_that_is_nearly_json_is_answered(sdk, odd):
    run = a_run(project="odd values")
    sdk.batch([run])
    sdk.settle()
    made = sdk.http.post("/feedback", json={"run_id": run["id"], "key": "k", "score": 1}).json()
    project = project_uuid_of("odd values")
    for method, path, body in (
        ("PATCH", f"/feedback/{made['id']}", f'{{"score": {odd}, "comment": {odd}}}'),
        ("PATCH", f"/feedback/{made['id']}", f'{{"value": {odd}}}'),
        ("POST", "/runs/query", f'{{"session": ["{project}"], "start_time": {odd}}}'),
        ("POST", "/runs/query", f'{{"session": ["{project}"], "filter": {odd}}}'),
        ("POST", "/api/v2/runs/query", f'{{"project_id": "{project}", "min_start_time": {odd}}}'),
        ("POST", "/api/v2/runs/query", f'{{"project_id": "{project}", "max_start_time": {odd}}}'),
        ("POST", "/api/v2/traces/query", f'{{"project_id": "{project}", "min_start_time": {odd}}}'),
        ("POST", "/api/v2/traces/query", f'{{"project_id": "{project}", "filter": {odd}}}'),
        ("POST", "/runs/stats", f'{{"session": ["{project}"], "start_time": {odd}}}'),
        (
            "POST",
            "/api/v2/threads/query",
            f'{{"project_id": "{project}", "max_start_time": {odd}}}',
        ),
        ("PATCH", f"/sessions/{project}", f'{{"description": {odd}}}'),
        (
            "POST",
            "/feedback/tokens",
            f'{{"run_id": "{run["id"]}", "feedback_key": "k", "expires_at": {odd}}}',
        ),
    ):
        answer = sdk.v2.request(method, path, content=body)
        assert answer.status_code in (200, 400, 422), (path, answer.text)
    assert sdk.http.get(f"/feedback/{made['id']}").json()["key"] == "k"
    # Of a batch it costs its own field, and no run.
    one, other = a_run(project="odd values", inputs="ODD"), a_run(project="odd values")
    body = json.dumps({"post": [one, other]}).replace('"ODD"', odd)
    answer = sdk.http.post("/runs/batch", content=body)
    assert answer.json() == {"message": "Runs batch ingested"}
    assert {sdk.run(run["id"])["id"] for run in (one, other)} == {one["id"], other["id"]}


@pytest.mark.parametrize(
    ("name", "sent", "answered"),
    [
        ("tags", ["t", 2026, None, True], ["t", "2026", "true"]),
        ("tags", "abc", ["abc"]),
        ("reference_example_id", "x", None),
        ("manifest_id", 7, None),
        ("events", ["a", {"name": "end"}], [{"event": "a"}, {"name": "end"}]),
        ("events", "a", [{"event": "a"}]),
        ("inputs", [1], {"input": [1]}),
        ("outputs", [1], {"output": [1]}),
        ("extra", "s", {"extra": "s"}),
        ("serialized", 1.5, {"serialized": 1.5}),
        ("dotted_order", "a.b", "a.b"),
    ],
)
def test_a_field_of_another_type_is_answered_in_its_own(sdk, name, sent, answered):
    """The SDK checks each: one such run would cost the whole list."""
    project = f"odd {name} {sent}"
    good, odd = a_run(project=project), a_run(project=project) | {name: sent}
    assert sdk.batch([good, odd]).status_code == 202

    runs = {run["id"]: run for run in sdk.query(project)}

    assert runs.keys() == {good["id"], odd["id"]}
    assert runs[odd["id"]][name] == answered
    assert runs[odd["id"]]["parent_run_ids"] == []


def test_select_leaves_out_what_was_not_asked_for(sdk):
    sdk.batch([a_run(project="select")])

    (run,) = sdk.query("select", select=["inputs", "nonsense"])

    needed = {"id", "name", "run_type", "start_time", "trace_id", "session_id", "status"}
    assert run.keys() == needed | {"dotted_order", "inputs"}


def test_what_is_null_is_not_given(sdk):
    """JavaScript names fields that it does not ask by."""
    run = a_run(project="nulls")
    sdk.batch([run])

    found = sdk.query("nulls", start_time=None, filter=None, is_root=None, cursor=None)

    assert [one["id"] for one in found] == [run["id"]]


def test_a_bad_part_costs_nothing_beside_it(sdk):
    good = a_run(project="beside")
    bad = [(f"post.{new_uuid()}", b"{no json"), ("post.x", {"id": "x"}), ("odd", {"a": 1})]

    answer = sdk.multipart([*bad, *parts_of(good)])

    assert answer.status_code == 202
    assert len(answer.json()["left_out"]) == 3
    assert [run["id"] for run in sdk.query("beside")] == [good["id"]]


def test_a_part_without_the_final_boundary_is_named(sdk):
    first, last = a_run(project="torn"), a_run(project="torn")
    body = multipart_body([(f"post.{one['id']}", one) for one in (first, last)])
    torn = body[: body.rindex(b"\r\n--")]
    answer = sdk.http.post("/runs/multipart", content=torn, headers={"content-type": CONTENT_TYPE})

    assert answer.status_code == 202
    assert [one.partition(":")[0] for one in answer.json()["left_out"]] == [f"post.{last['id']}"]
    assert [run["id"] for run in sdk.query("torn")] == [first["id"]]


def test_a_run_in_progress_has_no_end(sdk):
    run = a_run("going", project="progress", seconds=None, outputs={})
    sdk.batch([run])

    (found,) = sdk.query("progress")

    assert (found["status"], found["end_time"]) == ("pending", None)
    (thread,) = sdk.threads("progress")
    assert thread["latency_p50"] is None


def test_bodies_that_cannot_be_decoded_are_refused(sdk):
    head = {"content-type": CONTENT_TYPE}
    bomb = zstd(b"\0" * (80 << 20))

    def send(body: bytes, **more: str) -> int:
        answer = sdk.http.post("/runs/multipart", content=body, headers=head | more)
        assert isinstance(answer.json()["detail"], str)
        return answer.status_code

    assert send(bomb, **{"content-encoding": "zstd"}) == 413
    assert send(b"no zstd", **{"content-encoding": "zstd"}) in (400, 422)
    assert send(b"no boundary in it") in (400, 422)
    assert sdk.http.get("/info").status_code == 200


def test_a_batch_of_20_mb_is_taken(server, sdk):
    words = "0123456789abcdef" * 1024
    runs = [
        a_run("large", project="large", inputs={"text": f"{i} {words * 13}"}) for i in range(95)
    ]
    body = multipart_body([part for run in runs for part in parts_of(run)])
    assert 19 << 20 < len(body) < 21 << 20

    answer = sdk.http.post("/runs/multipart", content=body, headers={"content-type": CONTENT_TYPE})

    assert answer.status_code == 202
    server.wait_derived()
    found = sdk.query("large", limit=100, select=["id", "inputs"])
    assert {r["id"]: r["inputs"] for r in found} == {r["id"]: r["inputs"] for r in runs}


def test_keys_are_asked_for_where_tokens_are_set(make_server):
    server = make_server(write_token="w", read_token="r")
    nobody = Sdk(server)
    reader = Sdk(server, **{"x-api-key": "r"})
    writer = Sdk(server, **{"x-api-key": "w"})
    run = a_run(project="keys")

    assert nobody.http.get("/info").status_code == 200
    assert nobody.batch([run]).status_code == 401
    assert reader.batch([run]).status_code == 401
    assert writer.batch([run]).status_code == 202
    wait_until(lambda: [one["id"] for one in reader.query("keys")] == [run["id"]], "it is read")
    assert nobody.http.post("/runs/query", json={}).status_code == 401


@pytest.mark.slow
def test_a_tree_of_25_000_runs(server, sdk):
    """As many as LangSmith takes of a trace."""
    root = a_run("huge", project="huge", start=NOON, inputs={"question": "hi"})
    runs = [root]
    for i in range(24_999):
        parent = runs[i // 10]
        start = NOON + datetime.timedelta(milliseconds=i + 1)
        runs.append(a_run(project="huge", parent=parent, start=start, name=f"step {i}", inputs={}))
    for i in range(0, len(runs), 1000):
        assert sdk.batch(runs[i : i + 1000]).status_code == 202
    server.wait_derived()

    (found,) = sdk.query("huge", is_root=True, select=["child_run_ids", "thread_id"])

    assert len(found["child_run_ids"]) == 24_999
    assert found["thread_id"] == "huge"
    page = sdk.query("huge", trace=root["id"], limit=100, order="asc")
    assert page[0]["id"] == root["id"]
    assert len(page) == 100


@pytest.mark.slow
def test_a_kill_loses_no_acknowledged_run(make_server, tmp_path):
    folder = tmp_path / "killed"
    server = make_server(folder=folder)
    sdk = Sdk(server)
    acknowledged = []
    for _ in range(20):
        run = a_run("kept", project="kept")
        start, end = halves(run)
        if sdk.batch([start]).status_code == 202 and sdk.batch([], [end]).status_code == 202:
            acknowledged.append(run)
    server.kill()

    again = make_server(folder=folder)

    wait_until(lambda: len(Sdk(again).query("kept")) == 20, "all runs are read")
    found = {run["id"]: run for run in Sdk(again).query("kept")}
    assert found.keys() == {run["id"] for run in acknowledged}
    assert all(run["outputs"] == {"output": "ho"} for run in found.values())


@pytest.mark.parametrize("style", ["python", "js"])
def test_files_of_runs_are_listed_and_downloaded_without_a_key(sdk, style):
    project = f"files-{style}"
    run = a_run("t", project=project)
    name, data = "a/b c.png", bytes(range(256)) * 300
    parts = [*parts_of(run), (f"attachment.{run['id']}.{name}", data), ("attachment.no.x", b"x")]
    answer = sdk.multipart(parts, style=style)
    assert (answer.status_code, len(answer.json()["left_out"])) == (202, 1)
    (told,) = sdk.run(run["id"])["s3_urls"].items()
    assert told[0] == f"attachment.{name}"
    assert told[1]["mime_type"] == "application/octet-stream"
    url = told[1]["presigned_url"]
    got = httpx.get(url)
    assert (got.status_code, got.content) == (200, data)
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert httpx.get(url[:-1] + "x").status_code == 404
    assert httpx.get(url.partition("?")[0]).status_code == 404
    assert httpx.get(url.replace("expires=", "expires=1")).status_code == 404
    (listed,) = sdk.query(project, select=["s3_urls"])
    assert listed["s3_urls"].keys() == {f"attachment.{name}"}
    v2 = {"project_ids": [project_uuid_of(project)], "selects": ["ATTACHMENTS", "NAME"]}
    (item,) = sdk.v2.post("/api/v2/runs/query", json=v2).json()["items"]
    assert httpx.get(item["attachments"][name]).content == data
    # A file sent again takes the place of the one of its name.
    sdk.multipart([(f"attachment.{run['id']}.{name}", b"new")], style=style)
    again = sdk.run(run["id"])["s3_urls"][f"attachment.{name}"]["presigned_url"]
    assert httpx.get(again).content == b"new"


def test_files_stay_with_their_key_where_tokens_are_set(make_server):
    server = make_server(write_token="w")
    sdk = Sdk(server, **{"x-api-key": "w"})
    run = a_run("t", project="kept")
    sdk.multipart([*parts_of(run), (f"attachment.{run['id']}.f", b"data")])
    found = sdk.http.get(f"/runs/{run['id']}").json()["s3_urls"]["attachment.f"]
    assert httpx.get(found["presigned_url"]).content == b"data"
    bare = f"http://{server.addresses['http']}/runs/{run['id']}/attachments/f"
    assert httpx.get(bare).status_code == 404
    server.kill()
    server.start()
    signed = found["presigned_url"].partition("/runs/")[2]
    assert httpx.get(f"http://{server.addresses['http']}/runs/{signed}").content == b"data"
    assert httpx.get(f"http://{server.addresses['http']}/runs/{signed[:-1]}").status_code == 404
    sdk.close()


def test_a_root_comes_before_runs_that_start_with_it(sdk):
    root = a_run("t", project="ties", start=NOON, run_id="ffffffff-ffff-4fff-bfff-ffffffffffff")
    children = [
        a_run(
            "t",
            project="ties",
            start=NOON,
            parent=root,
            run_id=f"00000000-0000-4000-8000-00000000000{i}",
        )
        for i in (1, 2, 3)
    ]
    deep = a_run(
        "t",
        project="ties",
        start=NOON,
        parent=children[2],
        run_id="00000001-0000-4000-8000-000000000000",
    )
    sdk.batch(post=[deep, *children, root])
    sdk.settle()
    for order in ("asc", "desc"):
        seen, cursor = [], None
        while True:
            body = {"session": [project_uuid_of("ties")], "order": order, "limit": 2}
            answer = sdk.http.post(
                "/runs/query", json=body | ({"cursor": cursor} if cursor else {})
            )
            seen += [run["id"] for run in answer.json()["runs"]]
            cursor = answer.json()["cursors"]["next"]
            if not cursor:
                break
        assert seen[0] == root["id"], order
        assert sorted(seen) == sorted(run["id"] for run in (root, deep, *children))
    tree = sdk.v2.get(f"/api/v2/traces/{root['id']}/runs", params={"selects": "NAME"}).json()
    wanted = sorted((root, deep, *children), key=lambda run: run["dotted_order"])
    assert [one["id"] for one in tree["items"]] == [run["id"] for run in wanted]


def test_an_estimated_cost_is_told_for_prompt_and_completion(sdk):
    turn, call = a_conversation("priced", "priced", 1)
    sdk.batch(post=[turn, call])
    for run_id in (turn["id"], call["id"]):
        run = sdk.run(run_id)
        assert run["prompt_cost"] > 0
        assert run["completion_cost"] > 0
        assert run["prompt_cost"] + run["completion_cost"] == pytest.approx(run["total_cost"])
    # Of 11 tokens in and 7 out, at 0.15 and 0.6 dollars a million.
    assert sdk.run(call["id"])["prompt_cost"] == pytest.approx(11 * 0.15e-6)


def test_feedback_that_comes_before_its_run_becomes_its_score(sdk):
    run = a_run("early", project="early")
    told = {"run_id": run["id"], "key": "csat", "score": 1}
    made = sdk.http.post("/feedback", json=told).json()
    assert "warning" in made
    sdk.batch(post=[run])
    sdk.settle()
    trace = run["id"].replace("-", "")

    def scores() -> list[dict]:
        sdk.query("early")
        return sdk._server.get("/scores", trace_id=trace, project="early")["items"]

    wait_until(scores, "the feedback is a score of its trace")
    assert [(one["name"], one["value"]) for one in scores()] == [("csat", 1.0)]
    assert sdk.http.delete(f"/feedback/{made['id']}").status_code == 204
    assert scores() == []


def test_projects_are_made_described_and_deleted(make_server):
    server = make_server()
    sdk = Sdk(server)
    made = sdk.http.post("/sessions", json={"name": "new", "description": "of a test"}).json()
    assert (made["id"], made["run_count"]) == (project_uuid_of("new"), 0)
    assert sdk.http.post("/sessions", json={"name": "new"}).status_code == 409
    again = {"name": "new", "description": "anew"}
    assert sdk.http.post("/sessions", params={"upsert": "true"}, json=again).status_code == 200
    server.stop()
    server.start()
    sdk = Sdk(server)
    (found,) = sdk.http.get("/sessions", params={"name": "new"}).json()
    assert found["description"] == "anew"
    path = f"/sessions/{found['id']}"
    assert sdk.http.patch(path, json={"description": "last"}).json()["description"] == "last"
    assert sdk.http.patch(path, json={"name": "other"}).status_code == 400
    run, kept = a_run(session_name="new"), a_run(session_name="kept")
    sdk.batch([run, kept])
    assert len(sdk.query("new")) == 1
    assert sdk.http.delete(path).status_code == 202
    assert sdk.http.delete(path).status_code == 404
    assert sdk.http.get(path).status_code == 404
    assert sdk.http.get("/sessions", params={"name": "new"}).json() == []
    assert sdk.query("new") == []
    assert len(sdk.query("kept")) == 1
    sdk.close()


def test_what_a_model_request_tells_of_its_cost_is_answered(sdk):
    usage = {
        "input_tokens": 10,
        "output_tokens": 20,
        "total_tokens": 30,
        "input_cost": 1e-6,
        "output_cost": 2e-6,
        "total_cost": 3e-6,
        "input_token_details": {"audio": 1, "foo": 2},
        "output_token_details": {"reasoning": 3, "foo": 4, "bad": "x"},
        "input_cost_details": {"audio": 1e-7},
        "output_cost_details": {"reasoning": 3e-7},
    }
    told = [
        a_run(session_name="told", run_type="llm", outputs={"usage_metadata": usage}),
        a_run(session_name="told", run_type="llm", extra={"metadata": {"usage_metadata": usage}}),
    ]
    sdk.batch(told)
    for one in told:
        (listed,) = sdk.query("told", id=[one["id"]], select=["prompt_cost", "completion_cost"])
        for run in (listed, sdk.run(one["id"])):
            assert (run["prompt_cost"], run["completion_cost"]) == (1e-6, 2e-6)
            assert run["prompt_token_details"] == {"audio": 1, "foo": 2}
            assert run["completion_token_details"] == {"reasoning": 3, "foo": 4}
            assert run["prompt_cost_details"] == {"audio": 1e-7}
            assert run["completion_cost_details"] == {"reasoning": 3e-7}
        v2 = {"project_ids": [project_uuid_of("told")], "ids": [one["id"]]}
        v2["selects"] = ["PROMPT_COST", "PROMPT_COST_DETAILS", "PROMPT_TOKEN_DETAILS"]
        (item,) = sdk.v2.post("/api/v2/runs/query", json=v2).json()["items"]
        assert item["prompt_cost"] == 1e-6
        assert item["prompt_cost_details"] == {"raw": {"audio": 1e-7}}
        assert item["prompt_token_details"] == {"raw": {"audio": 1, "foo": 2}}


def test_older_programs_ask_for_the_first_run_of_a_trace(sdk):
    root = a_run(session_name="first")
    child = a_run(session_name="first", trace_id=root["id"], parent_run_id=root["id"])
    child["dotted_order"] = f"{root['dotted_order']}.{child['dotted_order']}"
    sdk.batch([root, child])
    assert [run["id"] for run in sdk.query("first", execution_order=1)] == [root["id"]]
    assert len(sdk.query("first")) == 2


def test_a_link_takes_feedback_without_a_key(make_server):
    server = make_server(write_token="w")
    sdk = Sdk(server, **{"x-api-key": "w"})
    run = a_run(session_name="links")
    sdk.batch([run])
    asked = {"run_id": run["id"], "feedback_key": "thumb"}
    made = sdk.http.post("/feedback/tokens", json=asked).json()
    assert made["url"].endswith(f"/feedback/tokens/{made['id']}")
    both = sdk.http.post("/feedback/tokens", json=[asked | {"expires_in": {"hours": 1}}, asked])
    assert len(both.json()) == 2
    assert httpx.get(made["url"], params={"score": "1", "comment": "good"}).status_code == 200
    body = {"score": 0.5, "value": {"a": 1}, "key": "another", "run_id": new_id()}
    assert httpx.post(made["url"], json=body).status_code == 200
    found = sdk.http.get("/feedback", params={"run": run["id"]}).json()
    assert {(one["key"], one["score"], one["comment"]) for one in found} == {
        ("thumb", 1, "good"),
        ("thumb", 0.5, None),
    }
    listed = sdk.http.get("/feedback/tokens", params={"run_id": run["id"]}).json()
    assert made["id"] in {one["id"] for one in listed}
    bare = made["url"].rpartition("/")[0]
    assert httpx.post(bare, json=asked).status_code == 401
    assert httpx.post(f"{bare}/{new_id()}", json={"score": 1}).status_code == 404
    for wrong in (
        {"run_id": run["id"]},
        {"feedback_key": "k"},
        {**asked, "expires_in": {"days": 400}},
        {**asked, "expires_at": "2020-01-01T00:00:00Z"},
        {**asked, "expires_in": 5},
        [],
        [5],
    ):
        assert sdk.http.post("/feedback/tokens", json=wrong).status_code == 400, wrong
    sdk.close()
