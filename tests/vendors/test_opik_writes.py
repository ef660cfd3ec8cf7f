"""Opik's calls that write, through the port."""

import gzip
import json

import httpx
import pytest

from otel_threads.vendors import ids

START = "2026-11-28T16:00:00Z"
P = "/api/v1/private"


def call(server, method, path, body=None, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.request(
        method,
        f"{server.http}{path}",
        content=None if body is None else data,
        headers={"content-type": "application/json", **headers},
        timeout=60,
    )


def a_trace(**fields):
    return {"id": ids.new_uuid(), "start_time": START, "project_name": "opik-writes", **fields}


def spans_of(server, trace_uuid):
    server.wait_derived()
    answer = httpx.get(f"{server.api}/traces/{ids.trace_id_of(trace_uuid)}")
    return answer.json()["spans"] if answer.status_code == 200 else []


@pytest.mark.parametrize("prefix", ["", "/api", "/opik/api"])
@pytest.mark.parametrize("compressed", [False, True])
def test_traces_and_spans_are_stored(server, prefix, compressed):
    trace = a_trace(name="chat", input={"question": "a" * 300})
    span = {"id": ids.new_uuid(), "trace_id": trace["id"], "start_time": START, "name": "step"}

    def send(path, body):
        data = json.dumps(body).encode()
        more = {"content-encoding": "gzip"} if compressed else {}
        return call(
            server, "POST", f"{prefix}{path}", gzip.compress(data) if compressed else data, **more
        )

    assert send("/v1/private/traces/batch", {"traces": [trace]}).status_code == 204
    assert send("/v1/private/spans/batch", {"spans": [span]}).status_code == 204
    found = {one["name"]: one for one in spans_of(server, trace["id"])}
    assert found["step"]["parent_span_id"] == found["chat"]["span_id"]
    assert (
        json.loads(found["chat"]["attributes"]["otel_threads.record.field.input"]) == trace["input"]
    )


def test_one_item_is_created_once_and_changed(server):
    trace = a_trace(name="one")
    first = call(server, "POST", f"{P}/traces", trace)
    where = f"{server.http}{P}/traces/{trace['id']}"
    assert (first.status_code, first.headers["location"], first.content) == (201, where, b"")
    again = call(server, "POST", f"{P}/traces", trace)
    assert (again.status_code, list(again.json())) == (409, ["errors"])
    assert call(server, "PATCH", f"{P}/traces/{trace['id']}", {"name": "two"}).status_code == 204
    unknown = ids.new_uuid()
    assert call(server, "PATCH", f"{P}/traces/{unknown}", {"name": "early"}).status_code == 204
    assert [one["name"] for one in spans_of(server, trace["id"])] == ["two"]
    assert [one["name"] for one in spans_of(server, unknown)] == ["early"]


def test_many_are_changed_alike_and_unknown_ones_skipped(server):
    traces = [a_trace(tags=["a"]), a_trace()]
    unknown = ids.new_uuid()
    assert call(server, "POST", f"{P}/traces/batch", {"traces": traces}).status_code == 204
    body = {
        "ids": [*(one["id"] for one in traces), unknown],
        "update": {"tags": ["b"], "metadata": {"k": 1}},
        "merge_tags": True,
    }
    assert call(server, "PATCH", f"{P}/traces/batch", body).status_code == 204
    tags = [
        json.loads(spans_of(server, one["id"])[0]["attributes"]["otel_threads.record.field.tags"])
        for one in traces
    ]
    assert tags == [["a", "b"], ["b"]]
    assert spans_of(server, unknown) == []


def test_what_is_deleted_is_gone(server):
    trace, other, third = a_trace(), a_trace(), a_trace()
    span = {"id": ids.new_uuid(), "trace_id": third["id"], "start_time": START}
    call(server, "POST", f"{P}/traces/batch", {"traces": [trace, other, third]})
    call(server, "POST", f"{P}/spans/batch", {"spans": [span]})
    assert len(spans_of(server, third["id"])) == 2
    assert call(server, "DELETE", f"{P}/traces/{trace['id']}").status_code == 204
    body = {"ids": [other["id"], ids.new_uuid()]}
    assert call(server, "POST", f"{P}/traces/delete", body).status_code == 204
    assert call(server, "DELETE", f"{P}/spans/{span['id']}").status_code == 204
    assert call(server, "DELETE", f"{P}/spans/{ids.new_uuid()}").status_code == 204
    assert [len(spans_of(server, one["id"])) for one in (trace, other, third)] == [0, 0, 1]
    # A record that comes later makes it anew.
    call(server, "POST", f"{P}/traces/batch", {"traces": [trace]})
    assert len(spans_of(server, trace["id"])) == 1


GOOD = {"id": "01a22310-2450-7055-825c-18a3fa30b911", "start_time": START}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "traces/batch", {"traces": []}, 422),
        ("POST", "traces/batch", {}, 422),
        ("POST", "traces/batch", {"traces": [GOOD] * 1001}, 422),
        ("POST", "traces/batch", {"traces": [GOOD, {"id": GOOD["id"]}]}, 422),
        ("POST", "traces/batch", {"traces": [GOOD, GOOD | {"id": "x"}]}, 400),
        ("POST", "traces/batch", {"traces": [GOOD | {"start_time": "soon"}]}, 400),
        ("POST", "traces/batch", {"traces": [GOOD | {"project_name": " "}]}, 422),
        ("POST", "traces/batch", {"traces": [1]}, 400),
        ("POST", "traces/batch", {"traces": {}}, 400),
        ("POST", "traces/batch", b"{", 400),
        ("POST", "traces/batch", b'{"traces": "\xff"}', 400),
        ("POST", "traces", [], 400),
        ("POST", "traces/batch", b'{"traces": [{"input": NaN}]}', 422),
        ("POST", "traces/batch", b'{"traces": [NAN]}', 400),
        ("POST", "spans/batch", {"spans": [GOOD]}, 422),
        ("POST", "spans/batch", {"spans": [GOOD | {"trace_id": "no"}]}, 400),
        ("PATCH", f"spans/{GOOD['id']}", {"name": "a"}, 422),
        ("PATCH", "traces/no-uuid", {}, 400),
        ("PATCH", f"traces/{GOOD['id']}", {"tags": ["t"] * 51}, 422),
        ("PATCH", "traces/batch", {"ids": [], "update": {}}, 422),
        ("PATCH", "traces/batch", {"ids": [GOOD["id"]]}, 422),
        ("PATCH", "traces/batch", {"update": {}}, 422),
        ("DELETE", "traces/no-uuid", None, 400),
        ("POST", "traces/delete", {"ids": []}, 422),
    ],
)
def test_what_cannot_be_taken_is_refused_whole(server, method, path, body, status):
    answer = call(server, method, f"{P}/{path}", body)
    assert answer.status_code == status
    assert set(answer.json()) == ({"errors"} if status == 422 else {"code", "message"})
    assert spans_of(server, GOOD["id"]) == []


def test_a_key_is_needed_where_a_token_is_set(make_server):
    server = make_server(write_token="secret", read_token="eyes", ingest_token="in")
    body = {"traces": [a_trace()]}
    assert httpx.get(f"{server.http}/api/is-alive/ping").status_code == 200
    wrong = call(server, "POST", f"{P}/traces/batch", body, authorization="other")
    assert (wrong.status_code, wrong.json()["code"]) == (401, 401)
    for key in ("secret", "Bearer secret", "in"):
        answer = call(server, "POST", f"{P}/traces/batch", body, authorization=key)
        assert answer.status_code == 204
    gone = call(server, "DELETE", f"{P}/traces/{GOOD['id']}", authorization="in")
    assert gone.status_code == 401


def test_bodies_are_bounded(make_server):
    server = make_server(request_bytes_max=100_000, values_per_request_max=2000)
    trace = a_trace(input="x" * 120_000)
    large = call(server, "POST", f"{P}/traces/batch", {"traces": [trace]})
    assert (large.status_code, "request_bytes_max" in large.text) == (413, True)
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    exploding = call(server, "POST", f"{P}/traces/batch", bomb, **{"content-encoding": "gzip"})
    assert (exploding.status_code, "after decompression" in exploding.text) == (413, True)
    many = {"traces": [a_trace(input=[1] * 3000)]}
    assert call(server, "POST", f"{P}/traces/batch", many).status_code == 413
    deep = b'{"traces": ' + b"[" * 600 + b"]" * 600 + b"}"
    assert call(server, "POST", f"{P}/traces/batch", deep).status_code == 413
    odd = call(server, "POST", f"{P}/traces/batch", b"x", **{"content-encoding": "br"})
    assert odd.status_code == 415
    broken = call(server, "POST", f"{P}/traces/batch", b"x", **{"content-encoding": "gzip"})
    assert broken.status_code == 400
    assert call(server, "POST", f"{P}/traces/batch", {"traces": [a_trace()]}).status_code == 204


def test_what_was_acknowledged_survives_kill_9(make_server, tmp_path):
    """Killed between two records of a trace; the rest comes after the start."""
    folder = tmp_path / "killed"
    server = make_server(folder=folder)
    trace = a_trace(name="chat", input="q", thread_id="killed")
    span = {"id": ids.new_uuid(), "trace_id": trace["id"], "start_time": START, "name": "step"}
    early = ids.new_uuid()
    assert call(server, "POST", f"{P}/traces/batch", {"traces": [trace]}).status_code == 204
    assert call(server, "PATCH", f"{P}/traces/{early}", {"output": "b"}).status_code == 204
    server.kill()
    server.start()
    assert call(server, "POST", f"{P}/spans/batch", {"spans": [span]}).status_code == 204
    done = {"output": "a", "end_time": "2026-11-28T16:00:01Z"}
    assert call(server, "PATCH", f"{P}/traces/{trace['id']}", done).status_code == 204
    again = a_trace(id=early, input="a", thread_id="killed")
    assert call(server, "POST", f"{P}/traces/batch", {"traces": [again]}).status_code == 204
    server.kill()
    server.start()

    def turns():
        server.wait_derived()
        found = server.get("/threads/turns", thread_id="killed", project="opik-writes")
        return [(turn["user"], turn["assistant"]) for turn in found["items"]]

    assert sorted(turns()) == [("a", "b"), ("q", "a")]
    assert {one["name"] for one in spans_of(server, trace["id"])} == {"chat", "step"}
    assert httpx.post(f"{server.api}/rebuild").status_code == 202
    assert sorted(turns()) == [("a", "b"), ("q", "a")]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "ends after 0 characters, before the object does"),
        (b'{"traces": ', "ends after 11 characters, before the object does"),
    ],
)
def test_a_body_that_ends_early_is_told_as_that(server, body, says):
    answer = call(server, "POST", f"{P}/traces/batch", body)

    assert answer.status_code == 400
    assert says in answer.json()["message"]
