"""Conversations of OTLP through Opik's calls: shapes, filters, threads, scores, comments, files."""

import json
import uuid

import httpx
import pytest
from builders import a_chat, a_request, a_span

from otel_threads.vendors import ids


class Opik:
    """Opik's calls on a server, in a project of its own."""

    def __init__(self, server) -> None:
        self.server = server
        self.project = f"p-{uuid.uuid4().hex[:8]}"
        self.base = f"{server.http}/api/v1/private"

    def send(self, *spans) -> None:
        headers = {"x_otel_threads_project": self.project}
        assert self.server.post(a_request(*spans), **headers).status_code == 200
        self.server.wait_derived()

    def call(self, method: str, path: str, status: int = 200, **given) -> httpx.Response:
        answer = httpx.request(method, f"{self.base}{path}", timeout=60, **given)
        assert answer.status_code == status, answer.text
        return answer

    def stream(self, path: str, **body) -> list[dict]:
        answer = self.call("POST", path, json={"project_name": self.project, **body})
        assert answer.headers["content-type"] == "application/octet-stream"
        lines = answer.text.split("\r\n")
        assert lines.pop() == ""
        return [json.loads(line) for line in lines]

    def page(self, path: str, **query) -> dict:
        return self.call("GET", path, params={"project_name": self.project, **query}).json()

    def thread(self, thread_id: str) -> dict:
        body = {"project_name": self.project, "thread_id": thread_id}
        return self.call("POST", "/traces/threads/retrieve", json=body).json()

    def threads(self, *filters: dict) -> set[str]:
        return {row["id"] for row in self.stream("/traces/threads/search", filters=[*filters])}

    def traces(self, *filters: dict) -> set[str]:
        return {row["thread_id"] for row in self.stream("/traces/search", filters=[*filters])}


@pytest.fixture
def opik(server) -> Opik:
    return Opik(server)


def a_filter(field: str, operator: str, value="", key: str = "") -> dict:
    return {"field": field, "operator": operator, "value": value, "key": key}


def test_a_trace_of_otlp_is_one_of_opiks(opik):
    root = a_span(name="agent", attributes={"input.value": '{"q": 1.0}', "output.value": "done"})
    call = a_chat(
        "t", "Hello", "Hi", trace_id=root.trace_id, parent_span_id=root.span_id, name="chat"
    )
    opik.send(root, call)
    (row,) = opik.stream("/traces/search")
    assert row["id"] == str(uuid.UUID(root.trace_id.hex()))
    assert row["input"] == {"q": 1.0}
    assert row["output"] == "done"
    assert (row["span_count"], row["llm_span_count"]) == (2, 1)
    assert row["usage"] == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    assert row["thread_id"] == "t"
    assert row["project_id"] == ids.project_uuid_of(opik.project)
    whole = opik.call("GET", f"/traces/{row['id']}").json()
    assert whole == row
    spans = {s["name"]: s for s in opik.stream("/spans/search", trace_id=row["id"])}
    assert "parent_span_id" not in spans["agent"]
    assert spans["chat"]["parent_span_id"] == spans["agent"]["id"]
    assert (spans["chat"]["type"], spans["chat"]["model"]) == ("llm", "gpt-4o-mini")
    assert opik.call("GET", f"/spans/{spans['chat']['id']}").json() == spans["chat"]


def test_a_thread_of_otlp_is_one_of_opiks(opik):
    opik.send(a_chat("t/1 é", "Hello", "Hi"))
    opik.send(a_chat("t/1 é", "More", "Sure"))
    row = opik.thread("t/1 é")
    assert row["number_of_messages"] == 4
    assert row["first_message"]["messages"][0]["parts"][0]["content"] == "Hello"
    assert row["last_message"]["messages"][0]["parts"][0]["content"] == "Sure"
    assert row["status"] == "active"
    assert row["thread_model_id"] == ids.thread_uuid_of(opik.project, "t/1 é")
    assert opik.stream("/traces/threads/search")[0] == row


def test_a_trace_that_ends_as_late_as_a_column_holds_is_read_with_its_thread(opik):
    opik.send(a_chat("t", "Hello", "Hi", end_time_unix_nano=2**63 - 1))
    opik.send(a_chat("t", "More", "Sure"))
    assert opik.thread("t")["number_of_messages"] == 4
    assert opik.page("/traces")["total"] == 2
    rows = opik.stream("/traces/search") + opik.stream("/spans/search")
    assert sorted(row["end_time"][:4] for row in rows)[-2:] == ["2262", "2262"]
    assert [opik.call("GET", f"/traces/{row['id']}").json() for row in rows[:2]] == rows[:2]
    thread = {"project": opik.project, "thread_id": "t"}
    turns = httpx.get(f"{opik.server.api}/threads/turns", params=thread).json()["items"]
    assert [turn["user"] for turn in turns] == ["Hello", "More"]
    exported = httpx.get(
        f"{opik.server.api}/export/threads", params={"project": opik.project, "format": "jsonl"}
    )
    assert (exported.status_code, "More" in exported.text) == (200, True)


def test_unknown_projects_are_empty_and_ids_are_not_found(opik):
    nobody = {"project_name": f"no-{opik.project}"}
    assert opik.call("POST", "/traces/search", json=nobody).content == b""
    assert opik.call("POST", "/traces/threads/search", json=nobody).content == b""
    assert (
        opik.call("GET", "/traces", params={"project_id": str(uuid.uuid4())}).json()["total"] == 0
    )
    missing = str(uuid.uuid4())
    answer = opik.call("GET", f"/traces/{missing}", 404).json()
    assert answer == {"errors": [f"Not found trace with id '{missing}'"]}
    opik.call("GET", f"/spans/{missing}", 404)
    opik.call("POST", "/traces/threads/retrieve", 404, json={**nobody, "thread_id": "t"})


def test_streams_page_by_the_id_of_the_last_row(opik):
    for i in range(5):
        opik.send(a_chat(f"t{i}", "q", "a"))
    seen: list[str] = []
    last = None
    while rows := opik.stream("/traces/search", limit=2, last_retrieved_id=last):
        seen += [row["thread_id"] for row in rows]
        last = rows[-1]["id"]
    assert seen == ["t4", "t3", "t2", "t1", "t0"]
    for name in ("id", "thread_model_id"):  # an SDK sends the thread id where the model id belongs
        seen, last = [], None
        while rows := opik.stream(
            "/traces/threads/search", limit=2, last_retrieved_thread_model_id=last
        ):
            seen += [row["id"] for row in rows]
            last = rows[-1][name]
        assert seen == ["t4", "t3", "t2", "t1", "t0"]
    first = opik.page("/traces", size=2)
    assert (first["page"], first["size"], first["total"]) == (1, 2, 5)
    assert [row["thread_id"] for row in opik.page("/traces", page=3, size=2)["content"]] == ["t0"]
    spans = opik.stream("/spans/search", limit=3)
    more = opik.stream("/spans/search", limit=3, last_retrieved_id=spans[-1]["id"])
    assert len({row["id"] for row in spans + more}) == 5


def test_filters_ignore_case_and_are_joined_by_and(opik):
    for name in ("user-a", "USER-b", "other"):
        opik.send(a_chat(name, f"question of {name}", "Answer"))
    assert opik.threads(a_filter("id", "=", "User-B")) == {"USER-b"}
    assert opik.threads(a_filter("id", "!=", "OTHER")) == {"user-a", "USER-b"}
    assert opik.threads(a_filter("id", ">", "p")) == {"user-a", "USER-b"}
    assert opik.traces(a_filter("thread_id", "starts_with", "USER")) == {"user-a", "USER-b"}
    assert opik.traces(a_filter("thread_id", "not_contains", "ser")) == {"other"}
    assert opik.traces(a_filter("input", "contains", "OF USER-A")) == {"user-a"}
    assert opik.threads(a_filter("first_message", "contains", "of other")) == {"other"}
    assert opik.threads(a_filter("number_of_messages", "=", "2")) == {"user-a", "USER-b", "other"}
    assert opik.threads(a_filter("number_of_messages", ">", "2")) == set()
    assert opik.traces(a_filter("usage.total_tokens", "<", "15")) == set()
    both = (a_filter("id", "starts_with", "user"), a_filter("id", "ends_with", "B"))
    assert opik.threads(*both) == {"USER-b"}
    time = a_filter("start_time", "<", "2020-01-01T00:00:00Z")
    assert opik.threads(time) == set()
    assert opik.threads(a_filter("status", "in", "active, x")) == {"user-a", "USER-b", "other"}
    assert opik.threads(a_filter("annotation_queue_ids", "is_empty")) == {
        "user-a",
        "USER-b",
        "other",
    }


def test_failures_are_found(opik):
    bad = a_chat("bad", "q", None)
    bad.status.code = 2
    opik.send(bad)
    opik.send(a_chat("good", "q", "a"))
    assert opik.traces(a_filter("error_info", "is_not_empty")) == {"bad"}
    assert opik.traces(a_filter("error_info", "is_empty")) == {"good"}


@pytest.mark.parametrize(
    "query",
    [
        {"filters": "not json"},
        {"filters": '{"field": "id"}'},
        {"filters": '[{"field": "nothing", "operator": "=", "value": "x"}]'},
        {"filters": '[{"field": "id", "operator": "like", "value": "x"}]'},
        {"filters": '[{"field": "duration", "operator": "=", "value": "long"}]'},
        {"filters": '[{"field": "start_time", "operator": "<", "value": "yesterday"}]'},
        {"filters": '[{"field": "feedback_scores", "operator": "=", "value": "1"}]'},
        {"sorting": "not json"},
        {"page": "0"},
        {"size": "many"},
        {"from_time": "soon"},
        {"project_name": ""},
    ],
)
def test_a_question_that_cannot_be_is_refused(opik, query):
    for path in ("/traces", "/traces/threads"):
        given = {"project_name": opik.project, **query}
        answer = opik.call("GET", path, 400, params=given).json()
        assert answer["code"] == 400
        assert answer["message"]


def test_lists_are_sorted(opik):
    opik.send(a_chat("one", "q", "a"))
    opik.send(a_chat("two", "q", "a"), a_chat("two", "q", "a"))
    by_messages = json.dumps([{"field": "number_of_messages", "direction": "DESC"}])
    found = opik.page("/traces/threads", sorting=by_messages)
    assert [row["id"] for row in found["content"]] == ["two", "one"]
    assert "number_of_messages" in found["sortableBy"]
    score = {"project_name": opik.project, "thread_id": "one", "name": "Q", "value": 1}
    opik.call("PUT", "/traces/threads/feedback-scores", 204, json={"scores": [score]})
    by_score = json.dumps([{"field": "feedback_scores.Q", "direction": "DESC"}])
    found = opik.page("/traces/threads", sorting=by_score)
    assert [row["id"] for row in found["content"]] == ["one", "two"]
    active = json.dumps([a_filter("status", "=", "active")])
    found = opik.page("/traces/threads", sorting=by_score, filters=active)
    assert [row["id"] for row in found["content"]] == ["one", "two"]
    unknown = json.dumps([{"field": "nothing", "direction": "DESC"}])
    assert opik.page("/traces/threads", sorting=unknown)["total"] == 2


def test_several_authors_score_a_thread(opik):
    opik.send(a_chat("t", "q", "a"))
    common = {"project_name": opik.project, "thread_id": "t", "name": "csat"}
    scores = [
        {**common, "value": 4, "author": "ann", "source": "ui", "category_name": "good"},
        {**common, "value": 1, "author": "bob", "source": "sdk", "reason": "slow"},
    ]
    opik.call("PUT", "/traces/threads/feedback-scores", 204, json={"scores": scores})
    (score,) = opik.thread("t")["feedback_scores"]
    assert (score["value"], score["reason"]) == (2.5, "<no reason>, slow")
    assert {name: one["value"] for name, one in score["value_by_author"].items()} == {
        "ann": 4,
        "bob": 1,
    }
    assert opik.threads(a_filter("feedback_scores", ">", "2", key="CSAT")) == {"t"}
    assert opik.threads(a_filter("feedback_scores.csat", ">", "3")) == set()
    names = opik.page("/traces/threads/feedback-scores/names")
    assert names == {"scores": [{"name": "csat"}]}
    stats = {s["name"]: s["value"] for s in opik.page("/traces/threads/stats")["stats"]}
    assert (stats["thread_count"], stats["feedback_scores.csat"]) == (1, 2.5)
    gone = {"project_name": opik.project, "thread_id": "t", "names": ["csat"], "author": "bob"}
    opik.call("POST", "/traces/threads/feedback-scores/delete", 204, json=gone)
    (score,) = opik.thread("t")["feedback_scores"]
    assert (score["value"], score["created_by"]) == (4, "ann")


def test_a_new_trace_takes_a_threads_scores_and_opens_it(opik):
    opik.send(a_chat("t", "q", "a"))
    thread = {"project_name": opik.project, "thread_id": "t"}
    score = {**thread, "name": "csat", "value": 4, "source": "ui"}
    model = opik.thread("t")["thread_model_id"]
    opik.call("PUT", "/traces/threads/close", 204, json=thread)
    # Whatever the status.
    opik.call("PUT", "/traces/threads/feedback-scores", 204, json={"scores": [score]})
    opik.call("PATCH", f"/traces/threads/{model}", 204, json={"tags": ["vip"]})
    opik.call("POST", f"/traces/threads/{model}/comments", 201, json={"text": "look"})
    closed = opik.thread("t")
    assert (closed["status"], len(closed["feedback_scores"])) == ("inactive", 1)
    opik.send(a_chat("t", "more", "b"))
    opened = opik.thread("t")
    assert opened["status"] == "active"
    assert "feedback_scores" not in opened
    assert opened["tags"] == ["vip"]
    assert [one["text"] for one in opened["comments"]] == ["look"]
    # Opened by hand, its scores go as well.
    opik.call("PUT", "/traces/threads/feedback-scores", 204, json={"scores": [score]})
    opik.call("PUT", "/traces/threads/open", 204, json=thread)
    assert "feedback_scores" not in opik.thread("t")


def test_closing_is_all_or_nothing(opik):
    opik.send(a_chat("t", "q", "a"))
    both = {"project_name": opik.project, "thread_ids": ["t", "none"]}
    opik.call("PUT", "/traces/threads/close", 404, json=both)
    assert opik.thread("t")["status"] == "active"
    neither = {"project_name": opik.project}
    opik.call("PUT", "/traces/threads/close", 422, json=neither)
    opik.call("PUT", "/traces/threads/open", 204, json={**neither, "thread_id": "none"})


def test_tags_of_threads(opik):
    opik.send(a_chat("t", "q", "a"))
    model = opik.thread("t")["thread_model_id"]
    path = f"/traces/threads/{model}"
    opik.call("PATCH", path, 204, json={"tags": ["a", "b"]})
    opik.call("PATCH", path, 204, json={"tags_to_add": ["c"], "tags_to_remove": ["a"]})
    merged = {"ids": [model, str(uuid.uuid4())], "update": {"tags": ["d"]}, "merge_tags": True}
    opik.call("PATCH", "/traces/threads/batch", 204, json=merged)
    assert opik.thread("t")["tags"] == ["b", "c", "d"]
    assert opik.threads(a_filter("tags", "contains", "D")) == {"t"}
    assert opik.threads(a_filter("tags", "is_empty")) == set()
    opik.call("PATCH", path, 204, json={"tags": ["x"]})
    assert opik.thread("t")["tags"] == ["x"]
    many = {"tags": [str(i) for i in range(51)]}
    answer = opik.call("PATCH", path, 422, json=many).json()
    assert answer == {"errors": ["Tag limit exceeded: maximum 50 tags per item"]}
    opik.call("PATCH", f"/traces/threads/{uuid.uuid4()}", 404, json={"tags": ["x"]})


def test_comments(opik):
    opik.send(a_chat("t", "q", "a"))
    (trace,) = opik.stream("/traces/search")
    (span,) = opik.stream("/spans/search")
    model = opik.thread("t")["thread_model_id"]
    for path, read in (
        (f"/traces/{trace['id']}", lambda: opik.stream("/traces/search")[0]),
        (f"/traces/threads/{model}", lambda: opik.thread("t")),
        (f"/spans/{span['id']}", lambda: opik.stream("/spans/search")[0]),
    ):
        made = opik.call("POST", f"{path}/comments", 201, json={"text": "look"})
        comment_id = made.headers["location"].rpartition("/")[2]
        assert [one["id"] for one in read()["comments"]] == [comment_id]
        assert opik.call("GET", f"{path}/comments/{comment_id}").json()["text"] == "look"
        kind = path.rpartition("/")[0]
        opik.call("PATCH", f"{kind}/comments/{comment_id}", 204, json={"text": "better"})
        assert read()["comments"][0]["text"] == "better"
        opik.call("PATCH", f"{kind}/comments/{comment_id}", 422, json={"text": " "})
        opik.call("POST", f"{kind}/comments/delete", 204, json={"ids": [comment_id, "none"]})
        opik.call("GET", f"{path}/comments/{comment_id}", 404)
        opik.call("PATCH", f"{kind}/comments/{comment_id}", 404, json={"text": "x"})
    opik.call("POST", f"/traces/threads/{uuid.uuid4()}/comments", 404, json={"text": "x"})


def test_scores_of_traces_and_spans_wait_for_them(opik):
    span = a_chat("t", "q", "a")
    trace_id = str(uuid.UUID(span.trace_id.hex()))
    span_id = ids.span_uuid_of(span.span_id.hex())
    common = {"project_name": opik.project, "source": "sdk"}
    on_trace = [{**common, "id": trace_id, "name": "thumb", "value": 1}]
    on_span = [{**common, "id": span_id, "name": "grounded", "value": 0.25}]
    opik.call("PUT", "/traces/feedback-scores", 204, json={"scores": on_trace})
    opik.call("PUT", "/spans/feedback-scores", 204, json={"scores": on_span})
    opik.send(span)
    (trace,) = opik.stream("/traces/search")
    assert [(s["name"], s["value"]) for s in trace["feedback_scores"]] == [("thumb", 1)]
    assert [(s["name"], s["value"]) for s in trace["span_feedback_scores"]] == [("grounded", 0.25)]
    assert opik.traces(a_filter("span_feedback_scores", "<", "0.5", key="grounded")) == {"t"}
    again = {"name": "grounded", "value": 0.75, "source": "ui"}
    opik.call("PUT", f"/spans/{span_id}/feedback-scores", 204, json=again)
    (row,) = opik.stream("/spans/search")
    assert [(s["value"], s["source"]) for s in row["feedback_scores"]] == [(0.75, "ui")]
    opik.call("POST", f"/spans/{span_id}/feedback-scores/delete", 204, json={"name": "grounded"})
    assert "feedback_scores" not in opik.stream("/spans/search")[0]
    long = {**common, "id": span_id, "name": "long", "value": 1, "category_name": "c" * 201}
    opik.call("PUT", "/spans/feedback-scores", 204, json={"scores": [long]})
    (row,) = opik.stream("/spans/search")
    assert row["feedback_scores"][0]["category_name"] == "c" * 200
    assert opik.page("/traces/feedback-scores/names") == {"scores": [{"name": "thumb"}]}


@pytest.mark.parametrize(
    "change", [{"name": " "}, {"value": 1e9}, {"value": "x"}, {"thread_id": ""}]
)
def test_a_score_that_cannot_be_is_refused_with_its_batch(opik, change):
    good = {"project_name": opik.project, "thread_id": "t", "name": "csat", "value": 1}
    path = "/traces/threads/feedback-scores"
    answer = opik.call("PUT", path, 422, json={"scores": [good, {**good, **change}]})
    assert answer.json()["errors"]
    assert opik.page(f"{path}/names") == {"scores": []}


def test_threads_are_deleted_with_their_traces(opik):
    opik.send(a_chat("t", "q", "a"))
    opik.send(a_chat("stays", "q", "a"))
    opik.call("POST", "/traces/threads/delete", 422, json={"thread_ids": ["t"]})
    gone = {"project_name": opik.project, "thread_ids": ["t", "none"]}
    opik.call("POST", "/traces/threads/delete", 204, json=gone)
    assert opik.threads() == {"stays"}
    assert opik.traces() == {"stays"}


def test_statistics_of_traces_have_opiks_names(opik):
    opik.send(a_chat("t", "q", "a"))
    stats = opik.page("/traces/stats")["stats"]
    named = {one["name"]: one["value"] for one in stats}
    assert [one["name"] for one in stats][:5] == [
        "trace_count",
        "duration",
        "input",
        "output",
        "metadata",
    ]
    assert (named["trace_count"], named["input"], named["usage.total_tokens"]) == (1, 1, 15)
    assert set(named["duration"]) == {"p50", "p90", "p99"}
    assert opik.page("/traces/exists") == {"exists": True}
    assert opik.page("/spans/stats")["stats"][0]["value"] == 1


def test_projects_are_found_without_case_and_made_by_name(opik):
    opik.send(a_chat("t", "q", "a"))
    other = opik.call("POST", "/traces/search", json={"project_name": opik.project.upper()})
    assert json.loads(other.text.splitlines()[0])["thread_id"] == "t"
    found = opik.call("POST", "/projects/retrieve", json={"name": opik.project}).json()
    assert found["id"] == ids.project_uuid_of(opik.project)
    assert opik.call("GET", f"/projects/{found['id']}").json()["name"] == opik.project
    new = f"new-{opik.project}"
    made = opik.call("POST", "/projects", 201, json={"name": new, "description": "mine"})
    assert made.headers["location"].endswith(ids.project_uuid_of(new))
    opik.call("POST", "/projects", 409, json={"name": new})
    page = opik.call("GET", "/projects", params={"name": new.upper(), "size": 5}).json()
    assert [(one["name"], one["description"]) for one in page["content"]] == [(new, "mine")]
    opik.call("POST", "/projects/retrieve", 404, json={"name": "nothing at all"})


def test_the_printed_link_leads_to_our_page(opik):
    opik.send(a_chat("t", "q", "a"))
    (trace,) = opik.stream("/traces/search")
    link = f"{opik.server.http}/api/v1/session/redirect/projects/"
    answer = httpx.get(link, params={"trace_id": trace["id"], "path": "aHR0cDovL2V2aWwu"})
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(
        f"/#/trace?trace_id={trace['id'].replace('-', '')}"
    )


def test_files_beside_a_trace(opik):
    opik.send(a_chat("t", "q", "a"))
    (trace,) = opik.stream("/traces/search")
    data = bytes(range(256)) * 400  # several chunks, with bytes that are no text
    start = {
        "file_name": "päge<.html",
        "mime_type": "text/html",
        "project_name": opik.project,
        "entity_type": "trace",
        "entity_id": trace["id"],
        "path": "aHR0cDovLzEyNy4wLjAuMTo5L2FwaQ==",
    }
    sent = opik.call("POST", "/attachment/upload-start", json=start).json()
    assert sent["upload_id"] == "BEMinIO"
    (link,) = sent["pre_sign_urls"]
    assert link.startswith("http://127.0.0.1:9/api/v1/private/attachment/upload?")
    mine = link.replace("http://127.0.0.1:9", opik.server.http)
    pieces = iter([data[:1000], data[1000:]])  # chunked, as the SDK sends it
    assert httpx.put(mine, content=pieces).status_code == 204
    query = {"entity_type": "trace", "entity_id": trace["id"], "project_name": opik.project}
    (shown,) = opik.call("GET", "/attachment/list", params=query).json()["content"]
    assert (shown["file_name"], shown["file_size"], shown["mime_type"]) == (
        "päge<.html",
        len(data),
        "text/html",
    )
    answer = httpx.get(shown["link"])
    assert answer.content == data
    # A browser runs nothing of it.
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    gone = {**query, "file_name": "päge<.html"}
    opik.call("POST", "/attachment/delete", 204, json=gone)
    assert opik.call("GET", "/attachment/list", params=query).json()["total"] == 0


def test_rules_are_kept_as_they_were_given(opik):
    opik.send(a_chat("t", "q", "a"))
    project_id = ids.project_uuid_of(opik.project)
    code = {
        "model": {"name": "gpt-4o-mini"},
        "messages": [{"role": "USER", "content": "Rate: {{context}}"}],
        "schema": [{"name": "Coherence", "type": "DOUBLE", "description": "0 to 1"}],
    }
    rule = {"name": "coherence", "type": "trace_thread_llm_as_judge", "code": code}
    path = "/automations/evaluators"
    made = opik.call("POST", path, 201, json={**rule, "project_ids": [project_id]})
    rule_id = made.headers["location"].rpartition("/")[2]
    found = opik.call("GET", path, params={"project_id": project_id}).json()
    assert (found["total"], found["sortable_by"]) == (1, [])
    (one,) = found["content"]
    assert (one["id"], one["code"], one["sampling_rate"]) == (rule_id, code, 1.0)
    assert one["projects"] == [{"project_id": project_id, "project_name": opik.project}]
    opik.call("PATCH", f"{path}/{rule_id}", 204, json={**rule, "enabled": False})
    assert opik.call("GET", f"{path}/{rule_id}").json()["enabled"] is False
    other = {**rule, "type": "llm_as_judge"}
    opik.call("PATCH", f"{path}/{rule_id}", 422, json=other)
    wrong = {**rule, "project_ids": [project_id], "sampling_rate": 2}
    opik.call("POST", path, 422, json=wrong)
    assert opik.call("GET", f"{path}/{rule_id}/logs").json()["content"] is not None
    opik.call("POST", f"{path}/delete", 204, json={"ids": [rule_id]})
    opik.call("GET", f"{path}/{rule_id}", 404)


def test_the_workspaces_cooldown_holds_at_once_and_after_a_start(make_server):
    server = make_server()
    opik = Opik(server)
    opik.send(a_chat("t", "q", "a"))
    opik.call("GET", "/workspaces/configurations", 404)
    setting = {"timeout_to_mark_thread_as_inactive": "PT0.001S"}
    answer = opik.call("PUT", "/workspaces/configurations", json=setting)
    assert answer.json() == setting
    assert opik.thread("t")["status"] == "inactive"
    assert opik.threads(a_filter("status", "=", "inactive")) == {"t"}
    server.stop()
    server.start()
    opik = Opik(server)
    assert opik.call("GET", "/workspaces/configurations").json() == setting
    (thread,) = server.get("/threads", project="*")["items"]
    assert thread["status"] == "inactive"
    opik.call("DELETE", "/workspaces/configurations", 204)
    (thread,) = server.get("/threads", project="*")["items"]
    assert thread["status"] == "active"
    wrong = {"timeout_to_mark_thread_as_inactive": "soon"}
    opik.call("PUT", "/workspaces/configurations", 400, json=wrong)


def test_the_workspace_is_whatever_the_sdk_says(opik):
    answer = opik.call("GET", "/auth/workspace", headers={"Comet-Workspace": "mine"})
    assert answer.json() == {"workspace_name": "mine"}
    opik.call("POST", "/auth", 204)
    assert opik.call("GET", "/toggles/").json() == {}


ODD_TEXTS = ("NaN", "-Infinity", "1e400", "9" * 400, '"cut \\ud83d"')


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_what_sdks_write_and_is_no_json_costs_nothing_beside_it(opik, odd):
    """JavaScript cuts emojis in half, Python writes NaN: Opik itself takes both."""
    good, bad = ids.new_uuid(), ids.new_uuid()
    about = f'"project_name": "{opik.project}", "start_time": "2026-01-01T00:00:00Z"'
    traces = [f'{{"id": "{one}", "input": {{"a": %s}}, {about}}}' for one in (good, bad)]
    body = f'{{"traces": [{traces[0] % 1}, {traces[1] % odd}]}}'
    opik.call("POST", "/traces/batch", 204, content=body)
    opik.server.wait_derived()
    inputs = {row["id"]: row["input"] for row in opik.stream("/traces/search")}
    assert inputs[good] == {"a": 1}
    if odd in ODD_TEXTS[:2]:
        assert inputs[bad] == {"a": None}
    if odd == ODD_TEXTS[-1]:
        assert inputs[bad] == {"a": "cut \ufffd"}
    text = odd if odd.startswith('"') else '"why"'
    number = "0.5" if odd.startswith('"') else odd
    score = f'"project_name": "{opik.project}", "name": "csat", "source": "sdk"'
    scores = [
        f'{{"id": "{good}", {score}, "value": 1}}',
        f'{{"id": "{bad}", {score}, "value": {number}, "reason": {text}}}',
    ]
    opik.call("PUT", "/traces/feedback-scores", 204, content=f'{{"scores": [{",".join(scores)}]}}')
    rows = {row["id"]: row for row in opik.stream("/traces/search")}
    assert rows[good]["feedback_scores"][0]["value"] == 1
    if number == "0.5":
        assert rows[bad]["feedback_scores"][0]["reason"] == "cut \ufffd"
    else:
        assert "feedback_scores" not in rows[bad]
        path = f"/traces/{bad}/feedback-scores"
        opik.call("PUT", path, 422, content=f'{{{score}, "value": {odd}}}')
    asked = f'{{"project_name": "{opik.project}", "filters": %s, "limit": 5}}'
    name = f'[{{"field": "name", "operator": "=", "value": {odd}}}]'
    opik.call("POST", "/traces/search", 200, content=asked % name)


def test_half_an_emoji_is_taken_by_every_call(opik):
    opik.send(a_chat("t", "q", "a"))
    (trace,) = opik.stream("/traces/search")
    half, about = '"\\ud83d"', f'"project_name": "{opik.project}"'
    for method, path, body, status in (
        ("POST", f"/traces/{trace['id']}/comments", f'{{"text": {half}}}', 201),
        ("POST", "/spans/search", f'{{{about}, "filters": [{NAMED % half}]}}', 200),
        ("POST", "/traces/threads/retrieve", f'{{{about}, "thread_id": {half}}}', 404),
        ("PUT", "/traces/threads/close", f'{{{about}, "thread_id": {half}}}', 404),
        ("POST", "/traces/threads/delete", f'{{{about}, "thread_ids": [{half}]}}', 204),
        ("POST", f"/traces/{trace['id']}/feedback-scores/delete", f'{{"name": {half}}}', 204),
    ):
        opik.call(method, path, status, content=body)


NAMED = '{"field": "name", "operator": "=", "value": %s}'


def test_a_count_that_is_none_costs_no_list(opik):
    """A sender may write any number: what no column holds is not given."""
    trace_id = ids.new_uuid()
    started = {"start_time": "2026-01-01T00:00:00Z", "project_name": opik.project}
    counts = (10**30, 2**63 - 1, 2**63 - 1, 2**64 - 1, -1, 5, 7)
    spans = [
        {"id": ids.new_uuid(), "trace_id": trace_id, "type": "llm", **started}
        | {"usage": {"total_tokens": count, "prompt_tokens": 1}, "total_estimated_cost": 1e308}
        for count in counts
    ]
    opik.call("POST", "/traces/batch", 204, json={"traces": [{"id": trace_id, **started}]})
    opik.call("POST", "/spans/batch", 204, json={"spans": spans})
    opik.server.wait_derived()
    (trace,) = opik.stream("/traces/search")
    assert trace["usage"] == {"total_tokens": 12, "prompt_tokens": len(counts)}
    assert opik.call("GET", f"/traces/{trace_id}").json() == trace
    assert opik.page("/traces")["content"][0]["usage"] == trace["usage"]
    assert len(opik.stream("/spans/search")) == len(opik.page("/spans")["content"]) == len(counts)
    named = {one["name"]: one["value"] for one in opik.page("/spans/stats")["stats"]}
    assert named["usage_sum.total_tokens"] == 12
    opik.page("/traces/stats")


def test_records_of_an_sdk_come_back_as_they_were_sent(opik):
    trace_id, span_id = str(uuid.uuid4()), str(uuid.uuid4())
    started = {"start_time": "2026-01-01T00:00:00.000001Z", "project_name": opik.project}
    trace = '{"id": "%s", "thread_id": "r", "name": "n", "input": {"one": 1.0, "z": null, "a": %d}'
    body = '{"traces": [' + trace % (trace_id, 10**30) + "," + json.dumps(started)[1:] + "]}"
    opik.call("POST", "/traces/batch", 204, content=body)
    span = {"id": span_id, "trace_id": trace_id, "name": "s", "type": "llm", **started}
    usage = {"prompt_tokens": 3, "total_tokens": 3, "original_usage.total_tokens": 3}
    spans = {"spans": [{**span, "usage": usage, "tags": ["of span"]}]}
    opik.call("POST", "/spans/batch", 204, json=spans)
    opik.server.wait_derived()
    text = opik.call("GET", f"/traces/{trace_id}").text
    assert '"input":{"one": 1.0, "z": null, "a": 1' + "0" * 30 + "}" in text
    row = json.loads(text)
    assert row["start_time"] == "2026-01-01T00:00:00.000001Z"
    assert (row["span_count"], row["usage"], row.get("tags")) == (1, usage, None)
    assert "end_time" not in row
    assert "duration" not in row
    (shown,) = opik.stream("/spans/search", trace_id=trace_id)
    assert (shown["id"], shown["tags"], shown["type"]) == (span_id, ["of span"], "llm")
    assert "parent_span_id" not in shown
    # It goes on: nobody has answered yet.
    thread = opik.thread("r")
    assert thread["first_message"] == row["input"]
    assert "last_message" not in thread
    opik.call("PATCH", f"/traces/{trace_id}", 204, json={"output": "x" * 20_000})
    ended = {"end_time": "2026-01-01T00:00:01.000001Z"}
    opik.call("PATCH", f"/traces/{trace_id}", 204, json=ended)
    opik.server.wait_derived()
    assert opik.thread("r")["last_message"] == "x" * 20_000
    (cut,) = opik.stream("/traces/search")
    assert len(cut["output"]) == 10_001
    assert cut["duration"] == 1000
    (whole,) = opik.stream("/traces/search", truncate=False)
    assert whole["output"] == "x" * 20_000
    assert opik.threads(a_filter("last_message", "contains", "XXX")) == {"r"}
    assert opik.traces(a_filter("input_json", "=", "1.0", key="one")) == {"r"}
    # Its spans are no trace, and the trace is no span.
    opik.call("GET", f"/spans/{trace_id}", 404)
    opik.call("GET", f"/spans/{span_id}")


def test_spans_that_name_a_trace_are_read_as_its_spans(opik):
    trace, step, inner = (ids.new_uuid() for _ in range(3))
    words = {"input": {"q": "one"}, "output": {"a": "two"}, "end_time": "2026-01-01T00:00:09Z"}
    start = {"start_time": "2026-01-01T00:00:00Z", "project_name": opik.project}
    whole = {"id": trace, "name": "turn", "thread_id": "joined", **start, **words}
    opik.call("POST", "/traces/batch", 204, json={"traces": [whole]})
    record = {"id": step, "trace_id": trace, "name": "step", "type": "general", **start, **words}
    opik.call("POST", "/spans/batch", 204, json={"spans": [record]})
    told = {"opik.trace_id": trace, "opik.span_id": inner, "opik.parent_span_id": step}
    span = a_chat("elsewhere", "one", "two", attributes=told)
    assert opik.server.post(a_request(span), x_otel_threads_project="of-otlp").status_code == 200
    opik.server.wait_derived()
    (row,) = opik.stream("/traces/search")
    assert (row["id"], row["thread_id"], row["span_count"]) == (trace, "joined", 2)
    assert row["usage"]["total_tokens"] == 15
    spans = {s["id"]: s.get("parent_span_id") for s in opik.stream("/spans/search", trace_id=trace)}
    assert spans == {step: None, inner: step}
    assert opik.call("GET", f"/spans/{inner}").json()["name"] == "chat"
    assert opik.thread("joined")["number_of_messages"] == 2


def send_two_kinds(opik) -> str:
    """Send a span of OTLP and one of the SDK; return the trace of the second."""
    trace, step = ids.new_uuid(), ids.new_uuid()
    start = {"start_time": "2026-01-01T00:00:00Z", "project_name": opik.project}
    whole = {"id": trace, "name": "sdk", "thread_id": "of-sdk", "tags": ["b"], **start}
    opik.call(
        "POST", "/traces/batch", 204, json={"traces": [whole | {"input": "x", "output": "y"}]}
    )
    record = {
        "id": step,
        "trace_id": trace,
        "name": "step",
        "type": "llm",
        "model": "gpt-4o",
        "provider": "openai",
        "total_estimated_cost": 9.5,
        "ttft": 70.0,
        "tags": ["b"],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        "input": {"q": "from the sdk"},
        "output": "y",
        "end_time": "2026-01-01T00:01:00Z",
    }
    opik.call("POST", "/spans/batch", 204, json={"spans": [record | start]})
    root = a_span(name="agent", attributes={"input.value": "outer", "tag.tags": '["a"]'})
    inside = {"trace_id": root.trace_id, "parent_span_id": root.span_id, "name": "chat"}
    opik.send(root, a_chat("of-otlp", "Hello", "Hi", attributes={"custom": "12"}, **inside))
    return trace


def test_lists_are_sorted_by_every_field_that_they_name(opik):
    trace = send_two_kinds(opik)
    score = {"name": "q", "value": 0.5, "source": "sdk", "project_name": opik.project}
    opik.call("PUT", "/traces/feedback-scores", 204, json={"scores": [{**score, "id": trace}]})
    for path in ("/traces", "/spans", "/traces/threads"):
        fields = opik.page(path)["sortableBy"]
        assert len(fields) > 10
        for field in fields:
            name = field.replace("*", "q")
            both = [
                opik.page(path, sorting=json.dumps([{"field": name, "direction": direction}]))
                for direction in ("ASC", "DESC")
            ]
            names = [[row["id"] for row in page["content"]] for page in both]
            assert set(names[0]) == set(names[1]), (path, name)
    costs = [
        row.get("total_estimated_cost")
        for row in opik.page(
            "/spans", sorting='[{"field":"total_estimated_cost","direction":"DESC"}]'
        )["content"]
    ]
    assert costs[0] == 9.5
    models = opik.page("/spans", sorting='[{"field":"model","direction":"ASC"}]')["content"]
    assert [row.get("model") for row in models] == ["gpt-4o", "gpt-4o-mini", None]


def test_filters_of_spans_see_those_of_otlp_too(opik):
    send_two_kinds(opik)

    def found(*given) -> set[str]:
        return {row["name"] for row in opik.stream("/spans/search", filters=[a_filter(*given)])}

    assert found("model", "starts_with", "gpt-4o") == {"step", "chat"}
    assert found("model", "=", "GPT-4O-MINI") == {"chat"}
    assert found("model", "is_empty") == {"agent"}
    assert found("type", "=", "llm") == {"step", "chat"}
    assert found("usage.total_tokens", "<=", "15") == {"chat"}
    assert found("usage.prompt_tokens", "=", "100") == {"step"}
    assert found("total_estimated_cost", "<", "1") == {"chat"}
    assert found("ttft", ">", "1") == {"step"}
    assert found("input", "contains", "hello") == {"chat"}
    assert found("input", "contains", "outer") == {"agent"}
    assert found("input", "not_contains", "outer") == {"step", "chat"}
    assert found("output", "is_empty") == {"agent"}
    assert found("metadata", "=", "12", "custom") == {"chat"}
    assert found("metadata", ">", "3", "custom") == {"chat"}


def test_spans_are_found_by_ids_and_keys_as_answers_show_them(opik):
    trace = send_two_kinds(opik)
    (step,) = opik.stream("/spans/search", trace_id=trace)
    inner = {name: step[name] for name in ("trace_id", "start_time")} | {
        "id": ids.new_uuid(),
        "project_name": opik.project,
        "parent_span_id": step["id"],
        "name": "inner",
        "metadata": {"a": {"b": [10]}, "*": "star"},
    }
    opik.call("POST", "/spans/batch", 204, json={"spans": [inner]})
    opik.server.wait_derived()

    def found(*given) -> set[str]:
        return {row["name"] for row in opik.stream("/spans/search", filters=[a_filter(*given)])}

    rows = {row["name"]: row for row in opik.stream("/spans/search")}
    for name, row in rows.items():
        whole = row["id"]
        assert found("id", "=", whole.upper()) == {name}
        assert found("id", "!=", whole) == rows.keys() - {name}
        assert found("id", "ends_with", whole[-13:]) == {name}
        assert name in found("id", "starts_with", whole[:21])
        assert found("id", "not_contains", whole[4:]) == rows.keys() - {name}
        below = {n for n, other in rows.items() if other.get("parent_span_id") == whole}
        assert found("parent_span_id", "=", whole) == below
        assert found("parent_span_id", "!=", whole) == rows.keys() - below
        assert found("parent_span_id", "contains", whole[3:]) == below
    assert {row.get("parent_span_id") for row in rows.values()} == {
        None,
        rows["agent"]["id"],
        rows["step"]["id"],
    }
    for key in ("*", '"', "\\", "a.b[²]", "a[99999999999999999999]", "$", "", "a..b"):
        assert found("metadata", "=", "x", key) == set()
    assert found("metadata", "=", "10", "a.b[0]") == {"inner"}
    assert found("metadata", "=", "star", "*") == {"inner"}


def test_statistics_of_spans_count_both_kinds(opik):
    trace = send_two_kinds(opik)
    (step,) = opik.stream("/spans/search", trace_id=trace)
    score = {"name": "q", "value": 0.5, "source": "sdk", "project_name": opik.project}
    opik.call("PUT", "/spans/feedback-scores", 204, json={"scores": [{**score, "id": step["id"]}]})
    named = {one["name"]: one["value"] for one in opik.page("/spans/stats")["stats"]}
    assert (named["span_count"], named["input"], named["output"]) == (3, 3, 2)
    assert named["usage_sum.total_tokens"] == 135
    assert named["usage.prompt_tokens"] == 55
    assert named["total_estimated_cost_sum"] > 9.5
    assert (named["feedback_scores.q"], named["ttft"], named["error_count"]) == (0.5, 70, 0)


@pytest.mark.parametrize("thread_id", ["  between blanks ", '"quoted"', "a/b c"])
def test_a_thread_is_found_by_the_id_that_was_sent(opik, thread_id):
    """Blanks and quotes around an id are not kept: whoever sends them asks with them."""
    opik.send(a_chat(thread_id, "hi", "ho"))
    found = opik.thread(thread_id)
    assert found["number_of_messages"] == 2
    (same,) = opik.threads(a_filter("id", "=", thread_id))
    assert same == found["id"]
